//! Starts a job's shell: workspace, files, environment, standard streams.
//!
//! The way of a plain job is kept short: one folder, two pipes, one spawn. The command stands in the shell's
//! environment, which only its own user can read, so that it is on no argument list; what is too long
//! for that stands in a file.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use c2_shared::home;
use c2_shared::id::JobId;
use c2_shared::job::DependsOn;
use c2_shared::validate;
use rustix::fs::{Access, MemfdFlags, Mode, memfd_create};
use rustix::process::{Pid, geteuid, getpid, umask};

use crate::cache::Cache;
use crate::slurm::Slurm;
use crate::supervise::oom::Oom;
use crate::supervise::wire::Start;
use crate::workspace::{Made, Root, RootError};

/// What a job's environment takes over from the agent's own. Who the agent's user is says the system's
/// list of users, as some service managers say nothing of it and `sudo` something else.
const INHERITED: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ"];
/// The shell of jobs that ask for no other.
pub(super) const SHELL: &str = "/bin/sh";
/// In which a shell finds its command. Nothing that it starts inherits it.
const COMMAND_VARIABLE: &str = "C2_COMMAND";
/// Bytes of a command that fit into one entry of an environment, beside the name.
const ENTRY_BYTES_MAX: usize = 120 * 1024;
/// The search path when the agent has none, as under a bare init.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Marks a job's processes with the attempt.
const ATTEMPT_VARIABLE: &str = "C2_ATTEMPT";
/// Marks a job's processes with the agent, as another agent on this machine may have an attempt of
/// the same name.
pub(crate) const AGENT_VARIABLE: &str = "C2_AGENT_ID";

/// Starts jobs, one after the other.
#[derive(Debug)]
pub(crate) struct Launcher {
    pub(super) root: Root,
    pub(super) cache: Cache,
    pub(super) worker_id: String,
    /// The cluster that runs the jobs.
    pub(super) via: Option<Slurm>,
    script: File,
    script_path: PathBuf,
    inherited: Vec<(&'static str, OsString)>,
    oom: Oom,
}

/// A shell that was started.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) shell: Pid,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    /// The workspace of an earlier attempt, to be deleted when there is time.
    pub(crate) trash: Option<PathBuf>,
    /// The workspace, locked.
    pub(crate) workspace: OwnedFd,
}

impl Launched {
    /// A child with pipes, and the workspace that it has.
    pub(super) fn of(child: &mut Child, Made { lock, trash }: Made) -> Self {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Self {
            shell: Pid::from_child(child),
            stdout: stdout.expect("stdout was asked to be a pipe").into(),
            stderr: stderr.expect("stderr was asked to be a pipe").into(),
            trash,
            workspace: lock,
        }
    }
}

/// Why a launcher cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LauncherError {
    #[error(transparent)]
    Root(#[from] RootError),
    #[error("cannot write {path:?}")]
    Script { path: PathBuf, source: io::Error },
}

/// Why a job cannot be started; its text becomes the reason of the outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("{0}")]
    Invalid(#[from] validate::Invalid),
    #[error("cannot prepare the workspace: {0}")]
    Workspace(io::Error),
    #[error("cannot write the command or its input: {0}")]
    Input(io::Error),
    #[error("cannot note the job: {0}")]
    Note(io::Error),
    #[error("{0:?} was removed or replaced; something on this machine deletes the agent's files")]
    Vanished(PathBuf),
    #[error("cannot start /bin/sh: {0}")]
    Spawn(io::Error),
}

/// The entries by which the processes of an attempt are known even after their runner died.
pub(crate) fn marks(worker_id: &str, attempt: impl std::fmt::Display) -> Vec<String> {
    vec![format!("{ATTEMPT_VARIABLE}={attempt}"), agent_mark(worker_id)]
}

/// The entry by which all processes of an agent's jobs are known.
pub(crate) fn agent_mark(worker_id: &str) -> String {
    format!("{AGENT_VARIABLE}={worker_id}")
}

