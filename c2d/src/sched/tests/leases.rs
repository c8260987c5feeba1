//! Silence, lost workers, restarts: what may run again and what may not.

use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::{CRASH_LIMIT, LEASE_MS, WORKER_OFFLINE_MS};
use c2_shared::worker::WorkerStatus;

use super::lab::{Lab, attempt, id, job, place, placed, plain};
use crate::sched::event;

/// How long a job rests after it lost its first worker.
const REST_MS: u64 = 1_000;

#[test]
fn fifteen_seconds_of_silence_are_offline_and_sixty_cost_the_job() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.sleep(WORKER_OFFLINE_MS - 1);
    assert_eq!(lab.s.worker(lab.now, &id(2)).unwrap().status, WorkerStatus::Online);
    lab.sleep(1);
    assert_eq!(lab.s.worker(lab.now, &id(2)).unwrap().status, WorkerStatus::Offline);
    assert!(lab.s.job(lab.now, c2_shared::id::JobId(1)).unwrap().unreachable);
    assert!(lab.poll(3).assign.is_empty());
    lab.sleep(LEASE_MS - WORKER_OFFLINE_MS);
    assert!(lab.poll(3).assign.is_empty(), "whoever lost a worker rests");
    lab.sleep(REST_MS);
    assert_eq!(lab.poll(3).assign[0].attempt, attempt(1, 2));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; answer 3; requeue 1.1 crash: lost; answer 3; assign 1.2 to 3; \
         answer 3 +1.2",
    );
}

#[test]
fn whoever_is_heard_again_has_its_jobs_shown_anew() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    let is_shown = |lab: &mut Lab| {
        let job = c2_shared::id::JobId(1);
        lab.s.take_touched().jobs.contains(&job).then(|| lab.s.job(lab.now, job).unwrap().unreachable)
    };
    for restarts in [false, true] {
        if restarts {
            lab.restart();
        }
        lab.sleep(WORKER_OFFLINE_MS);
        lab.s.take_touched();
        assert!(lab.s.job(lab.now, c2_shared::id::JobId(1)).unwrap().unreachable);
        lab.poll(2);
        assert_eq!(is_shown(&mut lab), Some(false), "after a restart: {restarts}");
    }
    lab.decided.clear();
}

#[test]
fn an_old_attempt_is_fenced_and_its_tags_stay_held_until_it_is_gone() {
    let mut lab = Lab::new(&[2, 3]);
    for w in [2, 3] {
        lab.apply(event::TagsSet { worker: id(w), tags: ["disk".to_owned()].into() }).unwrap();
    }
    let tagged = || placed(|p| p.tags = vec!["disk".to_owned()]);
    lab.submit(vec![tagged()]).unwrap();
    lab.poll(2);
    lab.sleep(LEASE_MS + REST_MS);
    lab.poll(3);
    lab.submit(vec![tagged()]).unwrap();
    let answer = lab.poll(2);
    assert_eq!(answer.kill, [attempt(1, 1)]);
    assert!(answer.assign.is_empty(), "the disk is still in use there");
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 7 });
    let answer = lab.poll(2);
    assert_eq!(answer.ack, [attempt(1, 1)]);
    assert_eq!(answer.assign[0].attempt, attempt(2, 1));
    assert_eq!(lab.state(1), JobState::Running, "the old result decides nothing");
    lab.expect(
        "worker 2; worker 3; add 1 queued; assign 1.1 to 2 disk; answer 2 +1.1; requeue 1.1 crash: lost; \
         assign 1.2 to 3 disk; answer 3 +1.2; add 2 queued; answer 2 -1.1; free 1.1 on 2; \
         assign 2.1 to 2 disk; answer 2 +2.1 ack:1.1",
    );
}

#[test]
fn a_worker_that_returns_before_anybody_took_over_keeps_its_job() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.sleep(LEASE_MS + 1);
    assert_eq!(lab.state(1), JobState::Queued);
    assert!(lab.poll(2).kill.is_empty());
    assert_eq!(lab.state(1), JobState::Running);
    lab.sleep(LEASE_MS + 1);
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
    lab.poll(2);
    assert_eq!(lab.state(1), JobState::Succeeded, "a late result of the newest attempt counts");
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 crash: lost; readopt 1.1 on 2; answer 2; \
         requeue 1.1 crash: lost; end 1: exit 0; free 1.1 on 2; answer 2 ack:1.1",
    );
}

#[test]
fn what_happens_to_a_lost_job_is_its_own_choice() {
    let table = [
        (OnLost::Requeue, JobState::Queued, "requeue 1.1 crash: lost"),
        (OnLost::Fail, JobState::Failed, "end 1: lost"),
        (OnLost::Wait, JobState::Running, ""),
    ];
    for (on_lost, state, decided) in table {
        let mut lab = Lab::new(&[2]);
        lab.submit(vec![job(|j| j.on_lost = on_lost)]).unwrap();
        lab.poll(2);
        lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1");
        lab.sleep(LEASE_MS);
        assert_eq!(lab.state(1), state, "{on_lost:?}");
        lab.expect(decided);
    }
}

