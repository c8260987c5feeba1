//! Machines that died and were installed anew: each gets its identity back from an operator, and from nobody
//! else.

use std::fs;

use anyhow::Result;
use c2_shared::job::{JobSpec, JobState, OnLost, Outcome};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};
use rustix::process::Signal;

crate::waiting_tests![
    a_reinstalled_machine_gets_its_identity_back_when_the_old_one_is_gone,
    a_machine_takes_no_other_identity_while_jobs_run_under_its_own,
];

const OLD: &str = "127.0.5.1";
const OTHER: &str = "127.0.5.2";
/// More than a lease.
const GONE: std::time::Duration = std::time::Duration::from_secs(90);

/// A joined worker in a group, with a tag.
async fn worker(cluster: &mut Cluster, ip: &str) -> Result<()> {
    let line = cluster.invited(&[]).await?;
    let joined = cluster.join(ip, &line).await?;
    assert_eq!(joined.status, 0, "{joined:?}");
    cluster.joined_agent(ip).await?;
    let given = cluster.exec(&[&format!("assign {ip} lab"), &format!("set-tags {ip} disk")]).await?;
    assert_eq!(given.status, 0, "{given:?}");
    Ok(())
}

async fn is_refused(cluster: &Cluster, ip: &str, line: &str, words: &str) -> Result<()> {
    let tokens = cluster.c2d(&["token", "list"]).await?.stdout;
    let refused = cluster.join(ip, line).await?;
    assert!(refused.status == 1 && refused.stderr.contains(words), "{refused:?}");
    assert_eq!(cluster.c2d(&["token", "list"]).await?.stdout, tokens, "a refused try spends nothing");
    Ok(())
}

fn a_reinstalled_machine_gets_its_identity_back_when_the_old_one_is_gone() {
    scenario(async |cluster| {
        worker(cluster, OLD).await?;
        let id = cluster.client().worker(OLD).await?.row.worker_id;
        let marks = cluster.new_folder("marks")?.join("starts");
        let command = format!("echo $C2_ATTEMPT >>{}; [ $C2_ATTEMPT != job-1.1 ] || sleep 600", marks.display());
        let again = cluster.submit_spec(JobSpec { command, ..JobSpec::default() }).await?;
        let patient = JobSpec { command: "sleep 600".to_owned(), on_lost: OnLost::Wait, ..JobSpec::default() };
        let patient = cluster.submit_spec(patient).await?;
        cluster.running(patient).await?;
        eventually("its start", SOON, async || Ok(marks.exists().then_some(()))).await?;

        let line = cluster.invited(&["--as", OLD]).await?;
        is_refused(cluster, OTHER, &line, "may still be at work").await?;
        cluster.cut_power(OLD)?;
        let home = cluster.agent_home(OLD)?;
        fs::rename(home.join("state"), home.join("old"))?;
        is_refused(cluster, OLD, &line, "may still be at work").await?;
        eventually("the end of the lease", GONE, async || {
            Ok(cluster.client().worker(id.as_str()).await?.row.past_lease.then_some(()))
        })
        .await?;
        is_refused(cluster, OLD, &line, "may still be at work").await?;
        cluster.client().cancel(patient).await?;
        assert_eq!(cluster.ended(patient).await?.job.row.outcome, Some(Outcome::Cancelled), "nobody is left to ask");

        let joined = cluster.join(OLD, &line).await?;
        assert_eq!(joined.status, 0, "{joined:?}");
        cluster.joined_agent(OLD).await?;
        let workers = cluster.client().workers().await?.workers;
        assert_eq!(workers.len(), 1, "{workers:?}");
        assert_eq!(workers[0].worker_id, id);
        assert!(workers[0].groups.contains("lab") && workers[0].tags.contains_key("disk"), "{workers:?}");
        let end = cluster.ended(again).await?.job;
        assert_eq!((end.row.state, end.row.attempt), (JobState::Succeeded, 2), "{end:?}");
        assert_eq!(fs::read_to_string(&marks)?, "job-1.1\njob-1.2\n");
        let spent = cluster.join(OTHER, &line).await?;
        assert!(spent.status != 0 && spent.stderr.contains("was used already"), "{spent:?}");

        // What was on the old disk is worth nothing any more.
        cluster.signal_agent(OLD, Signal::TERM)?;
        fs::rename(home.join("state"), home.join("new"))?;
        fs::rename(home.join("old"), home.join("state"))?;
        assert!(cluster.restart_agent(OLD).await.is_err(), "the old token is good");
        let log = fs::read_to_string(home.join("log"))?;
        assert!(log.contains("this token is not known here") && log.contains("c2-agent join LINE"), "{log}");
        cluster.is_noted("audit.log", "speaks from another machine or folder").await
    });
}

fn a_machine_takes_no_other_identity_while_jobs_run_under_its_own() {
    scenario(async |cluster| {
        worker(cluster, OLD).await?;
        let dead = cluster.client().worker(OLD).await?.row.worker_id;
        cluster.cut_power(OLD)?;
        worker(cluster, OTHER).await?;
        let own = cluster.client().worker(OTHER).await?.row.worker_id;
        let job = cluster.submit_spec(JobSpec { exclude: vec![dead.to_string()], ..waits(cluster) }).await?;
        cluster.running(job).await?;
        let line = cluster.invited(&["--as", dead.as_str()]).await?;
        eventually("the end of the lease", GONE, async || {
            Ok(cluster.client().worker(dead.as_str()).await?.row.past_lease.then_some(()))
        })
        .await?;
        cluster.signal_agent(OTHER, Signal::TERM)?;
        eventually("its end", SOON, async || Ok(cluster.has_ended(OTHER)?.then_some(()))).await?;
        is_refused(cluster, OTHER, &line, "jobs run on this machine under the identity that it has").await?;
        let state = cluster.agent_home(OTHER)?.join("state");
        let reset = ["reset-identity", "--state-dir", &state.to_string_lossy()];
        let refused = cluster.run_agent(&reset).await?;
        assert!(refused.status == 1 && refused.stderr.contains("jobs run under this identity"), "{refused:?}");

        // Nothing was changed: it goes on as itself, and so does its job.
        cluster.joined_agent(OTHER).await?;
        fs::write(cluster.console_dir().join("go"), "")?;
        let end = cluster.ended(job).await?.job;
        assert_eq!((end.row.state, end.attempts.len()), (JobState::Succeeded, 1), "{end:?}");
        assert_eq!(end.row.worker_id, Some(own));
        cluster.signal_agent(OTHER, Signal::TERM)?;
        eventually("no process of a slot", SOON, async || {
            Ok((cluster.run_agent(&reset).await?.status == 0).then_some(()))
        })
        .await
    });
}

/// A job that waits for a file.
fn waits(cluster: &Cluster) -> JobSpec {
    let go = cluster.console_dir().join("go");
    JobSpec { command: format!("until [ -e {} ]; do sleep 0.1; done", go.display()), ..JobSpec::default() }
}
