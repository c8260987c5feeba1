//! `doctor`: checks c2d, its workers and this machine, and suggests what to do where they
//! are not.

mod schedules;

use c2_shared::api::jobs::QueueStatus;
use c2_shared::api::metrics::Metrics;
use c2_shared::api::notifications::NotificationRow;
use c2_shared::api::workers::WorkerRow;
use c2_shared::checkup::{self, Check};
use c2_shared::limits::WAKE_TRIES;
use c2_shared::program::is_newer;
use c2_shared::time;
use c2_shared::worker::{WorkerStatus, yields_to};

use crate::clock;
use crate::command::{CommandError, Context, Data, Outcome};
use crate::exit;
use crate::ssh::group;

/// Free space on a worker below which jobs are likely to fail.
const DISK_LOW_BYTES: u64 = 2 << 30;
/// The version that all programs should have.
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) async fn run(context: &Context) -> Result<Outcome, CommandError> {
    let health = context.client.health().await?;
    if health.stands_by {
        let checks = vec![Check::warn("c2d", "it stands by while another one leads", "name the leader with --server")];
        return Ok(Outcome { exit: exit::OK, data: Data::Examined(checks) });
    }
    let queue = context.client.queue_status().await?;
    let workers = context.client.workers().await?.workers;
    let metrics = context.client.metrics().await?;
    let mut checks = vec![of_queue(&queue)];
    checks.extend(of_defects(&queue));
    checks.extend(health.degraded.map(of_health));
    checks.extend(of_connections(&metrics));
    checks.extend(metrics.database);
    if workers.is_empty() {
        checks.push(Check::warn(
            "workers",
            "none has registered",
            "start c2-agent on a machine; `c2d invite` lets others join",
        ));
    }
    checks.extend(workers.iter().map(of_worker));
    checks.extend(context.client.notifications().await?.notifications.iter().filter_map(of_notification));
    checks.extend(schedules::checks(context).await?);
    let now_s = clock::wall_ms() / 1_000;
    checks.extend(health.clock_s.map(|theirs_s| Check::of_clock(now_s, theirs_s)));
    checks.extend(["ssh", "pdsh"].map(|program| of_program(program, group::find(program).is_some())));
    let exit = if checkup::is_well(&checks) { exit::OK } else { exit::FAILED };
    Ok(Outcome { exit, data: Data::Examined(checks) })
}

fn of_queue(queue: &QueueStatus) -> Check {
    let words = format!("{} of {} jobs in the queue", queue.active, queue.capacity);
    if queue.recovering {
        Check::warn("c2d", "it waits for workers that ran jobs before it started", "give them a minute")
    } else if queue.paused {
        Check::warn("c2d", "the queue is paused", "`unpause` resumes it")
    } else if queue.active >= queue.capacity {
        Check::fail("c2d", words, "it takes no more; wait, or cancel some")
    } else if queue.active > queue.capacity / 10 * 9 {
        Check::warn("c2d", words, "it takes no more when it is full")
    } else {
        Check::ok("c2d", words)
    }
}

fn of_defects(queue: &QueueStatus) -> Option<Check> {
    let (first, others) = queue.unreadable.split_first()?;
    let all = others.iter().fold(first.to_string(), |all, job| format!("{all}, {job}"));
    let words = format!("what is stored of {all} cannot be read, so nothing of it runs");
    let hint = format!("`why {first}` names the reason; cancel it and submit it again, or restore a backup");
    Some(Check::fail("stored jobs", words, hint))
}

fn of_health(reason: String) -> Check {
    Check::fail("health of c2d", reason, "see its log, and `c2d check` where it runs; nothing that it accepted is lost")
}

/// Only what is unusual: a count that says nothing is not shown.
fn of_connections(metrics: &Metrics) -> Option<Check> {
    let closed = metrics.connections_closed;
    let words = format!("{closed} were closed for others since c2d started, {} are open", metrics.connections);
    let hint = "the log of c2d says from which address; programs that show a token are not affected";
    (closed > 0).then(|| Check::warn("connections", words, hint))
}

