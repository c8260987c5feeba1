//! Pages of rows that c2d tells when it is asked: which there are, and what all of them have in common.

use crate::app::cache::Cache;
use crate::app::figures::{Asked, Freshness};
use crate::app::keymap::Context;
use crate::app::panes::{Nothing, groups, schedules};
use crate::app::report::Fault;
use crate::app::table::Grid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Failures by their cause.
    Groups,
    /// What c2d submits by itself.
    Schedules,
}

/// What there is to know of such a page beside its rows; the file of its columns answers for it.
pub(crate) trait Source {
    /// Its step in the path of pages.
    fn title(&self) -> &'static str;

    fn asks(&self) -> Asked;

    /// Whether it changes without a job that does.
    fn is_fickle(&self) -> bool {
        false
    }

    /// Its table, as it is ordered at first.
    fn table(&self) -> Box<dyn Grid<Cache>>;

    /// The keys that act on its rows, the nearest first.
    fn keys(&self) -> &'static [Context];

    /// Why it has no rows, and what to do next.
    fn nothing(&self) -> Nothing;
}

/// Such a page.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) of: Listed,
    pub(crate) rows: Box<dyn Grid<Cache>>,
    pub(crate) freshness: Freshness,
    /// Why c2d did not tell it.
    pub(crate) fault: Option<Fault>,
}

impl Listed {
    pub(crate) const fn source(self) -> &'static dyn Source {
        match self {
            Self::Groups => &groups::Groups,
            Self::Schedules => &schedules::Schedules,
        }
    }
}

impl Listing {
    /// c2d has not answered yet.
    pub(crate) fn new(of: Listed) -> Self {
        let source = of.source();
        let freshness = if source.is_fickle() { Freshness::fickle() } else { Freshness::default() };
        Self { of, rows: source.table(), freshness, fault: None }
    }

    /// What c2d told lies in the cache.
    pub(crate) fn take(&mut self, cache: &Cache) {
        self.fault = None;
        self.freshness.tell();
        self.rows.rebuild(cache);
        self.rows.wake();
    }
}
