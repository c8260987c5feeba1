//! How much time c2d has seen pass, and how far its log of ended jobs had come on each of its days.
//!
//! Clocks of machines at home jump by years: a battery is empty, the network comes late, somebody
//! sets them. So a job counts as old only when c2d itself has run for so long after its end,
//! whatever the dates say.

use std::collections::VecDeque;

use c2_shared::id::JobId;
use c2_shared::time::Mono;
use serde::{Deserialize, Serialize};

use crate::store::columns::{int, to_json, uint};
use crate::store::sql::Connection;
use crate::store::{History, StoreError};

pub(super) const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// The time that was seen, kept from run to run.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Uptime {
    ms: u64,
    /// Days, each with the last place in the log when it began.
    days: VecDeque<(u64, u64)>,
    /// When it was looked at last in this run.
    #[serde(skip)]
    last: Option<Mono>,
}

impl Uptime {
    pub(super) fn load(c: &Connection) -> Result<Self, StoreError> {
        let sql = "SELECT value FROM meta WHERE name = 'observed'";
        let text: Option<String> = c.optional(sql, ())?;
        let unreadable = |why| StoreError::Unreadable { what: format!("table meta, name \"observed\": {why}") };
        text.map_or_else(|| Ok(Self::default()), |text| serde_json::from_str(&text).map_err(unreadable))
    }

    pub(super) fn save(&self, c: &Connection) -> Result<(), StoreError> {
        let sql = "INSERT INTO meta VALUES ('observed', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        c.execute(sql, [to_json(self)])?;
        Ok(())
    }

    /// How long c2d has run.
    pub(super) const fn seen_ms(&self) -> u64 {
        self.ms
    }

    /// Time has passed; the log has come to `logged`. Days that say nothing about jobs of `keep_days`
    /// are forgotten.
    pub(super) fn pass(&mut self, now: Mono, logged: u64, keep_days: u64) {
        self.ms += self.last.replace(now).map_or(0, |last| now.since_ms(last));
        let today = self.ms / DAY_MS;
        if self.days.back().is_none_or(|(day, _)| *day < today) {
            self.days.push_back((today, logged));
        }
        while self.days.get(1).is_some_and(|(day, _)| day.saturating_add(keep_days) <= today) {
            self.days.pop_front();
        }
    }

    /// The same for fewer days than are kept; everything, for none.
    pub(super) fn ended_before(&self, days: u64) -> u64 {
        let today = self.ms / DAY_MS;
        let old = self.days.iter().rev().find(|(day, _)| day.saturating_add(days) <= today);
        if days == 0 { u64::MAX } else { old.map_or(0, |(_, logged)| *logged) }
    }

    /// The last place in the log of which everything has been there for `keep_days` whole days.
    pub(super) fn old_until(&self, keep_days: u64) -> u64 {
        // All but the newest of the old days were forgotten.
        let old = self.days.front().filter(|(day, _)| day.saturating_add(keep_days) <= self.ms / DAY_MS);
        old.map_or(0, |(_, logged)| *logged)
    }
}

impl History {
    /// Those of some jobs that ended so many days of c2d ago, or were removed since, in the order of their ends.
    pub async fn ended_before(&self, jobs: Vec<JobId>, days: u64) -> Result<Vec<JobId>, StoreError> {
        self.ask(move |c| {
            let until = Uptime::load(c)?.ended_before(days);
            let mut old = Vec::new();
            for job in jobs {
                let seq: Option<Option<i64>> = c.optional("SELECT seq FROM job WHERE id = ?1", [int(job.0)])?;
                match seq.map(|seq| seq.map(uint)) {
                    None => old.push((0, job)),
                    Some(Some(seq)) if seq <= until => old.push((seq, job)),
                    Some(_) => {}
                }
            }
            old.sort_unstable();
            Ok(old.into_iter().map(|(_, job)| job).collect())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_were_seen_count() {
        let mut uptime = Uptime::default();
        let mut at = |days: u64, logged| {
            uptime.pass(Mono(7 + days * DAY_MS), logged, 3);
            (uptime.old_until(3), uptime.days.len())
        };
        assert_eq!(at(0, 10), (0, 1));
        assert_eq!(at(1, 20), (0, 2));
        assert_eq!(at(1, 25), (0, 2));
        assert_eq!(at(2, 30), (0, 3));
        assert_eq!(at(3, 40), (10, 4));
        assert_eq!(at(4, 50), (20, 4), "the first day says nothing more");
        assert_eq!([0, 1, 2, 9].map(|days| uptime.ended_before(days)), [u64::MAX, 40, 30, 0]);
        let mut at = |days: u64, logged| {
            uptime.pass(Mono(7 + days * DAY_MS), logged, 3);
            (uptime.old_until(3), uptime.days.len())
        };
        assert_eq!(at(40, 60), (50, 2));

        // A new run of c2d, whose clock begins anew, goes on where the last one was.
        let mut next: Uptime = serde_json::from_str(&to_json(&uptime)).unwrap();
        next.pass(Mono(0), 70, 3);
        assert_eq!((next.old_until(3), next.days.len()), (50, 2));
        next.pass(Mono(DAY_MS), 70, 3);
        next.pass(Mono(3 * DAY_MS), 80, 3);
        assert_eq!(next.old_until(3), 60);
    }
}
