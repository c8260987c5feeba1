//! The rows that c2d told: workers, jobs, the shapes in which jobs wait, failures that are alike, and
//! schedules.
//!
//! It applies snapshots and changes and says which rows changed, so that tables can follow without
//! being made anew. Ended jobs are bounded; everything else is as large as c2d's queue.

mod change;
mod ends;
mod group;
mod job;
mod rows;
mod schedule;
mod wait;
mod worker;

use std::collections::BTreeMap;

use c2_shared::api::jobs::QueueStatus;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_shared::time::Mono;

use crate::app::table::{self, Rows};

pub(crate) use group::Group;
pub(crate) use job::{Job, JobScope};
pub(crate) use schedule::Schedule;
pub(crate) use wait::{Wait, WaitKey};
pub(crate) use worker::{Worker, percent};

/// What a cell may look at beside its row.
pub(crate) type Sight<'a> = table::Sight<'a, Cache>;

/// What some row has had since the last snapshot. It only grows, so that a column that has come does
/// not go while somebody reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Cells of the longest address and of the longest name of a host.
    pub(crate) address: u16,
    pub(crate) host: u16,
    /// Of workers.
    pub(crate) groups: bool,
    pub(crate) tags: bool,
    pub(crate) gpus: bool,
    /// Of jobs.
    pub(crate) asked_groups: bool,
    pub(crate) asked_tags: bool,
    pub(crate) asked_needs: bool,
    pub(crate) retries: bool,
    pub(crate) starts: bool,
    /// Of jobs that ran and have a name.
    pub(crate) named_runs: bool,
}

/// Why jobs wait, as c2d said of the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) job: JobId,
    /// Nothing until c2d has answered.
    pub(crate) words: String,
    pub(crate) asked: Mono,
    /// Whether something has changed since it was asked.
    pub(crate) is_stale: bool,
}

/// Group, tags and needs of a job.
type Asks = (Option<String>, Vec<String>, Vec<String>);

/// Everything that the console knows of the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    pub(crate) workers: Rows<Worker>,
    pub(crate) jobs: Rows<Job>,
    /// Waiting jobs, counted by what they wait for.
    pub(crate) waits: Rows<Wait>,
    /// Why those wait that are in sight, where the rows do not say it.
    pub(crate) told: BTreeMap<WaitKey, Told>,
    pub(crate) queue: QueueStatus,
    /// When c2d was last heard, in unix milliseconds; none before the first snapshot.
    pub(crate) heard_ms: Option<u64>,
    /// Since when c2d is not heard, as long as it is not.
    pub(crate) away_ms: Option<u64>,
    pub(crate) seen: Seen,
    /// How long jobs of a name take, in milliseconds: half of them no longer.
    pub(crate) medians: BTreeMap<String, u64>,
    /// How far jobs that run are by what they wrote, as far as that is in sight, in percent.
    pub(crate) progress: BTreeMap<JobId, u8>,
    /// Jobs that failed alike, by what they are searched by.
    pub(crate) groups: Rows<Group>,
    /// By their names, as far as they were asked for.
    pub(crate) schedules: Rows<Schedule>,
    /// Notifications with their targets, as far as they were asked for.
    pub(crate) notifications: BTreeMap<String, String>,
    pub(crate) ends: ends::Ends,
    ended: usize,
    shapes: BTreeMap<Asks, usize>,
    /// How many jobs of each name run.
    running: BTreeMap<String, usize>,
}

impl Cache {
    /// When all jobs will have ended that run or will start by themselves, if they go on ending as they did;
    /// none where that says nothing.
    pub(crate) fn eta_ms(&self, now_ms: u64) -> Option<u64> {
        let waiting = self.waits.values().filter(|wait| wait.will_start(&self.workers)).map(|wait| wait.count);
        // c2d knows what the jobs ask for beside groups and tags.
        let stuck = self.queue.cannot_run.saturating_sub(self.stuck());
        let jobs = (self.queue.running + waiting.sum::<usize>()).saturating_sub(stuck);
        self.ends.eta_ms(jobs, now_ms).filter(|_| !self.queue.paused)
    }

    /// How many queued jobs no worker could run now. A paused queue says that instead.
    pub(crate) fn cannot_run(&self) -> usize {
        if self.queue.paused { 0 } else { self.stuck().max(self.queue.cannot_run) }
    }

    /// The same, as far as the rows tell.
    fn stuck(&self) -> usize {
        let stuck = |wait: &&Wait| wait.state() == JobState::Queued && !wait.will_start(&self.workers);
        self.waits.values().filter(stuck).map(|wait| wait.count).sum()
    }

    /// Jobs that run and whose worker is heard, as far as that is known.
    pub(crate) fn running(&self) -> usize {
        self.queue.running.saturating_sub(self.queue.unreachable)
    }

    /// Whether it is known of any running job how far it is.
    pub(crate) fn knows_progress(&self) -> bool {
        !self.progress.is_empty() || self.running.keys().any(|name| self.medians.contains_key(name))
    }
}
