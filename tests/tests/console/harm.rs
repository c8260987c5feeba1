//! What reaches the console otherwise than key by key: pastes that are not marked as such, sequences in
//! pieces, terminals that can show little, and a c2d that hangs.

use std::time::Duration;

use c2_tests::scenario;
use c2_tests::terminal::Terminal;
use rustix::process::Signal;

crate::tests![
    a_paste_without_brackets_acts_on_nothing,
    a_sequence_that_comes_in_two_pieces_is_one_key,
    a_c2d_that_hangs_shows_within_three_seconds_and_comes_back,
    a_terminal_gets_what_it_can_show,
    the_end_of_a_watched_job_rings_and_the_title_counts,
];

fn a_paste_without_brackets_acts_on_nothing() {
    scenario(async |cluster| {
        for n in 1..=3 {
            cluster.submit(&format!("echo number {n}")).await?;
        }
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("number 3")?;
        terminal.press("\x1b2")?;
        terminal.settle();
        // Each begins with a key of the table: hold, cancel, drain.
        for text in ["hold the line", "cancel all of it", "drain the swamp"] {
            terminal.press(&format!("{text}\r"))?;
            terminal.sees(&format!("!> {text}"))?;
            terminal.press("\x15\x1b2")?;
            terminal.misses(text)?;
        }
        // Longer than one read.
        let lines: String = (0..400).map(|n| format!("cancel {n}\r")).collect();
        terminal.press(&(lines + "y"))?;
        terminal.sees("run 401 lines?")?;
        let status = cluster.client().queue_status().await?;
        assert_eq!((status.active, status.held), (3, 0), "nothing was done");
        Ok(())
    });
}

fn a_sequence_that_comes_in_two_pieces_is_one_key() {
    scenario(async |cluster| {
        cluster.submit("echo first").await?;
        cluster.submit("echo second").await?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("second")?;
        terminal.press("\x1b2")?;
        terminal.sees("1/2")?;
        for (rest, shown) in [("[B", "2/2"), ("OA", "1/2"), ("[F", "2/2")] {
            terminal.press("\x1b")?;
            std::thread::sleep(Duration::from_millis(5));
            terminal.press(rest)?;
            terminal.sees(shown)?;
        }
        // Alone it is what it is.
        terminal.press("\x1b")?;
        terminal.wait("the cursor in the line", |t| t.cursor().is_some())?;
        terminal.press("B")?;
        terminal.sees("!> B")
    });
}

fn a_c2d_that_hangs_shows_within_three_seconds_and_comes_back() {
    scenario(async |cluster| {
        cluster.submit("echo here").await?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("● connected")?;
        terminal.sees("echo here")?;
        cluster.signal_c2d(Signal::STOP)?;
        terminal.watch(Duration::from_secs(3));
        assert!(terminal.text().contains("◌ silent for "), "{terminal:?}");
        terminal.sees("data of 5s ago")?;
        terminal.press("help drain\r")?;
        terminal.sees("Let workers finish")?;
        assert!(terminal.text().contains("echo here"), "the data stay: {terminal:?}");
        cluster.signal_c2d(Signal::CONT)?;
        terminal.sees("● connected")
    });
}

fn a_terminal_gets_what_it_can_show() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let mut console = cluster.full_screen(&[])?;
        console.env("TERM", "dumb");
        let mut terminal = Terminal::start(&console, 80, 24)?;
        terminal.sees("--exec")?;
        assert_eq!(terminal.end()?, 2);
        let mut list = cluster.full_screen(&["--exec", "list"])?;
        list.env("TERM", "dumb");
        let mut terminal = Terminal::start(&list, 80, 24)?;
        terminal.sees("WORKER")?;
        assert_eq!(terminal.end()?, 0);
        assert_eq!(terminal.count_since(0, b"\x1b"), 0, "{:?}", String::from_utf8_lossy(terminal.raw()));
        console.env("TERM", "linux");
        let mut terminal = Terminal::start(&console, 80, 24)?;
        terminal.sees("* connected")?;
        terminal.press("quit\r")?;
        terminal.end()?;
        assert!(terminal.raw().is_ascii(), "{:?}", String::from_utf8_lossy(terminal.raw()));
        assert_eq!(terminal.count_since(0, b"\x1b]"), 0, "it would show what is meant for a window");
        Ok(())
    });
}

fn the_end_of_a_watched_job_rings_and_the_title_counts() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let gate = cluster.console_dir().join("gate");
        let job = cluster.submit(&format!("until test -e {}; do sleep 0.05; done", gate.display())).await?;
        cluster.running(job).await?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.wait("the title", |t| t.count_since(0, b"\x1b]2;C2 1 running") > 0)?;
        terminal.press("\x1b2")?;
        terminal.settle();
        terminal.press("n")?;
        terminal.sees("the end of job-1 will ring")?;
        let start = terminal.raw().len();
        std::fs::write(&gate, "")?;
        terminal.wait("the bell", |t| t.count_since(start, b"\x07\x1b]9;job-1 succeeded\x1b\\") > 0)?;
        terminal.wait("the title", |t| t.count_since(start, b"\x1b]2;C2 idle") > 0)?;
        terminal.press("\x1bquit")?;
        terminal.press("\x03\x03\x03")?;
        terminal.end()?;
        assert!(terminal.count_since(0, b"\x1b[22;2t") > 0 && terminal.count_since(0, b"\x1b[23;2t") > 0);
        Ok(())
    });
}
