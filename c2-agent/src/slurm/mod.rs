//! Jobs that a Slurm cluster runs: `c2-agent --via slurm`.
//!
//! For c2d, the agent and the runner of a slot hardly anything changes: the runner starts a [`front`] in place of the
//! shell, and what that writes is the job's output. The front gives the job to `sbatch` and follows it.
//!
//! Nothing that Slurm or a network does may have a job run twice or unseen, so all that counts lies in a folder that
//! both sides see ([`Control`]). Whoever makes its `claim` decides: the job on its node, which then runs, or the front,
//! after which no such job ever begins. How a job ended stands there as well, and lost contact to Slurm is no verdict.

mod call;
mod control;
mod front;
mod options;
mod script;

pub(crate) use call::partition;
pub(crate) use control::{Control, sweep, waiting};
pub(crate) use front::{FrontError, FrontOptions, run};
pub(crate) use options::ElsewhereOptions;
pub(crate) use script::{Parts, script};

use std::path::Path;

use c2_shared::id::AttemptId;

use crate::supervise::wire::Start;

/// Where jobs go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slurm {
    /// The cluster's part; its own choice without it.
    pub(crate) partition: Option<String>,
}

impl Slurm {
    /// The arguments of `sbatch` for a job, but for its script.
    pub(crate) fn request(&self, start: &Start) -> Vec<String> {
        let spec = &start.spec;
        // Whether it runs again c2d decides; what it needs, its flags say.
        let mut arguments: Vec<String> =
            ["--parsable", "--no-requeue", "--nodes=1", "--ntasks=1", "--export=ALL", "--input=/dev/null"]
                .map(str::to_owned)
                .to_vec();
        arguments.push("--output=/dev/null".to_owned());
        arguments.extend(self.partition.as_ref().map(|name| format!("--partition={name}")));
        arguments.extend((spec.cpus > 0).then(|| format!("--cpus-per-task={}", spec.cpus)));
        arguments.extend((spec.gpus > 0).then(|| format!("--gpus={}", spec.gpus)));
        let needed = spec.memory_bytes.div_ceil(1 << 20);
        arguments.extend((needed > 0).then(|| format!("--mem={needed}M")));
        arguments
    }
}

/// The name by which Slurm knows an attempt, and no other of any agent.
pub(crate) fn name(worker_id: &str, attempt: AttemptId) -> String {
    let short: String = worker_id.chars().take(8).collect();
    format!("c2-{short}-{attempt}")
}

/// What can be gone on with after the runner of an attempt died.
pub(crate) fn resumed(workspaces: &Path, attempt: AttemptId) -> Option<Start> {
    let start = Control::of(workspaces, attempt).start()?;
    Some(Start { resumes: true, ..start })
}

#[cfg(test)]
mod tests;
