//! What a job uses, and whether that was more than it may.

use std::sync::Arc;

use c2_shared::job::Outcome;

use crate::cgroup::{Figures, Group};
use crate::supervise::reap::Used;

/// Of a limit in hundredths, what counts as all of it: the kernel gives memory out in pieces.
const FULL_PERCENT: u64 = 90;

/// Measures one job: by its control group, where it has one, else by what its processes said at their ends.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    group: Option<Arc<Group>>,
    figures: Arc<Figures>,
    /// Memory that was used in the group before it.
    left_bytes: u64,
    /// What of memory it may use; 0 if nothing says.
    limit_bytes: u64,
    /// What the figures of the group were before it.
    cpu_us_before: u64,
    oom_kills_before: u64,
    reaped: Used,
}

impl Meter {
    /// Begins with a group in which nothing of the job has run yet.
    pub(crate) fn begin(group: Arc<Group>, figures: Arc<Figures>, left_bytes: u64, limit_bytes: u64) -> Self {
        let (cpu_us_before, oom_kills_before) = (figures.cpu_us().unwrap_or(0), figures.oom_kills());
        let reaped = Used::default();
        Self { group: Some(group), figures, left_bytes, limit_bytes, cpu_us_before, oom_kills_before, reaped }
    }

    /// A process of the job has ended.
    pub(crate) fn add(&mut self, used: Used) {
        self.reaped.add(used);
    }

    pub(crate) const fn has_limit(&self) -> bool {
        self.limit_bytes > 0
    }

    pub(crate) fn group(&self) -> Option<&Group> {
        self.group.as_deref()
    }

    /// The outcome of a job of which the kernel killed something as memory was short.
    pub(crate) fn out_of_memory(&self) -> Option<Outcome> {
        if self.figures.oom_kills() <= self.oom_kills_before {
            return None;
        }
        let peak_bytes = self.peak_bytes();
        let met_its_limit = peak_bytes / FULL_PERCENT >= self.limit_bytes / 100;
        Some(Outcome::Oom { limit_bytes: if met_its_limit { self.limit_bytes } else { 0 }, peak_bytes })
    }

    /// The most memory that it used, in bytes, and the time of processors, in milliseconds; none where nothing
    /// was measured.
    pub(crate) fn figures(&self) -> (Option<u64>, Option<u64>) {
        let peak_bytes = self.peak_bytes();
        let of_group = self.figures.cpu_us().map(|us| us.saturating_sub(self.cpu_us_before));
        let cpu_us = of_group.unwrap_or(self.reaped.cpu_us);
        ((peak_bytes > 0).then_some(peak_bytes), (peak_bytes > 0 || cpu_us > 0).then_some(cpu_us / 1_000))
    }

    fn peak_bytes(&self) -> u64 {
        match self.figures.peak_bytes() {
            // The kernel takes memory for a group in advance: a small job may have found enough of it.
            Some(bytes) if bytes <= self.left_bytes => bytes,
            Some(bytes) => bytes - self.left_bytes,
            None => self.reaped.peak_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cgroup::Base;

    #[test]
    fn who_has_no_group_is_measured_by_its_processes() {
        let mut meter = Meter { limit_bytes: 5, ..Meter::default() };
        assert_eq!((meter.figures(), meter.out_of_memory()), ((None, None), None));
        meter.add(Used { peak_bytes: 4_096, cpu_us: 2_500 });
        assert_eq!(meter.figures(), (Some(4_096), Some(2)));
    }

    #[test]
    fn what_the_group_says_counts_before_that() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cgroup.subtree_control"), "memory").unwrap();
        let group = Base::find(dir.path(), "0::/", |_| true).unwrap().group("0123456789", 0);
        let folder = dir.path().join("c2-01234567-0");
        let figures = |peak: u64, usage_us: u64, kills: u64| {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("memory.peak"), peak.to_string()).unwrap();
            fs::write(folder.join("cpu.stat"), format!("usage_usec {usage_us}\n")).unwrap();
            fs::write(folder.join("memory.events"), format!("oom 1\noom_kill {kills}\n")).unwrap();
        };
        figures(0, 1_000_000, 1);
        let mut meter = Meter::begin(Arc::new(group.clone()), group.figures().into(), 0, 1_000);
        meter.add(Used { peak_bytes: 77, cpu_us: 5 });
        figures(990, 3_500_000, 1);
        assert_eq!((meter.figures(), meter.out_of_memory()), ((Some(990), Some(2_500)), None));
        figures(990, 3_500_000, 2);
        assert_eq!(meter.out_of_memory(), Some(Outcome::Oom { limit_bytes: 1_000, peak_bytes: 990 }));
        figures(400, 3_500_000, 2);
        assert_eq!(Meter { left_bytes: 390, ..meter }.figures().0, Some(10), "what was there before is no use of it");
        let meter = Meter::begin(Arc::new(group.clone()), group.figures().into(), 0, 1_000);
        figures(400, 3_500_000, 3);
        let of_machine = Outcome::Oom { limit_bytes: 0, peak_bytes: 400 };
        assert_eq!(meter.out_of_memory(), Some(of_machine), "it was far below its own limit");
    }
}
