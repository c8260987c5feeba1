//! Jobs that misbehave: nothing of them is left, nothing outside is changed, and the next job runs.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use c2_shared::job::{JobSpec, JobState, Outcome};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, marked, scenario};

crate::tests![
    processes_that_hide_do_not_survive,
    a_job_that_stops_itself_or_never_stops_writing_is_ended,
    a_job_that_kills_its_runner_takes_nobody_with_it,
    nothing_outside_of_a_workspace_is_touched_or_read,
    a_hard_link_is_taken_away_and_its_other_name_left_alone,
    a_hundred_thousand_files_are_a_problem_of_their_job_only,
];

/// Name of the environment variable by which processes of a job are found here.
const MARK: &str = "HOSTILE_JOB";

/// Runs one job in the only slot and checks what must hold afterwards; returns how it ended.
async fn run(cluster: &mut Cluster, command: &str, timeout_s: Option<u64>) -> Result<Outcome> {
    let mark = format!("{}-{command}", std::process::id());
    let spec = JobSpec {
        command: command.to_owned(),
        env: [(MARK.to_owned(), mark.clone())].into(),
        download: vec!["**".to_owned()],
        timeout_s,
        ..JobSpec::default()
    };
    let job = cluster.submit_spec(spec).await?;
    // A job that loses its runner each time rests for 15 s altogether.
    let limit = 2 * SOON + Duration::from_secs(timeout_s.unwrap_or(0));
    let outcome = eventually(&format!("the end of {command:?}"), limit, async || {
        Ok(cluster.client().job(job, 5).await?.job.row.outcome)
    })
    .await?;
    let (found, working) = (marked(&format!("{MARK}={mark}")), working_below(&cluster.workspace_root("127.0.0.2")?));
    assert_eq!((found, working), (vec![], vec![]), "{command:?} left processes");
    let next = cluster.submit("echo fine").await?;
    assert_eq!(cluster.ended(next).await?.job.stdout, "fine\n", "after {command:?}");
    Ok(outcome)
}

/// Processes whose folder is a workspace, also a deleted one: those that wiped their environment.
fn working_below(root: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    processes.filter(|process| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(root))).collect()
}

fn processes_that_hide_do_not_survive() {
    scenario(async |cluster| {
        cluster.agent_with_slots("127.0.0.2", 1).await?;
        let ok = Outcome::Exit { code: 0 };
        let table = [
            ("a daemon", "(setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1; done' <&- >&- 2>&- &) & wait"),
            ("a child that holds stdout", "sleep 86399 & exit 0"),
            ("one that wiped its environment", "env -i setsid sleep 86398 >&- 2>&- & exit 0"),
            ("many at once", "i=0; while [ $i -lt 200 ]; do setsid sleep 86397 & i=$((i+1)); done; exit 0"),
            ("stopped ones", "sleep 86396 & kill -STOP $!; exit 0"),
        ];
        for (what, command) in table {
            assert_eq!(run(cluster, command, None).await?, ok, "{what}");
        }
        Ok(())
    });
}

fn a_job_that_stops_itself_or_never_stops_writing_is_ended() {
    scenario(async |cluster| {
        cluster.agent_with_slots("127.0.0.2", 1).await?;
        for command in ["kill -STOP $$", "yes", "while :; do (sleep 1 &); sleep 0.02; done"] {
            assert_eq!(run(cluster, command, Some(2)).await?, Outcome::Timeout, "{command}");
        }
        Ok(())
    });
}

fn a_job_that_kills_its_runner_takes_nobody_with_it() {
    scenario(async |cluster| {
        cluster.agent_with_slots("127.0.0.2", 1).await?;
        let spec = "setsid sleep 86395 & kill -9 $PPID; sleep 86394";
        // It kills a runner each time, until it is given up as poison.
        assert_eq!(run(cluster, spec, None).await?, Outcome::CrashLimit);
        Ok(())
    });
}

