//! Why a job does not run, worker by worker, and what would start it.

mod advice;
mod lack;

use std::net::IpAddr;

use c2_shared::api::jobs::JobRow;
use c2_shared::api::why::{Explanation, Obstacle, Reason, Silence, Whereabouts, WorkerVerdict};
use c2_shared::job::{Condition, JobState, OnLost, Outcome};
use c2_shared::time::span;
use c2_shared::worker::yields_to;
use jiff::tz::TimeZone;

use crate::render::look::{Look, bytes};
use crate::render::table::{Cell, Table, flexible, words};
use crate::render::text::verdict;
use crate::render::workers::joined;

use advice::advice;
use lack::{amount, jobs_of, short, sleep};

/// What a newer c2d says and this console does not know.
const UNKNOWN: &str = "c2d gives a reason that this console is too old to know";
/// Workers named in one line.
const WORKERS_MAX: usize = 3;

pub(crate) fn why(look: &Look, why: &Explanation) -> String {
    let row = &why.job;
    match row.state {
        JobState::Running => {
            let worker = row.worker.map(|ip| format!(" on {ip}")).unwrap_or_default();
            let silence = why.silence.as_ref().map(|silence| silent(row, silence)).unwrap_or_default();
            let mut more = why.whereabouts.as_ref().map(whereabouts).unwrap_or_default();
            more.extend(stage(why));
            more.extend(stands_still(why));
            more.extend(waits_elsewhere(why));
            let stands = if row.cancelling { "is being cancelled" } else { "runs" };
            return format!(
                "{} {stands}{worker}{silence}\n{}",
                row.job_id,
                more.iter().map(|line| format!("{line}\n")).collect::<String>()
            );
        }
        state if state.is_terminal() => return verdict(row) + "\n",
        _ => {}
    }
    let mut text = format!("{} is {}\n", row.job_id, row.state);
    if let Some((number, worker)) = lost(why) {
        text.push_str(&format!("  attempt {number} was lost with its worker, {worker}\n"));
    }
    for reason in &why.reasons {
        text.push_str(&format!("  {}\n", of_job(look, why, reason)));
    }
    // What it waits for itself is no worker's fault: only what would be in its way besides is told.
    let waits_itself = why.reasons.iter().any(|reason| !is_about_workers(reason));
    let told = |worker: &&WorkerVerdict| !waits_itself || !worker.obstacles.is_empty();
    let workers: Vec<&WorkerVerdict> = why.workers.iter().filter(told).collect();
    if !workers.is_empty() {
        let mut table = Table::new([words("WORKER"), flexible("NAME"), flexible("IN THE WAY")]);
        for worker in workers {
            let here = worker.obstacles.iter().map(at_worker);
            let obstacles: Vec<String> = here.chain(whereabouts(&worker.whereabouts)).collect();
            let obstacles = if obstacles.is_empty() { "nothing".to_owned() } else { obstacles.join("; ") };
            table.row([Cell::from(worker.ip.to_string()), Cell::from(&worker.hostname), Cell::from(obstacles)]);
        }
        text.push_str(&table.render(look));
    }
    text.push_str(&format!("{}\n", advice(why)));
    text
}

/// Why a job waits, in one line and without what changes from look to look, so that the same reason
/// reads the same; none if nothing is in its way.
pub(crate) fn waiting(why: &Explanation) -> Option<String> {
    if why.job.state == JobState::Running {
        let worker = why.job.worker.map_or_else(|| "its worker".to_owned(), |ip| ip.to_string());
        let silent = why.silence.map(|silence| {
            let unless = if silence.on_lost == OnLost::Wait { "" } else { " unless the worker is heard in time" };
            format!("{worker} is silent; {}{unless}", fate(&why.job, silence.on_lost))
        });
        return silent.or_else(|| stage(why)).or_else(|| stands_still(why)).or_else(|| waits_elsewhere(why));
    }
    if why.job.state.is_terminal() {
        return None;
    }
    let look = Look { width: u16::MAX, colour: false, zone: TimeZone::system };
    let of_itself = why.reasons.iter().filter(|reason| !is_about_workers(reason));
    let of_itself: Vec<String> = of_itself.map(|reason| of_job(&look, why, reason)).collect();
    if !of_itself.is_empty() {
        return Some(of_itself.join("; "));
    }
    let in_the_way = at_workers(&why.workers);
    in_the_way
        .or_else(|| (!why.reasons.is_empty()).then(|| "jobs that can run in the same places come before it".to_owned()))
}

