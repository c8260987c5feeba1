//! A worker on which commands fail at once that succeed elsewhere.

use c2_shared::id::AttemptId;
use c2_shared::job::Outcome;
use c2_shared::limits::{AT_ONCE_MS, SUCCESS_REMEMBERED_MS};

use super::lab::{Lab, id, ip, job};
use crate::sched::event::{self, FaultOf, ResultSummary};
use crate::sched::{Decision, Note};

const AT_ONCE: Option<u64> = Some(AT_ONCE_MS - 1);

/// Runs a command of its own on a worker, to this end.
fn runs(lab: &mut Lab, last: u8, command: u32, code: i32, took_ms: Option<u64>) {
    let mut new = job(|_| ());
    // The rest of a specification may differ.
    new.payload = format!("{{\"command\":\"{command}\",\"name\":\"on-{last}\"}}").into();
    lab.submit(vec![new]).unwrap();
    let attempt: AttemptId = lab.poll(last).assign[0].attempt;
    lab.agents.get_mut(&last).unwrap().running.clear();
    let result = ResultSummary { attempt, outcome: Outcome::Exit { code }, fault_of: FaultOf::Worker, took_ms };
    lab.apply(event::ResultArrived { worker: id(last), from: Some(ip(last)), result }).unwrap();
}

fn is_suspect(lab: &Lab, last: u8) -> bool {
    lab.s.worker(lab.now, &id(last)).unwrap().suspect
}

/// Of what happened only the suspicion matters here, and that nothing is decided because of it.
fn end(mut lab: Lab) {
    lab.decided.retain(|decision| matches!(decision, Decision::PutWorker(_) | Decision::RemoveWorker { .. }));
    lab.expect("");
}

#[test]
fn five_commands_that_fail_at_once_and_three_of_them_elsewhere_not_are_reported_and_nothing_else() {
    let mut lab = Lab::new(&[2, 3]);
    for command in 1..=5 {
        runs(&mut lab, 2, command, 127, AT_ONCE);
    }
    runs(&mut lab, 3, 1, 0, None);
    runs(&mut lab, 3, 2, 0, None);
    runs(&mut lab, 3, 9, 0, None);
    assert!(!is_suspect(&lab, 2), "they may be at fault themselves");
    lab.s.take_touched();
    runs(&mut lab, 3, 5, 0, None);
    assert!(is_suspect(&lab, 2) && !is_suspect(&lab, 3));
    let touched = lab.s.take_touched();
    assert!(touched.workers.contains(&id(2)), "whoever watches is told");
    assert!(matches!(&touched.notes[..], [Note::Suspect { worker }] if worker.id == id(2)));
    runs(&mut lab, 2, 6, 127, AT_ONCE);
    assert!(is_suspect(&lab, 2), "it gets work all the same");
    runs(&mut lab, 2, 7, 0, None);
    assert!(!is_suspect(&lab, 2), "a command that succeeds ends it");
    end(lab);
}

#[test]
fn what_succeeded_elsewhere_before_counts_for_a_day() {
    for (ago_ms, suspect) in [(SUCCESS_REMEMBERED_MS - 10_000, true), (SUCCESS_REMEMBERED_MS + 10_000, false)] {
        let mut lab = Lab::new(&[2, 3]);
        for command in 1..=3 {
            runs(&mut lab, 3, command, 0, None);
        }
        lab.sleep(ago_ms);
        for command in 1..=5 {
            runs(&mut lab, 2, command, 1, AT_ONCE);
        }
        assert_eq!(is_suspect(&lab, 2), suspect);
        end(lab);
    }
}

#[test]
fn what_is_no_sign_of_a_broken_machine_is_none() {
    type Case = (&'static str, fn(&mut Lab));
    let cases: [Case; 5] = [
        ("four commands", |lab| (1..=4).for_each(|command| runs(lab, 2, command, 1, AT_ONCE))),
        ("the same command", |lab| (1..=9).for_each(|n| runs(lab, 2, n % 3 + 1, 1, AT_ONCE))),
        ("a failure later on", |lab| (1..=5).for_each(|command| runs(lab, 2, command, 1, Some(AT_ONCE_MS)))),
        ("an agent that does not say", |lab| (1..=5).for_each(|command| runs(lab, 2, command, 1, None))),
        ("a row that is broken", |lab| {
            for command in 1..=6 {
                runs(lab, 2, command, i32::from(command != 4), AT_ONCE);
            }
        }),
    ];
    for (what, happens) in cases {
        let mut lab = Lab::new(&[2, 3]);
        (1..=9).for_each(|command| runs(&mut lab, 3, command, 0, None));
        happens(&mut lab);
        assert!(!is_suspect(&lab, 2), "{what}");
        end(lab);
    }
}

#[test]
fn an_operator_ends_it() {
    let mut lab = Lab::new(&[2, 3]);
    (1..=5).for_each(|command| runs(&mut lab, 3, command, 0, None));
    (1..=5).for_each(|command| runs(&mut lab, 2, command, 1, AT_ONCE));
    assert!(is_suspect(&lab, 2));
    lab.apply(event::DrainSet { worker: id(2), drain: false }).unwrap();
    assert!(!is_suspect(&lab, 2));
    end(lab);
}
