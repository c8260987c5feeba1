//! Why an agent ends.

use std::path::PathBuf;

use c2_shared::advice::Advice;
use c2_shared::client::ClientError;
use c2_shared::exit;

use crate::choice;
use crate::state::{StateDir, StateError};
use crate::upgrade::Next;
use crate::workspace::RootError;

/// Why the agent stops.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    #[error(transparent)]
    Root(#[from] RootError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Client(ClientError),
    #[error("cannot start")]
    Runtime(#[source] std::io::Error),
    #[error("cannot take over what an earlier run left")]
    TakeOver(#[source] std::io::Error),
    #[error("c2d at {server} does not take this agent's token any more: {said}")]
    Revoked { server: String, said: String, folder: PathBuf },
    /// A newer program is to be tried out: no failure, and the end of this one.
    #[error("c2-agent is to be replaced by a newer one")]
    Upgrade { next: Next, state: StateDir },
    #[error("this state folder is a copy of another worker's: {said}")]
    Copy { said: String, folder: PathBuf },
}

impl Advice for AgentError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Root(error) => return error.hint(),
            Self::State(error) => return error.hint(),
            Self::Client(error) => return error.hint(),
            Self::Runtime(_) => "see the limits of this user with: ulimit -a".to_owned(),
            Self::TakeOver(_) => "check that the state folder can be written to".to_owned(),
            Self::Revoked { folder, .. } => {
                format!("join again, with a line of `c2d invite`: {}", choice::call("join LINE", folder))
            }
            Self::Upgrade { .. } => "start the agent again".to_owned(),
            Self::Copy { folder, .. } => {
                format!("give this machine an identity of its own: {}", choice::call("reset-identity", folder))
            }
        })
    }

    fn status(&self) -> u8 {
        match self {
            Self::Revoked { .. } | Self::Copy { .. } => exit::NOT_A_WORKER,
            _ => exit::FAILED,
        }
    }
}
