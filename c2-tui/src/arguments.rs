//! The command line of `c2-tui` itself; what is said at its prompt is `command`'s grammar.

use std::ffi::OsString;
use std::path::PathBuf;

use c2_shared::arguments::{self, Origins};
use c2_shared::home;
use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser, Subcommand};

use crate::command::job_flags::JobFlags;
use crate::command::{CommandError, foreign, mistake, table};
use crate::connect::Place;
use crate::headless::Source;

const AFTER_HELP: &str = "\
The commands of --exec are those of the console; `c2-tui --exec help` lists them.

Results go to standard output, progress and errors to standard error.
With --json each command gives one JSON document in one line, in the types of c2d's HTTP interface:
  list {\"workers\"}, info WORKER, jobs and wait {\"jobs\"}, job and submit --wait JOB,
  submit {\"job_id\"}, cancel {\"cancelled\", \"refused\"}, output {\"job_id\", \"stream\", \"content\": base64},
  pdsh, copy and add-worker {\"workers\"}, verify-ssh {\"workers\", \"learned\"}, queue-status, log {\"results\"}, doctor {\"checks\"}, help {\"help\"}
and each error {\"code\", \"message\", \"hint\"} on standard error; \"code\" is c2d's own, else one of
usage, refused, unreachable, unauthorized, interrupted.

Exit status: 0 done; 1 refused or failed; 2 not understood; 3 c2d cannot be reached; 4 not authorised; \
130 interrupted; 141 the output pipe was closed. After `submit --wait` and `wait` it is the job's own: \
128+N for signal N, 124 timed out, 125 cancelled, lost, or ended by a dependency. `wait` of several jobs \
exits as the first of them, in the order given, that did not succeed.";

/// The console of C2: full screen for people, headless for scripts
#[derive(Clone, Debug, Parser)]
#[command(name = "c2-tui", version, about, after_long_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What else it may be started for.
    #[command(subcommand)]
    pub(crate) other: Option<Other>,
    /// Where c2d is, and the token for it.
    #[command(flatten)]
    pub(crate) place: PlaceFlags,
    /// Run a command and exit, `-` for commands from standard input; may be repeated
    #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
    pub(crate) exec: Vec<String>,
    /// Run the commands of a file, one a line, and exit; `#` begins a comment line
    #[arg(long, value_name = "SCRIPT", conflicts_with = "exec")]
    pub(crate) file: Vec<PathBuf>,
    /// Answer each command with one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Continue after a command that failed; the exit status is still that of the first failure
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Start c2d and one agent on this machine, or use those that run; what was started ends with this
    /// program if all jobs have ended by then, and otherwise runs until `c2-tui stop-local`
    #[arg(long, conflicts_with_all = ["server", "token_file"])]
    pub(crate) local: bool,
    /// Leave running what --local started, until `c2-tui stop-local`
    #[arg(long)]
    pub(crate) keep: bool,
    /// Disable all changes, on the full screen
    #[arg(long, conflicts_with_all = ["exec", "file"])]
    pub(crate) readonly: bool,
    /// Draw with plain characters, on the full screen
    #[arg(long, conflicts_with_all = ["exec", "file"])]
    pub(crate) ascii: bool,
    /// Folder in which an agent started by --local runs its jobs [default: as c2-agent's]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace_root: Option<PathBuf>,
    /// Which arguments were given, and how.
    #[arg(skip)]
    pub(crate) origins: Origins,
}

/// Where c2d is, as all that speaks with it is told.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PlaceFlags {
    /// Where c2d is; without it the c2d of this user on this machine
    #[arg(long, env = "C2_SERVER", value_name = "HOST:PORT")]
    pub(crate) server: Option<String>,
    /// File with the operator token; without it that of this user's c2d on this machine
    #[arg(long, env = "C2_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Folder of c2d [default: c2d in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, env = "C2_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl PlaceFlags {
    /// Where c2d is looked for.
    pub(crate) fn place(&self) -> Place {
        Place {
            server: self.server.clone(),
            token_file: self.token_file.as_deref().map(home::expand),
            data_dir: self.data_dir.as_deref().map(home::expand),
            login_file: None,
        }
    }
}

/// Other ways to start the program.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Other {
    /// Log in to the c2d that printed LINE with `c2d invite --role operator`
    Login {
        /// What `c2d invite` printed; without it, a line of standard input
        #[arg(value_name = "LINE")]
        line: Vec<String>,
        /// The name in c2d's list of tokens [default: this user's and this machine's]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Delete what `login` stored
    Logout,
    /// Stop the c2d and the agent that `--local` started and left running; their data stays
    StopLocal {
        /// Folder of c2d [default: c2d in $XDG_STATE_HOME or ~/.local/state]
        #[arg(long, env = "C2_DATA_DIR", value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Stop them also while jobs have not ended: what runs continues, and is collected when they run again
        #[arg(long)]
        now: bool,
    },
    /// Run a command as a job: submit it, show what it writes while it writes it, exit with its status
    #[command(after_long_help = ABOUT_RUN)]
    Run(Box<RunFlags>),
    /// Serve the Model Context Protocol over standard input and output, for assistants that use tools
    #[command(after_long_help = ABOUT_MCP)]
    Mcp {
        /// Where c2d is.
        #[command(flatten)]
        place: PlaceFlags,
        /// Offer tools that submit, cancel, retry, hold and release jobs; without it all tools only read
        #[arg(long)]
        allow_changes: bool,
    },
    /// What shells ask when Tab is pressed; `assets/completions` call it.
    #[command(hide = true)]
    Complete {
        /// Where c2d is.
        #[command(flatten)]
        place: PlaceFlags,
        /// The command line up to the caret
        #[arg(value_name = "LINE", allow_hyphen_values = true)]
        line: String,
        /// What bash replaces
        #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
        bash: Option<String>,
    },
    /// Print each setting, its value and where that comes from
    Config {
        /// Where c2d is.
        #[command(flatten)]
        place: PlaceFlags,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// What `run` is told.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunFlags {
    /// Where c2d is.
    #[command(flatten)]
    pub(crate) place: PlaceFlags,
    /// What else there is to say about the job.
    #[command(flatten)]
    pub(crate) job: JobFlags,
    /// The command and its arguments, passed on word by word
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) words: Vec<String>,
}

const ABOUT_MCP: &str = "\
An MCP client starts this program. Most of them take this form of configuration:
  {\"mcpServers\": {\"c2\": {\"command\": \"c2-tui\", \"args\": [\"mcp\"]}}}
It only reads unless --allow-changes is given, whatever its token may do. Log in as a viewer to be sure: \
c2d invite --role viewer.";

const ABOUT_RUN: &str = "\
Standard output and standard error of the job go to those of this program, byte for byte. The words behind -- are \
quoted for the shell, so nothing in them is expanded; for a line of the shell write: c2-tui run -- sh -c 'LINE'. The \
job has nothing to read, unless --stdin-file names a file. Ctrl-C, or SIGTERM, cancels the job.

Exit status: that of the job, 128+N for signal N, 124 timed out, 125 cancelled, lost, or ended by a dependency; \
otherwise 1 refused or failed; 2 not understood; 3 c2d cannot be reached; 4 not authorised; 130 interrupted; \
141 the output pipe was closed, and the job is cancelled.";

/// What the command line asks for before anything is done.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Run(Box<Arguments>),
    /// To show this text and leave.
    Show(String),
}

impl Arguments {
    /// Reads a command line, the program's name first.
    pub(crate) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Asked, CommandError> {
        let args: Vec<OsString> = args.into_iter().collect();
        let words: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        match arguments::read_with_origins::<Self>(args) {
            Ok((arguments, origins)) => {
                // clap says what is missing, and not for whom.
                if let Some(flag) = arguments.without_local() {
                    let hint = "add --local, which starts c2d and an agent on this machine";
                    return Err(CommandError::usage(format!("{flag} needs --local"), hint));
                }
                Ok(Asked::Run(Box::new(Self { origins, ..arguments })))
            }
            Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
                Ok(Asked::Show(error.to_string()))
            }
            Err(error) => {
                let unknown = error.kind() == ErrorKind::UnknownArgument;
                if let Some(command) = words.get(1).and_then(|name| table::of_program::<Self>(name)) {
                    let mistake = mistake::of(&error, &command, None);
                    return Err(match run_without_dashes(&words).filter(|_| unknown) {
                        Some(hint) => mistake.hint(hint),
                        None => mistake,
                    });
                }
                Err(of_program(&error, &Meant::of(&words)))
            }
        }
    }

    /// A flag that is about what `--local` starts, and stands without it.
    fn without_local(&self) -> Option<&'static str> {
        let of_local = [("--keep", self.keep), ("--workspace-root", self.workspace_root.is_some())];
        of_local.into_iter().find(|(_, is_given)| *is_given && !self.local).map(|(flag, _)| flag)
    }

    /// Where commands come from, if not from a person: lines in their order, then files.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let lines = self.exec.iter().map(|line| match line.as_str() {
            "-" => Source::Input,
            line => Source::Line(line.to_owned()),
        });
        lines.chain(self.file.iter().cloned().map(Source::File)).collect()
    }
}

