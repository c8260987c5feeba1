//! What must hold of schedules, from what became durable alone: no instant has two jobs, and none is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use c2_shared::api::schedules::{Missed, Run};
use c2_shared::id::JobId;
use c2_shared::limits::SCHEDULE_RUNS_KEPT;
use c2_shared::time::parse_duration_s;
use c2d::sched::Decision;
use c2d::sched::decision::ScheduleRecord;

/// The schedules as they were when they last became durable, and all that ever ran.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timetable {
    schedules: BTreeMap<String, ScheduleRecord>,
    jobs: BTreeSet<JobId>,
    ran: BTreeMap<(String, u64, u64), JobId>,
    scheduled: u64,
    missed: u64,
    /// What the clock showed when schedules were looked at.
    pub(crate) looked_ms: u64,
    /// How far the clock was set back by days: from then on it is not computed any more what passed.
    pub(crate) set_back_ms: u64,
}

impl Timetable {
    pub(crate) fn committed(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            match decision {
                Decision::AddJob(job) => drop(self.jobs.insert(job.id)),
                Decision::PutSchedule(record) => {
                    if let Some(before) = self.schedules.get(&record.name).cloned() {
                        self.check(&before, record);
                    }
                    self.schedules.insert(record.name.clone(), (**record).clone());
                }
                Decision::RemoveSchedule { name } => drop(self.schedules.remove(name)),
                _ => {}
            }
        }
    }

    /// Runs that became jobs, and instants that were missed.
    pub(crate) const fn counts(&self) -> (u64, u64) {
        (self.scheduled, self.missed)
    }

    fn check(&mut self, before: &ScheduleRecord, after: &ScheduleRecord) {
        let name = &after.name;
        // Of the old runs some are forgotten, from the beginning; what is new stands behind the last of them.
        let old = |run: &Run| before.runs.contains(run);
        let first = after.runs.iter().rposition(old).map_or(0, |last| last + 1);
        let new = &after.runs[first..];
        let forgotten = before.runs.iter().filter(|run| !after.runs.contains(run));
        assert!(forgotten.clone().count() == 0 || after.runs.len() >= SCHEDULE_RUNS_KEPT, "{name} forgets too much");
        for run in new {
            if let Some(job) = run.job_id {
                assert!(self.jobs.contains(&job), "{name} says that it became {job}, which does not exist");
                let other = self.ran.insert((name.clone(), after.added_ms, run.at_ms), job);
                assert!(other.is_none(), "{name} runs twice at {}: {job} and {other:?}", run.at_ms);
                self.scheduled += 1;
            }
        }
        let of = |record: &ScheduleRecord| (record.added_ms, record.missed, record.overlap);
        if of(before) != of(after) {
            assert!(new.is_empty(), "{name} is changed and runs: {new:?}");
            let is_kept = before.next_ms == after.next_ms || before.next_ms.is_none_or(|at| at > after.looked_ms);
            assert!(
                is_kept || self.set_back_ms > 0,
                "{name} is changed, and what was due is gone: {before:#?}\n{after:#?}"
            );
            return;
        }
        let (Some(from), Some(to)) = (before.next_ms, after.next_ms) else { return };
        if self.set_back_ms > 0 {
            return;
        }
        let seconds = parse_duration_s(after.cron.trim_start_matches("every ")).expect("ours are such");
        // What was due before a change is the first of them, whatever the others count from.
        let passed = if from == to { 0 } else { 1 + (to - 1 - from.max(after.added_ms)) / (seconds * 1_000) };
        if passed == 0 {
            return;
        }
        let missed: u64 = new.iter().map(|run| run.missed).sum();
        self.missed += missed;
        // The newest may be on time; all others are late by more than a minute, or have a later one behind them.
        assert!(missed == passed || missed + 1 == passed, "{passed} passed, {missed} missed: {before:#?}\n{after:#?}");
        let due = match after.missed {
            Missed::Once => 1,
            Missed::Skip => u64::from(missed < passed),
            Missed::All => passed,
        };
        let told = new.iter().filter(|run| run.skipped.as_deref() != Some("missed")).count() as u64;
        assert_eq!(
            told, due,
            "{name}: {passed} passed, {missed} missed, as {:?}: {new:?}\n{before:#?}\n{after:#?}",
            after.missed
        );
    }
}
