//! The ways to name jobs on a line: `job-3`, `3`, `last`, a range `3-9`, a job's own name, all in a
//! state `@failed`, those of a range `3-9@failed`, or all of a group that have not ended `@gpu`.
//!
//! Here they are only read; which jobs are meant is asked of c2d in `resolve`.

use std::fmt;
use std::str::FromStr;

use c2_shared::id::JobId;
use c2_shared::selection::{NoSelection, Selection};

/// A job as the operator names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JobName {
    Id(JobId),
    /// The one submitted last.
    Last,
    /// By the name that its submitter gave it.
    Named(String),
}

/// One or more jobs as the operator names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JobNames {
    One(JobName),
    /// All from the first to the last id, both included.
    Range(JobId, JobId),
    /// All that have something in common.
    All(Selection),
}

/// Says that a text names no job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JobNameError {
    #[error("a job's name cannot be empty")]
    Empty,
    /// No job has the number 0.
    #[error("{0:?} is not a job: ids count from 1")]
    Zero(String),
    /// The range runs backwards.
    #[error("the range {0:?} ends before it begins")]
    Backwards(String),
    #[error(transparent)]
    NoSelection(#[from] NoSelection),
    /// The range is longer than the queue can be.
    #[error("the range {0:?} is too long")]
    TooLong(String),
}

/// Jobs in one range at most: each costs a request.
const RANGE_LEN_MAX: u64 = 10_000;

impl FromStr for JobName {
    type Err = JobNameError;

    fn from_str(text: &str) -> Result<Self, JobNameError> {
        if text.is_empty() {
            return Err(JobNameError::Empty);
        }
        if text == "last" {
            return Ok(Self::Last);
        }
        match JobId::said(text) {
            Some(JobId(0)) => Err(JobNameError::Zero(text.to_owned())),
            Some(id) => Ok(Self::Id(id)),
            None => Ok(Self::Named(text.to_owned())),
        }
    }
}

impl FromStr for JobNames {
    type Err = JobNameError;

    fn from_str(text: &str) -> Result<Self, JobNameError> {
        if text.contains('@') {
            return Ok(Self::All(text.parse()?));
        }
        // `job-3` has a dash too, but nothing numeric before it.
        let ends = text.rsplit_once('-').and_then(|(first, last)| Some((JobId::said(first)?, JobId::said(last)?)));
        match ends {
            None => text.parse().map(Self::One),
            Some((JobId(0), _)) => Err(JobNameError::Zero(text.to_owned())),
            Some((first, last)) if last < first => Err(JobNameError::Backwards(text.to_owned())),
            Some((first, last)) if last.0 - first.0 >= RANGE_LEN_MAX => Err(JobNameError::TooLong(text.to_owned())),
            Some((first, last)) => Ok(Self::Range(first, last)),
        }
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Last => f.write_str("last"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let one = |name| Ok(JobNames::One(name));
        let all = |text: &str| Ok(JobNames::All(text.parse().unwrap()));
        let range = |a, b| Ok(JobNames::Range(JobId(a), JobId(b)));
        let table = [
            ("job-3", one(JobName::Id(JobId(3)))),
            ("3", one(JobName::Id(JobId(3)))),
            ("last", one(JobName::Last)),
            ("nightly build", one(JobName::Named("nightly build".to_owned()))),
            ("a-3", one(JobName::Named("a-3".to_owned()))),
            ("-3", one(JobName::Named("-3".to_owned()))),
            ("3-9", range(3, 9)),
            ("job-3-9", range(3, 9)),
            ("job-3-job-9", one(JobName::Named("job-3-job-9".to_owned()))),
            ("3-3", range(3, 3)),
            ("@failed", all("@failed")),
            ("3-9@failed", all("3-9@failed")),
            ("@gpu", all("@gpu")),
            ("", Err(JobNameError::Empty)),
            ("0", Err(JobNameError::Zero("0".to_owned()))),
            ("0-4", Err(JobNameError::Zero("0-4".to_owned()))),
            ("9-3", Err(JobNameError::Backwards("9-3".to_owned()))),
            ("1-10001", Err(JobNameError::TooLong("1-10001".to_owned()))),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<JobNames>(), expected, "{text:?}");
        }
        assert!(matches!("3@failed".parse::<JobNames>(), Err(JobNameError::NoSelection(_))));
    }
}
