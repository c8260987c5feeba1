//! Pages: what opens over the panes when a row is opened, one on top of the other.
//!
//! A worker's page holds its jobs, a job's page what c2d knows of it over what it writes, an output
//! page what it writes alone; others show what ran where, jobs that
//! failed alike, and schedules. Closing a page comes back to the exact view below, because that was never touched;
//! the stack of them is [`crate::app::pages`].

use std::net::IpAddr;

use c2_shared::api::jobs::JobInfo;
use c2_shared::id::{JobId, WorkerId};

use crate::app::cache::{Cache, Group, Job, JobScope, Schedule};
use crate::app::figures::{Asked, Freshness};
use crate::app::live::Live;
use crate::app::pager::Pager;
use crate::app::panes::{groups, jobs, schedules};
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
    /// Failures by their cause.
    Groups {
        groups: Table<Group>,
        freshness: Freshness,
        /// Why c2d did not tell them.
        fault: Option<Fault>,
    },
    /// Jobs that failed alike.
    Alike {
        /// What they wrote last.
        line: String,
        /// All of them, whether they are here or not.
        ids: Vec<JobId>,
        jobs: Table<Job>,
    },
    Timeline(Box<Timeline>),
    /// What c2d submits by itself.
    Schedules {
        schedules: Table<Schedule>,
        freshness: Freshness,
        /// Why c2d did not tell them.
        fault: Option<Fault>,
    },
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

    pub(crate) fn groups() -> Self {
        let groups = Table::new(groups::COLUMNS, (), groups::COUNT, true);
        Self::Groups { groups, freshness: Freshness::default(), fault: None }
    }

    pub(crate) fn schedules() -> Self {
        let schedules = Table::new(schedules::COLUMNS, (), schedules::NEXT, false);
        Self::Schedules { schedules, freshness: Freshness::fickle(), fault: None }
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
            Self::Groups { .. } => "failures".to_owned(),
            Self::Alike { line, .. } => text::sanitize(line),
            Self::Timeline(_) => "timeline".to_owned(),
            Self::Schedules { .. } => "schedules".to_owned(),
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

    /// Its table.
    pub(crate) const fn grid(&self) -> Option<&dyn Grid<Cache>> {
        match self {
            Self::Worker { jobs, .. } | Self::Alike { jobs, .. } => Some(jobs),
            Self::Groups { groups, .. } => Some(groups),
            Self::Schedules { schedules, .. } => Some(schedules),
            _ => None,
        }
    }

    /// The same, to change it.
    pub(crate) const fn grid_mut(&mut self) -> Option<&mut dyn Grid<Cache>> {
        match self {
            Self::Worker { jobs, .. } | Self::Alike { jobs, .. } => Some(jobs),
            Self::Groups { groups, .. } => Some(groups),
            Self::Schedules { schedules, .. } => Some(schedules),
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
    pub(crate) const fn asks(&self) -> Option<(Asked, &Freshness)> {
        match self {
            Self::Groups { freshness, .. } => Some((Asked::Stats, freshness)),
            Self::Schedules { freshness, .. } => Some((Asked::Schedules, freshness)),
            Self::Timeline(timeline) => Some((Asked::Timeline { since_s: timeline.since_s }, &timeline.freshness)),
            _ => None,
        }
    }

    pub(crate) const fn freshness_mut(&mut self) -> Option<&mut Freshness> {
        match self {
            Self::Groups { freshness, .. } | Self::Schedules { freshness, .. } => Some(freshness),
            Self::Timeline(timeline) => Some(&mut timeline.freshness),
            _ => None,
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
