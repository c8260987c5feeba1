//! Everything that can reach the console, as one enum, and the time at which it did.
//!
//! Whoever sends a message has already done what needs a terminal, a network or a clock.

use c2_shared::api::events::Event;
use c2_shared::api::jobs::{JobInfo, JobRow};
use c2_shared::id::JobId;
use c2_shared::time::Mono;
use crossterm::event::KeyEvent;

use crate::app::cache::WaitKey;
use crate::app::figures::Figures;
use crate::app::focus::Focus;
use crate::app::keymap::Action;
use crate::app::pager::Chunk;
use crate::app::report::{DocumentId, Fault, Report, RunId};
use crate::app::watch::Tally;

#[derive(Clone, Debug)]
pub(crate) enum Msg {
    /// A key was pressed or repeats.
    Key(KeyEvent),
    /// Text was pasted as a whole.
    Paste(String),
    /// Letters came faster than anybody types.
    Burst(String),
    /// The mouse did something over `target`, found in the hit map of the last frame.
    Mouse {
        gesture: Gesture,
        target: Target,
    },
    /// The terminal has this size now.
    Resize {
        width: u16,
        height: u16,
    },
    /// The time that [`crate::app::Model::next_wake`] asked for has come.
    Tick,
    /// The event stream is being opened.
    Connecting {
        /// Where c2d is looked for now, as `host:port`.
        server: String,
    },
    /// The event stream is open; a snapshot follows.
    Connected,
    /// The event stream is open, and c2d has not been heard since, though it was asked.
    Silent {
        since: Mono,
    },
    /// c2d answered after it had been silent.
    Heard,
    /// The event stream is not open, and will be tried again.
    Disconnected {
        /// Why, in the client's words.
        fault: Fault,
        /// When it will be tried again.
        retry_at: Mono,
        /// Whether the operator must do something about it first.
        lasts: bool,
    },
    /// c2d sent this.
    Event(Event),
    Finished {
        run: RunId,
        report: Report,
    },
    /// A command that runs says how far it is, or what is to be known about what it did.
    Noted {
        run: RunId,
        line: String,
    },
    /// One command of several that were started together ended; `None` when all have.
    Bulk {
        run: RunId,
        /// The line and what came of it.
        one: Option<(String, Report)>,
    },
    Fetched {
        job: JobId,
        /// The job, or why not.
        info: Result<Box<JobInfo>, Fault>,
    },
    /// Why a job waits that is the first of those that wait for the same.
    Why {
        wait: WaitKey,
        job: JobId,
        /// In one line; nothing where c2d did not say it.
        words: Option<String>,
    },
    /// Jobs that ended before those that were told, the latest last.
    Rows(Vec<JobRow>),
    /// Figures of the past that were asked for.
    Figures(Figures),
    /// Something about an output that was opened.
    Output {
        document: DocumentId,
        news: News,
    },
    Saved {
        what: Saved,
        path: String,
        /// What came of it.
        ending: SaveEnding,
    },
    /// Lines of earlier sessions, oldest first.
    History(Vec<String>),
    /// The names in a local folder, for completion; folders end in `/`.
    Folder {
        folder: String,
        names: Vec<String>,
    },
    /// Something that the operator should know, from the event loop.
    Notice(String),
}

/// What became known of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It has this many bytes.
    Grown(u64),
    /// So many bytes of it were known before, the last of them since then.
    Known {
        len: u64,
        wall_ms: u64,
    },
    /// It was written anew; what was known of it is no longer true.
    Anew,
    Chunks(Vec<Chunk>),
    /// Lines in its chunks from one on.
    Counted {
        /// The first of these chunks.
        from: u64,
        counts: Vec<u32>,
    },
    /// On so many workers it ended so.
    Tally(Tally),
    /// Whatever more comes will be heard.
    Open,
    /// So many bytes were dropped from it.
    Gap {
        /// Behind this line, counted from 1.
        after_line: u64,
        bytes: u64,
    },
    /// Nothing more comes; how it ended.
    Ended(String),
    /// It cannot be had.
    Failed(Fault),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    Text(Vec<u8>),
    Output(DocumentId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SaveEnding {
    Done(u64),
    /// There is such a file already, and nothing was written.
    Exists,
    Failed(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gesture {
    /// The left button went down.
    Press,
    /// It went down twice within the time of a double click.
    Double,
    /// The wheel was turned by this many rows, down being positive.
    Wheel(i16),
}

/// What a place on the screen stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Nowhere,
    /// A pane, the line or another part that can have the focus.
    Area(Focus),
    /// The row at this position of the table that has this focus.
    Row(Focus, usize),
    Head(Focus, usize),
    Chip(usize),
    Hint(Action),
    /// An entry of the list that lies over the screen.
    Choice(usize),
    /// A run in a timeline, by its place in the list of spans.
    Span(usize),
    /// The cell of the `!>` line this many columns from the start of its text.
    Caret(u16),
}
