//! The program `c2d`: arguments, logging, signals; everything else is in the library.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use c2_shared::advice::{self, Failure};
use c2_shared::logging::Logging;
use c2_shared::service;
use c2d::cli::options::{Cli, Command, Options, Tokens};
use c2d::cli::{install, settings, tokens};
use c2d::memory;
use c2d::run::run;
use c2d::upkeep;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    memory::give_back();
    let cli = Cli::read();
    let origins = cli.as_ref().map(|cli| cli.origins.clone()).unwrap_or_default();
    let logging = Logging::start();
    let (code, words) = match cli.map_or_else(|error| explain(&error), act) {
        Ok(code) => (code, String::new()),
        Err(failed) => (ExitCode::from(failed.status), failed.saying(|said, of| origins.told(said, of)).words("c2d")),
    };
    logging.end(&words);
    code
}

fn act(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        Some(Command::Tokens(command)) => tokens(&cli.options, command),
        Some(Command::Upkeep(work)) => say(upkeep::run(&cli.options, work)?),
        Some(Command::Config(listing)) => say((settings::list(cli.options, &listing, &cli.origins)?, true)),
        Some(Command::Install(ref wish)) => say((install::install(wish, cli.typed_dir())?, true)),
        None => start(cli.options),
    }
}

fn tokens(options: &Options, command: Tokens) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    say((runtime.block_on(tokens::run(&options.data_dir(), command))?, true))
}

fn say((said, well): (String, bool)) -> Result<ExitCode, Failure> {
    advice::print(&said)?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Shows the help that was asked for; a command line that is wrong ends the program.
fn explain(error: &clap::Error) -> Result<ExitCode, Failure> {
    if error.use_stderr() { error.exit() } else { say((error.to_string(), true)) }
}

fn start(options: Options) -> Result<ExitCode, Failure> {
    let (data_dir, found) = options.resolve()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        // On a terminal it says that the terminal is gone; a service is told to look at its log.
        let mut hangup = signal(SignalKind::hangup())?;
        let on_terminal = std::io::stderr().is_terminal();
        let shutdown = async move {
            tokio::select! {
                _ = hangup.recv(), if on_terminal => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let folder = data_dir.display().to_string();
        let ready = move |address| {
            let mut stdout = std::io::stdout().lock();
            writeln!(stdout, "c2d {} listening on {address}, data in {folder}", env!("CARGO_PKG_VERSION"))?;
            service::ready();
            stdout.flush()
        };
        run(found.config, data_dir, ready, shutdown).await?;
        Ok(ExitCode::SUCCESS)
    })
}
