//! Starts jobs that a cluster runs: the process of a slot then has a front for a child in place of a shell.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use c2_shared::id::AttemptId;
use c2_shared::job::Outcome;

use crate::slurm::{self, Control, FrontOptions, Parts, script};
use crate::supervise::launch::{Launched, Launcher, SHELL, SetupError};
use crate::supervise::wire::Start;
use crate::workspace::Made;

/// A job that runs on another machine.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    control: Control,
    begun: bool,
}

impl Elsewhere {
    pub(crate) fn new(control: Control) -> Self {
        Self { begun: control.is_claimed(), control }
    }

    /// Whether its command has not begun, as far as is known.
    pub(crate) const fn waits(&self) -> bool {
        !self.begun
    }

    /// Whether it begins now.
    pub(crate) fn begins(&mut self) -> bool {
        !self.begun && {
            self.begun = self.control.is_claimed();
            self.begun
        }
    }

    /// How it ended, if it has.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.control.outcome()
    }
}

/// The mask of a job's new files where it asks for no other: that of a runner.
const UMASK: &str = "077";

impl Launcher {
    /// Where an attempt that a cluster runs is followed; none if jobs run here.
    pub(crate) fn control(&self, attempt: AttemptId) -> Option<Control> {
        self.via.as_ref().map(|_| Control::of(self.root.path(), attempt))
    }

    /// Starts a front, which gives the job to the cluster; or one that follows what an earlier one gave.
    pub(super) fn launch_elsewhere(&mut self, start: &Start) -> Result<Launched, SetupError> {
        let (attempt, job) = (start.attempt, start.attempt.job);
        let control = Control::of(self.root.path(), attempt);
        let made = if start.resumes {
            let lock = self.root.lock(job).map_err(SetupError::Workspace)?;
            let lock = lock.ok_or_else(|| SetupError::Workspace(io::Error::other("something else uses it")))?;
            Made { lock, trash: None }
        } else {
            let made = self.root.make(attempt).map_err(SetupError::Workspace)?;
            self.root.place(job, &start.spec.upload, &self.cache).map_err(SetupError::Workspace)?;
            self.prepare(start, &control).map_err(SetupError::Input)?;
            made
        };
        let request = self.via.as_ref().map(|slurm| slurm.request(start)).unwrap_or_default();
        let name = slurm::name(&self.worker_id, attempt);
        // By this name it is the very program that runs now, also after it was replaced on disk.
        let mut front = Command::new("/proc/self/exe");
        self.set_environment(&mut front, start);
        if let Some(file) = std::env::var_os("SLURM_CONF") {
            front.env("SLURM_CONF", file);
        }
        front
            .arg0("c2-agent")
            .args(FrontOptions::arguments(&control, &name, start.spec.memory_bytes, request))
            .current_dir(control.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut front = self.spawn(&mut front, None).map_err(SetupError::Spawn)?;
        Ok(Launched::of(&mut front, made))
    }

    fn prepare(&self, start: &Start, control: &Control) -> io::Result<()> {
        let own = self.root.path_of(start.attempt.job);
        let folder = self.asked_folder(start).unwrap_or(own);
        let mut stdin = self.input(start)?;
        let parts = Parts {
            control: control.path(),
            folder: &folder,
            shell: start.spec.shell.as_deref().unwrap_or(SHELL),
            name: &start.attempt.job.to_string(),
            umask: start.spec.umask.as_deref().unwrap_or(UMASK),
            has_stdin: stdin.is_some(),
        };
        let content = stdin.as_mut().map(|content| &mut **content as &mut dyn Read);
        control.make(start, &script(&parts), content)
    }

    /// The job's standard input, if it has one.
    fn input(&self, start: &Start) -> io::Result<Option<Box<dyn Read>>> {
        Ok(match (&start.spec.stdin, start.spec.stdin_sha256) {
            (Some(input), _) => Some(Box::new(io::Cursor::new(input.0.clone()))),
            (None, Some(blob)) => Some(Box::new(self.cache.open(blob)?)),
            (None, None) => None,
        })
    }
}
