//! The program `c2-agent`: command line, logging, signals; the rest is the library's.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use c2_agent::options::{Cli, Command, Flags, Options, SlotOptions};
use clap::Parser as _;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging();
    match cli.command {
        Some(Command::RunSlot(options)) => run_slot(&options),
        Some(Command::Join(options)) => tell(c2_agent::join::run(&options).map_err(|error| {
            let hint = error.hint();
            (error.into(), hint)
        })),
        Some(Command::Install { dry_run, root }) => tell(c2_agent::install::install(dry_run, root.as_deref())),
        Some(Command::Doctor(flags)) => with_options(flags, doctor),
        None => with_options(cli.flags, run_agent),
    }
}

/// Says what was done, or why not and what to do.
fn tell(said: Result<String, (anyhow::Error, String)>) -> ExitCode {
    let told = said.and_then(|text| {
        writeln!(std::io::stdout().lock(), "{}", text.trim_end()).map_err(|error| (error.into(), String::new()))
    });
    told.map_or_else(|(error, hint)| fail(&error, &hint, 1), |()| ExitCode::SUCCESS)
}

fn run_slot(options: &SlotOptions) -> ExitCode {
    match c2_agent::supervise::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.into(), "this is started by the agent, not by hand", 1),
    }
}

fn with_options(flags: Flags, run: fn(&Options) -> ExitCode) -> ExitCode {
    match Options::decide(flags) {
        Ok(options) => run(&options),
        Err(error) => {
            let hint = error.hint();
            fail(&error.into(), &hint, 2)
        }
    }
}

fn doctor(options: &Options) -> ExitCode {
    let (said, well) = c2_agent::doctor::run(options);
    let told = tell(Ok(said));
    if well { told } else { ExitCode::FAILURE }
}

fn run_agent(options: &Options) -> ExitCode {
    // What whoever started us left open is neither the runners' business nor the jobs'.
    close_fds::set_fds_cloexec(3, &[]);
    let Err(error) = c2_agent::agent::start(options) else { return ExitCode::SUCCESS };
    let hint = error.hint();
    fail(&error.into(), &hint, 1)
}

fn start_logging() {
    let filter = EnvFilter::try_from_env("C2_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}

fn fail(error: &anyhow::Error, hint: &str, status: u8) -> ExitCode {
    // There is nobody to tell if even this cannot be written.
    let _unwritten = writeln!(std::io::stderr().lock(), "error: {error:#}\nhint: {hint}");
    ExitCode::from(status)
}
