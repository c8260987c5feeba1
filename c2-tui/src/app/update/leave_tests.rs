//! Tables over what leads out: of a page, of a pane, of the console; and over letters that are
//! typed on the way.

use crate::app::focus::Focus;
use crate::app::overlay::Overlay;
use crate::app::panes::Pane;
use crate::app::report::{Report, RunId};
use crate::app::table::Grid as _;
use crate::app::{Effect, Model, Msg, Now, update};
use crate::tests::demo::{NOW, at, busy, keys, press, send};

const JOBS: Focus = Focus::Pane(Pane::Jobs);

/// Presses keys at a time.
fn press_at(model: &mut Model, names: &[&str], now: Now) -> Vec<Effect> {
    names.iter().flat_map(|name| keys(name)).flat_map(|key| update(model, Msg::Key(key), now)).collect()
}

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

#[test]
fn letters_at_once_are_text_and_act_on_nothing() {
    // What was pressed before, what comes at once, and what stands in the line then.
    let table: [(&[&str], &str, &str); 7] = [
        (&["Alt-2"], "cancel nap", "cancel nap"),
        (&["Alt-2"], "cancel 4\n", "cancel 4"),
        (&["Alt-1"], "drain all\n", "drain all"),
        (&["Alt-2", "Enter"], "quit\n", "quit"),
        (&["messages", "Enter"], "sort in\n", "sort in"),
        (&["Alt-2", "c"], "yes please\n", "yes please"),
        (&["Alt-2"], ":hold 4", "hold 4"),
    ];
    for (keys, text, line) in table {
        let mut model = busy(120, 40);
        press(&mut model, keys);
        let effects = send(&mut model, Msg::Burst(text.to_owned()));
        assert!(!effects.iter().any(|e| matches!(e, Effect::Execute { .. } | Effect::ExecuteAll { .. })), "{keys:?}");
        assert_eq!((model.focus, model.line.editor.text()), (Focus::Line, line), "{keys:?} {text:?}");
        assert!(model.overlay.is_none(), "{keys:?}");
    }
    for list in [".", "?", "F1"] {
        let mut model = busy(120, 40);
        press(&mut model, &["Alt-2", list]);
        assert_eq!(send(&mut model, Msg::Burst("hold\n".to_owned())), [], "{list}");
        assert!(matches!(&model.overlay, Some(Overlay::Finder(finder)) if finder.needle == "hold"), "{list}");
    }
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2"]);
    send(&mut model, Msg::Burst("/train\n".to_owned()));
    assert_eq!((model.panes.jobs.filter().text(), model.filtering.is_some()), ("train", false), "typed in a hurry");
    let effects = send(&mut model, Msg::Burst(":list\n".to_owned()));
    assert!(effects.iter().any(|e| matches!(e, Effect::Execute { line, .. } if line.text == "list")), "{effects:?}");
}

/// A line that comes in pieces, as over a slow connection, is put together with all its blanks.
#[test]
fn blanks_at_the_ends_of_what_came_at_once_stay() {
    for keys in [&[][..], &["Alt-2"]] {
        let mut model = busy(80, 24);
        press(&mut model, keys);
        for text in ["cancel", " ", "job-4 ", "job-5"] {
            send(&mut model, Msg::Burst(text.to_owned()));
        }
        assert_eq!((model.focus, model.line.editor.text()), (Focus::Line, "cancel job-4 job-5"), "{keys:?}");
    }
}

#[test]
fn several_lines_at_once_are_asked_about_whole() {
    for keys in [&[][..], &["Alt-2"], &["messages", "Enter"]] {
        let mut model = busy(120, 40);
        press(&mut model, keys);
        assert_eq!(send(&mut model, Msg::Burst("cancel 4\nli".to_owned())), [], "{keys:?}");
        assert_eq!(send(&mut model, Msg::Burst("st\ny\n".to_owned())), [], "{keys:?}");
        let Some(Overlay::Question(question)) = &model.overlay else { panic!("{keys:?}") };
        assert_eq!((question.title.as_str(), question.lines.join("|")), ("run 3 lines?", "cancel 4|list|y".to_owned()));
    }
}

