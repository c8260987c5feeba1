//! Schedules: what a due run becomes while others have not ended.

use std::collections::BTreeSet;

use c2_shared::api::schedules::{Missed, Overlap};
use c2_shared::id::JobId;
use c2_shared::job::Outcome;
use c2_shared::limits::{SCHEDULE_GAPS_KEPT, SCHEDULE_RUNS_KEPT};

use super::lab::{Lab, attempt, placed, plain};
use crate::sched::decision::ScheduleRecord;
use crate::sched::event::{self, NewJob, RunsDue};
use crate::sched::{Note, Reject};
use crate::timetable;

const MINUTE: u64 = 60_000;

/// A schedule that runs each minute.
fn minutely(lab: &Lab, overlap: Overlap, missed: Missed) -> ScheduleRecord {
    ScheduleRecord {
        name: "s".to_owned(),
        cron: "every 1m".to_owned(),
        timezone: "UTC".to_owned(),
        overlap,
        missed,
        paused: false,
        job: plain(),
        added_ms: lab.now.wall_ms,
        next_ms: Some(lab.now.wall_ms + MINUTE),
        looked_ms: lab.now.wall_ms,
        runs: Vec::new(),
        defect: None,
    }
}

fn with(lab: &mut Lab, overlap: Overlap, missed: Missed) {
    let record = minutely(lab, overlap, missed);
    lab.apply(event::ScheduleAdded(record)).unwrap();
    lab.decided.clear();
}

/// The clock goes on, and it is looked what is due.
fn pass(lab: &mut Lab, ms: u64) -> usize {
    lab.sleep(ms);
    let due = timetable::due(&lab.s, lab.now.wall_ms);
    let count = due.len();
    for due in due {
        lab.apply(due).unwrap();
    }
    count
}

