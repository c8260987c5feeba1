//! What the console costs its terminal and its machine.

use std::time::Duration;

use c2_tests::scenario;

crate::tests![
    an_idle_console_draws_nothing_and_sleeps,
    a_thousand_keys_at_once_cost_a_few_frames,
    a_hundred_sizes_cost_a_few_frames,
    every_frame_is_shown_as_a_whole,
    without_colours_nothing_is_coloured,
];

/// What an idle console is woken for in ten seconds: it looks once a second whether its terminal is still there, and c2d
/// says every few seconds that it is.
const WAKEUPS_MAX: u64 = 100;
/// A console that never sleeps would take nearly all of the ten seconds, on the busiest machine a tenth of them.
const NEVER_SLEEPS_MS: u64 = 500;

/// What it writes and how often it is woken, which other programs do not change, and not the little time that takes.
fn an_idle_console_draws_nothing_and_sleeps() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("connected")?;
        terminal.settle();
        let (start, used, woken) = (terminal.raw().len(), terminal.processor_ms()?, terminal.wakeups()?);
        terminal.watch(Duration::from_secs(10));
        assert_eq!(String::from_utf8_lossy(&terminal.raw()[start..]), "", "not a byte");
        let woken = terminal.wakeups()? - woken;
        assert!(woken <= WAKEUPS_MAX, "woken {woken} times");
        let used = terminal.processor_ms()? - used;
        assert!(used < NEVER_SLEEPS_MS, "{used} ms");
        Ok(())
    });
}

fn a_thousand_keys_at_once_cost_a_few_frames() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        terminal.settle();
        let start = terminal.raw().len();
        terminal.press(&"abcdefghi ".repeat(100))?;
        terminal.settle();
        let frames = terminal.frames_since(start);
        assert!((1..=5).contains(&frames), "{frames} frames");
        terminal.press("END")?;
        terminal.sees("END")
    });
}

fn a_hundred_sizes_cost_a_few_frames() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        terminal.settle();
        let start = terminal.raw().len();
        for n in 0..100 {
            terminal.resize(80 + n % 40, 24 + n % 16)?;
        }
        terminal.resize(100, 30)?;
        terminal.settle();
        let frames = terminal.frames_since(start);
        assert!((1..=10).contains(&frames), "{frames} frames");
        terminal.press("still here")?;
        terminal.sees("still here")
    });
}

fn every_frame_is_shown_as_a_whole() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        terminal.press("help\r")?;
        terminal.sees("ok")?;
        let (begun, ended) = (terminal.frames_since(0), terminal.count_since(0, b"\x1b[?2026l"));
        assert!(begun > 1 && begun - ended <= 1, "{begun} {ended}");
        Ok(())
    });
}

fn without_colours_nothing_is_coloured() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let mut console = cluster.full_screen(&[])?;
        console.env("NO_COLOR", "1");
        let mut terminal = c2_tests::terminal::Terminal::start(&console, 120, 40)?;
        terminal.sees("127.0.0.2")?;
        terminal.press("submit false\r")?;
        terminal.sees("failed")?;
        let text = String::from_utf8_lossy(terminal.raw()).into_owned();
        let codes = text.split("\x1b[").skip(1).filter_map(|rest| rest.split_once('m').map(|(codes, _)| codes));
        let colours = codes.filter(|codes| codes.bytes().all(|b| b.is_ascii_digit() || b == b';'));
        let is_colour = |code: &str| matches!(code.parse::<u32>(), Ok(30..=38 | 40..=48 | 90..=97 | 100..=107));
        let coloured: Vec<&str> = colours.filter(|codes| codes.split(';').any(is_colour)).collect();
        assert_eq!(coloured, Vec::<&str>::new());
        assert!(text.contains("\x1b[7m") || text.contains(";7m") || text.contains("\x1b[1m"), "no bold or reverse");
        Ok(())
    });
}
