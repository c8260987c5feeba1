//! The pages over the panes, one on top of the other. Each was opened from somewhere, the `!>`
//! line or a pane or the page below, and gives the keys back there when it is left.

use crate::app::focus::Focus;
use crate::app::page::Page;

/// The pages that are open, the uppermost last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages(Vec<Opened>);

#[derive(Clone, Debug)]
struct Opened {
    page: Page,
    from: Focus,
}

impl Pages {
    /// Opens a page over the others, from the part that has the keys now.
    pub(crate) fn open(&mut self, page: Page, from: Focus) {
        self.0.push(Opened { page, from });
    }

    /// Puts another page in the place of the uppermost one.
    pub(crate) fn replace(&mut self, page: Page) {
        if let Some(last) = self.last_mut() {
            *last = page;
        }
    }

    /// Closes the uppermost page; answers it and the part that gets the keys back.
    pub(crate) fn close(&mut self) -> Option<(Page, Focus)> {
        self.0.pop().map(|Opened { page, from }| (page, from))
    }

    pub(crate) fn close_all(&mut self) -> impl Iterator<Item = Page> {
        self.0.drain(..).map(|opened| opened.page)
    }

    /// The part from which the lowest page was opened.
    pub(crate) fn origin(&self) -> Option<Focus> {
        self.0.first().map(|opened| opened.from)
    }

    pub(crate) fn last(&self) -> Option<&Page> {
        self.0.last().map(|opened| &opened.page)
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut Page> {
        self.0.last_mut().map(|opened| &mut opened.page)
    }

    /// All pages, the lowest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Page> {
        self.0.iter().map(|opened| &opened.page)
    }

    /// The same, to change them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Page> {
        self.0.iter_mut().map(|opened| &mut opened.page)
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
