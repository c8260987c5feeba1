//! Tables over the pager inside of the console: pages, outputs, and what they ask of the event loop.

use c2_shared::api::jobs::Stream;
use c2_shared::id::JobId;
use c2_shared::job::JobState;

use crate::app::focus::Focus;
use crate::app::live::Shown;
use crate::app::msg::{News, SaveEnding, Saved};
use crate::app::overlay::Overlay;
use crate::app::page::Page;
use crate::app::pager::{Chunk, Row, count_lines};
use crate::app::report::{DocumentId, Fault, Report};
use crate::app::{Effect, Model, Msg, Preferences, update};
use crate::tests::demo::{self, at, busy, change, press, send};

/// Answers what pages ask of the event loop, with an output of these lines.
pub(crate) fn serve(model: &mut Model, effects: &[Effect], text: &str) {
    for effect in effects {
        let news = match effect {
            Effect::OpenOutput { document, .. } | Effect::Watch { document, .. } => {
                let counts = vec![count_lines(text.as_bytes())];
                let mut news = vec![News::Grown(text.len() as u64), News::Counted { from: 0, counts }];
                if matches!(effect, Effect::OpenOutput { .. }) {
                    news.push(News::Ended("exit 2".to_owned()));
                }
                news.into_iter().map(|news| (*document, news)).collect()
            }
            Effect::ReadBlocks { document, blocks } => {
                assert_eq!(blocks, &[0]);
                let chunk = Chunk { block: 0, start: 0, bytes: text.as_bytes().to_vec() };
                vec![(*document, News::Chunks(vec![chunk]))]
            }
            _ => Vec::new(),
        };
        for (document, news) in news {
            let more = send(model, Msg::Output { document, news });
            serve(model, &more, text);
        }
    }
}

fn lines(n: usize) -> String {
    (1..=n).map(|i| format!("line {i}\n")).collect()
}

/// The console with the output of job-2 open.
pub(crate) fn opened(width: u16, height: u16, text: &str) -> Model {
    let mut model = busy(width, height);
    press(&mut model, &["Alt-4", "Down", "Enter"]);
    let effects = press(&mut model, &["Enter"]);
    serve(&mut model, &effects, text);
    model
}

fn shown(model: &Model) -> Vec<String> {
    let rows = model.pager(model.focus).map(|p| p.rows().to_vec()).unwrap_or_default();
    rows.iter().map(Row::text).collect()
}

#[test]
fn an_output_opens_at_its_end_and_q_comes_back_to_the_exact_view() {
    let mut model = opened(80, 24, &lines(100));
    assert_eq!(shown(&model).last().map(String::as_str), Some("line 100"));
    press(&mut model, &["g", "j", "j"]);
    assert_eq!(shown(&model)[0], "line 3");
    press(&mut model, &["30", "G"]);
    assert_eq!(shown(&model)[0], "line 30", "digits are no panes and no text");
    press(&mut model, &["q"]);
    assert!(matches!(model.pages.last(), Some(Page::Job { .. })));
    press(&mut model, &["q"]);
    assert_eq!((model.focus, model.panes.log.selected()), (Focus::Pane(crate::app::panes::Pane::Log), Some(JobId(2))));
}

#[test]
fn what_is_typed_belongs_to_the_prompt() {
    let mut model = opened(80, 24, &lines(100));
    press(&mut model, &["/", "line 42q:?h", "Backspace", "Backspace", "Backspace", "Backspace"]);
    assert_eq!(model.pager(Focus::Page).and_then(|p| p.prompt()).map(|p| p.editor.text()), Some("line 42"));
    press(&mut model, &["Enter"]);
    assert_eq!(shown(&model)[0], "line 42");
    press(&mut model, &["&", "7$", "Enter"]);
    assert_eq!(shown(&model).len(), 10);
    press(&mut model, &["/", "x", "Ctrl-C"]);
    assert!(model.pager(Focus::Page).is_some_and(|p| p.prompt().is_none()), "Ctrl-C gives up");
    press(&mut model, &["?", "Esc"]);
    assert_eq!(model.focus, Focus::Page, "Esc leaves the prompt and not the page");
    press(&mut model, &["/"]);
    send(&mut model, Msg::Paste("line 9".to_owned()));
    press(&mut model, &["Enter"]);
    assert_eq!(shown(&model)[0], "line 7", "what is filtered fits on the screen");
}

