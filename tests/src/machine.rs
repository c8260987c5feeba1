//! Machines that differ from the one that the tests run on: a small disk, another boot, few
//! processes. All of it needs root, and is undone with its value.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, ensure};
use rustix::fs::XattrFlags;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use rustix::process::Pid;

/// Where the kernel shows which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Whether what needs root can be done; if not, that is said aloud, and is an error under CI.
///
/// # Errors
/// Without root, under CI.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
pub fn may(what: &str) -> Result<bool> {
    if rustix::process::geteuid().is_root() {
        return Ok(true);
    }
    ensure!(std::env::var_os("CI").is_none(), "{what} need root");
    eprintln!("NOT TESTED: {what}, which need root");
    Ok(false)
}

/// Whether what a test needs is here. If not, the test says loudly that it did not run, and fails
/// where everything is to be tested.
///
/// # Panics
/// In CI, when it is missing.
#[must_use]
#[expect(clippy::print_stderr, reason = "a test that does not run must not look as if it had")]
pub fn has(what: &str, is_here: bool, hint: &str) -> bool {
    assert!(is_here || std::env::var_os("CI").is_none(), "cannot test {what}: {hint}");
    if !is_here {
        eprintln!("NOT TESTED: {what}; {hint}");
    }
    is_here
}

/// The library by which a program is told another time of day, if it is here: Debian's package puts
/// it below a folder named by the machine's kind.
#[must_use]
pub fn faketime() -> Option<PathBuf> {
    let kinds = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    kinds.map(|kind| kind.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.exists())
}

/// A disk of a few bytes, mounted on a folder.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn mount(folder: &Path, bytes: u64) -> Result<Self> {
        Self::mount_with(folder, &format!("size={bytes}"))
    }

    /// Mounts one with these options of a tmpfs.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn mount_with(folder: &Path, options: &str) -> Result<Self> {
        let options = std::ffi::CString::new(format!("{options},mode=700"))?;
        mount("tmpfs", folder, "tmpfs", MountFlags::empty(), &*options).context("cannot mount a tmpfs")?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Lets nothing be written to it, as after a fault of the disk; or lets it again.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn set_read_only(&self, on: bool) -> Result<()> {
        let flags = if on { MountFlags::RDONLY } else { MountFlags::empty() };
        mount_remount(&self.folder, flags, c"").context("cannot remount a tmpfs")
    }

    /// Gives it another size.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn resize(&self, bytes: u64) -> Result<()> {
        let options = std::ffi::CString::new(format!("size={bytes}"))?;
        mount_remount(&self.folder, MountFlags::empty(), &*options).context("cannot resize a tmpfs")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It was mounted, so it can be; and there is nobody to tell that it could not.
        let _still_there = unmount(&self.folder, UnmountFlags::DETACH);
    }
}

/// A disk with a file system of its own, which can fail and hang: a file, by way of a loop device.
#[derive(Debug)]
pub struct LoopDisk {
    folder: PathBuf,
}

impl LoopDisk {
    /// Makes one of so many bytes in `file` and mounts it on a folder; none where the system has no such
    /// disks to give, which is said.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn mount(file: &Path, folder: &Path, bytes: u64) -> Result<Option<Self>> {
        let output = |program: &str| Command::new(program).arg("-f").output();
        let is_here = output("losetup").is_ok_and(|found| found.status.success());
        if !has("disks that fail", is_here, "there is no free loop device") {
            return Ok(None);
        }
        fs::File::create(file)?.set_len(bytes)?;
        system("mkfs.ext4", &["-q", "-F", &file.to_string_lossy()])?;
        let options = "loop,errors=remount-ro";
        system("mount", &["-o", options, &file.to_string_lossy(), &folder.to_string_lossy()])?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        Ok(Some(Self { folder: folder.to_owned() }))
    }

    /// Lets the file system fail, as after an error of the disk: from now on it is read-only.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn fail(&self) -> Result<()> {
        system("mount", &["-o", "remount,abort", &self.folder.to_string_lossy()])
    }

    /// Lets whatever writes wait; or lets it go on.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn freeze(&self, on: bool) -> Result<()> {
        system("fsfreeze", &[if on { "-f" } else { "-u" }, &self.folder.to_string_lossy()])
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        // One that is not frozen says so; and whoever could be told is gone.
        drop(self.freeze(false));
        let _still_there = unmount(&self.folder, UnmountFlags::DETACH);
    }
}

/// Runs a program of the system.
fn system(program: &str, args: &[&str]) -> Result<()> {
    let output = Command::new(program).args(args).output().with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The way to a machine whose boot id stands in `file`.
#[must_use]
pub fn booted_as(file: &Path) -> Vec<String> {
    let script = format!("mount --bind \"$0\" {BOOT_ID} && exec \"$@\"");
    ["unshare", "--mount", "--", "sh", "-c", &script, &file.to_string_lossy()].map(str::to_owned).into()
}

/// A group of processes that may not become too many.
#[derive(Debug)]
pub struct FewProcesses {
    group: PathBuf,
}

impl FewProcesses {
    /// Makes the group, empty.
    ///
    /// # Errors
    /// When the system has no such groups, or refuses it.
    pub fn new(max: u32) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let controllers = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
        let unified = controllers.split_whitespace().any(|name| name == "pids");
        let parent = Path::new(if unified { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/pids" });
        if unified {
            fs::write(parent.join("cgroup.subtree_control"), "+pids").context("cannot limit processes")?;
        }
        let group = parent.join(format!("c2-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&group).with_context(|| format!("cannot make the control group {}", group.display()))?;
        let made = Self { group };
        made.limit(max)?;
        Ok(made)
    }

    /// Lets it have so many from now on; those that there are stay.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn limit(&self, max: u32) -> Result<()> {
        Ok(fs::write(self.group.join("pids.max"), max.to_string())?)
    }

    /// Leaves the group to those in it, as systemd does for a service that may make groups of its own.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn delegate(&self) -> Result<()> {
        Ok(rustix::fs::setxattr(&self.group, "user.delegate", b"1", XattrFlags::empty())?)
    }

    /// The way into the group.
    #[must_use]
    pub fn way(&self) -> Vec<String> {
        let group = self.group.to_string_lossy();
        ["sh", "-c", "echo $$ >\"$0/cgroup.procs\" && exec \"$@\"", &group].map(str::to_owned).into()
    }

    /// Those in it, whose command line begins so.
    #[must_use]
    pub fn running(&self, line: &[u8]) -> Vec<Pid> {
        let listed = fs::read_to_string(self.group.join("cgroup.procs")).unwrap_or_default();
        let pids = listed.lines().filter_map(|text| Pid::from_raw(text.parse().ok()?));
        let has = |pid: &Pid| fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
        pids.filter(|pid| has(pid).starts_with(line)).collect()
    }

    /// How many there are.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn count(&self) -> Result<u32> {
        Ok(fs::read_to_string(self.group.join("pids.current"))?.trim().parse()?)
    }
}

impl Drop for FewProcesses {
    fn drop(&mut self) {
        // Only an empty one can be removed: whatever is still in it belongs to a test that failed.
        for below in fs::read_dir(&self.group).into_iter().flatten().flatten() {
            drop(fs::remove_dir(below.path()));
        }
        drop(fs::remove_dir(&self.group));
    }
}
