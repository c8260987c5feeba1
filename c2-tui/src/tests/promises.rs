//! What is promised of the console in numbers, with room for a machine that is busy: the benches say what it is.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::app::table::{Grid as _, Sort};
use crate::app::{Effect, Model, Msg, update};
use crate::clock::Clock;
use crate::tests::demo::{self, at, busy, console, keys, press, send};
use crate::ui::draw;

/// How many times as long everything may take here: it is built without care, beside other things.
const SLACK: u64 = 60;

fn took_ms(work: impl FnOnce()) -> u64 {
    let clock = Clock::start();
    let before = clock.now().mono;
    work();
    clock.now().mono.since_ms(before)
}

fn screen(model: &Model) -> String {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    terminal.draw(|frame| drop(draw(model, frame))).unwrap();
    terminal.backend().to_string()
}

#[test]
fn the_first_frame_waits_for_nobody() {
    let took = took_ms(|| {
        let text = screen(&console(120, 40));
        assert!(text.contains("!>") && text.contains("waiting for c2d"), "{text}");
    });
    assert!(took < 100, "{took} ms");
}

#[test]
fn fifty_thousand_jobs_are_filtered_sorted_and_drawn_at_once() {
    let mut model = console(200, 50);
    send(&mut model, Msg::Connected);
    let jobs = (1..=50_000).map(|n| demo::job(n, c2_shared::job::JobState::Queued)).collect();
    send(&mut model, demo::snapshot(demo::workers(), jobs));
    let (panes, cache) = (&mut model.panes, &model.cache);
    let filtered = took_ms(|| panes.jobs.set_filter("echo 4", cache));
    assert!(panes.jobs.len() > 10_000 && filtered < 5 * SLACK, "{filtered} ms");
    panes.jobs.set_filter("", cache);
    let sorted = took_ms(|| panes.jobs.set_sort(Sort { column: 2, descending: true }, cache));
    assert!(sorted < 10 * SLACK, "{sorted} ms");
    let best = |model: &Model| (0..9).map(|_| took_ms(|| drop(screen(model)))).min().unwrap_or_default();
    let (many, few) = (best(&model), best(&busy(200, 50)));
    assert!(many <= 2 * few + 10, "a frame builds what is seen: {many} ms of 50,000, {few} ms of 20");
}

#[test]
fn a_line_of_60_kb_moves_sideways_and_does_not_lag() {
    let mut model = busy(80, 24);
    send(&mut model, Msg::Paste(format!("submit {}END", "x".repeat(59_000))));
    assert!(model.line.editor.text().ends_with("xEND"), "{}", model.line.editor.text().len());
    let last = |model: &Model| screen(model).lines().nth(22).unwrap_or_default().to_owned();
    assert!(last(&model).contains("xxEND"), "its end is seen, where the caret is: {}", last(&model));
    let took = took_ms(|| {
        for key in ["y", "Backspace", "Left", "Ctrl-A", "Ctrl-E"] {
            press(&mut model, &[key]);
            screen(&model);
        }
    });
    assert!(took < 5 * 10 * SLACK, "{took} ms");
    press(&mut model, &["Ctrl-A"]);
    assert!(last(&model).contains("!> submit xxx"), "{}", last(&model));
}

#[test]
fn keys_wait_for_no_answer_of_c2d() {
    let mut model = busy(120, 40);
    let effects = press(&mut model, &["list", "Enter"]);
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Execute { .. })),
        "it is under way, and never answered"
    );
    let mut took: Vec<u64> = Vec::new();
    for (n, key) in (0..).zip(keys("submit \"echo typed meanwhile\" --name=later").into_iter().cycle().take(200)) {
        took.push(took_ms(|| {
            update(&mut model, Msg::Key(key), at(n));
            screen(&model);
        }));
    }
    took.sort_unstable();
    assert!(took[190] < 10 * SLACK, "95 of 100 keys: {} ms", took[190]);
}

#[test]
fn an_empty_console_says_the_next_step_in_full_and_copies_it() {
    for (width, height) in [(40, 12), (80, 24), (120, 36)] {
        let mut model = console(width, height);
        send(&mut model, Msg::Connected);
        send(&mut model, demo::snapshot(Vec::new(), Vec::new()));
        let effects = press(&mut model, &["Alt-1", "y"]);
        assert!(effects.contains(&Effect::Copy("c2d invite".to_owned())), "{effects:?}");
        let text = screen(&model);
        for step in ["c2d invite", "c2-agent join LINE", "c2-tui --local"] {
            assert!(text.contains(step), "{width}x{height}: {step}\n{text}");
        }
    }
}
