//! What would become of jobs that are not submitted yet: everything that would be refused, and what
//! would keep them from running for longer than a moment. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use c2_shared::id::JobId;
use c2_shared::job::{JobState, Placement};
use c2_shared::target;

use crate::sched::event::{NewJob, Now};
use crate::sched::graph::Edge;
use crate::sched::queues::ShapeId;
use crate::sched::scheduler::Scheduler;
use crate::sched::workers::Worker;
use crate::sched::{Reject, fit, locks};

/// What a submit of some jobs would lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// All reasons for which it would be refused.
    pub refusals: Vec<Reject>,
    /// What else is known, by the place of the job.
    pub outlooks: Vec<(usize, Outlook)>,
}

/// Why a job would wait, or never run, although nothing is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outlook {
    #[error("the queue is paused, so it waits for `unpause`")]
    Paused,
    #[error("no worker has registered, so it waits")]
    NoWorkers,
    #[error("no worker is called {0:?}, so it waits for one")]
    NotNamed(String),
    #[error("no worker is called {0:?}, so that excludes none")]
    ExcludesNone(String),
    #[error("every worker that it could run on is excluded, so it waits")]
    Excluded,
    #[error("no worker{among} offers tag {tag:?}, so it waits{}", way_to(tag))]
    NoTag { tag: String, among: Among },
    #[error("no worker{among} offers all of its tags, so it waits")]
    NoTags { among: Among },
    #[error("no worker{among} has share {share:?} now, so it waits")]
    NoShare { share: String, among: Among },
    #[error("no worker{among} has {takes}, so it waits")]
    TooLarge { takes: String, among: Among },
    #[error("no worker{among} is online, so it waits")]
    Offline { among: Among },
    #[error("every worker{} that it could run on is draining, so it waits", of_group(.group.as_ref()))]
    Draining { group: Option<String> },
    #[error("{on} has ended ({state}), so it never runs")]
    Unmet { on: JobId, state: JobState },
}

/// The workers that a job asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Among {
    pub group: Option<String>,
    /// It names them, or excludes others that there are.
    pub is_narrowed: bool,
}

impl fmt::Display for Among {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&of_group(self.group.as_ref()))?;
        f.write_str(if self.is_narrowed { " that it could run on" } else { "" })
    }
}

/// How workers come to offer what their hardware says.
fn way_to(tag: &str) -> &'static str {
    let of_hardware = ["gpu", "cuda", "rocm", "nvidia"].iter().any(|word| tag.starts_with(word));
    if of_hardware { "; `detect-tags WORKER --apply` has a worker offer what it has" } else { "" }
}

fn of_group(group: Option<&String>) -> String {
    group.map(|group| format!(" of group {group:?}")).unwrap_or_default()
}

impl Scheduler {
    /// Looks ahead at jobs as if they were submitted now.
    pub fn foresee(&self, now: Now, jobs: &[NewJob]) -> Foreseen {
        let (edges, refusals) = match self.judge(jobs, &BTreeMap::new()) {
            Ok(edges) => (edges, Vec::new()),
            Err(refusals) => (Vec::new(), refusals),
        };
        Foreseen { refusals, outlooks: self.outlooks(now, jobs, &edges) }
    }

    /// What is known of jobs that wait for these others.
    pub(crate) fn outlooks(&self, now: Now, jobs: &[NewJob], edges: &[Vec<Edge>]) -> Vec<(usize, Outlook)> {
        let mut outlooks = Vec::new();
        // Most jobs of a batch ask for the same.
        let mut known: BTreeMap<&Placement, Option<Outlook>> = BTreeMap::new();
        for (place, job) in jobs.iter().enumerate() {
            let unmet = edges.get(place).and_then(|edges| edges.iter().find(|edge| self.is_unmet(edge)));
            let ended = unmet.and_then(|(_, on)| self.ended.get(*on));
            let outlook = match ended {
                Some(ended) => Some(Outlook::Unmet { on: ended.job, state: ended.state }),
                None => {
                    let placement = &*job.terms.placement;
                    known.entry(placement).or_insert_with(|| self.outlook(now, &self.pinned_down(placement))).clone()
                }
            };
            outlooks.extend(outlook.map(|outlook| (place, outlook)));
        }
        outlooks
    }

