//! Submitting, waiting, ordering, depending, cancelling.

use c2_shared::id::JobId;
use c2_shared::job::{JobState, Outcome};

use super::lab::{Lab, after, attempt, id, ip, job, named, placed, plain, with};
use crate::sched::Reject;
use crate::sched::event::{self, IdempotencyKey, Introduction};

#[test]
fn a_job_goes_to_the_first_worker_that_asks_and_nothing_else_happens() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.expect("add 1 queued");
    let answer = lab.poll(2);
    assert_eq!(answer.assign.iter().map(|h| h.attempt).collect::<Vec<_>>(), [attempt(1, 1)]);
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
    assert_eq!(lab.poll(2).ack, [attempt(1, 1)]);
    assert_eq!(lab.state(1), JobState::Succeeded);
    assert!(lab.poll(2).assign.is_empty());
    lab.expect("assign 1.1 to 2; answer 2 +1.1; end 1: exit 0; free 1.1 on 2; answer 2 ack:1.1; answer 2");
}

#[test]
fn a_waiting_poll_is_answered_when_a_job_becomes_ready() {
    let mut lab = Lab::new(&[2, 3]);
    let (first, second) = (lab.park(2), lab.park(3));
    lab.submit(vec![plain(), plain(), plain()]).unwrap();
    // Three jobs over two machines: neither takes all of them.
    assert_eq!(lab.collect(2, first).unwrap().assign.len(), 2);
    assert_eq!(lab.collect(3, second).unwrap().assign.len(), 1);
    lab.expect(
        "add 1 queued; add 2 queued; add 3 queued; assign 1.1 to 2; assign 2.1 to 3; assign 3.1 to 2; \
         answer 2 +1.1 +3.1; answer 3 +2.1",
    );
}

#[test]
fn four_slots_are_four_jobs() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain(); 9]).unwrap();
    assert_eq!(lab.poll(2).assign.len(), 4);
    assert!(lab.poll(2).assign.is_empty());
    lab.finish(2, attempt(2, 1), Outcome::Exit { code: 0 });
    let answer = lab.poll(2);
    assert_eq!((answer.ack.len(), answer.assign.len()), (1, 1));
    lab.expect(
        "add 1 queued; add 2 queued; add 3 queued; add 4 queued; add 5 queued; add 6 queued; add 7 queued; \
         add 8 queued; add 9 queued; assign 1.1 to 2; assign 2.1 to 2; assign 3.1 to 2; assign 4.1 to 2; \
         answer 2 +1.1 +2.1 +3.1 +4.1; answer 2; end 2: exit 0; free 2.1 on 2; assign 5.1 to 2; \
         answer 2 +5.1 ack:2.1",
    );
}

#[test]
fn priority_then_order_of_submission() {
    let mut lab = Lab::new(&[2]);
    let priority = |p| job(|j| j.priority = p);
    lab.submit(vec![priority(0), priority(5), priority(-1), priority(5)]).unwrap();
    let order: Vec<u64> = lab.poll(2).assign.iter().map(|h| h.attempt.job.0).collect();
    assert_eq!(order, [2, 4, 1, 3]);
    lab.expect(
        "add 1 queued; add 2 queued; add 3 queued; add 4 queued; assign 2.1 to 2; assign 4.1 to 2; \
         assign 1.1 to 2; assign 3.1 to 2; answer 2 +2.1 +4.1 +1.1 +3.1",
    );
}

#[test]
fn a_job_that_waits_for_a_lock_lets_others_pass() {
    let mut lab = Lab::new(&[2]);
    lab.apply(event::TagsSet { worker: id(2), tags: ["gpu:0".to_owned()].into() }).unwrap();
    let tagged = || placed(|p| p.tags = vec!["gpu".to_owned()]);
    lab.submit(vec![tagged(), tagged(), plain()]).unwrap();
    let answer = lab.poll(2);
    let given: Vec<_> = answer.assign.iter().map(|h| (h.attempt.job.0, h.share.tags.clone())).collect();
    assert_eq!(given, [(1, vec!["gpu:0".to_owned()]), (3, vec![])]);
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(2, 1));
    lab.expect(
        "worker 2; add 1 queued; add 2 queued; add 3 queued; assign 1.1 to 2 gpu:0; assign 3.1 to 2; \
         answer 2 +1.1 +3.1; end 1: exit 0; free 1.1 on 2; assign 2.1 to 2 gpu:0; answer 2 +2.1 ack:1.1",
    );
}

