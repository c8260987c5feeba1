//! Opening pages and leaving them.

use crate::app::focus::Focus;
use crate::app::model::Model;
use crate::app::page::Page;
use crate::app::pager::Pager;
use crate::app::table::Step;
use crate::app::watch::Watch;

/// Runs that are kept after their end, once their view was left.
pub(super) const ENDED_MAX: usize = 8;

/// Leaves the uppermost page; answers the part that gets the keys back.
pub(super) fn leave_page(model: &mut Model) -> Option<Focus> {
    let (page, from) = model.pages.close()?;
    keep(model, [page]);
    Some(from)
}

pub(super) fn leave_pages(model: &mut Model) {
    let left: Vec<Page> = model.pages.close_all().collect();
    keep(model, left);
}

/// What runs on pages that are left goes on.
fn keep(model: &mut Model, left: impl IntoIterator<Item = Page>) {
    let left = left.into_iter();
    model.watches.extend(left.filter_map(|page| if let Page::Watch(watch) = page { Some(*watch) } else { None }));
    let ended = |watch: &Watch| !watch.is_running();
    let mut surplus = model.watches.iter().filter(|w| ended(w)).count().saturating_sub(ENDED_MAX);
    model.watches.retain(|watch| {
        let goes = surplus > 0 && ended(watch);
        surplus -= usize::from(goes);
        !goes
    });
}

/// Opens a text in the pager.
pub(super) fn text(model: &mut Model, title: String, text: &str) {
    push(model, Page::Text { title, text: Pager::new(text.as_bytes()) });
}

/// The same, where its last line is, as for outputs.
pub(super) fn at_its_end(model: &mut Model, title: String, bytes: &[u8]) {
    let mut text = Pager::new(bytes);
    if bytes.is_empty() {
        text.say("nothing was written".to_owned());
    }
    text.step(Step::Last);
    push(model, Page::Text { title, text });
}

/// Opens a page over what is there, from the part that has the keys.
pub(super) fn push(model: &mut Model, page: Page) {
    model.pages.open(page, model.focus);
    model.result.iter_mut().for_each(|result| result.is_folded = true);
    model.focus = Focus::Page;
}
