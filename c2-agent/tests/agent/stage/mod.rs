//! A stage for the real agent: a fake c2d, temporary folders, and a look at what is alive.

pub(crate) mod c2d;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output as ProcessOutput, Stdio};

use c2_shared::api::work::AttemptResult;
use c2_shared::job::JobSpec;
use c2_shared::pass::Pass;
use c2_shared::token::{Role, Token};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use c2d::{C2d, PATIENCE};

/// An agent with a c2d of its own. Everything that it started is ended with it.
pub(crate) struct Stage {
    pub(crate) c2d: C2d,
    dir: TempDir,
    pub(crate) flags: Vec<String>,
    agent: Option<Child>,
}

impl Stage {
    /// A running agent with two slots and additional flags.
    pub(crate) fn new(flags: &[&str]) -> Self {
        let mut stage = Self::empty(flags);
        stage.start();
        stage
    }

    /// The same, without the agent.
    pub(crate) fn empty(flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Pass::from(Token::generate(Role::Worker).unwrap()).write(&dir.path().join("worker.token")).unwrap();
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self { c2d: C2d::start(), dir, flags, agent: None }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("C2")
    }

    /// What is in the root but for the empty folders that wait for their next job.
    pub(crate) fn workspaces(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.root()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with(".spare-")).collect()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The agent's command line.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_c2-agent"));
        command
            .env_remove("C2_STATE_DIR")
            .env("C2_LOG", "c2_agent=debug")
            .env("SECRET_OF_THE_AGENT", "1")
            .args(["--slots=2", "--alone-ms=5000", "--cancel-grace-ms=300", "--leftover-grace-ms=200"])
            .args(&self.flags)
            .arg(format!("--server=127.0.0.1:{}", self.c2d.port))
            .arg("--state-dir")
            .arg(self.state())
            .arg("--workspace-root")
            .arg(self.root())
            .arg("--token-file")
            .arg(self.dir.path().join("worker.token"));
        command
    }

    pub(crate) fn start(&mut self) {
        let log = std::fs::File::options().append(true).create(true).open(self.dir.path().join("agent.log")).unwrap();
        self.agent = Some(self.command().stderr(log).stdout(Stdio::null()).spawn().unwrap());
    }

    /// Runs an agent that is expected to refuse.
    pub(crate) fn refused(&self) -> ProcessOutput {
        let output = self.command().output().unwrap();
        assert!(!output.status.success());
        output
    }

    /// Kills the agent with a signal and waits for its end.
    pub(crate) fn stop(&mut self, signal: Signal) -> Option<i32> {
        let mut agent = self.agent.take().unwrap();
        kill_process(Pid::from_child(&agent), signal).unwrap();
        agent.wait().unwrap().code()
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, job: u64, command: &str) -> AttemptResult {
        let attempt = self.c2d.submit(job, &[], shell(command));
        self.c2d.result(attempt)
    }

    /// Waits for a file that a job writes, whole lines only, and reads it.
    pub(crate) fn read(&self, path: &Path) -> String {
        let mut text = String::new();
        wait_for(&format!("no {}", path.display()), || {
            text.clear();
            let read = std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text));
            read.is_ok() && text.ends_with('\n')
        });
        text.trim().to_owned()
    }

    /// Processes of jobs of this agent that are alive, whoever their parent is.
    pub(crate) fn survivors(&self) -> Vec<i32> {
        let Ok(id) = std::fs::read_to_string(self.state().join("worker_id")) else { return Vec::new() };
        let mark = format!("C2_AGENT_ID={}", id.trim());
        processes(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|b| *b == 0).any(|entry| entry == mark.as_bytes())
        })
    }

    /// The control groups of its jobs, where it may make some.
    pub(crate) fn groups(&self) -> Vec<PathBuf> {
        let id = std::fs::read_to_string(self.state().join("worker_id")).unwrap_or_default();
        let Some(id) = id.get(..8) else { return Vec::new() };
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let folders = own.lines().filter_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (names, path) = (parts.next()?, parts.next()?);
            let hierarchy = Path::new("/sys/fs/cgroup").join(names.trim_start_matches("name="));
            Some(hierarchy.join(path.trim_start_matches('/')))
        });
        let inside = folders.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
        let is_ours = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&format!("c2-{id}-"));
        inside.filter(is_ours).map(|entry| entry.path()).collect()
    }

    /// The processes behind the slots.
    pub(crate) fn runners(&self) -> Vec<i32> {
        let state = self.state();
        processes(|pid| {
            let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = arguments.split(|b| *b == 0);
            words.any(|word| word == b"run-slot") && words.any(|word| word == state.as_os_str().as_encoded_bytes())
        })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            let _gone = agent.kill();
            agent.wait().unwrap();
        }
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.dir.path().join("agent.log")).unwrap_or_default();
            eprintln!("the agent's log:\n{log}");
        }
        let groups = self.groups();
        for pid in self.runners().into_iter().chain(self.survivors()) {
            kill(pid);
        }
        for _ in 0..100 {
            // One that was killed is in its group for another moment.
            if groups.iter().all(|group| std::fs::remove_dir(group).is_ok() || !group.exists()) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

pub(crate) fn shell(command: &str) -> JobSpec {
    JobSpec { command: command.to_owned(), ..JobSpec::default() }
}

/// Looks again and again, as files and processes cannot be waited for in any other way.
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let tries = PATIENCE.as_millis() / 10;
    for _ in 0..tries {
        if condition() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what}");
}

pub(crate) fn kill(pid: i32) {
    let _gone = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
}

fn processes(is_meant: impl Fn(i32) -> bool) -> Vec<i32> {
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|pid| is_meant(*pid)).collect()
}