#[test]
fn groups_must_be_known_and_are_kept() {
    let mut lab = Lab::new(&[2, 3]);
    let grouped = || placed(|p| p.group = Some("gpu".to_owned()));
    assert_eq!(lab.submit(vec![grouped()]), Err(Reject::UnknownGroup { group: "gpu".into(), known: vec![] }.of_job(0)));
    let add = ["gpu".to_owned()].into();
    lab.apply(event::GroupsChanged { worker: id(3), add, remove: [].into() }).unwrap();
    lab.submit(vec![grouped()]).unwrap();
    assert!(lab.poll(2).assign.is_empty());
    assert_eq!(lab.poll(3).assign.len(), 1);
    lab.expect("worker 3; add 1 queued; answer 2; assign 1.1 to 3; answer 3 +1.1");
}

#[test]
fn excluded_workers_are_passed_over() {
    let mut lab = Lab::new(&[2, 3, 4]);
    lab.submit(vec![placed(|p| p.exclude = vec!["127.0.0.2".into(), "HOST3".into()])]).unwrap();
    assert_eq!([2, 3, 4].map(|w| lab.poll(w).assign.len()), [0, 0, 1]);
    lab.expect("add 1 queued; answer 2; answer 3; assign 1.1 to 4; answer 4 +1.1");
}

#[test]
fn an_excluded_address_is_nobodys_host_name() {
    let mut lab = Lab::new(&[2, 3]);
    let intro = Introduction { hostname: "127.0.0.2".to_owned(), ..Lab::introduction(3) };
    lab.apply(event::WorkerRegistered(intro)).unwrap();
    lab.submit(vec![placed(|p| p.exclude = vec!["::ffff:127.0.0.2".into(), "127.0.0.2".into()])]).unwrap();
    assert_eq!([2, 3].map(|w| lab.poll(w).assign.len()), [0, 1]);
    lab.expect("worker 3; add 1 queued; answer 2; assign 1.1 to 3; answer 3 +1.1");
}

#[test]
fn dependents_start_after_success_and_on_the_same_machine() {
    let mut lab = Lab::new(&[2, 3]);
    let same = with(after(&["job-1"]), |terms| terms.same_machine = true);
    lab.submit(vec![plain()]).unwrap();
    lab.submit(vec![same]).unwrap();
    assert_eq!(lab.state(2), JobState::Blocked);
    lab.run(3, 1, 0);
    assert!(lab.poll(2).assign.is_empty(), "it belongs to the other machine");
    assert_eq!(lab.agents[&3].running.len(), 1);
    lab.expect(
        "add 1 queued; add 2 blocked; assign 1.1 to 3; answer 3 +1.1; end 1: exit 0; fulfil 2 on 1; \
         pin 2 to 3; set 2 queued; free 1.1 on 3; assign 2.1 to 3; answer 3 +2.1 ack:1.1; answer 2",
    );
}

#[test]
fn a_failure_fails_all_that_follows_in_one_turn() {
    let mut lab = Lab::new(&[2]);
    let batch =
        vec![named("a", &[]), named("b", &["a"]), named("c", &["b"]), named("d", &["notok:a"]), named("e", &["any:c"])];
    lab.submit(batch).unwrap();
    lab.run(2, 1, 3);
    assert_eq!([1, 2, 3].map(|j| lab.state(j)), [JobState::Failed; 3]);
    assert_eq!(lab.outcome(3), Some(Outcome::Dependency { root: JobId(1) }));
    assert_eq!([4, 5].map(|j| lab.state(j)), [JobState::Running; 2]);
    lab.expect(
        "add 1 queued; add 2 blocked; add 3 blocked; add 4 blocked; add 5 blocked; assign 1.1 to 2; \
         answer 2 +1.1; end 1: exit 3; fulfil 4 on 1; set 4 queued; end 2: dependency 1; end 3: dependency 1; \
         fulfil 5 on 3; set 5 queued; free 1.1 on 2; assign 4.1 to 2; assign 5.1 to 2; \
         answer 2 +4.1 +5.1 ack:1.1",
    );
}

#[test]
fn dependencies_on_ended_jobs_are_judged_at_once() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain(), plain()]).unwrap();
    lab.run(2, 1, 0);
    lab.run(2, 2, 1);
    let ids =
        lab.submit(vec![after(&["job-1"]), after(&["job-2"]), after(&["any:job-2"]), after(&["notok:job-1"])]).unwrap();
    let states: Vec<_> = ids.iter().map(|id| lab.state(id.0)).collect();
    assert_eq!(states, [JobState::Queued, JobState::Failed, JobState::Queued, JobState::Failed]);
    lab.expect(
        "add 1 queued; add 2 queued; assign 1.1 to 2; assign 2.1 to 2; answer 2 +1.1 +2.1; end 1: exit 0; \
         free 1.1 on 2; answer 2 ack:1.1; answer 2; end 2: exit 1; free 2.1 on 2; answer 2 ack:2.1; \
         add 3 queued; add 4 queued; add 5 queued; add 6 queued; end 4: dependency 2; end 6: dependency 1",
    );
}

