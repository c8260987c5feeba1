//! Why the process behind a slot cannot run.

use std::io;

use c2_shared::advice::Advice;

use crate::state::StateError;
use crate::supervise::launch::LauncherError;

/// Why a runner cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunnerError {
    #[error("run-slot got no socket on its standard input")]
    NoSocket,
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Launcher(#[from] LauncherError),
    #[error("the runner of slot {slot} failed")]
    Io {
        /// Which slot.
        slot: u32,
        source: io::Error,
    },
}

impl Advice for RunnerError {
    fn hint(&self) -> Option<String> {
        Some("this is started by the agent, not by hand".to_owned())
    }
}
