//! Who is who: moves, strangers at a known address, machines started anew, copies of a state folder.

use std::sync::Arc;

use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::{ADDRESS_SETTLES_MS, CLONE_PROOF_MS, LEASE_MS, REBOOT_SILENCE_MS, WORKER_OFFLINE_MS};
use c2_shared::worker::WorkerStatus;

use super::lab::{Lab, attempt, id, ip, job, placed, plain, session};
use crate::sched::event::{self, Introduction, Place, PollToken};
use crate::sched::{Note, Reject};

/// The worker's own agent, started once more with what it still runs.
fn introduce(lab: &mut Lab, intro: Introduction) -> Result<Option<u64>, Reject> {
    lab.apply(event::WorkerRegistered(intro))
}

fn with_place(change: impl FnOnce(&mut Place)) -> Introduction {
    let mut intro = Introduction { session: session(1), ..Lab::introduction(2) };
    change(&mut intro.place);
    intro
}

fn noted(lab: &mut Lab, wanted: impl Fn(&Note) -> bool) -> usize {
    lab.s.touched.notes.iter().filter(|note| wanted(note)).count()
}

/// A worker with a job of this kind that it confirmed, in a group, with a tag that the job holds.
fn at_work(on_lost: OnLost) -> Lab {
    let mut lab = Lab::new(&[2]);
    lab.apply(event::TagsSet { worker: id(2), tags: ["gpu:0".to_owned()].into() }).unwrap();
    lab.apply(event::GroupsChanged { worker: id(2), add: ["lab".to_owned()].into(), remove: [].into() }).unwrap();
    let mut new = placed(|placement| placement.tags = vec!["gpu:0".to_owned()]);
    Arc::make_mut(&mut new.terms).on_lost = on_lost;
    lab.submit(vec![new]).unwrap();
    lab.poll(2);
    lab.poll(2);
    lab.decided.clear();
    lab
}

#[test]
fn a_move_takes_all_along_and_is_written_down_when_it_lasts() {
    let mut lab = at_work(OnLost::Requeue);
    lab.agents.get_mut(&2).unwrap().at = Some(32);
    lab.poll(2);
    let view = lab.s.worker(lab.now, &id(2)).unwrap();
    assert_eq!((view.ip, view.slots_used, view.groups.len()), (ip(32), 1, 1), "it is shown at once");
    lab.expect("answer 2");
    for _ in 0..2 {
        lab.sleep(ADDRESS_SETTLES_MS / 2 - 1);
        lab.poll(2);
    }
    lab.expect("answer 2; answer 2");
    lab.sleep(2);
    lab.expect("worker 2");
    assert_eq!(noted(&mut lab, |note| matches!(note, Note::Moved { from, .. } if *from == ip(2))), 1);
    assert_eq!(lab.s.saved().workers[0].intro.ip, ip(32));
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
    lab.poll(2);
    lab.expect("end 1: exit 0; free 1.1 on 2; answer 2 ack:1.1");
}

#[test]
fn an_address_that_flaps_writes_nothing() {
    let mut lab = Lab::new(&[2]);
    for at in [32, 2, 32, 2, 32, 2] {
        lab.agents.get_mut(&2).unwrap().at = Some(at);
        lab.poll(2);
        lab.sleep(4_000);
    }
    lab.decided.retain(|decision| !matches!(decision, crate::sched::Decision::Answer { .. }));
    lab.expect("");
    assert_eq!(noted(&mut lab, |note| matches!(note, Note::Moved { .. })), 0);
}

#[test]
fn a_move_touches_no_lease() {
    let mut lab = at_work(OnLost::Requeue);
    lab.sleep(LEASE_MS - 1);
    lab.agents.get_mut(&2).unwrap().at = Some(32);
    lab.poll(2);
    assert_eq!(lab.state(1), JobState::Running);
    lab.sleep(LEASE_MS - 1);
    lab.decided.clear();
    assert_eq!(lab.state(1), JobState::Running);
    lab.sleep(1);
    lab.expect("requeue 1.1 crash: lost");
}

