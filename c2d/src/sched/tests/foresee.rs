//! What is known of jobs before they are submitted.

use c2_shared::id::JobId;
use c2_shared::job::{JobState, Outcome};

use super::lab::{Lab, after, attempt, id, named, placed, plain};
use crate::sched::event::{self, Introduction, NewJob};
use crate::sched::{Among, Outlook, Reject};

fn tagged(tags: &[&str], group: Option<&str>) -> NewJob {
    placed(|p| {
        p.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        p.group = group.map(str::to_owned);
    })
}

fn lab() -> Lab {
    let mut lab = Lab::new(&[2, 3]);
    lab.apply(event::TagsSet { worker: id(2), tags: ["gpu:0".to_owned(), "disk".to_owned()].into() }).unwrap();
    lab.apply(event::TagsSet { worker: id(3), tags: ["lic".to_owned()].into() }).unwrap();
    let add = ["gpu".to_owned()].into();
    lab.apply(event::GroupsChanged { worker: id(2), add, remove: [].into() }).unwrap();
    lab
}

#[test]
fn everything_that_is_wrong_is_told_with_its_job() {
    let mut lab = lab();
    lab.submit(vec![plain()]).unwrap();
    let jobs = [
        tagged(&[], Some("gpux")),
        plain(),
        tagged(&[], Some("gpuy")),
        after(&["nope"]),
        after(&["job-9"]),
        after(&["job-1"]),
    ];
    let unknown = |group: &str| Reject::UnknownGroup { group: group.to_owned(), known: vec!["gpu".to_owned()] };
    let expected = [
        unknown("gpux").of_job(0),
        unknown("gpuy").of_job(2),
        Reject::UnknownName { name: "nope".to_owned() }.of_job(3),
        Reject::UnknownJob { job: JobId(9) }.of_job(4),
    ];
    let before = lab.s.saved();
    assert_eq!(lab.s.foresee(lab.now, &jobs).refusals, expected);
    assert_eq!(lab.s.saved(), before, "looking changes nothing");
    assert_eq!(lab.submit(jobs.to_vec()), Err(expected[0].clone()), "a submit is refused for the first of them");
    let ring = [named("a", &["b"]), named("b", &["a"])];
    let path = ["a", "b", "a"].map(str::to_owned).to_vec();
    assert_eq!(lab.s.foresee(lab.now, &ring).refusals, [Reject::Cycle { path }.of_job(0)]);
    lab.decided.clear();
}

#[test]
fn what_would_wait_or_never_run_is_known() {
    let mut lab = lab();
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.poll(3);
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 1 });
    lab.poll(2);
    let gpu = || Some("gpu".to_owned());
    let no_tag =
        |tag: &str, group| Some(Outlook::NoTag { tag: tag.to_owned(), among: Among { group, is_narrowed: false } });
    let excluding =
        |names: &[&str]| placed(|placement| placement.exclude = names.iter().map(|&name| name.to_owned()).collect());
    let unmet = Outlook::Unmet { on: JobId(1), state: JobState::Failed };
    let table = [
        (plain(), None),
        (tagged(&["gpu", "disk"], None), None),
        (tagged(&["gpu:1"], None), no_tag("gpu:1", None)),
        (tagged(&["disk", "tpu"], None), no_tag("tpu", None)),
        (tagged(&["lic"], Some("gpu")), no_tag("lic", gpu())),
        (tagged(&["disk", "lic"], None), Some(Outlook::NoTags { among: Among::default() })),
        (tagged(&["gpu", "gpu:0"], None), Some(Outlook::NoTags { among: Among::default() })),
        (excluding(&["host2"]), None),
        (excluding(&["host2", "127.0.0.3"]), Some(Outlook::Excluded)),
        (excluding(&["host9"]), Some(Outlook::ExcludesNone("host9".to_owned()))),
        (placed(|p| p.workers = vec!["host2".into(), "host9".into()]), None),
        (placed(|p| p.workers = vec!["host9".into()]), Some(Outlook::NotNamed("host9".to_owned()))),
        (after(&["job-1"]), Some(unmet)),
        (after(&["notok:job-1"]), None),
        (after(&["any:job-1"]), None),
    ];
    for (job, expected) in &table {
        let seen = lab.s.foresee(lab.now, std::slice::from_ref(job)).outlooks;
        assert_eq!(seen, expected.iter().cloned().map(|outlook| (0, outlook)).collect::<Vec<_>>(), "{job:?}");
    }
    lab.apply(event::DrainSet { worker: id(2), drain: true }).unwrap();
    let outlook = |lab: &Lab, job: NewJob| lab.s.foresee(lab.now, &[job]).outlooks.pop().map(|(_, outlook)| outlook);
    assert_eq!(outlook(&lab, tagged(&[], Some("gpu"))), Some(Outlook::Draining { group: gpu() }));
    lab.sleep(20_000);
    lab.poll(3);
    assert_eq!(outlook(&lab, tagged(&["disk"], None)), Some(Outlook::Offline { among: Among::default() }));
    let none = "no worker that it could run on is online, so it waits";
    for only in [placed(|p| p.workers = vec!["host2".into()]), excluding(&["host3"])] {
        assert_eq!(outlook(&lab, only).map(|outlook| outlook.to_string()).as_deref(), Some(none));
    }
    assert_eq!(outlook(&lab, plain()), None);
    lab.decided.clear();
    assert_eq!(outlook(&Lab::new(&[]), plain()), Some(Outlook::NoWorkers));
}

