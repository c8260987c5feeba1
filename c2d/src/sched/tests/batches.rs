//! How many jobs of a batch run at once.

use c2_shared::api::why::Reason;
use c2_shared::id::JobId;
use c2_shared::job::{JobState, Outcome};

use super::lab::{Lab, attempt, job, plain};
use crate::sched::event::{self, NewJob};
use crate::sched::{BatchLimited, ToEach, Which};

fn of(batch: &str) -> NewJob {
    job(|terms| terms.batch = Some(batch.into()))
}

impl Lab {
    fn submit_limited(&mut self, jobs: Vec<NewJob>, max_running: u32) {
        self.apply(event::JobsSubmitted { jobs, key: None, max_running: Some(max_running) }).unwrap();
    }

    fn limit(&mut self, batch: &str, max_running: Option<u32>) -> usize {
        self.apply(BatchLimited { batch: batch.into(), max_running }).unwrap().len()
    }

    fn running(&self) -> Vec<u64> {
        self.s.jobs(self.now, Some(JobState::Running), None, usize::MAX).iter().map(|job| job.id.0).collect()
    }

    /// What was decided is not looked at; what runs is.
    fn forget(&mut self) {
        self.decided.clear();
    }
}

#[test]
fn no_more_of_a_batch_run_than_may_and_others_go_past() {
    let mut lab = Lab::new(&[2, 3]);
    let parked = (lab.park(2), lab.park(3));
    lab.submit_limited(vec![of("a"), of("a"), of("a"), of("b"), plain()], 1);
    lab.collect(2, parked.0);
    lab.collect(3, parked.1);
    lab.poll(2);
    lab.poll(3);
    assert_eq!(lab.running(), [1, 4, 5]);
    let full = Reason::BatchFull { batch: "a".to_owned(), running: 1, max_running: 1 };
    assert_eq!(lab.s.explain(lab.now, JobId(2)).unwrap().reasons, std::slice::from_ref(&full));
    assert_eq!(lab.s.explain(lab.now, JobId(3)).unwrap().reasons, [Reason::Ahead { jobs: 1 }, full]);
    // Whoever waits for work hears of room as soon as there is any, wherever the job ran.
    let (on, other) = if lab.agents[&2].running.contains(&attempt(1, 1)) { (2, 3) } else { (3, 2) };
    let waits = lab.park(other);
    lab.finish(on, attempt(1, 1), Outcome::Exit { code: 0 });
    lab.poll(on);
    let answer = lab.collect(other, waits);
    assert_eq!(lab.running(), [2, 4, 5], "{answer:?}");
    lab.forget();
}

#[test]
fn the_limit_is_one_for_the_whole_batch_and_outlives_a_restart() {
    let mut lab = Lab::new(&[2]);
    lab.submit_limited((0..6).map(|_| of("a")).collect(), 2);
    lab.poll(2);
    assert_eq!(lab.running(), [1, 2]);
    lab.restart();
    lab.poll(2);
    lab.submit(vec![of("a")]).unwrap();
    lab.poll(2);
    assert_eq!(lab.running(), [1, 2], "also one that came later is counted");
    assert_eq!(lab.limit("a", Some(3)), 7);
    lab.poll(2);
    assert_eq!(lab.running(), [1, 2, 3]);
    assert_eq!(lab.limit("a", Some(1)), 7);
    for id in 1..=2 {
        lab.finish(2, attempt(id, 1), Outcome::Exit { code: 0 });
        lab.poll(2);
    }
    assert_eq!(lab.running(), [3], "what runs runs on, and nothing follows it before there is room");
    assert_eq!(lab.limit("a", None), 5);
    lab.poll(2);
    assert_eq!(lab.running(), [3, 4, 5, 6]);
    assert_eq!(lab.s.max_running("a"), None);
    for id in 3..=7 {
        lab.finish(2, attempt(id, 1), Outcome::Exit { code: 0 });
        lab.poll(2);
    }
    assert_eq!((lab.running(), lab.limit("a", Some(1))), (vec![], 0), "all have ended");
    lab.restart();
    lab.submit(vec![of("a"), of("a")]).unwrap();
    lab.poll(2);
    assert_eq!(lab.running(), [8], "and it holds for those that come later");
    lab.forget();
}

#[test]
fn what_goes_back_to_the_queue_makes_room() {
    let mut lab = Lab::new(&[2, 3]);
    let retried = job(|terms| (terms.batch, terms.retries, terms.retry_delay_s) = (Some("a".into()), 1, Some(60)));
    lab.submit_limited(vec![retried, of("a"), of("a")], 1);
    lab.poll(2);
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 1 });
    lab.poll(2);
    assert_eq!(lab.running(), [2], "the first rests before its retry");
    // Its worker is lost with it.
    lab.agents.get_mut(&2).unwrap().running.clear();
    lab.sleep(61_000);
    lab.poll(3);
    assert_eq!(lab.running().len(), 1);
    lab.apply(ToEach::<event::CancelRequested>::from(Which {
        jobs: Vec::new(),
        all: Some("@batch:a".parse().unwrap()),
    }))
    .unwrap();
    assert_eq!(lab.running().len(), 1, "its processes are being ended");
    assert_eq!((1..=3).filter(|id| lab.state(*id) == JobState::Cancelled).count(), 2);
    lab.forget();
}
