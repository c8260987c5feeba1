//! What would start a job that waits.

use std::collections::BTreeSet;

use c2_shared::api::why::{Explanation, Obstacle, Reason, WorkerVerdict};
use c2_shared::id::JobId;
use c2_shared::job::JobState;

use crate::render::why::called;
use crate::render::workers::joined;

/// What keeps a job from a worker, by what ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Jobs end that run there.
    WithJobs,
    /// Whoever else needs the machine needs it no more.
    WithOthers,
    /// Its disk has room again.
    WithRoom,
    /// Somebody resumes the worker.
    ByResume,
    /// The worker comes back, or starts jobs again.
    WithReturn,
    /// Somebody changes the worker or the job.
    ByChange,
}

/// What would start it.
pub(super) fn advice(why: &Explanation) -> String {
    let Some(own) = of_itself(why) else { return there(why).unwrap_or_else(|| never(why)) };
    let is_known = !why.workers.is_empty() && !why.reasons.iter().any(|r| matches!(r, Reason::Unreadable { .. }));
    if is_known && there(why).is_none() { format!("{}\n{own}", never(why)) } else { own }
}

/// What has to happen with the job itself, if anything has to.
fn of_itself(why: &Explanation) -> Option<String> {
    let job = why.job.job_id;
    let has = |wanted: fn(&Reason) -> bool| why.reasons.iter().any(wanted);
    if has(|reason| matches!(reason, Reason::Unreadable { .. })) {
        return Some(format!("`cancel {job}` and submit it again, or start the c2d that wrote it"));
    }
    if has(|reason| matches!(reason, Reason::Held)) {
        return Some(format!("`release {job}` lets it run"));
    }
    if has(|reason| matches!(reason, Reason::Paused)) {
        return Some("`unpause` resumes the queue".to_owned());
    }
    if has(|reason| matches!(reason, Reason::NoWorkers)) {
        return Some("start `c2-agent` on a machine".to_owned());
    }
    let batch = why.reasons.iter().find_map(|reason| match reason {
        Reason::BatchFull { batch, .. } => Some(batch),
        _ => None,
    });
    if let Some(batch) = batch {
        let more = format!("`change @batch:{batch} --max-running=N` lets more run");
        return Some(format!("it starts when one of them has ended; {more}"));
    }
    let waits_for = |wanted: fn(JobState) -> bool| -> Vec<JobId> {
        let found = why.reasons.iter().filter_map(|reason| match reason {
            Reason::Dependency { job_id, state, .. } if wanted(*state) => Some(*job_id),
            _ => None,
        });
        found.collect()
    };
    let held = waits_for(|state| state == JobState::Held);
    if !held.is_empty() {
        return Some(format!(
            "`release {}` lets it continue",
            joined(held.iter().map(JobId::to_string)).replace(", ", ",")
        ));
    }
    // Those that run need nothing more.
    if let Some(first) = waits_for(|state| state != JobState::Running).first() {
        return Some(format!("it starts by itself then; `why {first}` says what that one waits for"));
    }
    has(|reason| matches!(reason, Reason::Dependency { .. } | Reason::BeginAt { .. }))
        .then(|| "it starts by itself then".to_owned())
}

/// What has to happen on a worker; none if no worker could run it by itself.
fn there(why: &Explanation) -> Option<String> {
    let at = |fits: &dyn Fn(Ends) -> bool| {
        let fitting = |worker: &&WorkerVerdict| worker.obstacles.iter().all(|obstacle| fits(ends(obstacle)));
        let found: Vec<&WorkerVerdict> = why.workers.iter().filter(fitting).collect();
        (!found.is_empty()).then_some(found)
    };
    let named = |workers: Vec<&WorkerVerdict>| joined(workers.into_iter().map(called));
    let with_jobs = |end| end == Ends::WithJobs;
    if let Some(there) = at(&with_jobs) {
        return Some(format!("it starts as soon as there is room on {}", named(there)));
    }
    // What it could not start before is tried again there when the disk takes files again.
    let is_full = |worker: &WorkerVerdict| worker.obstacles.iter().any(|o| ends(o) == Ends::WithRoom);
    let follows = |o: &Obstacle| matches!(o, Obstacle::Quarantined { .. } | Obstacle::Avoided { .. });
    let only_full = |worker: &&WorkerVerdict| {
        is_full(worker) && worker.obstacles.iter().all(|o| ends(o) == Ends::WithRoom || follows(o))
    };
    let full: Vec<&WorkerVerdict> = why.workers.iter().filter(only_full).collect();
    if !full.is_empty() {
        let there = named(full);
        return Some(format!("make room on {there}, for instance with `cleanup-workspaces`, or repair its disk"));
    }
    if let Some(there) = at(&|end| with_jobs(end) || end == Ends::WithOthers) {
        return Some(format!("it starts when no one else needs one of these: {}", named(there)));
    }
    if let Some(there) = at(&|end| with_jobs(end) || end == Ends::ByResume) {
        let there: Vec<String> = there.iter().map(|worker| worker.ip.to_string()).collect();
        return Some(format!("`resume {}` lets it start there", there.join(",")));
    }
    let returns = |end| !matches!(end, Ends::ByChange | Ends::WithRoom);
    at(&returns).map(|there| format!("it starts when one of these is back or repaired: {}", named(there)))
}