/// A shell with pipes, in a process group of its own.
fn piped(start: &Start, shell: &str, script: &str) -> Command {
    let mut command = Command::new(shell);
    command
        // What the shell calls itself, so that its messages name the job.
        .args(["-c", script, &start.attempt.job.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command
}

/// What a job asked for and this machine does not have. That is the job's own fault: it fails as a shell would
/// have it fail, and says why on its standard error.
struct Lacks {
    /// As env(1) ends: 125 by itself, 126 for what cannot be run, 127 for what is not there.
    status: i32,
    why: String,
}

impl Lacks {
    /// What is missing if a shell of the job's own choice cannot be started, or none with what the job gives it; any
    /// other error stays one.
    fn of_shell(shell: &str, error: io::Error) -> Result<Self, io::Error> {
        let status = match error.kind() {
            io::ErrorKind::ArgumentListTooLong => 126,
            _ if shell == SHELL => return Err(error),
            io::ErrorKind::NotFound => 127,
            io::ErrorKind::PermissionDenied => 126,
            _ => return Err(error),
        };
        Ok(Self { status, why: format!("c2: cannot start the shell {shell}: {error}") })
    }

    /// Files of the job that exclude each other, or that no file system takes; any other error stays one.
    fn of_files(error: io::Error) -> Result<Self, io::Error> {
        match error.kind() {
            io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::InvalidFilename => Ok(Self { status: 125, why: format!("c2: {error}") }),
            _ => Err(error),
        }
    }
}

impl Launcher {
    /// Checks the workspace root and opens the script file at `script_path`.
    pub(crate) fn new(
        root: &Path,
        cache: Cache,
        script_path: PathBuf,
        worker_id: String,
        via: Option<Slurm>,
    ) -> Result<Self, LauncherError> {
        let root = Root::open(root)?;
        // Never truncated to nothing: some file systems take that as a reason to write to the disk.
        let opened = script_file().create(true).truncate(false).open(&script_path);
        let script = opened.map_err(|source| LauncherError::Script { path: script_path.clone(), source })?;
        let own = INHERITED.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        let inherited = own.chain([("SHELL", SHELL.into())]).chain(home::variables(geteuid().as_raw())).collect();
        Ok(Self { root, cache, worker_id, via, script, script_path, inherited, oom: Oom::open() })
    }

    /// Starts a job. On failure nothing of it runs.
    pub(crate) fn launch(&mut self, start: &Start) -> Result<Launched, SetupError> {
        validate::spec(&start.spec)?;
        if self.via.is_some() {
            return self.launch_elsewhere(start);
        }
        let job = start.attempt.job;
        let Made { lock, trash } = self.root.make(start.attempt).map_err(SetupError::Workspace)?;
        let stdin = self.stdin(start).map_err(SetupError::Input)?;
        let placed = match start.spec.upload.as_slice() {
            [] => Ok(()),
            uploads => match self.root.place(job, uploads, &self.cache) {
                Ok(()) => Ok(()),
                Err(error) => Err(Lacks::of_files(error).map_err(SetupError::Workspace)?),
            },
        };
        self.keep_script()?;
        let shell = start.spec.shell.as_deref().unwrap_or(SHELL);
        let is_short = start.spec.command.len() <= ENTRY_BYTES_MAX;
        let reading = evaluation(shell).filter(|_| is_short);
        let script = match reading {
            Some(reading) => reading.to_owned(),
            None => {
                self.write_script(&start.spec.command).map_err(SetupError::Input)?;
                // By its descriptor, so that it is this very file, whatever happens to the path meanwhile.
                format!(". /proc/{}/fd/{}", getpid().as_raw_nonzero(), self.script.as_raw_fd())
            }
        };
        let asked = match placed.and_then(|()| self.folder(start)) {
            Ok(folder) => {
                let mut command = self.command(start, shell, &script);
                if reading.is_some() {
                    command.env(COMMAND_VARIABLE, &start.spec.command);
                }
                command.current_dir(folder).stdin(stdin);
                // Never waited for by this handle: the runner collects every process of the job itself.
                self.spawn(&mut command, start.spec.umask.as_deref()).map_err(|error| Lacks::of_shell(shell, error))
            }
            Err(lacks) => Err(Ok(lacks)),
        };
        let mut shell = match asked {
            Ok(shell) => shell,
            Err(Err(error)) => return Err(SetupError::Spawn(error)),
            Err(Ok(lacks)) => {
                // What the job's own environment holds may be what cannot be started.
                let mut command = piped(start, SHELL, "printf '%s\\n' \"$1\" >&2; exit \"$2\"");
                command.args([lacks.why, lacks.status.to_string()]).current_dir(self.root.path_by_descriptor(job));
                command.env_clear();
                command.envs([(ATTEMPT_VARIABLE, start.attempt.to_string()), (AGENT_VARIABLE, self.worker_id.clone())]);
                self.spawn(&mut command, None).map_err(SetupError::Spawn)?
            }
        };
        Ok(Launched::of(&mut shell, Made { lock, trash }))
    }

    /// Starts a process with the runner's own umask, or with another one, and with what makes jobs go first when
    /// memory is short. A child has both as they are at that moment, and no other thread of the runner starts processes.
    pub(super) fn spawn(&self, command: &mut Command, mask: Option<&str>) -> io::Result<Child> {
        let mask = mask.and_then(|mask| u32::from_str_radix(mask, 8).ok());
        let own = mask.map(|mask| umask(Mode::from_raw_mode(mask)));
        let child = self.oom.first(|| command.spawn());
        if let Some(own) = own {
            umask(own);
        }
        child
    }

    /// The shell of a job, with all but its folder and its input.
    fn command(&self, start: &Start, shell: &str, script: &str) -> Command {
        let mut command = piped(start, shell, script);
        self.set_environment(&mut command, start);
        command
    }

    /// The folder that a job asks for in place of its own, if it does.
    pub(super) fn asked_folder(&self, start: &Start) -> Option<PathBuf> {
        let cwd = start.spec.cwd.as_ref()?;
        let Some(rest) = cwd.strip_prefix('~') else { return Some(PathBuf::from(cwd)) };
        let own = || self.inherited.iter().rev().find(|(name, _)| *name == "HOME").map(|(_, home)| home.clone());
        let home = start.spec.env.get("HOME").map(OsString::from).or_else(own).unwrap_or_default();
        Some(PathBuf::from(home).join(rest.trim_start_matches('/')))
    }

    /// Where a job runs: in its own folder, unless it asks for another one.
    fn folder(&self, start: &Start) -> Result<PathBuf, Lacks> {
        let Some(folder) = self.asked_folder(start) else { return Ok(self.root.path_by_descriptor(start.attempt.job)) };
        let enter = std::fs::metadata(&folder).and_then(|found| match found.is_dir() {
            true => Ok(rustix::fs::access(&folder, Access::EXEC_OK)?),
            false => Err(io::ErrorKind::NotADirectory.into()),
        });
        match enter {
            Ok(()) => Ok(folder),
            Err(error) => Err(Lacks { status: 125, why: format!("c2: cannot run in {}: {error}", folder.display()) }),
        }
    }

    /// Cleans up after a job of which nothing runs any more; `workspace` is what it was launched with.
    pub(crate) fn clear(&mut self, job: JobId, workspace: Option<OwnedFd>) {
        self.root.clear(job, workspace);
    }

    /// Puts the command into the script file. The file may be written over because of the job
    /// before nothing is left that could still read it.
    fn write_script(&self, command: &str) -> io::Result<()> {
        let mut text = Vec::with_capacity(command.len() + 1);
        text.extend_from_slice(command.as_bytes());
        text.push(b'\n');
        self.script.write_all_at(&text, 0)?;
        self.script.set_len(text.len() as u64)
    }

    /// Makes the script file anew that a job removed. Where that cannot be done the whole folder is gone, and
    /// with it what this slot is known by.
    fn keep_script(&mut self) -> Result<(), SetupError> {
        let file = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
        let (open, found) = (self.script.metadata().map(file), std::fs::symlink_metadata(&self.script_path).map(file));
        if open.ok() != found.ok() {
            let anew = script_file().create_new(true).open(&self.script_path);
            self.script = anew.map_err(|_| SetupError::Vanished(self.script_path.clone()))?;
        }
        Ok(())
    }

    /// The job's standard input: a file that nobody else can open, or nothing. What is small lies in
    /// memory; of what is in the cache the job gets a copy, as it could write to the file.
    fn stdin(&self, start: &Start) -> io::Result<Stdio> {
        let mut file = match (&start.spec.stdin, start.spec.stdin_sha256) {
            (Some(input), _) => {
                let mut file = File::from(memfd_create("stdin", MemfdFlags::CLOEXEC)?);
                file.write_all(&input.0)?;
                file
            }
            (None, Some(blob)) => self.root.copy_of(start.attempt.job, &mut self.cache.open(blob)?)?,
            (None, None) => return Ok(Stdio::null()),
        };
        file.rewind()?;
        Ok(file.into())
    }

    pub(super) fn set_environment(&self, command: &mut Command, start: &Start) {
        command.env_clear().env("PATH", DEFAULT_PATH);
        for (name, value) in &self.inherited {
            command.env(name, value);
        }
        command
            .env("TERM", "dumb")
            .env("TMPDIR", self.root.path_of(start.attempt.job))
            .env("C2_WORKSPACE", self.root.path_of(start.attempt.job))
            .env("C2_JOB_ID", start.attempt.job.to_string())
            .env(ATTEMPT_VARIABLE, start.attempt.to_string())
            .env(AGENT_VARIABLE, &self.worker_id)
            .env("C2_WORKER", start.worker.to_string())
            .env("C2_TAGS", start.tags.join(","));
        if let Some(devices) = visible_devices(&start.tags) {
            command.env("CUDA_VISIBLE_DEVICES", &devices).env("HIP_VISIBLE_DEVICES", devices);
        }
        if start.spec.cpus > 0 {
            command.env("OMP_NUM_THREADS", start.spec.cpus.to_string());
        }
        if let Some(index) = start.spec.array_index {
            command.env("C2_ARRAY_INDEX", index.to_string());
        }
        for (dependency, number) in start.spec.depends.iter().zip(1..) {
            if let DependsOn::Job(job) = dependency.on {
                let left = self.root.path_of(job);
                if left.is_dir() {
                    command.env(format!("C2_DEP_{number}_DIR"), left);
                }
            }
        }
        command.envs(&start.variables).envs(&start.spec.env);
    }
}

/// How a shell runs a command out of its environment and passes it on to no process; none where that is not known. Its
/// messages then name the job alone, and no file of the agent.
fn evaluation(shell: &str) -> Option<&'static str> {
    match shell.rsplit('/').next().unwrap_or(shell) {
        "bash" => Some("export -n C2_COMMAND; eval \"$C2_COMMAND\""),
        "zsh" => Some("typeset +x C2_COMMAND; eval \"$C2_COMMAND\""),
        // Others cannot keep a variable and not export it. It is read before it goes.
        "sh" | "dash" | "ash" | "ksh" | "mksh" => Some("eval \"unset C2_COMMAND;$C2_COMMAND\""),
        _ => None,
    }
}

fn script_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// The indices of the graphics processors among held tags, `0,2` for `gpu:0` and `gpu:2`.
fn visible_devices(tags: &[String]) -> Option<String> {
    let index = |tag: &String| tag.strip_prefix("gpu:").and_then(|index| index.parse::<u32>().ok());
    let indices: Vec<String> = tags.iter().filter_map(index).map(|index| index.to_string()).collect();
    (!indices.is_empty()).then(|| indices.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_is_too_large_for_is_its_own_fault() {
        let status = |shell, kind: io::ErrorKind| Lacks::of_shell(shell, kind.into()).ok().map(|lacks| lacks.status);
        assert_eq!(status(SHELL, io::ErrorKind::ArgumentListTooLong), Some(126));
        assert_eq!(status(SHELL, io::ErrorKind::NotFound), None, "every machine has it");
        assert_eq!(status("zsh", io::ErrorKind::NotFound), Some(127));
        assert_eq!(status("zsh", io::ErrorKind::OutOfMemory), None);
    }

    #[test]
    fn held_gpus_are_visible() {
        let table: [(&[&str], Option<&str>); 4] = [
            (&[], None),
            (&["disk", "gpu"], None),
            (&["gpu:0"], Some("0")),
            (&["gpu:2", "disk", "gpu:10", "gpu:x"], Some("2,10")),
        ];
        for (tags, expected) in table {
            let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            assert_eq!(visible_devices(&tags).as_deref(), expected, "{tags:?}");
        }
    }
}
