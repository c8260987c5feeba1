//! Tables over what keys do with rows.

use c2_shared::id::JobId;
use c2_shared::job::JobState;

use crate::app::focus::Focus;
use crate::app::overlay::Overlay;
use crate::app::page::Page;
use crate::app::{Effect, Model, Msg};
use crate::tests::demo::{self, busy, change, press, send};

/// The lines that an action runs.
fn lines(effects: &[Effect]) -> Vec<&str> {
    effects.iter().flat_map(lines_of).collect()
}

fn lines_of(effect: &Effect) -> Vec<&str> {
    match effect {
        Effect::ExecuteAll { lines, .. } => lines.iter().map(|line| line.text.as_str()).collect(),
        Effect::Execute { line, .. } | Effect::Watch { line, .. } => vec![line.text.as_str()],
        _ => Vec::new(),
    }
}

fn said(model: &Model) -> &str {
    model.toasts.all().last().map_or("", |toast| toast.text.as_str())
}

#[test]
fn each_row_has_keys_for_what_can_be_done_with_it() {
    let table: [(&[&str], &[&str]); 8] = [
        (&["Alt-2", "/", "state:held", "Enter", "u", "Enter"], &["release job-9"]),
        (&["Alt-2", "/", "state:blocked", "Enter", "h", "Enter"], &["hold job-8"]),
        (&["Alt-4", "/", "id:job-2", "Enter", "r", "Enter"], &["retry job-2"]),
        (&["Alt-2", "/", "state:queued", "Enter", "Space", "Space", "h", "Enter"], &["hold job-7", "hold job-10"]),
        (&["Alt-2", "Space", "Space", "f"], &["follow job-4 job-5"]),
        (&["Alt-1", "d", "Enter"], &["drain 10.0.0.11"]),
        (&["Alt-1", "Down", "Down", "u", "Enter"], &["resume 10.0.0.13"]),
        (&["Alt-1", "*", "d", "Enter"], &["drain 10.0.0.11", "drain 10.0.0.12"]),
    ];
    for (keys, run) in table {
        let mut model = busy(120, 40);
        assert_eq!(lines(&press(&mut model, keys)), run, "{keys:?}");
        assert!(model.overlay.is_none(), "{keys:?}");
    }
}

#[test]
fn a_key_says_what_it_acts_on_and_a_read_only_console_acts_on_nothing() {
    let table: [(&[&str], &str); 3] = [
        (&["Alt-2", "u"], "release acts on held jobs"),
        (&["Alt-2", "r"], "retry acts on jobs that have ended"),
        (&["Alt-1", "u"], "resume acts on workers that are not online"),
    ];
    for (keys, words) in table {
        let mut model = busy(120, 40);
        assert_eq!(press(&mut model, keys), [], "{keys:?}");
        assert_eq!(said(&model), words);
        model.settings.readonly = true;
        assert_eq!(press(&mut model, keys), [], "{keys:?}");
        assert_eq!(said(&model), "this console is read-only");
    }
}

#[test]
fn many_rows_are_asked_about() {
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "/", "state:queued", "Enter", "*"]);
    assert_eq!(press(&mut model, &["h"]), []);
    assert!(matches!(&model.overlay, Some(Overlay::Question(q)) if q.title == "hold 16 jobs?"), "{:?}", model.overlay);
    assert_eq!(lines(&press(&mut model, &["y"])).len(), 16);
}

#[test]
fn one_job_is_followed_in_the_viewer() {
    let mut model = busy(120, 40);
    let effects = press(&mut model, &["Alt-2", "f"]);
    assert!(matches!(effects[..], [Effect::OpenOutput { job: JobId(4), .. }]), "{effects:?}");
    assert!(matches!(model.pages.last(), Some(Page::Output { .. })));
}

#[test]
fn a_job_is_edited_and_submitted_again() {
    let mut model = busy(120, 40);
    press(&mut model, &["draft", "Alt-2"]);
    assert_eq!(press(&mut model, &["e"]), [], "it may be a letter of a word");
    assert_eq!(press(&mut model, &["Enter"]), [Effect::Fetch(JobId(4))]);
    let row = demo::job(4, JobState::Running);
    send(&mut model, Msg::Fetched { job: row.job_id, info: Ok(demo::info(row)) });
    assert_eq!(model.focus, Focus::Line);
    assert!(model.line.editor.text().starts_with("submit "), "{}", model.line.editor.text());
    press(&mut model, &["Ctrl-U", "Ctrl-Y"]);
    assert!(model.line.editor.text().starts_with("submit "));
}

#[test]
fn workers_go_into_the_line_with_what_they_have() {
    let table: [(&[&str], &str); 3] = [
        (&["Alt-1", "A"], "assign 10.0.0.11 "),
        (&["Alt-1", "T"], "set-tags 10.0.0.11 disk,gpu:0,gpu:1"),
        (&["Alt-1", "Space", "Space", "A"], "assign @marked "),
    ];
    for (keys, line) in table {
        let mut model = busy(120, 40);
        press(&mut model, keys);
        assert_eq!((model.focus, model.line.editor.text()), (Focus::Line, line), "{keys:?}");
    }
}

#[test]
fn marked_rows_have_a_name_in_the_line() {
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "Space", "Space", "Esc"]);
    assert_eq!(lines(&press(&mut model, &["retry @marked", "Enter"])), ["retry job-4,job-5"]);
    let mut model = busy(120, 40);
    press(&mut model, &["hold @marked", "Enter"]);
    assert_eq!(model.line.editor.text(), "hold @marked", "nothing is lost");
    assert!(model.result.is_some());
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-1", "Space", "Space", "Esc"]);
    let both = press(&mut model, &["assign @marked gpu", "Enter"]);
    assert_eq!(lines(&both), ["assign 10.0.0.11,10.0.0.12 gpu"], "all or none");
    let mut model = busy(120, 40);
    send(&mut model, change(Vec::new()));
    assert_eq!(lines(&press(&mut model, &["submit \"echo @marked\"", "Enter"])), ["submit \"echo @marked\""]);
}

#[test]
fn a_full_stop_lists_what_can_be_done_with_a_row() {
    for (keys, word) in [(&["Alt-2", "."], "hold"), (&["Alt-1", "."], "drain")] {
        let mut model = busy(120, 40);
        press(&mut model, keys);
        let Some(Overlay::Finder(finder)) = &model.overlay else { panic!("{keys:?}") };
        assert!(finder.found().iter().any(|entry| entry.words() == word), "{keys:?}");
    }
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-1", "."]);
    assert_eq!(lines(&press(&mut model, &["d"])), ["drain 10.0.0.11"], "its key does it");
    press(&mut model, &[".", "Down"]);
    assert_eq!(lines(&press(&mut model, &["Up", "Enter"])), ["drain 10.0.0.11"], "and so does Enter");
}

#[test]
fn a_line_that_says_yes_is_not_asked_about() {
    for (line, asks) in [
        ("cancel 4", true),
        ("cancel 4 --yes", false),
        ("unassign 10.0.0.11 gpu", true),
        ("unassign 10.0.0.11 gpu --yes", false),
        ("cleanup-workspaces @all", true),
        ("cleanup-workspaces @all --yes", false),
    ] {
        let mut model = busy(120, 40);
        let effects = press(&mut model, &[line, "Enter"]);
        assert_eq!((model.overlay.is_some(), lines(&effects).is_empty()), (asks, asks), "{line}");
    }
}
