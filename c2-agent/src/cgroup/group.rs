//! A control group: a folder of the same name in each place that is used.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, getpid};

use crate::cgroup::base::{PROCESSES, Place, make, remove, visit};
use crate::cgroup::figures::Figures;
use crate::supervise::{Process, read_stat};

/// The share of a processor's time that a job of one processor gets beside others.
const WEIGHT: u64 = 100;
const WEIGHT_MAX: u64 = 10_000;
/// The same in the first version.
const SHARES: u64 = 1_024;
const SHARES_MAX: u64 = 262_144;

/// One group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    places: Vec<Place>,
    name: String,
}

/// What the processes in a group may use together; 0 is as much as there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) memory_bytes: u64,
    /// What they have more time for than others, where processors are short.
    pub(crate) cpus: u64,
    pub(crate) pids: u64,
}

impl Group {
    pub(super) const fn new(places: Vec<Place>, name: String) -> Self {
        Self { places, name }
    }

    /// Makes it as if nothing had ever been in it, and moves this process into it, and with it all that it
    /// will start; it may be `inside` already.
    pub(crate) fn enter_fresh(&self, inside: bool) -> io::Result<()> {
        for place in &self.places {
            let group = place.path.join(&self.name);
            if place.counts_memory() && group.exists() {
                move_to(&place.home)?;
                remove(&group);
                if group.exists() {
                    // What is still in it keeps it: then at least its limits and its peak go.
                    forget(&group);
                }
            } else if inside && group.exists() {
                continue;
            }
            make(&group)?;
            move_to(&group)?;
        }
        Ok(())
    }

    /// Moves this process back to where the agent is.
    pub(crate) fn leave(&self) -> io::Result<()> {
        self.places.iter().try_for_each(|place| move_to(&place.home))
    }

    /// All that is in it, and in the groups that were made below it.
    pub(crate) fn members(&self) -> Vec<Process> {
        let mut members = Vec::new();
        let Some(place) = self.places.first() else { return members };
        visit(&place.path.join(&self.name), &mut |group| {
            let listed = fs::read_to_string(group.join(PROCESSES)).unwrap_or_default();
            let pids = listed.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?));
            members.extend(pids.filter(|pid| *pid != getpid()).filter_map(read_stat));
        });
        members
    }

    /// Takes it away when nothing is in it; what is not empty stays until the slot is looked behind again.
    pub(crate) fn remove(&self) {
        self.places.iter().for_each(|place| remove(&place.path.join(&self.name)));
    }

    /// Sets what may be used in it. Answers whether a limit of memory is kept, if one is asked for.
    pub(crate) fn limit(&self, limits: Limits) -> io::Result<bool> {
        // Less of these two is better than no job.
        if let Some((group, _)) = self.at("pids") {
            let most = if limits.pids == 0 { "max".to_owned() } else { limits.pids.to_string() };
            drop(fs::write(group.join("pids.max"), most));
        }
        if let Some((group, is_first)) = self.at("cpu") {
            let (file, one, most) =
                if is_first { ("cpu.shares", SHARES, SHARES_MAX) } else { ("cpu.weight", WEIGHT, WEIGHT_MAX) };
            drop(fs::write(group.join(file), (one * limits.cpus.max(1)).min(most).to_string()));
        }
        let Some((group, is_first)) = self.at("memory").filter(|_| limits.memory_bytes > 0) else { return Ok(false) };
        let bytes = limits.memory_bytes.to_string();
        if is_first {
            fs::write(group.join("memory.limit_in_bytes"), &bytes)?;
            optional(&group.join("memory.memsw.limit_in_bytes"), &bytes);
        } else {
            fs::write(group.join("memory.max"), &bytes)?;
            // A job that is larger than it said ends, rather than to wait for a disk all the time.
            optional(&group.join("memory.swap.max"), "0");
            // All of it or nothing: half a job waits for its other half for ever.
            optional(&group.join("memory.oom.group"), "1");
        }
        Ok(true)
    }

    /// Lets what is in it stand still, or go on. Answers whether there is a way to.
    pub(crate) fn freeze(&self, freeze: bool) -> bool {
        let Some((group, is_first)) = self.at("freezer") else { return false };
        let (file, text) = match (is_first, freeze) {
            (true, true) => ("freezer.state", "FROZEN"),
            (true, false) => ("freezer.state", "THAWED"),
            (false, freeze) => ("cgroup.freeze", if freeze { "1" } else { "0" }),
        };
        let written = existing(&group.join(file), text);
        if let Err(error) = &written {
            tracing::debug!("cannot write {text} to {file} of {}: {error}", self.name);
        }
        written.is_ok()
    }

    /// Lets what is in it go on, if it is there at all.
    pub(crate) fn thaw(&self) {
        let _is_there = self.freeze(false);
    }

    /// What the kernel counts for it.
    pub(crate) fn figures(&self) -> Figures {
        Figures::open(self.at("memory"), self.at("cpuacct"))
    }

    /// Its folder where a controller is, and whether that is one of the first version. What the second version
    /// can do in any group needs no controller.
    fn at(&self, controller: &str) -> Option<(PathBuf, bool)> {
        let always = |place: &Place| place.controllers.is_none() && matches!(controller, "freezer" | "cpuacct");
        let place = self.places.iter().find(|place| always(place) || place.limits(controller))?;
        Some((place.path.join(&self.name), place.controllers.is_some()))
    }
}

