//! When the engine looks at schedules: at the earliest of their instants, so that thousands of them cost
//! nothing until then, and whenever the clock was set back.

use c2_shared::limits::SCHEDULE_REST_MS;
use c2_shared::time::Mono;

use super::Durable;
use super::task::{Engine, Pending};
use crate::sched::event::Now;
use crate::timetable;

/// What the engine remembers between two looks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looked {
    /// What the wall clock showed; nothing before the first look.
    wall_ms: Option<u64>,
    /// The queue or the disk was full: until when due runs wait.
    rests_until: Mono,
}

impl<D: Durable> Engine<D> {
    /// Submits what is due.
    pub(super) fn look_at_schedules(&mut self, now: Now, pending: &mut Pending) {
        let is_set_back = self.looked.wall_ms.is_none_or(|before| now.wall_ms < before);
        self.looked.wall_ms = Some(now.wall_ms);
        if self.looked.rests_until > now.mono {
            return;
        }
        let mut due = if is_set_back { timetable::set_back(&self.scheduler, now.wall_ms) } else { Vec::new() };
        due.extend(timetable::due(&self.scheduler, now.wall_ms));
        for due in due {
            let name = due.name.clone();
            if let Err(refusal) = self.step(now, Vec::new(), pending, |step| step.apply(due)) {
                tracing::warn!("runs of schedules wait, the first of {name}: {refusal}");
                self.looked.rests_until = now.mono.after_ms(SCHEDULE_REST_MS);
                return;
            }
        }
    }

    /// When the next run is due, as far as the clock goes on as it does.
    pub(super) fn next_run(&self) -> Option<Mono> {
        let (at, now) = (self.scheduler.next_instant()?, self.clock.now());
        let at = now.mono.after_ms(at.saturating_sub(now.wall_ms));
        Some(at.max(self.looked.rests_until))
    }
}
