//! A Slurm cluster of one node: real munged, slurmctld and slurmd, in a folder and on ports of their own.

use std::cell::Cell;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;

use crate::machine::{has, may};
use crate::process::Background;
use crate::wait::{SOON, eventually, now};

const PROGRAMS: [&str; 5] =
    ["/usr/sbin/munged", "/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/bin/sbatch", "/usr/bin/squeue"];

/// Processors that the node is said to have.
pub const CPUS: u32 = 8;

/// Seconds that its node leaves a command which takes no notice of its end: more than an agent leaves one of its own.
const KILL_WAIT_S: u32 = 12;

/// Its programs wait for each other, and try again ever more rarely, on a machine that is busy with other tests.
const READY: Duration = Duration::from_secs(120);

/// Where a controller that was killed holds jobs for running that have ended since it wrote down what it knows, it
/// believes their node that they do not run, if they began longer ago than this: 20 s, by its defaults.
const BELIEVED: Duration = Duration::from_secs(25);

/// A running cluster.
#[derive(Debug)]
pub struct Slurm {
    folder: PathBuf,
    controller: Option<Background>,
    /// When that was started again, until the node was asked once more.
    restarted: Cell<Option<Instant>>,
    _node: Background,
    _munge: Background,
}

/// Whether there can be one, as [`has`] and [`may`] tell.
///
/// # Errors
/// In CI, without root.
pub fn available() -> Result<bool> {
    let is_here = PROGRAMS.iter().all(|path| Path::new(path).exists());
    Ok(has("jobs by way of Slurm", is_here, "apt-get install slurmctld slurmd slurm-client munge")
        && may("jobs by way of Slurm")?)
}

impl Slurm {
    /// Starts one in a folder that is still empty.
    ///
    /// # Errors
    /// When one of its programs does not get ready.
    pub async fn start(folder: PathBuf) -> Result<Self> {
        for name in ["state", "spool", "munge"] {
            std::fs::create_dir(folder.join(name))?;
        }
        let munge = start_munge(&folder.join("munge")).await?;
        std::fs::write(folder.join("slurm.conf"), configuration(&folder)?)?;
        let controller = Some(start(&folder, "/usr/sbin/slurmctld")?);
        let node = start(&folder, "/usr/sbin/slurmd")?;
        let slurm = Self { folder, controller, restarted: Cell::default(), _node: node, _munge: munge };
        eventually("a node that takes jobs", READY, async || {
            Ok(slurm.run(&["sinfo", "--noheader", "--format=%t"]).ok().filter(|said| said.trim() == "idle").map(drop))
        })
        .await?;
        Ok(slurm)
    }

    /// Its configuration, by which its programs find it.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.folder.join("slurm.conf")
    }

    /// Runs one of its programs.
    ///
    /// # Errors
    /// When that fails.
    pub fn run(&self, line: &[&str]) -> Result<String> {
        let (program, arguments) = line.split_first().context("a program")?;
        let mut command = Command::new(program);
        command.args(arguments).env("SLURM_CONF", self.configuration()).current_dir(&self.folder).stdin(Stdio::null());
        let output = command.output()?;
        ensure!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Kills its controller, which is what all its programs speak to; its jobs run on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill_controller(&mut self) -> Result<()> {
        self.controller.take().context("the controller does not run")?.kill()
    }

    /// The scripts that its node has, of which some may have ended: it keeps each until the controller has heard so.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub fn scripts(&self) -> Result<Vec<String>> {
        let spool = std::fs::read_dir(self.folder.join("spool"))?.flatten();
        Ok(spool.filter_map(|entry| std::fs::read_to_string(entry.path().join("slurm_script")).ok()).collect())
    }

    /// Ends its controller, which writes down first what it knows.
    ///
    /// # Errors
    /// When it does not run, or does not end.
    pub async fn stop_controller(&mut self) -> Result<()> {
        let mut controller = self.controller.take().context("the controller does not run")?;
        controller.signal(Signal::TERM)?;
        eventually("the end of the controller", READY, async || Ok(controller.ended()?.then_some(()))).await
    }

    /// Starts that again, and has it ask the node what runs there, as it forgot some of it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn restart_controller(&mut self) -> Result<()> {
        ensure!(self.controller.is_none(), "the controller still runs");
        self.controller = Some(start(&self.folder, "/usr/sbin/slurmctld")?);
        let asked = async || Ok(self.run(&["scontrol", "reconfigure"]).ok());
        eventually("a controller that answers", READY, asked).await?;
        self.restarted.set(Some(now()));
        Ok(())
    }

    /// Does what its operator would: a controller that was killed gives numbers a second time, and sets the node aside
    /// that it finds running one of them. What it holds for running by mistake takes all of the node for minutes, unless
    /// it asks that again.
    pub fn look_after_the_node(&self) {
        if self.restarted.get().is_some_and(|at| at.elapsed() > BELIEVED) {
            self.restarted.set(None);
            drop(self.run(&["scontrol", "reconfigure"]));
        }
        let is_aside = |said: String| said.contains("dr");
        if self.run(&["sinfo", "--noheader", "--format=%t"]).is_ok_and(is_aside) {
            let node = format!("NodeName={}", host());
            drop(self.run(&["scontrol", "update", &node, "State=RESUME"]));
        }
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        // What its node started belongs to no other process.
        drop(self.run(&["scancel", "--quiet", "--state=RUNNING"]));
        drop(self.run(&["scancel", "--quiet", "--state=PENDING"]));
    }
}

