//! Where the groups of an agent's jobs may be made: beside its own processes, in what is delegated to it.
//!
//! In the second version of control groups a group has processes or limits for the groups below it, not both.
//! So the unit has systemd start the agent in a group `agent` below that of the service. An older systemd does
//! not know how to, and could not start the agent again beside jobs that go on: there no limits are set.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, getxattr};
use rustix::process::{Pid, geteuid, getpid};

use crate::cgroup::Group;
use crate::install::systemd_runs;

const ROOT: &str = "/sys/fs/cgroup";
pub(super) const PROCESSES: &str = "cgroup.procs";
/// What systemd marks a group with that it leaves to its service.
const MARKS: [&str; 2] = ["user.delegate", "trusted.delegate"];
/// The group of the agent itself, as `DelegateSubgroup=` in its unit names it.
const OWN: &str = "agent";
/// Controllers that jobs need.
pub(super) const WANTED: [&str; 3] = ["memory", "cpu", "pids"];
/// All that is used of the first version, where each of them may have a place of its own.
const FIRST_VERSION: [&str; 5] = ["memory", "cpu", "pids", "cpuacct", "freezer"];
/// Digits of the worker's id in a group's name.
const ID_LEN: usize = 8;

/// A place for groups in one hierarchy: the second version has only one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder of the group below which others may be made.
    pub(super) path: PathBuf,
    /// Where the agent's own processes are: there, or in a group below.
    pub(super) home: PathBuf,
    /// Its controllers in the first version; none in the second, where a file says which there are.
    pub(super) controllers: Option<Vec<String>>,
}

/// All places in which a job's group has to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(super) places: Vec<Place>,
}

impl Base {
    /// Those of this process; none where nothing is delegated to it.
    pub(crate) fn own() -> Option<Self> {
        Self::of(getpid())
    }

    /// Those of another process of the same user.
    pub(crate) fn of(process: Pid) -> Option<Self> {
        let groups = fs::read_to_string(format!("/proc/{}/cgroup", process.as_raw_nonzero())).ok()?;
        Self::find(Path::new(ROOT), &groups, is_delegated)
    }

    /// Those of a process with these lines in its `/proc/PID/cgroup`.
    pub(crate) fn find(root: &Path, groups: &str, is_delegated: impl Fn(&Path) -> bool) -> Option<Self> {
        let places = groups.lines().filter_map(|line| Place::of(root, line));
        let (wanted, others): (Vec<_>, Vec<_>) =
            places.filter(|place| is_delegated(&place.path)).partition(|place| place.has_any(&FIRST_VERSION));
        // Without one of these a single place tells at least what belongs to a job.
        let places = if wanted.is_empty() { others.into_iter().take(1).collect() } else { wanted };
        (!places.is_empty()).then_some(Self { places })
    }

    /// Those of this process with limits kept there, if groups are wanted.
    pub(crate) fn prepared(is_wanted: bool) -> Option<Self> {
        let base = is_wanted.then(Self::own).flatten();
        base.iter().for_each(Self::prepare);
        base
    }

    /// Has limits kept in the groups that are made here, as far as that can be done.
    fn prepare(&self) {
        for place in self.places.iter().filter(|place| place.controllers.is_none()) {
            if place.home == place.path && place.is_marked() && !place.is_service() {
                let own = place.path.join(OWN);
                let moved =
                    make(&own).and_then(|()| fs::write(own.join(PROCESSES), getpid().as_raw_nonzero().to_string()));
                if let Err(error) = moved {
                    tracing::debug!("no control group of its own for the agent: {error}");
                }
            }
            if place.home == place.path && place.is_service() {
                continue;
            }
            for controller in WANTED {
                if let Err(error) = fs::write(place.path.join("cgroup.subtree_control"), format!("+{controller}")) {
                    tracing::debug!("no limits for jobs by the controller {controller}: {error}");
                }
            }
        }
    }

    /// The group of the jobs of a slot.
    pub(crate) fn group(&self, worker_id: &str, slot: u32) -> Group {
        Group::new(self.places.clone(), format!("{}{slot}", prefix(worker_id)))
    }

    /// Removes the groups that an earlier run of an agent left, if nothing is in them.
    pub(crate) fn sweep(&self, worker_id: &str) {
        let prefix = prefix(worker_id);
        for place in &self.places {
            let entries = fs::read_dir(&place.path).into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            for name in names.filter(|name| name.starts_with(&prefix)) {
                remove(&place.path.join(name));
            }
        }
    }
}

fn prefix(worker_id: &str) -> String {
    format!("c2-{}-", worker_id.get(..ID_LEN).unwrap_or(worker_id))
}

pub(super) fn make(group: &Path) -> io::Result<()> {
    match fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Removes a group and those below it, as far as nothing is in them.
pub(super) fn remove(group: &Path) {
    visit(group, &mut |group| drop(fs::remove_dir(group)));
}

/// Visits what is below a group before the group itself.
pub(super) fn visit(group: &Path, look: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            visit(&entry.path(), look);
        }
    }
    look(group);
}

