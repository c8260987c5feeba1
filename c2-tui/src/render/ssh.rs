//! What commands over ssh gave, as text.

use std::fmt::Write as _;
use std::net::IpAddr;

use jiff::tz::TimeZone;

use crate::command::outcome::{Added, CopyPlan, Ran, Unshown, Verified};
use crate::render::look::{self, Look, Style};
use crate::render::sanitize;
use crate::render::table::{Cell, Table, flexible, words};
use crate::ssh::check::Reach;
use crate::ssh::copy::Copied;
use crate::ssh::fold::{Change, fold};
use crate::ssh::run::{HostRun, Verdict};

/// Colours that tell workers apart, none of which says good or bad.
const COLOURS: [u8; 4] = [36, 33, 35, 34];

/// A line of a worker behind its address. For a terminal nothing in the line works on it.
pub(crate) fn from_worker(ip: IpAddr, line: &str, to_terminal: bool, colour: bool) -> String {
    let line = if to_terminal { sanitize::cell(line) } else { line.to_owned() };
    let last = match ip {
        IpAddr::V4(ip) => ip.octets()[3],
        IpAddr::V6(ip) => ip.octets()[15],
    };
    let code = COLOURS[usize::from(last) % COLOURS.len()];
    if colour { format!("\x1b[{code}m{ip}:\x1b[0m {line}\n") } else { format!("{ip}: {line}\n") }
}

/// How a command ended on a worker, in one line.
pub(crate) fn how_it_ended(run: &HostRun) -> String {
    let words = ending(&run.verdict, run.copied.as_ref());
    sanitize::cell(&format!("{}: {words}", run.ip))
}

fn ending(verdict: &Verdict, copied: Option<&Copied>) -> String {
    match (verdict, copied) {
        (Verdict::Exited { exit: 0 }, Some(copied)) => amount(copied.files, copied.bytes),
        (Verdict::Exited { exit }, _) => format!("exit {exit}"),
        (Verdict::TimedOut, Some(_)) => "timed out before all was copied".to_owned(),
        (Verdict::TimedOut, None) => "timed out; it may still run there".to_owned(),
        (Verdict::Unreachable { reason, .. }, _) => format!("unreachable: {reason}"),
        (Verdict::Interrupted, Some(_)) => "interrupted before all was copied".to_owned(),
        (Verdict::Interrupted, None) => "not waited for; it may still run there".to_owned(),
    }
}

