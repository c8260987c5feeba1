//! The schedulers of other machines to which an agent can give its jobs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A scheduler of other machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// Slurm, by its own commands.
    Slurm,
}

impl Via {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Slurm];
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slurm => "slurm",
        })
    }
}

impl FromStr for Via {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "slurm" => Ok(Self::Slurm),
            _ => Err(format!("{text:?} is no scheduler that C2 knows; it knows slurm")),
        }
    }
}
