//! Why a job does not run, worker by worker, and what would start it.

use c2_shared::api::why::{Explanation, Obstacle, Reason, WorkerVerdict};
use c2_shared::id::AttemptId;
use c2_shared::job::{Condition, JobState};
use c2_shared::time::span;

use crate::render::look::{Look, bytes};
use crate::render::table::{Cell, Table, flexible, words};
use crate::render::text::verdict;
use crate::render::workers::joined;

/// An explanation.
pub(crate) fn why(look: &Look, why: &Explanation) -> String {
    let row = &why.job;
    match row.state {
        JobState::Running => {
            let worker = row.worker.map(|ip| format!(" on {ip}")).unwrap_or_default();
            return format!("{} runs{worker}\n", row.job_id);
        }
        state if state.is_terminal() => return verdict(row) + "\n",
        _ => {}
    }
    let mut text = format!("{} is {}\n", row.job_id, row.state);
    for reason in &why.reasons {
        text.push_str(&format!("  {}\n", of_job(look, reason)));
    }
    if !why.workers.is_empty() {
        let mut table = Table::new([words("WORKER"), flexible("NAME"), flexible("IN THE WAY")]);
        for worker in &why.workers {
            let obstacles: Vec<String> = worker.obstacles.iter().map(at_worker).collect();
            let obstacles = if obstacles.is_empty() { "nothing".to_owned() } else { obstacles.join("; ") };
            table.row([Cell::from(worker.ip.to_string()), Cell::from(&worker.hostname), Cell::from(obstacles)]);
        }
        text.push_str(&table.render(look));
    }
    text.push_str(&format!("{}\n", advice(why)));
    text
}

fn of_job(look: &Look, reason: &Reason) -> String {
    match reason {
        Reason::Held => "it is held".to_owned(),
        Reason::Paused => "the whole queue is paused".to_owned(),
        Reason::BeginAt { at_ms } => format!("its time has not come: {}", look.time(*at_ms)),
        Reason::Dependency { job_id, condition, state } => {
            let end = match condition {
                Condition::Ok => "succeed",
                Condition::Any => "end",
                Condition::NotOk => "fail",
            };
            format!("{job_id} has to {end} first, and is {state}")
        }
        Reason::Unreadable { reason } => format!("{reason}, so it is held"),
        Reason::Ahead { jobs: 1 } => "one job that can run in the same places comes before it".to_owned(),
        Reason::Ahead { jobs } => format!("{jobs} jobs that can run in the same places come before it"),
        Reason::NoWorkers => "no worker has registered".to_owned(),
    }
}

fn at_worker(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Offline { silent_ms: Some(ms) } => format!("offline for {}", span(*ms)),
        Obstacle::Offline { silent_ms: None } => "offline since c2d started".to_owned(),
        Obstacle::Draining => "draining".to_owned(),
        Obstacle::NotInGroup { group } => format!("not in group {group}"),
        Obstacle::Excluded => "excluded".to_owned(),
        Obstacle::OtherMachine { worker } => format!("it must run on {worker}, as its dependencies did"),
        Obstacle::NoTag { tag } => format!("does not offer {tag}"),
        Obstacle::TagHeld { tag, holders } => format!("{tag} is held by {}", joined(jobs_of(holders))),
        Obstacle::DiskFull { free_bytes } => format!("its disk is full ({} free)", bytes(*free_bytes)),
        Obstacle::Faulty { reason, retry_ms } => {
            format!("it cannot start jobs ({reason}); next try in {}", span(*retry_ms))
        }
        Obstacle::Avoided { retry_ms } => format!("it could not start this job; next try there in {}", span(*retry_ms)),
        Obstacle::SlotsFull { slots } => format!("all {slots} slots are in use"),
    }
}

fn jobs_of(holders: &[AttemptId]) -> impl Iterator<Item = String> {
    holders.iter().map(|attempt| attempt.job.to_string())
}

/// What would start it.
fn advice(why: &Explanation) -> String {
    let job = why.job.job_id;
    let has = |wanted: fn(&Reason) -> bool| why.reasons.iter().any(wanted);
    if has(|reason| matches!(reason, Reason::Unreadable { .. })) {
        return format!("`cancel {job}` and submit it again, or start the c2d that wrote it");
    }
    if has(|reason| matches!(reason, Reason::Held)) {
        return format!("`release {job}` lets it go on");
    }
    if has(|reason| matches!(reason, Reason::Paused)) {
        return "`unpause` lets the queue go on".to_owned();
    }
    if has(|reason| matches!(reason, Reason::NoWorkers)) {
        return "start `c2-agent` on a machine".to_owned();
    }
    if has(|reason| matches!(reason, Reason::Dependency { .. } | Reason::BeginAt { .. })) {
        return "it goes on by itself then".to_owned();
    }
    let passes = |worker: &WorkerVerdict| {
        worker.obstacles.iter().all(|o| matches!(o, Obstacle::TagHeld { .. } | Obstacle::SlotsFull { .. }))
    };
    let returns = |worker: &WorkerVerdict| {
        let passing = |o: &Obstacle| {
            matches!(
                o,
                Obstacle::TagHeld { .. }
                    | Obstacle::SlotsFull { .. }
                    | Obstacle::Offline { .. }
                    | Obstacle::Draining
                    | Obstacle::Faulty { .. }
                    | Obstacle::Avoided { .. }
            )
        };
        worker.obstacles.iter().all(passing)
    };
    let is_full = |o: &Obstacle| matches!(o, Obstacle::DiskFull { .. });
    let only_full = |worker: &WorkerVerdict| worker.obstacles.iter().all(is_full);
    let at = |fits: &dyn Fn(&WorkerVerdict) -> bool| {
        joined(why.workers.iter().filter(|worker| fits(worker)).map(|worker| worker.ip.to_string()))
    };
    if why.workers.iter().any(passes) {
        return format!("it starts as soon as there is room on {}", at(&passes));
    }
    if why.workers.iter().any(only_full) {
        return format!("make room on {}, for instance with `cleanup-workspaces`", at(&only_full));
    }
    if why.workers.iter().any(returns) {
        return format!("it starts when one of these is back or repaired: {}", at(&returns));
    }
    "no worker can run it as they are: see `assign`, `set-tags`, or cancel it and submit it otherwise".to_owned()
}
