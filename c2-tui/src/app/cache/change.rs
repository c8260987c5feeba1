//! Applying what c2d told, and saying what that changed.

use std::net::IpAddr;

use c2_shared::api::events::{Change, Event, Snapshot};
use c2_shared::api::jobs::JobRow;
use c2_shared::api::workers::WorkerRow;
use c2_shared::id::JobId;
use c2_shared::job::JobState;

use super::ends::Ends;
use super::job;
use super::{Cache, Job, Seen, Wait, WaitKey, Worker};

/// Ended jobs kept for the log and the chips; older ones are asked from c2d when they are wanted.
const ENDED_MAX: usize = 10_000;
/// Cells for the name of a host: so that its head can be read, and that it leaves room for others.
const HOST: (u16, u16) = (8, 24);
/// Cells for an address, so that its head and the sign of its order can be read.
const ADDRESS: u16 = 8;
/// How many more there may be before the surplus is dropped, so that it is dropped in one go.
const ENDED_SLACK: usize = 1_000;

/// What an event changed beside the jobs that it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Everything may be different.
    pub(crate) all: bool,
    /// Workers came, went or changed.
    pub(crate) workers: bool,
    /// The counts of waiting jobs changed.
    pub(crate) waits: bool,
}

/// Letters as cells: addresses, ids and host names are ASCII.
pub(super) fn cells(letters: usize) -> u16 {
    u16::try_from(letters).unwrap_or(u16::MAX)
}

impl Cache {
    /// Applies an event that arrived at `now_ms`. Tables must have taken out the jobs that a change
    /// names before, and take them in again after it.
    pub(crate) fn apply(&mut self, event: Event, now_ms: u64) -> Changed {
        self.heard_ms = Some(now_ms);
        match event {
            Event::Snapshot(snapshot) => self.restart(*snapshot, now_ms),
            Event::Change(change) => self.follow(*change, now_ms),
        }
    }

    fn restart(&mut self, snapshot: Snapshot, now_ms: u64) -> Changed {
        let old = std::mem::take(&mut self.workers);
        self.jobs.clear();
        self.waits.clear();
        self.shapes.clear();
        self.running.clear();
        self.ended = 0;
        self.ends = Ends::default();
        self.seen = Seen::default();
        for row in snapshot.workers {
            let before = old.get(&row.worker_id);
            self.put_worker(row, before, now_ms);
        }
        for row in snapshot.jobs {
            self.put_job(row);
        }
        self.queue = snapshot.queue;
        Changed { all: true, workers: true, waits: true }
    }

    fn follow(&mut self, change: Change, now_ms: u64) -> Changed {
        let mut changed = Changed { all: false, workers: !change.workers.is_empty(), waits: !change.jobs.is_empty() };
        for row in change.workers {
            let before = self.workers.remove(&row.worker_id);
            self.put_worker(row, before.as_ref(), now_ms);
        }
        for gone in change.gone {
            changed.workers |= self.workers.remove(&gone.worker_id).is_some();
        }
        for row in change.jobs {
            self.put_job(row);
        }
        if self.ended > ENDED_MAX + ENDED_SLACK {
            self.forget_oldest();
            changed.all = true;
        }
        self.queue = change.queue;
        changed
    }

    /// Takes rows of jobs that ended before all that was told, the latest last; says whether any is new. What
    /// is known already is newer, and no more are kept than at any other time.
    pub(crate) fn learn(&mut self, rows: Vec<JobRow>) -> bool {
        let before = self.jobs.len();
        for row in rows.into_iter().rev() {
            if row.state.is_terminal() && self.ended < ENDED_MAX && !self.jobs.contains_key(&row.job_id) {
                self.put_job(row);
            }
        }
        self.jobs.len() > before
    }

    fn forget_oldest(&mut self) {
        let ended = self.jobs.values().map(|j| &j.row).filter(|row| row.state.is_terminal());
        let oldest: Vec<JobId> = ended.map(|row| row.job_id).take(self.ended - ENDED_MAX).collect();
        for id in oldest {
            self.jobs.remove(&id);
            self.ended -= 1;
        }
    }

