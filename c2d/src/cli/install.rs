//! `c2d install`: c2d as a service of systemd.

use std::path::Path;

use c2_shared::install::{InstallError, Plan, Unit, Wish, place};
use rustix::fs::Mode;

const SYSTEM: Plan = Plan {
    units: &[
        Unit { path: "systemd/system/c2d.service", text: include_str!("../../../assets/systemd/c2d.service") },
        Unit { path: "sysusers.d/c2.conf", text: include_str!("../../../assets/systemd/sysusers.conf") },
    ],
    next: "  systemd-sysusers && systemctl daemon-reload && systemctl enable --now c2d
  for other machines, with the address of this one in the place of ADDRESS:
  echo '{\"host\": \"ADDRESS\"}' | install -o c2 -m 600 /dev/stdin /var/lib/c2d/config.json
  systemctl restart c2d && sudo -u c2 c2d --data-dir /var/lib/c2d invite
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
pub fn install(wish: &Wish, data_dir: Option<&Path>) -> Result<String, InstallError> {
    if let Some(dir) = data_dir {
        return Err(InstallError::Elsewhere(dir.to_owned()));
    }
    // Units are for everybody to read, whatever else this user keeps for himself.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    place(&SYSTEM, &USER, wish, rustix::process::geteuid().is_root())
}