/// As in a table, Esc takes the filter away first; `q` leaves at once.
#[test]
fn esc_takes_a_filter_away_before_it_leaves() {
    for (key, left) in [("Esc", 0), ("q", 1)] {
        let mut model = opened(80, 24, "one\ntwo\nthree\n");
        let pages = model.pages.iter().count();
        press(&mut model, &["&", "two", "Enter"]);
        assert_eq!(shown(&model), ["two"]);
        press(&mut model, &[key]);
        assert_eq!(model.pages.iter().count(), pages - left, "{key}");
        assert!(left == 1 || shown(&model) == ["one", "two", "three"], "{:?}", shown(&model));
        press(&mut model, &["Esc"]);
        assert_eq!(model.pages.iter().count(), pages - left - 1, "{key}");
    }
    // A page of rows does the same.
    let mut model = busy(120, 36);
    press(&mut model, &["Alt-1", "Enter", "/", "echo 1", "Enter", "Esc"]);
    assert_eq!((model.pages.iter().count(), model.grid(Focus::Page).map(|grid| grid.filter().text())), (1, Some("")));
}

#[test]
fn marks_and_options_take_the_next_key() {
    let mut model = opened(80, 24, &lines(100));
    press(&mut model, &["g", "m", "q", "G", "'", "q"]);
    assert_eq!((shown(&model)[0].as_str(), model.pages.len()), ("line 1", 2), "q is a mark here");
    press(&mut model, &["-", "N", "-", "S"]);
    assert_eq!(model.pager(Focus::Page).map(crate::app::pager::Pager::gutter), Some((0, 4)));
    press(&mut model, &["m", "Esc"]);
    assert_eq!(model.pages.len(), 2, "Esc gives the mark up");
    assert!(model.mouse);
    let effects = press(&mut model, &["F3"]);
    assert_eq!(effects, [Effect::CaptureMouse(false), Effect::Keep(Preferences::of(&model))]);
    press(&mut model, &["h"]);
    assert!(matches!(model.overlay, Some(Overlay::Finder(_))));
    press(&mut model, &["Esc"]);
    assert!(model.overlay.is_none());
}

#[test]
fn streams() {
    let mut model = opened(80, 24, &lines(3));
    let table = [(3, Shown::One(Stream::Stdout)), (4, Shown::One(Stream::Stderr)), (5, Shown::Both)];
    for (n, shown) in table {
        let document = DocumentId(n);
        let opened = Effect::OpenOutput { document, job: JobId(2), shown };
        assert_eq!(press(&mut model, &["o"]), [opened, Effect::CloseOutput(DocumentId(n - 1))]);
    }
    assert_eq!(model.pages.last().map(Page::title).as_deref(), Some("output"));
    let late = News::Grown(99);
    send(&mut model, Msg::Output { document: DocumentId(2), news: late });
    assert!(shown(&model).is_empty(), "what is closed is nobody's");
}

#[test]
fn from_one_marked_job_to_the_next() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-2", "Space", "Down", "Space", "Up", "Enter", "Enter"]);
    let job = |model: &Model| model.pages.last().and_then(Page::about).map(|id| id.0);
    assert_eq!(job(&model), Some(6));
    let keys = [("[", Some(4)), ("[", Some(4)), ("]", Some(6)), ("]", Some(6))];
    for (key, expected) in keys {
        press(&mut model, &[key]);
        assert_eq!(job(&model), expected, "{key}");
    }
    press(&mut model, &["Esc", "["]);
    assert_eq!((job(&model), matches!(model.pages.last(), Some(Page::Job { .. }))), (Some(4), true));
}

#[test]
fn a_running_job_is_followed_to_its_end() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-2", "Enter"]);
    let document = DocumentId(1);
    assert!(model.pager(Focus::Page).is_some_and(crate::app::pager::Pager::is_following));
    let tell = |model: &mut Model, news| send(model, Msg::Output { document, news });
    let state = |model: &Model| model.pager(Focus::Page).map(|p| p.state().join(", ")).unwrap_or_default();
    let fault = Fault { message: "cannot reach c2d".to_owned(), hint: None };
    tell(&mut model, News::Failed(fault));
    assert_eq!(model.pager(Focus::Page).and_then(|p| p.note()), Some("cannot reach c2d"));
    assert_eq!(update(&mut model, Msg::Tick, at(1_000)), [], "nothing is asked for: what comes is told");
    tell(&mut model, News::Gap { after_line: 9_000, bytes: 12_345 });
    assert_eq!(state(&model), "12,345 bytes missing after line 9,000, x shows it, following");
    let effects = send(&mut model, change(vec![demo::job(4, JobState::Succeeded)]));
    assert_eq!(effects, [Effect::Fetch(JobId(4))]);
    tell(&mut model, News::Ended("exit 0".to_owned()));
    assert_eq!(state(&model), "12,345 bytes missing after line 9,000, x shows it, ended, exit 0");
    press(&mut model, &["F"]);
    assert!(!state(&model).contains("following"), "there is nothing to follow");
    tell(&mut model, News::Anew);
    assert_eq!(state(&model), "following", "another attempt");
}