fn of_notification(row: &NotificationRow) -> Option<Check> {
    let reason = row.trouble.as_ref()?;
    let words = format!("{} was not notified, {} times in a row: {reason}", row.to, row.failures);
    let hint = format!("it is tried again; see `notify test {0}`, or `notify remove {0}`", row.name);
    Some(Check::fail(format!("notification {}", row.name), words, hint))
}

fn of_worker(row: &WorkerRow) -> Check {
    let what = format!("worker {} ({})", row.ip, row.hostname);
    let free = row.load.disk_free_bytes;
    if row.wakes_failed >= WAKE_TRIES {
        let words = format!("its machine was woken {} times and not heard", row.wakes_failed);
        Check::fail(
            &what,
            words,
            "check that it has power and wakes by network (BIOS; `ethtool DEVICE`: Wake-on: g); `wake` tries again",
        )
    } else if row.status == WorkerStatus::Asleep {
        Check::ok(&what, "it sleeps, and is woken for jobs that no other worker could run")
    } else if row.status == WorkerStatus::Waking {
        Check::ok(&what, "it is being woken")
    } else if row.status == WorkerStatus::Offline {
        let silent =
            row.silent_ms.map_or_else(|| "since c2d started".to_owned(), |ms| format!("for {}", time::span(ms)));
        let hint = if row.passed_on {
            format!("another worker has its address; `remove-worker {}` if it is gone", row.worker_id.short())
        } else {
            "check that it is on and c2-agent runs there; `remove-worker` if it is gone for good".to_owned()
        };
        Check::fail(&what, format!("not heard {silent}"), hint)
    } else if let Some(at) = row.copied_at {
        Check::fail(&what, format!("a machine at {at} uses its identity"), "on that machine: c2-agent reset-identity")
    } else if let (WorkerStatus::Quarantined, Some(reason)) = (row.status, &row.status_reason) {
        let hint = "repair it; it gets a job again within a minute, or at once with `resume`";
        Check::fail(&what, format!("in quarantine, it cannot start jobs: {reason}"), hint)
    } else if let Some(reason) = &row.status_reason {
        Check::warn(
            &what,
            format!("it could not start a job: {reason}"),
            "the job goes elsewhere first; `why` says more",
        )
    } else if row.suspect {
        let words = "commands fail there at once, one after the other, that succeed elsewhere";
        let hint =
            format!("see `log --worker={} --state=failed`; `drain` keeps jobs away, `resume` clears this", row.ip);
        Check::warn(&what, words, hint)
    } else if row.load.disk_full {
        Check::fail(&what, "its disk is full, it takes nothing new", "`cleanup-workspaces` frees what jobs left there")
    } else if !row.load.yields_to.is_empty() {
        Check::ok(&what, format!("it {}; nothing new starts there meanwhile", yields_to(&row.load.yields_to)))
    } else if let Some(waits) = row.load.elsewhere.iter().find(|waits| waits.is_unanswered) {
        let words = format!("its cluster is not heard: {}", waits.reason);
        Check::fail(&what, words, "see `c2-agent doctor` there; what runs in the cluster runs on")
    } else if row.version != VERSION {
        let hint = match is_newer(VERSION, &row.version) {
            true => "`upgrade-workers` upgrades it to the version of c2d",
            false => "install a newer c2-tui here: sudo install target/release/c2-tui /usr/local/bin",
        };
        Check::warn(&what, format!("its agent is {}, this console {VERSION}", row.version), hint)
    } else if free.is_some_and(|free| free < DISK_LOW_BYTES) {
        let words = format!("{} MB are free where its jobs run", free.unwrap_or_default() >> 20);
        Check::warn(&what, words, "`cleanup-workspaces` frees what jobs left there")
    } else if row.status == WorkerStatus::Draining {
        Check::ok(&what, "it finishes what it has and takes nothing new")
    } else {
        Check::ok(&what, format!("online, {} of {} slots in use", row.slots_used, row.slots))
    }
}

