//! What has ended holds nothing while its result is under way.

use std::sync::Arc;

use c2_shared::id::JobId;
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::LEASE_MS;

use super::lab::{Lab, attempt, id, job, plain};
use crate::sched::event;

const DONE: Outcome = Outcome::Exit { code: 0 };

/// A job that holds a tag, on worker 2.
fn with_tag(lab: &mut Lab, change: impl FnOnce(&mut c2_shared::job::Terms)) {
    lab.apply(event::TagsSet { worker: id(2), tags: ["disk".to_owned()].into() }).unwrap();
    lab.submit(vec![job(|terms| {
        Arc::make_mut(&mut terms.placement).tags = vec!["disk".to_owned()];
        change(terms);
    })])
    .unwrap();
    lab.poll(2);
    lab.decided.clear();
}

#[test]
fn slot_and_tags_are_free_when_no_process_is_left() {
    let mut lab = Lab::new(&[2]);
    with_tag(&mut lab, |_| ());
    let tag = |lab: &Lab| lab.s.worker(lab.now, &id(2)).unwrap().tags["disk"];
    assert_eq!(tag(&lab), Some(attempt(1, 1)));
    lab.deliver(2, attempt(1, 1), DONE);
    lab.poll(2);
    let view = lab.s.job(lab.now, JobId(1)).unwrap();
    assert_eq!((view.state, view.delivering), (JobState::Running, true));
    assert_eq!((tag(&lab), lab.s.worker(lab.now, &id(2)).unwrap().slots_used), (None, 0));
    lab.restart();
    assert!(lab.s.job(lab.now, JobId(1)).unwrap().delivering, "that is durable");
    lab.start_anew(2);
    lab.poll(2);
    lab.agents.get_mut(&2).unwrap().ended.clear();
    lab.agents.get_mut(&2).unwrap().running.insert(attempt(1, 1));
    lab.finish(2, attempt(1, 1), DONE);
    lab.poll(2);
    assert_eq!(lab.state(1), JobState::Succeeded);
    lab.expect(
        "deliver 1.1 on 2: exit 0; answer 2; worker 2; answer 2; end 1: exit 0; free 1.1 on 2; answer 2 ack:1.1",
    );
}

#[test]
fn more_than_twice_the_slots_hold_up_new_work() {
    let mut lab = Lab::new(&[2]);
    lab.submit((0..9).map(|_| plain()).collect()).unwrap();
    for _ in 0..2 {
        for handout in lab.poll(2).assign {
            lab.deliver(2, handout.attempt, DONE);
        }
    }
    assert_eq!(lab.poll(2).assign.len(), 0);
    lab.expect_in_numbers("9 add, 3 answer, 8 assign, 8 deliver");
}

#[test]
fn a_job_whose_output_is_lost_has_ended_all_the_same() {
    for on_lost in [OnLost::Requeue, OnLost::Fail, OnLost::Wait] {
        let mut lab = Lab::new(&[2]);
        with_tag(&mut lab, |terms| terms.on_lost = on_lost);
        lab.deliver(2, attempt(1, 1), DONE);
        lab.poll(2);
        lab.sleep(LEASE_MS);
        assert_eq!(lab.outcome(1), Some(DONE), "{on_lost:?}");
        lab.expect("deliver 1.1 on 2: exit 0; answer 2; end 1: exit 0");
    }
}

#[test]
fn one_that_was_to_leave_files_goes_by_its_own_choice() {
    let mut lab = Lab::new(&[2]);
    with_tag(&mut lab, |terms| terms.leaves_files = true);
    lab.deliver(2, attempt(1, 1), DONE);
    lab.poll(2);
    lab.sleep(LEASE_MS);
    assert_eq!(lab.state(1), JobState::Queued);
    lab.expect("deliver 1.1 on 2: exit 0; answer 2; requeue 1.1 crash: lost");
}

#[test]
fn a_cancel_of_what_is_on_its_way_counts_whatever_becomes_of_the_worker() {
    for is_heard in [true, false] {
        let mut lab = Lab::new(&[2]);
        with_tag(&mut lab, |_| ());
        lab.deliver(2, attempt(1, 1), DONE);
        lab.poll(2);
        lab.apply(event::CancelRequested { job: JobId(1) }).unwrap();
        if is_heard {
            let agent = lab.agents.get_mut(&2).unwrap();
            agent.ended.clear();
            agent.running.insert(attempt(1, 1));
            lab.finish(2, attempt(1, 1), Outcome::Cancelled);
            lab.poll(2);
        } else {
            lab.sleep(LEASE_MS);
        }
        assert_eq!(lab.outcome(1), Some(Outcome::Cancelled), "heard: {is_heard}");
        lab.decided.clear();
    }
}

#[test]
fn what_a_worker_has_and_did_not_start_is_no_crash() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    let agent = lab.agents.get_mut(&2).unwrap();
    agent.staged = std::mem::take(&mut agent.running);
    lab.poll(2);
    // The agent is killed, and knows of nothing when it is back.
    lab.agents.get_mut(&2).unwrap().staged.clear();
    lab.start_anew(2);
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(1, 2));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; answer 2; worker 2; requeue 1.1 lost: lost; free 1.1 on 2; \
         assign 1.2 to 2; answer 2 +1.2",
    );
}
