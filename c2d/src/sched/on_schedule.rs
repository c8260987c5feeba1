//! Schedules: jobs that are submitted when their time has come.
//!
//! When that is, is computed elsewhere: here arrive instants. A run and the instant after it are one turn and
//! so one commit, whatever dies in between: none runs twice and none is forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;

use c2_shared::api::schedules::{Missed, Overlap, Run};
use c2_shared::id::JobId;
use c2_shared::job::{Condition, Dependency, DependsOn, JobState};
use c2_shared::limits::{SCHEDULE_GAPS_KEPT, SCHEDULE_RUNS_KEPT, SCHEDULES_MAX};

use crate::sched::decision::ScheduleRecord;
use crate::sched::event::{
    CancelRequested, Event, Now, RunAsked, RunsDue, ScheduleAdded, ScheduleChanged, SchedulePaused, ScheduleRemoved,
};
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::{Decision, Note, Reject};

impl Event for ScheduleAdded {
    type Answer = ();

    const BRINGS_JOBS: bool = true;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self(record) = self;
        turn.s.check_added(&record)?;
        turn.decide(Decision::PutSchedule(Box::new(record)));
        Ok(())
    }
}

impl Event for ScheduleChanged {
    type Answer = ();

    const BRINGS_JOBS: bool = true;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let changed = turn.s.changed_schedule(turn.now, &self.was, self.new)?;
        turn.decide(Decision::PutSchedule(Box::new(changed)));
        Ok(())
    }
}

impl Event for ScheduleRemoved {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        turn.s.find_schedule(&self.name)?;
        turn.decide(Decision::RemoveSchedule { name: self.name });
        Ok(())
    }
}

impl Event for SchedulePaused {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { name, paused, next_ms } = self;
        let mut record = turn.s.find_schedule(&name)?.clone();
        // What is due already is not put off by somebody who resumes what was never paused.
        if record.paused != paused {
            (record.paused, record.next_ms) = (paused, next_ms);
            record.looked_ms = record.looked_ms.max(turn.now.wall_ms);
            turn.decide(Decision::PutSchedule(Box::new(record)));
        }
        Ok(())
    }
}

impl Event for RunAsked {
    type Answer = JobId;

    const BRINGS_JOBS: bool = true;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let mut record = turn.s.find_schedule(&self.name)?.clone();
        let at_ms = turn.now.wall_ms;
        let job = match turn.run(&record, false) {
            Ok(job) => job,
            Err(Reject::BadJob { reason, .. }) => return Err(*reason),
            Err(reject) => return Err(reject),
        };
        record.runs.push(Run { at_ms, job_id: Some(job), ..Run::default() });
        turn.put_runs(record);
        Ok(job)
    }
}

impl Event for RunsDue {
    type Answer = ();

    const BRINGS_JOBS: bool = true;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let known = turn.s.schedules.get(&self.name).filter(|known| known.next_ms == self.expected_ms);
        let Some(mut record) = known.cloned() else { return Ok(()) };
        let (active, capacity, asked) = (turn.s.jobs.len(), turn.s.capacity, self.runs.len());
        if active + asked > capacity {
            return Err(Reject::QueueFull { active, capacity, asked });
        }
        let mut missed = self.missed;
        let mut made_up = 0;
        for at_ms in self.runs.iter().copied() {
            let (job_id, skipped) = match turn.run(&record, self.in_turn) {
                Ok(job) => (Some(job), None),
                Err(Reject::RunSkipped { reason, .. }) => (None, Some(reason)),
                Err(reject) => (None, Some(reject.to_string())),
            };
            let makes_up = record.missed == Missed::Once || at_ms <= self.missed_ms;
            made_up += usize::from(makes_up && job_id.is_some());
            if let Some(reason) = skipped.clone() {
                turn.s.touched.notes.push(Note::NoRun { schedule: self.name.clone(), reason });
            }
            record.runs.push(Run { at_ms, job_id, skipped, missed: std::mem::take(&mut missed), ..Run::default() });
        }
        if missed > 0 {
            let skipped = Some(Run::MISSED.to_owned());
            record.runs.push(Run { at_ms: self.missed_ms, skipped, missed, ..Run::default() });
        }
        if self.missed > 0 {
            let ago_ms = turn.now.wall_ms.saturating_sub(self.missed_ms);
            let schedule = self.name.clone();
            turn.s.touched.notes.push(Note::Missed { schedule, missed: self.missed, made_up, ago_ms });
        }
        if let Some(reason) = self.defect {
            turn.s.touched.notes.push(Note::NoRun { schedule: self.name, reason: reason.clone() });
            let at_ms = turn.now.wall_ms;
            record.runs.push(Run { at_ms, skipped: Some(reason), ..Run::default() });
            record.paused = true;
        }
        (record.next_ms, record.looked_ms) = (self.next_ms, turn.now.wall_ms);
        turn.put_runs(record);
        Ok(())
    }
}

