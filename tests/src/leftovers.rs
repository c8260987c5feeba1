//! Ends what agents leave behind on purpose: the detached processes that keep jobs running while
//! an agent is away, and the jobs themselves.
//!
//! Exactly those of one cluster are ended, one process id at a time: they name the cluster's own
//! temporary folder in their arguments, or work in a folder below it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Ends all processes that belong to the cluster in `scratch`, and those that they start meanwhile, and removes
/// the control groups that were made for them.
pub(crate) fn end(scratch: &Path) {
    end_processes(scratch);
    let groups = worker_ids(scratch).into_iter().flat_map(|id| groups_of(&id)).collect::<Vec<_>>();
    for _ in 0..100 {
        // One that was killed is in its group for another moment.
        groups.iter().for_each(|group| drop(fs::remove_dir(group)));
        if groups.iter().all(|group| !group.exists()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The control groups of the jobs of a worker.
#[must_use]
pub fn groups_of(worker_id: &str) -> Vec<PathBuf> {
    let prefix = format!("c2-{}-", worker_id.get(..8).unwrap_or(worker_id));
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let folders = own.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (names, path) = (parts.next()?, parts.next()?);
        Some(Path::new("/sys/fs/cgroup").join(names.trim_start_matches("name=")).join(path.trim_start_matches('/')))
    });
    let inside = folders.flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    inside.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)).map(|entry| entry.path()).collect()
}

/// The identities of the agents whose state folders are below a folder.
fn worker_ids(folder: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            ids.extend(worker_ids(&entry.path()));
        } else if entry.file_name() == "worker_id" {
            ids.extend(fs::read_to_string(entry.path()).ok().map(|id| id.trim().to_owned()));
        }
    }
    ids.retain(|id| !id.is_empty());
    ids
}

fn end_processes(scratch: &Path) {
    // A supervisor that is killed while it starts a job leaves the job to the next round.
    for _ in 0..50 {
        let found = belonging_to(scratch);
        if found.is_empty() {
            return;
        }
        for pid in found {
            // It may be gone by now, which is what is wanted.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::yield_now();
    }
}

/// Signals all processes that belong to the folder, each once.
pub(crate) fn signal(folder: &Path, signal: Signal) -> anyhow::Result<()> {
    for pid in belonging_to(folder) {
        match kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// The processes whose environment has this `NAME=value` entry.
#[must_use]
pub fn marked(entry: &str) -> Vec<Pid> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|pid| Pid::from_raw(pid.file_name().to_str()?.parse().ok()?));
    let carries = |pid: &Pid| is_alive(*pid) && environment(*pid).split(|b| *b == 0).any(|has| has == entry.as_bytes());
    pids.filter(carries).collect()
}

/// A variable of a process's environment.
#[must_use]
pub fn variable(pid: Pid, name: &str) -> Option<String> {
    let environment = environment(pid);
    let entries = environment.split(|b| *b == 0).filter_map(|entry| str::from_utf8(entry).ok());
    entries.filter_map(|entry| entry.split_once('=')).find(|(has, _)| *has == name).map(|(_, value)| value.to_owned())
}

/// Its entries, each ended by a zero; none of a process that is gone.
fn environment(pid: Pid) -> Vec<u8> {
    fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default()
}

/// The command lines of all processes that belong to `scratch`.
pub(crate) fn command_lines(scratch: &Path) -> Vec<String> {
    let line = |pid: Pid| {
        let bytes = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    };
    belonging_to(scratch).into_iter().map(line).collect()
}

fn belonging_to(scratch: &Path) -> Vec<Pid> {
    let me = rustix::process::getpid();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .filter(|pid| *pid != me && is_alive(*pid) && (runs_slot(*pid, scratch) || works_in(*pid, scratch)))
        .collect()
}

/// Whether its arguments have a `--state-dir` below `scratch`.
fn runs_slot(pid: Pid, scratch: &Path) -> bool {
    let Ok(cmdline) = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else { return false };
    let args: Vec<&[u8]> = cmdline.split(|b| *b == 0).collect();
    let separate = args.windows(2).filter(|pair| pair[0] == b"--state-dir").map(|pair| pair[1]);
    let joined = args.iter().filter_map(|arg| arg.strip_prefix(b"--state-dir="));
    separate.chain(joined).any(|dir| Path::new(OsStr::from_bytes(dir)).starts_with(scratch))
}

/// Whether its working folder is below `scratch`, also when the folder is deleted by now.
fn works_in(pid: Pid, scratch: &Path) -> bool {
    fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())).is_ok_and(|cwd| cwd.starts_with(scratch))
}

/// Whether a process exists and is more than an entry that nobody has waited for yet.
pub fn is_alive(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    // The state follows the name, which is in parentheses and may itself contain some.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    #[test]
    fn exactly_those_of_the_folder_are_ended() {
        let (mine, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let start = |command: &mut Command| command.spawn().unwrap();
        let mut by_folder = start(Command::new("sleep").arg("86399").current_dir(mine.path()));
        // It waits for input that never comes.
        let mut by_flag = Command::new("sh");
        by_flag.args(["-c", "read line", "run-slot", "--state-dir"]).arg(mine.path()).stdin(Stdio::piped());
        let mut by_flag = start(&mut by_flag);
        let mut stranger = start(Command::new("sleep").arg("86399").current_dir(other.path()));
        let alive = |child: &Child| is_alive(Pid::from_child(child));

        assert_eq!(command_lines(mine.path()).len(), 2);
        end(mine.path());
        assert!(!alive(&by_folder) && !alive(&by_flag) && alive(&stranger));
        end(other.path());
        for child in [&mut by_folder, &mut by_flag, &mut stranger] {
            child.wait().unwrap();
        }
    }
}
