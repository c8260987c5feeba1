//! Everything moved from SQLite to PostgreSQL and back: nothing is missing, the agents go on, and a move that was
//! killed is done by the same command.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::jobs::JobsQuery;
use c2_shared::api::output::OutputQuery;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_tests::{Cluster, Output, Program, pair, scenario};
use serde_json::{Value, json};

crate::tests![
    everything_moves_to_a_server_and_back,
    a_move_that_is_killed_is_done_by_the_same_command,
    a_folder_that_is_about_something_else_is_left_alone,
];

const WORKER: &str = "127.0.0.2";
/// More than a row holds, so that it is a blob.
const LONG: usize = 200_000;

/// Jobs of each state; those that run do so until the file `go` is there.
const LINES: [&str; 14] = [
    "submit \"echo hello\" --name hello --wait",
    "submit \"exit 3\" --name bad --retries 1 --retry-delay=1 --wait",
    "submit \"head -c 200000 /dev/zero | tr '\\0' x\" --name lengthy --wait",
    "submit \"cat input\" --upload input --hold --name upload1",
    "submit \"echo after\" --depends=upload1 --name later1",
    "submit \"echo nobody\" --hold --name nobodys",
    "submit \"while [ ! -e GO ]; do sleep 0.1; done; echo done\" --name runner1 --tags disk",
    "submit true --hold --name thrown",
    "cancel thrown",
    "schedule add yearly \"0 4 1 1 *\" \"cat input\" --upload input",
    "schedule add paused \"0 5 1 1 *\" true",
    "schedule pause paused",
    "notify add fails --on=failed --to=command:nothing",
    "submit \"exit 1\" --name reported --wait",
];