impl Turn<'_> {
    /// Submits one run, or says why there is none. In turn means behind all before it.
    fn run(&mut self, record: &ScheduleRecord, in_turn: bool) -> Result<JobId, Reject> {
        let skip = |reason: String| Reject::RunSkipped { name: record.name.clone(), reason };
        if let Some(defect) = &record.defect {
            return Err(skip(defect.clone()));
        }
        let active: Vec<(JobId, JobState)> =
            record.runs.iter().filter_map(|run| Some((run.job_id?, self.s.jobs.get(run.job_id?)?.state))).collect();
        let waiting = active.iter().find(|(_, state)| *state != JobState::Running);
        let behind = match (active.last(), record.overlap) {
            (None, _) => &[],
            (Some(_), _) if in_turn => &active[active.len() - 1..],
            (Some((job, state)), Overlap::Skip) => return Err(skip(format!("{job} has not ended, it is {state}"))),
            (Some(_), Overlap::Queue) => match waiting {
                Some((job, state)) => return Err(skip(format!("{job} waits already, it is {state}"))),
                None => &active[active.len() - 1..],
            },
            (Some(_), Overlap::CancelOld) => &active[..],
        };
        let mut job = record.job.clone();
        Arc::make_mut(&mut job.terms).schedule = Some(record.name.as_str().into());
        self.s.forget_gone_rules(&mut job);
        let after = |(job, _): &(JobId, JobState)| Dependency { condition: Condition::Any, on: DependsOn::Job(*job) };
        job.depends.extend(behind.iter().map(after));
        let edges = self.s.check_submit(std::slice::from_ref(&job), &BTreeMap::new())?;
        if !in_turn && record.overlap == Overlap::CancelOld {
            for (job, _) in &active {
                // It may have ended with the one before it.
                drop(CancelRequested { job: *job }.happen(self));
            }
        }
        Ok(self.accept(vec![job], edges, None).swap_remove(0))
    }

    /// Puts a schedule with its runs, of which the old ones that have ended are forgotten.
    fn put_runs(&mut self, mut record: ScheduleRecord) {
        let mut newest = record.runs.split_off(record.runs.len().saturating_sub(SCHEDULE_RUNS_KEPT));
        let (mut older, mut gaps) = (Vec::new(), 0);
        for run in record.runs.into_iter().rev() {
            let next = older.last_mut().or_else(|| newest.first_mut());
            let is_active = run.job_id.is_some_and(|job| self.s.jobs.get(job).is_some());
            match next {
                // The one behind it remembers that this one came too.
                Some(next) if !is_active && next.follows(&run) => {
                    next.since_ms = Some(run.since_ms.unwrap_or(run.at_ms));
                }
                _ if is_active => older.push(run),
                _ if !run.is_gap() && gaps < SCHEDULE_GAPS_KEPT => {
                    gaps += 1;
                    older.push(run);
                }
                _ => {}
            }
        }
        record.runs = older.into_iter().rev().chain(newest).collect();
        self.decide(Decision::PutSchedule(Box::new(record)));
    }
}