/// Takes back what is remembered of memory.
fn forget(group: &Path) {
    for (file, text) in [
        ("memory.memsw.limit_in_bytes", "-1"),
        ("memory.limit_in_bytes", "-1"),
        ("memory.max_usage_in_bytes", "0"),
        ("memory.max", "max"),
        ("memory.swap.max", "max"),
        ("memory.oom.group", "0"),
    ] {
        optional(&group.join(file), text);
    }
}

fn move_to(group: &Path) -> io::Result<()> {
    fs::write(group.join(PROCESSES), getpid().as_raw_nonzero().to_string())
}

/// Writes to a file that not all kernels have.
fn optional(file: &Path, text: &str) {
    if let Err(error) = existing(file, text) {
        tracing::debug!("cannot write {text} to {}: {error}", file.display());
    }
}

fn existing(file: &Path, text: &str) -> io::Result<()> {
    io::Write::write_all(&mut fs::OpenOptions::new().write(true).open(file)?, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::Base;

    /// The group of slot 3 of an agent in these groups, on a machine that is a folder of files.
    fn group(root: &Path, own: &str) -> Group {
        let base = Base::find(root, own, |_| true).unwrap();
        for place in &base.places {
            fs::create_dir_all(&place.home).unwrap();
        }
        base.group("0123456789abcdef", 3)
    }

    fn files(folder: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
    }

    fn check(folder: &Path, expected: &[(&str, &str)]) {
        for (name, text) in expected {
            assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), *text, "{name}");
        }
    }

    #[test]
    fn limits_and_figures_of_the_second_version() {
        let dir = tempfile::tempdir().unwrap();
        let group = group(dir.path(), "0::/s.service/agent");
        let folder = dir.path().join("s.service/c2-01234567-3");
        files(&dir.path().join("s.service"), &[("cgroup.subtree_control", "cpu memory pids\n")]);
        files(&folder, &[("memory.swap.max", ""), ("memory.oom.group", ""), ("cgroup.freeze", "0")]);
        let limits = Limits { memory_bytes: 8 << 30, cpus: 4, pids: 500 };
        assert!(group.limit(limits).unwrap());
        check(&folder, &[("memory.max", "8589934592"), ("memory.swap.max", "0"), ("memory.oom.group", "1")]);
        check(&folder, &[("cpu.weight", "400"), ("pids.max", "500")]);
        assert!(!group.limit(Limits::default()).unwrap());
        check(&folder, &[("cpu.weight", "100"), ("pids.max", "max")]);
        assert!(group.freeze(true));
        check(&folder, &[("cgroup.freeze", "1")]);
        assert!(group.freeze(false));
        check(&folder, &[("cgroup.freeze", "0")]);
        assert_eq!(
            (group.figures().peak_bytes(), group.figures().cpu_us(), group.figures().oom_kills()),
            (None, None, 0)
        );
        let events = "low 0\nhigh 0\nmax 9\noom 2\noom_kill 3\noom_group_kill 1\n";
        let stat = "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n";
        files(&folder, &[("memory.peak", "4096\n"), ("memory.events", events), ("cpu.stat", stat)]);
        assert_eq!(
            (group.figures().peak_bytes(), group.figures().cpu_us(), group.figures().oom_kills()),
            (Some(4_096), Some(1_234_567), 3)
        );
    }

    #[test]
    fn without_controllers_there_are_figures_and_a_freezer() {
        let dir = tempfile::tempdir().unwrap();
        let group = group(dir.path(), "0::/s.service");
        let folder = dir.path().join("s.service/c2-01234567-3");
        files(&folder, &[("cgroup.freeze", "0"), ("cpu.stat", "usage_usec 5\n")]);
        assert!(!group.limit(Limits { memory_bytes: 1, cpus: 1, pids: 1 }).unwrap());
        assert!(!folder.join("memory.max").exists() && !folder.join("pids.max").exists());
        assert!(group.freeze(true));
        assert_eq!((group.figures().peak_bytes(), group.figures().cpu_us()), (None, Some(5)));
    }

    #[test]
    fn limits_and_figures_of_the_first_version() {
        let dir = tempfile::tempdir().unwrap();
        let group = group(dir.path(), "5:memory:/a\n4:cpu,cpuacct:/\n3:pids:/\n2:freezer:/\n0::/");
        let folder = |hierarchy: &str| dir.path().join(hierarchy).join("c2-01234567-3");
        files(&folder("memory/a"), &[("memory.limit_in_bytes", "max")]);
        files(&folder("freezer"), &[("freezer.state", "THAWED")]);
        files(&folder("cpu,cpuacct"), &[("cpuacct.usage", "5000000\n")]);
        files(&folder("pids"), &[]);
        assert!(group.limit(Limits { memory_bytes: 1 << 20, cpus: 2, pids: 0 }).unwrap());
        check(&folder("memory/a"), &[("memory.limit_in_bytes", "1048576")]);
        assert!(!folder("memory/a").join("memory.memsw.limit_in_bytes").exists(), "this kernel has none");
        check(&folder("cpu,cpuacct"), &[("cpu.shares", "2048")]);
        check(&folder("pids"), &[("pids.max", "max")]);
        assert!(group.freeze(true));
        check(&folder("freezer"), &[("freezer.state", "FROZEN")]);
        let control = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";
        files(&folder("memory/a"), &[("memory.max_usage_in_bytes", "77\n"), ("memory.oom_control", control)]);
        assert_eq!(
            (group.figures().peak_bytes(), group.figures().cpu_us(), group.figures().oom_kills()),
            (Some(77), Some(5_000), 2)
        );
    }

    #[test]
    fn a_group_lists_what_is_in_it_and_below() {
        let dir = tempfile::tempdir().unwrap();
        let group = group(dir.path(), "0::/");
        let folder = dir.path().join("c2-01234567-3");
        assert_eq!(group.members(), []);
        group.enter_fresh(false).unwrap();
        group.enter_fresh(true).unwrap();
        let me = getpid().as_raw_nonzero().to_string();
        check(&folder, &[(PROCESSES, &me)]);
        assert_eq!(group.members(), [], "whoever looks is not meant");
        group.leave().unwrap();
        check(dir.path(), &[(PROCESSES, &me)]);
        files(&folder.join("made by a job"), &[(PROCESSES, "1\n4194305\n")]);
        let numbers: Vec<_> = group.members().iter().map(|member| member.pid.as_raw_nonzero().get()).collect();
        assert_eq!(numbers, [1], "the other number is nobody's");
    }
}
