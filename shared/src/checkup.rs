//! What the programs say after they looked whether something is as it should be.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that was looked at. Shown, it is a line or two for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// What it is about.
    pub what: String,
    /// How it is.
    pub state: State,
    /// The same in words.
    pub words: String,
    /// What to do about it; empty where nothing is to be done.
    pub advice: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and something may be wanting.
    Warn,
    /// It does not work.
    Fail,
}

impl Check {
    /// Something that is as it should be.
    #[must_use]
    pub fn ok(what: impl Into<String>, words: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Ok, words: words.into(), advice: String::new() }
    }

    /// Something that works, with a doubt.
    #[must_use]
    pub fn warn(what: impl Into<String>, words: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Warn, words: words.into(), advice: advice.into() }
    }

    /// Something that does not work.
    #[must_use]
    pub fn fail(what: impl Into<String>, words: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Fail, words: words.into(), advice: advice.into() }
    }

    /// Judges the clock of this machine by that of c2d, both in unix seconds. Everything within C2
    /// is timed by c2d alone; what suffers are times that people compare.
    #[must_use]
    pub fn of_clock(ours_s: u64, theirs_s: u64) -> Self {
        const WHAT: &str = "clock";
        let off = ours_s.abs_diff(theirs_s);
        let way = if ours_s < theirs_s { "behind" } else { "ahead of" };
        if off <= CLOCK_OFF_S {
            Self::ok(WHAT, "as c2d's, to a few seconds")
        } else {
            let words = format!("{off} s {way} that of c2d");
            Self::warn(WHAT, words, "let both be set from the network: timedatectl set-ntp true")
        }
    }
}

/// Seconds that two clocks may differ before somebody is told.
const CLOCK_OFF_S: u64 = 5;

/// Whether nothing failed.
#[must_use]
pub fn is_well(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.state != State::Fail)
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<4}  {}: {}", self.state, self.what, self.words)?;
        if !self.advice.is_empty() {
            write!(f, "\n      hint: {}", self.advice)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_for_a_person() {
        assert_eq!(Check::ok("disk", "9 GB free").to_string(), "ok    disk: 9 GB free");
        assert_eq!(Check::fail("disk", "full", "empty it").to_string(), "FAIL  disk: full\n      hint: empty it");
    }

    #[test]
    fn clocks_may_differ_a_little() {
        for (ours_s, state, words) in [
            (10_000, State::Ok, "as c2d's"),
            (10_005, State::Ok, "as c2d's"),
            (9_994, State::Warn, "6 s behind that of c2d"),
            (13_600, State::Warn, "3600 s ahead of that of c2d"),
        ] {
            let check = Check::of_clock(ours_s, 10_000);
            assert!(check.state == state && check.words.starts_with(words), "{ours_s}: {check:?}");
        }
    }
}
