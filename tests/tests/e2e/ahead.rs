//! Jobs that are given to workers ahead of free slots: no one waits behind a long job, and nothing about them is
//! lost, held, changed or cancelled otherwise than that of any other job.

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::batches::BatchRequest;
use c2_shared::api::jobs::JobsQuery;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState};
use c2_shared::token::Role;
use c2_tests::http::{Answer, Caller};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};
use serde_json::{Value, json};

crate::tests![
    no_short_job_waits_behind_a_long_one,
    jobs_that_wait_are_held_paused_and_cancelled,
    what_is_wanted_of_a_job_that_waits_at_a_silent_worker_is_done_later,
];

/// Short jobs in one request.
async fn shorts(cluster: &Cluster, count: usize, worker: Option<&str>) -> Result<Vec<JobId>> {
    let workers = worker.map(str::to_owned).into_iter().collect();
    let spec = JobSpec { command: "true".to_owned(), workers, ..JobSpec::default() };
    Ok(cluster
        .client()
        .submit_batch(&BatchRequest { jobs: vec![spec; count], ..BatchRequest::default() })
        .await?
        .job_ids)
}

/// Waits until some jobs have ended, without looking at each of them.
async fn all_ended(cluster: &Cluster, jobs: &[JobId]) -> Result<()> {
    let last = jobs.last().context("no jobs")?;
    eventually("the end of all", SOON, async || {
        let active = cluster.client().jobs(&JobsQuery::default()).await?.jobs;
        Ok((!active.iter().any(|row| jobs.contains(&row.job_id)) && *last > JobId(0)).then_some(()))
    })
    .await
}

fn no_short_job_waits_behind_a_long_one() {
    scenario(async |cluster| {
        for ip in ["127.0.0.2", "127.0.0.3"] {
            cluster.agent_with_slots(ip, 1).await?;
            // So that each is known for short jobs.
            let jobs = shorts(cluster, 20, Some(ip)).await?;
            all_ended(cluster, &jobs).await?;
        }
        let gate = cluster.new_folder("gate")?.join("open");
        let long = cluster.submit(&format!("while [ ! -e {} ]; do sleep 0.1; done", gate.display())).await?;
        let jobs = shorts(cluster, 60, None).await?;
        all_ended(cluster, &jobs).await?;
        let row = cluster.client().job(long, 0).await?.job.row;
        assert_eq!(row.state, JobState::Running, "all short ones have ended before it: {row:?}");
        std::fs::write(gate, "")?;
        cluster.ended(long).await?;
        for job in jobs {
            let row = cluster.client().job(job, 0).await?.job.row;
            assert_eq!(row.state, JobState::Succeeded, "{row:?}");
        }
        Ok(())
    });
}

fn jobs_that_wait_are_held_paused_and_cancelled() {
    scenario(async |cluster| {
        cluster.agent_with_slots("127.0.0.2", 2).await?;
        let jobs = shorts(cluster, 20, None).await?;
        all_ended(cluster, &jobs).await?;
        let folder = cluster.new_folder("ran")?;
        // Each ends when it may, and says that it ran.
        let command = |n: usize| {
            let folder = folder.display();
            format!("echo $$ > {folder}/{n}; while [ ! -e {folder}/open ]; do sleep 0.02; done")
        };
        let specs: Vec<JobSpec> = (0..6).map(|n| JobSpec { command: command(n), ..JobSpec::default() }).collect();
        let ids =
            cluster.client().submit_batch(&BatchRequest { jobs: specs, ..BatchRequest::default() }).await?.job_ids;
        let [_, _, held, cancelled, changed, last] = ids[..] else { anyhow::bail!("six jobs were asked for") };
        let client = cluster.client().clone();
        for job in [held, cancelled, changed, last] {
            let row = client.job(job, 0).await?.job.row;
            assert_eq!((row.state, row.worker), (JobState::Queued, None), "{row:?}");
        }
        assert_eq!(client.hold(held).await?.state, JobState::Held);
        client.cancel(cancelled).await?;
        assert_eq!(cluster.ended(cancelled).await?.job.row.state, JobState::Cancelled);
        let change = cluster.exec(&[&format!("change {changed} --name=other")]).await?;
        assert_eq!(change.status, 0, "{change:?}");
        client.pause(true).await?;
        std::fs::write(folder.join("open"), "")?;
        for job in &ids[..2] {
            cluster.ended(*job).await?;
        }
        // What starts meanwhile runs; here nothing does, as whatever waited has come back or comes back now.
        eventually("nothing at work", SOON, async || Ok((client.queue_status().await?.slots_used == 0).then_some(())))
            .await?;
        assert_eq!(client.job(held, 0).await?.job.row.state, JobState::Held);
        assert!(!folder.join("2").exists() && !folder.join("3").exists(), "held and cancelled, so never started");
        client.pause(false).await?;
        for job in [changed, last] {
            assert_eq!(cluster.ended(job).await?.job.row.state, JobState::Succeeded);
        }
        assert_eq!(client.job(changed, 0).await?.job.row.name.as_deref(), Some("other"));
        client.release(held).await?;
        assert_eq!(cluster.ended(held).await?.job.row.state, JobState::Succeeded);
        Ok(())
    });
}

/// A worker that a test plays, with one slot.
struct ByHand {
    caller: Caller,
    seq: u64,
    running: Vec<String>,
    staged: Vec<String>,
}

const IP: &str = "127.0.0.9";

impl ByHand {
    async fn register(cluster: &Cluster) -> Result<Self> {
        let token = Some(cluster.token(Role::Worker)?.expose().to_owned());
        let caller = Caller { server: cluster.addr(), source: IP.parse()?, token };
        let worker = Self { caller, seq: 0, running: Vec::new(), staged: Vec::new() };
        let intro =
            json!({"worker_id": "hand", "boot_id": "b", "session": "1-n", "machine": "m", "folder": "f", "slots": 1});
        let answer = worker.caller.call("POST", "/api/workers/register", Some(intro)).await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(worker)
    }

