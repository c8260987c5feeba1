//! Figures of the past, which c2d tells when it is asked: asked for only while they are in sight, and
//! again only when jobs have changed.

use c2_shared::api::figures::{Stats, Timeline};
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
}

/// What c2d told.
#[derive(Clone, Debug)]
pub(crate) enum Figures {
    Stats(Stats),
    Timeline(Timeline),
    Failed(Asked, Fault),
}

/// Between two questions while something is in sight.
const AGAIN_MS: u64 = 3_000;

/// How fresh it is what is in sight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Freshness {
    asked: Option<Mono>,
    is_stale: bool,
    is_told: bool,
}

impl Freshness {
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

    /// When it is to be asked for; never as long as nothing has changed.
    pub(crate) fn due(&self) -> Option<Mono> {
        match self.asked {
            None => Some(Mono::default()),
            Some(asked) => self.is_stale.then(|| asked.after_ms(AGAIN_MS)),
        }
    }
}
