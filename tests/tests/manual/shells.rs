//! Real shells with the completions, as somebody who presses Tab.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use c2_tests::Cluster;
use c2_tests::machine::has;
use c2_tests::scenario;
use c2_tests::terminal::Terminal;

use super::ASSETS;

crate::tests![bash_completes, zsh_completes, fish_completes];

/// What is typed before Tab, what appears then, and what must not.
const TYPED: [(&str, &str, &str); 10] = [
    ("c2-tui --server nas:30814 --js", "--json", "command not found"),
    ("c2d invite --role op", "operator", ""),
    ("c2d token rotate ", "worker", "spa"),
    ("c2d in", "invite", ""),
    ("c2-agent re", "reset-identity", ""),
    ("c2-agent run", "", "run-slot"),
    ("c2-agent --fe", "", "--fence-ms"),
    ("c2-agent --sl", "--slots", ""),
    ("c2-tui --exec queue", "queue-status", ""),
    ("c2-tui --file spa", "spa\\ ce.txt", ""),
];

/// Starts a shell in a folder with a file of two words; the words load the completions.
fn try_all(cluster: &Cluster, shell: &str, args: &[&str], load: &str, tab: &str) -> Result<()> {
    let found = Command::new(shell).arg("--version").output().is_ok();
    if !has("completions", found, &format!("it needs {shell}: apt install {shell}")) {
        return Ok(());
    }
    let folder = cluster.new_folder(shell)?;
    fs::write(folder.join("spa ce.txt"), "")?;
    let mut command = Command::new(shell);
    command.args(args).current_dir(&folder).env("HOME", &folder).env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
    command.env("LANG", "C.UTF-8");
    let mut terminal = Terminal::start(&command, 150, 40)?;
    terminal.settle();
    terminal.press(&format!("{load}\r"))?;
    let mut wrong = Vec::new();
    for (number, (typed, appears, never)) in TYPED.into_iter().enumerate() {
        terminal.press(&format!("clear; echo 'next' {number}\r"))?;
        terminal.sees(&format!("next {number}"))?;
        terminal.press(&format!("{typed}{tab}"))?;
        let seen = if appears.is_empty() { Ok(()) } else { terminal.sees(appears) };
        terminal.settle();
        let screen = terminal.text();
        // The line is given up.
        terminal.press("\u{15}")?;
        let is_wrong = seen.is_err() || (!never.is_empty() && screen.contains(never));
        if is_wrong {
            wrong.push(format!("{typed:?} should show {appears:?} and not {never:?}:\n{}", screen.trim_end()));
        }
    }
    ensure!(wrong.is_empty(), "{shell}: {}", wrong.join("\n"));
    Ok(())
}

fn completions() -> String {
    fs::canonicalize(Path::new(ASSETS).join("completions")).expect("the folder is there").display().to_string()
}

fn bash_completes() {
    let load = format!("for f in {}/*.bash; do . $f; done", completions());
    scenario(async |cluster| try_all(cluster, "bash", &["--norc", "--noprofile", "-i"], &load, "\t\t"));
}

fn zsh_completes() {
    let load = format!("fpath=({} $fpath); autoload -U compinit; compinit -u -D", completions());
    scenario(async |cluster| try_all(cluster, "zsh", &["-f", "-i"], &load, "\t\t"));
}

fn fish_completes() {
    let load = format!("for f in {}/*.fish; source $f; end", completions());
    scenario(async |cluster| try_all(cluster, "fish", &["--no-config", "-i"], &load, "\t"));
}
