//! Figures of the past, and schedules, which c2d tells when it is asked: asked for only while they are in
//! sight, and again when jobs have changed.

use c2_shared::api::figures::{Stats, Timeline};
use c2_shared::api::notifications::NotificationList;
use c2_shared::api::schedules::ScheduleList;
use c2_shared::time::Mono;

use crate::app::report::Fault;

/// What is asked of c2d.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// How long jobs take by their names, and why jobs failed.
    Stats,
    /// What ran where in so many seconds.
    Timeline {
        /// Seconds.
        since_s: u64,
    },
    /// What it submits by itself.
    Schedules,
    /// Whom it tells of what.
    Notifications,
}

/// What c2d told.
#[derive(Clone, Debug)]
pub(crate) enum Figures {
    Stats(Stats),
    Timeline(Timeline),
    Schedules(ScheduleList),
    Notifications(NotificationList),
    Failed(Asked, Fault),
}

impl Figures {
    /// The question that asked for names, to which this is the answer.
    pub(crate) const fn asked(&self) -> Option<Asked> {
        match self {
            Self::Schedules(_) => Some(Asked::Schedules),
            Self::Notifications(_) => Some(Asked::Notifications),
            Self::Failed(asked, _) => Some(*asked),
            Self::Stats(_) | Self::Timeline(_) => None,
        }
    }
}

/// Between two questions while something is in sight.
const AGAIN_MS: u64 = 3_000;
/// The same where others may have changed it, of which no job tells.
const UNTOLD_MS: u64 = 10_000;

/// How fresh it is what is in sight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Freshness {
    asked: Option<Mono>,
    /// Whether it changes without a job that does.
    is_fickle: bool,
    is_stale: bool,
    is_told: bool,
}

impl Freshness {
    /// Of what changes without a job that does.
    pub(crate) fn fickle() -> Self {
        Self { is_fickle: true, ..Self::default() }
    }

    /// It is to be asked for at once.
    pub(crate) const fn ask_again(&mut self) {
        self.asked = None;
    }

    /// Jobs have changed since.
    pub(crate) const fn spoil(&mut self) {
        self.is_stale = true;
    }

    /// It was asked for.
    pub(crate) const fn ask(&mut self, now: Mono) {
        (self.asked, self.is_stale) = (Some(now), false);
    }

    /// Whether it was not told yet.
    pub(crate) const fn is_awaited(&self) -> bool {
        !self.is_told
    }

    /// It is here.
    pub(crate) const fn tell(&mut self) {
        self.is_told = true;
    }

    /// When it is to be asked for; never as long as nothing can have changed.
    pub(crate) fn due(&self) -> Option<Mono> {
        match self.asked {
            None => Some(Mono::default()),
            Some(asked) if self.is_stale => Some(asked.after_ms(AGAIN_MS)),
            Some(asked) => self.is_fickle.then(|| asked.after_ms(UNTOLD_MS)),
        }
    }
}
