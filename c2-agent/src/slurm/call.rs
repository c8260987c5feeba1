//! What is asked of Slurm, and how its answers read.

use std::ffi::OsStr;
use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use c2_shared::job::Outcome;
use tokio::process::Command;

use crate::slurm::script::BLIND;
use crate::supervise::AGENT_VARIABLE;

/// What Slurm's programs say when they did not get an answer, after which anything may be true.
const UNANSWERED: [&str; 6] = [
    "Unable to contact",
    "timed out",
    "Connection refused",
    "Zero Bytes were transmitted",
    "temporarily",
    "Resource busy",
];

/// How long an answer may take. Some of Slurm's programs try for minutes, and to ask again does no harm: of all jobs of
/// an attempt one runs.
const WITHIN: Duration = Duration::from_secs(10);

/// Why something that was asked has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// It may have an answer later.
    #[error("Slurm does not answer: {0}")]
    Unanswered(String),
    /// It was refused.
    #[error("Slurm refuses: {0}")]
    Refused(String),
    /// The program cannot be started.
    #[error("cannot start {program}")]
    Program { program: &'static str, source: io::Error },
}

/// Hands a script over; answers the number of the job.
pub(super) async fn submit(name: &str, arguments: &[String], script: &OsStr) -> Result<String, CallError> {
    let mut command = program("sbatch");
    command.arg(format!("--job-name={name}")).args(arguments).arg(script);
    let said = said("sbatch", command).await?;
    Ok(said.trim().split(';').next().unwrap_or_default().to_owned())
}

/// A job that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Active {
    pub(super) job: String,
    /// Why it waits, if it does.
    pub(super) waits_for: Option<String>,
}

impl Active {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.splitn(3, '|').map(str::trim);
        let (job, state, reason) = (words.next()?.to_owned(), words.next()?, words.next()?);
        let waits_for = (state == "PENDING").then(|| reason.trim_matches(['(', ')']).to_owned());
        Some(Self { job, waits_for })
    }
}

/// The jobs of a name that have not ended.
pub(super) async fn active(name: &str) -> Result<Vec<Active>, CallError> {
    let mut command = program("squeue");
    command.args(["--noheader", "--format=%i|%T|%r", &format!("--name={name}")]);
    Ok(said("squeue", command).await?.lines().filter_map(Active::read).collect())
}

/// Has all jobs of a name end.
pub(super) async fn cancel(name: &str) -> Result<(), CallError> {
    let mut command = program("scancel");
    command.args(["--quiet", &format!("--name={name}")]);
    said("scancel", command).await.map(drop)
}