/// Whether a reason is one of its place among the others, and not of the job itself.
const fn is_about_workers(reason: &Reason) -> bool {
    matches!(reason, Reason::Ahead { .. } | Reason::RoomKept { .. })
}

/// That the worker of a job is silent, and what follows from it.
fn silent(job: &JobRow, silence: &Silence) -> String {
    let since = match silence.silent_ms {
        Some(ms) => format!("for {}", span(ms)),
        None => "since c2d started".to_owned(),
    };
    let fate = fate(job, silence.on_lost);
    let then = match (silence.on_lost, job.worker) {
        (OnLost::Wait, Some(ip)) if !job.cancelling => format!("; `remove-worker {ip} --lost` gives it up"),
        _ if silence.left_ms > 0 => format!(" in {} unless the worker is heard before", span(silence.left_ms)),
        _ => String::new(),
    };
    format!(", which was not heard {since}\n{fate}{then}")
}

/// That the command of a job that was given out did not begin yet, or has ended.
fn stage(why: &Explanation) -> Option<String> {
    if why.job.delivering {
        return Some("its command has ended, and what it left is on the way".to_owned());
    }
    let brings = why.fetches && why.yields_to.is_empty() && !why.job.cancelling;
    brings.then(|| "its command has not begun: what it needs is on the way to its worker".to_owned())
}

/// That a job that was started does not go on, and why.
fn stands_still(why: &Explanation) -> Option<String> {
    let to = &why.yields_to;
    (!to.is_empty()).then(|| format!("it stands still, as its worker {}; it continues by itself", yields_to(to)))
}

/// That the cluster of its worker did not begin it yet, and why.
fn waits_elsewhere(why: &Explanation) -> Option<String> {
    why.elsewhere.as_ref().map(|reason| format!("it waits in the cluster of its worker: {reason}"))
}

/// What became of a worker and its address, a line each.
fn whereabouts(now: &Whereabouts) -> Vec<String> {
    let moved = now.moved_from.map(|from| format!("its worker has moved: it was at {from} when the job began"));
    let passed_on = now.passed_on.then(|| "another worker has its address by now".to_owned());
    let copied = now.copied_at.map(|at| format!("a machine at {at} uses its identity and gets nothing"));
    [moved, passed_on, copied].into_iter().flatten().collect()
}

/// A worker by its address, and by its id where that means another one.
fn called(worker: &WorkerVerdict) -> String {
    let id = worker.worker_id.as_ref().filter(|_| worker.whereabouts.passed_on);
    id.map_or_else(|| worker.ip.to_string(), |id| format!("{} (id {})", worker.ip, id.short()))
}

/// The latest attempt, if it was lost, and the address of its worker.
fn lost(why: &Explanation) -> Option<(u32, IpAddr)> {
    let attempt = why.before.as_ref().filter(|attempt| attempt.outcome == Some(Outcome::Lost))?;
    Some((attempt.number, attempt.worker))
}

/// What becomes of a job when its worker stays silent.
fn fate(job: &JobRow, on_lost: OnLost) -> &'static str {
    match on_lost {
        _ if job.cancelling => "it counts as cancelled",
        OnLost::Requeue => "it is queued again",
        OnLost::Fail => "it fails as lost",
        OnLost::Wait => "it waits for that worker, however long that takes",
    }
}

/// What keeps a job from all workers, or from each of those that are meant for it.
fn at_workers(workers: &[WorkerVerdict]) -> Option<String> {
    if workers.iter().any(|worker| worker.obstacles.is_empty()) {
        return None;
    }
    let everywhere = |obstacle: &&Obstacle| {
        let words = at_all(obstacle);
        workers.iter().all(|worker| worker.obstacles.iter().any(|other| at_all(other) == words))
    };
    if let Some(obstacle) = workers.first()?.obstacles.iter().find(everywhere) {
        return Some(at_all(obstacle));
    }
    let is_meant = |worker: &&WorkerVerdict| {
        let elsewhere = |o: &Obstacle| {
            matches!(
                o,
                Obstacle::NotInGroup { .. }
                    | Obstacle::Excluded
                    | Obstacle::NotNamed { .. }
                    | Obstacle::OtherMachine { .. }
            )
        };
        !worker.obstacles.iter().any(elsewhere)
    };
    let mut meant: Vec<&WorkerVerdict> = workers.iter().filter(is_meant).collect();
    if meant.is_empty() {
        meant = workers.iter().collect();
    }
    let words = |worker: &&WorkerVerdict| {
        format!("{}: {}", worker.ip, worker.obstacles.iter().map(at_one).collect::<Vec<_>>().join(", "))
    };
    let shown: Vec<String> = meant.iter().take(WORKERS_MAX).map(words).collect();
    let more = meant.len().saturating_sub(WORKERS_MAX);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Some(shown.join("; ") + &more)
}

