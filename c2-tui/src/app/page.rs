//! Pages: what opens over the panes when a row is opened, one on top of the other.
//!
//! A worker's page holds its jobs, a job's page what c2d knows of it over what it writes, an output
//! page what it writes alone; others show what ran where, jobs that
//! failed alike, and schedules. Closing a page comes back to the exact view below, because that was never touched;
//! the stack of them is [`crate::app::pages`].

use std::net::IpAddr;

use c2_shared::api::jobs::JobInfo;
use c2_shared::id::{JobId, WorkerId};

use crate::app::cache::{Cache, Job, JobScope};
use crate::app::figures::{Asked, Freshness};
use crate::app::keymap::Context;
use crate::app::listing::Listing;
use crate::app::live::Live;
use crate::app::pager::Pager;
use crate::app::panes::jobs;
use crate::app::report::{DocumentId, Fault};
use crate::app::table::{Grid, Table};
use crate::app::text;
use crate::app::timeline::Timeline;
use crate::app::watch::Watch;

#[derive(Clone, Debug)]
pub(crate) enum Page {
    Worker {
        id: WorkerId,
        /// Its address when the page was opened.
        ip: IpAddr,
        jobs: Table<Job>,
    },
    Job {
        /// All that c2d knows, once it was fetched.
        info: Loaded,
        /// What it writes.
        live: Live,
    },
    /// Rows that c2d tells when it is asked.
    List(Listing),
    /// Jobs that failed alike.
    Alike {
        /// What they wrote last.
        line: String,
        /// All of them, whether they are here or not.
        ids: Vec<JobId>,
        jobs: Table<Job>,
    },
    Timeline(Box<Timeline>),
    /// What a job writes, and nothing else.
    Output(Live),
    /// A command that gives its lines while it runs.
    Watch(Box<Watch>),
    Text {
        title: String,
        text: Pager,
    },
}

/// Something that was asked of c2d.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Loaded {
    /// The answer is not here yet.
    Waiting,
    Here(Box<JobInfo>),
    Failed(Fault),
}

impl Page {
    pub(crate) fn worker(id: WorkerId, ip: IpAddr) -> Self {
        let jobs = Table::new(jobs::COLUMNS, JobScope::On(id.clone()), jobs::STATE, false);
        Self::Worker { id, ip, jobs }
    }

    pub(crate) fn alike(line: String, ids: Vec<JobId>) -> Self {
        let jobs = Table::new(jobs::COLUMNS, JobScope::These(ids.iter().copied().collect()), 0, true);
        Self::Alike { line, ids, jobs }
    }

    /// Its step in the path of pages.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Worker { ip, .. } => ip.to_string(),
            Self::Job { live, .. } => live.job.to_string(),
            Self::List(list) => list.of.source().title().to_owned(),
            Self::Alike { line, .. } => text::sanitize(line),
            Self::Timeline(_) => "timeline".to_owned(),
            Self::Output(live) => live.shown.word().to_owned(),
            Self::Watch(watch) => text::sanitize(&watch.line.text),
            Self::Text { title, .. } => title.clone(),
        }
    }

    pub(crate) fn about(&self) -> Option<JobId> {
        match self {
            Self::Timeline(timeline) => timeline.selected(),
            other => other.live().map(|live| live.job),
        }
    }

    /// The keys that act on it, the nearest first.
    pub(crate) fn keys(&self) -> &'static [Context] {
        match self {
            Self::Worker { .. } | Self::Alike { .. } => {
                &[Context::Rows, Context::Jobs, Context::JobRows, Context::Table, Context::Pane]
            }
            Self::List(list) => list.of.source().keys(),
            Self::Timeline(_) => &[Context::Timeline, Context::Rows, Context::Jobs, Context::Pane],
            Self::Job { .. } => &[Context::Job, Context::Output, Context::Jobs, Context::Pager, Context::Pane],
            Self::Output(_) => &[Context::Output, Context::Jobs, Context::Pager, Context::Pane],
            Self::Watch(watch) if watch.is_running() => {
                &[Context::Running, Context::Watch, Context::Pager, Context::Pane]
            }
            Self::Watch(_) => &[Context::Watch, Context::Pager, Context::Pane],
            Self::Text { .. } => &[Context::Pager, Context::Pane],
        }
    }

    /// Its table.
    pub(crate) fn grid(&self) -> Option<&dyn Grid<Cache>> {
        match self {
            Self::Worker { jobs, .. } | Self::Alike { jobs, .. } => Some(jobs),
            Self::List(list) => Some(&*list.rows),
            _ => None,
        }
    }

    /// The same, to change it.
    pub(crate) fn grid_mut(&mut self) -> Option<&mut dyn Grid<Cache>> {
        match self {
            Self::Worker { jobs, .. } | Self::Alike { jobs, .. } => Some(jobs),
            Self::List(list) => Some(&mut *list.rows),
            _ => None,
        }
    }

    /// Its table of jobs, which follows each change of a job.
    pub(crate) const fn jobs_mut(&mut self) -> Option<&mut Table<Job>> {
        match self {
            Self::Worker { jobs, .. } | Self::Alike { jobs, .. } => Some(jobs),
            _ => None,
        }
    }

    /// What is asked of c2d for it, and how fresh that is.
    pub(crate) fn asks(&self) -> Option<(Asked, &Freshness)> {
        match self {
            Self::List(list) => Some((list.of.source().asks(), &list.freshness)),
            Self::Timeline(timeline) => Some((Asked::Timeline { since_s: timeline.since_s }, &timeline.freshness)),
            _ => None,
        }
    }

    pub(crate) const fn freshness_mut(&mut self) -> Option<&mut Freshness> {
        match self {
            Self::List(list) => Some(&mut list.freshness),
            Self::Timeline(timeline) => Some(&mut timeline.freshness),
            _ => None,
        }
    }

    /// Takes why c2d did not tell it.
    pub(crate) fn fail(&mut self, why: &Fault) {
        match self {
            Self::List(list) => list.fault = Some(why.clone()),
            Self::Timeline(timeline) => timeline.fault = Some(why.clone()),
            _ => {}
        }
    }

    /// The output that the event loop keeps for it.
    pub(crate) fn document(&self) -> Option<DocumentId> {
        match self {
            Self::Watch(watch) => Some(watch.document),
            other => other.live().map(|live| live.document),
        }
    }

    pub(crate) const fn text(&self) -> Option<&Pager> {
        match self {
            Self::Job { live, .. } | Self::Output(live) => Some(&live.text),
            Self::Text { text, .. } => Some(text),
            Self::Watch(watch) => Some(watch.text()),
            _ => None,
        }
    }

    pub(crate) const fn text_mut(&mut self) -> Option<&mut Pager> {
        match self {
            Self::Job { live, .. } | Self::Output(live) => Some(&mut live.text),
            Self::Text { text, .. } => Some(text),
            Self::Watch(watch) => Some(watch.text_mut()),
            _ => None,
        }
    }

    /// The job's output that it shows.
    pub(crate) const fn live(&self) -> Option<&Live> {
        match self {
            Self::Job { live, .. } | Self::Output(live) => Some(live),
            _ => None,
        }
    }

    /// The same, to change it.
    pub(crate) const fn live_mut(&mut self) -> Option<&mut Live> {
        match self {
            Self::Job { live, .. } | Self::Output(live) => Some(live),
            _ => None,
        }
    }
}
