//! The `!>` line: an editor with readline's keys, history, completion and advice.

mod advice;
mod complete;
mod editor;
mod history;
mod kill;

pub use advice::{Advice, advise};
pub use complete::{Choice, Completion, Source, complete};
pub use editor::{Edit, Editor};
pub use history::{HISTORY_LINES_MAX, History, Search};

/// Everything about the line that is being typed.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The text and the caret.
    pub editor: Editor,
    /// Earlier lines.
    pub history: History,
    /// The incremental search that Ctrl-R began.
    pub search: Option<Search>,
    /// The menu that Tab opened.
    pub menu: Option<Menu>,
}

/// An open completion menu.
#[derive(Clone, Debug)]
pub struct Menu {
    /// What can be chosen, and for which part of the line.
    pub completion: Completion,
    /// The chosen entry; none before the first move.
    pub at: Option<usize>,
}

impl Line {
    /// The rest of the latest earlier line that begins as this one does.
    #[must_use]
    pub fn ghost(&self) -> Option<&str> {
        let text = self.editor.text();
        if text.is_empty() || !self.editor.at_end() || self.menu.is_some() || self.search.is_some() {
            return None;
        }
        self.history.suggest(text).and_then(|line| line.strip_prefix(text))
    }

    /// Takes the text away, as after Enter, and leaves every mode.
    pub fn take(&mut self) -> String {
        let text = self.editor.text().to_owned();
        self.editor = Editor::keeping_kills(&mut self.editor);
        self.history.stop_walking();
        self.search = None;
        self.menu = None;
        text
    }
}
