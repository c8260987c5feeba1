//! The same on the full screen: live lines beside the `!>` line, folded on demand, stopped and
//! found again.

use c2_tests::scenario;
use c2_tests::ssh::{Machines, available};
use c2_tests::terminal::Terminal;

crate::tests![
    lines_counts_verdicts_and_equal_outputs_together,
    a_run_goes_on_beside_the_line_and_ctrl_c_keeps_what_came,
];

fn lines_counts_verdicts_and_equal_outputs_together() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        for (ip, name) in [("127.54.0.1", "atlas"), ("127.54.0.2", "borealis"), ("127.54.0.3", "pi")] {
            machines.up(ip, name).await?;
            machines.know(ip)?;
        }
        machines.down("127.54.0.4", "gone").await?;
        machines.configure()?;
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("127.54.0.4")?;
        let command = "echo one; case \"$SSH_CONNECTION\" in *' 127.54.0.3 '*) echo odd; exit 3;; esac; echo two";
        terminal.press(&format!("pdsh @all '{}'\r", command.replace('\'', "'\\''")))?;
        terminal.sees("pdsh: all 4 of these?")?;
        terminal.press("y")?;
        terminal.sees("exit 255 after")?;
        // What came last may stand in the next frame.
        for words in [
            "127.54.0.1: one",
            "127.54.0.2: two",
            "127.54.0.3: odd",
            "127.54.0.3: exit 3",
            "127.54.0.4: unreachable",
            "2 of 4 done",
            "1 failed",
            "1 unreachable",
        ] {
            terminal.sees(words)?;
        }
        terminal.press("c")?;
        terminal.sees("--- 2 workers: 127.54.0.1,127.54.0.2")?;
        terminal.sees("+ odd")?;
        terminal.sees("- two")?;
        terminal.press("c")?;
        terminal.misses("+ odd")?;
        terminal.press("q")?;
        terminal.misses("exit 255 after")?;
        terminal.press(":runs\r")?;
        terminal.sees("exit 255 after")
    });
}

fn a_run_goes_on_beside_the_line_and_ctrl_c_keeps_what_came() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.55.0.1", "atlas").await?;
        machines.know("127.55.0.1")?;
        machines.configure()?;
        let here = cluster.console_dir();
        let hang = format!("cd {}; echo up; exec sleep 3600", here.display());
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("127.55.0.1")?;
        terminal.press(&format!("pdsh atlas \"{hang}\"\r"))?;
        terminal.sees("127.55.0.1: up")?;
        terminal.sees("0 of 1 done")?;
        terminal.press("q")?;
        terminal.sees("1 in background")?;
        terminal.press("queue-status\r")?;
        terminal.sees("of 50000 allowed")?;
        terminal.press("runs\r")?;
        terminal.sees("0 of 1 done")?;
        terminal.misses("in background")?;
        terminal.press("\x03")?;
        terminal.sees("exit 130 after")?;
        terminal.sees("1 not waited for")?;
        assert!(terminal.text().contains("127.55.0.1: up"), "{terminal:?}");
        let still_there = |terminal: &mut Terminal| terminal.sees("127.55.0.1");
        terminal.press("q")?;
        still_there(&mut terminal)
    });
}
