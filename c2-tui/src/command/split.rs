//! `split`: one job for each line of a file, from a command and flags with placeholders.
//!
//! The placeholders are those of GNU parallel. What they stand for is quoted for the shell, so that
//! a file name with a space, or worse, stays one word; where quotes of the command would undo that,
//! the command is refused. Flags take it as it is.

use clap::Args;

use crate::command::batch::{self, Placed, Sending};
use crate::command::draft::Draft;
use crate::command::job_flags::{Holds, JobFlags, item};
use crate::command::{CommandError, Context, Outcome, quoting, text};

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
    /// write no quotes around it. `\{\}` is `{}` itself
    #[arg(value_name = "COMMAND")]
    pub(crate) command: String,
    /// A file with one input a line, `-` for standard input; blank lines are ignored
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// Put the lines into the command as they are, without quoting them for the shell
    #[arg(long)]
    pub(crate) raw: bool,
    /// The inputs of the file are separated by NUL, as `find -print0` writes them
    #[arg(long)]
    pub(crate) null: bool,
    /// What else there is to say about the jobs; placeholders stand for the line here too.
    #[command(flatten)]
    pub(crate) flags: JobFlags,
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
        if !std::iter::once(&self.command).chain(self.flags.texts()).any(|text| has_placeholder(text)) {
            let hint = "write {} where each line of the file is to stand";
            return Err(CommandError::usage(format!("{:?} has no placeholder", self.command), hint));
        }
        if self.sending.idempotency_key.as_deref().is_some_and(has_placeholder) {
            let message = "--idempotency-key is for all jobs of the list together, so no line can stand in it";
            return Err(CommandError::usage(message, "write a key of your own without {}"));
        }
        if !self.raw {
            placed_well(&self.command)?;
        }
        let bytes = text::bytes(&self.file, context.interactive).await?;
        let inputs = inputs(&self.file, bytes, self.null)?;
        let draft = |(number, (place, input)): (usize, Placed<String>)| (place, self.draft(&input, number + 1));
        let read = inputs.into_iter().enumerate().map(draft).collect();
        self.sending.clone().run(context, read, &self.file).await
    }

    /// The job for one input.
    fn draft(&self, input: &str, number: usize) -> Result<Draft, String> {
        let command = fill(&self.command, input, number, self.raw)?;
        let flags = self.flags.filled(|text, holds| filled(text, input, number, holds));
        Ok(Draft { flags, base: batch::of_command(command), script: None })
    }
}

/// The inputs of a file, each with its place.
fn inputs(file: &str, bytes: Vec<u8>, null: bool) -> Result<Vec<Placed<String>>, CommandError> {
    let hint = "a name that is not UTF-8 cannot stand in a command; rename such files, as with convmv, or let the job \
                find them by a pattern";
    if null {
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let number = valid.iter().filter(|byte| **byte == 0).count() + 1;
            CommandError::refused(format!("input {number} of {file:?} is not valid UTF-8"), hint)
        })?;
        let inputs = text.split('\0').enumerate().filter(|(_, input)| !input.is_empty());
        return Ok(inputs.map(|(i, input)| (format!("input {}", i + 1), input.to_owned())).collect());
    }
    let text = text::of_lines(file, bytes, hint)?;
    if text.contains('\0') {
        let hint = "read a list of find -print0 with: split COMMAND FILE --null";
        return Err(CommandError::refused(format!("{file:?} has NUL characters"), hint));
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(i, line)| (format!("line {}", i + 1), line.to_owned())).collect())
}

/// Whether an input would be put into a text.
pub(crate) fn has_placeholder(text: &str) -> bool {
    pieces(text).any(|piece| matches!(piece, Piece::Part(_)))
}

/// Refuses a command with a placeholder where a line would not stay one word.
fn placed_well(command: &str) -> Result<(), CommandError> {
    let marks = PLACEHOLDERS.map(|(mark, _)| mark);
    let Some((at, mark, place)) = quoting::misplaced(command, &marks) else { return Ok(()) };
    let column = command[..at].chars().count() + 1;
    let itself = mark.replace('{', "\\{").replace('}', "\\}");
    let hint = match place {
        // `${#}` is the shell's own.
        quoting::Place::Dollar => format!("for these characters themselves write ${itself}"),
        quoting::Place::Comment => format!("leave it out of the comment, or write {itself} there"),
        _ => format!("write {mark} without quotes, it is quoted for you; or begin with x={mark}; and write \"$x\""),
    };
    Err(CommandError::usage(format!("{mark:?} at column {column} of the command stands {}", place.words()), hint))
}

enum Piece<'a> {
    Text(&'a str),
    Part(Part),
}

