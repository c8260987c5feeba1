//! Why the agent cannot start as it was told, and what to do about it.

use std::path::PathBuf;

use c2_shared::advice::Advice;
use c2_shared::closed::Closed;
use c2_shared::config::ConfigError;
use c2_shared::exit;
use c2_shared::limits::SLOTS_MAX;
use c2_shared::server_address::ServerAddressError;
use c2_shared::token::TokenError;

/// Why the agent cannot start as it was told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Server(#[from] ServerAddressError),
    #[error("{0} slots cannot be run")]
    Slots(u32),
    #[error("{path:?} cannot be used as a folder")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error("this machine has not joined a c2d: there is no {0:?}")]
    NotJoined(PathBuf),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("{0:?} holds no worker token")]
    WrongRole(PathBuf),
    #[error("{0} is of no use where a cluster runs the jobs")]
    Elsewhere(&'static str),
    #[error("a partition is named, but no scheduler")]
    PartitionAlone,
}

impl Advice for OptionsError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Config(error) => return error.hint(),
            Self::Server(error) => return error.hint(),
            Self::Slots(_) => format!("give --slots a number from 1 to {SLOTS_MAX}"),
            Self::Folder { .. } => "write its path from / on".to_owned(),
            Self::Closed(closed) => return closed.hint(),
            Self::Elsewhere(name) => {
                format!("leave out {name} or via; the machines of a cluster are its own scheduler's")
            }
            Self::PartitionAlone => "add --via=slurm".to_owned(),
            Self::Token(TokenError::File(error)) if !error.is_missing() => return error.hint(),
            Self::NotJoined(_) | Self::Token(_) | Self::WrongRole(_) => {
                "let this machine join: `c2d invite` on the machine of c2d prints the line for `c2-agent join`"
                    .to_owned()
            }
        })
    }

    fn status(&self) -> u8 {
        match self {
            Self::NotJoined(_) | Self::Token(_) | Self::WrongRole(_) => exit::NOT_A_WORKER,
            Self::Config(_)
            | Self::Server(_)
            | Self::Slots(_)
            | Self::Folder { .. }
            | Self::Closed(_)
            | Self::Elsewhere(_)
            | Self::PartitionAlone => exit::CONFIGURATION,
        }
    }

    fn argument(&self) -> Option<&'static str> {
        match self {
            Self::Slots(_) => Some("slots"),
            Self::Elsewhere(argument) => Some(argument),
            Self::PartitionAlone => Some("partition"),
            Self::Config(_)
            | Self::Server(_)
            | Self::Folder { .. }
            | Self::Closed(_)
            | Self::NotJoined(_)
            | Self::Token(_)
            | Self::WrongRole(_) => None,
        }
    }
}
