//! What the core asks the event loop to do; each answer comes back as a message.

use c2_shared::id::JobId;
use c2_shared::job::JobState;

use crate::app::cache::WaitKey;
use crate::app::figures::Asked;
use crate::app::live::Shown;
use crate::app::msg::Saved;
use crate::app::preferences::Preferences;
use crate::app::report::{DocumentId, RunId};
use crate::command::Entered;

/// Something to be done in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Execute a line; answers with `Msg::Finished`.
    Execute {
        run: RunId,
        line: Entered,
    },
    /// Execute lines one after the other, whatever becomes of each; answers with `Msg::Bulk`.
    ExecuteAll {
        run: RunId,
        lines: Vec<Entered>,
    },
    /// Execute a line whose lines go into an output of this name as they come; answers with
    /// `Msg::Output` and at the end with `Msg::Finished`.
    Watch {
        run: RunId,
        /// Names what it gives.
        document: DocumentId,
        line: Entered,
    },
    /// Ask a run to end early and to keep what came.
    Interrupt(RunId),
    /// Stop waiting for a run.
    Abort(RunId),
    /// Fetch a job in full; answers with `Msg::Fetched`.
    Fetch(JobId),
    /// Fetch jobs that ended earlier, the latest first, of one state or of all; answers with `Msg::Rows` for
    /// each part of them.
    FetchEnded(Option<JobState>),
    /// Ask why a job waits, which is the first of those that wait for the same; answers with `Msg::Why`.
    Why {
        wait: WaitKey,
        job: JobId,
    },
    /// Ask for figures of the past; answers with `Msg::Figures`.
    Ask(Asked),
    /// Follow what a job writes and keep it under this name; answers with `Msg::Output` whenever more
    /// of it has come.
    OpenOutput {
        document: DocumentId,
        job: JobId,
        /// Which of its streams.
        shown: Shown,
    },
    /// Read these blocks of an output; answers with `Msg::Output`.
    ReadBlocks {
        document: DocumentId,
        blocks: Vec<u64>,
    },
    CloseOutput(DocumentId),
    /// Write to a file; answers with `Msg::Saved`.
    Save {
        what: Saved,
        path: String,
        /// Whether it may exist.
        overwrite: bool,
    },
    /// Open the event stream now instead of at the time that was announced.
    RetryNow,
    /// Keep what the operator chose for the next session.
    Keep(Preferences),
    /// Add a line to the history file.
    Remember(String),
    /// List a local folder; answers with `Msg::Folder`.
    ListFolder(String),
    /// Put text into the terminal's clipboard.
    Copy(String),
    /// Ring the terminal's bell and have it tell this.
    Ring(String),
    /// Take or give back the mouse, so that the terminal's own selection works.
    CaptureMouse(bool),
    /// Draw everything anew, as if the terminal held garbage.
    Repaint,
    /// Hand the terminal back to the shell until `fg`.
    Suspend,
    Quit,
}
