//! Machines that died, and machines that were installed anew: an operator gives up the ones, and gives the others
//! their identity back; nobody else can.

use std::fs;

use anyhow::Result;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState, OnLost, Outcome};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};
use rustix::process::Signal;

crate::waiting_tests![
    a_machine_that_died_with_jobs_is_given_up_with_all_of_them,
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
        // Its row is online for a while yet, whoever it was that was heard.
        drop(cluster.restart_agent(OLD).await);
        eventually("the end of who has the old token", SOON, async || Ok(cluster.has_ended(OLD)?.then_some(())))
            .await?;
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

fn a_machine_that_died_with_jobs_is_given_up_with_all_of_them() {
    scenario(async |cluster| {
        cluster.agent(OLD).await?;
        let mut jobs = Vec::new();
        for on_lost in [OnLost::Requeue, OnLost::Fail, OnLost::Wait] {
            let spec = JobSpec { command: "sleep 600".to_owned(), on_lost, ..JobSpec::default() };
            jobs.push(cluster.submit_spec(spec).await?);
            cluster.running(jobs[jobs.len() - 1]).await?;
        }
        let [again, fails, waits] = jobs[..] else { unreachable!("three were submitted") };
        let beside = cluster.submit("true").await?;
        cluster.ended(beside).await?;
        let pinned =
            JobSpec { depends: vec![beside.to_string().into()], same_machine: true, hold: true, ..spec_true() };
        let pinned = cluster.submit_spec(pinned).await?;
        cluster.cut_power(OLD)?;

        cluster.logged("127.0.5.1 (").await?;
        cluster.logged("is offline: silent for 15s; it holds").await?;
        let why = cluster.exec(&[&format!("why {again}")]).await?.stdout;
        assert!(why.contains("which was not heard for") && why.contains("it is queued again in"), "{why}");
        let early = cluster.exec(&["remove-worker 127.0.5.1 --lost --yes"]).await?;
        assert!(early.status == 1 && early.stderr.contains("may come back: its lease is over in"), "{early:?}");
        assert_eq!(lost(cluster, fails).await?, Some(Outcome::Lost));
        cluster.logged("is past its lease: its jobs are not waited for").await?;
        cluster.logged(&format!("{again}.1 was lost on 127.0.5.1; its job is queued again")).await?;
        cluster.logged(&format!("{fails}.1 was lost on 127.0.5.1; its job ended: worker lost")).await?;
        // Nobody can begin the second attempt, and the first is told of all the same.
        let told = cluster.exec(&[&format!("job {again}"), &format!("why {again}")]).await?.stdout;
        assert!(
            told.contains("worker lost") && told.contains("attempt 1 was lost with its worker, 127.0.5.1"),
            "{told}"
        );
        let why = cluster.exec(&[&format!("why {waits}")]).await?.stdout;
        assert!(why.contains("`remove-worker 127.0.5.1 --lost` gives it up"), "{why}");

        let refused = cluster.exec(&["remove-worker 127.0.5.1"]).await?;
        assert!(refused.status == 1 && refused.stderr.contains("remove-worker 127.0.5.1 --lost"), "{refused:?}");
        let shown = cluster.exec(&["remove-worker 127.0.5.1 --lost"]).await?;
        let (text, held) = (&shown.stdout, [again, waits].map(|job| format!("{job}.1")));
        assert!(shown.status == 0 && held.iter().all(|attempt| text.contains(attempt)), "{shown:?}");
        assert!(text.contains("nothing was changed") && text.contains("--yes"), "{shown:?}");
        assert_eq!(cluster.client().workers().await?.workers.len(), 1);
        let done = cluster.exec(&["remove-worker 127.0.5.1 --lost --yes", "list"]).await?;
        assert!(done.stdout.contains("is forgotten; lost with it") && done.stdout.contains("no worker"), "{done:?}");
        cluster.is_noted("audit.log", "was removed as lost, with").await?;
        let state = async |job| Ok::<_, anyhow::Error>(cluster.client().job(job, 0).await?.job.row.state);
        assert_eq!([state(again).await?, state(waits).await?], [JobState::Queued; 2]);
        let stranded = cluster.ended(pinned).await?.job.row;
        let Some(Outcome::Setup { reason }) = stranded.outcome else { panic!("{stranded:?}") };
        assert!(reason.contains("where it had to run, was removed"), "{reason}");
        Ok(())
    });
}

/// How a job ends whose worker is waited for.
async fn lost(cluster: &Cluster, job: JobId) -> Result<Option<Outcome>> {
    eventually("the end of the lease", GONE, async || {
        let answer = cluster.client().job(job, 5).await?;
        Ok(answer.done.then_some(answer.job.row.outcome))
    })
    .await
}

fn spec_true() -> JobSpec {
    JobSpec { command: "true".to_owned(), ..JobSpec::default() }
}

/// A job that waits for a file.
fn waits(cluster: &Cluster) -> JobSpec {
    let go = cluster.console_dir().join("go");
    JobSpec { command: format!("until [ -e {} ]; do sleep 0.1; done", go.display()), ..JobSpec::default() }
}
