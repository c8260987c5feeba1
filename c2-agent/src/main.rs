//! The program `c2-agent`: command line, logging, exit status; the rest is the library's.

use std::process::ExitCode;

use c2_agent::{Cli, first_process};
use c2_shared::logging::Logging;

fn main() -> ExitCode {
    if let Some(status) = first_process() {
        return status;
    }
    let cli = Cli::read();
    let logging = if cli.as_ref().is_ok_and(Cli::is_slot) { Logging::to_file() } else { Logging::start() };
    let (status, words) = match cli.map_or_else(|help| help.show(), Cli::run) {
        Ok(status) => (status, String::new()),
        Err(failure) => (failure.status, failure.words("c2-agent")),
    };
    logging.end(&words);
    ExitCode::from(status)
}
