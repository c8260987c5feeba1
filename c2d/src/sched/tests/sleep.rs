//! Machines that sleep: when they may, and what wakes them.

use c2_shared::api::why::Obstacle;
use c2_shared::job::JobState;
use c2_shared::limits::{SLEEP_AHEAD_MS, WAKE_REST_MS, WAKE_TRIES, WAKE_WITHIN_MS, WORKER_OFFLINE_MS};
use c2_shared::worker::WorkerStatus;

use super::lab::{Lab, attempt, id, job, placed, plain};
use crate::sched::Reject;
use crate::sched::event::{self, Introduction, NewJob};
use c2_shared::id::JobId;
use c2_shared::resources::Capacity;

/// Workers of which those have a network card that can be woken and sixteen processors, and the others neither.
fn lab(all: &[u8], large: &[u8]) -> Lab {
    let mut lab = Lab::new(all);
    for last in large {
        let mac = Some(format!("02:00:00:00:00:{last:02x}").parse().unwrap());
        let has = Capacity { cpus: 16, ..Capacity::default() };
        lab.apply(event::WorkerRegistered(Introduction { mac, has, ..Lab::introduction(*last) })).unwrap();
    }
    lab.decided.clear();
    lab
}

fn large() -> NewJob {
    placed(|p| p.takes.cpus = 8)
}

fn status(lab: &Lab, last: u8) -> WorkerStatus {
    lab.s.worker(lab.now, &id(last)).unwrap().status
}

/// A worker asks to sleep; whether it may.
fn doze(lab: &mut Lab, last: u8) -> bool {
    lab.agents.get_mut(&last).unwrap().would_sleep = true;
    let may = lab.poll(last).may_sleep;
    lab.agents.get_mut(&last).unwrap().would_sleep = false;
    may
}

/// Time passes in which a worker polls.
fn with_polls(lab: &mut Lab, last: u8, ms: u64) {
    for _ in 0..ms / 5_000 {
        lab.sleep(5_000);
        lab.poll(last);
    }
}

#[test]
fn a_job_that_fits_nowhere_else_wakes_a_machine() {
    let mut lab = lab(&[2, 3, 4], &[3, 4]);
    lab.poll(2);
    assert!(doze(&mut lab, 3) && doze(&mut lab, 4));
    assert_eq!([2, 3].map(|last| status(&lab, last)), [WorkerStatus::Online, WorkerStatus::Asleep]);
    lab.expect("answer 2; worker 3 asleep; answer 3 sleep; worker 4 asleep; answer 4 sleep");
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1");
    lab.submit(vec![large(), large()]).unwrap();
    lab.expect("add 2 queued; add 3 queued; wake 3 by 2");
    assert_eq!([3, 4].map(|last| status(&lab, last)), [WorkerStatus::Waking, WorkerStatus::Asleep]);
    lab.sleep(10_000);
    assert_eq!(lab.poll(3).assign.len(), 2, "one machine is enough for both");
    lab.expect("worker 3; assign 2.1 to 3; assign 3.1 to 3; answer 3 +2.1 +3.1");
    assert_eq!(status(&lab, 3), WorkerStatus::Online);
}

#[test]
fn a_machine_with_work_or_work_to_come_stays_awake() {
    let hour = 3_600_000;
    type Arrange = fn(&mut Lab);
    let table: [(&str, bool, Arrange); 9] = [
        ("nothing", true, |_| ()),
        ("a job runs", false, |lab| {
            lab.submit(vec![plain()]).unwrap();
            lab.poll(3);
        }),
        ("the queue is paused and a job waits", false, |lab| {
            lab.apply(event::PauseSet { paused: true }).unwrap();
            lab.submit(vec![plain()]).unwrap();
        }),
        ("a job waits that another machine alone can run", true, |lab| {
            lab.submit(vec![placed(|p| p.workers = vec!["id2".to_owned()])]).unwrap();
        }),
        ("a job begins soon", false, |lab| {
            let at = lab.now.wall_ms + SLEEP_AHEAD_MS;
            lab.submit(vec![job(|terms| terms.begin_at = Some(at))]).unwrap();
        }),
        ("a job begins later", true, |lab| {
            let at = lab.now.wall_ms + SLEEP_AHEAD_MS + 1;
            lab.submit(vec![job(|terms| terms.begin_at = Some(at))]).unwrap();
        }),
        ("a schedule runs soon", false, |lab| schedule(lab, SLEEP_AHEAD_MS)),
        ("a schedule runs later", true, |lab| schedule(lab, SLEEP_AHEAD_MS + 1)),
        ("its agent says no address", false, |lab| {
            lab.apply(event::WorkerRegistered(Lab::introduction(3))).unwrap();
        }),
    ];
    for (what, expected, arrange) in table {
        let mut lab = lab(&[2, 3], &[3]);
        arrange(&mut lab);
        assert_eq!(doze(&mut lab, 3), expected, "{what}");
        assert!(lab.now.wall_ms < hour * 1_000);
        lab.decided.clear();
    }
}

fn schedule(lab: &mut Lab, in_ms: u64) {
    let record = crate::sched::decision::ScheduleRecord {
        name: "nightly".to_owned(),
        cron: "0 3 * * *".to_owned(),
        timezone: "UTC".to_owned(),
        overlap: Default::default(),
        missed: Default::default(),
        paused: false,
        job: plain(),
        added_ms: lab.now.wall_ms,
        next_ms: Some(lab.now.wall_ms + in_ms),
        looked_ms: lab.now.wall_ms,
        runs: Vec::new(),
        defect: None,
    };
    lab.apply(event::ScheduleAdded(record)).unwrap();
}

