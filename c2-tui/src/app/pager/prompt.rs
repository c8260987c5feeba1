//! What is typed in the pager: patterns and the name of a file.

use super::command::{Command, Hunt, Motion, Wish};
use super::pattern::Pattern;
use super::search::Search;
use super::view::Pager;
use super::walk::Spot;
use crate::app::line::{Edit, Editor};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A pattern to search, upwards or downwards.
    Search { back: bool },
    /// A pattern that lines must match.
    Filter,
    /// A file to write.
    Save,
}

/// A line that is being typed.
#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    pub(crate) ask: Ask,
    pub(crate) editor: Editor,
    /// What is wrong with it.
    pub(crate) error: Option<String>,
    /// The view and the search as they were before.
    before: (Spot, Option<Search>),
}

impl Ask {
    /// What stands in front of the text.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Search { back: false } => "/",
            Self::Search { back: true } => "?",
            Self::Filter => "&",
            Self::Save => "save to: ",
        }
    }
}

impl Pager {
    /// What is being typed.
    pub(crate) const fn prompt(&self) -> Option<&Prompt> {
        self.prompt.as_ref()
    }

    pub(super) fn ask(&mut self, command: Command) {
        let ask = match command {
            Command::SearchBack => Ask::Search { back: true },
            Command::Filter => Ask::Filter,
            Command::Save => Ask::Save,
            _ => Ask::Search { back: false },
        };
        let before = (self.top, self.search.clone());
        self.prompt = Some(Prompt { ask, editor: Editor::default(), error: None, before });
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        self.edit_prompt(|editor| _ = editor.insert(text));
    }

    /// A key that edits what is typed; rubbing out nothing gives up.
    pub(crate) fn edit(&mut self, edit: Edit) {
        let empty = self.prompt.as_ref().is_some_and(|p| p.editor.text().is_empty());
        if empty && edit == Edit::DeleteLeft {
            return self.dismiss();
        }
        self.edit_prompt(|editor| editor.apply(edit));
    }

    fn edit_prompt(&mut self, change: impl FnOnce(&mut Editor)) {
        let Some(prompt) = &mut self.prompt else { return };
        change(&mut prompt.editor);
        self.stale = true;
        let Ask::Search { back } = prompt.ask else { return };
        // The search runs along while it is typed, always from where it began.
        let text = prompt.editor.text().to_owned();
        let origin = prompt.before.0;
        if text.is_empty() {
            (self.top, self.search, prompt.error) = (origin, prompt.before.1.clone(), None);
            self.pending = None;
            return;
        }
        match Pattern::new(&text, self.options.exact) {
            Ok(pattern) => {
                prompt.error = None;
                self.search = Some(Search::new(pattern, back));
                self.search_among();
                self.top = origin;
                self.go(Motion::Find(Hunt::new(!back, origin.line, 0)), true);
            }
            Err(error) => prompt.error = Some(error),
        }
    }

    /// Gives up what is typed; the view is as before.
    pub(crate) fn dismiss(&mut self) {
        if let Some(prompt) = self.prompt.take() {
            (self.top, self.search) = prompt.before;
            self.pending = None;
            self.note = None;
            self.stale = true;
        }
    }

    /// Takes what was typed.
    pub(crate) fn accept(&mut self) {
        let Some(mut prompt) = self.prompt.take() else { return };
        let text = std::mem::take(&mut prompt.editor).text().to_owned();
        self.stale = true;
        match prompt.ask {
            Ask::Search { back } if text.is_empty() => {
                if let Some(search) = &mut self.search {
                    search.back = back;
                }
                self.find_next(true);
            }
            Ask::Search { .. } => match prompt.error {
                // The view stands where the match was found already, unless that is still pending.
                None => self.before = prompt.before.0,
                Some(error) => {
                    (self.top, self.search) = prompt.before;
                    self.note = Some(error);
                }
            },
            Ask::Filter if text.is_empty() || text == "!" => self.set_filter(None),
            Ask::Filter => match Pattern::new(&text, self.options.exact) {
                Ok(pattern) => self.set_filter(Some(pattern)),
                Err(error) => self.note = Some(error),
            },
            Ask::Save if text.trim().is_empty() => {}
            Ask::Save => self.wishes.push(Wish::Save(text.trim().to_owned())),
        }
    }
}