/// A text as texts and placeholders. A placeholder whose braces have backslashes is text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((mark, part)) = PLACEHOLDERS.into_iter().find(|(mark, _)| rest.starts_with(mark)) {
            rest = &rest[mark.len()..];
            return Some(Piece::Part(part));
        }
        if let Some((mark, len)) = literal(rest) {
            rest = &rest[len..];
            return Some(Piece::Text(mark));
        }
        let is_text = |at: &usize| {
            let rest = &rest[*at..];
            literal(rest).is_none() && !PLACEHOLDERS.iter().any(|(mark, _)| rest.starts_with(mark))
        };
        let ends = rest.match_indices(['{', '\\']).map(|(at, _)| at).find(|at| !is_text(at)).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(ends);
        rest = behind;
        Some(Piece::Text(text))
    })
}

/// A placeholder that is meant literally, as `\{/.\}`, and how long that is.
fn literal(text: &str) -> Option<(&'static str, usize)> {
    let inside = text.strip_prefix("\\{")?;
    let (mark, _) = PLACEHOLDERS.into_iter().find(|(mark, _)| {
        let within = &mark[1..mark.len() - 1];
        inside.strip_prefix(within).is_some_and(|rest| rest.starts_with("\\}"))
    })?;
    Some((mark, mark.len() + 2))
}

/// A flag's text with the input in it.
fn filled(text: &str, input: &str, number: usize, holds: Holds) -> String {
    let value = |part: Part| {
        let value = part.of(input, number);
        match holds {
            Holds::Text => value,
            Holds::Paths => item(&value),
            Holds::Patterns => plain_pattern(&value),
        }
    };
    pieces(text)
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Part(part) => value(part),
        })
        .collect()
}

