//! The `!>` line in a real terminal.

use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_tests::scenario;

crate::tests![
    a_job_is_submitted_watched_and_its_output_read,
    consoles_share_their_history_and_blanks_keep_lines_out,
    a_paste_of_several_lines_asks_and_runs_nothing_by_itself,
    names_are_completed_from_what_the_console_knows,
    the_cursor_stands_behind_wide_characters,
];

fn a_job_is_submitted_watched_and_its_output_read() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let gate = cluster.new_folder("gate")?.join("open");
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("127.0.0.2")?;
        let wait = format!("until [ -e {} ]; do sleep 0.1; done", gate.display());
        terminal.press(&format!("submit \"echo first; {wait}; echo second\" --name=demo\r"))?;
        terminal.sees("Submitted job job-1")?;
        terminal.press("\x1b2\r\r")?;
        terminal.wait("what it wrote so far", |t| t.text().lines().any(|line| line.contains("┃ first")))?;
        std::fs::write(gate, "")?;
        terminal.wait("the rest", |t| t.text().lines().any(|line| line.contains("┃ second")))?;
        terminal.press(":output demo\r")?;
        terminal.sees("› stdout")?;
        assert_eq!(cluster.ended(JobId(1)).await?.job.row.state, JobState::Succeeded);
        Ok(())
    });
}

fn consoles_share_their_history_and_blanks_keep_lines_out() {
    scenario(async |cluster| {
        let (mut first, mut second) = (cluster.terminal(&[])?, cluster.terminal(&[])?);
        first.press("groups\r")?;
        first.sees("no worker is in a group")?;
        first.press(" jobs --all\r")?;
        first.sees("there is no job")?;
        second.press("list\r")?;
        second.sees("no worker has registered")?;
        first.press("\x03\x03")?;
        second.press("\x03\x03")?;
        assert_eq!((first.end()?, second.end()?), (0, 0));
        let mut third = cluster.terminal(&[])?;
        third.settle();
        third.press("\x1b[A")?;
        third.sees("!> list")?;
        third.press("\x1b[A")?;
        third.sees("!> groups")?;
        third.press("\x15\x12rou")?;
        third.sees("groups")?;
        third.press("\r")?;
        third.sees("no worker is in a group")?;
        let file = cluster.console_dir().join(".local/state/c2-tui/history");
        assert_eq!(std::fs::read_to_string(file)?, "groups\nlist\ngroups\n");
        Ok(())
    });
}

fn a_paste_of_several_lines_asks_and_runs_nothing_by_itself() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        let paste = "\x1b[200~submit \"echo 1\"\nsubmit \"echo 2\"\nsubmit \"echo 3\"\n\x1b[201~";
        terminal.press(paste)?;
        terminal.sees("run 3 lines?")?;
        assert_eq!(cluster.client().queue_status().await?.active, 0);
        terminal.press("n")?;
        terminal.misses("run 3 lines?")?;
        assert_eq!(cluster.client().queue_status().await?.active, 0);
        terminal.press(paste)?;
        terminal.sees("run 3 lines?")?;
        terminal.press("y")?;
        terminal.sees("job-3")
    });
}

fn names_are_completed_from_what_the_console_knows() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("127.0.0.2")?;
        terminal.press("dra\t")?;
        terminal.sees("!> drain")?;
        terminal.press("127\t")?;
        terminal.sees("!> drain 127.0.0.2")?;
        terminal.press("\r")?;
        terminal.sees("draining")?;
        terminal.press("drian 127.0.0.2")?;
        terminal.sees("did you mean")
    });
}

fn the_cursor_stands_behind_wide_characters() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        terminal.settle();
        let (row, start) = terminal.cursor().expect("a cursor");
        terminal.press("a字e\u{301}")?;
        terminal.sees("字")?;
        terminal.settle();
        assert_eq!(terminal.cursor(), Some((row, start + 4)), "{terminal:?}");
        Ok(())
    });
}