/// What to do about a command for `run` that stands without dashes before it.
fn run_without_dashes(words: &[String]) -> Option<String> {
    let is_without = words.get(1)? == "run" && !words.iter().any(|word| word == "--");
    is_without.then(|| "two dashes stand before the command: c2-tui run [FLAGS] -- CMD [ARGUMENTS]".to_owned())
}

/// What is wrong with a command line without a subcommand. Often a line of the console stands there in pieces.
fn of_program(error: &clap::Error, meant: &Meant) -> CommandError {
    let line = meant.line();
    let in_quotes = |line: &str| format!("--exec '{}'", line.replace('\'', "'\\''"));
    let whole = || match meant.several() {
        // Which of them the rest belongs to is seen by where it stands, and that is the last.
        Some((before, last)) => {
            let before: Vec<String> = before.iter().map(|line| in_quotes(line)).collect();
            format!("put each line in quotes: c2-tui {} {}", before.join(" "), in_quotes(&last))
        }
        None => format!("put the whole line in quotes: c2-tui {}", in_quotes(&line)),
    };
    let flags = meant.flags.join(" ");
    let own = meant.pieces.iter().find(|piece| Other::has_subcommand(piece));
    let is_clash = error.kind() == ErrorKind::ArgumentConflict && error.get(ContextKind::InvalidArg).is_none();
    match own {
        Some(own) if is_clash => {
            let message = format!("{own} and {flags} do not go together");
            return CommandError::usage(message, format!("`c2-tui {own} --help` shows what it takes"));
        }
        None if is_clash => {
            return CommandError::usage(format!("unexpected {:?} beside {flags}", meant.surplus()), whole());
        }
        _ => {}
    }
    let mistake = mistake::of(error, &table::program::<Arguments>(), None);
    // A flag of the program that is misspelt is nearer than one of a line.
    let is_misspelt = mistake.hint.as_ref().is_some_and(|hint| hint.starts_with("did you mean"));
    let is_line = meant.pieces.first().is_some_and(|first| !first.starts_with('-'));
    match error.kind() {
        ErrorKind::UnknownArgument if is_line && meant.pieces.len() > 1 && !is_misspelt => mistake.hint(whole()),
        ErrorKind::InvalidSubcommand if is_line => {
            let verb = meant.pieces.first().map_or("", String::as_str);
            mistake.hint(format!("{}; `c2-tui --exec 'help {verb}'` explains it", whole()))
        }
        _ => mistake,
    }
}