fn at_all(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Offline { .. } => "no worker is online".to_owned(),
        Obstacle::Asleep { unwakeable: true, .. } => "every worker sleeps and cannot be woken".to_owned(),
        Obstacle::Asleep { waking: true, .. } => "every worker is being woken".to_owned(),
        Obstacle::Asleep { .. } => "every worker sleeps".to_owned(),
        Obstacle::Draining => "every worker is draining".to_owned(),
        Obstacle::NotInGroup { group } => format!("no worker is in group {group:?}"),
        Obstacle::Excluded => "every worker is excluded".to_owned(),
        Obstacle::NotNamed { workers } => format!("only {} may run it", joined(workers)),
        Obstacle::OtherMachine { worker, .. } => format!("it must run on {worker}, as its dependencies did"),
        Obstacle::NoTag { tag } => format!("no worker offers tag {tag:?}"),
        Obstacle::NoShare { share } => format!("no worker has share {share:?} now"),
        Obstacle::TagHeld { tag, .. } => format!("tag {tag:?} is held by other jobs"),
        Obstacle::DiskFull { .. } => "the disk of every worker is full".to_owned(),
        Obstacle::Yields { .. } => "every worker yields its machine to someone else".to_owned(),
        Obstacle::Quarantined { .. } => "no worker can start jobs at present".to_owned(),
        Obstacle::TooOld { .. } => "the agent of every worker is too old for it".to_owned(),
        Obstacle::Avoided { .. } => "it came back from each worker and is tried there again".to_owned(),
        Obstacle::SlotsFull { .. } => "all slots are in use".to_owned(),
        Obstacle::Short { resource, needed, total, .. } if needed > total => {
            format!("no worker has {}", amount(resource, *needed))
        }
        Obstacle::Short { resource, needed, .. } => format!("no worker has {} free", amount(resource, *needed)),
        Obstacle::RoomKept { job_id } => format!("room is kept for {job_id}, which is of a higher rank"),
        Obstacle::Unknown => UNKNOWN.to_owned(),
    }
}

/// An obstacle at one worker, without what changes from look to look.
fn at_one(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Offline { .. } => "offline".to_owned(),
        Obstacle::Asleep { unwakeable: false, waking, failed: 0, .. } => {
            if *waking {
                "being woken".to_owned()
            } else {
                "asleep".to_owned()
            }
        }
        Obstacle::Asleep { .. } => "asleep and not woken so far".to_owned(),
        Obstacle::TagHeld { tag, .. } => format!("{tag} is held by other jobs"),
        Obstacle::DiskFull { .. } => "its disk is full".to_owned(),
        Obstacle::Quarantined { reason, .. } => format!("it cannot start jobs: {reason}"),
        Obstacle::Avoided { .. } => "the job came back from there".to_owned(),
        Obstacle::Short { resource, needed, total, .. } if needed <= total => {
            format!("{} is not free", amount(resource, *needed))
        }
        other => at_worker(other),
    }
}

