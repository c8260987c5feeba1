//! The control group of a slot, where the service manager lets the agent make some: whatever a process
//! does to itself, it stays in the group in which its runner was.
//!
//! Both versions of control groups are alike in what is needed here: a folder for each group, in which
//! `cgroup.procs` lists its processes and takes new ones.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, getxattr};
use rustix::process::{Pid, geteuid, getpid};

use crate::supervise::proc::{Process, read_stat};

const ROOT: &str = "/sys/fs/cgroup";
const PROCESSES: &str = "cgroup.procs";
/// What systemd marks a group with that it leaves to its service.
const MARKS: [&str; 2] = ["user.delegate", "trusted.delegate"];
/// Digits of the worker's id in a group's name.
const ID_LEN: usize = 8;

/// The control group of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    path: PathBuf,
}

impl Group {
    /// The group of a slot below that of the agent; none where those are not its own to make.
    pub(crate) fn of(worker_id: &str, slot: u32) -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let base = own.lines().filter_map(|line| place(Path::new(ROOT), line)).find(|group| is_delegated(group))?;
        Some(Self::below(&base, worker_id, slot))
    }

    fn below(base: &Path, worker_id: &str, slot: u32) -> Self {
        let id = worker_id.get(..ID_LEN).unwrap_or(worker_id);
        Self { path: base.join(format!("c2-{id}-{slot}")) }
    }

    /// Moves this process into it, and with it all that it will start.
    pub(crate) fn enter(&self) -> io::Result<()> {
        match fs::create_dir(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => fs::write(self.path.join(PROCESSES), getpid().as_raw_nonzero().to_string()),
        }
    }

    /// All that is in it, and in the groups that were made below it.
    pub(crate) fn members(&self) -> Vec<Process> {
        let mut members = Vec::new();
        visit(&self.path, &mut |group| {
            let listed = fs::read_to_string(group.join(PROCESSES)).unwrap_or_default();
            let pids = listed.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?));
            members.extend(pids.filter(|pid| *pid != getpid()).filter_map(read_stat));
        });
        members
    }

    /// Takes it away when nothing is in it.
    pub(crate) fn remove(&self) {
        // What is not empty stays until the slot is looked behind again.
        visit(&self.path, &mut |group| drop(fs::remove_dir(group)));
    }
}

/// Visits what is below a group before the group itself.
fn visit(group: &Path, look: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            visit(&entry.path(), look);
        }
    }
    look(group);
}

/// The folder of a group that is named by a line of `/proc/PID/cgroup`: `0::/path` in the second version,
/// `4:pids:/path` in the first.
fn place(root: &Path, line: &str) -> Option<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (names, path) = (parts.next()?, parts.next()?);
    let hierarchy = match names.strip_prefix("name=").unwrap_or(names) {
        "" if root.join("unified").exists() => "unified",
        names => names,
    };
    // One outside of what this process may see is shown with such words.
    (!path.contains("..")).then(|| root.join(hierarchy).join(path.trim_start_matches('/')))
}

/// Whether groups may be made there: systemd says so, or, for an ordinary user, the rights do.
fn is_delegated(group: &Path) -> bool {
    let marked = |name| getxattr(group, name, &mut [0_u8; 8]).is_ok_and(|len| len > 0);
    MARKS.into_iter().any(marked) || (!geteuid().is_root() && access(group, Access::WRITE_OK).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_both_versions() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let table = [
            ("0::/system.slice/c2-agent.service", Some("system.slice/c2-agent.service")),
            ("0::/", Some("")),
            ("8:pids:/a", Some("pids/a")),
            ("3:cpu,cpuacct:/a/b", Some("cpu,cpuacct/a/b")),
            ("1:name=systemd:/a", Some("systemd/a")),
            ("0::/../outside", None),
            ("nonsense", None),
        ];
        for (line, expected) in table {
            assert_eq!(place(root, line), expected.map(|path| root.join(path)), "{line}");
        }
        fs::create_dir(root.join("unified")).unwrap();
        assert_eq!(place(root, "0::/a"), Some(root.join("unified/a")));
    }

    #[test]
    fn a_group_lists_what_is_in_it_and_below() {
        let dir = tempfile::tempdir().unwrap();
        let group = Group::below(dir.path(), "0123456789abcdef", 3);
        assert_eq!(group.path, dir.path().join("c2-01234567-3"));
        assert_eq!(group.members(), []);
        group.enter().unwrap();
        group.enter().unwrap();
        let me = getpid().as_raw_nonzero().to_string();
        assert_eq!(fs::read_to_string(group.path.join(PROCESSES)).unwrap(), me);
        assert_eq!(group.members(), [], "whoever looks is not meant");
        let below = group.path.join("made by a job");
        fs::create_dir(&below).unwrap();
        fs::write(below.join(PROCESSES), "1\n4194305\n").unwrap();
        let numbers: Vec<_> = group.members().iter().map(|member| member.pid.as_raw_nonzero().get()).collect();
        assert_eq!(numbers, [1], "the other number is nobody's");
    }
}
