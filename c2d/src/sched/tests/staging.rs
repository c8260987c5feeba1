//! Jobs that are given ahead of free slots: when, and how they come back.

use c2_shared::api::why::Reason;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::AHEAD_BRIEF_MS;

use super::lab::{Lab, attempt, id, ip, job, placed, plain, with};
use crate::sched::event::{
    CancelRequested, DrainSet, HoldRequested, NewJob, PauseSet, PollToken, ReleaseRequested, WorkerRemoved,
};
use crate::sched::{Change, JobsChanged, Reject};

const DONE: Outcome = Outcome::Exit { code: 0 };

/// Workers that have run nothing but short jobs lately: 16 each.
fn brisk(workers: &[u8]) -> Lab {
    with_results(workers, AHEAD_BRIEF_MS)
}

/// The same with jobs that took so long.
fn with_results(workers: &[u8], took_ms: u64) -> Lab {
    let mut lab = Lab::new(workers);
    for last in workers {
        lab.agents.get_mut(last).unwrap().takes_ahead = true;
        run_short(&mut lab, *last, 16, took_ms);
    }
    lab
}

/// Runs short jobs on a worker that has nothing else.
fn run_short(lab: &mut Lab, last: u8, jobs: usize, took_ms: u64) {
    lab.submit(vec![plain(); jobs]).unwrap();
    while lab.s.queue(lab.now).active > 0 {
        lab.poll(last);
        finish_all(lab, last, Some(took_ms));
    }
    lab.decided.clear();
}

fn finish_all(lab: &mut Lab, last: u8, took_ms: Option<u64>) {
    for attempt in lab.agents[&last].running.clone() {
        lab.finish_in(last, attempt, DONE, took_ms);
    }
}

/// One worker with four short jobs in its slots and some that wait behind them: the first of these and all.
fn with_waiting(workers: &[u8], jobs: Vec<NewJob>) -> (Lab, Vec<AttemptId>) {
    let mut lab = brisk(workers);
    for other in &workers[1..] {
        lab.submit(vec![plain(); 4]).unwrap();
        lab.poll(*other);
    }
    lab.submit(vec![plain(); 4]).unwrap();
    lab.submit(jobs).unwrap();
    lab.poll(workers[0]);
    lab.decided.clear();
    let waiting = lab.agents[&workers[0]].staged.iter().copied().collect();
    (lab, waiting)
}

#[test]
fn as_many_wait_as_slots_were_taken_a_moment_ago_and_read_as_queued() {
    let (mut lab, waiting) = with_waiting(&[2], vec![plain(); 6]);
    assert_eq!(waiting, [21, 22, 23, 24].map(|job| attempt(job, 1)));
    let queue = lab.s.queue(lab.now);
    assert_eq!((queue.running, queue.queued, queue.slots_used), (4, 6, 4));
    assert_eq!((lab.state(20), lab.state(21), lab.state(25)), (JobState::Running, JobState::Queued, JobState::Queued));
    let view = lab.s.job(lab.now, JobId(21)).unwrap();
    assert_eq!((view.worker, view.started_ms), (None, None));
    let why = lab.s.explain(lab.now, JobId(21)).unwrap();
    assert_eq!(why.reasons, [Reason::GivenAhead { worker: ip(2) }]);

    // One ends and the next starts by itself; all of it is known with the next poll.
    lab.sleep(300);
    lab.finish_in(2, attempt(17, 1), DONE, Some(200));
    lab.start_waiting(2, attempt(21, 1), 100);
    lab.poll(2);
    lab.expect("end 17: exit 0; free 17.1 on 2; assign 25.1 to 2 ahead; answer 2 +25.1 ack:17.1");
    assert_eq!(lab.state(21), JobState::Running);
    let view = lab.s.job(lab.now, JobId(21)).unwrap();
    assert_eq!(view.started_ms, Some(lab.now.wall_ms - 100), "by c2d's clock");
    lab.finish_in(2, attempt(21, 1), DONE, Some(150));
    lab.poll(2);
    lab.expect("end 21: exit 0; free 21.1 on 2; answer 2 ack:21.1");
}

