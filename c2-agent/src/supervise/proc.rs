//! Finds and signals processes through `/proc`: descendants, and strangers that carry the mark of a job.
//!
//! A process is named by its number and its start time, because numbers are used again.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;

use rustix::process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, pidfd_send_signal};

/// Looks for newcomers before what is known is killed all the same.
const STOP_ROUNDS_MAX: u32 = 100;

/// A process as it was when `/proc` was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    /// When it started, in ticks since boot: with the number it names the process for good.
    pub(crate) start: u64,
    parent: i32,
    session: i32,
    /// Time that it took of a processor, in ticks.
    pub(crate) worked: u64,
    /// It has ended, though its parent may not know yet. A process whose first thread ended looks
    /// the same while its other threads go on.
    pub(crate) zombie: bool,
    /// It was stopped by a signal.
    pub(crate) stopped: bool,
}

/// Calls `visit` for each descendant of a process, each as soon as it is found, so that little time
/// passes in which it could fork again.
pub(crate) fn each_descendant(of: Pid, mut visit: impl FnMut(&Process)) {
    let mut family = BTreeSet::from([of.as_raw_nonzero().get()]);
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

/// Stops everything that `each` finds, so that nothing of it forks while it is killed: a killed process
/// makes room for another, a stopped one does not. Whoever forks faster than this looks wins some rounds,
/// until there are no processes to be had.
pub(crate) fn stop_all(mut each: impl FnMut(&mut dyn FnMut(&Process))) {
    let mut stopped = HashSet::new();
    for _ in 0..STOP_ROUNDS_MAX {
        let before = stopped.len();
        each(&mut |process| {
            if !process.zombie && stopped.insert((process.pid, process.start)) {
                signal(process, Signal::STOP);
            }
        });
        if stopped.len() == before {
            return;
        }
    }
}

/// Signals a process, unless it is gone.
pub(crate) fn signal(process: &Process, with: Signal) {
    // A child's number cannot be used again before we reap it, so no second look is needed; and
    // each instant counts while something forks as fast as it can.
    let outcome = if process.parent == getpid().as_raw_nonzero().get() {
        kill_process(process.pid, with)
    } else {
        match watch(process) {
            Some(pidfd) => pidfd_send_signal(pidfd, with),
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

/// Whether the environment of a process has all of these `NAME=value` entries; that of another user's shows none.
pub(crate) fn is_marked(pid: u32, marks: &[String]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    marks.iter().all(|mark| environment.split(|b| *b == 0).any(|entry| entry == mark.as_bytes()))
}

/// Finds the processes whose environment has all of these `NAME=value` entries.
pub(crate) fn marked(marks: &[String]) -> Vec<Process> {
    let carries_all = |pid: &Pid| is_marked(pid.as_raw_nonzero().get().unsigned_abs(), marks);
    pids().filter(carries_all).filter_map(read_stat).collect()
}

/// Finds the processes other than this one that hold a file open, by its device and number.
pub(crate) fn holding(file: (u64, u64)) -> Vec<Process> {
    let is_it = |fd: fs::DirEntry| fs::metadata(fd.path()).is_ok_and(|open| (open.dev(), open.ino()) == file);
    let holds = |pid: &Pid| {
        let open = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()));
        open.into_iter().flatten().flatten().any(is_it)
    };
    pids().filter(|pid| *pid != getpid()).filter(holds).filter_map(read_stat).collect()
}

/// The process that has locked a file of this number as a whole, as far as the system tells.
pub(crate) fn locking(inode: u64) -> Option<Pid> {
    let locks = fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| lock_on(line, inode)).and_then(Pid::from_raw)
}

/// Reads a line of `/proc/locks`, like `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`. The device in it is
/// another than a file's own on some file systems.
fn lock_on(line: &str, inode: u64) -> Option<i32> {
    let mut words = line.split_ascii_whitespace().skip(1).filter(|word| *word != "->");
    let (kind, _, _, pid, file) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let is_it = kind == "FLOCK" && file.rsplit(':').next()?.parse() == Ok(inode);
    is_it.then(|| pid.parse().ok())?
}

/// The children of this process that are of another session.
pub(crate) fn foreign_children() -> Vec<Process> {
    let Some(me) = read_stat(getpid()) else { return Vec::new() };
    let is_foreign = |child: &Process| child.parent == me.pid.as_raw_nonzero().get() && child.session != me.session;
    pids().filter_map(read_stat).filter(is_foreign).collect()
}

fn pids() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

pub(crate) fn read_stat(pid: Pid) -> Option<Process> {
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
        stopped: *fields.first()? == "T",
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        worked: fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_of_whole_files_name_their_process() {
        for (line, expected) in [
            ("1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF", Some(1234)),
            ("1: -> FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF", Some(1234)),
            ("2: POSIX  ADVISORY  WRITE 1234 08:01:5678 0 EOF", None),
            ("3: FLOCK  ADVISORY  WRITE 1234 08:01:56789 0 EOF", None),
            ("4: FLOCK", None),
        ] {
            assert_eq!(lock_on(line, 5_678), expected, "{line}");
        }
    }

    #[test]
    fn stat_lines() {
        let pid = getpid();
        let tail = "1 7 8 0 -1 4194560 0 0 0 0 30 5 0 0 20 0 1 0 4711 0 0";
        let table = [
            ("sh", "S", false, false),
            ("a) Z 9 (", "R", false, false),
            ("sh", "Z", true, false),
            ("sh", "T", false, true),
        ];
        for (name, state, zombie, stopped) in table {
            let line = format!("5 ({name}) {state} {tail}");
            let expected = Process { pid, start: 4711, parent: 1, session: 8, worked: 35, zombie, stopped };
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
