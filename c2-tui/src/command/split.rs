//! `split`: one job for each line of a file, for each combination of values, or for both together, from a
//! command and flags with placeholders.

use clap::Args;

use crate::command::batch::{self, Placed, Sending};
use crate::command::draft::Draft;
use crate::command::job_flags::JobFlags;
use crate::command::placeholders::{Input, Marks};
use crate::command::sweep::{self, Axis};
use crate::command::{CommandError, Context, Outcome, foreign, text};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Split {
    /// The command with `{}` for the line, `{.}` without extension, `{/}` its file name, `{//}` its
    /// folder, `{/.}` the name without extension, `{#}` its number; with --sweep=lr=.. `{lr}` for its
    /// value. Each is quoted for the shell, so write no quotes around it. `\{\}` is `{}` itself
    #[arg(value_name = "COMMAND")]
    pub(crate) command: String,
    /// A file with one input a line, `-` for standard input; blank lines are ignored
    #[arg(value_name = "FILE", required_unless_present = "sweep")]
    pub(crate) file: Option<String>,
    /// Values that stand in turn for `{NAME}`, like `lr=0.1,0.01`, `seed=1-10` or `n=0-100:5`; of several
    /// each combination is a job
    #[arg(long, value_name = "NAME=VALUES")]
    pub(crate) sweep: Vec<String>,
    /// Put the lines and values into the command as they are, without quoting them for the shell
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

impl Split {
    /// What to write where nothing of an input stands in the command.
    fn way_to_a_placeholder(&self) -> String {
        let file = self.file.as_deref().unwrap_or("FILE");
        if Marks::of_lines().are_in(file) {
            return format!("the command stands first: split {} {}", foreign::quoted(file), self.command);
        }
        // As parallel, printf and xargs -I have it.
        let other = ["{1}", "%s", "{line}", "{file}", "{f}", "$1"].into_iter().find(|mark| self.command.contains(mark));
        let command = match other {
            Some(mark) => self.command.replace(mark, "{}"),
            None => format!("{} {{}}", self.command),
        };
        format!("write {{}} where each line of the file is to stand: split {} {file}", foreign::quoted(&command))
    }

    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let axes = sweep::axes(&self.sweep)?;
        let marks = self.marks(&axes);
        let texts = || std::iter::once(&self.command).chain(self.flags.texts());
        if self.file.is_some() && !texts().any(|text| Marks::of_lines().are_in(text)) {
            let message = format!("{:?} has no placeholder", self.command);
            return Err(CommandError::usage(message, self.way_to_a_placeholder()));
        }
        for Axis { name, .. } in &axes {
            if !texts().any(|text| Marks::named([name.clone()]).are_in(text)) {
                let message = format!("{name} is swept, and {{{name}}} stands nowhere in the command and its flags");
                let hint = format!("write {{{name}}} where its values are to stand, or leave out --sweep={name}=..");
                return Err(CommandError::usage(message, hint));
            }
        }
        if self.sending.idempotency_key.as_deref().is_some_and(|key| marks.are_in(key)) {
            let message = "--idempotency-key is for all jobs of the list together, so no line can stand in it";
            return Err(CommandError::usage(message, "write a key of your own without placeholders"));
        }
        if !self.raw {
            marks.placed_well(&self.command)?;
        }
        let lines = match &self.file {
            Some(file) => inputs(file, text::bytes(file, context.interactive).await?, self.null)?,
            None => vec![(String::new(), String::new())],
        };
        if lines.is_empty() {
            let message = format!("there is no input in {}", text::named(self.file.as_deref().unwrap_or_default()));
            return Err(CommandError::refused(message, "write an input on each line; blank lines are none"));
        }
        let lines_of_file = self.file.is_some().then_some(lines.len());
        sweep::check_count(lines_of_file, &axes)?;
        let mut read = Vec::new();
        for (number, (place, line)) in (1..).zip(lines) {
            for values in sweep::combinations(&axes) {
                let place = [place.clone()].into_iter().filter(|place| !place.is_empty());
                let swept = axes.iter().zip(&values).map(|(axis, value)| format!("{}={value}", axis.name));
                let place = place.chain(swept).collect::<Vec<_>>().join(", ");
                read.push((place, self.draft(&marks, &Input { line: line.clone(), number, values })));
            }
        }
        let source = self.file.as_deref().unwrap_or("--sweep");
        self.sending.clone().run(context, read, source).await
    }

    /// What stands for something else in the command and its flags.
    fn marks(&self, axes: &[Axis]) -> Marks {
        let named = Marks::named(axes.iter().map(|axis| axis.name.clone()));
        if self.file.is_some() { named.and(Marks::of_lines()) } else { named }
    }

    /// Whether something is to be put into a text.
    pub(crate) fn fills(&self, text: &str) -> bool {
        // What is wrong with a sweep is told when it is run.
        self.marks(&sweep::axes(&self.sweep).unwrap_or_default()).are_in(text)
    }

    /// The job for one input.
    fn draft(&self, marks: &Marks, input: &Input) -> Result<Draft, String> {
        let command = marks.fill(&self.command, input, self.raw)?;
        let flags = self.flags.filled(|text, holds| marks.filled(text, input, holds));
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
            CommandError::refused(format!("input {number} of {} is not valid UTF-8", text::named(file)), hint)
        })?;
        let inputs = text.split('\0').enumerate().filter(|(_, input)| !input.is_empty());
        return Ok(inputs.map(|(i, input)| (format!("input {}", i + 1), input.to_owned())).collect());
    }
    let text = text::of_lines(file, bytes, hint)?;
    if text.contains('\0') {
        let hint = "read a list of find -print0 with: split COMMAND FILE --null";
        return Err(CommandError::refused(format!("{} has NUL characters", text::named(file)), hint));
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(i, line)| (format!("line {}", i + 1), line.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job_flags::Holds;

    fn placed_well(command: &str) -> Result<(), CommandError> {
        Marks::of_lines().placed_well(command)
    }

    fn fill(command: &str, line: &str, number: usize, raw: bool) -> Result<String, String> {
        Marks::of_lines().fill(command, &Input::line(line, number), raw)
    }

    fn filled(text: &str, line: &str, number: usize, holds: Holds) -> String {
        Marks::of_lines().filled(text, &Input::line(line, number), holds)
    }

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
    const PLAIN: [&str; 24] = [
        "printf '<%s>' {}",
        "printf '<%s>' {} # it's",
        "x=a{}'b'\"c\"; x=${x#a}; printf '<%s>' \"${x%bc}\"",
        "x=a~{}; printf '<%s>' \"${x#a~}\"",
        "for x in {} ; do printf '<%s>' \"$x\"; done",
        "[ x{} ] && printf '<%s>' {}",
        "case {} in *) printf '<%s>' {};; esac",
        "cat <<E >/dev/null; printf '<%s>' {}\n`x` '\"\nE",
        "printf '<%s>' ''{}\"\"",
        "x={}; printf '<%s>' \"$x\"",
        "set -- {}; printf '<%s>' \"$1\"",
        "f() { printf '<%s>' \"$1\"; }; f {}",
        "case x in x) printf '<%s>' {};; esac",
        "(printf '<%s>' {}) # it's",
        "sh -c 'printf \"<%s>\" \"$1\"' sh {}",
        "printf '<%s>' {} | cat",
        "if true; then printf '<%s>' {}; fi",
        "printf '<%s>' \"$(printf %s {}; echo .)\" | sed '$s/\\.>$/>/'",
        "echo \"\\\"'$((1+1))\" >/dev/null; printf '<%s>' {}",
        "printf '<%s>' \\\n  {}",
        "x='it'\\''s' y=\"\\`\"; printf '<%s>' {}",
        "{ printf '<%s>' {}; } 2>/dev/null",
        "printf '<'; printf %s {}; printf '>'",
        "set -- {}; eval 'printf \"<%s>\" \"$1\"'",
    ];

    /// In these its own quotes would end others, or mean nothing: the line is refused.
    const QUOTED: [&str; 16] = [
        "printf '<%s>' {} # {}",
        "printf '<%s>' `echo {}`",
        "printf '<%s>' \"{}\"",
        "printf '<%s>' '{}'",
        "printf '<%s>' \"a\"'{}'",
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
        "printf '<%s>' $(( {} ))",
    ];

    /// Names of every kind that a line or `find -print0` can bring, from a seed.
    fn names(seed: u64, count: usize) -> Vec<String> {
        const CHARACTERS: [char; 39] = [
            ' ', '\t', '\n', '\r', '\u{1}', '\'', '"', '\\', '$', '`', '(', ')', '{', '}', '[', ']', '*', '?', '!',
            '~', '#', '%', '&', '|', ';', '<', '>', '=', '-', '/', '.', ',', ':', '^', 'a', 'n', '0', 'é', '漢',
        ];
        let mut state = seed;
        let mut below = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % bound
        };
        let mut name = || (0..=below(12)).map(|_| CHARACTERS[below(CHARACTERS.len())]).collect::<String>();
        (0..count).map(|_| name()).chain(HOSTILE.lines().map(str::to_owned)).collect()
    }

    #[test]
    fn what_a_job_receives_is_the_name_or_the_line_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (seed, template) in (0x2545_f491_4f6c_dd1d..).zip(PLAIN) {
            assert_eq!(placed_well(template), Ok(()), "{template}");
            let names = names(seed, 150);
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
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a name was run");
        for template in QUOTED {
            assert!(placed_well(template).is_err(), "{template}");
        }
        // The line brings the template as it is, in either quote of the console.
        for template in PLAIN {
            let escaped: String =
                template.chars().flat_map(|c| "\\\"$`".contains(c).then_some('\\').into_iter().chain([c])).collect();
            for line in [format!("split '{}' f", template.replace('\'', "'\\''")), format!("split \"{escaped}\" f")] {
                let Ok(crate::command::Verb::Command(crate::command::Command::Split(split))) =
                    crate::command::parse(&line)
                else {
                    unreachable!("{line}")
                };
                assert_eq!(split.command, template, "{line}");
            }
        }
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
            Ok(crate::command::Verb::Command(crate::command::Command::Split(split))) => *split.0,
            other => unreachable!("{line}: {other:?}"),
        };
        let draft = split(
            "split 'x {}' f --upload={} --name={/.} --download={.}.mp3 --env=F={/} --priority={#} --timeout={/.}",
        );
        let draft = draft.draft(&Marks::of_lines(), &Input::line("in/5m.wav", 7)).unwrap();
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

    #[test]
    fn values_of_a_sweep_stand_for_their_names() {
        let marks = Marks::named(["lr".to_owned(), "l".to_owned()]);
        let input = Input { values: vec!["0.1".to_owned(), "a b".to_owned()], ..Input::default() };
        let table = [
            ("train {lr} {l} {} {x} {#}", "train 0.1 'a b' {} {x} {#}"),
            (r"f \{lr\} {lr}", "f {lr} 0.1"),
            ("{lr}{l}", "0.1'a b'"),
        ];
        for (command, expected) in table {
            assert_eq!(marks.fill(command, &input, false).unwrap(), expected, "{command}");
        }
        assert!(marks.placed_well("echo ${lr}").is_err() && marks.placed_well("echo '{}' {lr}").is_ok());
        let both = marks.and(Marks::of_lines());
        let input = Input { line: "x.txt".to_owned(), number: 3, ..input };
        assert_eq!(both.fill("{.} {lr} {#} {}", &input, false).unwrap(), "x 0.1 3 x.txt");
    }
}