    fn put_worker(&mut self, row: WorkerRow, before: Option<&Worker>, now_ms: u64) {
        let host = cells(row.hostname.len()).clamp(HOST.0, HOST.1);
        self.seen.host = self.seen.host.max(host);
        self.see_address(row.ip);
        self.seen.groups |= !row.groups.is_empty();
        self.seen.tags |= !row.tags.is_empty();
        self.seen.gpus |= !row.load.gpu_percent.is_empty();
        self.workers.insert(Worker::new(row, before, now_ms));
    }

    fn see_address(&mut self, ip: IpAddr) {
        self.seen.address = self.seen.address.max(cells(ip.to_string().len()).max(ADDRESS));
    }

    fn put_job(&mut self, row: JobRow) {
        self.seen.asked_groups |= row.group.is_some();
        self.seen.asked_tags |= !row.tags.is_empty();
        self.seen.asked_needs |= !job::needs(&row).is_empty();
        self.seen.retries |= row.attempt > 1;
        row.worker.into_iter().for_each(|ip| self.see_address(ip));
        self.seen.starts |= row.started_ms.is_some();
        self.seen.named_runs |= row.name.is_some() && row.state == JobState::Running;
        let has_ended = |job: &Job| job.row.state.is_terminal();
        if row.state.is_terminal() && !self.jobs.get(&row.job_id).is_some_and(has_ended) {
            self.ends.add(&row);
        }
        self.ended += usize::from(row.state.is_terminal());
        self.count(&row, true);
        if let Some(before) = self.jobs.insert(Job::new(row)) {
            self.ended -= usize::from(before.row.state.is_terminal());
            self.count(&before.row, false);
        }
    }

