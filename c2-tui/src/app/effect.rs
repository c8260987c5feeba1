//! What the core asks the runner to do; each answer comes back as a message.

use c2_shared::id::JobId;

use crate::app::msg::RunId;

/// A deed in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Parse and execute a line; answers with `Msg::Finished`.
    Execute {
        /// Names the run.
        run: RunId,
        /// The line.
        line: String,
    },
    /// Execute lines one after the other, whatever becomes of each; answers with `Msg::Bulk`.
    ExecuteAll {
        /// Names the run.
        run: RunId,
        /// The lines.
        lines: Vec<String>,
    },
    /// Stop waiting for a run.
    Abort(RunId),
    /// Fetch a job in full; answers with `Msg::Fetched`.
    Fetch(JobId),
    /// Open the event stream now instead of at the time that was announced.
    RetryNow,
    /// Add a line to the history file.
    Remember(String),
    /// List a local folder; answers with `Msg::Folder`.
    ListFolder(String),
    /// Put text into the terminal's clipboard.
    Copy(String),
    /// Take or give back the mouse, so that the terminal's own selection works.
    CaptureMouse(bool),
    /// Draw everything anew, as if the terminal held garbage.
    Repaint,
    /// Hand the terminal back to the shell until `fg`.
    Suspend,
    /// End the console.
    Quit,
}