    /// Polls with what has ended and what goes back, and takes what it is given.
    async fn poll(&mut self, ended: &[String], returned: &[String]) -> Result<Value> {
        self.seq += 1;
        let unsent: Vec<Value> = ended
            .iter()
            .map(|attempt| {
                let outcome = json!({"kind": "exit", "code": 0});
                json!({"attempt": attempt, "outcome": outcome, "started_ms": 1_000, "ended_ms": 1_010})
            })
            .collect();
        let returned: Vec<Value> = returned
            .iter()
            .map(|attempt| json!({"attempt": attempt, "reason": "recalled", "recalled": true}))
            .collect();
        let poll = json!({
            "worker_id": "hand", "boot_id": "b", "session": "1-n", "seq": self.seq, "takes_ahead": true, "wait_s": 0,
            "slots_free": 1 - self.running.len(), "running": self.running, "staged": self.staged,
            "unsent": unsent, "returned": returned, "load": {},
        });
        let path = format!("/api/workers/get-work/{IP}");
        let Answer { status, json, .. } = self.caller.call("POST", &path, Some(poll)).await?;
        ensure!(status == 200, "{json}");
        for given in json["assign"].as_array().into_iter().flatten() {
            let attempt = given["attempt"].as_str().context("an attempt has a name")?.to_owned();
            if given["ahead"] == true { self.staged.push(attempt) } else { self.running.push(attempt) }
        }
        Ok(json)
    }

    /// Runs short jobs, so that c2d gives more ahead.
    async fn run_short(&mut self, cluster: &Cluster, count: usize) -> Result<()> {
        let jobs = shorts(cluster, count, None).await?;
        self.poll(&[], &[]).await?;
        while let Some(done) = self.running.pop() {
            if !self.staged.is_empty() {
                self.running.push(self.staged.remove(0));
            }
            self.poll(&[done], &[]).await?;
        }
        all_ended(cluster, &jobs).await
    }
}

fn what_is_wanted_of_a_job_that_waits_at_a_silent_worker_is_done_later() {
    scenario(async |cluster| {
        let mut worker = ByHand::register(cluster).await?;
        worker.run_short(cluster, 20).await?;
        let (first, waits) = (cluster.submit("true").await?, cluster.submit("echo before").await?);
        worker.poll(&[], &[]).await?;
        let attempts = (worker.running.clone(), worker.staged.clone());
        assert_eq!(attempts, (vec![format!("{first}.1")], vec![format!("{waits}.1")]));
        let why = cluster.exec(&[&format!("why {waits}")]).await?;
        assert!(why.stdout.contains(&format!("given ahead to {IP}")), "{why:?}");
        let queued = cluster.exec(&["jobs --state=queued", "jobs --state=queued --text=before"]).await?;
        assert_eq!(queued.stdout.matches("echo before").count(), 2, "for people it is queued: {queued:?}");

        // The worker says nothing, so it cannot be told yet whether the job has started.
        let operator = Caller {
            source: "127.0.0.1".parse()?,
            token: Some(cluster.token(Role::Operator)?.expose().to_owned()),
            ..worker.caller.clone()
        };
        let hold = format!("/api/jobs/hold/{waits}");
        let noted = operator.call("POST", &hold, None).await?;
        assert_eq!((noted.status, &noted.json["state"]), (202, &json!("queued")), "{noted:?}");
        let change = json!({"job_ids": [waits], "set": {"command": "echo after"}});
        let noted = operator.call("POST", "/api/jobs/change", Some(change.clone())).await?;
        assert_eq!((noted.status, &noted.json["done"][0]["state"]), (202, &json!("queued")), "{noted:?}");
        assert_eq!(noted.json["later"], json!([waits]), "{noted:?}");
        let told = cluster.exec(&[&format!("hold {waits}")]).await?;
        let words = format!("{waits} waits at a worker that is silent, so this is done when c2d hears of it again\n");
        assert_eq!((told.status, told.stderr), (0, words));
        let second = operator.call("POST", "/api/jobs/change", Some(change)).await?;
        assert_eq!(second.json["refused"][0]["code"], "conflict", "one change at a time: {second:?}");

        // Also after a restart of c2d it is done as soon as the job comes back.
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;
        let row = cluster.client().job(waits, 0).await?.job.row;
        assert_eq!(row.state, JobState::Queued, "{row:?}");
        let answer = worker.poll(&[], &[]).await?;
        assert_eq!(answer["recall"], json!([format!("{waits}.1")]), "{answer}");
        let back = std::mem::take(&mut worker.staged);
        let answer = worker.poll(&[], &back).await?;
        assert_eq!(answer["ack"], json!(back), "{answer}");
        let job = cluster.client().job(waits, 0).await?.job;
        assert_eq!((job.row.state, job.spec.command.as_str()), (JobState::Held, "echo after"), "{job:?}");
        assert_eq!(job.attempts, [], "nothing happened in the attempt that came back");

        // Started wins: a hold of what has started is refused, as with any job that runs.
        let check = cluster.c2d(&["check"]).await?;
        assert_eq!(check.status, 0, "{check:?}");
        cluster.client().release(waits).await?;
        let done = std::mem::take(&mut worker.running);
        worker.poll(&done, &[]).await?;
        assert_eq!(worker.running, [format!("{waits}.2")]);
        let held = operator.call("POST", &hold, None).await?;
        assert_eq!((held.status, &held.json["code"]), (409, &json!("conflict")), "{held:?}");
        Ok(())
    });
}