impl Place {
    /// That of a line of `/proc/PID/cgroup`: `0::/path` in the second version, `4:pids:/path` in the first.
    fn of(root: &Path, line: &str) -> Option<Self> {
        let mut parts = line.splitn(3, ':').skip(1);
        let (names, path) = (parts.next()?, parts.next()?);
        let hierarchy = match names.strip_prefix("name=").unwrap_or(names) {
            "" if root.join("unified").exists() => "unified",
            names => names,
        };
        // One outside of what this process may see is shown with such words.
        if path.contains("..") {
            return None;
        }
        let home = root.join(hierarchy).join(path.trim_start_matches('/'));
        let controllers = (!names.is_empty()).then(|| names.split(',').map(str::to_owned).collect());
        let is_below = controllers.is_none() && home.file_name().is_some_and(|name| name == OWN);
        let path = if is_below { home.parent()?.to_owned() } else { home.clone() };
        Some(Self { path, home, controllers })
    }

    fn has_any(&self, wanted: &[&str]) -> bool {
        self.controllers.iter().flatten().any(|has| wanted.contains(&has.as_str()))
    }

    /// Whether it accounts for memory: what was used there before counts there for ever.
    pub(super) fn counts_memory(&self) -> bool {
        self.controllers.is_none() || self.has_any(&["memory"])
    }

    /// Whether limits of a controller are kept in groups below.
    pub(super) fn limits(&self, controller: &str) -> bool {
        match &self.controllers {
            Some(has) => has.iter().any(|has| has == controller),
            None => lists(&self.path.join("cgroup.subtree_control"), controller),
        }
    }

    /// Whether it is the group of a service, in which systemd starts it again.
    pub(super) fn is_service(&self) -> bool {
        self.path.extension().is_some_and(|kind| kind == "service")
    }

    fn is_marked(&self) -> bool {
        MARKS.into_iter().any(|name| getxattr(&self.path, name, &mut [0_u8; 8]).is_ok_and(|len| len > 0))
    }
}

/// Whether a file lists a word.
pub(super) fn lists(file: &Path, word: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.split_ascii_whitespace().any(|listed| listed == word))
}

/// Whether groups may be made there: systemd says so, or, for an ordinary user, the rights do. Where there is no
/// systemd, nobody but root has a say.
fn is_delegated(group: &Path) -> bool {
    let marked = |name| getxattr(group, name, &mut [0_u8; 8]).is_ok_and(|len| len > 0);
    let is_free = !geteuid().is_root() || !systemd_runs();
    MARKS.into_iter().any(marked) || (is_free && access(group, Access::WRITE_OK).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(root: &Path, groups: &str) -> Vec<(String, String)> {
        let base = Base::find(root, groups, |_| true);
        let short = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
        base.into_iter().flat_map(|base| base.places).map(|place| (short(&place.path), short(&place.home))).collect()
    }

    #[test]
    fn places_of_both_versions() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let table: [(&str, &[(&str, &str)]); 8] = [
            (
                "0::/system.slice/c2-agent.service",
                &[("system.slice/c2-agent.service", "system.slice/c2-agent.service")],
            ),
            ("0::/a.service/agent", &[("a.service", "a.service/agent")]),
            ("0::/", &[("", "")]),
            ("8:pids:/a\n3:cpu,cpuacct:/a/b", &[("pids/a", "pids/a"), ("cpu,cpuacct/a/b", "cpu,cpuacct/a/b")]),
            ("8:pids:/agent", &[("pids/agent", "pids/agent")]),
            ("2:blkio:/a\n1:name=systemd:/a", &[("blkio/a", "blkio/a")]),
            ("0::/../outside", &[]),
            ("nonsense", &[]),
        ];
        for (groups, expected) in table {
            let expected: Vec<_> =
                expected.iter().map(|(path, home)| ((*path).to_owned(), (*home).to_owned())).collect();
            assert_eq!(places(root, groups), expected, "{groups}");
        }
        fs::create_dir(root.join("unified")).unwrap();
        assert_eq!(places(root, "0::/a"), [("unified/a".to_owned(), "unified/a".to_owned())]);
        assert_eq!(Base::find(root, "0::/a\n8:pids:/a", |_| false), None);
    }

    #[test]
    fn controllers_are_enabled_where_systemd_can_start_the_agent_again() {
        let dir = tempfile::tempdir().unwrap();
        let control = |group: &str| fs::read_to_string(dir.path().join(group).join("cgroup.subtree_control")).ok();
        for (own, enabled) in [("a.service", None), ("b.service/agent", Some("+pids")), ("c.scope", Some("+pids"))] {
            fs::create_dir_all(dir.path().join(own)).unwrap();
            Base::find(dir.path(), &format!("0::/{own}"), |_| true).unwrap().prepare();
            // Each is written by itself, so the file holds the last one.
            assert_eq!(control(own.trim_end_matches("/agent")).as_deref(), enabled, "{own}");
        }
    }

    #[test]
    fn only_groups_of_this_agent_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::find(dir.path(), "0::/", |_| true).unwrap();
        for name in ["c2-01234567-0", "c2-01234567-12", "c2-76543210-0", "other"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        // A real group with a process in it refuses as well.
        fs::write(dir.path().join("c2-01234567-12/file"), "").unwrap();
        base.sweep("0123456789abcdef");
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["c2-01234567-12", "c2-76543210-0", "other"]);
    }
}
