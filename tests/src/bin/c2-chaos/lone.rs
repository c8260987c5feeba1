//! One c2d by itself: started, asked, looked at from the outside when it has been broken.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::batches::BatchRequest;
use c2_shared::api::jobs::JobsQuery;
use c2_shared::client::Client;
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_shared::pass::Pass;
use c2_shared::token::Role;
use c2_tests::Program;
use serde_json::Value;
use tokio::time::{sleep, timeout};

/// Where c2d says where it listens.
const ADDRESS: &str = "c2d.addr";
const READY: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(5);
/// Jobs of a batch.
pub(crate) const BATCH: usize = 3;

/// A c2d and its folder.
#[derive(Debug)]
pub(crate) struct Lone {
    data: PathBuf,
    c2d: Child,
}

/// What was acknowledged, one list for each request, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accepted(pub(crate) Vec<Vec<JobId>>);

impl Accepted {
    pub(crate) fn jobs(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}

impl Lone {
    /// Starts it on a folder, by way of another program with its arguments if one is named.
    pub(crate) fn start(data: &Path, way: Option<Command>) -> Result<Self> {
        // What an earlier one left that was killed would be taken for an answer.
        drop(std::fs::remove_file(data.join(ADDRESS)));
        let plain = command(data)?;
        let mut command = match way {
            None => plain,
            Some(mut way) => {
                way.arg("--").arg(plain.get_program()).args(plain.get_args());
                way.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
                way
            }
        };
        command.args(["--host", "127.0.0.1", "--port", "0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { data: data.to_owned(), c2d: command.spawn().context("cannot start c2d")? })
    }

    /// Waits until it says where it listens.
    pub(crate) async fn client(&mut self) -> Result<Client> {
        let file = self.data.join(ADDRESS);
        let begun = c2_tests::now();
        loop {
            let address = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<SocketAddr>().ok());
            if let Some(address) = address {
                let pass = Pass::read(&self.data.join(Role::Operator.file_name()))?;
                return Ok(Client::new(&address.into(), Some(pass), None)?);
            }
            ensure!(self.has_ended()?.is_none(), "c2d ended at its start");
            ensure!(begun.elapsed() < READY, "c2d does not get ready");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Its end, if it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.c2d.try_wait()?)
    }

    /// Ends it with SIGKILL, if it still runs.
    pub(crate) fn kill(&mut self) -> Result<()> {
        // It may have ended already, by what broke it.
        drop(self.c2d.kill());
        self.c2d.wait()?;
        Ok(())
    }

    /// Starts it once more and answers what is there: all jobs, in a log in which each line is whole,
    /// in a folder in which `c2d check` finds nothing.
    pub(crate) async fn look(data: &Path) -> Result<Vec<JobId>> {
        let mut c2d = Self::start(data, None)?;
        let jobs = c2d.jobs().await;
        c2d.kill()?;
        let jobs = jobs.context("c2d does not start any more")?;
        let log = std::fs::read_to_string(data.join("jobs.log")).unwrap_or_default();
        for line in log.lines() {
            serde_json::from_str::<Value>(line).with_context(|| format!("jobs.log has {line:?}"))?;
        }
        let check = command(data)?.arg("check").output()?;
        ensure!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
        Ok(jobs)
    }

    async fn jobs(&mut self) -> Result<Vec<JobId>> {
        let client = self.client().await?;
        let query = JobsQuery { all: true, limit: Some(1_000), ..JobsQuery::default() };
        Ok(client.jobs(&query).await?.jobs.into_iter().map(|job| job.job_id).collect())
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        // Nobody could be told of another failure here.
        drop(self.kill());
    }
}

/// Asks for a job, a batch and the end of the job, so often or until something is not answered.
pub(crate) async fn submit(client: &Client, requests: usize) -> Accepted {
    let mut accepted = Accepted::default();
    for n in 0..requests {
        let spec = JobSpec { command: format!("echo {n}"), ..JobSpec::default() };
        let batch = BatchRequest { jobs: vec![spec.clone(); BATCH], ..BatchRequest::default() };
        let Ok(Ok(single)) = timeout(ANSWER, client.submit(&spec)).await else { break };
        accepted.0.push(vec![single.job_id]);
        let Ok(Ok(answer)) = timeout(ANSWER, client.submit_batch(&batch)).await else { break };
        accepted.0.push(answer.job_ids);
        // Its end is a line in jobs.log.
        drop(timeout(ANSWER, client.cancel(single.job_id)).await);
    }
    accepted
}

fn command(data: &Path) -> Result<Command> {
    let mut command = Command::new(Program::C2d.path()?);
    let home = data.parent().context("the folder is in another")?;
    command.env("HOME", home).arg("--data-dir").arg(data).stdin(Stdio::null());
    Ok(command)
}
