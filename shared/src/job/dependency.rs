//! What jobs wait for: other jobs, and how these must have ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::JobId;

/// One entry of `depends`: `job-1` (after success), `any:job-1`, `notok:job-1`, or with the name
/// of another job of the same batch in place of the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Dependency {
    /// How the other job must have ended.
    pub condition: Condition,
    /// Which job.
    pub on: DependsOn,
}

/// How a dependency must have ended for the dependent to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// It succeeded.
    Ok,
    /// It ended, however.
    Any,
    /// It ended without success.
    NotOk,
}

/// The job of a dependency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependsOn {
    /// A job that has its id already.
    Job(JobId),
    /// A job of the same batch, by its `name`.
    Name(String),
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.condition {
            Condition::Ok => "",
            Condition::Any => "any:",
            Condition::NotOk => "notok:",
        })?;
        self.on.fmt(f)
    }
}

impl fmt::Display for DependsOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(id) => id.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for Dependency {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (condition, on) = match text.split_once(':') {
            Some(("ok", on)) => (Condition::Ok, on),
            Some(("any", on)) => (Condition::Any, on),
            Some(("notok", on)) => (Condition::NotOk, on),
            _ => (Condition::Ok, text),
        };
        let on = on.parse().map_or_else(|_| DependsOn::Name(on.to_owned()), DependsOn::Job);
        Ok(Self { condition, on })
    }
}

impl From<Dependency> for String {
    fn from(dependency: Dependency) -> Self {
        dependency.to_string()
    }
}

impl From<String> for Dependency {
    fn from(text: String) -> Self {
        let Ok(dependency) = text.parse();
        dependency
    }
}