#[test]
fn a_machine_that_does_not_wake_is_tried_three_times_and_then_rarely() {
    let mut lab = lab(&[2, 3], &[3]);
    assert!(doze(&mut lab, 3));
    lab.submit(vec![large()]).unwrap();
    lab.poll(2);
    lab.expect("worker 3 asleep; answer 3 sleep; add 1 queued; wake 3 by 2; answer 2");
    lab.s.take_touched();
    let obstacle = |lab: &Lab| lab.s.explain(lab.now, JobId(1)).unwrap().workers[1].obstacles.clone();
    let asleep = |waking, failed, retry_ms| vec![Obstacle::Asleep { waking, failed, retry_ms, unwakeable: false }];
    assert_eq!(obstacle(&lab), asleep(true, 0, None));
    with_polls(&mut lab, 2, WAKE_WITHIN_MS * 2);
    assert_eq!(obstacle(&lab), asleep(true, 2, None));
    with_polls(&mut lab, 2, WAKE_WITHIN_MS);
    assert_eq!(obstacle(&lab), asleep(false, 3, Some(WAKE_REST_MS)));
    let notes: Vec<String> = lab.s.take_touched().notes.iter().map(ToString::to_string).collect();
    let failed = "the machine of worker 127.0.0.3 (host3) was woken 3 times and not heard; it is left alone for 10m00s";
    assert_eq!(notes.iter().filter(|note| *note == failed).count(), 1, "{notes:?}");
    assert_eq!(notes.iter().filter(|note| note.contains("offline")).count(), 0, "who sleeps is silent: {notes:?}");
    with_polls(&mut lab, 2, 24 * 3_600_000);
    let tries = lab.decided.iter().filter(|one| matches!(one, crate::sched::Decision::Wake { .. })).count();
    // After 10, 20, .. 640 minutes, of which the last is over within the day.
    assert_eq!(tries, 2 + 7);
    lab.decided.clear();
    assert_eq!(lab.poll(3).assign[0].attempt, attempt(1, 1), "it was switched on by hand");
    assert_eq!(lab.s.worker(lab.now, &id(3)).unwrap().wakes_failed, 0);
    lab.expect("worker 3; assign 1.1 to 3; answer 3 +1.1");
}

#[test]
fn who_loses_the_machine_that_is_awake_wakes_another() {
    let mut lab = lab(&[2, 3], &[3]);
    assert!(doze(&mut lab, 3));
    lab.apply(event::PauseSet { paused: true }).unwrap();
    lab.submit(vec![plain()]).unwrap();
    lab.apply(event::PauseSet { paused: false }).unwrap();
    lab.expect("worker 3 asleep; answer 3 sleep; pause; add 1 queued; unpause");
    lab.sleep(WORKER_OFFLINE_MS);
    lab.expect("wake 3");
    lab.poll(3);
    lab.decided.clear();
    assert_eq!(lab.state(1), JobState::Running);
}

#[test]
fn sleep_outlives_c2d_which_waits_for_those_that_are_awake() {
    let mut lab = lab(&[2, 3], &[3]);
    assert!(doze(&mut lab, 3));
    lab.submit(vec![plain()]).unwrap();
    lab.restart();
    assert_eq!(status(&lab, 3), WorkerStatus::Asleep);
    lab.poll(2);
    lab.expect("worker 3 asleep; answer 3 sleep; add 1 queued; assign 1.1 to 2; answer 2 +1.1");
    lab.submit(vec![large()]).unwrap();
    lab.expect("add 2 queued; wake 3 by 2");
    lab.restart();
    lab.sleep(1);
    lab.apply(event::TimePassed).unwrap();
    lab.expect("wake 3");
}

#[test]
fn operators_wake_what_sleeps_or_is_off() {
    let mut lab = lab(&[2, 3, 4], &[3, 4]);
    let wake = |lab: &mut Lab, last| lab.apply(event::WakeRequested { worker: id(last) });
    lab.poll(2);
    lab.poll(3);
    assert!(doze(&mut lab, 4));
    lab.decided.clear();
    assert_eq!(wake(&mut lab, 3), Ok(()));
    lab.expect("");
    assert_eq!(wake(&mut lab, 4), Ok(()));
    lab.expect("wake 4 by 2 by 3");
    lab.sleep(WORKER_OFFLINE_MS);
    assert_eq!(wake(&mut lab, 2), Err(Reject::Unwakeable { worker: "127.0.0.2".to_owned() }));
    assert_eq!(wake(&mut lab, 9), Err(Reject::UnknownWorker { worker: id(9) }));
    assert_eq!(wake(&mut lab, 3), Ok(()));
    assert_eq!(status(&lab, 3), WorkerStatus::Waking);
    lab.sleep(3_600_000);
    lab.expect_in_numbers(&format!("{} wake", 2 * WAKE_TRIES - 1));
    assert_eq!([3, 4].map(|last| status(&lab, last)), [WorkerStatus::Offline, WorkerStatus::Asleep]);
}

#[test]
fn a_worker_that_polls_after_all_is_awake() {
    let mut lab = lab(&[3], &[3]);
    assert!(doze(&mut lab, 3));
    lab.submit(vec![plain()]).unwrap();
    assert_eq!(lab.poll(3).assign.len(), 1, "its machine could not sleep");
    lab.expect("worker 3 asleep; answer 3 sleep; add 1 queued; wake 3; worker 3; assign 1.1 to 3; answer 3 +1.1");
    assert!(!doze(&mut lab, 3));
    lab.expect("answer 3");
}