fn everything_moves_to_a_server_and_back() {
    scenario(async |cluster| {
        let Some(store) = pair::database() else { return Ok(()) };
        cluster.agent(WORKER).await?;
        cluster.client().set_tags(WORKER, ["disk".to_owned()].into()).await?;
        fs::write(cluster.console_dir().join("input"), "from a file\n".repeat(200_000))?;
        let go = cluster.console_dir().join("GO");
        let data = cluster.data_dir().display().to_string();
        let config = cluster.data_dir().join("config.json");
        fs::write(&config, r#"{"notify_commands": {"nothing": ["true"]}}"#)?;
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;
        for line in LINES {
            let line = line.replace("GO", &go.display().to_string());
            let said = cluster.exec(&[&line]).await?;
            ensure!(said.status == 0 || line.contains("exit"), "{line}: {said:?}");
        }
        let before = seen(cluster).await?;
        let refused = cluster.plain_c2d(&["migrate", &data, &store]).await?;
        ensure!(refused.status == 1 && refused.stderr.contains("stop c2d first"), "{refused:?}");

        cluster.kill_c2d()?;
        moved(&cluster.plain_c2d(&["migrate", &data, &store]).await?)?;
        let again = cluster.plain_c2d(&["migrate", &data, &store]).await?;
        ensure!(again.status == 1 && again.stderr.contains("was moved to"), "{again:?}");
        ensure!(cluster.restart_c2d().await.is_err(), "on SQLite it would begin a second queue");
        cluster.store(Some(&store));
        cluster.restart_c2d().await?;
        ensure!(seen(cluster).await? == before, "{:?}\n{before:?}", seen(cluster).await?);
        goes_on(cluster, "upload1", "from a file\n").await?;
        kept(cluster, &store).await?;
        let refused = cluster.plain_c2d(&["migrate", &store, &data]).await?;
        ensure!(refused.status == 1 && refused.stderr.contains("uses"), "{refused:?}");

        let busy = cluster.c2d(&["--store", &store, "authority", "rotate"]).await?;
        ensure!(busy.status == 1 && busy.stderr.contains("stop c2d"), "{busy:?}");
        cluster.kill_c2d()?;
        let rotated = cluster.c2d(&["--store", &store, "authority", "rotate"]).await?;
        ensure!(rotated.status == 0 && rotated.stdout.contains("new authority"), "{rotated:?}");
        cluster.restart_c2d().await?;
        goes_on(cluster, "later1", "after\n").await?;
        let before = seen(cluster).await?;
        cluster.kill_c2d()?;
        let elsewhere = cluster.new_folder("elsewhere")?.join("c2d").display().to_string();
        let full = cluster.plain_c2d(&["migrate", &store, &data]).await?;
        moved(&full)?;
        let twice = cluster.plain_c2d(&["migrate", &store, &elsewhere]).await?;
        ensure!(twice.status == 1 && twice.stderr.contains("moved to"), "{twice:?}");
        let full = cluster.plain_c2d(&["migrate", &data, &store]).await?;
        ensure!(full.status == 1 && full.stderr.contains("is not empty"), "{full:?}");
        cluster.store(None);
        cluster.restart_c2d().await?;
        ensure!(seen(cluster).await? == before, "{:?}\n{before:?}", seen(cluster).await?);
        fs::write(go, "")?;
        goes_on(cluster, "runner1", "done\n").await?;
        let check = cluster.c2d(&["check"]).await?;
        ensure!(check.status == 0, "{check:?}");
        Ok(())
    });
}

/// A database can be looked at and copied while c2d works, and the copy is a data folder.
async fn kept(cluster: &Cluster, store: &str) -> Result<()> {
    let check = cluster.c2d(&["--store", store, "check"]).await?;
    ensure!(check.stdout.contains("leads, as number") && check.stdout.contains("none is synchronous"), "{check:?}");
    ensure!(check.status == 1 && check.stdout.contains("commits do not wait for it"), "{check:?}");
    let file = cluster.console_dir().join("copy.tar").display().to_string();
    let done = cluster.c2d(&["--store", store, "backup", &file]).await?;
    ensure!(done.status == 0, "{done:?}");
    let copy = cluster.console_dir().join("copy").display().to_string();
    let restored = cluster.plain_c2d(&["restore", &file, "--data-dir", &copy]).await?;
    ensure!(restored.status == 0, "{restored:?}");
    let check = cluster.plain_c2d(&["check", "--data-dir", &copy]).await?;
    ensure!(check.status == 0 && check.stdout.contains("2 of jobs, each as its name says"), "{check:?}");
    Ok(())
}

/// What people see of everything, but for what goes on meanwhile.
async fn seen(cluster: &Cluster) -> Result<Value> {
    let client = cluster.client();
    let query = JobsQuery { all: true, limit: Some(1_000), ..JobsQuery::default() };
    let mut jobs = serde_json::to_value(client.jobs(&query).await?.jobs)?;
    for job in jobs.as_array_mut().context("a list")? {
        // A worker that was not heard since the start, and what its absence does to a job.
        for heard in ["unreachable", "silent_ms", "waits_for", "why"] {
            job.as_object_mut().context("a row")?.remove(heard);
        }
    }
    let workers: BTreeSet<String> = client
        .workers()
        .await?
        .workers
        .iter()
        .map(|w| format!("{} {:?} {:?}", w.worker_id, w.groups, w.tags))
        .collect();
    let long = client.output(named(cluster, "lengthy").await?, OutputQuery::default()).await?;
    ensure!(long.head.0.len() + usize::try_from(long.dropped)? + long.tail.0.len() == LONG || long.blob.is_some());
    let text = cluster.exec(&["output lengthy"]).await?;
    ensure!(text.stdout.trim_end().len() == LONG, "{} bytes", text.stdout.len());
    Ok(json!({
        "jobs": jobs,
        "workers": workers,
        "schedules": client.schedules().await?.schedules,
        "notifications": client.notifications().await?.notifications,
        "tokens": client.tokens().await?.tokens.iter().map(|token| token.id.clone()).collect::<Vec<_>>(),
    }))
}

async fn named(cluster: &Cluster, name: &str) -> Result<JobId> {
    let query = JobsQuery { all: true, name: Some(name.to_owned()), ..JobsQuery::default() };
    Ok(cluster.client().jobs(&query).await?.jobs.first().with_context(|| format!("no job {name}"))?.job_id)
}

/// The agent runs what was held, or ends what it ran all the time, and a new job has a new number.
async fn goes_on(cluster: &Cluster, name: &str, ends: &str) -> Result<()> {
    let job = named(cluster, name).await?;
    if cluster.client().job(job, 0).await?.job.row.state == JobState::Held {
        cluster.client().release(job).await?;
    }
    let ended = cluster.ended(job).await?;
    ensure!(ended.job.row.state == JobState::Succeeded && ended.job.row.attempt == 1, "{ended:?}");
    let output = cluster.exec(&[&format!("output {job}")]).await?;
    ensure!(output.stdout.ends_with(ends), "{} bytes", output.stdout.len());
    let new = cluster.submit("echo new").await?;
    ensure!(new > job, "{new}");
    cluster.ended(new).await?;
    Ok(())
}

fn moved(said: &Output) -> Result<()> {
    ensure!(said.status == 0 && said.stdout.contains("each was compared"), "{said:?}");
    Ok(())
}

fn a_move_that_is_killed_is_done_by_the_same_command() {
    scenario(async |cluster| {
        let data = cluster.data_dir().display().to_string();
        fs::write(cluster.console_dir().join("jobs"), "true\n".repeat(3_000))?;
        fs::write(cluster.console_dir().join("input"), "x".repeat(5_000_000))?;
        let said = cluster.exec(&["batch jobs", "submit true --upload input --hold"]).await?;
        ensure!(said.status == 0, "{said:?}");
        cluster.kill_c2d()?;
        for back in [false, true] {
            let Some(store) = pair::database() else { return Ok(()) };
            if back {
                moved(&cluster.plain_c2d(&["migrate", &data, &store]).await?)?;
            }
            let words = if back { ["migrate", &store, &data] } else { ["migrate", &data, &store] };
            let mut killed = 0;
            for ms in [10, 40, 80, 120, 160, 200, 250, 300, 350, 400, 500, 600] {
                let mut c2d = Command::new(Program::C2d.path()?);
                c2d.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                let mut c2d = c2d.spawn()?;
                tokio::time::sleep(Duration::from_millis(ms)).await;
                let ended = c2d.try_wait()?;
                c2d.kill()?;
                c2d.wait()?;
                match ended {
                    None => killed += 1,
                    Some(_) => break,
                }
            }
            ensure!(killed > 2, "it was over before it could be killed");
            let last = cluster.plain_c2d(&words).await?;
            ensure!(last.status == 0 || last.stderr.contains("was moved to"), "{last:?}");
            cluster.store(if back { None } else { Some(&store) });
            cluster.restart_c2d().await?;
            ensure!(cluster.client().queue_status().await?.active == 3_001);
            cluster.kill_c2d()?;
            if !back {
                moved(&cluster.plain_c2d(&["migrate", &store, &data]).await?)?;
            }
        }
        Ok(())
    });
}

fn a_folder_that_is_about_something_else_is_left_alone() {
    scenario(async |cluster| {
        let (Some(store), Some(other)) = (pair::database(), pair::database()) else { return Ok(()) };
        cluster.submit("true").await?;
        cluster.kill_c2d()?;
        let (data, own) = (cluster.data_dir(), cluster.new_folder("own")?.join("c2d"));
        fs::rename(&data, &own)?;
        let secrets = || -> Result<_> {
            let names = ["authority.pem", "operator.token"];
            Ok(names.map(|name| fs::read_to_string(own.join(name)).unwrap_or_default()))
        };
        let before = secrets()?;
        // It leads with an authority of its own.
        cluster.store(Some(&store));
        cluster.restart_c2d().await?;
        cluster.submit("true").await?;
        let refused = at(cluster, &own, &store, &["--port", "0"]).await?;
        ensure!(refused.status == 1 && refused.stderr.contains("has a queue of its own"), "{refused:?}");
        ensure!(secrets()? == before, "what stands by has the files of the leader");
        // One that could never lead does not stand by.
        let next = cluster.new_folder("next")?;
        fs::set_permissions(&next, fs::Permissions::from_mode(0o700))?;
        fs::write(next.join("operator.token"), "junk")?;
        fs::set_permissions(next.join("operator.token"), fs::Permissions::from_mode(0o600))?;
        let refused = at(cluster, &next, &store, &["--port", "0"]).await?;
        ensure!(refused.status == 1 && refused.stderr.contains("operator.token"), "{refused:?}");
        fs::remove_file(next.join("operator.token"))?;
        fs::write(next.join("jobs.log"), "a letter\n")?;
        let refused = at(cluster, &next, &store, &["--port", "0"]).await?;
        ensure!(refused.stderr.contains("is not a log of ended jobs"), "{refused:?}");

        cluster.kill_c2d()?;
        let rotated = at(cluster, &own, &store, &["authority", "rotate"]).await?;
        ensure!(rotated.status == 1 && rotated.stderr.contains("has a queue of its own"), "{rotated:?}");
        ensure!(secrets()? == before);
        let elsewhere = at(cluster, &data, &other, &["--port", "0"]).await?;
        ensure!(elsewhere.status == 1 && elsewhere.stderr.contains("and in no other database"), "{elsewhere:?}");

        // As after the last step but one of a move.
        let back = cluster.new_folder("back")?.join("c2d");
        let words = ["migrate", &store, &back.display().to_string()];
        moved(&cluster.plain_c2d(&words).await?)?;
        fs::rename(back.join("c2.db"), back.join("c2.db.new"))?;
        let begun = cluster.plain_c2d(&["--data-dir", words[2], "--port", "0"]).await?;
        ensure!(begun.status == 1 && begun.stderr.contains("finish the move: c2d migrate URL"), "{begun:?}");
        moved(&cluster.plain_c2d(&words).await?)
    });
}

/// What c2d says with a folder and a database.
async fn at(cluster: &Cluster, folder: &Path, store: &str, words: &[&str]) -> Result<Output> {
    let folder = folder.display().to_string();
    cluster.plain_c2d(&[&["--data-dir", &folder, "--store", store], words].concat()).await
}