/// What a command line says beside flags of the program.
#[derive(Debug, Default)]
struct Meant {
    /// The pieces of a line, those of `--exec` first.
    pieces: Vec<String>,
    /// How many of them `--exec` has.
    own: usize,
    /// The names of the flags.
    flags: Vec<String>,
}

impl Meant {
    fn of(words: &[String]) -> Self {
        let program = table::program::<Arguments>();
        let mut meant = Self::default();
        let mut words = words.iter().skip(1);
        while let Some(word) = words.next() {
            let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            let Some(flag) = program.flag(name) else {
                meant.pieces.push(word.clone());
                continue;
            };
            meant.flags.push(name.to_owned());
            if flag.value.is_some() {
                let value = value.or_else(|| words.next().map(String::as_str));
                if let Some(value) = value.filter(|_| name == "--exec") {
                    meant.pieces.insert(meant.own, value.to_owned());
                    meant.own += 1;
                }
            }
        }
        meant
    }

    /// The first piece that has no place.
    fn surplus(&self) -> &str {
        let mut others = self.pieces.iter().skip(self.own);
        others.find(|piece| !piece.starts_with('-')).map_or("", String::as_str)
    }

    /// The lines of several `--exec`, the last one with what has no place.
    fn several(&self) -> Option<(&[String], String)> {
        let (before, last) = self.pieces.split_at_checked(self.own.checked_sub(1)?)?;
        (self.own > 1).then(|| (before, joined(last)))
    }

