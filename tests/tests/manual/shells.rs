//! Real shells with the completions, as somebody who presses Tab.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_tests::Cluster;
use c2_tests::machine::has;
use c2_tests::scenario;
use c2_tests::terminal::Terminal;
use c2_tests::wait::now;
use rustix::process::Signal;

use super::ASSETS;

crate::tests![bash_completes, zsh_completes, fish_completes];

/// The same where c2d knows names.
const NAMES: [(&str, &str, &str); 12] = [
    ("c2-tui --exec 'cancel lo", "cancel long-job", "\\"),
    ("c2-tui --exec 'cancel @", "@batch:night", "succeeded"),
    ("c2-tui --exec \"drain @sp", "drain @spare", ""),
    ("c2-tui --exec 'drain 127.0.0", "drain 127.0.0.2", ""),
    ("c2-tui --exec 'schedule show ba", "schedule show backup", ""),
    ("c2-tui --exec 'notify remove ph", "notify remove phone", ""),
    ("c2-tui --exec 'batches ni", "batches night", ""),
    ("c2-tui --exec 'jobs --batch=ni", "jobs --batch=night", ""),
    ("c2-tui --exec 'submit x --on-lost=wa", "--on-lost=wait", ""),
    ("c2-tui run --group sp", "spare", ""),
    ("c2-tui run --notify ph", "phone", ""),
    ("c2-tui run --depends lo", "long-job", ""),
];
/// How long somebody waits at most for nothing, where c2d does not answer.
const AWAY: Duration = Duration::from_secs(3);

/// What is typed before Tab, what appears then, and what must not.
const TYPED: [(&str, &str, &str); 15] = [
    ("c2-tui --server nas:30814 --js", "--json", "command not found"),
    ("c2d invite --role op", "operator", ""),
    ("c2d token rotate ", "worker", "spa"),
    ("c2d in", "invite", ""),
    ("c2-agent re", "reset-identity", ""),
    ("c2-agent run", "", "run-slot"),
    ("c2-agent --fe", "", "--fence-ms"),
    ("c2-agent --sl", "--slots", ""),
    ("c2-agent --via sl", "slurm", ""),
    ("c2-agent --yield-to ba", "battery", ""),
    ("c2-agent join --fi", "--find", ""),
    ("c2d invite --ann", "--announce", ""),
    ("c2-tui run --gr", "--group", ""),
    ("c2-tui --exec queue", "queue-status", ""),
    ("c2-tui --file spa", "spa\\ ce.txt", ""),
];

/// Starts a shell in a folder with a file of two words; the words load the completions.
fn start(cluster: &Cluster, shell: &str, args: &[&str], load: &str) -> Result<Option<Terminal>> {
    let found = Command::new(shell).arg("--version").output().is_ok();
    if !has("completions", found, &format!("it needs {shell}: apt install {shell}")) {
        return Ok(None);
    }
    let folder = cluster.new_folder(shell)?;
    fs::write(folder.join("spa ce.txt"), "")?;
    let console = cluster.bare_console(&[])?;
    let programs = Path::new(console.get_program()).parent().context("it lies in a folder")?;
    let mut command = Command::new(shell);
    command.args(args).current_dir(&folder).env("HOME", &folder).env("TERM", "xterm").env("LANG", "C.UTF-8");
    command.env("PATH", format!("/usr/bin:/bin:{}", programs.display())).env("C2_DATA_DIR", cluster.data_dir());
    let mut terminal = Terminal::start(&command, 150, 40)?;
    terminal.settle();
    terminal.press(&format!("{load}\r"))?;
    Ok(Some(terminal))
}

/// Types lines and presses Tab; answers what is wrong then.
fn type_all(terminal: &mut Terminal, tab: &str, lines: &[(&str, &str, &str)]) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for (number, (typed, appears, never)) in lines.iter().enumerate() {
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
    Ok(wrong)
}

/// Words of the programs, then names that c2d knows, then nothing, as c2d does not answer.
async fn try_all(cluster: &mut Cluster, shell: &str, args: &[&str], load: &str, tab: &str) -> Result<()> {
    cluster.agent("127.0.0.2").await?;
    let lines = [
        "assign 127.0.0.2 spare",
        "submit true --name=long-job --batch=night --hold",
        "schedule backup @yearly true",
        "notify add phone --to=ntfy:topic",
    ];
    let output = cluster.exec(&lines).await?;
    ensure!(output.status == 0, "{output:?}");
    let Some(mut terminal) = start(cluster, shell, args, load)? else { return Ok(()) };
    let mut wrong = type_all(&mut terminal, tab, &TYPED)?;
    wrong.extend(type_all(&mut terminal, tab, &NAMES)?);
    cluster.signal_c2d(Signal::STOP)?;
    let begun = now();
    let silent = [("c2-tui --exec 'cancel lo", "", "long-job"), ("c2-tui run --group sp", "", "spare")];
    wrong.extend(type_all(&mut terminal, tab, &silent)?);
    let took = now() - begun;
    cluster.signal_c2d(Signal::CONT)?;
    ensure!(took < AWAY, "{shell}: somebody waits {took:?} for a c2d that does not answer");
    ensure!(wrong.is_empty(), "{shell}: {}", wrong.join("\n"));
    Ok(())
}

fn completions() -> String {
    fs::canonicalize(Path::new(ASSETS).join("completions")).expect("the folder is there").display().to_string()
}

fn bash_completes() {
    let load = format!("for f in {}/*.bash; do . $f; done", completions());
    scenario(async |cluster| try_all(cluster, "bash", &["--norc", "--noprofile", "-i"], &load, "\t\t").await);
}

fn zsh_completes() {
    let load = format!("fpath=({} $fpath); autoload -U compinit; compinit -u -D", completions());
    scenario(async |cluster| try_all(cluster, "zsh", &["-f", "-i"], &load, "\t\t").await);
}

fn fish_completes() {
    let load = format!("for f in {}/*.fish; source $f; end", completions());
    scenario(async |cluster| try_all(cluster, "fish", &["--no-config", "-i"], &load, "\t").await);
}