#[test]
fn several_wait_for_each_slot_where_all_of_them_are_through_as_soon() {
    for (took_ms, waiting) in [(AHEAD_BRIEF_MS - 1, 16), (AHEAD_BRIEF_MS, 4)] {
        let mut lab = with_results(&[2], took_ms);
        lab.submit(vec![plain(); 30]).unwrap();
        lab.poll(2);
        assert_eq!(lab.agents[&2].staged.len(), waiting, "{took_ms}");
        lab.decided.clear();
    }
}

#[test]
fn long_jobs_attract_none() {
    let (mut lab, waiting) = with_waiting(&[2], vec![plain(); 1]);
    assert_eq!(waiting, [attempt(21, 1)]);
    lab.sleep(500);
    lab.start_waiting(2, attempt(21, 1), 0);
    lab.finish_in(2, attempt(17, 1), DONE, Some(10));
    lab.poll(2);
    lab.expect("end 17: exit 0; free 17.1 on 2; answer 2 ack:17.1");
    lab.sleep(600);
    lab.submit(vec![plain(); 4]).unwrap();
    lab.poll(2);
    lab.expect("add 22 queued; add 23 queued; add 24 queued; add 25 queued; assign 22.1 to 2 ahead; answer 2 +22.1");
}

#[test]
fn results_that_took_long_end_it() {
    for (took_ms, waiting) in [(Some(249), 4), (Some(250), 0), (None, 0)] {
        let mut lab = brisk(&[2]);
        lab.submit(vec![plain(); 4]).unwrap();
        lab.poll(2);
        lab.submit(vec![plain(); 8]).unwrap();
        finish_all(&mut lab, 2, took_ms);
        lab.poll(2);
        assert_eq!(lab.agents[&2].staged.len(), waiting, "{took_ms:?}");
        lab.decided.clear();
    }
}