#[test]
fn words_are_no_answer_and_an_answer_may_be_a_word() {
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "c"]);
    assert_eq!(press(&mut model, &["why 7"]), []);
    assert_eq!((model.focus, model.line.editor.text(), model.overlay.is_none()), (Focus::Line, "why 7", true));
    for (word, effects) in [("yes", 1), ("no", 0)] {
        let mut model = busy(120, 40);
        press(&mut model, &["Alt-2", "c"]);
        assert_eq!(press(&mut model, &[word]).len(), effects, "{word}");
        assert_eq!((model.focus, model.line.editor.text()), (JOBS, ""), "{word}: the rest of it is no key");
    }
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "c", "n"]);
    press_at(&mut model, &["o"], at(1_001));
    assert_eq!(model.panes.jobs.sort().column, 2, "later it is one");
    press(&mut model, &["Alt-2", "*", "c"]);
    press_at(&mut model, &["list"], at(2_000));
    assert_eq!((model.line.editor.text(), model.overlay.is_none()), ("list", true));
}

#[test]
fn one_q_alone_never_quits() {
    let mut model = busy(80, 24);
    assert_eq!(press_at(&mut model, &["Alt-2", "q"], NOW), []);
    assert_eq!(model.toasts.all().last().map(|t| t.text.as_str()), Some("press q again to quit"));
    assert_eq!(press_at(&mut model, &["q"], at(1_001)), [], "too late");
    assert_eq!(press_at(&mut model, &["Down", "q"], at(1_500)), [], "another key was between");
    assert_eq!(press_at(&mut model, &["Ctrl-C"], at(1_600)), [], "it is another key");
    assert_eq!(press_at(&mut model, &["q"], at(1_700)), []);
    assert_eq!(press_at(&mut model, &["q"], at(2_700)), [Effect::Quit]);
}

#[test]
fn what_runs_is_asked_about_before_q_quits() {
    for line in ["follow 4", "wait 4"] {
        let mut model = busy(80, 24);
        press(&mut model, &[line, "Enter", "Alt-2", "q"]);
        let Some(Overlay::Question(question)) = &model.overlay else { panic!("{line}: no question") };
        assert_eq!(question.lines, [line]);
        assert_eq!(press(&mut model, &["q"]), [], "{line}: that is a no");
        assert_eq!(press(&mut model, &["q", "Enter"]), [], "{line}: no is the default");
        assert_eq!(press(&mut model, &["q", "y"]), [Effect::Quit], "{line}");
    }
    let mut model = busy(80, 24);
    press(&mut model, &["follow 4", "Enter"]);
    send(&mut model, Msg::Finished { run: RunId(1), report: Report::default() });
    assert_eq!(press(&mut model, &["Alt-2", "q", "q"]), [Effect::Quit], "it has ended");
}

#[test]
fn a_ctrl_c_that_did_something_is_not_the_first_of_two() {
    let doing: [&[&str]; 9] = [
        &["draft"],
        &["Ctrl-R"],
        &["info ", "Tab"],
        &["wait 4", "Enter"],
        &["Alt-2", "/", "x"],
        &["Alt-2", "c"],
        &["F1"],
        &["messages", "Enter", "3"],
        &["messages", "Enter", "m"],
    ];
    for keys in doing {
        let mut model = busy(80, 24);
        press(&mut model, keys);
        let mut effects = press(&mut model, &["Ctrl-C"]);
        if keys == ["info ", "Tab"] {
            assert_eq!(model.line.editor.text(), "", "the draft goes with its menu");
        }
        effects.extend(press(&mut model, &["Ctrl-C"]));
        assert!(!effects.contains(&Effect::Quit), "{keys:?}");
        assert_eq!(press(&mut model, &["Ctrl-C"]), [Effect::Quit], "{keys:?}");
    }
    let mut model = busy(80, 24);
    press_at(&mut model, &["Ctrl-C"], NOW);
    assert_eq!(press_at(&mut model, &["Ctrl-C"], at(1_001)), [], "too late");
    assert_eq!(press_at(&mut model, &["Ctrl-C"], at(1_900)), [Effect::Quit]);
}
