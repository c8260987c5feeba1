//! All jobs that have something in common: `@held`, `@gpu`, `@batch:night`, or of a range `3-9@failed`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::hint;
use crate::id::JobId;
use crate::job::Standing;

const ALL_JOBS: &str = "`jobs --all` lists all jobs with their states";

/// Jobs in one range of numbers that have something in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selection {
    /// What they have in common.
    pub common: Common,
    /// The first number that counts.
    pub first: JobId,
    /// The last one.
    pub last: JobId,
}

/// What jobs may have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Common {
    /// Where they stand.
    State(Standing),
    /// The group that they asked for, while they have not ended.
    Group(String),
    /// The batch that they belong to.
    Batch(String),
}

/// Says that a text selects no jobs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no jobs: write @STATE, @GROUP or @batch:NAME for all, or FIRST-LAST@STATE")]
pub struct NoSelection(String);

impl Selection {
    /// All of them.
    #[must_use]
    pub const fn all(common: Common) -> Self {
        Self { common, first: JobId(1), last: JobId(u64::MAX) }
    }
}

/// What people call states, and the state that is meant.
const CALLED: [(&[&str], Standing); 6] = [
    (&["done", "ok", "success", "successful", "completed", "complete", "finished", "ended"], Standing::Succeeded),
    (&["error", "errors", "failure", "failures", "fail", "crashed", "timeout", "lost"], Standing::Failed),
    (&["canceled", "aborted", "killed", "stopped"], Standing::Cancelled),
    (&["waiting", "pending", "ready"], Standing::Queued),
    (&["active", "started"], Standing::Running),
    (&["stashed", "suspended", "on-hold", "paused"], Standing::Held),
];

/// The state that a word means, however it is spelt and whoever calls it so.
#[must_use]
pub fn state_called(word: &str) -> Option<Standing> {
    let word = word.to_lowercase();
    let own = Standing::ALL.into_iter().find(|standing| standing.word() == word);
    own.or_else(|| CALLED.iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, standing)| *standing))
}

/// What a group that has no jobs was perhaps to be: a state.
fn near_state(word: &str) -> Option<String> {
    let near = state_called(word).map(Standing::word);
    let near = near.or_else(|| hint::nearest(word, Standing::ALL.map(Standing::word)));
    // A group that does not begin like the state is another word.
    let near = near.filter(|near| {
        near[..1].eq_ignore_ascii_case(word.get(..1).unwrap_or_default()) || state_called(word).is_some()
    });
    near.map(|near| format!("did you mean \"@{near}\"?"))
}

impl Common {
    /// What is to be said where there is no such job, and what to do.
    #[must_use]
    pub fn nothing(&self) -> (String, String) {
        match self {
            Self::State(standing) => (format!("no such job is {}", standing.word()), ALL_JOBS.to_owned()),
            Self::Batch(batch) => {
                (format!("there is no such job in a batch {batch:?}"), "`batches` lists the batches".to_owned())
            }
            Self::Group(group) if group == "all" => {
                let hint = "name their states, as in @queued @running; jobs that have ended are @succeeded, @failed \
                            and @cancelled";
                ("no group of workers is called \"all\"".to_owned(), hint.to_owned())
            }
            Self::Group(group) => {
                let states = Standing::ALL.map(Standing::word).join(", ");
                let none =
                    format!("no job of a group {group:?} is active, and that is no state of jobs either: {states}");
                (none, near_state(group).unwrap_or_else(|| ALL_JOBS.to_owned()))
            }
        }
    }
}

impl FromStr for Selection {
    type Err = NoSelection;

    fn from_str(text: &str) -> Result<Self, NoSelection> {
        let none = || NoSelection(text.to_owned());
        let (range, word) = text.rsplit_once('@').filter(|(_, word)| !word.is_empty()).ok_or_else(none)?;
        let state = Standing::ALL.into_iter().find(|standing| standing.word() == word);
        let common = match (word.strip_prefix("batch:"), state) {
            (Some(""), _) => return Err(none()),
            (Some(batch), _) => Common::Batch(batch.to_owned()),
            (None, Some(state)) => Common::State(state),
            (None, None) => Common::Group(word.to_owned()),
        };
        let all = Self::all(common);
        if range.is_empty() {
            return Ok(all);
        }
        let (first, last) = range.rsplit_once('-').ok_or_else(none)?;
        let (first, last) = JobId::said(first).zip(JobId::said(last)).ok_or_else(none)?;
        if first.0 == 0 || last < first { Err(none()) } else { Ok(Self { first, last, ..all }) }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self != Self::all(self.common.clone()) {
            write!(f, "{}-{}", self.first.0, self.last.0)?;
        }
        match &self.common {
            Common::State(standing) => write!(f, "@{}", standing.word()),
            Common::Group(group) => write!(f, "@{group}"),
            Common::Batch(batch) => write!(f, "@batch:{batch}"),
        }
    }
}

impl TryFrom<String> for Selection {
    type Error = NoSelection;

    fn try_from(text: String) -> Result<Self, NoSelection> {
        text.parse()
    }
}

impl From<Selection> for String {
    fn from(selection: Selection) -> Self {
        selection.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_state_leads_to_one() {
        let table = [
            ("done", Some(Standing::Succeeded)),
            ("FAILED", Some(Standing::Failed)),
            ("pending", Some(Standing::Queued)),
            ("canceled", Some(Standing::Cancelled)),
            ("gpu", None),
        ];
        for (word, expected) in table {
            assert_eq!(state_called(word), expected, "{word}");
        }
        let (none, hint) = Common::Group("done".to_owned()).nothing();
        assert!(none.contains("no job of a group \"done\"") && hint == "did you mean \"@succeeded\"?", "{none} {hint}");
        assert_eq!(Common::Group("runing".to_owned()).nothing().1, "did you mean \"@running\"?");
        assert_eq!(Common::Group("broken".to_owned()).nothing().1, ALL_JOBS);
        assert!(Common::Group("all".to_owned()).nothing().1.contains("@queued @running"));
    }

    #[test]
    fn texts_and_selections() {
        let held = Common::State(Standing::Held);
        let table = [
            ("@held", Some(Selection::all(held.clone()))),
            ("3-9@held", Some(Selection { common: held.clone(), first: JobId(3), last: JobId(9) })),
            ("job-3-9@held", Some(Selection { common: held, first: JobId(3), last: JobId(9) })),
            ("@gpu", Some(Selection::all(Common::Group("gpu".to_owned())))),
            ("@batch:night", Some(Selection::all(Common::Batch("night".to_owned())))),
            ("@batch:", None),
            ("@", None),
            ("held", None),
            ("3@held", None),
            ("9-3@held", None),
            ("0-3@held", None),
            ("x-3@held", None),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse().ok(), expected, "{text}");
            if let Some(selection) = expected {
                assert_eq!(selection.to_string().parse(), Ok(selection));
            }
        }
    }
}