fn of_job(look: &Look, why: &Explanation, reason: &Reason) -> String {
    match reason {
        // Behind an attempt it is the rest before the next one.
        Reason::BeginAt { at_ms } if lost(why).is_some() => format!("it is tried again at {}", look.moment(*at_ms)),
        Reason::BeginAt { at_ms } if why.job.attempt > 0 => {
            format!("it failed and is tried again at {}", look.moment(*at_ms))
        }
        Reason::Held => "it is held".to_owned(),
        Reason::Paused => "the whole queue is paused".to_owned(),
        Reason::BeginAt { at_ms } => format!("its time has not come: {}", look.moment(*at_ms)),
        Reason::Dependency { job_id, condition, state } => {
            let end = match condition {
                Condition::Ok => "succeed",
                Condition::Any => "end",
                Condition::NotOk => "fail or be cancelled",
            };
            format!("{job_id} has to {end} first, and is {state}")
        }
        Reason::Unreadable { reason } => format!("{reason}, so it is held"),
        Reason::Ahead { jobs: 1 } => "one job that can run in the same places comes before it".to_owned(),
        Reason::Ahead { jobs } => format!("{jobs} jobs that can run in the same places come before it"),
        Reason::BatchFull { batch, running, max_running } => {
            format!("{running} of {max_running} jobs of batch {batch} run")
        }
        Reason::RoomKept { worker } => format!("room on {worker} is kept for it, as it waits for long"),
        Reason::GivenAhead { worker } => format!("given ahead to {worker}, where it starts as soon as a slot is free"),
        Reason::NoWorkers => "no worker has registered".to_owned(),
        Reason::Unknown => UNKNOWN.to_owned(),
    }
}

