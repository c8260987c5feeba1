//! Jobs that failed rest before they are tried again.

use c2_shared::api::why::Reason;
use c2_shared::id::JobId;
use c2_shared::job::{JobState, Outcome};

use super::lab::{Lab, attempt, job, plain};
use crate::sched::event;

/// Lets attempts fail until none is left; for how many milliseconds the job rested before each retry.
fn rests(retries: u32, delay_s: Option<u64>) -> Vec<u64> {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![job(|j| (j.retries, j.retry_delay_s) = (retries, delay_s))]).unwrap();
    let mut rests = Vec::new();
    for number in 1..=retries + 1 {
        let mut slept = 0;
        while lab.poll(2).assign.is_empty() {
            lab.sleep(500);
            slept += 500;
            assert!(slept < 10_000_000, "attempt {number} never comes");
        }
        rests.push(slept);
        lab.finish(2, attempt(1, number), Outcome::Exit { code: 1 });
        let told = lab.poll(2);
        if let Some(next) = told.assign.first() {
            assert_eq!((next.attempt, delay_s), (attempt(1, number + 1), Some(0)));
            rests.push(0);
            return rests;
        }
    }
    lab.decided.clear();
    assert_eq!(lab.state(1), JobState::Failed);
    rests.split_off(1)
}

#[test]
fn a_rest_doubles_up_to_a_minute_or_its_own_first() {
    assert_eq!(rests(8, None), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    assert_eq!(rests(3, Some(45)), [45_000, 60_000, 60_000]);
    assert_eq!(rests(3, Some(3_600)), [3_600_000, 3_600_000, 3_600_000]);
}

#[test]
fn who_rests_lets_others_pass_and_says_until_when() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![job(|j| j.retries = 1)]).unwrap();
    lab.poll(2);
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 1 });
    lab.submit(vec![plain()]).unwrap();
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(2, 1), "the other does not wait");
    let reasons = lab.s.explain(lab.now, JobId(1)).unwrap().reasons;
    assert_eq!(reasons, [Reason::BeginAt { at_ms: lab.now.wall_ms + 1_000 }]);
    lab.sleep(999);
    assert!(lab.poll(2).assign.is_empty());
    let token = lab.park(2);
    lab.sleep(1);
    lab.apply(event::TimePassed).unwrap();
    assert_eq!(lab.collect(2, token).unwrap().assign[0].attempt, attempt(1, 2), "a parked poll is answered");
    lab.decided.clear();
}

#[test]
fn a_rest_ends_with_its_job_and_with_c2d() {
    let mut lab = Lab::new(&[2]);
    let failing = || job(|j| (j.retries, j.retry_delay_s) = (1, Some(600)));
    lab.submit(vec![failing(), failing()]).unwrap();
    lab.poll(2);
    for id in [1, 2] {
        lab.finish(2, attempt(id, 1), Outcome::Exit { code: 1 });
    }
    lab.poll(2);
    lab.apply(event::CancelRequested { job: JobId(1) }).unwrap();
    assert_eq!(lab.outcome(1), Some(Outcome::Cancelled));
    lab.apply(event::HoldRequested { job: JobId(2) }).unwrap();
    lab.apply(event::ReleaseRequested { job: JobId(2) }).unwrap();
    assert!(lab.poll(2).assign.is_empty(), "a release is no end of the rest");
    lab.restart();
    lab.register(2);
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(2, 2), "what was observed is forgotten");
    lab.decided.clear();
}
