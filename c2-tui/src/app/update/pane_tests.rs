//! Tables over what every pane has: keys that lead out of it, sizes, moving, and sorting.

use c2_shared::api::jobs::JobRow;
use c2_shared::job::JobState;
use crossterm::event::KeyCode;

use crate::app::finder::{Entry, Kind};
use crate::app::focus::Focus;
use crate::app::layout;
use crate::app::msg::{Gesture, Target};
use crate::app::overlay::Overlay;
use crate::app::panes::Pane;
use crate::app::table::{Grid as _, Sort};
use crate::app::{Effect, Model, Msg};
use crate::tests::demo::{self, busy, press, send};

#[test]
fn each_pane_leads_to_the_line_to_a_filter_and_to_its_help() {
    for key in ["Alt-1", "Alt-2", "Alt-3", "Alt-4"] {
        for to_line in [":", "!", "i"] {
            let mut model = busy(120, 36);
            press(&mut model, &[key, to_line]);
            assert_eq!((model.focus, model.line.editor.text()), (Focus::Line, ""), "{key} {to_line}");
        }
        let mut model = busy(120, 36);
        press(&mut model, &[key, "/"]);
        assert!(model.filtering.is_some() && model.focus != Focus::Line, "{key}");
        press(&mut model, &["Esc"]);
        let here = model.contexts()[0].title();
        press(&mut model, &["?"]);
        let Some(Overlay::Finder(finder)) = &model.overlay else { panic!("{key}: no help") };
        assert_eq!(finder.kind, Kind::Keys);
        assert!(matches!(finder.found()[0], Entry::Head(head) if *head == *here), "{key}: that of {here} comes first");
    }
}

#[test]
fn panes_are_made_larger_and_smaller_and_alone() {
    let area = |model: &Model, pane| {
        let panes = layout::screen(model).panes;
        panes.iter().find(|(shown, _)| *shown == pane).map(|(_, area)| (area.width, area.height))
    };
    for (width, height) in [(80, 24), (140, 40)] {
        for (key, pane) in [("Alt-2", Pane::Jobs), ("Alt-3", Pane::Queue), ("Alt-4", Pane::Log)] {
            let mut model = busy(width, height);
            press(&mut model, &[key]);
            let before = area(&model, pane).expect("it is shown");
            let effects = press(&mut model, &[">", ">"]);
            assert!(effects.iter().any(|effect| matches!(effect, Effect::Keep(_))), "it lasts");
            let larger = area(&model, pane).expect("it is shown");
            // At this width the jobs have all of it, and what is beside them is below.
            let has_sides = width >= 120 || pane != Pane::Jobs;
            assert_eq!(larger.0 * larger.1 > before.0 * before.1, has_sides, "{pane:?} {width}: {before:?} {larger:?}");
            press(&mut model, &["<", "<"]);
            assert_eq!(area(&model, pane), Some(before));
            press(&mut model, &["z"]);
            assert_eq!(layout::screen(&model).panes.len(), 1);
            press(&mut model, &["z"]);
            assert_eq!(layout::screen(&model).panes.len(), 4);
        }
    }
}

/// Going to a pane takes no row of it away.
#[test]
fn all_workers_that_fit_stay_in_sight_when_they_get_the_keys() {
    for (width, height) in [(100, 30), (120, 36)] {
        let mut model = busy(width, height);
        let seen = |model: &Model| model.panes.workers.visible().len();
        let before = seen(&model);
        press(&mut model, &["Alt-1"]);
        assert_eq!((seen(&model), before), (model.panes.workers.len(), model.panes.workers.len()), "{width}x{height}");
    }
}

#[test]
fn a_table_moves_as_a_text_does() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-2"]);
    let (rows, page) = (model.panes.jobs.len(), model.panes.jobs.height());
    assert!(rows > 2 * page, "more than fits");
    let half = page.div_ceil(2);
    let last = rows - 1;
    let key = |code| Msg::Key(crossterm::event::KeyEvent::from(code));
    for (keys, at) in [
        (&["j", "Down", "k"][..], 1),
        (&["Up", "Up"], 0),
        (&["G"], last),
        (&["g"], 0),
        (&["PgDn"], page),
        (&["PgUp"], 0),
        (&["Ctrl-D", "Ctrl-D", "Ctrl-U"], half),
    ] {
        press(&mut model, keys);
        assert_eq!(model.panes.jobs.cursor(), at, "{keys:?}");
        assert!(model.panes.jobs.visible().contains(&at), "{keys:?}: it is in sight");
    }
    for (code, at) in [(KeyCode::End, last), (KeyCode::Home, 0)] {
        send(&mut model, key(code));
        assert_eq!(model.panes.jobs.cursor(), at, "{code:?}");
    }
    send(&mut model, Msg::Mouse { gesture: Gesture::Wheel(3), target: Target::Area(Focus::Pane(Pane::Jobs)) });
    assert_eq!(model.panes.jobs.visible().start, 3, "the wheel moves the screen");
}

#[test]
fn texts_are_ordered_whatever_they_have_in_common() {
    let commands =
        ["b", "a", "", "make", "make x", "make xx", "make x", "make\u{1}", "mäke", "make abcdefghij", "make abcdefghi"];
    let jobs = (1..)
        .zip(commands)
        .map(|(n, command)| JobRow { command: command.to_owned(), ..demo::job(n, JobState::Queued) });
    for keep in [0, 3] {
        let mut model = demo::console(120, 36);
        let rows: Vec<JobRow> = jobs.clone().filter(|row| keep == 0 || row.command.starts_with("make")).collect();
        send(&mut model, demo::snapshot(Vec::new(), rows));
        for descending in [false, true] {
            model.panes.jobs.set_sort(Sort { column: 2, descending }, &model.cache);
            let row = |id| &model.cache.jobs[id];
            let shown: Vec<_> = model.panes.jobs.ids().iter().map(|id| (row(id).title.clone(), *id)).collect();
            let mut wanted = shown.clone();
            wanted.sort_by(|a, b| if descending { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) }.then(a.1.cmp(&b.1)));
            assert_eq!(shown, wanted, "{descending}");
        }
    }
}

#[test]
fn every_column_sorts_both_ways_by_key_and_by_its_head() {
    for pane in Pane::ALL {
        let mut model = busy(120, 36);
        let focus = Focus::Pane(pane);
        let columns = model.panes.grid(pane).heads().len();
        for column in 0..columns {
            for descending in [false, true] {
                send(&mut model, Msg::Mouse { gesture: Gesture::Press, target: Target::Head(focus, column) });
                if model.panes.grid(pane).sort() != (Sort { column, descending }) {
                    press(&mut model, &["R"]);
                }
                assert_eq!(model.panes.grid(pane).sort(), Sort { column, descending }, "{pane:?}");
                let cells = |model: &Model| -> Vec<String> {
                    let grid = model.panes.grid(pane);
                    let cell = |at| grid.cell(at, column, &model.sight()).map(|cell| cell.text).unwrap_or_default();
                    (0..grid.len()).map(cell).collect()
                };
                // Rows that are equal in it stay in the order of their names, either way.
                let before = cells(&model);
                press(&mut model, &["o", "O"]);
                press(&mut model, &["R"]);
                if model.panes.grid(pane).sort().descending != descending {
                    press(&mut model, &["R"]);
                }
                assert_eq!(cells(&model), before, "{pane:?} {column}");
            }
        }
    }
}