#[test]
fn impossible_dependencies_are_refused_by_name() {
    let mut lab = Lab::new(&[]);
    let path = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
    assert_eq!(lab.submit(vec![after(&["job-7"])]), Err(Reject::UnknownJob { job: JobId(7) }.of_job(0)));
    assert_eq!(lab.submit(vec![named("a", &["b"])]), Err(Reject::UnknownName { name: "b".into() }.of_job(0)));
    assert_eq!(lab.submit(vec![named("a", &["a"])]), Err(Reject::Cycle { path: path(&["a", "a"]) }.of_job(0)));
    let ring = vec![named("x", &[]), named("a", &["c", "x"]), named("b", &["a"]), named("c", &["b"])];
    assert_eq!(lab.submit(ring), Err(Reject::Cycle { path: path(&["a", "c", "b", "a"]) }.of_job(1)));
    assert_eq!(
        lab.submit(vec![named("a", &[]), named("a", &[]), after(&["a"])]),
        Err(Reject::AmbiguousName { name: "a".into() }.of_job(2))
    );
    assert_eq!(lab.s.last_job(), 0);
}

#[test]
fn a_full_queue_refuses_the_whole_batch() {
    let mut lab = Lab::new(&[]);
    lab.s.capacity = 3;
    lab.submit(vec![plain(), plain()]).unwrap();
    assert_eq!(lab.submit(vec![plain(), plain()]), Err(Reject::QueueFull { active: 2, capacity: 3, asked: 2 }));
    lab.apply(event::CancelRequested { job: JobId(1) }).unwrap();
    lab.submit(vec![plain(), plain()]).unwrap();
    lab.expect("add 1 queued; add 2 queued; end 1: cancelled; add 3 queued; add 4 queued");
}

#[test]
fn the_same_key_answers_with_the_same_jobs_for_a_day() {
    let mut lab = Lab::new(&[]);
    let submit = |lab: &mut Lab, digest: &str| {
        let key = Some(IdempotencyKey { key: "k".into(), digest: digest.into() });
        let submitted = event::JobsSubmitted { jobs: vec![plain()], key, max_running: None };
        lab.apply(submitted).map(|accepted| accepted.jobs)
    };
    let jobs = vec![JobId(1)];
    assert_eq!(submit(&mut lab, "x"), Ok(jobs.clone()));
    lab.expect("add 1 queued; key k");
    assert_eq!(submit(&mut lab, "x"), Ok(jobs));
    lab.expect("");
    assert_eq!(submit(&mut lab, "y"), Err(Reject::KeyReused { key: "k".into() }));
    lab.now.wall_ms += 400 * 24 * 3_600_000;
    assert_eq!(submit(&mut lab, "x"), Ok(vec![JobId(1)]), "a clock that jumps makes nothing old");
    lab.now.wall_ms = 0;
    lab.now.seen_ms += 25 * 3_600_000;
    assert_eq!(submit(&mut lab, "y"), Ok(vec![JobId(2)]));
    lab.expect("forget k; add 2 queued; key k");
}

#[test]
fn cancelling_what_waits_is_final_and_fails_what_follows() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.submit(vec![after(&["job-1"])]).unwrap();
    let cancel = event::CancelRequested { job: JobId(1) };
    assert_eq!(lab.apply(cancel).unwrap(), JobState::Cancelled);
    assert_eq!(lab.state(2), JobState::Failed);
    let again = lab.apply(cancel);
    assert_eq!(again.unwrap_err(), Reject::AlreadyEnded { job: JobId(1), state: JobState::Cancelled });
    assert!(lab.poll(2).assign.is_empty());
    lab.expect("add 1 queued; add 2 blocked; end 1: cancelled; end 2: dependency 1; answer 2");
}

#[test]
fn cancelling_a_running_job_waits_for_its_processes() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    let parked = lab.park(2);
    let reply = lab.apply(event::CancelRequested { job: JobId(1) }).unwrap();
    assert_eq!(reply, JobState::Running);
    assert_eq!(lab.collect(2, parked).unwrap().kill, [attempt(1, 1)]);
    let parked = lab.park(2);
    assert_eq!(lab.collect(2, parked), None, "told once, the agent is not told again at once");
    lab.finish(2, attempt(1, 1), Outcome::Cancelled);
    lab.poll(2);
    assert_eq!(lab.state(1), JobState::Cancelled);
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; cancel 1; answer 2 -1.1; answer 2; end 1: cancelled; \
         free 1.1 on 2; answer 2 ack:1.1",
    );
}

