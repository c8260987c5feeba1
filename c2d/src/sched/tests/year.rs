//! A year of schedules in three zones, with a clock that jumps and a c2d that is off now and then: exactly the runs
//! that the rules say, by instants that were worked out in another way.

use std::collections::BTreeMap;

use c2_shared::api::schedules::{Missed, Overlap};
use c2_shared::limits::{SCHEDULE_LATE_MS, SCHEDULE_MADE_UP_MAX};

use super::lab::{Lab, plain};
use crate::calendar::oracle::{CRONS, ZONES, instants, minutes};
use crate::sched::decision::ScheduleRecord;
use crate::sched::event;
use crate::timetable;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
/// The first minute of 2026.
const YEAR: u64 = 29_453_760 * MINUTE;

/// The times at which c2d looks: some seconds after each instant as a rule; at times it is off for hours or a week, or
/// its clock is wrong.
fn looks(instants: &[u64], seed: u64) -> Vec<u64> {
    let mut state = seed;
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let (mut looks, mut off_until) = (Vec::new(), 0);
    for at in instants {
        if *at < off_until {
            continue;
        }
        if below(40) == 0 {
            off_until = at + [3 * 60 * MINUTE, DAY, 7 * DAY, 20 * MINUTE][usize::try_from(below(4)).unwrap()];
            // What comes in the next year is not known here.
            looks.push(off_until.min(YEAR + 365 * DAY - 1));
        } else {
            looks.push(at + below(SCHEDULE_LATE_MS));
        }
        if below(60) == 0 {
            // The clock is set back by hours, which is waited out.
            let last = *looks.last().expect("it looked");
            looks.extend([last - 5 * 60 * MINUTE, last - 60 * MINUTE]);
        }
    }
    looks
}

/// What the rules say of a look: the instants that run, and how many were missed.
fn ruled(missed: Missed, due: &[u64], now: u64) -> (Vec<u64>, u64) {
    let Some(newest) = due.last() else { return (Vec::new(), 0) };
    let is_on_time = now - newest <= SCHEDULE_LATE_MS;
    let late = due.len() as u64 - u64::from(is_on_time);
    let runs = match missed {
        Missed::Once => vec![*newest],
        Missed::Skip if is_on_time => vec![*newest],
        Missed::Skip => Vec::new(),
        Missed::All => {
            let most = SCHEDULE_MADE_UP_MAX + usize::from(is_on_time);
            due[due.len().saturating_sub(most)..].to_vec()
        }
    };
    (runs, late)
}

#[test]
fn a_year_of_looks_gives_exactly_the_runs_that_the_rules_say() {
    let mut seed = 0;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for zone in &ZONES {
        // Of those that come each few minutes the calendar's own test follows each one.
        let minutes = minutes(zone);
        let all = CRONS.into_iter().map(|(cron, matches)| (cron, instants(&minutes, matches)));
        for (cron, instants) in all.filter(|(_, instants)| instants.len() < 400) {
            for missed in [Missed::Once, Missed::Skip, Missed::All] {
                seed += 1;
                let mut lab = Lab::new(&[]);
                lab.now.wall_ms = YEAR;
                let record = ScheduleRecord {
                    name: "s".to_owned(),
                    cron: cron.to_owned(),
                    timezone: zone.name.to_owned(),
                    overlap: Overlap::Skip,
                    missed,
                    paused: false,
                    job: plain(),
                    added_ms: YEAR,
                    // A schedule that was added before midnight.
                    next_ms: instants.first().copied(),
                    looked_ms: YEAR - 1,
                    runs: Vec::new(),
                    defect: None,
                };
                lab.apply(event::ScheduleAdded(record)).unwrap();
                let mut come = 0;
                for now in looks(&instants, seed) {
                    lab.now.wall_ms = now;
                    let until = instants.partition_point(|at| *at <= now);
                    let (runs, late) = ruled(missed, instants.get(come..until).unwrap_or_default(), now);
                    let due = timetable::due(&lab.s, now);
                    let of = format!("{cron} in {} at {now}, {missed:?}", zone.name);
                    let found = due.first().map(|due| (due.runs.clone(), due.missed)).unwrap_or_default();
                    assert_eq!(found, (runs, late), "{of}");
                    *seen.entry("runs").or_default() += found.0.len();
                    *seen.entry("missed").or_default() += usize::try_from(found.1).unwrap();
                    *seen.entry("set back").or_default() += usize::from(until < come);
                    for due in due {
                        lab.apply(due).unwrap();
                    }
                    come = come.max(until);
                }
                assert_eq!(come, instants.len(), "the year was over before its last instant");
                lab.decided.clear();
            }
        }
    }
    assert!(seen["runs"] > 5_000 && seen["missed"] > 500 && seen["set back"] > 100, "{seen:?}");
}