#[test]
fn a_stranger_at_a_known_address_gets_the_address_and_nothing_else() {
    let mut lab = at_work(OnLost::Wait);
    lab.sleep(WORKER_OFFLINE_MS);
    let stranger = Introduction { ip: ip(2), ..Lab::introduction(9) };
    introduce(&mut lab, stranger).unwrap();
    lab.agents.entry(9).or_default().at = Some(2);
    lab.expect("worker 9; worker 2");
    assert!(lab.poll(9).assign.is_empty());
    let [old, new] = [2, 9].map(|last| lab.s.worker(lab.now, &id(last)).unwrap());
    assert_eq!((new.ip, new.groups.len(), new.offered.len(), new.slots_used), (ip(2), 0, 0, 0));
    assert_eq!((old.status, old.passed_on, old.groups.len(), old.slots_used), (WorkerStatus::Offline, true, 1, 1));
    assert!(old.tags["gpu:0"].is_some());
    assert_eq!(noted(&mut lab, |note| matches!(note, Note::PassedOn { .. })), 1);
    // Whoever is named by the address now is the stranger.
    let sent = lab.submit(vec![placed(|p| p.exclude = vec!["127.0.0.2".into()])]).unwrap();
    assert_eq!(lab.s.jobs.get(sent[0]).unwrap().terms.placement.exclude, ["id9"]);
    lab.decided.clear();
    // The old one is back elsewhere with all that it had.
    lab.agents.get_mut(&2).unwrap().at = Some(3);
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
    lab.poll(2);
    assert_eq!(lab.state(1), JobState::Succeeded);
    lab.sleep(ADDRESS_SETTLES_MS);
    let old = lab.s.worker(lab.now, &id(2)).unwrap();
    assert_eq!((old.ip, old.passed_on), (ip(3), false));
    lab.decided.clear();
}

#[test]
fn a_machine_that_begins_anew_at_once_takes_its_address_along() {
    let mut lab = at_work(OnLost::Requeue);
    introduce(&mut lab, Introduction { ip: ip(2), ..Lab::introduction(9) }).unwrap();
    lab.agents.entry(9).or_default().at = Some(2);
    for _ in 0..3 {
        lab.sleep(WORKER_OFFLINE_MS / 3);
        lab.poll(9);
    }
    let old = lab.s.worker(lab.now, &id(2)).unwrap();
    assert_eq!((old.status, old.passed_on), (WorkerStatus::Offline, true));
    assert_eq!(noted(&mut lab, |note| matches!(note, Note::PassedOn { .. })), 1);
    lab.expect("worker 9; answer 9; answer 9; worker 2; answer 9");
    let removed = lab.apply(event::WorkerRemoved { worker: id(9), lost: true });
    assert_eq!(removed, Err(Reject::WorkerOnline { worker: "127.0.0.2".into(), before: vec![id(2)] }));
    let removed = lab.apply(event::WorkerRemoved { worker: id(2), lost: true });
    assert!(matches!(removed, Err(Reject::WithinLease { worker, .. }) if worker == "id2"), "its address means another");
}

#[test]
fn one_that_falls_silent_beside_another_is_passed_on_when_that_is_back() {
    let mut lab = at_work(OnLost::Requeue);
    introduce(&mut lab, Introduction { ip: ip(2), ..Lab::introduction(9) }).unwrap();
    lab.agents.entry(9).or_default().at = Some(2);
    lab.sleep(WORKER_OFFLINE_MS);
    assert!(!lab.s.worker(lab.now, &id(2)).unwrap().passed_on, "nobody is there");
    lab.poll(9);
    assert!(lab.s.worker(lab.now, &id(2)).unwrap().passed_on);
    lab.expect("worker 9; worker 2; answer 9");
}

#[test]
fn two_at_one_address_both_stand_while_both_are_heard() {
    let mut lab = at_work(OnLost::Requeue);
    introduce(&mut lab, Introduction { ip: ip(2), ..Lab::introduction(9) }).unwrap();
    lab.expect("worker 9");
    assert_eq!(lab.s.workers(lab.now).iter().filter(|worker| worker.ip == ip(2)).count(), 2);
    let ambiguous = lab.submit(vec![placed(|p| p.exclude = vec!["127.0.0.2".into()])]);
    assert!(
        matches!(ambiguous, Err(Reject::BadJob { reason, .. }) if matches!(*reason, Reject::AmbiguousWorker { .. }))
    );
    lab.expect("");
}

