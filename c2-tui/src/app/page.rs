//! Pages: what opens over the panes when a row is opened, one on top of the other.
//!
//! A worker's page holds its jobs, a job's page what c2d knows of it, an output page all that the
//! job wrote. Closing a page comes back to the exact view below, because that was never touched;
//! the stack of them is [`crate::app::pages`].

use std::net::IpAddr;

use c2_shared::api::jobs::{JobInfo, Stream};
use c2_shared::id::{JobId, WorkerId};
use c2_shared::time;

use crate::app::cache::{Job, JobScope};
use crate::app::glyphs::Glyphs;
use crate::app::pager::{self, Pager};
use crate::app::panes::jobs;
use crate::app::report::{DocumentId, Fault};
use crate::app::table::Table;
use crate::app::text;
use crate::app::watch::Watch;
use crate::render::overwritten;

/// Lines of output on a job's page; all of it stands on the output page.
const TAIL_LINES: usize = 200;

#[derive(Clone, Debug)]
pub(crate) enum Page {
    Worker {
        id: WorkerId,
        /// Its address when the page was opened.
        ip: IpAddr,
        jobs: Table<Job>,
    },
    Job {
        id: JobId,
        /// All that c2d knows, once it was fetched.
        info: Loaded,
        /// What it wrote, and its attempts.
        text: Pager,
    },
    /// What a job wrote.
    Output {
        id: JobId,
        /// The name under which the event loop keeps it.
        document: DocumentId,
        /// Which of its streams.
        shown: Shown,
        text: Pager,
    },
    /// A command that gives its lines while it runs.
    Watch(Box<Watch>),
    Text {
        title: String,
        text: Pager,
    },
}

/// Which streams of a job an output page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Standard output and then standard error.
    #[default]
    Both,
    One(Stream),
}

impl Shown {
    /// What `o` goes to from here.
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Both => Self::One(Stream::Stdout),
            Self::One(Stream::Stdout) => Self::One(Stream::Stderr),
            Self::One(Stream::Stderr) => Self::Both,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Both => "output",
            Self::One(Stream::Stdout) => "stdout",
            Self::One(Stream::Stderr) => "stderr",
        }
    }
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
        let jobs = Table::new(jobs::COLUMNS, JobScope::On(id.clone()), 0, true);
        Self::Worker { id, ip, jobs }
    }

    /// The page of a job that is being fetched.
    pub(crate) fn job(id: JobId) -> Self {
        Self::Job { id, info: Loaded::Waiting, text: Pager::new(b"") }
    }

    /// Its step in the path of pages.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Worker { ip, .. } => ip.to_string(),
            Self::Job { id, .. } => id.to_string(),
            Self::Output { shown, .. } => shown.word().to_owned(),
            Self::Watch(watch) => text::sanitize(&watch.line.text),
            Self::Text { title, .. } => title.clone(),
        }
    }

    pub(crate) const fn about(&self) -> Option<JobId> {
        match self {
            Self::Job { id, .. } | Self::Output { id, .. } => Some(*id),
            Self::Worker { .. } | Self::Watch(_) | Self::Text { .. } => None,
        }
    }

    /// The output that the event loop keeps for it.
    pub(crate) const fn document(&self) -> Option<DocumentId> {
        match self {
            Self::Output { document, .. } => Some(*document),
            Self::Watch(watch) => Some(watch.document),
            Self::Worker { .. } | Self::Job { .. } | Self::Text { .. } => None,
        }
    }

    pub(crate) const fn text(&self) -> Option<&Pager> {
        match self {
            Self::Job { text, .. } | Self::Output { text, .. } | Self::Text { text, .. } => Some(text),
            Self::Watch(watch) => Some(watch.text()),
            Self::Worker { .. } => None,
        }
    }

    pub(crate) const fn text_mut(&mut self) -> Option<&mut Pager> {
        match self {
            Self::Job { text, .. } | Self::Output { text, .. } | Self::Text { text, .. } => Some(text),
            Self::Watch(watch) => Some(watch.text_mut()),
            Self::Worker { .. } => None,
        }
    }

    /// Takes the answer to a fetch.
    pub(crate) fn load(&mut self, answer: Result<Box<JobInfo>, Fault>, glyphs: &Glyphs) {
        match (self, answer) {
            (Self::Job { info, text, .. }, Ok(job)) => {
                text.set_text(summary(&job, glyphs).join("\n").as_bytes());
                *info = Loaded::Here(job);
            }
            (Self::Job { info, text, .. }, Err(fault)) => {
                let hint = fault.hint.clone().map(|h| format!("hint: {h}"));
                let lines: Vec<String> = std::iter::once(fault.message.clone()).chain(hint).collect();
                text.set_text(lines.join("\n").as_bytes());
                *info = Loaded::Failed(fault);
            }
            (Self::Worker { .. } | Self::Output { .. } | Self::Watch(_) | Self::Text { .. }, _) => {}
        }
    }
}

/// The text of a job's page below its facts.
fn summary(job: &JobInfo, glyphs: &Glyphs) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push("command".to_owned());
    lines.extend(text::lines(&job.spec.command).into_iter().map(|l| format!("  {l}")));
    if !job.spec.depends.is_empty() {
        let depends: Vec<String> = job.spec.depends.iter().map(ToString::to_string).collect();
        lines.extend([String::new(), "after".to_owned(), format!("  {}", text::sanitize(&depends.join(", ")))]);
    }
    if !job.attempts.is_empty() {
        lines.extend([String::new(), "attempts".to_owned()]);
    }
    for attempt in &job.attempts {
        let ended = match (attempt.ended_ms, &attempt.outcome) {
            (Some(_), Some(outcome)) => {
                format!("{outcome} after {}", attempt.ran_ms().map_or_else(|| "?".to_owned(), time::span))
            }
            _ => "running".to_owned(),
        };
        lines.push(format!("  {}  on {}  {} {}", attempt.number, attempt.worker, glyphs.dot, text::sanitize(&ended)));
    }
    let streams = [
        ("output", &job.stdout, job.stdout_hidden, job.stdout_dropped),
        ("errors", &job.stderr, job.stderr_hidden, job.stderr_dropped),
    ];
    for (name, stream, not_shown, dropped) in streams {
        // Its colours stay; the pager takes every other escape away.
        let all: Vec<&str> = stream.lines().collect();
        let hidden = all.len().saturating_sub(TAIL_LINES);
        if !all.is_empty() {
            // Of a very long one it is not known here how many lines it has, nor after which one of them
            // something is missing.
            let of = if not_shown > 0 { "lines".to_owned() } else { format!("of {} lines", all.len()) };
            let missing = match (not_shown, dropped) {
                (0, _) => pager::missing(stream),
                (_, 0) => None,
                (_, bytes) => Some(format!("{bytes} bytes missing")),
            };
            let head = match missing {
                _ if hidden == 0 => name.to_owned(),
                None => format!("{name}  (last {TAIL_LINES} {of})"),
                Some(missing) => format!("{name}  (last {TAIL_LINES} {of}, {missing})"),
            };
            lines.extend([String::new(), head]);
            lines.extend(all.into_iter().skip(hidden).map(|line| format!("  {}", overwritten(line))));
        }
    }
    lines
}
