//! A machine of a home that was booted: a systemd of its own starts and ends its services, packages are installed on it,
//! and all of that is forgotten with it. Needs root; nothing of the host is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::home::{Home, Machine};
use crate::machine;
use crate::process::{Background, Output, command_by, run};
use crate::wait::eventually;

const BOOT: &str = include_str!("booted.sh");
/// Becomes a machine, in the control group that is its first word.
const BECOME: &str = r#"group=$1 boot=$2 && shift 2 && echo $$ >"$group/cgroup.procs" && exec unshare --mount --pid \
    --cgroup --uts --ipc --fork --kill-child sh -c "$boot" boot "$@""#;
/// What somebody has who logs in as root.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long it may take to boot beside other tests.
const UP_WITHIN: Duration = Duration::from_secs(180);

/// The machine; it is off with this value.
#[derive(Debug)]
pub struct Booted {
    process: Background,
    pid: String,
    group: PathBuf,
}

/// Whether machines can be booted here; if not, that is said aloud, and is an error under CI.
///
/// # Errors
/// Without root, under CI.
pub fn may() -> Result<bool> {
    let is_here = Path::new("/lib/systemd/systemd").exists() && groups().is_dir();
    Ok(machine::may("machines with systemd")? && machine::has("machines with systemd", is_here, "apt install systemd"))
}

/// Where systemd looks for its control groups.
fn groups() -> &'static Path {
    let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    Path::new(if unified { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/systemd" })
}

impl Booted {
    /// Boots a machine of a home, with what is in a folder in its `/run/given`.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn up(home: &Home, machine: Machine, given: &Path) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let group = groups().join(format!("c2-machine-{}-{number}", std::process::id()));
        fs::create_dir(&group).context("cannot make a control group")?;
        let folder = home.folder(machine);
        let (root, pid) = (folder.join("root"), folder.join("pid"));
        fs::create_dir(&root)?;
        let mut boot = home.within(machine, Path::new("/bin/sh"));
        boot.args(["-c", BECOME, "become"]).arg(&group).arg(BOOT).arg(&pid).arg(&root).arg(given).arg(machine.name());
        let process = Background::start(&mut boot, &folder.join("log"))?;
        let mut booted = Self { process, pid: String::new(), group };
        eventually("a booted machine", UP_WITHIN, async || {
            if booted.process.ended()? {
                bail!("it ended");
            }
            booted.pid = fs::read_to_string(&pid)?.trim().to_owned();
            let state = booted.bash("systemctl is-system-running").await?;
            // One of the system's own services may fail on a busy machine, which is no concern of ours.
            Ok(matches!(&*state.stdout, "running\n" | "degraded\n").then_some(()))
        })
        .await?;
        Ok(booted)
    }

    /// Types something there, as root and in `/run/given`.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn bash(&self, text: &str) -> Result<Output> {
        run(self.shell(text)).await
    }

    fn shell(&self, text: &str) -> Command {
        let way = ["nsenter", "--target", &self.pid, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];
        let way = way.iter().chain(&["--root", "--wd", "--"]).map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut shell = command_by(&way, Path::new("/bin/bash"), Path::new("/"));
        shell.args(["-o", "pipefail", "-c", &format!("cd /run/given && {{ {text}\n}}")]);
        shell.env("HOME", "/root").env("USER", "root").env("PATH", PATH);
        shell
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        // Its first process ends with the one that made the namespaces, and all others with that one.
        drop(self.process.kill());
        for _ in 0..100 {
            if remove(&self.group).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Removes a control group with those in it, which hold nothing any more.
fn remove(group: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}
