//! Whether limits of jobs are kept, and if not why, and how to get that: for `c2-agent doctor`.

use c2_shared::checkup::Check;

use crate::cgroup::Base;
use crate::cgroup::base::WANTED;

const WHAT: &str = "limits of jobs";
const INSTALL: &str = "run the agent as the service that `c2-agent install` writes: its unit has Delegate=yes";

/// What an agent with these places for groups can do.
pub(crate) fn standing(is_wanted: bool, base: Option<&Base>) -> Check {
    if !is_wanted {
        let words = "control_groups is false in the configuration: jobs use what they like";
        return Check::warn(WHAT, words, "remove that key to have limits kept");
    }
    let Some(base) = base else {
        let words = "not kept: no control group is delegated to the agent";
        return Check::warn(WHAT, words, INSTALL);
    };
    let missing: Vec<&str> =
        WANTED.into_iter().filter(|wanted| !base.places.iter().any(|place| place.limits(wanted))).collect();
    let version = if base.places.iter().any(|place| place.controllers.is_none()) { 2 } else { 1 };
    if missing.is_empty() {
        let words = format!("kept for memory, processors and processes, by control groups of version {version}");
        return Check::ok(WHAT, words);
    }
    let missing = missing.join(", ");
    let second = base.places.iter().find(|place| place.controllers.is_none());
    let (why, how) = match second {
        Some(place) if place.home == place.path && place.is_service() => (
            "its unit does not start it in a group of its own",
            "with systemd 254 or later: write the unit again with `c2-agent install`, then systemctl daemon-reload \
             and restart the agent; an older systemd cannot do that",
        ),
        Some(place) if place.home == place.path => ("other processes are in its control group", INSTALL),
        Some(_) => (
            "the controllers are not enabled for it",
            "see cgroup.controllers of its unit's control group, and DefaultControllers of what is above it; \
             a user's service gets those that Delegate= of user@.service names",
        ),
        None => ("they are not delegated to it", "mount them, or use control groups of version 2"),
    };
    Check::warn(WHAT, format!("not kept for {missing}: {why}"), how)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use c2_shared::checkup::State;

    use super::*;

    #[test]
    fn what_is_not_kept_is_told_with_a_way_to_get_it() {
        let dir = tempfile::tempdir().unwrap();
        let control = |group: &str, text: &str| {
            fs::create_dir_all(dir.path().join(group)).unwrap();
            fs::write(dir.path().join(group).join("cgroup.subtree_control"), text).unwrap();
        };
        control("full.service", "cpu memory pids\n");
        control("half.service", "pids\n");
        control("old.service", "");
        control("shared.scope", "");
        let table = [
            (
                "0::/full.service/agent",
                State::Ok,
                "kept for memory, processors and processes, by control groups of version 2",
            ),
            ("0::/half.service/agent", State::Warn, "not kept for memory, cpu: the controllers are not enabled for it"),
            (
                "0::/old.service",
                State::Warn,
                "not kept for memory, cpu, pids: its unit does not start it in a group of its own",
            ),
            (
                "0::/shared.scope",
                State::Warn,
                "not kept for memory, cpu, pids: other processes are in its control group",
            ),
            (
                "3:cpu,cpuacct:/\n2:memory:/\n1:pids:/",
                State::Ok,
                "kept for memory, processors and processes, by control groups of version 1",
            ),
            ("3:cpu,cpuacct:/", State::Warn, "not kept for memory, pids: they are not delegated to it"),
        ];
        for (groups, state, words) in table {
            let check = standing(true, Base::find(dir.path(), groups, |_| true).as_ref());
            assert_eq!((check.state, check.words.as_str()), (state, words), "{groups}");
            assert_eq!(check.advice.is_empty(), state == State::Ok);
        }
        assert_eq!(standing(true, None).words, "not kept: no control group is delegated to the agent");
        assert!(standing(false, None).words.starts_with("control_groups is false"));
    }
}
