//! What earlier versions left on disk and said to each other is read by this one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use c2_shared::api::work::{AttemptResult, PollRequest, PollResponse, RegisterRequest, RegisterResponse};
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState, Outcome};
use c2_shared::token::Role;
use c2_tests::http::Caller;
use c2_tests::wait::SOON;
use c2_tests::{eventually, scenario};
use serde::de::DeserializeOwned;
use serde_json::Value;

crate::tests![
    folders_of_0_1_0_go_on,
    messages_of_0_1_0_are_understood,
    results_for_0_1_0_say_no_more_than_it_knows,
    agents_of_0_1_0_get_contents_inline,
];

const WORKER: &str = "127.0.9.11";

fn fixtures(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("compat").join(version)
}

/// Copies a folder with all that is in it, closed to others as the programs leave it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to)?;
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

fn folders_of_0_1_0_go_on() {
    scenario(async |cluster| {
        cluster.kill_c2d()?;
        let (data, state) = (cluster.data_dir(), cluster.agent_home(WORKER)?.join("state"));
        for side in ["c2.db-wal", "c2.db-shm"] {
            drop(fs::remove_file(data.join(side)));
        }
        copy(&fixtures("0.1.0").join("data"), &data)?;
        copy(&fixtures("0.1.0").join("state"), &state)?;
        cluster.restart_c2d().await?;
        let check = cluster.c2d(&["check"]).await?;
        assert_eq!(check.status, 0, "{check:?}");

        // The machine was started again since, so what it ran is over; what it owes still counts.
        cluster.agent(WORKER).await?;
        for job in [4, 11] {
            let ended = cluster.ended(JobId(job)).await?;
            assert_eq!(ended.job.row.state, JobState::Succeeded, "{ended:?}");
        }
        let output = cluster.exec(&["output 1", "output 11"]).await?;
        assert_eq!(output.stdout, "hello\nspooled\n", "{output:?}");
        cluster.running(JobId(6)).await?;
        cluster.client().cancel(JobId(6)).await?;
        assert_eq!(cluster.ended(JobId(6)).await?.job.row.state, JobState::Cancelled);
        let states = [
            (1, JobState::Succeeded, 1),
            (2, JobState::Failed, 2),
            (3, JobState::Failed, 1),
            (4, JobState::Succeeded, 1),
            (5, JobState::Cancelled, 0),
            (6, JobState::Cancelled, 2),
            (7, JobState::Held, 0),
            (8, JobState::Queued, 0),
            (9, JobState::Blocked, 0),
            (10, JobState::Blocked, 0),
            (11, JobState::Succeeded, 1),
            (12, JobState::Failed, 1),
        ];
        for (job, state, attempt) in states {
            let row = cluster.client().job(JobId(job), 0).await?.job.row;
            assert_eq!((row.state, row.attempt), (state, attempt), "{row:?}");
        }
        let worker = cluster.client().worker(WORKER).await?;
        assert_eq!(worker.row.groups, ["lab".to_owned()].into(), "{worker:?}");
        assert!(worker.row.tags.keys().eq(["disk", "gpu:0"]), "{worker:?}");
        eventually("a line for each job that ended", SOON, async || {
            Ok((fs::read_to_string(data.join("jobs.log"))?.lines().count() == 8).then_some(()))
        })
        .await?;
        let later = cluster.submit("true").await?;
        assert_eq!(later, JobId(13));
        Ok(())
    });
}

fn messages_of_0_1_0_are_understood() -> Result<()> {
    let text = fs::read_to_string(fixtures("0.1.0").join("messages.json"))?;
    let messages: Vec<Value> = serde_json::from_str(&text)?;
    for message in &messages {
        if message["path"] == "/api/workers/register" {
            read::<RegisterRequest>(&message["request"])?;
            read::<RegisterResponse>(&message["answer"])?;
        } else {
            read::<PollRequest>(&message["request"])?;
            read::<PollResponse>(&message["answer"])?;
        }
    }
    assert!(messages.len() >= 8, "{} messages", messages.len());
    Ok(())
}

fn results_for_0_1_0_say_no_more_than_it_knows() -> Result<()> {
    let text = fs::read_to_string(fixtures("0.1.0").join("messages.json"))?;
    let messages: Vec<Value> = serde_json::from_str(&text)?;
    let then = messages.iter().find_map(|message| message["request"]["unsent"].get(0)).context("a result of then")?;
    let now = AttemptResult {
        peak_bytes: Some(1),
        cpu_ms: Some(1),
        order: Bytes64(vec![1]),
        digest: Some(BlobId::of(b"")),
        ..AttemptResult::new("job-1.1".parse()?, Outcome::Oom { limit_bytes: 1, peak_bytes: 1 })
    };
    let brief = serde_json::to_value(now.brief())?;
    let names = |result: &Value| result.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>());
    assert_eq!(names(&brief), names(then), "{brief}");
    assert_eq!(brief["outcome"], serde_json::json!({"kind": "signal", "signal": 9}));
    Ok(())
}

fn agents_of_0_1_0_get_contents_inline() {
    scenario(async |cluster| {
        let token = Some(cluster.token(Role::Worker)?.expose().to_owned());
        let agent = Caller { server: cluster.addr(), source: WORKER.parse()?, token };
        let stdin = Some(Bytes64(vec![7; 100_000]));
        let spec = JobSpec { command: "cat".to_owned(), stdin, ..JobSpec::default() };
        cluster.submit_spec(spec.clone()).await?;
        let text = fs::read_to_string(fixtures("0.1.0").join("messages.json"))?;
        for message in serde_json::from_str::<Vec<Value>>(&text)?.iter().take(2) {
            let path = message["path"].as_str().context("each message has a path")?;
            let answer = agent.call("POST", path, Some(message["request"].clone())).await?;
            assert_eq!(answer.status, 200, "{answer:?}");
            if path.contains("get-work") {
                // An agent of then refuses the whole answer for one word that it does not know.
                assert_eq!(answer.json["assign"][0]["spec"], serde_json::to_value(&spec)?, "{answer:?}");
            }
        }
        Ok(())
    });
}

/// Reads a message; what was written then must still be said in the same words.
fn read<T: DeserializeOwned + serde::Serialize>(message: &Value) -> Result<()> {
    let understood: T = serde_json::from_value(message.clone()).with_context(|| message.to_string())?;
    let again = serde_json::to_value(&understood)?;
    for (name, value) in message.as_object().context("a message is an object")? {
        assert_eq!(again.get(name), Some(value), "{name} of {message}");
    }
    Ok(())
}
