//! What a look at the clock means for schedules: which runs are due, which were missed, and what the rules
//! say to that. Pure, like the calendar and the scheduler that it stands between.

use c2_shared::api::schedules::{Missed, Run};
use c2_shared::limits::{SCHEDULE_LATE_MS, SCHEDULE_MADE_UP_MAX, SCHEDULE_MISSED_MAX, SCHEDULE_SET_BACK_MS};

use crate::calendar::Calendar;
use crate::sched::Scheduler;
use crate::sched::decision::ScheduleRecord;
use crate::sched::event::RunsDue;

/// How far back the latest runs are looked for at first, and four times as far if they are too few.
const LOOK_BACK_MS: u64 = 60 * 60 * 1_000;

/// The schedules of which an instant has come.
pub fn due(scheduler: &Scheduler, wall_ms: u64) -> Vec<RunsDue> {
    scheduler.due(wall_ms).map(|record| look(record, wall_ms)).collect()
}

/// The schedules that would wait for a time that a wrong clock showed: they begin anew. One that was set
/// back a little comes to their next instant by itself, and nothing runs twice.
pub fn set_back(scheduler: &Scheduler, wall_ms: u64) -> Vec<RunsDue> {
    let was_ahead = |record: &&ScheduleRecord| record.looked_ms > wall_ms.saturating_add(SCHEDULE_SET_BACK_MS);
    let waiting = scheduler.schedules().filter(|record| record.next_ms.is_some());
    waiting.filter(was_ahead).map(|record| anew(record, wall_ms)).collect()
}

/// The next instant of a schedule that was paused or is changed: what ran before its clock was set back does not run
/// again.
pub(crate) fn next_of(record: &ScheduleRecord, calendar: &Calendar, wall_ms: u64) -> Option<u64> {
    let is_ahead = record.looked_ms > wall_ms && record.looked_ms - wall_ms <= SCHEDULE_SET_BACK_MS;
    let from_ms = if is_ahead { record.looked_ms } else { wall_ms };
    Instants::of(record, calendar.clone()).next(from_ms)
}

/// The instants of a schedule but those that came already, before its clock was set back.
struct Instants {
    calendar: Calendar,
    lived: Vec<(u64, u64)>,
}

impl Instants {
    fn of(record: &ScheduleRecord, calendar: Calendar) -> Self {
        Self { lived: lived(&record.runs, &calendar), calendar }
    }

    /// The first instant after a point in time.
    fn next(&self, mut after_ms: u64) -> Option<u64> {
        loop {
            let at = self.calendar.next(after_ms)?;
            let span = self.lived.iter().find(|(from, to)| (*from..=*to).contains(&at));
            match span {
                Some((_, to)) => after_ms = *to,
                None => return Some(at),
            }
        }
    }
}

/// The times of which each instant came to something, from the first to the last of them. A run that somebody asked for
/// says nothing of the instants before it, which may still be due.
fn lived(runs: &[Run], calendar: &Calendar) -> Vec<(u64, u64)> {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    let mut before: Option<&Run> = None;
    let came = |run: &&Run| calendar.next(run.at_ms.saturating_sub(1)) == Some(run.at_ms);
    for run in runs.iter().filter(came) {
        match spans.last_mut() {
            Some((_, to)) if before.is_some_and(|before| run.follows(before)) => *to = run.at_ms,
            _ if run.is_gap() => {}
            _ => spans.push((run.since_ms.unwrap_or(run.at_ms), run.at_ms)),
        }
        before = Some(run);
    }
    spans
}

fn anew(record: &ScheduleRecord, wall_ms: u64) -> RunsDue {
    begun(record, wall_ms).0
}

/// What comes next, and nothing that is due so far; with the instants, where there are any.
fn begun(record: &ScheduleRecord, wall_ms: u64) -> (RunsDue, Option<Instants>) {
    let mut due = RunsDue {
        name: record.name.clone(),
        expected_ms: record.next_ms,
        runs: Vec::new(),
        in_turn: false,
        missed: 0,
        missed_ms: 0,
        next_ms: None,
        defect: None,
    };
    match Calendar::read(&record.cron, &record.timezone, record.added_ms) {
        Ok(calendar) => {
            let instants = Instants::of(record, calendar);
            due.next_ms = instants.next(wall_ms);
            (due, Some(instants))
        }
        // Its zone was known when it was added.
        Err(mistake) => (RunsDue { defect: Some(mistake.message), ..due }, None),
    }
}

fn look(record: &ScheduleRecord, wall_ms: u64) -> RunsDue {
    let (mut due, instants) = begun(record, wall_ms);
    let (Some(of), Some(first)) = (instants, record.next_ms) else { return due };
    let (instants, all) = latest(&of, first, wall_ms);
    let Some((newest, older)) = instants.split_last() else { return due };
    let is_on_time = wall_ms - newest <= SCHEDULE_LATE_MS;
    let missed = if is_on_time { older } else { &instants[..] };
    due.missed = all - u64::from(is_on_time);
    due.missed_ms = missed.last().copied().unwrap_or_default();
    due.runs = match record.missed {
        Missed::Once => vec![*newest],
        Missed::Skip => {
            if is_on_time {
                vec![*newest]
            } else {
                Vec::new()
            }
        }
        Missed::All => {
            let most = SCHEDULE_MADE_UP_MAX + usize::from(is_on_time);
            instants[instants.len().saturating_sub(most)..].to_vec()
        }
    };
    // What is on time comes behind what is made up for, and neither cancels it nor is left out for it.
    due.in_turn = record.missed == Missed::All && due.missed > 0;
    due
}

/// The latest instants of those from the first one to now, more than are ever made up for if there are, and how
/// many there are in all, as far as that is counted.
fn latest(of: &Instants, first_ms: u64, wall_ms: u64) -> (Vec<u64>, u64) {
    let from = |first| std::iter::successors(first, |at| of.next(*at)).take_while(|at| *at <= wall_ms);
    let mut back_ms = LOOK_BACK_MS;
    loop {
        let is_all = wall_ms.saturating_sub(first_ms) <= back_ms;
        let begin = if is_all { Some(first_ms) } else { of.next(wall_ms - back_ms) };
        let instants: Vec<u64> = from(begin).collect();
        if is_all {
            let all = instants.len() as u64;
            return (instants, all);
        }
        if instants.len() > SCHEDULE_MADE_UP_MAX {
            let all = from(Some(first_ms)).take(SCHEDULE_MISSED_MAX + 1).count() as u64;
            return (instants, all);
        }
        back_ms = back_ms.saturating_mul(4);
    }
}