#[test]
fn a_job_that_costs_five_workers_is_given_up() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    for crashes in 0..CRASH_LIMIT {
        assert_eq!(lab.state(1), JobState::Running);
        lab.poll(2);
        lab.agents.get_mut(&2).unwrap().running.clear();
        // The worker no longer has what it confirmed, and is given the job again after a rest.
        assert_eq!(lab.poll(2).assign.len(), 0);
        lab.sleep((REST_MS << crashes) - 1);
        if crashes + 1 < CRASH_LIMIT {
            assert_eq!(lab.state(1), JobState::Queued);
            lab.sleep(1);
            lab.poll(2);
        }
    }
    assert_eq!(lab.outcome(1), Some(Outcome::CrashLimit));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; answer 2; requeue 1.1 crash: lost; free 1.1 on 2; answer 2; \
         assign 1.2 to 2; answer 2 +1.2; answer 2; requeue 1.2 crash: lost; free 1.2 on 2; answer 2; \
         assign 1.3 to 2; answer 2 +1.3; answer 2; requeue 1.3 crash: lost; free 1.3 on 2; answer 2; \
         assign 1.4 to 2; answer 2 +1.4; answer 2; requeue 1.4 crash: lost; free 1.4 on 2; answer 2; \
         assign 1.5 to 2; answer 2 +1.5; answer 2; end 1: crash limit; free 1.5 on 2; answer 2",
    );
}

#[test]
fn after_a_restart_claimed_work_goes_on_and_unclaimed_work_returns_at_once() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain(), plain()]).unwrap();
    lab.poll(2);
    lab.restart();
    assert!(lab.s.queue(lab.now).recovering);
    assert!(lab.poll(3).assign.is_empty(), "nothing is given away before its worker speaks");
    lab.agents.get_mut(&2).unwrap().running.remove(&attempt(2, 1));
    lab.poll(2);
    assert_eq!((lab.state(1), lab.state(2)), (JobState::Running, JobState::Running));
    assert_eq!(lab.agents[&2].running, [attempt(1, 1), attempt(2, 2)].into());
    lab.expect(
        "add 1 queued; add 2 queued; assign 1.1 to 2; assign 2.1 to 2; answer 2 +1.1 +2.1; answer 3; \
         requeue 2.1 lost: lost; free 2.1 on 2; assign 2.2 to 2; answer 2 +2.2",
    );
}

#[test]
fn after_a_restart_a_silent_worker_keeps_its_work_until_its_lease_is_over() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.restart();
    lab.sleep(LEASE_MS - 1);
    assert!(lab.poll(3).assign.is_empty());
    lab.sleep(1 + REST_MS);
    assert_eq!(lab.poll(3).assign[0].attempt, attempt(1, 2));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; answer 3; requeue 1.1 crash: lost; assign 1.2 to 3; \
         answer 3 +1.2",
    );
}

#[test]
fn time_that_c2d_did_not_observe_costs_nobody_anything() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.now.mono = lab.now.mono.after_ms(10 * LEASE_MS);
    lab.apply(event::TimeUnobserved).unwrap();
    assert_eq!(lab.state(1), JobState::Running);
    assert_eq!(lab.s.worker(lab.now, &id(2)).unwrap().status, WorkerStatus::Online);
    lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1");
}

#[test]
fn a_reboot_frees_everything_at_once() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    let rebooted =
        event::Introduction { place: event::Place { boot_id: "boot2".into(), ..place(2) }, ..Lab::introduction(2) };
    lab.sleep(c2_shared::limits::REBOOT_SILENCE_MS);
    lab.apply(event::WorkerRegistered(rebooted)).unwrap();
    lab.sleep(REST_MS);
    assert_eq!(lab.poll(3).assign[0].attempt, attempt(1, 2));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; worker 2; requeue 1.1 crash: lost; free 1.1 on 2; \
         assign 1.2 to 3; answer 3 +1.2",
    );
}

#[test]
fn what_runs_where_no_agent_can_end_it_waits_for_its_word() {
    let mut lab = Lab::new(&[2, 3]);
    let unfenced = || event::Introduction { unfenced: true, ..Lab::introduction(2) };
    lab.apply(event::WorkerRegistered(unfenced())).unwrap();
    lab.submit(vec![plain()]).unwrap();
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(1, 1));
    // It is silent for longer than a lease, and its machine is started again: neither ends the attempt.
    lab.sleep(2 * LEASE_MS);
    assert_eq!(lab.state(1), JobState::Running);
    assert!(lab.poll(3).assign.is_empty());
    let rebooted = event::Introduction { place: event::Place { boot_id: "boot2".into(), ..place(2) }, ..unfenced() };
    lab.apply(event::WorkerRegistered(rebooted)).unwrap();
    lab.sleep(REST_MS);
    assert_eq!(lab.state(1), JobState::Running);
    assert!(lab.poll(3).assign.is_empty());
    // A cancelled one ends with the lease, as all do, and holds its slot until the worker speaks.
    lab.apply(event::CancelRequested { job: c2_shared::id::JobId(1) }).unwrap();
    lab.sleep(2 * LEASE_MS);
    lab.expect(
        "worker 2; add 1 queued; assign 1.1 to 2; answer 2 +1.1; answer 3; worker 2; answer 3; cancel 1; end 1: cancelled",
    );
}
