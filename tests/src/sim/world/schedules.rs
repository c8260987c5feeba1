//! Schedules in a history: they are added, paused, run and removed, their instants come, and clocks jump.

use c2_shared::api::schedules::{Missed, Overlap};
use c2_shared::id::JobId;
use c2d::sched::Decision;
use c2d::sched::decision::ScheduleRecord;
use c2d::sched::event::{self, NewJob};
use c2d::timetable;

use super::World;
use crate::sim::disk::Disk;

/// How far a clock is set ahead, and back.
const AHEAD_MS: u64 = 20 * 60_000;
const BACK_MS: u64 = 90_000;
const DAY_MS: u64 = 24 * 3_600_000;

impl<D: Disk> World<D> {
    /// What is due is submitted; a full queue has it wait.
    pub(super) fn look_at_schedules(&mut self) {
        let wall_ms = self.now.wall_ms;
        let mut all =
            if wall_ms < self.timetable.looked_ms { timetable::set_back(&self.scheduler, wall_ms) } else { Vec::new() };
        self.timetable.looked_ms = wall_ms;
        all.extend(timetable::due(&self.scheduler, wall_ms));
        for due in all {
            let before = self.uncommitted.len();
            drop(self.try_apply(due));
            // Nobody waits for an answer; that they exist is told by what stands in the schedule.
            let new = self.uncommitted[before..].iter().filter_map(|decision| match decision {
                Decision::AddJob(job) => Some(job.id),
                _ => None,
            });
            self.unanswered.push(new.collect());
        }
    }

    /// An operator does something to a schedule, or to the clock.
    pub(super) fn operate_schedules(&mut self) {
        let (n, what) = (self.random.below(3), self.random.below(13));
        let name = format!("s{n}");
        match what {
            0..=3 => self.add_schedule(name),
            4 => {
                self.apply(event::ScheduleRemoved { name });
            }
            5 => {
                self.apply(event::SchedulePaused { name, paused: true, next_ms: None });
            }
            6 => {
                // Not before what ran when the clock was ahead.
                let record = self.scheduler.schedules().find(|one| one.name == name);
                let from_ms = record.map_or(0, |one| one.looked_ms).max(self.now.wall_ms);
                let next_ms = Some(from_ms + 1 + self.random.below(5_000));
                self.apply(event::SchedulePaused { name, paused: false, next_ms });
            }
            7 => {
                let job: Option<JobId> = self.apply(event::RunAsked { name });
                self.unanswered.extend(job.map(|job| vec![job]));
            }
            8 => self.now.wall_ms += self.random.below(AHEAD_MS),
            9..=11 => self.change_schedule(&name),
            12 if self.random.chance(10) => {
                let back_ms = DAY_MS + self.random.below(2 * DAY_MS);
                self.timetable.set_back_ms += back_ms;
                self.now.wall_ms -= back_ms;
            }
            _ => self.now.wall_ms -= self.random.below(BACK_MS),
        }
    }

    fn add_schedule(&mut self, name: String) {
        let seconds = 20 + self.random.below(60);
        let job = NewJob { name: None, depends: Vec::new(), ..self.new_job(0) };
        let wall_ms = self.now.wall_ms;
        let record = ScheduleRecord {
            name,
            cron: format!("every {seconds}s"),
            timezone: "UTC".to_owned(),
            overlap: self.random.pick(&[Overlap::Skip, Overlap::Queue, Overlap::CancelOld]),
            missed: self.random.pick(&[Missed::Once, Missed::Skip, Missed::All]),
            paused: false,
            job,
            added_ms: wall_ms,
            next_ms: Some(wall_ms + seconds * 1_000),
            looked_ms: wall_ms,
            runs: Vec::new(),
            defect: None,
        };
        self.apply(event::ScheduleAdded(record));
    }

    /// An operator changes what is asked of a schedule, or when it runs.
    fn change_schedule(&mut self, name: &str) {
        let Ok(was) = self.scheduler.schedule(name) else { return };
        let mut new =
            ScheduleRecord { missed: self.random.pick(&[Missed::Once, Missed::Skip, Missed::All]), ..was.clone() };
        if self.random.chance(50) {
            let (seconds, wall_ms) = (20 + self.random.below(60), self.now.wall_ms);
            (new.cron, new.added_ms) = (format!("every {seconds}s"), wall_ms);
            new.next_ms = Some(wall_ms.max(was.looked_ms) + seconds * 1_000);
        }
        self.apply(event::ScheduleChanged { was, new });
    }

    /// The clock is right again, and nothing comes by itself any more.
    pub(super) fn remove_schedules(&mut self) {
        self.now.wall_ms += self.timetable.set_back_ms;
        let names: Vec<String> = self.scheduler.schedules().map(|one| one.name.clone()).collect();
        for name in names {
            self.apply(event::ScheduleRemoved { name });
        }
    }
}
