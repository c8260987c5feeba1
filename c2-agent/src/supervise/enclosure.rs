//! The control group of a slot's jobs, one after the other.
//!
//! While no job runs the runner itself waits in the group, so that what it starts is in there from its first
//! instruction. It leaves when the job goes on for longer than a moment, at once where memory is limited, and
//! always before the group is frozen. That way a short job does not wait for moves between groups, which take
//! some milliseconds on a machine that is otherwise idle. For the same reason short jobs share a group, one after
//! the other, as long as they leave nothing in it.

use std::sync::Arc;

use c2_shared::job::JobSpec;
use c2_shared::time::Mono;

use crate::cgroup::{Base, Figures, Group, Limits};
use crate::options::Confinement;
use crate::supervise::meter::Meter;

/// How long a job runs before the runner leaves its group.
const LEAVE_AFTER_MS: u64 = 100;

/// The group, if this slot has one.
#[derive(Debug)]
pub(crate) struct Enclosure {
    group: Option<Arc<Group>>,
    figures: Arc<Figures>,
    pids_max: u64,
    /// The runner is in it.
    inside: bool,
    /// Memory that the jobs before the next one left in the group, if it is not the first one.
    left_bytes: Option<u64>,
    /// The limits that the group has.
    limits: Option<Limits>,
    leave_at: Option<Mono>,
}

impl Enclosure {
    pub(crate) fn open(worker_id: &str, slot: u32, confinement: Confinement) -> Self {
        let base = confinement.control_groups.then(Base::own).flatten();
        let mut opened = Self {
            group: base.map(|base| Arc::new(base.group(worker_id, slot))),
            figures: Arc::default(),
            pids_max: confinement.pids_max,
            inside: false,
            left_bytes: None,
            limits: None,
            leave_at: None,
        };
        opened.make_ready();
        opened
    }

    /// Makes the group ready for the next job, and waits in it.
    pub(crate) fn make_ready(&mut self) {
        self.leave_at = None;
        let is_limited = self.limits.is_some_and(|limits| limits.memory_bytes > 0);
        self.left_bytes = if self.inside && !is_limited { self.figures.reset_peak() } else { None };
        if self.left_bytes.is_none() {
            self.make_fresh();
        }
    }

    /// Makes the group as if nothing had run in it.
    fn make_fresh(&mut self) {
        let Some(group) = &self.group else { return };
        (self.left_bytes, self.limits) = (None, None);
        let entered = group.enter_fresh(self.inside);
        if let Err(error) = &entered {
            tracing::warn!("the next job of this slot has no control group of its own: {error}");
            self.leave();
        }
        self.inside = entered.is_ok();
        self.figures =
            self.group.as_ref().filter(|_| self.inside).map(|group| group.figures().into()).unwrap_or_default();
    }

    /// Sets the limits of a job that is to be started now; with what measures it.
    pub(crate) fn begin(&mut self, spec: &JobSpec) -> Meter {
        if !self.inside || (spec.memory_bytes > 0 && self.left_bytes.is_some()) {
            self.make_fresh();
        }
        let Some(group) = self.group.as_ref().filter(|_| self.inside) else { return Meter::default() };
        let limits = Limits { memory_bytes: spec.memory_bytes, cpus: spec.cpus.into(), pids: self.pids_max };
        let is_kept = self.limits != Some(limits)
            && group.limit(limits).unwrap_or_else(|error| {
                tracing::warn!("no limit of memory is kept: {error}");
                false
            });
        self.limits = Some(limits);
        let limit_bytes = if is_kept { spec.memory_bytes } else { 0 };
        let left_bytes = self.left_bytes.take().unwrap_or(0);
        Meter::begin(Arc::clone(group), Arc::clone(&self.figures), left_bytes, limit_bytes)
    }

    /// A job was started in it.
    pub(crate) fn on_started(&mut self, is_limited: bool, now: Mono) {
        if is_limited {
            self.leave();
        } else if self.inside {
            self.leave_at = Some(now.after_ms(LEAVE_AFTER_MS));
        }
    }

    /// In how many milliseconds it is to be left.
    pub(crate) fn wait_ms(&self, now: Mono) -> Option<u64> {
        self.leave_at.map(|at| at.since_ms(now))
    }

    /// Leaves it if it is time to.
    pub(crate) fn leave_in_time(&mut self, now: Mono) {
        if self.leave_at.is_some_and(|at| now >= at) {
            self.leave();
        }
    }

    pub(crate) fn leave(&mut self) {
        self.leave_at = None;
        if let Some(group) = self.group.as_ref().filter(|_| self.inside) {
            match group.leave() {
                Ok(()) => self.inside = false,
                Err(error) => tracing::warn!("this process stays in the control group of its job: {error}"),
            }
        }
    }

    /// Whether what runs in it can be frozen without this process.
    pub(crate) const fn is_left(&self) -> bool {
        !self.inside
    }

    /// Takes it away.
    pub(crate) fn close(&mut self) {
        self.leave();
        self.group.iter().for_each(|group| group.remove());
    }
}
