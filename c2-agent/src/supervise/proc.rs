//! Finds and signals processes through `/proc`: the descendants of this process, and strangers
//! that carry the mark of a job.
//!
//! A process is named by its number and its start time, because numbers are used again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;

use rustix::process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, pidfd_send_signal};

/// A process as it was when `/proc` was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    /// When it started, in ticks since boot: with the number it names the process for good.
    pub(crate) start: u64,
    parent: i32,
    /// It has ended, though its parent may not know yet. A process whose first thread ended looks
    /// the same while its other threads go on.
    pub(crate) zombie: bool,
}

/// Calls `visit` for each descendant of this process, each as soon as it is found, so that little
/// time passes in which it could fork again.
pub(crate) fn each_descendant(mut visit: impl FnMut(&Process)) {
    let mut family = BTreeSet::from([getpid().as_raw_nonzero().get()]);
    // Processes whose parent was not known as one of ours when they were read.
    let mut strangers: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for process in pids().filter_map(read_stat) {
        if !family.contains(&process.parent) {
            strangers.entry(process.parent).or_default().push(process);
            continue;
        }
        let mut found = vec![process];
        while let Some(process) = found.pop() {
            visit(&process);
            let number = process.pid.as_raw_nonzero().get();
            family.insert(number);
            found.extend(strangers.remove(&number).unwrap_or_default());
        }
    }
}

/// Signals a descendant of this process, unless it is gone.
pub(crate) fn signal_descendant(process: &Process, signal: Signal) {
    // A child's number cannot be used again before we reap it, so no second look is needed; and
    // each instant counts while something forks as fast as it can.
    let outcome = if process.parent == getpid().as_raw_nonzero().get() {
        kill_process(process.pid, signal)
    } else {
        match watch(process) {
            Some(pidfd) => pidfd_send_signal(pidfd, signal),
            None => Ok(()),
        }
    };
    if let Err(error) = outcome
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!("cannot signal process {}: {error}", process.pid.as_raw_nonzero());
    }
}

/// Opens a descriptor that becomes readable when the process ends; none if it has ended already.
pub(crate) fn watch(process: &Process) -> Option<OwnedFd> {
    let pidfd = pidfd_open(process.pid, PidfdFlags::empty()).ok()?;
    // The descriptor names whoever has the number now; look again whether it is still the same.
    (read_stat(process.pid)?.start == process.start).then_some(pidfd)
}

/// Finds the processes whose environment has all of these `NAME=value` entries.
pub(crate) fn marked(marks: &[String]) -> Vec<Process> {
    let carries_all = |pid: &Pid| {
        let Ok(environment) = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())) else { return false };
        marks.iter().all(|mark| environment.split(|b| *b == 0).any(|entry| entry == mark.as_bytes()))
    };
    pids().filter(carries_all).filter_map(read_stat).collect()
}

/// Finds the processes whose standard output is this file, by its device and number.
pub(crate) fn holding(file: &(u64, u64)) -> Vec<Process> {
    let holds = |pid: &Pid| {
        let output = fs::metadata(format!("/proc/{}/fd/1", pid.as_raw_nonzero()));
        output.is_ok_and(|output| (output.dev(), output.ino()) == *file)
    };
    pids().filter(holds).filter_map(read_stat).collect()
}

fn pids() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

fn read_stat(pid: Pid) -> Option<Process> {
    let stat = fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    parse_stat(pid, &stat)
}

/// Reads a line of `/proc/PID/stat`. The second field, the program's name in parentheses, may
/// contain anything, so fields count from the last closing parenthesis.
fn parse_stat(pid: Pid, stat: &[u8]) -> Option<Process> {
    let after_name = stat.iter().rposition(|b| *b == b')')? + 1;
    let fields: Vec<&str> = str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace().collect();
    Some(Process {
        pid,
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_lines() {
        let pid = getpid();
        let tail = "1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        for (name, state, zombie) in [("sh", "S", false), ("a) Z 9 (", "R", false), ("sh", "Z", true)] {
            let line = format!("5 ({name}) {state} {tail}");
            let expected = Process { pid, start: 4711, parent: 1, zombie };
            assert_eq!(parse_stat(pid, line.as_bytes()), Some(expected), "{line}");
        }
        for bad in ["", "5 (sh", "5 (sh)", "5 (sh) S x"] {
            assert_eq!(parse_stat(pid, bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn this_process_is_found_by_its_start() {
        let me = read_stat(getpid()).unwrap();
        assert!(watch(&me).is_some());
        assert!(watch(&Process { start: me.start + 1, ..me }).is_none());
    }
}
