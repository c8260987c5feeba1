//! The program `c2-agent`: command line, logging, signals; the rest is the library's.

use std::io::Write as _;
use std::process::ExitCode;

use c2_agent::options::{Cli, Command, Flags, Options, SlotOptions};
use c2_shared::exit;
use c2_shared::logging::Logging;
use clap::Parser as _;

/// What ends the program: why, what to do about it, and the exit status.
type Failure = (anyhow::Error, String, u8);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let logging = match cli.command {
        Some(Command::RunSlot(_)) => Logging::to_file(),
        _ => Logging::start(),
    };
    let (status, words) = match act(cli) {
        Ok(status) => (status, String::new()),
        Err((error, hint, status)) => (status, format!("error: {error:#}\nhint: {hint}\n")),
    };
    logging.end(&words);
    ExitCode::from(status)
}

fn act(cli: Cli) -> Result<u8, Failure> {
    match cli.command {
        Some(Command::RunSlot(options)) => run_slot(&options),
        Some(Command::Join(options)) => {
            let joined = c2_agent::join::run(&options);
            say(&joined.map_err(|error| failed(error.hint(), error))?)
        }
        Some(Command::Install { dry_run, root }) => {
            let installed = c2_agent::install::install(dry_run, root.as_deref());
            say(&installed.map_err(|error| failed(error.hint(), error))?)
        }
        Some(Command::Doctor(flags)) => {
            let (said, well) = c2_agent::doctor::run(&decide(flags)?);
            say(&said).map(|status| if well { status } else { exit::FAILED })
        }
        None => run_agent(&decide(cli.flags)?),
    }
}

fn failed(hint: String, error: impl Into<anyhow::Error>) -> Failure {
    (error.into(), hint, exit::FAILED)
}

fn say(text: &str) -> Result<u8, Failure> {
    let said = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
    said.map(|()| exit::DONE).map_err(|error| (error.into(), String::new(), exit::FAILED))
}

fn run_slot(options: &SlotOptions) -> Result<u8, Failure> {
    let ended = c2_agent::supervise::run(options).map(|()| exit::DONE);
    ended.map_err(|error| (error.into(), "this is started by the agent, not by hand".to_owned(), exit::FAILED))
}

fn decide(flags: Flags) -> Result<Options, Failure> {
    Options::decide(flags).map_err(|error| {
        let (hint, status) = (error.hint(), error.status());
        (error.into(), hint, status)
    })
}

fn run_agent(options: &Options) -> Result<u8, Failure> {
    // What whoever started us left open is neither the runners' business nor the jobs'.
    close_fds::set_fds_cloexec(3, &[]);
    let ended = c2_agent::agent::start(options).map(|()| exit::DONE);
    ended.map_err(|error| failed(error.hint(), error))
}
