//! The jobs of a storm, and who submits them. Each job writes down that it started, and holds locks
//! that show when two run at once that must not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use c2_shared::api::batches::BatchRequest;
use c2_shared::api::jobs::LogQuery;
use c2_shared::bytes64::Bytes64;
use c2_shared::client::Client;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobSpec, OnLost, Outcome, Upload};
use c2_tests::sim::Random;
use c2_tests::{marked, variable};
use tokio::sync::watch;
use tokio::time::sleep;

/// Held by one job of a worker at a time.
pub(crate) const TAG: &str = "only";
/// Between two submits.
const PAUSE: Duration = Duration::from_millis(120);
/// Between two looks at what has ended.
const LOOK: Duration = Duration::from_millis(400);
/// Before a request that failed is sent again.
const AGAIN: Duration = Duration::from_millis(100);

/// What is known from the outside. One mutex, because nothing here is fast or long.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// What c2d said it has, and how it should end by itself.
    pub(crate) accepted: BTreeMap<JobId, Plan>,
    /// Who may have been cancelled: the request was sent.
    pub(crate) cancelled: BTreeSet<JobId>,
    /// Verdicts as they were first shown.
    pub(crate) seen: BTreeMap<JobId, String>,
    /// Attempts that ended by themselves, so that nothing of them may be alive.
    pub(crate) over: BTreeSet<AttemptId>,
    /// What was seen that must not be.
    pub(crate) broken: Vec<String>,
}

/// What a job is meant to do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    /// Its exit status.
    pub(crate) code: i32,
    /// It waits for the job accepted before it to succeed.
    pub(crate) after: Option<JobId>,
    /// What becomes of it when its worker is lost.
    pub(crate) on_lost: OnLost,
    /// How often it is tried again when it failed.
    pub(crate) retries: u32,
    /// It has a timeout, which may come before its end.
    pub(crate) timeout: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) client: Client,
    /// Where jobs write down what they did.
    pub(crate) folder: PathBuf,
    /// In the environment of each of them.
    pub(crate) mark: String,
    pub(crate) known: Arc<Mutex<Known>>,
}

impl Load {
    /// Works with what is known.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Submits until it is told to stop. What is not answered is sent again under the same key.
    pub(crate) async fn submit(self, mut random: Random, stop: watch::Receiver<bool>) -> Result<()> {
        for n in 0.. {
            if *stop.borrow() {
                break;
            }
            let chained = random.chance(25);
            let codes: Vec<i32> =
                (0..if chained { 3 } else { 1 }).map(|_| if random.chance(15) { 3 } else { 0 }).collect();
            let mut jobs = Vec::new();
            for (i, code) in codes.iter().enumerate() {
                let mut spec = self.job(&mut random, *code);
                spec.name = chained.then(|| format!("storm-{n}-{i}"));
                spec.depends = (i > 0).then(|| format!("storm-{n}-{}", i - 1).into()).into_iter().collect();
                jobs.push(spec);
            }
            let count = jobs.len();
            let batch = BatchRequest { jobs, idempotency_key: Some(format!("storm-{n}")), max_running: None };
            let ids = self.accepted(&batch).await?;
            ensure!(ids.len() == count, "of {count} jobs {} were accepted", ids.len());
            self.with(|known| {
                for (i, (id, code)) in ids.iter().zip(&codes).enumerate() {
                    known
                        .accepted
                        .insert(*id, Plan { code: *code, after: i.checked_sub(1).map(|i| ids[i]), ..Plan::default() });
                }
            });
            if random.chance(4) {
                let id = random.pick(&ids);
                self.with(|known| known.cancelled.insert(id));
                // It may have ended, or c2d is away: both are no matter.
                drop(self.client.cancel(id).await);
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Writes down each verdict that is shown, and whether it stays.
    pub(crate) async fn watch(self, stop: watch::Receiver<bool>) -> Result<()> {
        while !*stop.borrow() {
            sleep(LOOK).await;
            let query = LogQuery { lines: Some(300), ..LogQuery::default() };
            let Ok(log) = self.client.log(&query).await else { continue };
            self.with(|known| {
                for entry in log.results {
                    let verdict = format!("{:?} {:?} {}", entry.job.state, entry.job.outcome, entry.job.attempt);
                    let first = known.seen.entry(entry.job.job_id).or_insert_with(|| verdict.clone());
                    if *first != verdict {
                        known.broken.push(format!("{}: {first}, then {verdict}", entry.job.job_id));
                    }
                    if let Some(Outcome::Exit { .. }) = entry.job.outcome {
                        known.over.insert(AttemptId { job: entry.job.job_id, number: entry.job.attempt });
                    }
                }
            });
            self.look_for_survivors();
        }
        Ok(())
    }

    /// What is alive now must not have been over before.
    fn look_for_survivors(&self) {
        for pid in marked(&format!("CHAOS_RUN={}", self.mark)) {
            let attempt = variable(pid, "C2_ATTEMPT").and_then(|text| text.parse::<AttemptId>().ok());
            self.with(|known| {
                if let Some(attempt) = attempt.filter(|attempt| known.over.contains(attempt)) {
                    known.broken.push(format!("{attempt} is over, and process {} of it alive", pid.as_raw_nonzero()));
                }
            });
        }
    }

    fn job(&self, random: &mut Random, code: i32) -> JobSpec {
        let folder = self.folder.display();
        let tagged = random.chance(20);
        let held = if tagged {
            format!("exec 8>>{folder}/only-$C2_WORKER.lock; flock -n 8 || echo tag $C2_JOB_ID >> {folder}/broken; ")
        } else {
            String::new()
        };
        let child = if random.chance(10) { "setsid sleep 300 8>&- 9>&- & " } else { "" };
        let text = random.next().to_string();
        let command = format!(
            "exec 9>>{folder}/$C2_JOB_ID.lock; flock -n 9 || echo twice $C2_JOB_ID >> {folder}/broken; {held}\
             echo start $C2_JOB_ID $C2_ATTEMPT >> {folder}/events; \
             [ \"$(cat given)\" = {text} ] || echo upload $C2_JOB_ID >> {folder}/broken; \
             {child}sleep 0.{}; echo end $C2_JOB_ID $C2_ATTEMPT >> {folder}/events; exit {code}",
            random.below(9)
        );
        JobSpec {
            command,
            tags: if tagged { vec![TAG.to_owned()] } else { Vec::new() },
            env: [("CHAOS_RUN".to_owned(), self.mark.clone())].into(),
            upload: vec![Upload {
                path: "given".to_owned(),
                content: Some(Bytes64(text.into_bytes())),
                sha256: None,
                mode: None,
            }],
            ..JobSpec::default()
        }
    }

    /// Submits until it is answered; a refusal is an answer, and none is expected here.
    pub(crate) async fn accepted(&self, batch: &BatchRequest) -> Result<Vec<JobId>> {
        loop {
            match self.client.submit_batch(batch).await {
                Ok(answer) => return Ok(answer.job_ids),
                Err(error) if error.code().is_some_and(|code| code.status() < 500) => return Err(error.into()),
                Err(_) => sleep(AGAIN).await,
            }
        }
    }
}

/// What jobs wrote into a file of theirs.
pub(crate) fn written(folder: &Path, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}
