//! `c2-agent install`: the agent as a service of systemd.

use std::path::Path;

use c2_shared::install::{InstallError, Plan, Unit, Wish, place};
use rustix::fs::Mode;

const SYSTEM: Plan = Plan {
    units: &[
        Unit { path: "systemd/system/c2-agent@.service", text: include_str!("../../assets/systemd/c2-agent@.service") },
        Unit { path: "sysusers.d/c2-agent.conf", text: include_str!("../../assets/systemd/agent-sysusers.conf") },
        Unit { path: "tmpfiles.d/c2.conf", text: include_str!("../../assets/systemd/tmpfiles.conf") },
    ],
    next: "  systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload
  sudo -u c2-jobs -H c2-agent join LINE && systemctl enable --now c2-agent@c2-jobs
  to run jobs as another user, name it in tmpfiles.d/c2.conf, join as that user and enable c2-agent@USER
",
};

const USER: Plan = Plan {
    units: &[Unit {
        path: "systemd/user/c2-agent.service",
        text: include_str!("../../assets/systemd/user-c2-agent.service"),
    }],
    next: "  c2-agent join LINE, if this machine did not join yet
  systemctl --user daemon-reload && systemctl --user enable --now c2-agent
  so that it runs without you: loginctl enable-linger
",
};

/// Writes the service files; answers with what was done.
pub(crate) fn install(wish: &Wish) -> Result<String, InstallError> {
    // Units are for everybody to read, whatever else this user keeps for himself.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    place(&SYSTEM, &USER, wish, rustix::process::geteuid().is_root())
}

/// Whether systemd runs this machine, as its own programs find it out.
pub(crate) fn systemd_runs() -> bool {
    Path::new("/run/systemd/system").exists()
}