#[test]
fn a_cancel_that_comes_too_late_does_not_relabel_success() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.apply(event::CancelRequested { job: JobId(1) }).unwrap();
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
    lab.poll(2);
    assert_eq!(lab.state(1), JobState::Succeeded);
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; cancel 1; end 1: exit 0; free 1.1 on 2; \
         answer 2 ack:1.1",
    );
}

#[test]
fn retries_are_counted_and_a_repeated_result_is_not() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![job(|j| (j.retries, j.retry_delay_s) = (1, Some(0)))]).unwrap();
    lab.poll(2);
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 1 });
    let late = lab.agents[&2].unsent[0].clone();
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(1, 2));
    lab.apply(event::ResultArrived { worker: id(2), from: Some(ip(2)), result: late }).unwrap();
    assert_eq!(lab.state(1), JobState::Running, "the first attempt's result was counted already");
    lab.finish(2, attempt(1, 2), Outcome::Exit { code: 1 });
    lab.poll(2);
    assert_eq!(lab.state(1), JobState::Failed);
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 retry: exit 1; free 1.1 on 2; \
         assign 1.2 to 2; answer 2 +1.2 ack:1.1; end 1: exit 1; free 1.2 on 2; answer 2 ack:1.2",
    );
}

#[test]
fn held_jobs_wait_for_their_release() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![job(|j| j.hold = true), plain()]).unwrap();
    lab.apply(event::HoldRequested { job: JobId(2) }).unwrap();
    assert!(lab.poll(2).assign.is_empty());
    lab.apply(event::ReleaseRequested { job: JobId(1) }).unwrap();
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(1, 1));
    let running = lab.apply(event::HoldRequested { job: JobId(1) });
    assert!(matches!(running, Err(Reject::WrongState { .. })));
    lab.expect("add 1 held; add 2 queued; set 2 held; answer 2; set 1 queued; assign 1.1 to 2; answer 2 +1.1");
}

#[test]
fn a_begin_time_is_waited_for() {
    let mut lab = Lab::new(&[2]);
    let at = lab.now.wall_ms + 90_000;
    lab.submit(vec![job(|j| j.begin_at = Some(at))]).unwrap();
    assert_eq!(lab.state(1), JobState::Blocked);
    lab.sleep(89_000);
    assert_eq!(lab.state(1), JobState::Blocked);
    lab.sleep(2_000);
    assert_eq!(lab.state(1), JobState::Queued);
    lab.expect("add 1 blocked; set 1 queued");
}

#[test]
fn a_paused_queue_gives_nothing_until_it_goes_on() {
    let mut lab = Lab::new(&[2]);
    lab.apply(event::PauseSet { paused: true }).unwrap();
    lab.submit(vec![plain()]).unwrap();
    let parked = lab.park(2);
    assert_eq!(lab.collect(2, parked), None);
    lab.apply(event::PauseSet { paused: false }).unwrap();
    assert_eq!(lab.collect(2, parked).unwrap().assign.len(), 1);
    lab.expect("pause; add 1 queued; unpause; assign 1.1 to 2; answer 2 +1.1");
}

#[test]
fn a_chain_and_a_star_of_fifty_thousand_fail_at_once() {
    for star in [false, true] {
        let mut lab = Lab::new(&[2]);
        let on = |i: usize| if star { "n0".to_owned() } else { format!("n{}", i - 1) };
        let batch = (0..50_000).map(|i| match i {
            0 => named("n0", &[]),
            _ => named(&format!("n{i}"), &[&on(i)]),
        });
        lab.submit(batch.collect()).unwrap();
        lab.run(2, 1, 1);
        assert_eq!(lab.s.queue(lab.now).ended[&JobState::Failed], 50_000);
        lab.expect_in_numbers("50000 add, 2 answer, 1 assign, 50000 end, 1 free");
    }
}

#[test]
fn a_clock_that_is_set_back_has_a_job_wait_for_its_time_once_more() {
    let mut lab = Lab::new(&[]);
    let at = lab.now.wall_ms + 60_000;
    lab.submit(vec![plain()]).unwrap();
    lab.submit(vec![with(after(&["any:job-1"]), |terms| terms.begin_at = Some(at))]).unwrap();
    lab.sleep(90_000);
    lab.now.wall_ms -= 90_000;
    lab.apply(event::CancelRequested { job: JobId(1) }).unwrap();
    assert_eq!(lab.state(2), JobState::Blocked, "it is early again");
    lab.sleep(120_000);
    assert_eq!(lab.state(2), JobState::Queued);
    lab.decided.clear();
}