#[test]
fn an_output_that_comes_in_pieces_opens_at_its_end() {
    let mut model = busy(80, 24);
    let effects = press(&mut model, &["Alt-4", "Down", "f"]);
    serve(&mut model, &effects, &lines(100));
    let text = lines(300);
    let document = DocumentId(1);
    for news in [News::Grown(text.len() as u64), News::Counted { from: 0, counts: vec![300] }] {
        let effects = send(&mut model, Msg::Output { document, news });
        serve(&mut model, &effects, &text);
    }
    assert_eq!(shown(&model).last().map(String::as_str), Some("line 300"));
}

#[test]
fn a_job_without_output_says_so() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-4", "Enter"]);
    let note = |model: &Model| model.pager(Focus::Page).and_then(|p| p.note()).map(str::to_owned);
    send(&mut model, Msg::Output { document: DocumentId(1), news: News::Open });
    assert_eq!(note(&model).as_deref(), Some("nothing was written so far"));
    send(&mut model, Msg::Output { document: DocumentId(1), news: News::Ended("exit 0".to_owned()) });
    assert_eq!(note(&model).as_deref(), Some("nothing was written"));
}

#[test]
fn texts_with_a_gap_name_it() {
    let text = "head\n\n[12345 bytes dropped]\ntail\n";
    let mut model = busy(80, 24);
    let effects = press(&mut model, &["output 2 --attempt=1", "Enter"]);
    let Some(Effect::Execute { run, .. }) = effects.last() else { unreachable!("it runs") };
    send(&mut model, Msg::Finished { run: *run, report: Report { text: text.to_owned(), ..Report::default() } });
    let named = |model: &Model, focus| model.pager(focus).map(|p| p.state().join(", ")).unwrap_or_default();
    assert_eq!(named(&model, Focus::Result), "12,345 bytes missing after line 2, x shows it");
}

#[test]
fn saving_asks_before_it_overwrites() {
    let mut model = opened(80, 24, &lines(3));
    let what = Saved::Output(DocumentId(2));
    let path = "out.txt".to_owned();
    let save = |overwrite| Effect::Save { what: Saved::Output(DocumentId(2)), path: "out.txt".to_owned(), overwrite };
    assert_eq!(press(&mut model, &["s", "out.txt", "Enter"]), [save(false)]);
    let exists = |what| Msg::Saved { what, path: path.clone(), ending: SaveEnding::Exists };
    send(&mut model, exists(what.clone()));
    assert!(matches!(&model.overlay, Some(Overlay::Question(q)) if q.lines == ["out.txt"]));
    assert_eq!(press(&mut model, &["n"]), []);
    send(&mut model, exists(what.clone()));
    assert_eq!(press(&mut model, &["y"]), [save(true)]);
    send(&mut model, Msg::Saved { what, path: path.clone(), ending: SaveEnding::Done(21) });
    assert_eq!(model.toasts.all().last().map(|t| t.text.as_str()), Some("21 bytes saved to out.txt"));
}

#[test]
fn a_result_has_the_same_keys_and_can_become_a_page() {
    let mut model = busy(80, 24);
    let effects = press(&mut model, &["jobs", "Enter"]);
    let Some(Effect::Execute { run, .. }) = effects.last() else { unreachable!("it runs") };
    let report = Report { text: lines(100), ..Report::default() };
    send(&mut model, Msg::Finished { run: *run, report });
    press(&mut model, &["PgDn"]);
    assert_eq!(model.focus, Focus::Line);
    press(&mut model, &["Alt-4", "Tab", "Tab"]);
    assert_eq!(model.focus, Focus::Line);
    press(&mut model, &["Shift-Tab"]);
    assert_eq!(model.focus, Focus::Result);
    press(&mut model, &["/", "line 50", "Enter"]);
    assert_eq!(shown(&model)[0], "line 50");
    assert_eq!(press(&mut model, &["Y"]), [Effect::Copy(lines(100).trim_end().to_owned())]);
    press(&mut model, &["Enter"]);
    assert_eq!((model.focus, model.result.is_none(), shown(&model)[0].as_str()), (Focus::Page, true, "line 50"));
}
