//! Lines that are typed into a real terminal: where the keys go afterwards, and what of a result is seen.

use c2_shared::job::JobState;
use c2_tests::scenario;
use c2_tests::terminal::Terminal;

crate::tests![
    a_page_that_the_line_opened_leads_back_to_the_line,
    a_result_longer_than_its_box_says_how_it_is_read,
    a_log_of_eighty_columns_shows_commands,
    comments_and_prompts_are_pasted_with_a_line,
];

fn a_page_that_the_line_opened_leads_back_to_the_line() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let job = cluster.submit("echo begun; sleep 600").await?;
        cluster.running(job).await?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("sleep 600")?;
        // These letters are keys of panes: `c` there asks whether to cancel the selected job.
        let types = |terminal: &mut Terminal| {
            terminal.press("\x15cancel nobody")?;
            terminal.sees("!> cancel nobody")?;
            terminal.misses("cancel this job?")?;
            terminal.press("\x15")
        };
        for (line, page) in [("follow last", "› follow last"), ("output last --follow", "› job-1 stdout")] {
            terminal.press(&format!("{line}\r"))?;
            terminal.sees(page)?;
            terminal.sees("┃ begun")?;
            terminal.press("q")?;
            terminal.misses(page)?;
            types(&mut terminal)?;
        }
        // A result becomes a page, too.
        terminal.press("help submit\r")?;
        terminal.sees("✓ ok")?;
        terminal.press("\x1b[Z\r")?;
        terminal.sees("› help submit")?;
        terminal.press("q")?;
        terminal.misses("› help submit")?;
        types(&mut terminal)?;
        assert_eq!(cluster.client().job(job, 0).await?.job.row.state, JobState::Running);
        Ok(())
    });
}

fn a_result_longer_than_its_box_says_how_it_is_read() {
    scenario(async |cluster| {
        for n in 1..=40 {
            cluster.submit(&format!("echo number {n}")).await?;
        }
        for (columns, rows) in [(80, 24), (120, 36)] {
            let mut terminal = Terminal::start(&cluster.full_screen(&[])?, columns, rows)?;
            terminal.sees("number 7")?;
            for (line, first, last) in [("jobs --all", "number 1", "number 40"), ("help", "List all workers", "(END)")]
            {
                terminal.press(&format!("{line}\r"))?;
                terminal.sees("✓ ok")?;
                // The way to the whole of it stands there.
                terminal.sees("Shift-Tab reads on")?;
                terminal.press("\x1b[Z\r")?;
                terminal.sees(&format!("› {line}"))?;
                terminal.press("g")?;
                terminal.sees(first)?;
                terminal.press("G")?;
                terminal.sees(last)?;
                terminal.press("q")?;
                terminal.misses(&format!("› {line}"))?;
                terminal.press("\x1b")?;
                terminal.settle();
                terminal.press(":")?;
                terminal.settle();
            }
        }
        Ok(())
    });
}

fn a_log_of_eighty_columns_shows_commands() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        for command in ["echo a; exit 3", "echo needle in a long command of a job that has ended", "true"] {
            let job = cluster.submit(command).await?;
            cluster.ended(job).await?;
        }
        let mut terminal = Terminal::start(&cluster.full_screen(&[])?, 80, 24)?;
        terminal.sees("127.0.0.2")?;
        terminal.press("log 3\r")?;
        terminal.wait("job, state, worker and command", |t| {
            let text = t.text();
            let line = text.lines().find(|line| line.contains("job-2") && line.contains("succeeded"));
            line.is_some_and(|line| line.contains("127.0.0.2") && line.contains("needle") || line.contains("echo"))
        })
    });
}

fn comments_and_prompts_are_pasted_with_a_line() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("127.0.0.2")?;
        terminal.press("!> submit \"printf 'aaaa\\rbb\\nx'\" --name=cr   # Basic job\r")?;
        terminal.sees("Submitted job job-1")?;
        terminal.press("# Submit training job\r")?;
        terminal.press("\x15wait cr # the one above\r")?;
        terminal.sees("job-1 succeeded")?;
        // What a carriage return writes over is not shown, on the page as little as in a result.
        terminal.press("output cr\r")?;
        terminal.sees("bbaa")?;
        terminal.misses("bbaaaa")?;
        terminal.press("\x1b[Z\r")?;
        terminal.sees("bbaa")?;
        terminal.misses("bbaaaa")
    });
}