/// That it starts nowhere, and what would change that.
fn never(why: &Explanation) -> String {
    let remedy = |obstacle: &Obstacle| match obstacle {
        Obstacle::NotInGroup { .. } => Some("`assign`"),
        Obstacle::NoTag { .. } => Some("`set-tags`"),
        Obstacle::Short { .. } if ends(obstacle) == Ends::ByChange => Some("`set-resources`"),
        Obstacle::NoShare { .. } => Some("the key `shares` of an agent's configuration"),
        Obstacle::TooOld { .. } => Some("`upgrade-workers`"),
        _ => None,
    };
    let obstacles = why.workers.iter().flat_map(|worker| &worker.obstacles);
    let remedies: BTreeSet<&str> = obstacles.filter_map(remedy).collect();
    let change = format!("`change {}` changes what it asks for", why.job.job_id);
    match remedies.is_empty() {
        true => format!("no worker can run it as they are: {change}"),
        false => format!("no worker can run it as they are: see {}; {change}", joined(remedies)),
    }
}

const fn ends(obstacle: &Obstacle) -> Ends {
    match obstacle {
        Obstacle::TagHeld { .. } | Obstacle::SlotsFull { .. } | Obstacle::RoomKept { .. } => Ends::WithJobs,
        Obstacle::Short { needed, total, .. } if *needed <= *total => Ends::WithJobs,
        Obstacle::Yields { .. } => Ends::WithOthers,
        Obstacle::DiskFull { .. } => Ends::WithRoom,
        Obstacle::Draining => Ends::ByResume,
        Obstacle::Offline { .. }
        | Obstacle::Asleep { .. }
        | Obstacle::Quarantined { .. }
        | Obstacle::Avoided { .. } => Ends::WithReturn,
        _ => Ends::ByChange,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use c2_shared::job::Condition;
    use serde_json::json;

    use super::*;

    fn said(reasons: &[Reason], obstacles: &[Vec<Obstacle>]) -> String {
        let on = |(last, obstacles): (u8, &Vec<Obstacle>)| WorkerVerdict {
            ip: IpAddr::from([10, 0, 0, last]),
            worker_id: None,
            hostname: "h".to_owned(),
            whereabouts: Default::default(),
            obstacles: obstacles.clone(),
        };
        let row = json!({"job_id": "job-9", "state": "queued", "command": "x", "submitted_ms": 0});
        let (job, workers) = (serde_json::from_value(row).unwrap(), (11..).zip(obstacles).map(on).collect());
        let (silence, whereabouts, before, yields_to, elsewhere) = Default::default();
        let (reasons, fetches) = (reasons.to_vec(), false);
        advice(&Explanation { job, reasons, workers, fetches, silence, whereabouts, yields_to, elsewhere, before })
    }

    #[test]
    fn what_is_in_the_way_leads_to_what_ends_it() {
        let busy = || Obstacle::SlotsFull { slots: 4 };
        let offline = Obstacle::Offline { silent_ms: Some(5) };
        let (tag, group) = (Obstacle::NoTag { tag: "gpu".to_owned() }, Obstacle::NotInGroup { group: "g".to_owned() });
        let (share, named) =
            (Obstacle::NoShare { share: "data".to_owned() }, Obstacle::NotNamed { workers: vec!["a".to_owned()] });
        let short = || Obstacle::Short {
            resource: "cpus".to_owned(),
            needed: 100,
            total: 4,
            free: 4,
            holders: Vec::new(),
            foreign: Vec::new(),
        };
        let never = "no worker can run it as they are: ";
        let change = "`change job-9` changes what it asks for";
        let here = [
            (vec![vec![busy()]], "it starts as soon as there is room on 10.0.0.11".to_owned()),
            (
                vec![vec![Obstacle::Draining], vec![Obstacle::Draining, busy()]],
                "`resume 10.0.0.11,10.0.0.12` lets it start there".to_owned(),
            ),
            (
                vec![vec![offline], vec![short()]],
                "it starts when one of these is back or repaired: 10.0.0.11".to_owned(),
            ),
            (vec![vec![short()]], format!("{never}see `set-resources`; {change}")),
            (vec![vec![tag], vec![group]], format!("{never}see `assign`, `set-tags`; {change}")),
            (vec![vec![share]], format!("{never}see the key `shares` of an agent's configuration; {change}")),
            (vec![vec![Obstacle::Excluded], vec![named]], format!("{never}{change}")),
        ];
        for (obstacles, expected) in here {
            assert_eq!(said(&[], &obstacles), expected, "{obstacles:?}");
        }
        let on = |state| Reason::Dependency { job_id: JobId(3), condition: Condition::Ok, state };
        let lacks = format!("{never}see `set-resources`; {change}\n");
        let itself = [
            (Reason::Held, vec![busy()], "`release job-9` lets it run".to_owned()),
            (Reason::Held, vec![short()], format!("{lacks}`release job-9` lets it run")),
            (Reason::BeginAt { at_ms: 5 }, vec![busy()], "it starts by itself then".to_owned()),
            (Reason::BeginAt { at_ms: 5 }, vec![short()], format!("{lacks}it starts by itself then")),
            (on(JobState::Running), vec![], "it starts by itself then".to_owned()),
            (on(JobState::Held), vec![], "`release job-3` lets it continue".to_owned()),
            (
                on(JobState::Blocked),
                vec![],
                "it starts by itself then; `why job-3` says what that one waits for".to_owned(),
            ),
        ];
        for (reason, obstacles, expected) in itself {
            assert_eq!(said(std::slice::from_ref(&reason), &[obstacles]), expected, "{reason:?}");
        }
    }
}