fn of_program(program: &str, found: bool) -> Check {
    let what = format!("{program} on this machine");
    if found {
        Check::ok(&what, "there")
    } else if program == "pdsh" {
        Check::warn(&what, "missing", "only the command pdsh wants it, and offers to install it")
    } else {
        Check::warn(&what, "missing", "pdsh, copy and verify-ssh want it: install openssh-client")
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::checkup::State;
    use c2_shared::id::JobId;
    use c2_shared::job::Needs;
    use c2_shared::resources::Capacity;
    use c2_shared::worker::Load;

    use super::*;

    fn row() -> WorkerRow {
        WorkerRow {
            ip: [10, 0, 0, 11].into(),
            worker_id: "id11".into(),
            hostname: "atlas".to_owned(),
            status: WorkerStatus::Online,
            groups: [].into(),
            slots: 4,
            slots_used: 1,
            capacity: Capacity::default(),
            taken: Needs::default(),
            tags: [].into(),
            silent_ms: Some(1_000),
            status_reason: None,
            suspect: false,
            copied_at: None,
            passed_on: false,
            past_lease: false,
            mac: None,
            wakes_failed: 0,
            load: Load { disk_free_bytes: Some(100 << 30), ..Load::default() },
            version: VERSION.to_owned(),
        }
    }

    #[test]
    fn what_is_stored_and_cannot_be_read_is_told() {
        assert_eq!(of_defects(&QueueStatus::default()), None);
        let unreadable = vec![JobId(2), JobId(7)];
        let check = of_defects(&QueueStatus { unreadable, ..QueueStatus::default() }).unwrap();
        assert_eq!(
            (check.state, check.words.contains("job-2, job-7 cannot be read")),
            (State::Fail, true),
            "{check:?}"
        );
        assert!(check.advice.starts_with("`why job-2`"), "{check:?}");
    }

    #[test]
    fn the_worst_thing_about_a_worker_is_told() {
        type Edit = fn(&mut WorkerRow);
        let change = |change: Edit| {
            let mut row = row();
            change(&mut row);
            let check = of_worker(&row);
            (check.state, check.words)
        };
        let table: [(Edit, State, &str); 12] = [
            (|_| (), State::Ok, "online, 1 of 4 slots in use"),
            (|row| row.status = WorkerStatus::Draining, State::Ok, "it finishes what it has and takes nothing new"),
            (
                |row| row.version = "0.0.9".to_owned(),
                State::Warn,
                concat!("its agent is 0.0.9, this console ", env!("CARGO_PKG_VERSION")),
            ),
            (|row| row.load.disk_free_bytes = Some(512 << 20), State::Warn, "512 MB are free where its jobs run"),
            (|row| row.status_reason = Some("no space".to_owned()), State::Warn, "it could not start a job: no space"),
            (
                |row| (row.status, row.status_reason) = (WorkerStatus::Quarantined, Some("read-only".to_owned())),
                State::Fail,
                "in quarantine, it cannot start jobs: read-only",
            ),
            (|row| row.status = WorkerStatus::Waking, State::Ok, "it is being woken"),
            (
                |row| row.status = WorkerStatus::Asleep,
                State::Ok,
                "it sleeps, and is woken for jobs that no other worker could run",
            ),
            (
                |row| (row.status, row.wakes_failed) = (WorkerStatus::Asleep, 3),
                State::Fail,
                "its machine was woken 3 times and not heard",
            ),
            (
                |row| row.suspect = true,
                State::Warn,
                "commands fail there at once, one after the other, that succeed elsewhere",
            ),
            (|row| row.load.disk_full = true, State::Fail, "its disk is full, it takes nothing new"),
            (
                |row| (row.status, row.silent_ms) = (WorkerStatus::Offline, Some(90_000)),
                State::Fail,
                "not heard for 1m30s",
            ),
        ];
        for (edit, state, words) in table {
            assert_eq!(change(edit), (state, words.to_owned()));
        }
    }

    #[test]
    fn a_queue_that_takes_nothing_more_is_a_failure() {
        let queue = |active| QueueStatus { active, capacity: 100, ..QueueStatus::default() };
        let states = [5, 95, 100].map(|active| of_queue(&queue(active)).state);
        assert_eq!(states, [State::Ok, State::Warn, State::Fail]);
        assert_eq!(of_queue(&QueueStatus { paused: true, ..queue(0) }).advice, "`unpause` resumes it");
    }
}
