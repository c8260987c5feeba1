//! What is said of jobs that do not run, against what the scheduler does.

use c2_shared::api::why::{Obstacle, Reason};
use c2_shared::id::JobId;
use c2_shared::job::{Condition, JobState};
use c2_shared::worker::Neighbour;

use super::lab::{Lab, after, attempt, id, ip, placed, plain, with};
use crate::sched::event::{self, NewJob};
use crate::sched::{Among, Outlook};

fn reasons(lab: &Lab, id: u64) -> Vec<Reason> {
    lab.s.explain(lab.now, JobId(id)).unwrap().reasons
}

/// What keeps a job from each worker.
fn obstacles(lab: &Lab, id: u64) -> Vec<Vec<Obstacle>> {
    let explained = lab.s.explain(lab.now, JobId(id)).unwrap();
    explained.workers.into_iter().map(|worker| worker.obstacles).collect()
}

fn tagged(tags: &[&str]) -> NewJob {
    placed(|p| p.tags = tags.iter().map(|&tag| tag.to_owned()).collect())
}

#[test]
fn what_keeps_a_job_from_all_workers() {
    let mut lab = Lab::new(&[]);
    lab.submit(vec![plain(), plain()]).unwrap();
    assert_eq!(reasons(&lab, 1), [Reason::NoWorkers]);
    assert_eq!(reasons(&lab, 2), [Reason::Ahead { jobs: 1 }, Reason::NoWorkers]);
    lab.register(2);
    let at_ms = lab.now.wall_ms + 10_000;
    let late = with(after(&["job-1", "notok:job-2"]), |terms| (terms.begin_at, terms.hold) = (Some(at_ms), true));
    lab.submit(vec![late]).unwrap();
    lab.apply(event::PauseSet { paused: true }).unwrap();
    let on = |job, condition| Reason::Dependency { job_id: JobId(job), condition, state: JobState::Queued };
    let all = [Reason::BeginAt { at_ms }, on(1, Condition::Ok), on(2, Condition::NotOk)];
    assert_eq!(reasons(&lab, 3), [[Reason::Held, Reason::Paused].to_vec(), all.to_vec()].concat());
    lab.apply(event::ReleaseRequested { job: JobId(3) }).unwrap();
    lab.apply(event::PauseSet { paused: false }).unwrap();
    assert_eq!(reasons(&lab, 3), all);
    lab.run(2, 1, 0);
    let running = Reason::Dependency { job_id: JobId(2), condition: Condition::NotOk, state: JobState::Running };
    assert_eq!(reasons(&lab, 3), [Reason::BeginAt { at_ms }, running.clone()], "what is fulfilled is no reason");
    lab.sleep(10_000);
    assert_eq!(reasons(&lab, 3), [running]);
    assert_eq!(reasons(&lab, 2), []);
    assert_eq!(obstacles(&lab, 2), Vec::<Vec<Obstacle>>::new(), "it runs");
    assert_eq!(lab.s.explain(lab.now, JobId(1)), None, "it has ended");
    lab.expect(
        "add 1 queued; add 2 queued; worker 2; add 3 held; pause; set 3 blocked; unpause; assign 1.1 to 2; \
         assign 2.1 to 2; answer 2 +1.1 +2.1; end 1: exit 0; fulfil 3 on 1; free 1.1 on 2; answer 2 ack:1.1",
    );
}

#[test]
fn what_keeps_a_job_from_each_worker() {
    let mut lab = Lab::new(&[2, 3]);
    let set = |lab: &mut Lab, last, tags: &[&str]| {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        lab.apply(event::TagsSet { worker: id(last), tags }).unwrap();
    };
    set(&mut lab, 2, &["gpu:0", "gpu:1", "disk"]);
    lab.apply(event::GroupsChanged { worker: id(2), add: ["big".to_owned()].into(), remove: [].into() }).unwrap();
    lab.submit(vec![tagged(&["gpu"]), tagged(&["gpu"]), tagged(&["disk", "gpu"]), tagged(&["gpu:1"])]).unwrap();
    let no_tag = |tag: &str| Obstacle::NoTag { tag: tag.into() };
    let held = |tag: &str, jobs: &[u64]| {
        let holders = jobs.iter().map(|job| attempt(*job, 1)).collect();
        Obstacle::TagHeld { tag: tag.into(), holders }
    };
    assert_eq!(obstacles(&lab, 3), [vec![], vec![no_tag("disk"), no_tag("gpu")]]);
    assert_eq!(lab.poll(2).assign.len(), 2);
    assert_eq!(obstacles(&lab, 3), [vec![held("gpu", &[1, 2])], vec![no_tag("disk"), no_tag("gpu")]]);
    assert_eq!(obstacles(&lab, 4), [vec![held("gpu:1", &[2])], vec![no_tag("gpu:1")]]);

    let grouped = placed(|p| p.group = Some("big".into()));
    let excluded = placed(|p| p.exclude = vec!["host2".into(), "127.0.0.3".into()]);
    lab.submit(vec![grouped, excluded, plain(), plain(), plain()]).unwrap();
    assert_eq!(obstacles(&lab, 5), [vec![], vec![Obstacle::NotInGroup { group: "big".into() }]]);
    assert_eq!(obstacles(&lab, 6), [vec![Obstacle::Excluded], vec![Obstacle::Excluded]]);
    assert_eq!(lab.poll(2).assign.len(), 2, "job-5 and job-7");
    lab.apply(event::DrainSet { worker: id(3), drain: true }).unwrap();
    assert_eq!(obstacles(&lab, 8), [vec![Obstacle::SlotsFull { slots: 4 }], vec![Obstacle::Draining]]);
    assert_eq!((reasons(&lab, 8), reasons(&lab, 9)), (vec![], vec![Reason::Ahead { jobs: 1 }]));

    lab.sleep(20_000);
    let silent_ms = Some(20_000);
    assert_eq!(obstacles(&lab, 8)[1], [Obstacle::Offline { silent_ms }, Obstacle::Draining]);
    lab.restart();
    assert_eq!(obstacles(&lab, 8)[1], [Obstacle::Offline { silent_ms: None }, Obstacle::Draining]);
    lab.expect(
        "worker 2; worker 2; add 1 queued; add 2 queued; add 3 queued; add 4 queued; assign 1.1 to 2 gpu:0; \
         assign 2.1 to 2 gpu:1; answer 2 +1.1 +2.1; add 5 queued; add 6 queued; add 7 queued; add 8 queued; \
         add 9 queued; assign 5.1 to 2; assign 7.1 to 2; answer 2 +5.1 +7.1; worker 3",
    );
}

