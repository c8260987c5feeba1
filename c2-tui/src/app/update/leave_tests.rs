//! Tables over what leads out of a page, and over letters that are typed on the way.

use crate::app::demo::{busy, press, send};
use crate::app::model::Focus;
use crate::app::msg::Report;
use crate::app::panes::Pane;
use crate::app::{Effect, Model, Msg};

const JOBS: Focus = Focus::Pane(Pane::Jobs);

/// A console in which each line has been run, and what it gave has come.
fn ran(lines: &[&str]) -> Model {
    let mut model = busy(120, 40);
    for line in lines {
        if model.focus != Focus::Line {
            press(&mut model, &[":"]);
        }
        for effect in press(&mut model, &[line, "Enter"]) {
            if let Effect::Execute { run, .. } = effect {
                let report = Report { text: "some\nlines\n".to_owned(), ..Report::default() };
                send(&mut model, Msg::Finished { run, report });
            }
        }
    }
    model
}

#[test]
fn a_page_of_the_line_gives_the_keys_back_to_the_line() {
    // What leads to the page behind the lines, and how often it is left.
    let table: [(&[&str], &[&str]); 10] = [
        (&["pdsh 10.0.0.12 hostname"], &["q"]),
        (&["pdsh 10.0.0.12 hostname"], &["Ctrl-C", "Ctrl-C", "Esc"]),
        (&["follow 4"], &["q"]),
        (&["output 4 --follow"], &["Esc"]),
        (&["messages"], &["q"]),
        (&["list", "calls"], &["q"]),
        (&["follow 4", "messages"], &["q"]),
        (&["why 7"], &["Shift-Tab", "q"]),
        (&["help submit"], &["Shift-Tab", "Enter", "q"]),
        (&["log 60"], &["Shift-Tab", "Enter", "Esc"]),
    ];
    for (lines, leave) in table {
        let mut model = ran(lines);
        press(&mut model, leave);
        assert_eq!(model.focus, Focus::Line, "{lines:?} {leave:?}");
        press(&mut model, &["cancel nap"]);
        assert_eq!(model.line.editor.text(), "cancel nap", "{lines:?} {leave:?}");
        assert!(model.overlay.is_none(), "{lines:?} {leave:?}: no letter acts on a row");
    }
    let mut model = ran(&["follow 4"]);
    press(&mut model, &["q", "runs", "Enter"]);
    assert_eq!((model.focus, model.pages.len()), (Focus::Page, 1), "back to the run");
    press(&mut model, &["q"]);
    assert_eq!(model.focus, Focus::Line);
}

#[test]
fn a_page_of_a_row_gives_the_keys_back_to_that_row() {
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "Down", "Down"]);
    let row = model.panes.jobs.selected();
    for leave in [&["Enter", "q"][..], &["Enter", "Enter", "Esc", "Esc"], &["o", "Enter", "Esc"]] {
        press(&mut model, leave);
        assert_eq!((model.focus, model.panes.jobs.selected()), (JOBS, row), "{leave:?}");
    }
}

#[test]
fn each_page_knows_where_it_was_opened() {
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-1", "Enter", "Down", "Enter", ":", "messages", "Enter"]);
    assert_eq!(model.pages.len(), 3);
    press(&mut model, &["q"]);
    assert_eq!((model.focus, model.pages.len()), (Focus::Line, 2), "the pages of the row stay below");
    press(&mut model, &["Tab", "q"]);
    assert_eq!((model.focus, model.pages.len()), (Focus::Page, 1));
    press(&mut model, &["q"]);
    assert_eq!((model.focus, model.pages.len()), (Focus::Pane(Pane::Workers), 0), "q leaves a worker's page as well");
}

#[test]
fn letters_without_a_meaning_go_to_the_line() {
    let table: [(&[&str], &str); 6] = [
        (&["Alt-2", "list"], "list"),
        (&["Alt-1", "submit"], "submit"),
        (&["Alt-2", "Enter", "log 5"], "log 5"),
        (&["Alt-2", "Enter", "Enter", "ä"], "ä"),
        (&["messages", "Enter", "why 7"], "why 7"),
        (&["Alt-2", "draft", "Alt-2", "x"], "draftx"),
    ];
    for (keys, typed) in table {
        let mut model = busy(120, 40);
        press(&mut model, keys);
        assert_eq!((model.focus, model.line.editor.text()), (Focus::Line, typed), "{keys:?}");
        assert!(model.overlay.is_none(), "{keys:?}");
    }
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2"]);
    send(&mut model, Msg::Paste("info 10.0.0.11".to_owned()));
    assert_eq!((model.focus, model.line.editor.text()), (Focus::Line, "info 10.0.0.11"));
}
