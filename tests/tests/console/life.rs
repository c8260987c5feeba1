//! How the console begins, ends and bears what happens to it.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use c2_tests::terminal::Terminal;
use c2_tests::{eventually, is_alive, scenario};
use rustix::process::Signal;

crate::tests![
    without_c2d_the_first_frame_comes_and_local_commands_work,
    a_lost_c2d_is_a_banner_over_the_last_data_and_comes_back,
    whoever_ends_it_finds_the_terminal_as_it_was,
    a_console_without_a_terminal_does_not_stay,
    the_shell_has_the_terminal_between_ctrl_z_and_fg,
    ctrl_c_clears_first_and_quits_only_twice,
    a_screen_without_room_says_so_and_recovers,
    a_console_that_may_only_look_changes_nothing,
    what_was_chosen_is_there_again_and_a_damaged_file_costs_only_the_choices,
    nothing_waits_for_a_c2d_that_never_answers,
    a_mistake_gives_the_terminal_back_and_says_where_the_log_is,
];

/// What must come out when the terminal is given back.
const GIVEN_BACK: [&[u8]; 4] = [b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[?1000l"];

fn is_given_back(terminal: &Terminal) -> Result<bool> {
    Ok(terminal.is_cooked()? && GIVEN_BACK.iter().all(|part| terminal.count_since(0, part) > 0))
}

fn without_c2d_the_first_frame_comes_and_local_commands_work() {
    scenario(async |cluster| {
        cluster.kill_c2d()?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("retry in")?;
        terminal.press("help drain\r")?;
        terminal.sees("Let workers finish")?;
        terminal.press("list\r")?;
        terminal.sees("cannot reach c2d")
    });
}

fn a_lost_c2d_is_a_banner_over_the_last_data_and_comes_back() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let job = cluster.submit("sleep 600").await?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("sleep 600")?;
        cluster.kill_c2d()?;
        terminal.sees("retry in")?;
        assert!(terminal.text().contains("sleep 600") && terminal.text().contains("127.0.0.2"), "{terminal:?}");
        cluster.restart_c2d().await?;
        terminal.misses("retry in")?;
        cluster.client().cancel(job).await?;
        terminal.sees("cancelled")
    });
}

fn whoever_ends_it_finds_the_terminal_as_it_was() {
    scenario(async |cluster| {
        for (signal, status) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
            let mut terminal = cluster.terminal(&[])?;
            assert!(!terminal.is_cooked()?);
            terminal.signal(signal)?;
            assert_eq!(terminal.end()?, status, "{signal:?}");
            assert!(is_given_back(&terminal)?, "{signal:?}");
        }
        let mut terminal = cluster.terminal(&[])?;
        terminal.press("quit\r")?;
        assert_eq!(terminal.end()?, 0);
        assert!(is_given_back(&terminal)?);
        Ok(())
    });
}

fn a_console_without_a_terminal_does_not_stay() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        let pid = terminal.pid()?;
        terminal.vanish();
        // Three seconds, and some for a machine that is busy compiling.
        eventually("its end", Duration::from_secs(6), async || Ok((!is_alive(pid)).then_some(()))).await?;
        let logs = cluster.console_dir().join(".local/state/c2-tui/log");
        for log in fs::read_dir(logs)? {
            let text = fs::read_to_string(log?.path())?;
            ensure!(!text.contains("panicked"), "that nobody is there is no mistake: {text}");
        }
        Ok(())
    });
}

fn the_shell_has_the_terminal_between_ctrl_z_and_fg() {
    scenario(async |cluster| {
        let console = cluster.full_screen(&[])?;
        let mut shell = Command::new("bash");
        shell.args(["--norc", "--noprofile", "-i"]).envs(console.get_envs().filter_map(|(n, v)| Some((n, v?))));
        shell.env("PS1", "shell$ ").current_dir(cluster.console_dir());
        let mut terminal = Terminal::start(&shell, 120, 40)?;
        terminal.sees("shell$")?;
        let words = std::iter::once(console.get_program()).chain(console.get_args());
        let line: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        terminal.press(&format!("{}\r", line.join(" ")))?;
        terminal.sees("!>")?;
        terminal.press("submit \"a draft")?;
        terminal.sees("a draft")?;
        terminal.press("\x1a")?;
        terminal.sees("Stopped")?;
        assert!(terminal.text().contains("shell$"), "{terminal:?}");
        terminal.press("echo it is $((6*7))\r")?;
        terminal.sees("it is 42")?;
        let before = terminal.raw().len();
        terminal.press("fg\r")?;
        terminal.wait("the console with its draft", |t| t.text().contains("a draft") && t.text().contains("C2"))?;
        terminal.press("\x15quit\r")?;
        terminal.wait("the shell", |t| t.text().trim_end().ends_with("shell$"))?;
        for (part, what) in [(&b"\x1b[?1049h"[..], "taken"), (b"\x1b[?1049l", "given back")] {
            assert_eq!(terminal.count_since(before, part), 1, "{what} once, or keys between are lost");
        }
        Ok(())
    });
}

