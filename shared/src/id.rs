//! The names of jobs and attempts, as people type them and as they travel.
//!
//! A job id is a durable counter (`job-123`). An attempt is one try at running a job; its number
//! grows with each assignment and never repeats, so it fences late results of older tries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Names a job: `job-N`, N counting from 1 and never given twice by one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(pub u64);

/// Names one try at running a job: `job-N.A`, A counting from 1 for each job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttemptId {
    /// The job that is tried.
    pub job: JobId,
    /// Which try, from 1.
    pub number: u32,
}

/// Says that a text is no job or attempt id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}")]
pub struct IdError {
    text: String,
    what: &'static str,
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job-{}", self.0)
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.job, self.number)
    }
}

impl FromStr for JobId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.strip_prefix("job-")
            .and_then(counter)
            .map(Self)
            .ok_or_else(|| IdError { text: text.to_owned(), what: "a job id like job-12" })
    }
}

impl FromStr for AttemptId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parts = text.split_once('.').and_then(|(job, number)| {
            let number = u32::try_from(counter(number)?).ok()?;
            Some(Self { job: job.parse().ok()?, number })
        });
        parts.ok_or_else(|| IdError { text: text.to_owned(), what: "an attempt id like job-12.1" })
    }
}

/// Reads a counter from 1 in its one canonical form, so that `Display` and `FromStr` round-trip
/// and two texts never name the same job (`job-7`, never `job-07` or `job-+7`).
fn counter(digits: &str) -> Option<u64> {
    let canonical = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if canonical { digits.parse().ok() } else { None }
}

macro_rules! string_form {
    ($id:ty) => {
        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $id {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
    };
}
string_form!(JobId);
string_form!(AttemptId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip() {
        for n in [1, 7, 123, u64::MAX] {
            assert_eq!(JobId(n).to_string().parse(), Ok(JobId(n)));
            let attempt = AttemptId { job: JobId(n), number: 3 };
            assert_eq!(attempt.to_string().parse(), Ok(attempt));
        }
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        for bad in
            ["", "job-", "job-0", "job-07", "job-+7", "job--7", "7", "JOB-7", "job-7 ", "job-18446744073709551616"]
        {
            assert!(bad.parse::<JobId>().is_err(), "{bad:?}");
        }
        for bad in ["job-1", "job-1.", "job-1.0", ".1", "job-1.4294967296", "job-1.1.1"] {
            assert!(bad.parse::<AttemptId>().is_err(), "{bad:?}");
        }
    }
}
