//! Many jobs at once, moved and changed jobs, and those that expire.

use std::sync::Arc;

use c2_shared::id::JobId;
use c2_shared::job::{JobState, Outcome, Standing};
use c2_shared::selection::{Common, Selection};

use super::lab::{Lab, after, attempt, id, job, named, placed, plain, with};
use crate::sched::event::{self, NewJob};
use crate::sched::{Change, JobsChanged, JobsMoved, QueueEnd, Reject, ToEach, Which};

fn jobs(ids: &[u64]) -> Which {
    Which { jobs: ids.iter().copied().map(JobId).collect(), all: None }
}

impl Lab {
    fn to(&mut self, to: QueueEnd, ids: &[u64]) -> Vec<(JobId, Result<JobState, Reject>)> {
        self.apply(JobsMoved { which: jobs(ids), to }).unwrap()
    }

    /// Changes a job to what this is, as if all of it were said.
    fn change(&mut self, id: u64, new: NewJob, fixed: Option<&'static str>) -> Result<JobState, Reject> {
        let was = self.s.payload(JobId(id)).unwrap_or_else(|_| Arc::from(""));
        let depends = !new.depends.is_empty();
        let change = Change { job: JobId(id), was, new, depends, limit_s: None, fixed };
        self.apply(JobsChanged { changes: vec![change] }).unwrap().swap_remove(0).1
    }

    /// The order in which one slot would run what waits.
    fn order(&mut self) -> Vec<u64> {
        let given: Vec<u64> = self.poll(2).assign.iter().map(|handout| handout.attempt.job.0).collect();
        self.decided.clear();
        given
    }
}

#[test]
fn one_that_is_refused_does_not_keep_the_others() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain(); 5]).unwrap();
    lab.run(2, 1, 0);
    lab.decided.clear();
    let all = Selection { first: JobId(1), last: JobId(4), ..Selection::all(Common::State(Standing::Running)) };
    let which = Which { jobs: vec![JobId(9), JobId(1), JobId(2)], all: Some(all) };
    let answer = lab.apply(ToEach::<event::CancelRequested>::from(which)).unwrap();
    let running = Ok(JobState::Running);
    let expected = [
        (JobId(9), Err(Reject::UnknownJob { job: JobId(9) })),
        (JobId(1), Err(Reject::AlreadyEnded { job: JobId(1), state: JobState::Succeeded })),
        (JobId(2), running.clone()),
        (JobId(3), running.clone()),
        (JobId(4), running),
    ];
    assert_eq!(answer, expected, "each once");
    lab.expect("cancel 2; cancel 3; cancel 4");
}

#[test]
fn what_is_selected_stands_so_or_asked_for_it() {
    let mut lab = Lab::new(&[2]);
    lab.apply(event::GroupsChanged { worker: id(2), add: ["gpu".to_owned()].into(), remove: [].into() }).unwrap();
    let grouped = placed(|placement| placement.group = Some("gpu".to_owned()));
    lab.submit(vec![plain(), job(|terms| terms.hold = true), grouped]).unwrap();
    lab.submit(vec![after(&["job-2"])]).unwrap();
    let of = |lab: &Lab, text: &str| -> Vec<u64> {
        lab.s.selected(lab.now, &text.parse().unwrap()).into_iter().map(|id| id.0).collect()
    };
    for (text, expected) in [
        ("@held", &[2][..]),
        ("@queued", &[1, 3]),
        ("@blocked", &[4]),
        ("@gpu", &[3]),
        ("2-9@queued", &[3]),
        ("@x", &[]),
    ] {
        assert_eq!(of(&lab, text), expected, "{text}");
    }
    lab.decided.clear();
}