    /// Whether some worker will run jobs of a shape, as far as nothing is changed for them.
    pub(crate) fn will_start(&self, now: Now, shape: ShapeId) -> bool {
        let placement = &self.queues.shape(shape).placement;
        let in_group = |worker: &Worker| placement.group.as_ref().is_none_or(|g| worker.record.groups.contains(g));
        let outlook = self.outlook(now, placement);
        self.workers.values().any(in_group) && matches!(outlook, None | Some(Outlook::ExcludesNone(_)))
    }

    /// The same of one shape, whose workers are named by their ids as far as they are known.
    fn outlook(&self, now: Now, placement: &Placement) -> Option<Outlook> {
        if self.paused {
            return Some(Outlook::Paused);
        }
        if self.workers.is_empty() {
            return Some(Outlook::NoWorkers);
        }
        let group = placement.group.clone();
        let is_member = |worker: &&Worker| group.as_ref().is_none_or(|group| worker.record.groups.contains(group));
        let members: Vec<&Worker> = self.workers.values().filter(is_member).collect();
        if members.is_empty() {
            // An unknown group is refused.
            return None;
        }
        let nobody = |words: &[String]| {
            let workers = if words.is_empty() { Vec::new() } else { self.candidates() };
            words.iter().find(|word| target::find(word, &workers).is_err()).cloned()
        };
        let (named, free) = (&placement.workers, placement.workers.is_empty());
        if let Some(word) = nobody(named).filter(|_| !members.iter().any(|worker| worker.is_among(named))) {
            return Some(Outlook::NotNamed(word));
        }
        let wanted = members.iter().copied().filter(|worker| free || worker.is_among(named));
        let allowed: Vec<&Worker> = wanted.filter(|worker| !worker.is_among(&placement.exclude)).collect();
        if allowed.is_empty() {
            return Some(Outlook::Excluded);
        }
        let among = Among { group: group.clone(), is_narrowed: allowed.len() < members.len() };
        let offers = |worker: &&&Worker, tags: &[String]| locks::choose(tags, &worker.record.tags, |_| true).is_some();
        let fit: Vec<&Worker> = allowed.iter().filter(|worker| offers(worker, &placement.tags)).copied().collect();
        if fit.is_empty() {
            let nowhere = |tag: &&String| !allowed.iter().any(|worker| offers(&worker, &[(*tag).clone()]));
            return Some(match placement.tags.iter().find(nowhere) {
                Some(tag) => Outlook::NoTag { tag: tag.clone(), among },
                None => Outlook::NoTags { among },
            });
        }
        let fit: Vec<&&Worker> = fit.iter().filter(|worker| fit::could_fit(placement, worker.room())).collect();
        if fit.is_empty() {
            return Some(Outlook::TooLarge { takes: placement.takes.written().join(" "), among });
        }
        let online: Vec<&&Worker> =
            fit.iter().copied().filter(|worker| worker.is_online(now.mono) || worker.can_be_woken()).collect();
        if online.is_empty() {
            return Some(Outlook::Offline { among });
        }
        if !online.iter().any(|worker| worker.has_shares(&placement.shares)) {
            let nowhere = |share: &&String| !online.iter().any(|worker| worker.has_shares(std::slice::from_ref(share)));
            // Where each is somewhere, the first is named.
            let share = placement.shares.iter().find(nowhere).or(placement.shares.first());
            return share.map(|share| Outlook::NoShare { share: share.clone(), among });
        }
        if online.iter().all(|worker| worker.record.drained) {
            return Some(Outlook::Draining { group });
        }
        nobody(&placement.exclude).map(Outlook::ExcludesNone)
    }

    /// The groups that any worker is in.
    pub(crate) fn groups(&self) -> BTreeSet<&String> {
        self.workers.values().flat_map(|worker| &worker.record.groups).collect()
    }
}
