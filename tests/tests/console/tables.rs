//! The panes in a real terminal: choosing, filtering, opening, cancelling.

use c2_tests::scenario;

crate::tests![
    eleven_marked_jobs_are_cancelled_after_their_number,
    a_filter_keeps_what_it_says_and_counts_it,
    from_a_worker_to_its_job_to_its_output_and_back,
    why_a_job_waits_is_one_key_away,
    the_mouse_chooses_sorts_and_can_be_given_back,
];

fn eleven_marked_jobs_are_cancelled_after_their_number() {
    scenario(async |cluster| {
        for n in 1..=12 {
            cluster.submit(&format!("echo number {n}")).await?;
        }
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("number 12")?;
        terminal.press("\x1b2g")?;
        terminal.settle();
        terminal.press(&" ".repeat(11))?;
        terminal.sees("11 marked")?;
        terminal.press("c")?;
        terminal.sees("cancel 11 jobs?")?;
        terminal.press("y")?;
        terminal.sees("y is not 11")?;
        terminal.press("12\r")?;
        terminal.sees("12 is not 11")?;
        assert_eq!(cluster.client().queue_status().await?.active, 12, "neither y nor another number does it");
        terminal.press("11\r")?;
        terminal.sees("cancelled 11")?;
        assert_eq!(cluster.client().queue_status().await?.active, 1);
        Ok(())
    });
}

fn a_filter_keeps_what_it_says_and_counts_it() {
    scenario(async |cluster| {
        for n in 1..=6 {
            let fruit = if n % 2 == 0 { "apple" } else { "pear" };
            cluster.submit(&format!("echo {fruit} {n}")).await?;
        }
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("pear 5")?;
        terminal.press("\x1b2/apple")?;
        terminal.sees("3/6")?;
        terminal.misses("pear")?;
        terminal.press("\x15re:[")?;
        terminal.sees("pear 5")?;
        terminal.press("\x15!apple\r")?;
        terminal.misses("apple 2")?;
        terminal.sees("pear 1")?;
        terminal.press("\x1b")?;
        terminal.sees("apple 2")
    });
}

fn from_a_worker_to_its_job_to_its_output_and_back() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let job = cluster.submit("echo deep inside; sleep 600").await?;
        cluster.running(job).await?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("sleep 600")?;
        terminal.press("\x1b1\r")?;
        terminal.sees("› 127.0.0.2")?;
        terminal.press("\r")?;
        terminal.sees("127.0.0.2 › job-1")?;
        terminal.press("\r")?;
        terminal.sees("job-1 › output")?;
        terminal.sees("deep inside")?;
        terminal.press("q")?;
        terminal.misses("› output")?;
        terminal.press("\x1b")?;
        terminal.misses("› job-1")?;
        terminal.press("\x1b")?;
        terminal.wait("the panes", |t| t.text().contains(" queue ") && t.text().contains(" log "))
    });
}

fn why_a_job_waits_is_one_key_away() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let asked = cluster.exec(&["submit \"train\" --tags=gpu"]).await?;
        assert_eq!(asked.status, 0, "{asked:?}");
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("train")?;
        terminal.press("\x1b2w")?;
        terminal.sees("does not offer gpu")?;
        terminal.sees("set-tags")
    });
}

fn the_mouse_chooses_sorts_and_can_be_given_back() {
    scenario(async |cluster| {
        for name in ["bb", "aa", "cc"] {
            cluster.exec(&[&format!("submit \"echo {name}\" --name={name}")]).await?;
        }
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("echo cc")?;
        let find = |text: &str, word: &str| {
            let at = |(row, line): (usize, &str)| Some((row, line[..line.find(word)?].chars().count()));
            text.lines().enumerate().find_map(at)
        };
        let (row, column) = find(&terminal.text(), "echo aa").expect("a row");
        terminal.press(&format!("\x1b[<0;{};{}M", column + 1, row + 1))?;
        terminal.settle();
        terminal.press("\r")?;
        terminal.sees("› job-2")?;
        terminal.press("\x1b")?;
        terminal.misses("› job-2")?;
        let start = terminal.raw().len();
        terminal.press("m")?;
        terminal.wait("the mouse given back", |t| t.count_since(start, b"\x1b[?1000l") > 0)
    });
}
