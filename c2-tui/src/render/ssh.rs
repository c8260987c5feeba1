//! What commands over ssh gave, as text.

use std::fmt::Write as _;
use std::net::IpAddr;

use jiff::tz::TimeZone;

use crate::command::outcome::{Ran, Unshown, Verified};
use crate::render::look::{Look, Style};
use crate::render::sanitize;
use crate::render::table::{Cell, Table, flexible, words};
use crate::ssh::check::Reach;
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
    let words = match &run.verdict {
        Verdict::Exited { exit } => format!("exit {exit}"),
        Verdict::TimedOut => "timed out; it may still run there".to_owned(),
        Verdict::Unreachable { reason, .. } => format!("unreachable: {reason}"),
        Verdict::Interrupted => "not waited for; it may still run there".to_owned(),
    };
    sanitize::cell(&format!("{}: {words}", run.ip))
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
    format!("{workers}: {}", parts.join(", "))
}

/// What of the outputs is still to be shown.
pub(crate) fn outputs(ran: &Ran, width: u16, colour: bool) -> String {
    unshown(&Look { width, colour, zone: TimeZone::UTC }, ran)
}

/// All outputs, equal ones together.
pub(crate) fn folds(runs: &[HostRun], width: u16, colour: bool) -> String {
    folded(&Look { width, colour, zone: TimeZone::UTC }, runs)
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