/// What became of a job; none if Slurm does not remember it. A controller that was killed may give a number twice.
pub(super) async fn fate(job: &str, name: &str) -> Result<Option<Fate>, CallError> {
    let mut command = program("scontrol");
    command.args(["show", "job", "--oneliner", job]);
    match said("scontrol", command).await {
        Ok(text) => Ok(Some(Fate::read(&text)).filter(|fate| fate.name == name)),
        Err(CallError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nodes of a partition: how many processors and how much memory they have together.
pub(crate) async fn partition(name: Option<&str>) -> Result<(u32, u64), CallError> {
    let mut command = program("sinfo");
    command.args(["--noheader", "--Node", "--format=%n %c %m"]);
    if let Some(name) = name {
        command.arg(format!("--partition={name}"));
    }
    let text = said("sinfo", command).await?;
    // A node that is in several partitions has a line in each.
    let lines: std::collections::BTreeSet<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return Err(CallError::Refused(format!("there is no node in {}", name.unwrap_or("any partition"))));
    }
    let number = |word: Option<&str>| -> u64 { word.and_then(|word| word.parse().ok()).unwrap_or(0) };
    let (mut cpus, mut memory_bytes) = (0, 0);
    for line in lines {
        let mut words = line.split_whitespace().skip(1);
        cpus += number(words.next());
        memory_bytes += number(words.next()) << 20;
    }
    Ok((u32::try_from(cpus).unwrap_or(u32::MAX), memory_bytes))
}

/// How Slurm says that a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    name: String,
    pub(super) state: String,
    pub(super) exit: (i32, i32),
    pub(super) node: String,
}

impl Fate {
    fn read(text: &str) -> Self {
        let field = |name: &str| {
            let found = text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            found.unwrap_or_default().to_owned()
        };
        let exit = field("ExitCode");
        let (code, signal) = exit.split_once(':').unwrap_or_default();
        let exit = (code.parse().unwrap_or(0), signal.parse().unwrap_or(0));
        Self { name: field("JobName"), state: field("JobState"), exit, node: field("BatchHost") }
    }

    /// Whether the job will not run any more.
    pub(super) fn is_over(&self) -> bool {
        !["PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "REQUEUED", "RESIZING", "STAGE_OUT"]
            .contains(&self.state.as_str())
    }

    /// Whether its node does not see what it is to run.
    pub(super) const fn is_blind(&self) -> bool {
        self.exit.0 == BLIND
    }

    /// The outcome of a command that began and did not say how it ended.
    pub(super) fn outcome(&self, limit_bytes: u64) -> Outcome {
        match self.state.as_str() {
            "OUT_OF_MEMORY" => Outcome::Oom { limit_bytes, peak_bytes: 0 },
            // The partition's own limit.
            "TIMEOUT" | "DEADLINE" => Outcome::Timeout,
            _ => Outcome::Lost,
        }
    }
}

/// A program of Slurm. What it starts is none of this machine's processes.
fn program(name: &'static str) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null()).env_remove(AGENT_VARIABLE).kill_on_drop(true);
    command
}

async fn said(program: &'static str, mut command: Command) -> Result<String, CallError> {
    let Ok(ended) = tokio::time::timeout(WITHIN, command.output()).await else {
        return Err(CallError::Unanswered(format!("{program} takes more than {} s", WITHIN.as_secs())));
    };
    let Output { status, stdout, stderr } = ended.map_err(|source| CallError::Program { program, source })?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&stderr).trim().to_owned();
    // One that was killed may have been heard before.
    let unanswered = status.code().is_none() || UNANSWERED.iter().any(|words| said.contains(words));
    let said = if said.is_empty() { format!("{program} ended with {status}") } else { said };
    Err(if unanswered { CallError::Unanswered(said) } else { CallError::Refused(said) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_waits_for_is_read() {
        let read = |line| Active::read(line).map(|active| (active.job, active.waits_for));
        assert_eq!(read("7|PENDING|Resources"), Some(("7".to_owned(), Some("Resources".to_owned()))));
        let failed = Some("launch failed requeued held".to_owned());
        assert_eq!(read("8|PENDING|(launch failed requeued held)"), Some(("8".to_owned(), failed)));
        assert_eq!(read("9|RUNNING|None"), Some(("9".to_owned(), None)));
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_fate_is_read_from_one_line() {
        let line = "JobId=7 JobName=c2-x UserId=root(0) JobState=OUT_OF_MEMORY Reason=OutOfMemory ExitCode=0:125 \
                    BatchHost=n1 Command=/w/.via-job-1.1/script";
        let fate = Fate::read(line);
        assert_eq!(
            fate,
            Fate { name: "c2-x".into(), state: "OUT_OF_MEMORY".into(), exit: (0, 125), node: "n1".into() }
        );
        assert!(fate.is_over());
        assert_eq!(fate.outcome(9), Outcome::Oom { limit_bytes: 9, peak_bytes: 0 });
        assert!(!Fate::read("JobState=PENDING ExitCode=0:0").is_over());
        let lost = ["NODE_FAIL", "PREEMPTED", "CANCELLED", "BOOT_FAIL", "FAILED", ""];
        for state in lost {
            assert_eq!(Fate::read(&format!("JobState={state}")).outcome(0), Outcome::Lost, "{state}");
        }
    }
}
