//! What is to be told becomes durable with what brought it about, and goes when all were told.

use std::collections::BTreeSet;

use c2_shared::api::notifications::Kind;
use c2_shared::id::JobId;
use c2_shared::job::Outcome;
use c2_shared::limits::NOTICES_MAX;

use super::lab::{Lab, attempt, plain, with};
use crate::sched::Reject;
use crate::sched::decision::RuleRecord;
use crate::sched::event::{self, Again};

fn rule(name: &str, on: &[Kind]) -> event::RuleAdded {
    event::RuleAdded(RuleRecord {
        name: name.to_owned(),
        on: on.iter().copied().collect::<BTreeSet<Kind>>(),
        to: "ntfy:x".to_owned(),
        group: None,
        job_name: None,
        schedule: None,
        seq: 0,
        notice: 0,
    })
}

fn told(lab: &Lab, name: &str, seq: u64, notice: u64) -> event::Told {
    event::Told(RuleRecord { seq, notice, ..lab.s.rule(name).unwrap() })
}

/// Names of those that are to be told, each with how many notices.
fn untold(lab: &Lab) -> Vec<(String, usize)> {
    lab.s.untold().into_iter().map(|(rule, notices)| (rule.name, notices.len())).collect()
}

#[test]
fn what_happens_is_told_once_to_each_who_asked() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.run(2, 1, 0);
    lab.decided.clear();
    lab.apply(rule("jobs", &[Kind::Failed])).unwrap();
    lab.apply(rule("empty", &[Kind::QueueEmpty, Kind::WorkerOffline])).unwrap();
    lab.expect("rule jobs at 1 and 0; rule empty at 1 and 0");
    assert_eq!(untold(&lab), [], "what was before is nobody's");
    lab.submit(vec![plain(), plain()]).unwrap();
    lab.run(2, 2, 1);
    assert_eq!(untold(&lab), [("empty".to_owned(), 0), ("jobs".to_owned(), 0)], "a job may ask for any of them");
    lab.decided.clear();
    lab.finish(2, attempt(3, 1), Outcome::Exit { code: 0 });
    lab.poll(2);
    lab.expect("end 3: exit 0; free 3.1 on 2; answer 2 ack:3.1; notice 1 queue-empty");
    assert_eq!(untold(&lab), [("empty".to_owned(), 1), ("jobs".to_owned(), 0)]);
    // Told, forgotten, and told once more after a crash: it counts once.
    lab.restart();
    assert_eq!(untold(&lab), [("empty".to_owned(), 1), ("jobs".to_owned(), 0)]);
    let word = told(&lab, "empty", 3, 1);
    lab.apply(word).unwrap();
    lab.expect("rule empty at 3 and 1; forget notice 1");
    let word = told(&lab, "jobs", 3, 0);
    lab.apply(word).unwrap();
    let word = told(&lab, "jobs", 2, 0);
    lab.apply(word).unwrap();
    assert_eq!(untold(&lab), []);
    assert_eq!(lab.s.rule("jobs").unwrap().seq, 3, "it never goes back");
    lab.decided.clear();
    lab.sleep(20_000);
    lab.expect("notice 2 worker-offline");
    assert_eq!(untold(&lab), [("empty".to_owned(), 1)]);
    let late = told(&lab, "empty", 1, 1);
    lab.apply(event::RuleRemoved { name: "empty".to_owned() }).unwrap();
    lab.expect("no rule empty; forget notice 2");
    assert!(matches!(lab.apply(late), Err(Reject::UnknownNotification { .. })));
    assert!(matches!(lab.apply(rule("jobs", &[Kind::Ended])), Err(Reject::NotificationExists { .. })));
}

#[test]
fn a_job_asks_for_a_notification_that_there_is() {
    let mut lab = Lab::new(&[2]);
    let asks = || with(plain(), |terms| terms.notify = vec!["phone".to_owned()]);
    let unknown = Reject::UnknownNotification { name: "phone".to_owned(), known: Vec::new() };
    assert_eq!(lab.submit(vec![plain(), asks()]), Err(unknown.of_job(1)));
    lab.apply(rule("phone", &[])).unwrap();
    lab.submit(vec![asks()]).unwrap();
    lab.run(2, 1, 1);
    assert_eq!(untold(&lab), [("phone".to_owned(), 0)]);
    // One that is gone is no reason against another try.
    lab.apply(event::RuleRemoved { name: "phone".to_owned() }).unwrap();
    lab.apply(event::JobsRetried { jobs: vec![Again { of: JobId(1), job: asks() }] }).unwrap();
    assert!(lab.s.saved().jobs[0].terms.notify.is_empty());
    lab.decided.clear();
}

#[test]
fn whoever_is_never_told_has_only_so_much_wait() {
    let mut lab = Lab::new(&[]);
    lab.apply(rule("dead", &[Kind::QueueEmpty])).unwrap();
    for job in 1..=NOTICES_MAX as u64 + 5 {
        lab.submit(vec![plain()]).unwrap();
        lab.apply(event::CancelRequested { job: JobId(job) }).unwrap();
    }
    assert_eq!(untold(&lab), [("dead".to_owned(), NOTICES_MAX)]);
    lab.decided.clear();
}

#[test]
fn a_change_keeps_how_far_was_told() {
    let mut lab = Lab::new(&[]);
    lab.apply(rule("phone", &[Kind::Failed])).unwrap();
    let was = lab.s.rule("phone").unwrap();
    // It is told more while an operator changes it.
    let word = told(&lab, "phone", 5, 2);
    lab.apply(word).unwrap();
    let new = RuleRecord { to: "ntfy:other".to_owned(), on: [Kind::Ended].into(), ..was.clone() };
    lab.apply(event::RuleChanged { was: was.clone(), new }).unwrap();
    let now = lab.s.rule("phone").unwrap();
    assert_eq!((now.to.as_str(), now.seq, now.notice), ("ntfy:other", 5, 2));
    let late = event::RuleChanged { was: was.clone(), new: was };
    assert!(matches!(lab.apply(late), Err(Reject::NotificationChanged { .. })));
    lab.decided.clear();
}

#[test]
fn what_was_asked_for_otherwise_was_not_told() {
    let mut lab = Lab::new(&[]);
    lab.apply(rule("phone", &[Kind::Failed])).unwrap();
    // The messenger has read it, and waits for its target.
    let was = lab.s.rule("phone").unwrap();
    let late = event::Told(RuleRecord { seq: 5, notice: 2, ..was.clone() });
    for new in [
        RuleRecord { to: "ntfy:other".to_owned(), ..was.clone() },
        RuleRecord { on: [Kind::Ended].into(), ..was.clone() },
        RuleRecord { group: Some("gpu".to_owned()), ..was.clone() },
    ] {
        lab.apply(event::RuleChanged { was: was.clone(), new: new.clone() }).unwrap();
        assert!(matches!(lab.apply(late.clone()), Err(Reject::NotificationChanged { .. })), "{new:?}");
        lab.apply(event::RuleRemoved { name: "phone".to_owned() }).unwrap();
        lab.apply(event::RuleAdded(new.clone())).unwrap();
        assert!(lab.apply(late.clone()).is_err(), "{new:?} is another one of the same name");
        lab.apply(event::RuleChanged { was: new, new: was.clone() }).unwrap();
    }
    assert_eq!(lab.s.rule("phone").unwrap().seq, 0);
    lab.decided.clear();
}
