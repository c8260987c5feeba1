//! Outputs and other texts in the pager: opening, following, saving, and what they ask of the
//! event_loop.

use std::collections::BTreeSet;

use c2_shared::id::JobId;

use super::{older, pages, watch};
use crate::app::Effect;
use crate::app::focus::Focus;
use crate::app::keymap::Action;
use crate::app::live::{Live, Shown};
use crate::app::model::Model;
use crate::app::msg::{News, SaveEnding, Saved};
use crate::app::overlay::{Overlay, Question};
use crate::app::page::{Loaded, Page};
use crate::app::pager::{Pager, Wish};
use crate::app::report::DocumentId;
use crate::app::toast::Kind;

/// Opens what a job wrote, at its end, and follows it until the job has ended.
pub(super) fn open(model: &mut Model, job: JobId, shown: Shown, effects: &mut Vec<Effect>) {
    // Its title says what it is about.
    older::fetch(model, &[job], effects);
    let page = Page::Output(live(model, job, shown, effects));
    pages::push(model, page);
}

/// Opens the page of a job.
pub(super) fn open_job(model: &mut Model, job: JobId, effects: &mut Vec<Effect>) {
    let page = of_job(model, job, effects);
    pages::push(model, page);
}

fn of_job(model: &mut Model, job: JobId, effects: &mut Vec<Effect>) -> Page {
    effects.push(Effect::Fetch(job));
    Page::Job { info: Loaded::Waiting, live: live(model, job, Shown::default(), effects) }
}

/// Begins to follow what a job writes.
pub(super) fn live(model: &mut Model, job: JobId, shown: Shown, effects: &mut Vec<Effect>) -> Live {
    model.last_document.0 += 1;
    let document = model.last_document;
    effects.push(Effect::OpenOutput { document, job, shown });
    model.documents.insert(document);
    Live { job, document, shown, text: Pager::window() }
}

/// From both streams to one and to the other.
pub(super) fn other_stream(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some((job, shown)) = model.pages.last().and_then(Page::live).map(|live| (live.job, live.shown)) else { return };
    let next = live(model, job, shown.next(), effects);
    if let Some(live) = model.pages.last_mut().and_then(Page::live_mut) {
        *live = next;
    }
}

/// The same page of the marked job beside this one.
pub(super) fn beside(model: &mut Model, places: i8, effects: &mut Vec<Effect>) {
    let Some(id) = model.pages.last().and_then(Page::about) else { return };
    let marked = model.marked_jobs();
    if marked.is_empty() {
        return model.toasts.say(Kind::Plain, "no jobs are marked, Space in a table does", model.now);
    }
    // From a job that is not marked itself the way goes to its neighbours in order.
    let next = if places > 0 {
        marked.iter().copied().filter(|other| *other > id).min()
    } else {
        marked.iter().copied().filter(|other| *other < id).max()
    };
    let Some(next) = next else {
        let text = if places > 0 { "this is the last marked job" } else { "this is the first marked job" };
        return model.toasts.say(Kind::Plain, text, model.now);
    };
    let page = match model.pages.last() {
        Some(Page::Output(Live { shown, .. })) => Page::Output(live(model, next, *shown, effects)),
        _ => of_job(model, next, effects),
    };
    model.pages.replace(page);
}

/// Whether something is being typed in the pager that has the keys.
pub(super) fn is_asked(model: &Model) -> bool {
    let nothing_over = model.overlay.is_none() && model.filtering.is_none();
    nothing_over && model.focus != Focus::Line && model.pager(model.focus).is_some_and(|p| p.prompt().is_some())
}

/// Keys while something is typed there.
pub(super) fn on_prompt(model: &mut Model, action: Action) {
    let Some(text) = model.pager_mut(model.focus) else { return };
    match action {
        Action::Edit(edit) => text.edit(edit),
        Action::Accept => text.accept(),
        _ => text.dismiss(),
    }
}

/// Something became known of an output; what is closed is nobody's.
pub(super) fn on_news(model: &mut Model, of: DocumentId, news: News) {
    let wall_ms = model.now.wall_ms;
    if let Some(watch) = watch::all(model).find(|watch| watch.document == of) {
        return match news {
            News::Tally(tally) => watch.tally = tally,
            news => take(&mut watch.live, news, wall_ms),
        };
    }
    let previewed = model.preview.as_mut().and_then(|preview| preview.live.as_mut());
    let mut lives = model.pages.iter_mut().filter_map(Page::live_mut).chain(previewed);
    if let Some(live) = lives.find(|live| live.document == of) {
        take(&mut live.text, news, wall_ms);
    }
}

fn take(text: &mut Pager, news: News, wall_ms: u64) {
    match news {
        News::Grown(len) => text.grow(len, wall_ms),
        News::Known { len, wall_ms } => text.grow(len, wall_ms),
        News::Anew => text.begin_anew(),
        News::Chunks(chunks) => text.take(chunks),
        News::Counted { from, counts } => text.count_lines(from, &counts),
        News::Tally(_) => {}
        News::Open => text.open(),
        News::Gap { after_line, bytes } => text.miss(after_line, bytes),
        News::Ended(how) => text.end(how),
        News::Failed(fault) => text.fail(fault.message),
    }
}

/// A file was written, exists, or cannot be written.
pub(super) fn on_saved(model: &mut Model, what: Saved, path: String, ending: SaveEnding) {
    match ending {
        SaveEnding::Done(bytes) => model.toasts.say(Kind::Good, format!("{bytes} bytes saved to {path}"), model.now),
        SaveEnding::Exists => model.overlay = Some(Overlay::Question(Question::overwrite(what, path))),
        SaveEnding::Failed(why) => model.toasts.say(Kind::Bad, format!("cannot save to {path}: {why}"), model.now),
    }
}

/// Passes on what the texts ask for, and closes outputs whose pages are gone.
pub(super) fn serve(model: &mut Model, effects: &mut Vec<Effect>) {
    let mut copied = false;
    let document = model.pages.last().and_then(Page::document);
    let paged = document.zip(model.pages.last_mut().and_then(Page::text_mut));
    let previewed = model.preview.as_mut().and_then(|preview| preview.live.as_mut());
    for (document, text) in paged.into_iter().chain(previewed.map(|live| (live.document, &mut live.text))) {
        let blocks = text.wanted();
        if !blocks.is_empty() {
            effects.push(Effect::ReadBlocks { document, blocks });
        }
    }
    for focus in [Focus::Page, Focus::Result] {
        let Some(text) = model.pager_mut(focus) else { continue };
        for wish in text.wishes() {
            match wish {
                Wish::Copy(text) => {
                    copied = true;
                    effects.push(Effect::Copy(text));
                }
                Wish::Save(path) => {
                    let bytes = text.document().bytes().map(<[u8]>::to_vec);
                    if let Some(what) = bytes.map(Saved::Text).or(document.map(Saved::Output)) {
                        effects.push(Effect::Save { what, path, overwrite: false });
                    }
                }
            }
        }
    }
    if copied {
        model.toasts.say(Kind::Good, "copied", model.now);
    }
    let left = model.watches.iter().map(|watch| watch.document);
    let previewed = model.preview.as_ref().and_then(|preview| preview.live.as_ref()).map(|live| live.document);
    let shown = model.pages.iter().filter_map(Page::document).chain(left).chain(previewed);
    let shown: BTreeSet<DocumentId> = shown.collect();
    let gone: Vec<DocumentId> = model.documents.difference(&shown).copied().collect();
    effects.extend(gone.into_iter().map(Effect::CloseOutput));
    model.documents = shown;
}