impl Scheduler {
    pub(crate) fn put_schedule(&mut self, record: ScheduleRecord) {
        self.remove_schedule(&record.name);
        self.instants.extend(record.next_ms.map(|at| (at, record.name.clone())));
        self.schedules.insert(record.name.clone(), record);
    }

    pub(crate) fn remove_schedule(&mut self, name: &str) {
        let old = self.schedules.remove(name);
        if let Some(at) = old.and_then(|old| old.next_ms) {
            self.instants.remove(&(at, name.to_owned()));
        }
    }

    /// Whatever is wrong with its job now would be wrong each time; only the queue may be full today.
    fn check_runs(&self, record: &ScheduleRecord) -> Result<(), Reject> {
        match self.check_submit(std::slice::from_ref(&record.job), &BTreeMap::new()) {
            Err(Reject::BadJob { reason, .. }) => Err(*reason),
            Err(Reject::QueueFull { .. }) | Ok(_) => Ok(()),
            Err(reject) => Err(reject),
        }
    }

    /// Whether a schedule can be added.
    pub(crate) fn check_added(&self, record: &ScheduleRecord) -> Result<(), Reject> {
        if self.schedules.contains_key(&record.name) {
            return Err(Reject::ScheduleExists { name: record.name.clone() });
        }
        if self.schedules.len() >= SCHEDULES_MAX {
            return Err(Reject::TooManySchedules);
        }
        self.check_runs(record)
    }

    /// What a schedule becomes that was, and is to be, so.
    pub(crate) fn changed_schedule(
        &self,
        now: Now,
        was: &ScheduleRecord,
        new: ScheduleRecord,
    ) -> Result<ScheduleRecord, Reject> {
        let old = self.find_schedule(&new.name)?;
        if let Some(reason) = old.defect.clone() {
            return Err(Reject::BrokenSchedule { name: new.name, reason });
        }
        if !old.asks_the_same(was) {
            return Err(Reject::ScheduleChanged { name: new.name });
        }
        self.check_runs(&new)?;
        let (paused, runs) = (old.paused, old.runs.clone());
        // An instant that has come is not forgotten because others come now.
        let stays = old.comes_as(&new) || old.next_ms.is_some_and(|at| at <= now.wall_ms);
        let next_ms = if stays { old.next_ms } else { new.next_ms.filter(|_| !paused) };
        let looked_ms = if stays { old.looked_ms } else { old.looked_ms.max(now.wall_ms) };
        Ok(ScheduleRecord { paused, runs, next_ms, looked_ms, defect: None, ..new })
    }

    fn find_schedule(&self, name: &str) -> Result<&ScheduleRecord, Reject> {
        let known = || self.schedules.keys().cloned().collect();
        self.schedules.get(name).ok_or_else(|| Reject::UnknownSchedule { name: name.to_owned(), known: known() })
    }

    /// The earliest instant of all schedules, in unix milliseconds.
    pub fn next_instant(&self) -> Option<u64> {
        self.instants.first().map(|(at, _)| *at)
    }

    /// The schedules of which an instant has come.
    pub fn due(&self, wall_ms: u64) -> impl Iterator<Item = &ScheduleRecord> {
        self.instants.iter().take_while(move |(at, _)| *at <= wall_ms).map(|(_, name)| &self.schedules[name])
    }

    /// All schedules by name.
    pub fn schedules(&self) -> impl Iterator<Item = &ScheduleRecord> {
        self.schedules.values()
    }

    /// A schedule, with the states of the jobs of its runs.
    pub fn schedule(&self, name: &str) -> Result<ScheduleRecord, Reject> {
        self.find_schedule(name).map(|record| self.with_states(record))
    }

    /// The same with the states of the jobs of its runs.
    pub fn with_states(&self, record: &ScheduleRecord) -> ScheduleRecord {
        let mut record = record.clone();
        for run in &mut record.runs {
            run.state = run.job_id.and_then(|job| {
                self.jobs.get(job).map(|job| job.state).or_else(|| self.ended.get(job).map(|ended| ended.state))
            });
        }
        record
    }
}
