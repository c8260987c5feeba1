//! `split`: one job for each line of a file, from a command with placeholders.
//!
//! The placeholders are those of GNU parallel. What they stand for is quoted for the shell, so that
//! a file name with a space, or worse, stays one word.

use c2_shared::job::JobSpec;
use clap::Args;

use crate::command::batch::{Mistake, Sending, checked, complaint, read};
use crate::command::submit::SpecFlags;
use crate::command::{Complaint, Context, Outcome};

/// What can stand in a command, longest first where one begins like another.
const PLACEHOLDERS: [(&str, Part); 6] = [
    ("{//}", Part::Folder),
    ("{/.}", Part::Stem),
    ("{/}", Part::Name),
    ("{.}", Part::WithoutExtension),
    ("{#}", Part::Number),
    ("{}", Part::Whole),
];

/// The arguments of `split`.
#[derive(Clone, Debug, Args)]
pub struct Split {
    /// The command with `{}` for the line, `{.}` without extension, `{/}` its file name, `{//}` its
    /// folder, `{/.}` the name without extension, `{#}` its number
    #[arg(value_name = "COMMAND")]
    pub command: String,
    /// A file with one input a line, `-` for standard input; blank lines are passed over
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Put the lines into the command as they are, without quoting them for the shell
    #[arg(long)]
    pub raw: bool,
    /// What else there is to say about the jobs.
    #[command(flatten)]
    pub flags: SpecFlags,
    /// How the jobs are sent.
    #[command(flatten)]
    pub sending: Sending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    WithoutExtension,
    Name,
    Folder,
    Stem,
    Number,
}

impl Split {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, Complaint> {
        if pieces(&self.command).all(|piece| matches!(piece, Piece::Text(_))) {
            let hint = "write {} where each line of the file is to stand";
            return Err(Complaint::usage(format!("{:?} has no placeholder", self.command), hint));
        }
        let text = read(&self.file, context.interactive).await?;
        let spec = self.flags.spec(context).await?;
        let inputs = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (mut jobs, mut mistakes) = (Vec::new(), Vec::new());
        for (line, input) in inputs {
            let command = fill(&self.command, input, jobs.len() + mistakes.len() + 1, self.raw);
            match command.and_then(|command| checked(JobSpec { command, ..spec.clone() })) {
                Ok(job) => jobs.push(job),
                Err(words) => mistakes.push(Mistake { place: format!("line {}", line + 1), words }),
            }
        }
        if !mistakes.is_empty() {
            return Err(complaint(&self.file, &mistakes));
        }
        self.sending.run(context, jobs, &self.file).await
    }
}

enum Piece<'a> {
    Text(&'a str),
    Part(Part),
}

/// A command as texts and placeholders.
fn pieces(command: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = command;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((word, part)) = PLACEHOLDERS.into_iter().find(|(word, _)| rest.starts_with(word)) {
            rest = &rest[word.len()..];
            return Some(Piece::Part(part));
        }
        let starts = PLACEHOLDERS.into_iter().filter_map(|(word, _)| rest.find(word)).min().unwrap_or(rest.len());
        let (text, behind) = rest.split_at(starts);
        rest = behind;
        Some(Piece::Text(text))
    })
}

/// The command for one input.
fn fill(command: &str, input: &str, number: usize, raw: bool) -> Result<String, String> {
    let mut filled = String::new();
    for piece in pieces(command) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Part(part) => {
                let value = part.of(input, number);
                if raw {
                    filled.push_str(&value);
                } else {
                    filled
                        .push_str(&shlex::try_quote(&value).map_err(|_| "a command cannot contain a NUL".to_owned())?);
                }
            }
        }
    }
    Ok(filled)
}

impl Part {
    fn of(self, input: &str, number: usize) -> String {
        let (folder, name) = input.rsplit_once('/').map_or((None, input), |(folder, name)| (Some(folder), name));
        // A leading dot hides a file and begins no extension.
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
        match self {
            Self::Whole => input.to_owned(),
            Self::WithoutExtension => input[..input.len() - name.len() + stem.len()].to_owned(),
            Self::Name => name.to_owned(),
            Self::Folder => match folder {
                None => ".".to_owned(),
                Some("") => "/".to_owned(),
                Some(folder) => folder.to_owned(),
            },
            Self::Stem => stem.to_owned(),
            Self::Number => number.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_as_in_parallel() {
        let table = [
            ("{}", "a/b.tar.gz", "a/b.tar.gz"),
            ("{.}", "a/b.tar.gz", "a/b.tar"),
            ("{/}", "a/b.tar.gz", "b.tar.gz"),
            ("{//}", "a/b.tar.gz", "a"),
            ("{/.}", "a/b.tar.gz", "b.tar"),
            ("{#}", "a/b.tar.gz", "7"),
            ("{//}", "b", "."),
            ("{//}", "/b", "/"),
            ("{.}", "a.b/c", "a.b/c"),
            ("{.}", "a/.hidden", "a/.hidden"),
            ("cp {} {.}.bak && echo {#}", "x.txt", "cp x.txt x.bak && echo 7"),
            ("echo {} {x} }{", "a b", "echo 'a b' {x} }{"),
        ];
        for (command, input, expected) in table {
            assert_eq!(fill(command, input, 7, false).unwrap(), expected, "{command} {input}");
        }
    }

    #[test]
    fn hostile_lines_stay_one_word_unless_raw() {
        let input = "$(reboot); `x` 'y'";
        let quoted = fill("echo {}", input, 1, false).unwrap();
        assert_eq!(shlex::split(&quoted).unwrap(), ["echo", input]);
        assert_eq!(fill("echo {}", "a b", 1, true).unwrap(), "echo a b");
    }

    #[test]
    fn an_input_is_never_read_as_a_placeholder() {
        assert_eq!(fill("{} {#}", "{#}", 3, true).unwrap(), "{#} 3");
    }
}