/// How many ended how, in one line.
pub(crate) fn counts(runs: &[HostRun]) -> String {
    let count = |is: fn(&Verdict) -> bool| runs.iter().filter(|run| is(&run.verdict)).count();
    let parts = [
        (count(Verdict::is_success), "done"),
        (count(|v| matches!(v, Verdict::Exited { exit } if *exit != 0)), "failed"),
        (count(|v| *v == Verdict::TimedOut), "timed out"),
        (count(|v| matches!(v, Verdict::Unreachable { .. })), "unreachable"),
        (count(|v| *v == Verdict::Interrupted), "not waited for"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    let workers = if runs.len() == 1 { "1 worker".to_owned() } else { format!("{} workers", runs.len()) };
    let copied = runs.iter().filter_map(|run| run.copied.as_ref());
    let sum = copied.map(|copied| (copied.files, copied.bytes)).reduce(|a, b| (a.0 + b.0, a.1 + b.1));
    let copied = sum.map_or_else(String::new, |(files, bytes)| format!("; copied {}", amount(files, bytes)));
    format!("{workers}: {}{copied}", parts.join(", "))
}

fn amount(files: u64, bytes: u64) -> String {
    format!("{files} {}, {}", if files == 1 { "file" } else { "files" }, look::bytes(bytes))
}

/// What a copy would do.
pub(crate) fn planned(look: &Look, plan: &CopyPlan) -> String {
    let amount = plan.files.zip(plan.bytes).map(|(files, bytes)| format!(" ({})", amount(files, bytes)));
    let names = plan.copy.iter().map(|name| sanitize::cell(name)).collect::<Vec<_>>().join(" ");
    let mut table = Table::new([words("WORKER"), words("HOST"), flexible("INTO")]);
    for worker in &plan.workers {
        table.row([Cell::from(worker.ip.to_string()), Cell::from(&worker.hostname), Cell::from(&worker.dir)]);
    }
    format!("would copy {names}{}\n{}", amount.unwrap_or_default(), table.render(look))
}

/// What of the outputs is still to be shown.
pub(crate) fn outputs(ran: &Ran, width: u16, colour: bool) -> String {
    unshown(&Look { width, colour, zone: || TimeZone::UTC }, ran)
}

/// All outputs, equal ones together.
pub(crate) fn folds(runs: &[HostRun], width: u16, colour: bool) -> String {
    folded(&Look { width, colour, zone: || TimeZone::UTC }, runs)
}

fn unshown(look: &Look, ran: &Ran) -> String {
    match ran.unshown {
        Unshown::Nothing => String::new(),
        Unshown::Folded => folded(look, &ran.runs),
    }
}

pub(crate) fn ran(look: &Look, ran: &Ran) -> String {
    let ends = ran.runs.iter().filter(|run| !run.verdict.is_success()).map(|run| how_it_ended(run) + "\n");
    unshown(look, ran) + &ends.collect::<String>() + &counts(&ran.runs) + "\n"
}

fn folded(look: &Look, runs: &[HostRun]) -> String {
    let mut text = String::new();
    for fold in fold(runs) {
        let workers: Vec<String> = fold.workers.iter().map(ToString::to_string).collect();
        let title = match workers.len() {
            1 => format!("--- {}", workers[0]),
            n => format!("--- {n} workers: {}", workers.join(",")),
        };
        let _ = writeln!(text, "{}", look.paint(Style::Head, &title));
        if !fold.verdict.is_success() {
            let _ = writeln!(text, "{}", look.paint(Style::Bad, &sanitize::cell(&ending(&fold.verdict, None))));
        }
        match &fold.diff {
            Some(diff) => diff.iter().for_each(|change| {
                let (mark, line, style) = match change {
                    Change::Missing(line) => ('-', line, Style::Bad),
                    Change::Extra(line) => ('+', line, Style::Good),
                };
                let _ = writeln!(text, "{}", look.paint(style, &format!("{mark} {}", sanitize::cell(line))));
            }),
            None => fold.lines.iter().for_each(|line| {
                let _ = writeln!(text, "{}", sanitize::cell(line));
            }),
        }
    }
    text
}

pub(crate) fn verified(look: &Look, verified: &Verified) -> String {
    let mut text = String::new();
    for learned in &verified.learned {
        let state = if learned.accepted { "accepted" } else { "not accepted" };
        if learned.fingerprints.is_empty() {
            let _ = writeln!(text, "{} shows no host key", learned.ip);
        }
        for fingerprint in &learned.fingerprints {
            let _ = writeln!(text, "{state}: {}", sanitize::cell(fingerprint));
        }
    }
    let mut table = Table::new([words("WORKER"), words("HOST"), words("SSH"), flexible("WHAT TO DO")]);
    for worker in &verified.workers {
        let style = if worker.reach == Reach::Reachable { Style::Good } else { Style::Bad };
        table.row([
            Cell::from(worker.ip.to_string()),
            Cell::from(&worker.hostname),
            Cell::styled(worker.reach.words(), style),
            Cell::from(&worker.hint),
        ]);
    }
    text + &table.render(look)
}

/// What came of machines that were to become workers.
pub(crate) fn added(look: &Look, machines: &[Added]) -> String {
    let mut table = Table::new([words("MACHINE"), words("HOST"), flexible("RESULT"), flexible("WHAT TO DO")]);
    for machine in machines {
        let style = if machine.added { Style::Good } else { Style::Bad };
        let result = if machine.added { "added" } else { &machine.reason };
        table.row([
            Cell::from(machine.ip.to_string()),
            Cell::from(&machine.hostname),
            Cell::styled(result, style),
            Cell::from(&machine.hint),
        ]);
    }
    table.render(look)
}