#[test]
fn top_and_bottom_keep_their_order_and_their_priority() {
    let mut lab = Lab::new(&[2]);
    let urgent = || job(|terms| terms.priority = 5);
    lab.submit(vec![plain(), plain(), plain(), urgent(), urgent()]).unwrap();
    lab.decided.clear();
    lab.to(QueueEnd::Top, &[3, 2]);
    lab.expect("place 2 -1; place 3 0");
    lab.to(QueueEnd::Bottom, &[4]);
    lab.expect("place 4 6");
    lab.restart();
    assert_eq!(lab.order(), [5, 4, 2, 3]);
    for number in [5, 4, 2, 3] {
        lab.finish(2, attempt(number, 1), Outcome::Exit { code: 0 });
    }
    lab.poll(2);
    lab.decided.clear();
    // A job that comes later stands behind those that were moved to the end before.
    lab.submit(vec![plain(), plain()]).unwrap();
    lab.expect("add 6 queued; add 7 queued");
    let answer = lab.to(QueueEnd::Bottom, &[1, 6]);
    assert_eq!(answer[0].1, Err(Reject::WrongState { job: JobId(1), state: JobState::Running }));
    lab.submit(vec![plain()]).unwrap();
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
    assert_eq!(lab.order(), [7, 6, 8]);
}

#[test]
fn a_waiting_job_becomes_another_one() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain(), job(|terms| terms.hold = true), plain()]).unwrap();
    lab.decided.clear();
    let new = NewJob { payload: "new".into(), name: Some("n".into()), ..job(|terms| terms.priority = 7) };
    assert_eq!(lab.change(3, new.clone(), None), Ok(JobState::Queued));
    assert_eq!(lab.change(2, new.clone(), Some("command")), Ok(JobState::Held), "it stays held");
    lab.expect("change 3 queued; change 2 held");
    assert_eq!(lab.order()[..2], [3, 1]);
    assert_eq!(lab.s.payload(JobId(3)).as_deref(), Ok("new"));
    let started = Reject::Started { job: JobId(1), field: "command" };
    assert_eq!(lab.change(1, new.clone(), Some("command")), Err(started));
    assert_eq!(lab.change(9, new.clone(), None), Err(Reject::UnknownJob { job: JobId(9) }));
    let stale = Change { job: JobId(2), was: "other".into(), new, depends: false, limit_s: None, fixed: None };
    let answer = lab.apply(JobsChanged { changes: vec![stale] }).unwrap();
    assert_eq!(answer, [(JobId(2), Err(Reject::Changed { job: JobId(2) }))]);
}

#[test]
fn dependencies_change_and_never_into_a_circle() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![named("a", &[]), named("b", &["a"]), named("c", &["b"]), plain()]).unwrap();
    lab.decided.clear();
    let circle = Err(Reject::Cycle { path: vec!["job-1".into(), "job-3".into(), "job-2".into(), "job-1".into()] });
    assert_eq!(lab.change(1, after(&["job-3"]), None), circle);
    assert_eq!(lab.change(4, after(&["job-4"]), None), Err(Reject::Cycle { path: vec!["job-4".into(); 2] }));
    assert_eq!(lab.change(3, after(&["job-4"]), None), Ok(JobState::Blocked));
    assert_eq!(lab.change(2, plain(), None), Ok(JobState::Blocked), "what is not said stays");
    lab.expect("change 3 blocked; change 2 blocked");
    lab.run(2, 1, 1);
    assert_eq!((lab.state(2), lab.state(3)), (JobState::Failed, JobState::Blocked));
    let never = Err(Reject::NeverRuns { job: JobId(3), on: JobId(1), state: JobState::Failed });
    assert_eq!(lab.change(3, after(&["job-1"]), None), never);
    assert_eq!(lab.change(3, after(&["any:job-1"]), None), Ok(JobState::Queued));
    lab.decided.clear();
}

#[test]
fn one_machine_is_wanted_of_dependencies_that_stay_as_well() {
    let mut lab = Lab::new(&[2, 3]);
    let on = |name: &str| placed(|placement| placement.workers = vec![name.to_owned()]);
    lab.submit(vec![on("host2"), on("host3")]).unwrap();
    lab.run(2, 1, 0);
    lab.run(3, 2, 0);
    let both = after(&["job-1", "job-2"]);
    lab.submit(vec![with(both, |terms| terms.hold = true)]).unwrap();
    lab.decided.clear();
    let refused = lab.change(3, job(|terms| terms.same_machine = true), None);
    assert!(matches!(refused, Err(Reject::SameMachineConflict { .. })), "{refused:?}");
    assert_eq!(lab.change(3, plain(), None), Ok(JobState::Held));
    lab.decided.clear();
}

