//! Reads a line as a command: words first, then the one grammar.

use c2_shared::job::JobSpec;
use clap::Parser as _;
use clap::error::ErrorKind;

use crate::command::grammar::Grammar;
use crate::command::lex::{LexError, Word, lex, scan};
use crate::command::{Command, CommandError, Verb, commas, flags_first, foreign, habits, help, mistake, sweep, table};

/// A command with the text that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entered {
    pub(crate) text: String,
    pub(crate) command: Command,
}

impl Entered {
    /// The first word of the text, without quotes.
    pub(crate) fn verb(&self) -> String {
        scan(&self.text).0.into_iter().next().map(|word| word.text).unwrap_or_default()
    }
}

pub(crate) fn parse(line: &str) -> Result<Verb, CommandError> {
    let words = lex(line)?;
    let Some(Word { text: verb, .. }) = words.first() else {
        return Err(CommandError::usage("the line is empty", "`help` lists the commands"));
    };
    let curly = words.iter().find(|word| !word.is_quoted() && word.text.starts_with(['“', '”', '„', '‘', '’']));
    if let Some(Word { text, .. }) = curly {
        let message = format!("{text:?} begins with a curly quote, which quotes nothing");
        return Err(CommandError::usage(message, "type straight quotes: \" or '"));
    }
    if let Some(word) = words.iter().find(|word| line[word.span.clone()].starts_with("$'")) {
        let message = format!("{} is quoted as only bash does", &line[word.span.clone()]);
        return Err(CommandError::usage(message, "use plain quotes, in which a text may have several lines"));
    }
    match Grammar::try_parse_from(commas::closed(&words).iter().map(AsRef::as_ref)) {
        Ok(Grammar { verb: Verb::Command(Command::Pdsh(mut pdsh)) }) => {
            flags_first::check(&pdsh, line, &words)?;
            // Several words are shell text as they were typed, quotes and all; but a first one that is in
            // quotes is shell text itself, to which the others are added.
            if let [first, .., last] = &words[words.len() - pdsh.command.len()..] {
                let begin = if first.is_quoted() { &first.text } else { &line[first.span.clone()] };
                pdsh.command = vec![format!("{begin}{}", &line[first.span.end..last.span.end])];
            }
            Ok(Verb::Command(Command::Pdsh(pdsh)))
        }
        Ok(grammar) => {
            check_values(&grammar.verb)?;
            Ok(grammar.verb)
        }
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(Verb::Command(Command::Help(help::Help {
            // `--help` alone has no verb to explain.
            command: Some(verb.clone()).filter(|verb| !verb.starts_with('-')),
        }))),
        Err(error) => match table::known(verb) {
            Ok(command) => {
                let mistake = mistake::of(&error, command, Some((line, &words)));
                Err(match habits::line(line, &words).filter(|ours| ours != line.trim()) {
                    Some(ours) => mistake.hint(format!("write it as: {ours}")),
                    None => mistake,
                })
            }
            Err(unknown) => Err(match foreign::line(line, &words) {
                Some(ours) => unknown.hint(format!("write it as: {ours}")),
                None => unknown,
            }),
        },
    }
}

/// Reads the values of a job's flags, which are kept as texts. Those of `split` that wait for an input
/// are read when it is there.
fn check_values(verb: &Verb) -> Result<(), CommandError> {
    let (name, flags) = match verb {
        Verb::Command(Command::Submit(submit)) => {
            submit.array.as_deref().map(sweep::indexes).transpose()?;
            ("submit", &submit.flags)
        }
        Verb::Command(Command::Batch(batch)) => ("batch", &batch.flags),
        Verb::Command(Command::Split(split)) => {
            sweep::axes(&split.sweep)?;
            ("split", &split.flags)
        }
        Verb::Command(Command::Schedule(schedule)) => {
            schedule.check()?;
            ("schedule", &schedule.flags)
        }
        Verb::Command(Command::Notify(notify)) => return notify.check(),
        Verb::Command(Command::Copy(copy)) => return copy.check(),
        Verb::Command(Command::GetFiles(files)) => {
            let usage = |error: crate::command::job_name::JobNameError| {
                CommandError::usage(format!("<JOB>...: {error}"), "usage: get-files <JOB>... [DIR]")
            };
            return files.check().map_err(usage);
        }
        Verb::Command(_) | Verb::Console(_) => return Ok(()),
    };
    let fills = |text: &str| match verb {
        Verb::Command(Command::Submit(submit)) => submit.fills(text),
        Verb::Command(Command::Split(split)) => split.fills(text),
        _ => false,
    };
    match flags.spec(JobSpec::default()) {
        Err(error) if fills(&error.value) => Ok(()),
        Err(error) => Err(error.in_line(&table::known(name)?.usage)),
        Ok(_) => Ok(()),
    }
}

