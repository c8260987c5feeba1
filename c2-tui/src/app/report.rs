//! What came of a command, and the names of what runs or was opened.

use c2_shared::id::JobId;

use crate::app::live::Shown;
use crate::command::CommandError;

/// Names one run of a command in this session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunId(pub(crate) u64);

/// Names an output that was opened in this session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DocumentId(pub(crate) u64);

/// What came of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Its text, without escapes.
    pub(crate) text: String,
    /// The outputs of several workers, equal ones together.
    pub(crate) fold: Option<String>,
    /// The job whose output was asked for: its page shows it.
    pub(crate) opens: Option<(JobId, Shown)>,
    /// What is to be read on a page of its own, under this title.
    pub(crate) page: Option<(String, Vec<u8>)>,
    /// Why it was refused or failed.
    pub(crate) fault: Option<Fault>,
    /// The exit status that the headless console would end with.
    pub(crate) status: i32,
}

/// Why something failed, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Lower case, no full stop.
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl From<CommandError> for Fault {
    fn from(error: CommandError) -> Self {
        let words: Vec<String> = std::iter::once(error.message).chain(error.details).collect();
        Self { message: words.join("\n"), hint: error.hint }
    }
}

impl Fault {
    /// Both in one line.
    pub(crate) fn words(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }
}
