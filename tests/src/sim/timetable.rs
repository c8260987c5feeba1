//! What must hold of schedules, from what became durable alone: no instant has two jobs, and none is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use c2_shared::api::schedules::{Missed, Overlap, Run};
use c2_shared::id::JobId;
use c2_shared::job::Condition;
use c2_shared::limits::SCHEDULE_RUNS_KEPT;
use c2_shared::time::parse_duration_s;
use c2d::sched::Decision;
use c2d::sched::decision::{JobRecord, ScheduleRecord};

/// The schedules as they were when they last became durable, and all that ever ran.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timetable {
    schedules: BTreeMap<String, ScheduleRecord>,
    jobs: BTreeSet<JobId>,
    /// Jobs of schedules that have not ended, as far as is durable.
    active: BTreeMap<JobId, Active>,
    ran: BTreeMap<(String, u64, u64), JobId>,
    scheduled: u64,
    missed: u64,
    /// What the clock showed when schedules were looked at.
    pub(crate) looked_ms: u64,
    /// How far the clock was set back by days: from then on it is not computed any more what passed.
    pub(crate) set_back_ms: u64,
    /// How often an earlier run had not ended: it was left out, it waited, the earlier one was cancelled.
    overlaps: [u64; 3],
}

/// A run that has not ended.
#[derive(Clone, Debug)]
struct Active {
    schedule: String,
    /// Whether it was started, and is not back in the queue.
    runs: bool,
    cancelling: bool,
}

impl Timetable {
    pub(crate) fn committed(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            match decision {
                Decision::AddJob(job) => {
                    self.jobs.insert(job.id);
                    self.begin(job);
                }
                Decision::Assign { attempt, .. } | Decision::Readopt { attempt, .. } => self.note(attempt.job, true),
                Decision::Requeue { attempt, .. } => self.note(attempt.job, false),
                Decision::MarkCancelling { job } => {
                    self.active.entry(*job).and_modify(|active| active.cancelling = true);
                }
                Decision::End { job, .. } => drop(self.active.remove(job)),
                Decision::PutSchedule(record) => {
                    if let Some(before) = self.schedules.get(&record.name).cloned() {
                        self.check(&before, record);
                    }
                    self.schedules.insert(record.name.clone(), (**record).clone());
                }
                Decision::RemoveSchedule { name } => {
                    self.schedules.remove(name);
                    // Another one of this name knows nothing of its runs.
                    self.active.retain(|_, one| one.schedule != *name);
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, job: JobId, runs: bool) {
        self.active.entry(job).and_modify(|active| active.runs = runs);
    }

    /// A run became a job. What the rule for overlapping runs asks for follows from those that had not ended by then.
    fn begin(&mut self, job: &JobRecord) {
        let Some(name) = job.terms.schedule.as_deref() else { return };
        let earlier: Vec<(JobId, Active)> =
            self.active.iter().filter(|(_, one)| one.schedule == name).map(|(id, one)| (*id, one.clone())).collect();
        let is_behind = |on: &JobId| job.depends.iter().any(|edge| edge.on == *on && edge.condition == Condition::Any);
        let active = Active { schedule: name.to_owned(), runs: false, cancelling: false };
        self.active.insert(job.id, active);
        let (Some((last, _)), Some(record)) = (earlier.last(), self.schedules.get(name)) else { return };
        // What is made up for comes one after the other, whatever the rule.
        if record.missed == Missed::All && is_behind(last) && record.overlap != Overlap::CancelOld {
            return;
        }
        match record.overlap {
            Overlap::Skip => {
                assert!(earlier.is_empty(), "{} of {name} begins while {earlier:?} have not ended", job.id);
            }
            Overlap::Queue => {
                let waits = earlier.iter().any(|(_, one)| !one.runs);
                assert!(!waits && is_behind(last), "{} of {name} is to wait for one run: {earlier:?}", job.id);
                self.overlaps[1] += 1;
            }
            Overlap::CancelOld => {
                let in_turn = record.missed == Missed::All && is_behind(last);
                let all = earlier.iter().all(|(id, one)| is_behind(id) && one.cancelling);
                assert!(all || in_turn, "{} of {name} leaves {earlier:?} alone", job.id);
                self.overlaps[2] += u64::from(all);
            }
        }
    }

    /// How often an earlier run had not ended: it was left out, it waited, the earlier one was cancelled.
    pub(crate) const fn overlaps(&self) -> [u64; 3] {
        self.overlaps
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
            if let Some(reason) = run.skipped.as_deref().filter(|reason| reason.contains("job-")) {
                let busy = self.active.values().any(|one| one.schedule == *name);
                assert!(busy, "{name} leaves out a run because {reason}, and no earlier one is left");
                self.overlaps[0] += 1;
            }
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