fn ctrl_c_clears_first_and_quits_only_twice() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        terminal.press("some words")?;
        terminal.sees("some words")?;
        terminal.press("\x03")?;
        terminal.misses("some words")?;
        terminal.press("list\r")?;
        terminal.sees("no worker has registered")?;
        terminal.press("\x03\x03")?;
        assert_eq!(terminal.end()?, 0);
        Ok(())
    });
}

fn a_screen_without_room_says_so_and_recovers() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("!>")?;
        terminal.press("a draft")?;
        terminal.resize(18, 4)?;
        terminal.sees("C2 needs 20x5")?;
        terminal.resize(50, 12)?;
        terminal.sees("a draft")?;
        terminal.resize(80, 24)?;
        let parts = ["╭ workers", "├ jobs", "├ queue", "┬ log", "a draft"];
        terminal.wait("all four panes", |t| parts.iter().all(|part| t.text().contains(part)))
    });
}

fn a_console_that_may_only_look_changes_nothing() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&["--readonly"])?;
        terminal.press("submit \"true\"\r")?;
        terminal.sees("this console is read-only")?;
        terminal.press("queue-status\r")?;
        terminal.sees("ok")?;
        assert_eq!(cluster.client().queue_status().await?.active, 0);
        Ok(())
    });
}

fn what_was_chosen_is_there_again_and_a_damaged_file_costs_only_the_choices() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster.agent("127.0.0.3").await?;
        let first_row =
            |t: &Terminal| t.text().lines().find(|line| line.contains("online")).unwrap_or_default().to_owned();
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("127.0.0.3")?;
        assert!(first_row(&terminal).contains("127.0.0.2"), "{terminal:?}");
        terminal.press("\x1b1R")?;
        terminal.wait("the workers the other way round", |t| first_row(t).contains("127.0.0.3"))?;
        terminal.press("qq")?;
        terminal.end()?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("127.0.0.2")?;
        assert!(first_row(&terminal).contains("127.0.0.3"), "{terminal:?}");
        terminal.signal(Signal::TERM)?;
        terminal.end()?;

        let file = cluster.console_dir().join(".local/state/c2-tui/preferences.json");
        fs::write(&file, "{\"version\": 1, \"theme\"")?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("preferences were damaged")?;
        terminal.sees("127.0.0.3")?;
        assert!(first_row(&terminal).contains("127.0.0.2"), "{terminal:?}");
        assert!(file.with_extension("json.damaged").is_file());
        Ok(())
    });
}

fn nothing_waits_for_a_c2d_that_never_answers() {
    scenario(async |cluster| {
        let deaf = TcpListener::bind("127.0.0.1:0")?;
        let mut terminal = Terminal::start(&cluster.full_screen_at(deaf.local_addr()?, &[])?, 120, 40)?;
        terminal.sees("!>")?;
        terminal.press("list\r")?;
        terminal.sees("0s !>")?;
        terminal.press("typed meanwhile")?;
        terminal.sees("!> typed meanwhile")?;
        terminal.press("\x1bOP")?;
        terminal.sees("all commands ━")?;
        terminal.press("\x1b")?;
        terminal.misses("all commands ━")?;
        terminal.press("\x15")?;
        terminal.press("\x03")?;
        terminal.sees("stopped waiting for \"list\"")
    });
}

fn a_mistake_gives_the_terminal_back_and_says_where_the_log_is() {
    // Only a console that is built for tests knows the word.
    if !cfg!(debug_assertions) {
        return;
    }
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        terminal.press("panic-on-purpose\r")?;
        assert_ne!(terminal.end()?, 0);
        assert!(is_given_back(&terminal)?, "{:?}", terminal.text());
        let said = terminal.text();
        assert!(said.contains("on purpose") && said.contains("its log is in"), "{said}");
        let log = fs::read_dir(cluster.console_dir().join(".local/state/c2-tui/log"))?;
        let logs: Vec<String> = log.map(|file| Ok(fs::read_to_string(file?.path())?)).collect::<Result<_>>()?;
        assert!(logs.iter().any(|text| text.contains("on purpose")), "{logs:?}");
        Ok(())
    });
}
