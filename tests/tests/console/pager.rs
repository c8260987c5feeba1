//! The pager in a real terminal: files that are written and the clipboard, which only the whole
//! program can show. No c2d is needed for a text of help.

use std::fs;

use c2_tests::scenario;
use c2_tests::terminal::Terminal;

crate::tests![
    a_text_is_saved_and_copied,
    followed_jobs_write_as_they_go_and_the_line_stays_free,
    what_the_selected_job_writes_stands_beside_its_table,
    the_page_of_an_output_follows_past_what_is_kept_and_names_what_is_missing,
];

fn a_text_is_saved_and_copied() {
    scenario(async |cluster| {
        cluster.kill_c2d()?;
        let mut terminal = Terminal::start(&cluster.full_screen(&[])?, 80, 24)?;
        terminal.sees("!>")?;
        terminal.press("help submit\r")?;
        terminal.sees("✓ ok")?;
        // To the result, and from there to a page of its own.
        terminal.press("\x1b[Z")?;
        terminal.sees("as a page")?;
        terminal.press("\r")?;
        terminal.sees("› help submit")?;
        terminal.press("s")?;
        terminal.sees("save to")?;
        terminal.press("out.txt\r")?;
        terminal.sees("bytes saved to out.txt")?;
        let file = cluster.console_dir().join("out.txt");
        let saved = fs::read_to_string(&file)?;
        assert!(saved.contains("--group"), "{saved}");
        fs::write(&file, "mine")?;
        terminal.press("s")?;
        terminal.sees("save to")?;
        terminal.press("out.txt\r")?;
        terminal.sees("overwrite this file?")?;
        terminal.press("n")?;
        terminal.misses("overwrite")?;
        assert_eq!(fs::read_to_string(&file)?, "mine");
        terminal.press("Y")?;
        terminal.wait("clipboard", |t| t.count_since(0, b"\x1b]52;c;") > 0)?;
        terminal.press("\x03\x03")?;
        assert_eq!(terminal.end()?, 0);
        Ok(())
    });
}

fn followed_jobs_write_as_they_go_and_the_line_stays_free() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let gate = cluster.console_dir().join("gate");
        let job = cluster
            .submit(&format!("echo first; until test -e {}; do sleep 0.05; done; echo last", gate.display()))
            .await?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.press("follow last\r")?;
        terminal.sees("┃ first")?;
        terminal.press(":why last\r")?;
        terminal.sees(" runs on 127.0.0.2")?;
        fs::write(&gate, "")?;
        cluster.ended(job).await?;
        terminal.sees("last")?;
        terminal.sees("exit 0 after")
    });
}

fn the_page_of_an_output_follows_past_what_is_kept_and_names_what_is_missing() {
    scenario(async |cluster| {
        cluster.keep_output(256 * 1024).await?;
        cluster.agent("127.0.0.2").await?;
        let gate = cluster.console_dir().join("gate");
        let burst = "seq -f 'line %.0f xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'";
        let wait = format!("until test -e {}; do sleep 0.05; done", gate.display());
        let job = cluster.submit(&format!("{burst} 1 20000; {wait}; {burst} 20001 40000")).await?;
        cluster.running(job).await?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("seq -f")?;
        terminal.press("\x1b2\r\r")?;
        terminal.sees("line 20000 ")?;
        terminal.sees("bytes missing after line")?;
        terminal.sees("following")?;
        fs::write(&gate, "")?;
        terminal.sees("line 40000 ")?;
        terminal.sees("ended, exit 0")?;
        terminal.press("q\r")?;
        terminal.sees("line 40000 ")?;
        terminal.sees("bytes missing")
    });
}

fn what_the_selected_job_writes_stands_beside_its_table() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        for n in 1..=2 {
            let job = cluster.submit(&format!("echo by-{n}; sleep 600")).await?;
            cluster.running(job).await?;
        }
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("echo by-2")?;
        terminal.press("\x1b2")?;
        terminal.settle();
        terminal.press("p")?;
        terminal.sees("┃ by-1")?;
        terminal.press("\x1b[B")?;
        terminal.sees("┃ by-2")?;
        terminal.press("\r")?;
        terminal.wait("its page", |t| t.text().contains("› job-2") && t.text().contains("┃ by-2"))?;
        terminal.press("q")?;
        terminal.wait("the preview", |t| !t.text().contains("› job-2") && t.text().contains("┃ by-2"))
    });
}