#[test]
fn a_job_runs_only_where_its_shared_folders_are_now() {
    let mut lab = Lab::new(&[2, 3]);
    let wants = |shares: &[&str]| placed(|p| p.shares = shares.iter().map(|&share| share.to_owned()).collect());
    lab.submit(vec![wants(&["data", "nas"])]).unwrap();
    let lacks = |share: &str| Obstacle::NoShare { share: share.to_owned() };
    lab.agents.get_mut(&2).unwrap().shares = vec!["data".to_owned()];
    assert!(lab.poll(2).assign.is_empty() && lab.poll(3).assign.is_empty());
    assert_eq!(obstacles(&lab, 1), [vec![lacks("nas")], vec![lacks("data"), lacks("nas")]]);
    let missing = Outlook::NoShare { share: "nas".to_owned(), among: Among::default() };
    assert_eq!(lab.s.foresee(lab.now, &[wants(&["data", "nas"])]).outlooks, [(0, missing)]);
    lab.agents.get_mut(&3).unwrap().shares = vec!["data".to_owned(), "nas".to_owned()];
    assert_eq!(lab.poll(3).assign.len(), 1);
    // What went away meanwhile is not offered any more.
    lab.agents.get_mut(&3).unwrap().shares.clear();
    lab.submit(vec![wants(&["nas"]), wants(&["data"])]).unwrap();
    assert!(lab.poll(3).assign.is_empty());
    assert_eq!(lab.poll(2).assign.len(), 1, "job-3");
    lab.decided.clear();
}

#[test]
fn a_worker_that_yields_gets_nothing_and_what_it_has_is_frozen() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    let to = vec![Neighbour::User, Neighbour::Gpu];
    lab.agents.get_mut(&2).unwrap().yields_to = to.clone();
    lab.submit(vec![plain(), placed(|p| p.workers = vec![id(2).to_string()])]).unwrap();
    assert_eq!(lab.poll(2).assign, []);
    let frozen = |lab: &Lab| lab.s.job(lab.now, JobId(1)).unwrap().frozen;
    assert!(frozen(&lab));
    assert_eq!(obstacles(&lab, 2), [vec![Obstacle::Yields { to: to.clone() }], vec![]]);
    let named = Obstacle::NotNamed { workers: vec!["127.0.0.2".into()] };
    assert_eq!(obstacles(&lab, 3), [vec![Obstacle::Yields { to }], vec![named]]);
    assert_eq!(lab.poll(3).assign.len(), 1, "the next one in line");
    // A poll that waits says so as well: what comes meanwhile is nothing for it.
    let parked = lab.park(2);
    lab.submit(vec![plain()]).unwrap();
    assert_eq!(lab.collect(2, parked), None);
    lab.agents.get_mut(&2).unwrap().yields_to.clear();
    assert_eq!(lab.poll(2).assign.len(), 2, "it was held up and not forgotten");
    assert!(!frozen(&lab));
    lab.decided.clear();
}

#[test]
fn a_job_that_belongs_to_another_machine_says_so() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain()]).unwrap();
    lab.submit(vec![with(after(&["job-1"]), |terms| terms.same_machine = true)]).unwrap();
    assert_eq!(obstacles(&lab, 2), [vec![], vec![]], "nobody knows yet where job-1 will run");
    lab.poll(3);
    lab.finish(3, attempt(1, 1), c2_shared::job::Outcome::Exit { code: 0 });
    let result = lab.agents[&3].unsent[0].clone();
    lab.apply(event::ResultArrived { worker: id(3), from: Some(ip(3)), result }).unwrap();
    assert_eq!(
        obstacles(&lab, 2),
        [vec![Obstacle::OtherMachine { worker: "127.0.0.3".into(), worker_id: Some(id(3)) }], vec![]]
    );
    lab.expect(
        "add 1 queued; add 2 blocked; assign 1.1 to 3; answer 3 +1.1; end 1: exit 0; fulfil 2 on 1; \
         pin 2 to 3; set 2 queued; free 1.1 on 3",
    );
}