/// What the runs came to: a number of a job, or a word; and how many instants each tells to be missed.
fn runs(lab: &Lab) -> String {
    let run = |run: &c2_shared::api::schedules::Run| {
        let what = run.job_id.map_or_else(|| run.skipped.clone().unwrap_or_default(), |job| job.0.to_string());
        if run.missed > 0 { format!("{what} ({})", run.missed) } else { what }
    };
    lab.s.schedule("s").unwrap().runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_run_is_a_job_and_the_instant_after_it() {
    let mut lab = Lab::new(&[1]);
    with(&mut lab, Overlap::Skip, Missed::Once);
    let start = lab.now.wall_ms;
    assert_eq!(pass(&mut lab, MINUTE - 1), 0);
    assert_eq!(pass(&mut lab, 1), 1);
    lab.expect(&format!("add 1 queued; schedule s next Some({})", start + 2 * MINUTE));
    assert_eq!(pass(&mut lab, 1), 0);
    // What was computed before is outdated, and comes to nothing.
    let outdated = RunsDue {
        name: "s".to_owned(),
        expected_ms: Some(start + MINUTE),
        runs: vec![start + MINUTE],
        in_turn: false,
        missed: 0,
        missed_ms: 0,
        next_ms: Some(start + 2 * MINUTE),
        defect: None,
    };
    lab.apply(outdated).unwrap();
    lab.expect("");
    lab.restart();
    assert_eq!(pass(&mut lab, 1), 0);
}

#[test]
fn runs_that_overlap() {
    let table = [
        (Overlap::Skip, "1, job-1 has not ended, it is running, job-1 has not ended, it is running"),
        (Overlap::Queue, "1, 2, job-2 waits already, it is blocked"),
        (Overlap::CancelOld, "1, 2, 3"),
    ];
    for (overlap, expected) in table {
        let mut lab = Lab::new(&[1]);
        with(&mut lab, overlap, Missed::Once);
        pass(&mut lab, MINUTE);
        assert!(lab.poll(1).assign.iter().any(|one| one.attempt == attempt(1, 1)));
        lab.decided.clear();
        for _ in 0..2 {
            lab.poll(1);
            lab.sleep(30_000);
            lab.poll(1);
            lab.decided.clear();
            pass(&mut lab, 30_000);
        }
        assert_eq!(runs(&lab), expected, "{overlap:?}");
        if overlap == Overlap::CancelOld {
            lab.expect(
                &format!("add 3 blocked; schedule s next Some({})", lab.now.wall_ms + MINUTE)
                    .replace("add 3", "end 2: cancelled; add 3"),
            );
            lab.finish(1, attempt(1, 1), Outcome::Cancelled);
            let next = lab.poll(1);
            assert_eq!(next.assign[0].attempt, attempt(3, 1), "it starts when the old one is gone");
        }
        lab.decided.clear();
    }
}

#[test]
fn what_was_missed() {
    // A week, and half a minute after the last instant: that one is on time.
    let week = 7 * 24 * 60 * MINUTE;
    let count = week / MINUTE;
    let late = 30_000;
    for missed in [Missed::Once, Missed::Skip] {
        let mut lab = Lab::new(&[]);
        with(&mut lab, Overlap::Skip, missed);
        lab.now.wall_ms += week + late;
        pass(&mut lab, 0);
        assert_eq!(runs(&lab), format!("1 ({})", count - 1), "{missed:?}");
        lab.decided.clear();
    }
    // A schedule that is due each hour, and nobody is there for a minute after its instant.
    for (missed, expected) in [(Missed::Once, "1 (3)"), (Missed::Skip, "missed (3)"), (Missed::All, "1 (3), 2, 3")] {
        let mut lab = Lab::new(&[]);
        let record = ScheduleRecord { cron: "every 1h".to_owned(), ..minutely(&lab, Overlap::Skip, missed) };
        lab.apply(event::ScheduleAdded(record)).unwrap();
        lab.now.wall_ms += MINUTE + 2 * 60 * MINUTE + 10 * MINUTE;
        pass(&mut lab, 0);
        lab.now.wall_ms += 50 * MINUTE;
        assert_eq!(runs(&lab), expected, "{missed:?}");
        if missed == Missed::All {
            assert_eq!(lab.s.job(lab.now, JobId(2)).unwrap().state, c2_shared::job::JobState::Blocked);
        }
        lab.decided.clear();
    }
}

#[test]
fn a_run_that_is_skipped_makes_up_for_nothing() {
    for (overlap, expected) in [(Overlap::Skip, 0), (Overlap::Queue, 1)] {
        let mut lab = Lab::new(&[1]);
        with(&mut lab, overlap, Missed::Once);
        pass(&mut lab, MINUTE);
        lab.poll(1);
        lab.decided.clear();
        lab.s.touched.notes.clear();
        // It runs on, and c2d is away.
        lab.now.wall_ms += 3 * MINUTE;
        for due in timetable::due(&lab.s, lab.now.wall_ms) {
            lab.apply(due).unwrap();
        }
        let made_up = lab.s.touched.notes.iter().filter_map(|note| match note {
            Note::Missed { made_up, .. } => Some(*made_up),
            _ => None,
        });
        assert_eq!(made_up.collect::<Vec<_>>(), [expected], "{overlap:?}");
        lab.decided.clear();
    }
}

#[test]
fn the_latest_runs_are_made_up_for_however_many_were_missed() {
    let mut lab = Lab::new(&[]);
    with(&mut lab, Overlap::Skip, Missed::All);
    let month = 30 * 24 * 60;
    let newest = lab.now.wall_ms + month * MINUTE;
    lab.now.wall_ms = newest + 30_000;
    let due = timetable::due(&lab.s, lab.now.wall_ms).swap_remove(0);
    assert_eq!((due.runs.first(), due.runs.last()), (Some(&(newest - 1_000 * MINUTE)), Some(&newest)));
    assert_eq!((due.runs.len(), due.missed, due.missed_ms), (1_001, 20_000, newest - MINUTE));
    assert_eq!(due.next_ms, Some(newest + MINUTE));
}

#[test]
fn a_clock_that_was_wrong_costs_no_runs() {
    let mut lab = Lab::new(&[]);
    lab.now.wall_ms += 365 * 24 * 60 * MINUTE;
    with(&mut lab, Overlap::Skip, Missed::Once);
    let right = lab.now.wall_ms;
    lab.now.wall_ms += 10 * 365 * 24 * 60 * MINUTE;
    pass(&mut lab, 0);
    // It is set right again: the schedule does not wait for ten years.
    lab.now.wall_ms = right + 10_000;
    for due in timetable::set_back(&lab.s, lab.now.wall_ms) {
        lab.apply(due).unwrap();
    }
    assert_eq!(lab.s.next_instant(), Some(right + MINUTE));
    // An hour is waited for: what ran in it does not run again.
    lab.decided.clear();
    lab.sleep(MINUTE);
    pass(&mut lab, 0);
    let next = lab.s.next_instant();
    lab.now.wall_ms -= 60 * MINUTE;
    assert!(timetable::set_back(&lab.s, lab.now.wall_ms).is_empty());
    assert_eq!((pass(&mut lab, MINUTE), lab.s.next_instant()), (0, next));
    lab.decided.clear();
}

#[test]
fn a_full_queue_has_runs_wait_and_other_troubles_are_told() {
    let mut lab = Lab::new(&[]);
    with(&mut lab, Overlap::Skip, Missed::Once);
    lab.s.capacity = 1;
    lab.submit(vec![plain()]).unwrap();
    lab.sleep(MINUTE);
    let due = || timetable::due(&lab.s, lab.now.wall_ms).swap_remove(0);
    let due = due();
    assert!(matches!(lab.apply(due), Err(Reject::QueueFull { .. })));
    lab.apply(event::CancelRequested { job: JobId(1) }).unwrap();
    assert_eq!((pass(&mut lab, 1), runs(&lab).as_str()), (1, "2"));
    lab.decided.clear();

    let mut lab = Lab::new(&[1]);
    lab.apply(event::GroupsChanged { worker: super::lab::id(1), add: ["g".to_owned()].into(), remove: [].into() })
        .unwrap();
    let in_group = |group: &str| placed(|placement| placement.group = Some(group.to_owned()));
    let unknown = ScheduleRecord { job: in_group("nobody"), ..minutely(&lab, Overlap::Skip, Missed::Once) };
    assert!(matches!(lab.apply(event::ScheduleAdded(unknown)), Err(Reject::UnknownGroup { .. })));
    let known = ScheduleRecord { job: in_group("g"), ..minutely(&lab, Overlap::Skip, Missed::Once) };
    lab.apply(event::ScheduleAdded(known)).unwrap();
    lab.apply(event::GroupsChanged { worker: super::lab::id(1), add: [].into(), remove: ["g".to_owned()].into() })
        .unwrap();
    lab.decided.clear();
    pass(&mut lab, MINUTE);
    assert_eq!(runs(&lab), "unknown group \"g\"");
    assert_eq!(lab.s.next_instant(), Some(lab.now.wall_ms + MINUTE));
    lab.decided.clear();
}

#[test]
fn operators_pause_resume_run_and_remove() {
    let mut lab = Lab::new(&[]);
    with(&mut lab, Overlap::Skip, Missed::Once);
    let again = minutely(&lab, Overlap::Skip, Missed::Once);
    assert!(matches!(lab.apply(event::ScheduleAdded(again)), Err(Reject::ScheduleExists { .. })));
    let name = || "s".to_owned();
    lab.apply(event::SchedulePaused { name: name(), paused: true, next_ms: None }).unwrap();
    lab.expect("schedule s next None");
    assert_eq!(pass(&mut lab, 5 * MINUTE), 0);
    assert_eq!(lab.apply(event::RunAsked { name: name() }), Ok(JobId(1)));
    lab.expect("add 1 queued; schedule s next None");
    let refused = lab.apply(event::RunAsked { name: name() }).unwrap_err().to_string();
    assert_eq!(refused, "no run of \"s\": job-1 has not ended, it is queued");
    let next_ms = Some(lab.now.wall_ms + 30_000);
    lab.apply(event::SchedulePaused { name: name(), paused: false, next_ms }).unwrap();
    // What is due is not put off.
    lab.apply(event::SchedulePaused { name: name(), paused: false, next_ms: Some(u64::MAX) }).unwrap();
    assert_eq!(lab.s.next_instant(), next_ms);
    lab.apply(event::ScheduleRemoved { name: name() }).unwrap();
    assert!(matches!(lab.apply(event::ScheduleRemoved { name: name() }), Err(Reject::UnknownSchedule { .. })));
    assert_eq!((pass(&mut lab, 5 * MINUTE), lab.s.next_instant()), (0, None));
    lab.decided.clear();
}

#[test]
fn old_runs_are_forgotten_and_those_that_live_are_not() {
    let mut lab = Lab::new(&[]);
    let record = ScheduleRecord {
        job: NewJob { name: Some("n".into()), ..plain() },
        ..minutely(&lab, Overlap::Skip, Missed::All)
    };
    lab.apply(event::ScheduleAdded(record)).unwrap();
    lab.now.wall_ms += 31 * MINUTE;
    pass(&mut lab, 0);
    assert_eq!(lab.s.schedule("s").unwrap().runs.len(), 31, "none of them has ended");
    for job in 1..=30 {
        lab.apply(event::CancelRequested { job: JobId(job) }).unwrap();
    }
    pass(&mut lab, MINUTE);
    let kept = lab.s.schedule("s").unwrap().runs;
    assert_eq!((kept.len(), kept.iter().find_map(|run| run.job_id)), (SCHEDULE_RUNS_KEPT, Some(JobId(13))));
    lab.decided.clear();
}

/// Changes the schedule as an operator would, with the next instant of the new one.
fn change(lab: &mut Lab, next_ms: u64, how: impl Fn(&mut ScheduleRecord)) -> Result<(), Reject> {
    let was = lab.s.schedule("s").unwrap();
    let mut new =
        ScheduleRecord { next_ms: Some(next_ms), runs: Vec::new(), looked_ms: lab.now.wall_ms, ..was.clone() };
    how(&mut new);
    lab.apply(event::ScheduleChanged { was, new })
}

#[test]
fn a_change_keeps_runs_pause_and_what_is_due() {
    let mut lab = Lab::new(&[]);
    with(&mut lab, Overlap::Skip, Missed::Once);
    pass(&mut lab, MINUTE);
    assert_eq!(runs(&lab), "1");
    let next = lab.s.schedule("s").unwrap().next_ms;
    change(&mut lab, 7, |new| new.overlap = Overlap::Queue).unwrap();
    let changed = lab.s.schedule("s").unwrap();
    assert_eq!((changed.overlap, changed.next_ms, runs(&lab)), (Overlap::Queue, next, "1".to_owned()));
    // Another cron has instants of its own, but what is due already is not lost.
    let later = lab.now.wall_ms + 10 * MINUTE;
    let hourly = |new: &mut ScheduleRecord| new.cron = "every 1h".to_owned();
    change(&mut lab, later, hourly).unwrap();
    assert_eq!(lab.s.schedule("s").unwrap().next_ms, Some(later));
    lab.sleep(11 * MINUTE);
    change(&mut lab, later + 60 * MINUTE, |new| new.cron = "every 1m".to_owned()).unwrap();
    assert_eq!(lab.s.schedule("s").unwrap().next_ms, Some(later));
    assert_eq!(pass(&mut lab, 0), 1);
    let paused = event::SchedulePaused { name: "s".to_owned(), paused: true, next_ms: None };
    lab.apply(paused).unwrap();
    change(&mut lab, later + 99 * MINUTE, |new| new.cron = "every 2m".to_owned()).unwrap();
    let changed = lab.s.schedule("s").unwrap();
    assert_eq!((changed.paused, changed.next_ms, changed.cron.as_str()), (true, None, "every 2m"));
    lab.decided.clear();
}

#[test]
fn a_change_of_what_was_changed_meanwhile_is_refused() {
    let mut lab = Lab::new(&[]);
    with(&mut lab, Overlap::Skip, Missed::Once);
    let was = lab.s.schedule("s").unwrap();
    change(&mut lab, 7, |new| new.missed = Missed::All).unwrap();
    let late = event::ScheduleChanged { was: was.clone(), new: was };
    assert_eq!(lab.apply(late), Err(Reject::ScheduleChanged { name: "s".to_owned() }));
    // Runs that came meanwhile change nothing that was asked for.
    let was = lab.s.schedule("s").unwrap();
    pass(&mut lab, MINUTE);
    lab.apply(event::ScheduleChanged { was: was.clone(), new: was }).unwrap();
    assert_eq!(runs(&lab), "1");
    let gone = event::ScheduleRemoved { name: "s".to_owned() };
    lab.apply(gone).unwrap();
    lab.decided.clear();
}

/// Lets an hour pass, runs what is due and ends it; answers how many runs there were.
fn hour(lab: &mut Lab, ran: &mut BTreeSet<u64>) -> usize {
    let before = lab.s.schedule("s").unwrap().runs.len();
    let due = timetable::due(&lab.s, lab.now.wall_ms);
    let count: usize = due.iter().map(|due| due.runs.len()).sum();
    for at_ms in due.iter().flat_map(|due| &due.runs) {
        assert!(ran.insert(*at_ms), "{at_ms} runs twice");
    }
    for due in due {
        lab.apply(due).unwrap();
    }
    let record = lab.s.schedule("s").unwrap();
    assert!(record.runs.len() <= before.max(SCHEDULE_RUNS_KEPT + SCHEDULE_GAPS_KEPT), "{}", record.runs.len());
    let newest = record.runs.last().and_then(|run| run.job_id);
    if let Some(job) = newest.filter(|_| count > 0) {
        lab.apply(event::CancelRequested { job }).unwrap();
    }
    lab.decided.clear();
    lab.now.wall_ms += 60 * MINUTE;
    count
}

fn set_back(lab: &mut Lab, hours: u64) {
    lab.now.wall_ms -= hours * 60 * MINUTE;
    for due in timetable::set_back(&lab.s, lab.now.wall_ms) {
        lab.apply(due).unwrap();
    }
}

/// A schedule of which more ran than is listed, with a clock that is set back by days.
#[test]
fn nothing_runs_twice_when_the_clock_is_set_back_by_days() {
    let mut lab = Lab::new(&[]);
    lab.now.wall_ms += 365 * 24 * 60 * MINUTE;
    let record = ScheduleRecord { cron: "every 1h".to_owned(), ..minutely(&lab, Overlap::Skip, Missed::Once) };
    lab.apply(event::ScheduleAdded(record)).unwrap();
    lab.now.wall_ms += 60 * MINUTE;
    let mut ran = BTreeSet::new();
    let first: usize = (0..96).map(|_| hour(&mut lab, &mut ran)).sum();
    assert_eq!(first, 96);
    set_back(&mut lab, 60);
    let again: usize = (0..60).map(|_| hour(&mut lab, &mut ran)).sum();
    assert_eq!(again, 0, "they ran already");
    let on: usize = (0..40).map(|_| hour(&mut lab, &mut ran)).sum();
    assert_eq!(on, 40);
    // A clock that shows a month too much for a while: one run makes up for it, and none is lost.
    lab.now.wall_ms += 30 * 24 * 60 * MINUTE;
    assert_eq!(hour(&mut lab, &mut ran), 1);
    set_back(&mut lab, 30 * 24);
    let on: usize = (0..48).map(|_| hour(&mut lab, &mut ran)).sum();
    assert!((47..=48).contains(&on), "{on}");
    // And all of it is known behind that, too; what came while the clock was wrong may be made up for.
    set_back(&mut lab, 72);
    let again: usize = (0..72).map(|_| hour(&mut lab, &mut ran)).sum();
    assert!(again <= 2, "{again}");
}
