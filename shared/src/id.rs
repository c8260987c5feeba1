//! The names of jobs, attempts and workers, as people type them and as they travel.
//!
//! A job id is a durable counter (`job-123`). An attempt is one try at running a job; its number
//! grows with each assignment and never repeats, so it fences late results of older tries. A worker
//! is the identity of its agent's state folder, wherever it speaks from; a session is one run of that
//! agent, and says which of two runs is the later one.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

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

/// Names a worker: the identity of its agent's state folder, or `addr:IP` for a client that has none.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct WorkerId(Arc<str>);

/// Names one run of an agent: `START-NONCE`. Runs are counted in the state folder, so that of two runs
/// the later one is known; the nonce tells two that count alike, as copies of one folder do. Agents of
/// 0.1.0 do not count, and are `0-NONCE` here.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Session {
    /// Counts the starts of the agent, from 1; 0 if it does not.
    pub start: u64,
    /// Made up at each start.
    pub nonce: String,
}

/// Front of the ids of clients that have none of their own.
const ADDRESS: &str = "addr:";

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

impl JobId {
    /// Reads `job-N` or `N`, as people write it.
    #[must_use]
    pub fn said(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("job-").unwrap_or(text);
        if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok().map(Self) } else { None }
    }
}

impl WorkerId {
    /// The id of a client that has none, at this address.
    #[must_use]
    pub fn of_address(ip: IpAddr) -> Self {
        Self::from(format!("{ADDRESS}{ip}"))
    }

    /// Whether it is a client that has no id of its own.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.0.starts_with(ADDRESS)
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As much of it as people need to tell it from others.
    #[must_use]
    pub fn short(&self) -> &str {
        if self.is_address() { &self.0 } else { self.0.get(..8).unwrap_or(&self.0) }
    }
}

impl From<String> for WorkerId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for WorkerId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<WorkerId> for String {
    fn from(id: WorkerId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Session {
    /// Whether nothing is known of it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nonce.is_empty()
    }

    /// Whether the agent counts its starts.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        self.start > 0
    }
}

impl From<String> for Session {
    fn from(text: String) -> Self {
        match text.split_once('-').and_then(|(start, nonce)| Some((counter(start)?, nonce))) {
            Some((start, nonce)) if !nonce.is_empty() => Self { start, nonce: nonce.to_owned() },
            Some(_) | None => Self { start: 0, nonce: text },
        }
    }
}

impl From<Session> for String {
    fn from(session: Session) -> Self {
        session.to_string()
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_counted() { write!(f, "{}-{}", self.start, self.nonce) } else { f.write_str(&self.nonce) }
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
    fn sessions_are_read_in_both_forms() {
        let session = |start, nonce: &str| Session { start, nonce: nonce.to_owned() };
        let table = [
            ("7-ab", session(7, "ab")),
            ("0123456789abcdef", session(0, "0123456789abcdef")),
            ("", session(0, "")),
            ("0-ab", session(0, "0-ab")),
            ("07-ab", session(0, "07-ab")),
            ("7-", session(0, "7-")),
            ("x-7-ab", session(0, "x-7-ab")),
        ];
        for (text, expected) in table {
            assert_eq!(Session::from(text.to_owned()), expected, "{text}");
            assert_eq!(expected.to_string(), text);
        }
        assert!(session(2, "a") > session(1, "b"));
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