#[test]
fn the_beginning_of_an_id_names_its_worker() {
    let mut lab = lab();
    lab.apply(event::WorkerRegistered(Introduction { id: "c0ffee99".into(), ..Lab::introduction(9) })).unwrap();
    let outlook = |workers: &[&str], exclude: &[&str]| {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let job = placed(|p| (p.workers, p.exclude) = (words(workers), words(exclude)));
        lab.s.foresee(lab.now, &[job]).outlooks.pop().map(|(_, outlook)| outlook)
    };
    assert_eq!(outlook(&["c0ff"], &[]), None);
    assert_eq!(outlook(&["c0ff"], &["c0ffee99"]), Some(Outlook::Excluded));
    assert_eq!(outlook(&["host9"], &["c0ff"]), Some(Outlook::Excluded));
    lab.decided.clear();
}

#[test]
fn a_submit_is_answered_with_what_it_waits_for() {
    let mut lab = Lab::new(&[]);
    let submit = |lab: &mut Lab| {
        let jobs = vec![plain(), tagged(&["disk"], None)];
        lab.apply(event::JobsSubmitted { jobs, key: None, max_running: None }).unwrap().outlooks
    };
    assert_eq!(submit(&mut lab), [(0, Outlook::NoWorkers), (1, Outlook::NoWorkers)]);
    lab.register(2);
    lab.poll(2);
    let no_disk = Outlook::NoTag { tag: "disk".to_owned(), among: Among::default() };
    assert_eq!(submit(&mut lab), [(1, no_disk)]);
    lab.apply(event::PauseSet { paused: true }).unwrap();
    assert_eq!(submit(&mut lab), [(0, Outlook::Paused), (1, Outlook::Paused)]);
    lab.decided.clear();
}

#[test]
fn what_will_not_run_is_in_no_forecast() {
    let mut lab = lab();
    let waits = |lab: &Lab| lab.s.ahead(lab.now).0.waiting.values().sum::<usize>();
    lab.submit(vec![plain(), tagged(&["disk"], None), tagged(&[], Some("gpu"))]).unwrap();
    assert_eq!(waits(&lab), 3);
    lab.submit(vec![tagged(&["fpga"], None), tagged(&["lic"], Some("gpu"))]).unwrap();
    assert_eq!(waits(&lab), 3, "no worker has what these ask for");
    let remove = ["gpu".to_owned()].into();
    lab.apply(event::GroupsChanged { worker: id(2), add: [].into(), remove }).unwrap();
    assert_eq!(waits(&lab), 2, "nor is any in the group");
    let cannot = |lab: &Lab| lab.s.queue(lab.now).cannot_run;
    assert_eq!(cannot(&lab), 3, "they are counted by themselves");
    lab.apply(event::PauseSet { paused: true }).unwrap();
    assert_eq!(cannot(&lab), 0, "a paused queue says that");
    lab.decided.clear();
}