    /// The line of which these are pieces; a shell has taken its quotes off.
    fn line(&self) -> String {
        joined(&self.pieces)
    }
}

fn joined(pieces: &[String]) -> String {
    let quoted = |piece: &String| match piece.contains([' ', '\t', '"', '\'', '#']) {
        true => foreign::quoted(piece),
        false => piece.clone(),
    };
    let first = pieces.first().cloned();
    first.into_iter().chain(pieces.iter().skip(1).map(quoted)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_line_in_pieces_is_put_together() {
        let read = |words: &[&str]| {
            let words = std::iter::once("c2-tui").chain(words.iter().copied()).map(OsString::from);
            let error = Arguments::read(words).unwrap_err();
            (error.message, error.hint.unwrap_or_default())
        };
        let whole = |line: &str| format!("put the whole line in quotes: c2-tui --exec '{line}'");
        let table: [(&[&str], &str, String); 12] = [
            (&["--exec", "submit", "echo hi"], "unexpected \"echo hi\"", whole("submit \"echo hi\"")),
            (&["--exec", "submit", "echo hi", "--wait"], "", whole("submit \"echo hi\" --wait")),
            (
                &["--exec", "list", "--exec", "submit", "echo a"],
                "unexpected \"echo a\"",
                "put each line in quotes: c2-tui --exec 'list' --exec 'submit \"echo a\"'".to_owned(),
            ),
            (&["--server", "nas", "--exec", "list", "jobs"], "unexpected \"jobs\" beside", whole("list jobs")),
            (&["--json", "submit", "echo $HOME"], "\"submit\" beside --json", whole(r"submit '\''echo $HOME'\''")),
            (&["--server=nas", "submit", "make"], "unexpected \"submit\" beside --server", whole("submit make")),
            (&["submit", "make"], "\"submit\"", whole("submit make") + "; `c2-tui --exec 'help submit'` explains it"),
            (&["--exec", "list", "--jsno"], "unknown flag \"--jsno\"", "did you mean \"--json\"?".to_owned()),
            (&["--wiat"], "unknown flag \"--wiat\"", "usage: c2-tui [OPTIONS], or c2-tui <COMMAND>".to_owned()),
            (
                &["--keep"],
                "--keep needs --local",
                "add --local, which starts c2d and an agent on this machine".to_owned(),
            ),
            (
                &["--workspace-root=/w", "--exec", "list"],
                "--workspace-root needs --local",
                "add --local, which starts c2d and an agent on this machine".to_owned(),
            ),
            (
                &["--json", "logout"],
                "logout and --json do not",
                "`c2-tui logout --help` shows what it takes".to_owned(),
            ),
        ];
        for (words, message, expected) in table {
            let (seen, hint) = read(words);
            assert!(seen.contains(message), "{words:?}: {seen}");
            assert_eq!(hint, expected, "{words:?}: {seen}");
        }
    }
}