async fn start_munge(folder: &Path) -> Result<Background> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    let (key, socket) = (folder.join("key"), folder.join("socket"));
    std::fs::write(&key, [7; 1024])?;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
    let named = |flag: &str, name: &str| format!("--{flag}={}", folder.join(name).display());
    let mut munged = Command::new("/usr/sbin/munged");
    // Forced, as folders above are open to others.
    munged.args(["--foreground", "--force"]);
    munged.args([named("key-file", "key"), named("socket", "socket"), named("pid-file", "pid")]);
    munged.args([named("log-file", "log"), named("seed-file", "seed")]).stdin(Stdio::null());
    let munged = Background::start(&mut munged, &folder.join("out"))?;
    eventually("munged", SOON, async || Ok(socket.exists().then_some(()))).await?;
    Ok(munged)
}

fn start(folder: &Path, program: &str) -> Result<Background> {
    let mut command = Command::new(program);
    command.arg("-D").env("SLURM_CONF", folder.join("slurm.conf")).current_dir(folder).stdin(Stdio::null());
    Background::start(&mut command, &folder.join("out"))
}

/// The node's name, which is this machine's.
fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Two ports that are free, and stay so while their owner is away: no connection gets one of these by chance.
fn ports() -> Result<[u16; 2]> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 1_000)? * 20;
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok();
    let mut free =
        (0..20_000).map(|_| 10_000 + first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000).filter(is_free);
    Ok([free.next().context("a free port")?, free.next().context("a free port")?])
}

fn configuration(folder: &Path) -> Result<String> {
    let (host, [controller, node], folder) = (host(), ports()?, folder.display());
    Ok(format!(
        "ClusterName=c2test\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={controller}\nSlurmdPort={node}\n\
         SlurmUser=root\nSlurmdUser=root\nAuthType=auth/munge\nAuthInfo=socket={folder}/munge/socket\n\
         CredType=cred/munge\nStateSaveLocation={folder}/state\nSlurmdSpoolDir={folder}/spool\n\
         SlurmctldPidFile={folder}/slurmctld.pid\nSlurmdPidFile={folder}/slurmd.pid\n\
         ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nMpiDefault=none\n\
         SelectType=select/cons_tres\nSelectTypeParameters=CR_Core\nReturnToService=2\nKillWait={KILL_WAIT_S}\n\
         SchedulerParameters=sched_interval=1\nSlurmdParameters=config_overrides\n\
         NodeName={host} NodeAddr=127.0.0.1 CPUs={CPUS} RealMemory=4000 State=UNKNOWN\n\
         PartitionName=home Nodes={host} Default=YES MaxTime=INFINITE State=UP\n"
    ))
}