#[test]
fn retries_that_were_used_stay_used() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![job(|terms| (terms.retries, terms.retry_delay_s) = (1, Some(0)))]).unwrap();
    lab.run(2, 1, 1);
    lab.run(2, 1, 1);
    assert_eq!(lab.state(1), JobState::Failed);
    lab.submit(vec![job(|terms| (terms.retries, terms.retry_delay_s) = (1, Some(0)))]).unwrap();
    lab.run(2, 2, 1);
    let more = with(plain(), |terms| (terms.retries, terms.retry_delay_s) = (2, Some(0)));
    assert_eq!(lab.change(2, more, None), Ok(JobState::Running));
    lab.run(2, 2, 1);
    lab.run(2, 2, 1);
    assert_eq!(lab.state(2), JobState::Failed);
    lab.decided.clear();
}

#[test]
fn a_new_time_limit_is_said_in_each_answer_while_the_job_runs() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    let token = lab.park(2);
    let was = lab.s.payload(JobId(1)).unwrap();
    let change = |was| Change { job: JobId(1), was, new: plain(), depends: false, limit_s: Some(90), fixed: None };
    lab.apply(JobsChanged { changes: vec![change(was)] }).unwrap();
    let limits = vec![(attempt(1, 1), 90)];
    assert_eq!(lab.collect(2, token).unwrap().limits, limits, "at once");
    assert_eq!(lab.poll(2).limits, limits, "and again, as that answer may be lost");
    lab.restart();
    assert_eq!(lab.poll(2).limits, limits);
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
    assert_eq!(lab.poll(2).limits, []);
    lab.decided.clear();
}

#[test]
fn a_job_that_has_not_started_in_time_expires() {
    let mut lab = Lab::new(&[2]);
    let expiring = || job(|terms| terms.expires_s = Some(10));
    let now_ms = lab.now.wall_ms;
    lab.submit(vec![
        expiring(),
        with(expiring(), |terms| terms.hold = true),
        with(expiring(), |terms| terms.begin_at = Some(now_ms + 5_000)),
        plain(),
        expiring(),
    ])
    .unwrap();
    let attempts: Vec<_> = lab.poll(2).assign.iter().map(|handout| handout.attempt).collect();
    assert_eq!(attempts, [attempt(1, 1), attempt(4, 1), attempt(5, 1)]);
    // What was given back was never started.
    lab.give_back(2, attempt(5, 1), event::FaultOf::C2d);
    lab.park(2);
    lab.decided.clear();
    lab.sleep(9_999);
    lab.decided.clear();
    lab.restart();
    lab.sleep(1);
    lab.apply(event::TimePassed).unwrap();
    let ended = [2, 5].map(|job| (lab.state(job), lab.outcome(job)));
    assert!(ended.iter().all(|end| *end == (JobState::Failed, Some(Outcome::Expired))), "{ended:?}");
    assert_eq!((lab.state(1), lab.state(3), lab.state(4)), (JobState::Running, JobState::Queued, JobState::Running));
    lab.decided.clear();
    lab.sleep(5_000);
    assert_eq!(lab.outcome(3), Some(Outcome::Expired), "from its begin");
    lab.decided.clear();
}

#[test]
fn a_job_runs_only_where_it_is_wanted() {
    let mut lab = Lab::new(&[2, 3]);
    let on = |names: &[&str]| placed(|placement| placement.workers = names.iter().map(|name| (*name).into()).collect());
    lab.submit(vec![on(&["host3"]), on(&["127.0.0.3", "nobody"]), on(&["nobody"])]).unwrap();
    assert!(lab.poll(2).assign.is_empty());
    let given: Vec<u64> = lab.poll(3).assign.iter().map(|handout| handout.attempt.job.0).collect();
    assert_eq!(given, [1, 2]);
    let placement = &lab.s.jobs.get(JobId(2)).unwrap().terms.placement;
    assert_eq!(placement.workers, ["id3", "nobody"], "those that are known by their ids");
    lab.decided.clear();
}
