//! `c2d install`: c2d as a service of systemd.

use std::path::Path;

use c2_shared::install::{InstallError, Plan, Unit, Wish, place};

const SYSTEM: Plan = Plan {
    units: &[
        Unit { path: "systemd/system/c2d.service", text: include_str!("../../../assets/systemd/c2d.service") },
        Unit { path: "sysusers.d/c2.conf", text: include_str!("../../../assets/systemd/sysusers.conf") },
    ],
    next: "  systemd-sysusers && systemctl daemon-reload && systemctl enable --now c2d
  for other machines: {\"host\": \"ADDRESS OF THIS MACHINE\"} in /var/lib/c2d/config.json, and
  sudo -u c2 c2d --data-dir /var/lib/c2d invite
",
};

const USER: Plan = Plan {
    units: &[Unit { path: "systemd/user/c2d.service", text: include_str!("../../../assets/systemd/user-c2d.service") }],
    next: "  systemctl --user daemon-reload && systemctl --user enable --now c2d
  so that it runs without you: loginctl enable-linger
  for other machines: {\"host\": \"ADDRESS OF THIS MACHINE\"} in ~/.local/state/c2d/config.json, and c2d invite
",
};

/// Writes the service files; answers with what was done.
pub fn install(dry_run: bool, root: Option<&Path>) -> Result<String, InstallError> {
    let is_root = rustix::process::geteuid().is_root();
    place(&SYSTEM, &USER, Wish { root, dry_run }, is_root)
}