fn at_worker(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Offline { silent_ms: Some(ms) } => format!("offline for {}", span(*ms)),
        Obstacle::Offline { silent_ms: None } => "offline since c2d started".to_owned(),
        Obstacle::Asleep { waking, failed, retry_ms, unwakeable } => sleep(*waking, *failed, *retry_ms, *unwakeable),
        Obstacle::Draining => "draining".to_owned(),
        Obstacle::NotInGroup { group } => format!("not in group {group}"),
        Obstacle::Excluded => "excluded".to_owned(),
        Obstacle::NotNamed { workers } => format!("only {} may run it", joined(workers)),
        Obstacle::OtherMachine { worker, .. } => format!("it must run on {worker}, as its dependencies did"),
        Obstacle::NoTag { tag } => format!("does not offer {tag}"),
        Obstacle::NoShare { share } => format!("has no share {share} now"),
        Obstacle::TagHeld { tag, holders } => format!("{tag} is held by {}", joined(jobs_of(holders))),
        Obstacle::DiskFull { free_bytes: 0 } => "its disk is full or read-only".to_owned(),
        Obstacle::DiskFull { free_bytes } => format!("its disk is full ({} free)", bytes(*free_bytes)),
        Obstacle::Yields { to } => yields_to(to),
        Obstacle::Quarantined { reason, retry_ms: 0 } => {
            format!("in quarantine ({reason}); another job is its next try")
        }
        Obstacle::Quarantined { reason, retry_ms } => {
            format!("in quarantine ({reason}); next try in {}", span(*retry_ms))
        }
        Obstacle::TooOld { reason } => format!("its agent cannot read this job ({reason}); upgrade it"),
        Obstacle::Avoided { retry_ms } => {
            format!("the job came back from there and tries others first; next try there in {}", span(*retry_ms))
        }
        Obstacle::SlotsFull { slots: 1 } => "its slot is in use".to_owned(),
        Obstacle::SlotsFull { slots } => format!("all {slots} slots are in use"),
        Obstacle::Short { resource, needed, total, free, holders, foreign } => {
            short(resource, (*needed, *total, *free), holders, foreign)
        }
        Obstacle::RoomKept { job_id } => format!("room is kept for {job_id}, which waits longer"),
        Obstacle::Unknown => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::worker::Neighbour;
    use serde_json::json;

    use super::*;

    fn bare(job: JobRow) -> Explanation {
        let (silence, whereabouts, before, yields_to, elsewhere) = Default::default();
        let (reasons, workers, fetches) = Default::default();
        Explanation { job, reasons, workers, fetches, silence, whereabouts, yields_to, elsewhere, before }
    }

    #[test]
    fn what_became_of_its_worker_is_told() {
        let row =
            json!({"job_id": "job-2", "state": "running", "command": "x", "submitted_ms": 0, "worker": "10.0.0.31"});
        let at = |last| IpAddr::from([10, 0, 0, last]);
        let look = Look { width: 80, colour: false, zone: || TimeZone::UTC };
        let runs = |whereabouts| {
            let job = serde_json::from_value(row.clone()).unwrap();
            why(&look, &Explanation { whereabouts: Some(whereabouts), ..bare(job) })
        };
        let plain = Whereabouts::default();
        assert_eq!(runs(plain), "job-2 runs on 10.0.0.31\n");
        assert_eq!(
            runs(Whereabouts { moved_from: Some(at(11)), ..plain }),
            "job-2 runs on 10.0.0.31\nits worker has moved: it was at 10.0.0.11 when the job began\n"
        );
        assert_eq!(
            runs(Whereabouts { passed_on: true, copied_at: Some(at(9)), ..plain }),
            "job-2 runs on 10.0.0.31\nanother worker has its address by now\n\
             a machine at 10.0.0.9 uses its identity and gets nothing\n"
        );
    }

    #[test]
    fn what_is_on_its_way_is_told() {
        let row =
            json!({"job_id": "job-2", "state": "running", "command": "x", "submitted_ms": 0, "worker": "10.0.0.31"});
        let look = Look { width: 80, colour: false, zone: || TimeZone::UTC };
        let says = |cancelling, delivering, fetches| {
            let job = JobRow { cancelling, delivering, ..serde_json::from_value(row.clone()).unwrap() };
            why(&look, &Explanation { fetches, ..bare(job) })
        };
        let delivers = "its command has ended, and what it left is on the way\n";
        let fetches = "its command has not begun: what it needs is on the way to its worker\n";
        assert_eq!(says(false, true, false), format!("job-2 runs on 10.0.0.31\n{delivers}"));
        assert_eq!(says(false, false, true), format!("job-2 runs on 10.0.0.31\n{fetches}"));
        assert_eq!(says(true, false, true), "job-2 is being cancelled on 10.0.0.31\n");
        assert_eq!(says(true, true, false), format!("job-2 is being cancelled on 10.0.0.31\n{delivers}"));
    }

    #[test]
    fn a_job_that_stands_still_says_for_whom() {
        let row = json!({"job_id": "job-2", "state": "running", "command": "x", "submitted_ms": 0, "frozen": true});
        let look = Look { width: 80, colour: false, zone: || TimeZone::UTC };
        let yields_to = vec![Neighbour::User, Neighbour::Battery];
        let explained = Explanation { yields_to, ..bare(serde_json::from_value(row).unwrap()) };
        let words =
            "it stands still, as its worker yields to a person who uses it and its battery; it continues by itself";
        assert_eq!(why(&look, &explained), format!("job-2 runs\n{words}\n"));
        assert_eq!(waiting(&explained).as_deref(), Some(words));
    }

    #[test]
    fn a_loss_is_no_failure() {
        let job = json!({"job_id": "job-2", "state": "queued", "command": "x", "submitted_ms": 0, "attempt": 1});
        let attempt = |kind: &str| json!({"number": 1, "worker": "10.0.0.11", "started_ms": 0, "ended_ms": 5, "outcome": {"kind": kind, "code": 1}});
        let look = Look { width: 80, colour: false, zone: || TimeZone::UTC };
        let says = |kind| {
            let (job, before) = (serde_json::from_value(job.clone()).unwrap(), serde_json::from_value(attempt(kind)));
            let reasons = vec![Reason::BeginAt { at_ms: 0 }];
            why(&look, &Explanation { reasons, before: Some(before.unwrap()), ..bare(job) })
        };
        let lost = says("lost");
        assert!(lost.contains("  attempt 1 was lost with its worker, 10.0.0.11\n  it is tried again at"), "{lost}");
        let failed = says("exit");
        assert!(failed.contains("  it failed and is tried again at") && !failed.contains("lost"), "{failed}");
    }

    #[test]
    fn a_silent_worker_is_named_with_what_follows() {
        let row =
            json!({"job_id": "job-2", "state": "running", "command": "x", "submitted_ms": 0, "worker": "10.0.0.13"});
        let says = |silent_ms: Option<u64>, left_ms, on_lost, cancelling| {
            let job = JobRow { cancelling, ..serde_json::from_value(row.clone()).unwrap() };
            let silence = Some(Silence { silent_ms, left_ms, on_lost });
            let explained = Explanation { silence, ..bare(job) };
            let look = Look { width: 80, colour: false, zone: || TimeZone::UTC };
            (why(&look, &explained), waiting(&explained).unwrap())
        };
        let table = [
            (
                (Some(23_000), 37_000, OnLost::Requeue, false),
                "for 23s\nit is queued again in 37s unless the worker is heard before\n",
            ),
            (
                (None, 60_000, OnLost::Fail, false),
                "since c2d started\nit fails as lost in 1m00s unless the worker is heard before\n",
            ),
            (
                (Some(90_000), 0, OnLost::Wait, false),
                "for 1m30s\nit waits for that worker, however long that takes; `remove-worker 10.0.0.13 --lost` gives it up\n",
            ),
            ((Some(59_900), 0, OnLost::Wait, true), "for 59s\nit counts as cancelled\n"),
        ];
        for ((silent_ms, left_ms, on_lost, cancelling), expected) in table {
            let (text, line) = says(silent_ms, left_ms, on_lost, cancelling);
            let stands = if cancelling { "is being cancelled" } else { "runs" };
            assert_eq!(text, format!("job-2 {stands} on 10.0.0.13, which was not heard {expected}"));
            let says = line[24..].trim_end_matches(" unless the worker is heard in time");
            assert!(line.starts_with("10.0.0.13 is silent; it ") && text.contains(says), "{line}");
        }
    }

    fn check(state: &str, reasons: &[Reason], workers: &[&[Obstacle]], expected: Option<&str>) {
        let row = json!({"job_id": "job-2", "state": state, "command": "x", "submitted_ms": 0});
        let job: JobRow = serde_json::from_value(row).unwrap();
        let verdict = |(at, obstacles): (usize, &&[Obstacle])| WorkerVerdict {
            ip: IpAddr::from([10, 0, 0, u8::try_from(at).unwrap() + 1]),
            worker_id: None,
            hostname: String::new(),
            whereabouts: Whereabouts::default(),
            obstacles: obstacles.to_vec(),
        };
        let workers = workers.iter().enumerate().map(verdict).collect();
        let why = Explanation { reasons: reasons.to_vec(), workers, ..bare(job) };
        assert_eq!(waiting(&why).as_deref(), expected, "{why:?}");
    }

    #[test]
    fn a_reason_is_a_line_that_stays_the_same() {
        let tag = || Obstacle::NoTag { tag: "nosuch".to_owned() };
        let group = || Obstacle::NotInGroup { group: "gpu".to_owned() };
        let offline = |ms| Obstacle::Offline { silent_ms: Some(ms) };
        let full = |slots| Obstacle::SlotsFull { slots };
        let dependency =
            Reason::Dependency { job_id: "job-1".parse().unwrap(), condition: Condition::Ok, state: JobState::Queued };
        check("queued", &[], &[&[tag()], &[offline(5), tag()]], Some("no worker offers tag \"nosuch\""));
        check("queued", &[], &[&[group()], &[group(), tag()]], Some("no worker is in group \"gpu\""));
        check("queued", &[], &[&[group()], &[offline(5)]], Some("10.0.0.2: offline"));
        check("queued", &[], &[&[offline(5)], &[offline(77_000)]], Some("no worker is online"));
        check("queued", &[Reason::Ahead { jobs: 7 }], &[&[full(4)], &[full(2)]], Some("all slots are in use"));
        check(
            "queued",
            &[],
            &[&[full(4)], &[tag()]],
            Some("10.0.0.1: all 4 slots are in use; 10.0.0.2: does not offer nosuch"),
        );
        let many: [&[Obstacle]; 5] = [&[tag()], &[full(1)], &[tag()], &[tag()], &[tag()]];
        let words = "10.0.0.1: does not offer nosuch; 10.0.0.2: its slot is in use; 10.0.0.3: does not offer nosuch; \
                     and 2 more";
        check("queued", &[], &many, Some(words));
        check("queued", &[Reason::NoWorkers], &[], Some("no worker has registered"));
        check("held", &[Reason::Held, Reason::Paused], &[&[]], Some("it is held; the whole queue is paused"));
        check("blocked", &[dependency], &[&[tag()]], Some("job-1 has to succeed first, and is queued"));
        let ahead = Some("jobs that can run in the same places come before it");
        check("queued", &[Reason::Ahead { jobs: 3 }], &[&[]], ahead);
        let yields = || Obstacle::Yields { to: vec![Neighbour::Gpu] };
        check("queued", &[], &[&[yields()], &[yields()]], Some("every worker yields its machine to someone else"));
        let words = "10.0.0.1: yields to a foreign process on its GPU; 10.0.0.2: does not offer nosuch";
        check("queued", &[], &[&[yields()], &[tag()]], Some(words));
        check("queued", &[], &[&[], &[tag()]], None);
        check("running", &[], &[], None);
        check("succeeded", &[], &[], None);
    }
}
