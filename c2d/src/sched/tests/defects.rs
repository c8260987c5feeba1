//! Jobs whose stored specification cannot be used: held, told, and never given to anybody.

use c2_shared::api::why::Reason;
use c2_shared::id::JobId;
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::LEASE_MS;

use super::lab::{Lab, after, attempt, job, plain};
use crate::sched::event;
use crate::sched::{Reject, Scheduler};

const WHY: &str = "it was changed";

/// c2d starts again and finds that it cannot use a job.
fn restart_without(lab: &mut Lab, id: u64) {
    let mut saved = lab.s.saved();
    let job = saved.jobs.iter_mut().find(|job| job.id == JobId(id)).unwrap();
    if job.state != JobState::Running {
        job.state = JobState::Held;
    }
    saved.defects.push((JobId(id), WHY.to_owned()));
    lab.s = Scheduler::restore(saved, 50_000, lab.now);
}

#[test]
fn it_is_held_with_the_reason_and_the_others_go_on() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain(), plain()]).unwrap();
    lab.submit(vec![after(&["job-1"])]).unwrap();
    restart_without(&mut lab, 1);
    assert_eq!(lab.poll(2).assign.iter().map(|given| given.attempt).collect::<Vec<_>>(), [attempt(2, 1)]);
    let explained = lab.s.explain(lab.now, JobId(1)).unwrap();
    assert_eq!(explained.reasons, [Reason::Unreadable { reason: WHY.into() }]);
    assert_eq!(lab.s.queue(lab.now).unreadable, [JobId(1)]);
    let refused = lab.apply(event::ReleaseRequested { job: JobId(1) });
    assert_eq!(refused, Err(Reject::Unreadable { job: JobId(1), reason: WHY.into() }));
    lab.apply(event::CancelRequested { job: JobId(1) }).unwrap();
    assert_eq!((lab.state(1), lab.outcome(3)), (JobState::Cancelled, Some(Outcome::Dependency { root: JobId(1) })));
    assert_eq!((lab.s.saved().defects, lab.s.queue(lab.now).unreadable), (vec![], vec![]));
    lab.expect(
        "add 1 queued; add 2 queued; add 3 blocked; assign 2.1 to 2; answer 2 +2.1; end 1: cancelled; \
         end 3: dependency 1",
    );
}

#[test]
fn one_that_runs_goes_on_and_is_not_given_again() {
    for on_lost in [OnLost::Requeue, OnLost::Wait] {
        let mut lab = Lab::new(&[2]);
        lab.submit(vec![job(|j| (j.on_lost, j.retries) = (on_lost, 3))]).unwrap();
        lab.poll(2);
        restart_without(&mut lab, 1);
        lab.poll(2);
        assert_eq!(lab.state(1), JobState::Running);
        lab.finish(2, attempt(1, 1), Outcome::Exit { code: 1 });
        assert_eq!(lab.poll(2).assign.len(), 0, "its retry would need the specification");
        assert_eq!(lab.state(1), JobState::Held);
        lab.expect(
            "add 1 queued; assign 1.1 to 2; answer 2 +1.1; answer 2; requeue 1.1 retry: exit 1; set 1 held; \
             free 1.1 on 2; answer 2 ack:1.1",
        );
    }
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    restart_without(&mut lab, 1);
    lab.sleep(LEASE_MS);
    assert_eq!((lab.poll(3).assign.len(), lab.state(1)), (0, JobState::Held));
    lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 crash: lost; set 1 held; answer 3");
}