#[test]
fn only_jobs_that_take_nothing_and_may_run_again_wait() {
    let table = [
        ("tags", placed(|placement| placement.tags = vec!["disk".to_owned()])),
        ("cpus", placed(|placement| placement.takes.cpus = 1)),
        ("on_lost", job(|terms| terms.on_lost = OnLost::Fail)),
        ("on_lost", job(|terms| terms.on_lost = OnLost::Wait)),
        ("contents", NewJob { payload: r#"{"command":"cat","stdin_sha256":"00"}"#.into(), ..plain() }),
    ];
    for (what, special) in table {
        let mut lab = brisk(&[2]);
        lab.apply(crate::sched::event::TagsSet { worker: id(2), tags: ["disk".to_owned()].into() }).unwrap();
        let cpus = [("cpus".to_owned(), Some(c2_shared::resources::Amount(4)))].into();
        lab.apply(crate::sched::event::ResourcesSet { worker: id(2), resources: cpus }).unwrap();
        lab.submit(vec![plain(), plain(), plain(), plain(), special, plain()]).unwrap();
        lab.poll(2);
        assert_eq!(lab.agents[&2].staged.len(), 0, "{what}: and nothing of a lower rank goes past it");
        lab.decided.clear();
    }
}

#[test]
fn nothing_waits_while_another_worker_has_room() {
    let mut lab = brisk(&[2, 3]);
    lab.submit(vec![plain(); 6]).unwrap();
    lab.poll(2);
    assert_eq!(lab.agents[&2].staged.len(), 0);
    // The other one is drained: there is nobody else.
    lab.apply(DrainSet { worker: id(3), drain: true }).unwrap();
    lab.poll(2);
    assert_eq!(lab.agents[&2].staged.len(), 2);
    lab.decided.clear();
}

/// One long job and many short ones on two workers: whatever waits behind the long one is called back as soon as
/// the other worker has room, and starts there.
#[test]
fn a_job_that_waits_is_called_back_when_another_worker_has_room() {
    let (mut lab, waiting) = with_waiting(&[2, 3], vec![plain(); 2]);
    assert_eq!(waiting.len(), 2);
    let token = lab.park(2);
    finish_all(&mut lab, 3, Some(10));
    let other = lab.poll(3);
    assert_eq!(other.assign, [], "nothing else is queued");
    lab.decided.clear();
    let idle = lab.park(3);
    let [first, second] = waiting[..] else { unreachable!() };
    lab.expect("answer 2 <41.1 <42.1");
    assert_eq!(lab.collect(2, token).unwrap().recall, [first, second]);
    assert_eq!(lab.collect(3, idle), None);
    // Started wins: the other one comes back, and starts where there is room, as soon as it has come back.
    lab.finish_in(2, attempt(37, 1), DONE, Some(10));
    lab.start_waiting(2, first, 0);
    lab.return_waiting(2, second);
    lab.poll(2);
    lab.expect(
        "requeue 42.1 unneeded: setup; free 42.1 on 2; end 37: exit 0; free 37.1 on 2; \
         answer 2 ack:42.1 ack:37.1; assign 42.2 to 3; answer 3 +42.2",
    );
}

#[test]
fn a_recall_is_repeated_and_a_poll_that_lists_it_nowhere_counts_as_return() {
    let (mut lab, waiting) = with_waiting(&[2], vec![plain()]);
    lab.sleep(1_000);
    lab.expect("");
    let first = lab.park(2);
    lab.expect("answer 2 <21.1");
    assert_eq!(lab.collect(2, first).unwrap().recall, waiting);
    let second = lab.park(2);
    lab.sleep(1_999);
    assert_eq!(lab.collect(2, second), None, "not again at once");
    lab.expect("");
    lab.sleep(1);
    lab.expect("answer 2 <21.1");
    lab.agents.get_mut(&2).unwrap().staged.clear();
    lab.poll(2);
    lab.expect("requeue 21.1 lost: lost; free 21.1 on 2; answer 2");
}

#[test]
fn whoever_comes_back_three_times_waits_nowhere_any_more() {
    let (mut lab, _) = with_waiting(&[2], vec![plain()]);
    for number in 1..=3 {
        let attempt = attempt(21, number);
        assert!(lab.agents[&2].staged.contains(&attempt), "{attempt}");
        lab.sleep(1_000);
        lab.return_waiting(2, attempt);
        // As if what is in its slots had been given just now.
        lab.s.workers.get_mut(&id(2)).unwrap().grants.values_mut().for_each(|grant| grant.since = Some(lab.now.mono));
        lab.poll(2);
    }
    assert_eq!(lab.agents[&2].staged.len(), 0);
    assert_eq!(lab.state(21), JobState::Queued);
    lab.decided.clear();
}

#[test]
fn pause_drain_and_better_ranks_call_back() {
    let (mut lab, waiting) = with_waiting(&[2], vec![plain(); 2]);
    let token = lab.park(2);
    lab.apply(PauseSet { paused: true }).unwrap();
    lab.expect("pause; answer 2 <21.1 <22.1");
    lab.collect(2, token);
    waiting.iter().for_each(|attempt| lab.return_waiting(2, *attempt));
    lab.poll(2);
    lab.expect(
        "requeue 21.1 unneeded: setup; free 21.1 on 2; requeue 22.1 unneeded: setup; free 22.1 on 2; \
         answer 2 ack:21.1 ack:22.1",
    );
    lab.apply(PauseSet { paused: false }).unwrap();
    lab.poll(2);
    lab.expect("unpause; assign 21.2 to 2 ahead; assign 22.2 to 2 ahead; answer 2 +21.2 +22.2");
    let token = lab.park(2);
    lab.submit(vec![job(|terms| terms.priority = 1)]).unwrap();
    lab.expect("add 23 queued; answer 2 <21.2 <22.2");
    lab.collect(2, token);
    [21, 22].iter().for_each(|job| lab.return_waiting(2, attempt(*job, 2)));
    lab.poll(2);
    lab.expect(
        "requeue 21.2 unneeded: setup; free 21.2 on 2; requeue 22.2 unneeded: setup; free 22.2 on 2; \
         assign 23.1 to 2 ahead; assign 21.3 to 2 ahead; assign 22.3 to 2 ahead; \
         answer 2 +23.1 +21.3 +22.3 ack:21.2 ack:22.2",
    );
    let token = lab.park(2);
    lab.apply(DrainSet { worker: id(2), drain: true }).unwrap();
    lab.expect("worker 2; answer 2 <21.3 <22.3 <23.1");
    lab.collect(2, token);
}

#[test]
fn a_cancel_ends_it_when_it_is_confirmed() {
    let (mut lab, waiting) = with_waiting(&[2], vec![plain()]);
    let token = lab.park(2);
    lab.apply(CancelRequested { job: JobId(21) }).unwrap();
    lab.expect("cancel 21; answer 2 -21.1");
    lab.collect(2, token);
    lab.return_waiting(2, waiting[0]);
    lab.poll(2);
    lab.expect("end 21: cancelled; free 21.1 on 2; answer 2 ack:21.1");
}

#[test]
fn a_hold_is_done_when_it_comes_back_and_void_when_it_has_started() {
    let (mut lab, _) = with_waiting(&[2], vec![plain(); 2]);
    let token = lab.park(2);
    assert_eq!(lab.apply(HoldRequested { job: JobId(21) }), Ok(JobState::Queued));
    lab.expect("wish 21.1 hold; answer 2 <21.1");
    lab.collect(2, token);
    let token = lab.park(2);
    assert_eq!(lab.apply(HoldRequested { job: JobId(22) }), Ok(JobState::Queued));
    lab.expect("wish 22.1 hold; answer 2 <21.1 <22.1");
    lab.collect(2, token);
    // Both wishes outlive a restart.
    lab.restart();
    assert!(lab.s.is_wanted(JobId(21)) && lab.s.is_wanted(JobId(22)));
    lab.return_waiting(2, attempt(21, 1));
    lab.finish_in(2, attempt(17, 1), DONE, Some(10));
    lab.start_waiting(2, attempt(22, 1), 5);
    lab.poll(2);
    lab.expect(
        "requeue 21.1 unneeded: setup; set 21 held; free 21.1 on 2; end 17: exit 0; free 17.1 on 2; no wish 22.1; \
         answer 2 ack:21.1 ack:17.1",
    );
    assert_eq!((lab.state(21), lab.state(22)), (JobState::Held, JobState::Running));
    let again = lab.apply(HoldRequested { job: JobId(22) });
    assert_eq!(again, Err(Reject::WrongState { job: JobId(22), state: JobState::Running }));
}

#[test]
fn a_release_takes_the_hold_back() {
    let (mut lab, _) = with_waiting(&[2], vec![plain()]);
    lab.poll(2);
    lab.apply(HoldRequested { job: JobId(21) }).unwrap();
    assert_eq!(lab.apply(ReleaseRequested { job: JobId(21) }), Ok(JobState::Queued));
    lab.expect("answer 2; wish 21.1 hold; no wish 21.1");
}

fn change(job: u64, payload: &str, before_start: bool) -> JobsChanged {
    let new = NewJob { payload: payload.into(), ..with(plain(), |terms| terms.priority = 3) };
    let was = r#"{"command":"true"}"#.into();
    let fixed = before_start.then_some("command");
    JobsChanged { changes: vec![Change { job: JobId(job), was, new, depends: false, limit_s: None, fixed }] }
}

#[test]
fn a_change_waits_until_it_comes_back() {
    let (mut lab, _) = with_waiting(&[2], vec![plain(); 3]);
    lab.poll(2);
    lab.decided.clear();
    for (job, before_start) in [(21, true), (22, true), (23, false)] {
        let done = lab.apply(change(job, r#"{"command":"other"}"#, before_start)).unwrap();
        assert_eq!(done, [(JobId(job), Ok(JobState::Queued))]);
    }
    lab.expect("wish 21.1 change; wish 22.1 change; wish 23.1 change");
    let second = lab.apply(change(21, r#"{"command":"third"}"#, true)).unwrap();
    assert_eq!(second, [(JobId(21), Err(Reject::Changed { job: JobId(21) }))], "one change at a time");
    lab.return_waiting(2, attempt(21, 1));
    for (ends, starts) in [(17, 22), (18, 23)] {
        lab.finish_in(2, attempt(ends, 1), DONE, Some(10));
        lab.start_waiting(2, attempt(starts, 1), 0);
    }
    lab.poll(2);
    lab.expect(
        "requeue 21.1 unneeded: setup; change 21 queued; free 21.1 on 2; end 17: exit 0; free 17.1 on 2; \
         end 18: exit 0; free 18.1 on 2; no wish 22.1; no wish 23.1; change 23 running; assign 21.2 to 2 ahead; \
         answer 2 +21.2 ack:21.1 ack:17.1 ack:18.1",
    );
    let payload = |job| lab.s.payload(JobId(job)).unwrap().to_string();
    let (other, same) = (r#"{"command":"other"}"#, r#"{"command":"true"}"#);
    assert_eq!([payload(21), payload(22), payload(23)], [other, same, other]);
}

#[test]
fn a_worker_that_dies_costs_what_waited_there_no_crash() {
    let (mut lab, _) = with_waiting(&[2], vec![plain()]);
    lab.poll(2);
    lab.sleep(60_000);
    lab.decided.clear();
    let crashes = |job| lab.s.jobs.get(JobId(job)).unwrap().crashes;
    assert_eq!((crashes(17), crashes(21)), (1, 0));
    // It comes back with what waited there, and nobody has taken it: it goes on waiting.
    lab.poll(2);
    assert_eq!(lab.state(21), JobState::Queued);
    assert!(lab.s.waits_at(lab.s.jobs.get(JobId(21)).unwrap()).is_some());
    lab.decided.clear();
}

#[test]
fn a_worker_that_is_given_up_costs_it_none_either() {
    let (mut lab, _) = with_waiting(&[2], vec![plain()]);
    lab.sleep(60_000);
    lab.apply(WorkerRemoved { worker: id(2), lost: true }).unwrap();
    lab.decided.clear();
    assert_eq!(lab.s.jobs.get(JobId(21)).unwrap().crashes, 0);
}

#[test]
fn an_agent_that_starts_again_has_forgotten_what_waited() {
    let (mut lab, _) = with_waiting(&[2], vec![plain(); 2]);
    lab.poll(2);
    lab.decided.clear();
    // One was noted by its runner, so it runs.
    lab.finish_in(2, attempt(17, 1), DONE, Some(10));
    lab.start_waiting(2, attempt(21, 1), 0);
    lab.agents.get_mut(&2).unwrap().staged.clear();
    lab.start_anew(2);
    lab.decided.clear();
    lab.agents.get_mut(&2).unwrap().takes_ahead = false;
    lab.poll(2);
    lab.expect("end 17: exit 0; free 17.1 on 2; requeue 22.1 lost: lost; free 22.1 on 2; answer 2 ack:17.1");
    assert_eq!(lab.s.jobs.get(JobId(22)).unwrap().crashes, 0);
}

#[test]
fn c2d_starts_again_and_the_next_poll_tells() {
    let (mut lab, _) = with_waiting(&[2], vec![plain(); 2]);
    lab.restart();
    assert_eq!((lab.state(21), lab.state(22)), (JobState::Queued, JobState::Queued));
    let queue = lab.s.queue(lab.now);
    assert_eq!((queue.running, queue.queued), (4, 2));
    lab.finish_in(2, attempt(17, 1), DONE, Some(10));
    lab.start_waiting(2, attempt(21, 1), 0);
    lab.poll(2);
    lab.expect("end 17: exit 0; free 17.1 on 2; answer 2 ack:17.1");
    assert_eq!((lab.state(21), lab.state(22)), (JobState::Running, JobState::Queued));
}

#[test]
fn an_assignment_that_was_lost_is_given_again_until_it_is_called_back() {
    let (mut lab, _) = with_waiting(&[2], vec![plain()]);
    lab.agents.get_mut(&2).unwrap().staged.clear();
    let answer = lab.poll(2);
    lab.expect("answer 2 +21.1");
    assert!(answer.assign[0].ahead);
    lab.agents.get_mut(&2).unwrap().staged.clear();
    lab.sleep(1_000);
    lab.poll(2);
    lab.expect("requeue 21.1 lost: lost; free 21.1 on 2; answer 2");
}

#[test]
fn a_free_slot_goes_to_what_waits_there() {
    let (mut lab, _) = with_waiting(&[2], vec![plain(); 8]);
    // It says that a slot is free, and has not started what waits: nothing else gets that slot.
    lab.finish_in(2, attempt(17, 1), DONE, Some(10));
    lab.poll(2);
    lab.expect("end 17: exit 0; free 17.1 on 2; answer 2 ack:17.1");
    let _token: PollToken = lab.park(2);
    lab.expect("");
}
