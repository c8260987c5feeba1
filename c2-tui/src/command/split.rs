//! `split`: one job for each line of a file, from a command with placeholders.
//!
//! The placeholders are those of GNU parallel. What they stand for is quoted for the shell, so that
//! a file name with a space, or worse, stays one word; where quotes of the command would undo that,
//! the command is refused.

use c2_shared::job::JobSpec;
use clap::Args;

use crate::command::batch::{Mistake, Sending, checked, read, refused};
use crate::command::submit::SpecFlags;
use crate::command::{CommandError, Context, Outcome, quoting};

/// What can stand in a command, longest first where one begins like another.
const PLACEHOLDERS: [(&str, Part); 6] = [
    ("{//}", Part::Folder),
    ("{/.}", Part::Stem),
    ("{/}", Part::Name),
    ("{.}", Part::WithoutExtension),
    ("{#}", Part::Number),
    ("{}", Part::Whole),
];

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Split {
    /// The command with `{}` for the line, `{.}` without extension, `{/}` its file name, `{//}` its
    /// folder, `{/.}` the name without extension, `{#}` its number; each is quoted for the shell, so
    /// write no quotes around it
    #[arg(value_name = "COMMAND")]
    pub(crate) command: String,
    /// A file with one input a line, `-` for standard input; blank lines are passed over
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// Put the lines into the command as they are, without quoting them for the shell
    #[arg(long)]
    pub(crate) raw: bool,
    /// What else there is to say about the jobs.
    #[command(flatten)]
    pub(crate) flags: SpecFlags,
    /// How the jobs are sent.
    #[command(flatten)]
    pub(crate) sending: Sending,
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
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        if pieces(&self.command).all(|piece| matches!(piece, Piece::Text(_))) {
            let hint = "write {} where each line of the file is to stand";
            return Err(CommandError::usage(format!("{:?} has no placeholder", self.command), hint));
        }
        if !self.raw {
            placed_well(&self.command)?;
        }
        let text = read(&self.file, context.interactive).await?;
        let spec = self.flags.defaults(context).await?;
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
            return Err(refused(&self.file, &mistakes));
        }
        self.sending.run(context, jobs, &self.file).await
    }
}

/// Refuses a command with a placeholder where a line would not stay one word.
fn placed_well(command: &str) -> Result<(), CommandError> {
    let marks = PLACEHOLDERS.map(|(mark, _)| mark);
    let Some((at, mark, place)) = quoting::misplaced(command, &marks) else { return Ok(()) };
    let column = command[..at].chars().count() + 1;
    Err(CommandError::usage(
        format!("{mark:?} at column {column} of the command stands {}", place.words()),
        format!("write {mark} without quotes, it is quoted for you; or begin with x={mark}; and write \"$x\""),
    ))
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

fn fill(command: &str, input: &str, number: usize, raw: bool) -> Result<String, String> {
    let mut filled = String::new();
    let mut pieces = pieces(command).peekable();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Part(part) if raw => filled.push_str(&part.of(input, number)),
            Piece::Part(part) => {
                let value = part.of(input, number);
                let quoted = shlex::try_quote(&value).map_err(|_| "a command cannot contain a NUL".to_owned())?;
                let redirected = matches!(pieces.peek(), Some(Piece::Text(text)) if text.starts_with(['<', '>']));
                // `2>file` redirects and `~name` is a home folder, though the words alone are harmless.
                if quoted == value && (redirected || filled.ends_with('~')) {
                    filled.push_str(&format!("'{value}'"));
                } else {
                    filled.push_str(&quoted);
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

    /// Inputs, one a line, most of which mean something to a shell.
    const HOSTILE: &str = r#"plain
a b
  two  
it's
it's "both"
$(touch x)
`touch x`
$HOME
${HOME}
$((1+1))
a\b
\
\'
'
"
\"$(touch x)\"
';touch x;'
a;touch x
a|b&c
a>b<c
*
?[a]
~
~root
root
#x
-n
!x
{a,b}
a=b
2
10
if
(x)
a	b
é ü 日本 🦀
%s\n
^x
{}
{#}"#;

    #[test]
    fn hostile_lines_arrive_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let run = |command: &str| {
            let run = std::process::Command::new("sh").args(["-c", command]).current_dir(folder.path()).output();
            String::from_utf8(run.unwrap().stdout).unwrap()
        };
        let templates = [
            ("printf '<%s>' {}", "<", ">"),
            ("printf '<%s>' x{}y", "<x", "y>"),
            ("x={}; printf '<%s>' \"$x\"", "<", ">"),
            ("printf '<%s>' \"a\"{}'b'", "<a", "b>"),
            ("printf '<%s>' ~{}", "<~", ">"),
            ("cat <<'END'; printf '<%s>' {}\n$'\"\nEND\n", "$'\"\n<", ">"),
            ("(printf '<%s>' {}) # '", "<", ">"),
            ("set -- -- {}>out; printf '%s\\n' \"$2\" >out; cat out", "", "\n"),
        ];
        for (template, before, behind) in templates {
            assert_eq!(placed_well(template), Ok(()), "{template}");
            for input in HOSTILE.lines() {
                let command = fill(template, input, 1, false).unwrap();
                assert_eq!(run(&command), format!("{before}{input}{behind}"), "{command}");
            }
        }
        std::fs::remove_file(folder.path().join("out")).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "an input was run");
    }

    #[test]
    fn a_placeholder_in_quotes_is_refused() {
        let error = placed_well("echo é \"out/{/.}.txt\"").unwrap_err();
        assert_eq!(error.message, "\"{/.}\" at column 13 of the command stands in double quotes");
        let hint = "write {/.} without quotes, it is quoted for you; or begin with x={/.}; and write \"$x\"";
        assert_eq!(error.hint.as_deref(), Some(hint));
    }

    #[test]
    fn an_input_is_never_read_as_a_placeholder() {
        assert_eq!(fill("{} {#}", "{#}", 3, true).unwrap(), "{#} 3");
    }
}