    /// Counts a waiting or running job in or out.
    fn count(&mut self, row: &JobRow, enters: bool) {
        if let (JobState::Running, Some(name)) = (row.state, &row.name) {
            let count = self.running.entry(name.clone()).or_default();
            *count = if enters { *count + 1 } else { *count - 1 };
            if *count == 0 {
                self.running.remove(name);
            }
        }
        if !Wait::is_waiting(row.state) {
            return;
        }
        let next = self.shapes.len();
        let shape = *self.shapes.entry((row.group.clone(), row.tags.clone(), job::needs(row))).or_insert(next);
        let key = WaitKey { state: row.state, shape };
        let count = self.waits.get(&key).map_or(0, |wait| wait.count);
        let count = if enters { count + 1 } else { count - 1 };
        match self.waits.get_mut(&key) {
            Some(_) if count == 0 => drop(self.waits.remove(&key)),
            Some(wait) => wait.count = count,
            None => drop(self.waits.insert(Wait { count, ..Wait::like(row, shape) })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::demo;

    fn change(jobs: Vec<JobRow>) -> Event {
        Event::Change(Box::new(Change { jobs, ..Change::default() }))
    }

    #[test]
    fn waits_follow_the_jobs() {
        let mut cache = Cache::default();
        cache.apply(Event::Snapshot(Box::default()), 0);
        let counts = |cache: &Cache| cache.waits.values().map(|w| (w.state(), w.count)).collect::<Vec<_>>();
        cache.apply(change(vec![demo::job(1, JobState::Queued), demo::job(2, JobState::Queued)]), 1);
        cache.apply(change(vec![demo::job(3, JobState::Blocked)]), 2);
        assert_eq!(counts(&cache), [(JobState::Blocked, 1), (JobState::Queued, 2)]);
        cache.apply(change(vec![demo::job(1, JobState::Running), demo::job(3, JobState::Queued)]), 3);
        assert_eq!(counts(&cache), [(JobState::Queued, 2)]);
    }

    #[test]
    fn jobs_that_will_not_start_by_themselves_are_in_no_forecast() {
        let mut cache = Cache::default();
        let now = 1_000 * 60_000;
        let ended = |n| JobRow { ended_ms: Some(now - 60_000 + n), ..demo::job(n, JobState::Succeeded) };
        let elsewhere = |n| JobRow { group: Some("nowhere".to_owned()), ..demo::job(n, JobState::Queued) };
        let later = |n| JobRow { begin_at: Some(now + 9_000_000), ..demo::job(n, JobState::Blocked) };
        let without = |n| JobRow { tags: vec!["fpga".to_owned()], ..demo::job(n, JobState::Queued) };
        let snapshot = Snapshot { workers: demo::workers(), ..Snapshot::default() };
        cache.apply(Event::Snapshot(Box::new(snapshot)), now);
        let mut rows: Vec<JobRow> = (1..=10).map(ended).collect();
        rows.extend((20..40).map(|n| demo::job(n, JobState::Queued)));
        cache.apply(change(rows), now);
        let eta = cache.eta_ms(now);
        assert_eq!(eta, Some(120_000), "ten in a minute");
        let mut rows: Vec<JobRow> = (40..60).map(|n| demo::job(n, JobState::Held)).collect();
        rows.extend((60..80).map(elsewhere).chain((80..90).map(without)).chain((90..95).map(later)));
        cache.apply(change(rows), now);
        assert_eq!(cache.eta_ms(now), eta);
        assert_eq!(cache.cannot_run(), 30, "they are counted by themselves");
        cache.queue.cannot_run = 40;
        assert_eq!((cache.eta_ms(now), cache.cannot_run()), (Some(60_000), 40), "c2d knows more");
        cache.queue.paused = true;
        assert_eq!(cache.eta_ms(now), None, "a queue that stands still does not become empty");
    }

    #[test]
    fn a_column_of_progress_comes_with_a_job_of_which_it_is_known() {
        let mut cache = Cache::default();
        let named = |n, state, name: &str| JobRow { name: Some(name.to_owned()), ..demo::job(n, state) };
        cache.medians.insert("train".to_owned(), 5_000);
        cache.apply(change(vec![named(1, JobState::Running, "other"), named(2, JobState::Queued, "train")]), 0);
        assert!(!cache.knows_progress());
        cache.apply(change(vec![named(2, JobState::Running, "train")]), 0);
        assert!(cache.knows_progress());
        cache.apply(change(vec![named(2, JobState::Succeeded, "train")]), 0);
        assert!(!cache.knows_progress());
    }

    #[test]
    fn older_rows_change_nothing_that_is_known() {
        let mut cache = Cache::default();
        cache.apply(change(vec![demo::job(5, JobState::Running), demo::job(6, JobState::Failed)]), 0);
        let older = [5, 6, 3, 4].map(|n| demo::job(n, JobState::Succeeded)).to_vec();
        assert!(cache.learn(older.clone()));
        let states: Vec<_> = cache.jobs.values().map(|job| job.row.state).collect();
        assert_eq!(states, [JobState::Succeeded, JobState::Succeeded, JobState::Running, JobState::Failed]);
        assert!(!cache.learn(older), "twice is once");
        assert!(cache.learn((10..20_000).map(|n| demo::job(n, JobState::Succeeded)).collect()));
        assert_eq!(cache.jobs.values().filter(|job| job.row.state.is_terminal()).count(), ENDED_MAX);
        assert!(cache.jobs.contains_key(&JobId(19_999)), "the latest of them");
    }

    #[test]
    fn old_ended_jobs_make_room() {
        let mut cache = Cache::default();
        let jobs = |from: usize, to: usize| (from..=to).map(|n| demo::job(n as u64, JobState::Succeeded)).collect();
        let full = ENDED_MAX + ENDED_SLACK;
        assert!(!cache.apply(change(jobs(1, full)), 0).all);
        assert!(cache.apply(change(jobs(full + 1, full + 1)), 1).all);
        assert_eq!(cache.jobs.len(), ENDED_MAX);
        assert_eq!(cache.jobs.keys().next().map(|id| id.0), Some(ENDED_SLACK as u64 + 2));
    }
}