fn nothing_outside_of_a_workspace_is_touched_or_read() {
    scenario(async |cluster| {
        cluster.agent_with_slots("127.0.0.2", 1).await?;
        let outside = cluster.new_folder("outside")?;
        fs::write(outside.join("secret"), "secret")?;
        let (at, root) = (outside.display().to_string(), cluster.workspace_root("127.0.0.2")?);
        let commands = [
            format!("ln -s {at} dir; ln -s {at}/secret file; ln -s / everything; mkfifo pipe"),
            format!("cd ..; rm -r $C2_JOB_ID; ln -s {at} $C2_JOB_ID"),
            format!("cd ..; mv $C2_JOB_ID elsewhere-$C2_JOB_ID; ln -s {at} $C2_JOB_ID"),
            "cd ..; rm -r $C2_JOB_ID".to_owned(),
            "cd ..; rm -r $C2_JOB_ID; mkfifo $C2_JOB_ID".to_owned(),
        ];
        for command in &commands {
            run(cluster, command, None).await?;
        }
        let cleaned = cluster.exec(&["cleanup-workspaces 127.0.0.2"]).await?;
        assert_eq!(cleaned.status, 0, "{cleaned:?}");
        let names: Vec<_> =
            fs::read_dir(&outside)?.map(|entry| entry.map(|e| e.file_name())).collect::<Result<_, _>>()?;
        assert_eq!((names, fs::read_to_string(outside.join("secret"))?), (vec!["secret".into()], "secret".to_owned()));
        for job in
            cluster.client().jobs(&c2_shared::api::jobs::JobsQuery { all: true, ..Default::default() }).await?.jobs
        {
            let files = cluster.client().job_files(job.job_id, true).await?.files;
            assert_eq!(files.len(), 0, "{job:?} {files:?}");
        }
        assert!(root.is_dir());
        Ok(())
    });
}

fn a_hard_link_is_taken_away_and_its_other_name_left_alone() {
    scenario(async |cluster| {
        cluster.agent_with_slots("127.0.0.2", 1).await?;
        let mine = cluster.new_folder("outside")?.join("mine");
        fs::write(&mine, "mine")?;
        fs::set_permissions(&mine, fs::Permissions::from_mode(0o440))?;
        // A folder that nobody may write to has to be opened before it can be emptied.
        let command = format!("mkdir shut; ln {} shut/link; chmod 500 shut", mine.display());
        assert_eq!(run(cluster, &command, None).await?, Outcome::Exit { code: 0 });
        assert_eq!(fs::metadata(&mine)?.nlink(), 2);
        let cleaned = cluster.exec(&["cleanup-workspaces 127.0.0.2"]).await?;
        assert!(cleaned.stdout.contains("removed 1 workspace"), "{cleaned:?}");
        let left = fs::metadata(&mine)?;
        assert_eq!((left.nlink(), left.mode() & 0o7777, fs::read(&mine)?), (1, 0o440, b"mine".to_vec()));
        Ok(())
    });
}

/// The longest silence of a worker in contact.
const SILENT_MS_MAX: u64 = 6_000;

fn a_hundred_thousand_files_are_a_problem_of_their_job_only() {
    scenario(async |cluster| {
        cluster.agent_with_slots("127.0.0.2", 2).await?;
        let beside = cluster.submit("sleep 600").await?;
        cluster.running(beside).await?;
        let spec = JobSpec {
            command: "seq 1 100000 | xargs touch".to_owned(),
            download: vec!["**".to_owned()],
            ..JobSpec::default()
        };
        let job = cluster.submit_spec(spec).await?;
        let mut silent_ms = 0;
        let end = eventually("the end of the files", SOON * 3, async || {
            silent_ms = silent_ms.max(cluster.client().worker("127.0.0.2").await?.row.silent_ms.unwrap_or(0));
            let answer = cluster.client().job(job, 0).await?;
            Ok(answer.done.then_some(answer.job))
        })
        .await?;
        assert_eq!(end.row.state, JobState::Succeeded, "{end:?}");
        assert!(silent_ms <= SILENT_MS_MAX, "work on files held up a contact: {silent_ms} ms");
        let files = cluster.client().job_files(job, false).await?;
        assert!(files.files.len() <= c2_shared::limits::FILES_LEN_MAX && !files.problems.is_empty());
        let next = cluster.submit("echo fine").await?;
        assert_eq!(cluster.ended(next).await?.job.stdout, "fine\n");
        Ok(())
    });
}
