//! The `!>` line: an editor with readline's keys, history, completion and advice.

mod advice;
mod complete;
mod editor;
mod history;
mod kill;

pub(crate) use advice::{Advice, advise};
pub(crate) use complete::{Completion, Source, Wanted, complete, operand_at_end};
pub(crate) use editor::{CHARS_MAX, Edit, Editor};
pub(crate) use history::{HISTORY_LINES_MAX, History, Search};

/// Everything about the line that is being typed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) editor: Editor,
    pub(crate) history: History,
    /// The incremental search that Ctrl-R began.
    pub(crate) search: Option<Search>,
    /// The menu that Tab opened.
    pub(crate) menu: Option<Menu>,
}

#[derive(Clone, Debug)]
pub(crate) struct Menu {
    /// What can be chosen, and for which part of the line.
    pub(crate) completion: Completion,
    /// The chosen entry; none before the first move.
    pub(crate) at: Option<usize>,
}

impl Line {
    /// The rest of the latest earlier line that begins as this one does.
    pub(crate) fn ghost(&self) -> Option<&str> {
        let text = self.editor.text();
        if text.is_empty() || !self.editor.at_end() || self.menu.is_some() || self.search.is_some() {
            return None;
        }
        self.history.suggest(text).and_then(|line| line.strip_prefix(text))
    }

    /// Takes the text away, as after Enter, and leaves every mode.
    pub(crate) fn take(&mut self) -> String {
        let text = self.editor.text().to_owned();
        self.editor = Editor::keeping_kills(&mut self.editor);
        self.history.stop_walking();
        self.search = None;
        self.menu = None;
        text
    }
}