#[test]
fn a_run_is_followed_by_later_ones_only() {
    let mut lab = at_work(OnLost::Requeue);
    // Late messages of the first run, over two more of them.
    let (poll, intro) = (lab.poll_of(2, PollToken(900), 0), Lab::introduction(2));
    lab.start_anew(2);
    lab.poll(2);
    lab.start_anew(2);
    lab.poll(2);
    lab.decided.clear();
    lab.sleep(WORKER_OFFLINE_MS - 1);
    let replaced = Reject::SessionReplaced { worker: id(2) };
    assert_eq!(lab.apply(poll), Err(replaced.clone()));
    assert_eq!(introduce(&mut lab, intro), Err(replaced));
    lab.sleep(1);
    let view = lab.s.worker(lab.now, &id(2)).unwrap();
    assert_eq!((view.status, view.slots_used), (WorkerStatus::Offline, 1), "they are no contact either");
    lab.expect("");
}

#[test]
fn runs_of_old_agents_are_told_apart_too() {
    let mut lab = Lab::new(&[]);
    let place = Place { boot_id: "boot1".into(), ..Place::default() };
    let old_form = || Introduction { session: String::new().into(), place: place.clone(), ..Lab::introduction(2) };
    introduce(&mut lab, old_form()).unwrap();
    lab.agents.entry(2).or_default();
    lab.submit(vec![plain()]).unwrap();
    let mut late = Vec::new();
    for (token, nonce) in (1_u64..).zip(["aa", "bb", "cc"]) {
        let mut poll = lab.poll_of(2, PollToken(token), 0);
        poll.poll.session = nonce.to_owned().into();
        lab.agents.get_mut(&2).unwrap().running.insert(attempt(1, 1));
        late.push(poll.clone());
        lab.apply(poll).unwrap();
        introduce(&mut lab, old_form()).unwrap();
    }
    for mut poll in late.drain(..2) {
        poll.poll.seq += 100;
        assert_eq!(lab.apply(poll), Err(Reject::SessionReplaced { worker: id(2) }));
    }
    let rebooted = Introduction { place: Place { boot_id: "boot2".into(), ..Place::default() }, ..old_form() };
    assert!(matches!(introduce(&mut lab, rebooted.clone()), Err(Reject::MayBeAtWork { .. })));
    lab.sleep(REBOOT_SILENCE_MS);
    introduce(&mut lab, rebooted).unwrap();
    assert_eq!(lab.s.worker(lab.now, &id(2)).unwrap().slots_used, 0);
    lab.decided.clear();
}

#[test]
fn a_machine_that_was_started_anew_ends_what_ran_before() {
    let mut lab = at_work(OnLost::Wait);
    let rebooted = || with_place(|place| place.boot_id = "boot2".into());
    let wait = Err(Reject::MayBeAtWork { ip: ip(2), silent_ms: REBOOT_SILENCE_MS - 1 });
    lab.sleep(REBOOT_SILENCE_MS - 1);
    assert_eq!(introduce(&mut lab, rebooted()), wait, "a copy of its disk would say the same");
    lab.sleep(1);
    assert_eq!(introduce(&mut lab, rebooted()), Ok(None));
    lab.expect("worker 2; requeue 1.1 crash: lost; free 1.1 on 2");
    assert_eq!(noted(&mut lab, |note| matches!(note, Note::Rebooted { .. })), 1);
}

#[test]
fn a_copy_is_found_out_and_changes_nothing() {
    let copies = [
        with_place(|place| place.machine = "other".into()),
        with_place(|place| place.folder = "other".into()),
        // The very same machine, as far as it says.
        with_place(|place| place.boot_id = "other".into()),
        // One that was started less often.
        Introduction { session: "1-other".to_owned().into(), ..Lab::introduction(2) },
    ];
    for copy in copies {
        let copy = Introduction { ip: ip(9), ..copy };
        let mut lab = at_work(OnLost::Requeue);
        assert!(matches!(introduce(&mut lab, copy.clone()), Err(Reject::MayBeAtWork { .. })), "{copy:?}");
        lab.poll(2);
        assert!(matches!(introduce(&mut lab, copy.clone()), Err(Reject::MayBeAtWork { .. })), "one may be late");
        lab.sleep(CLONE_PROOF_MS);
        lab.poll(2);
        assert_eq!(introduce(&mut lab, copy), Err(Reject::Clone { worker: id(2), ip: ip(2) }));
        assert_eq!(lab.s.worker(lab.now, &id(2)).unwrap().cloned_at, Some(ip(9)));
        assert_eq!(noted(&mut lab, |note| matches!(note, Note::Cloned { .. })), 1);
        assert_eq!(lab.state(1), JobState::Running);
        lab.expect("answer 2; answer 2");
    }
}