/// A name as a pattern that means it alone.
fn plain_pattern(name: &str) -> String {
    let mut pattern = String::new();
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | ',') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
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
            (r"awk 'BEGIN\{\}{print}' {}", "a", "awk 'BEGIN{}{print}' a"),
            (r"f() { echo $\{#\}; }; f {}", "a", "f() { echo ${#}; }; f a"),
            (r"curl -d \{\} h/{}; \{/.\} \{x\} \{", "a", r"curl -d {} h/a; {/.} \{x\} \{"),
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

    /// In each of these an input stands in another quoting; what is received is printed in brackets.
    const QUOTINGS: [&str; 32] = [
        "printf '<%s>' {}",
        "printf '<%s>' {} # {}",
        "x=a{}'b'\"c\"; x=${x#a}; printf '<%s>' \"${x%bc}\"",
        "x=a~{}; printf '<%s>' \"${x#a~}\"",
        "for x in {} ; do printf '<%s>' \"$x\"; done",
        "[ x{} ] && printf '<%s>' {}",
        "case {} in *) printf '<%s>' {};; esac",
        "cat <<E >/dev/null; printf '<%s>' {}\n`x` '\"\nE",
        "printf '<%s>' `echo {}`",
        "printf '<%s>' ''{}\"\"",
        "x={}; printf '<%s>' \"$x\"",
        "set -- {}; printf '<%s>' \"$1\"",
        "f() { printf '<%s>' \"$1\"; }; f {}",
        "case x in x) printf '<%s>' {};; esac",
        "(printf '<%s>' {}) # it's",
        "sh -c 'printf \"<%s>\" \"$1\"' sh {}",
        "printf '<%s>' {} | cat",
        "if true; then printf '<%s>' {}; fi",
        "printf '<%s>' \"{}\"",
        "printf '<%s>' '{}'",
        "printf '<%s>' \"a\"'{}'",
        "printf '<%s>' \"$(printf %s {})\"",
        "printf '<%s>' \"$(printf %s \"{}\")\"",
        "printf '<%s>' \"`printf %s {}`\"",
        "printf '<%s>' \\{}",
        "printf '<%s>' ${x:-{}}",
        "printf '<%s>' \"${x:-{}}\"",
        "printf '<'; cat <<END\n{}\nEND\nprintf '>'",
        "printf '<'; cat <<'END'\n{}\nEND\nprintf '>'",
        "eval \"printf '<%s>' {}\"",
        "sh -c 'printf \"<%s>\" {}'",
        "printf '<%s>' $'{}'",
    ];

    #[test]
    fn what_a_job_receives_is_the_name_or_the_line_is_refused() {
        const CHARACTERS: [char; 39] = [
            ' ', '\t', '\n', '\r', '\u{1}', '\'', '"', '\\', '$', '`', '(', ')', '{', '}', '[', ']', '*', '?', '!',
            '~', '#', '%', '&', '|', ';', '<', '>', '=', '-', '/', '.', ',', ':', '^', 'a', 'n', '0', 'é', '漢',
        ];
        let folder = tempfile::tempdir().unwrap();
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % bound
        };
        let mut name = || (0..=below(12)).map(|_| CHARACTERS[below(CHARACTERS.len())]).collect::<String>();
        let mut accepted = 0;
        for template in QUOTINGS {
            if placed_well(template).is_err() {
                continue;
            }
            accepted += 1;
            let names: Vec<String> = (0..150).map(|_| name()).collect();
            let commands = names.iter().map(|name| fill(template, name, 1, false).unwrap() + "\nprintf '\\0'\n");
            std::fs::write(folder.path().join("all"), commands.collect::<String>()).unwrap();
            for shell in ["sh", "bash"] {
                let ran = std::process::Command::new(shell).arg("all").current_dir(folder.path()).output().unwrap();
                let received = String::from_utf8(ran.stdout).unwrap();
                let received: Vec<&str> = received.split_terminator('\0').collect();
                let expected: Vec<String> = names.iter().map(|name| format!("<{name}>")).collect();
                assert_eq!(received, expected, "{shell}: {template}");
            }
        }
        assert!((10..QUOTINGS.len()).contains(&accepted), "{accepted}: neither all nor none is refused");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a name was run");
    }

    #[test]
    fn a_placeholder_in_quotes_is_refused() {
        let error = placed_well("echo é \"out/{/.}.txt\"").unwrap_err();
        assert_eq!(error.message, "\"{/.}\" at column 13 of the command stands in double quotes");
        let hint = "write {/.} without quotes, it is quoted for you; or begin with x={/.}; and write \"$x\"";
        assert_eq!(error.hint.as_deref(), Some(hint));
        let own = "f() { echo ${#}; }; f";
        let hint = placed_well(own).unwrap_err().hint.unwrap();
        assert_eq!(hint, r"for these characters themselves write $\{#\}");
        assert_eq!(fill(r"f() { echo $\{#\}; }; f", "x", 1, false).unwrap(), own);
    }

    #[test]
    fn flags_take_an_input_as_it_is() {
        let table = [
            ("{}", Holds::Text, "in/a,b [1].wav", "in/a,b [1].wav"),
            ("{}:{/.}.mp3", Holds::Paths, "in/a,b.wav", "in/a\\,b.wav:a\\,b.mp3"),
            ("{.}.mp3,*.log", Holds::Patterns, "a[1],b.wav", "a\\[1\\]\\,b.mp3,*.log"),
            ("F={/}", Holds::Text, "x/$HOME", "F=$HOME"),
            (r"\{\}{#}", Holds::Text, "x", "{}4"),
        ];
        for (text, holds, input, expected) in table {
            assert_eq!(filled(text, input, 4, holds), expected, "{text}");
        }
        let split = |line: &str| match crate::command::parse(line) {
            Ok(crate::command::Verb::Command(crate::command::Command::Split(split))) => *split,
            other => unreachable!("{line}: {other:?}"),
        };
        let draft = split(
            "split 'x {}' f --upload={} --name={/.} --download={.}.mp3 --env=F={/} --priority={#} --timeout={/.}",
        );
        let draft = draft.draft("in/5m.wav", 7).unwrap();
        let spec = draft.flags.spec(draft.base).unwrap();
        assert_eq!((spec.command.as_str(), spec.name.as_deref()), ("x in/5m.wav", Some("5m")));
        assert_eq!((spec.download, spec.priority, spec.timeout_s), (vec!["in/5m.mp3".to_owned()], 7, Some(300)));
        assert_eq!((spec.env["F"].as_str(), draft.flags.upload), ("5m.wav", vec!["in/5m.wav".to_owned()]));
    }

    #[test]
    fn inputs_are_lines_or_stand_between_nuls() {
        let read = |bytes: &[u8], null| inputs("f", bytes.to_vec(), null).map_err(|error| error.message);
        let placed = |inputs: &[(&str, &str)]| Ok(inputs.iter().map(|(p, i)| ((*p).into(), (*i).into())).collect());
        assert_eq!(read(b"a\n\n b \n", false), placed(&[("line 1", "a"), ("line 3", " b ")]));
        assert_eq!(read(b"a\nb\0\r\0c", true), placed(&[("input 1", "a\nb"), ("input 2", "\r"), ("input 3", "c")]));
        assert_eq!(read(b"a\0b\0", false), Err("\"f\" has NUL characters".to_owned()));
        assert_eq!(read(b"a\ncaf\xe9", false), Err("line 2 of \"f\" is not valid UTF-8".to_owned()));
        assert_eq!(read(b"a\0caf\xe9", true), Err("input 2 of \"f\" is not valid UTF-8".to_owned()));
    }

    #[test]
    fn an_input_is_never_read_as_a_placeholder() {
        assert_eq!(fill("{} {#}", "{#}", 3, true).unwrap(), "{#} 3");
    }
}