impl From<LexError> for CommandError {
    fn from(error: LexError) -> Self {
        let hint = match error {
            LexError::OpenQuote { quote, .. } => format!("add a closing {quote}"),
            LexError::LoneBackslash { .. } => "remove it, or write \\\\ for a backslash".to_owned(),
        };
        Self::usage(error.to_string(), hint)
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::id::JobId;
    use c2_shared::job::Standing;

    use super::*;
    use crate::command::job_name::{JobName, JobNames};
    use crate::command::submit::Submit;
    use crate::command::{Console, Kind};

    fn refused(line: &str, message: &str, hint: &str) {
        let error = parse(line).map(|command| format!("{command:?}")).unwrap_err();
        assert_eq!((error.message.as_str(), error.kind), (message, Kind::Usage), "{line:?}");
        assert_eq!(error.hint.unwrap_or_default(), hint, "{line:?}");
    }

    fn submit(line: &str) -> Submit {
        match parse(line) {
            Ok(Verb::Command(Command::Submit(submit))) => *submit.0,
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_a_hint() {
        refused("", "the line is empty", "`help` lists the commands");
        refused("lsit", "unknown command \"lsit\"", "did you mean \"list\"?");
        refused("frobnicate", "unknown command \"frobnicate\"", "`help` lists the commands");
        refused("--json", "unknown command \"--json\"", "`help` lists the commands");
        refused("jobs --al", "unknown flag \"--al\" of jobs", "did you mean \"--all\"?");
        refused("jobs --zzz", "unknown flag \"--zzz\" of jobs", "usage: jobs [OPTIONS]");
        refused("jobs -x", "unknown flag \"-x\" of jobs", "usage: jobs [OPTIONS]");
        refused("info", "info needs <WORKER>", "usage: info <WORKER>");
        refused("cancel", "cancel needs <JOB>...", "usage: cancel [OPTIONS] <JOB>...");
        refused("submit", "submit needs <COMMAND>", "usage: submit [OPTIONS] <COMMAND>");
        let quotes = "put the command in quotes: submit \"echo hi\"";
        refused("submit echo hi", "unexpected \"hi\" after submit", quotes);
        let quotes = "put the command in quotes: submit \"python a.py --lr 3 > log\" --group gpu --wait";
        refused("submit python a.py --lr 3 --group gpu > log --wait", "unexpected \"a.py\" after submit", quotes);
        refused("submit ls -l", "unknown flag \"-l\" of submit", "put the command in quotes: submit \"ls -l\"");
        refused("list all", "unexpected \"all\" after list", "usage: list");
        refused("jobs --state=runing", "\"runing\" does not fit --state <STATE>", "did you mean \"running\"?");
        refused("jobs --state", "--state <STATE> needs a value", "usage: jobs [OPTIONS]");
        refused("log x", "[N]: \"x\" is not a whole number", "usage: log [OPTIONS] [N]");
        refused("jobs --all=yes", "--all takes no value, but got \"yes\"", "usage: jobs [OPTIONS]");
        refused("jobs --all --all", "--all is given twice", "usage: jobs [OPTIONS]");
        refused("submit \"x", "the quote \" at column 8 is not closed", "add a closing \"");
        refused("list \\", "the line ends after a backslash", "remove it, or write \\\\ for a backslash");
        refused(
            "submit x --timeout soon",
            "--timeout <DUR>: \"soon\" is not a duration like 90, 90s, 5m or 2h30m",
            "usage: submit [OPTIONS] <COMMAND>",
        );
        refused("cancel 9-3", "<JOB>...: the range \"9-3\" ends before it begins", "usage: cancel [OPTIONS] <JOB>...");
        refused(
            "submit x --env MODEL",
            "--env <KEY=VALUE>: \"MODEL\": write it as KEY=VALUE",
            "usage: submit [OPTIONS] <COMMAND>",
        );
    }

    #[test]
    fn a_command_for_workers_is_what_was_typed() {
        for (line, command) in [
            ("pdsh @all uptime", "uptime"),
            ("pdsh @all 'df -h /'", "df -h /"),
            ("pdsh @all -- 'df -h' \"/a b\"", "df -h \"/a b\""),
            ("pdsh @all grep \"a b\" /etc/hosts # of all", "grep \"a b\" /etc/hosts"),
            ("pdsh --fold @all sudo sh -c 'a && b'  --x", "sudo sh -c 'a && b'  --x"),
            ("pdsh @all -- echo it\\'s  $HOME", "echo it\\'s  $HOME"),
        ] {
            let parsed = parse(line);
            let Ok(Verb::Command(Command::Pdsh(pdsh))) = parsed else { panic!("{line}: {parsed:?}") };
            assert_eq!(pdsh.command, [command], "{line}");
        }
    }

    #[test]
    fn flags_of_submit() {
        assert_eq!(submit("submit 'a b' --group=gpu").flags.group.as_deref(), Some("gpu"));
        assert_eq!(submit("submit --group gpu 'a b'").command.as_deref(), Some("a b"));
        assert_eq!(submit("submit task.sh --tags=gpu:0,disk --tags x").flags.tags, ["gpu:0", "disk", "x"]);
        let spec = |line: &str| submit(line).flags.spec(JobSpec::default()).unwrap();
        assert_eq!(spec("submit x --priority -5").priority, -5);
        assert_eq!(spec("submit x --priority=-5").priority, -5);
        assert_eq!(spec("submit x --timeout 2h30m").timeout_s, Some(9_000));
        assert_eq!(spec("submit x --retry-delay 5m --umask=022").retry_delay_s, Some(300));
        assert_eq!(spec("submit x --env A=b=c --env D=").env, [("A", "b=c"), ("D", "")].map(own).into());
        assert_eq!(spec("submit x --download=*.png,*.jpg --download b").download, ["*.png", "*.jpg", "b"]);
        assert_eq!(spec("submit x --begin-at 1970-01-01T00:01Z").begin_at, Some(60_000));
        assert_eq!(submit("submit -- --weird").command.as_deref(), Some("--weird"));
        assert_eq!(submit("submit \"\"").command.as_deref(), Some(""));
        assert_eq!(submit("submit - --wait").command.as_deref(), Some("-"));
        assert_eq!(submit("submit --script=a.sh").script.as_deref(), Some("a.sh"));
        let all = submit("submit x --wait --hold --same-machine --depends job-1,any:2 --retries 3 --on-lost fail");
        assert!(all.wait && all.flags.hold && all.flags.same_machine);
        assert_eq!(
            (all.flags.depends, all.flags.retries),
            (vec!["job-1".to_owned(), "any:2".to_owned()], Some("3".to_owned()))
        );
    }

    fn own((key, value): (&str, &str)) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn the_other_verbs() {
        assert!(matches!(parse("list"), Ok(Verb::Command(Command::List))));
        assert!(matches!(parse(" queue-status "), Ok(Verb::Command(Command::QueueStatus))));
        assert!(matches!(parse("quit"), Ok(Verb::Console(Console::Quit))));
        assert!(matches!(parse("exit"), Ok(Verb::Console(Console::Quit))));
        assert!(matches!(parse(":runs 3"), Ok(Verb::Console(Console::Runs(runs))) if runs.run == Some(3)));
        assert!(matches!(parse("info 10.0.0.15"), Ok(Verb::Command(Command::Info(i))) if i.worker == "10.0.0.15"));
        assert!(
            matches!(parse("jobs --state failed"), Ok(Verb::Command(Command::Jobs(j))) if j.state == Some(Standing::Failed))
        );
        assert!(matches!(parse("job 3"), Ok(Verb::Command(Command::Job(j))) if j.job == JobName::Id(JobId(3))));
        assert!(matches!(parse("job last"), Ok(Verb::Command(Command::Job(j))) if j.job == JobName::Last));
        assert!(matches!(parse("log 5"), Ok(Verb::Command(Command::Log(l))) if l.lines == 5));
        assert!(matches!(parse("output 3 --stderr"), Ok(Verb::Command(Command::Output(o))) if o.stderr));
        let Ok(Verb::Command(Command::Wait(wait))) = parse("wait job-1 3-9 --timeout 5m") else { panic!("wait") };
        assert_eq!(wait.jobs, [JobNames::One(JobName::Id(JobId(1))), JobNames::Range(JobId(3), JobId(9))]);
        assert_eq!(wait.timeout, Some(300));
    }

    #[test]
    fn help_comes_by_verb_and_by_flag() {
        let about = |line: &str| match parse(line) {
            Ok(Verb::Command(Command::Help(help))) => help.command,
            other => panic!("{line:?} gave {other:?}"),
        };
        assert_eq!(about("help"), None);
        assert_eq!(about("--help"), None);
        assert_eq!(about("help submit").as_deref(), Some("submit"));
        assert_eq!(about("submit --help").as_deref(), Some("submit"));
        assert_eq!(about("submit \"x\" -h").as_deref(), Some("submit"));
    }

    #[test]
    fn the_grammar_is_sound() {
        <Grammar as clap::CommandFactory>::command().debug_assert();
    }
}