#[test]
fn a_copy_takes_the_place_of_one_that_is_gone_for_good() {
    for (on_lost, patient) in [(OnLost::Requeue, false), (OnLost::Wait, true)] {
        let mut lab = at_work(on_lost);
        let copy = || Introduction {
            session: "1-other".to_owned().into(),
            ..with_place(|place| place.machine = "other".into())
        };
        lab.sleep(LEASE_MS - 1);
        assert!(matches!(introduce(&mut lab, copy()), Err(Reject::MayBeAtWork { .. })));
        lab.sleep(1);
        if patient {
            assert_eq!(introduce(&mut lab, copy()), Err(Reject::AwaitedThere { ip: ip(2), jobs: 1 }));
            lab.apply(event::WorkerRemoved { worker: id(2), lost: true }).unwrap();
            assert_eq!(introduce(&mut lab, copy()), Ok(None), "the identity begins with nothing");
            assert!(lab.s.worker(lab.now, &id(2)).unwrap().groups.is_empty());
            lab.decided.clear();
            continue;
        }
        assert_eq!(introduce(&mut lab, copy()), Ok(Some(2)), "it is given a later number");
        assert_eq!(introduce(&mut lab, copy()), Ok(Some(2)), "again, if the answer was lost");
        lab.expect("requeue 1.1 crash: lost; worker 2; free 1.1 on 2");
        let view = lab.s.worker(lab.now, &id(2)).unwrap();
        assert_eq!((view.groups.len(), view.slots_used), (1, 0), "the identity stays what it was");
        let late = lab.poll_of(2, PollToken(900), 0);
        assert_eq!(lab.apply(late), Err(Reject::SessionReplaced { worker: id(2) }));
    }
}

#[test]
fn one_that_waited_and_was_accepted_is_no_copy_of_itself() {
    let mut lab = Lab::new(&[2]);
    // Its folder was put back, so it counts its starts from an earlier one.
    let again = |session: &str| Introduction { session: session.to_owned().into(), ..Lab::introduction(2) };
    for _ in 0..2 {
        assert!(matches!(introduce(&mut lab, again("1-first")), Err(Reject::MayBeAtWork { .. })));
        assert!(matches!(introduce(&mut lab, again("1-second")), Err(Reject::MayBeAtWork { .. })));
        lab.sleep(LEASE_MS / 2);
    }
    assert_eq!(introduce(&mut lab, again("1-second")), Ok(Some(2)));
    for _ in 0..3 {
        let mut polled = lab.poll_of(2, PollToken(900), 0);
        polled.poll.session = "2-second".to_owned().into();
        lab.apply(polled).unwrap();
        lab.sleep(CLONE_PROOF_MS);
    }
    assert_eq!(lab.s.worker(lab.now, &id(2)).unwrap().cloned_at, None);
    lab.decided.clear();
}

#[test]
fn a_job_that_excludes_a_worker_excludes_it_wherever_it_goes() {
    let mut lab = Lab::new(&[2, 3]);
    let words = ["HOST2", "127.0.0.3", "nobody", "127.0.0.9"].map(str::to_owned);
    let jobs = lab.submit(vec![placed(|p| p.exclude = words.to_vec())]).unwrap();
    assert_eq!(lab.s.jobs.get(jobs[0]).unwrap().terms.placement.exclude, ["id2", "id3", "nobody", "127.0.0.9"]);
    lab.agents.get_mut(&2).unwrap().at = Some(7);
    assert!(lab.poll(2).assign.is_empty() && lab.poll(3).assign.is_empty());
    let named = Introduction { hostname: "Nobody".into(), ..Lab::introduction(4) };
    introduce(&mut lab, named).unwrap();
    lab.agents.entry(4).or_default();
    assert!(lab.poll(4).assign.is_empty(), "a word that meant nobody means whoever is called so later");
    lab.decided.clear();
    let _unused = job(|_| ());
}
