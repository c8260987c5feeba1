//! The data folder as a whole: copied while c2d works, put back, looked through.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use c2_shared::api::jobs::LogEntry;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_tests::wait::SOON;
use c2_tests::{Cluster, Program, eventually, is_alive, scenario};
use rustix::process::Signal;

crate::tests![
    a_backup_under_load_is_a_queue_that_goes_on,
    a_backup_holds_the_lines_of_jobs_that_were_removed,
    a_backup_from_before_it_held_the_log_is_restored,
    a_check_reads_the_log_of_ended_jobs,
    a_damaged_backup_changes_nothing,
    a_check_names_what_is_wrong_and_what_to_do,
    an_audit_log_that_was_cut_is_found,
    a_backup_that_was_killed_leaves_nothing_to_the_next,
];

fn flip(file: &Path, at: usize) -> anyhow::Result<()> {
    let mut bytes = fs::read(file)?;
    bytes[at] ^= 1;
    Ok(fs::write(file, bytes)?)
}

fn a_backup_under_load_is_a_queue_that_goes_on() {
    scenario(async |cluster| {
        let here = cluster.console_dir();
        fs::write(here.join("input"), "from a file\n".repeat(200_000))?;
        let upload = cluster.exec(&["submit \"tail -n 1 input\" --upload input --hold"]).await?;
        assert_eq!(upload.status, 0, "{upload:?}");
        let mut before = Vec::new();
        for n in 0..200 {
            before.push(cluster.submit(&format!("echo {n}")).await?);
        }
        cluster.agent("127.0.0.2").await?;
        let copy = here.join("copy.tar");
        let name = copy.display().to_string();
        let done = cluster.c2d(&["backup", &name]).await?;
        assert!(done.status == 0 && done.stdout.contains("holds everything of"), "{done:?}");
        assert_eq!(fs::metadata(&copy)?.permissions().mode() & 0o777, 0o600);
        let names = fs::read_dir(&here)?.map(|file| Ok(file?.file_name().to_string_lossy().into_owned()));
        let beside: Vec<String> = names.collect::<anyhow::Result<_>>()?;
        assert!(!beside.iter().any(|name| name.starts_with("copy.tar.")), "{beside:?}");
        let again = cluster.c2d(&["backup", &name]).await?;
        assert!(again.status == 1 && again.stderr.contains("--force"), "{again:?}");
        let forced = cluster.c2d(&["backup", &name, "--force"]).await?;
        assert_eq!(forced.status, 0, "{forced:?}");

        let running = cluster.c2d(&["restore", &name]).await?;
        assert!(running.status == 1 && running.stderr.contains("stop c2d first"), "{running:?}");
        let later = cluster.submit("echo later").await?;
        cluster.kill_c2d()?;
        let restored = cluster.c2d(&["restore", &name]).await?;
        assert!(restored.status == 0 && restored.stdout.contains("what was there before is now"), "{restored:?}");
        let check = cluster.c2d(&["check"]).await?;
        assert_eq!((check.status, check.stdout.matches("ok ").count()), (0, 8), "{check:?}");
        cluster.restart_c2d().await?;
        // The agent knows the authority and the token again, so it needs no new invitation.
        for job in &before {
            let ended = cluster.ended(*job).await?;
            assert_eq!(ended.job.row.state, JobState::Succeeded, "{ended:?}");
        }
        let new = cluster.submit("echo new").await?;
        assert!(new > later, "{new:?} could be taken for a job of before");
        let released = cluster.exec(&["release 1", "wait 1", "output 1"]).await?;
        assert!(released.status == 0 && released.stdout.ends_with("from a file\n"), "{released:?}");
        Ok(())
    });
}

/// Submits jobs and ends them, without a worker.
async fn end_jobs(cluster: &Cluster, count: usize) -> anyhow::Result<()> {
    for _ in 0..count {
        let job = cluster.submit("true").await?;
        cluster.client().cancel(job).await?;
    }
    Ok(())
}

fn write_config(data: &Path, text: &str) -> anyhow::Result<()> {
    let path = data.join("config.json");
    fs::write(&path, text)?;
    Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?)
}

/// The numbers of the lines of a log, each of which can be read.
fn numbers(log: &Path) -> anyhow::Result<Vec<u64>> {
    let text = fs::read_to_string(log)?;
    text.lines().map(|line| Ok(serde_json::from_str::<LogEntry>(line)?.seq)).collect()
}

/// Waits for a line for each ended job: c2d answers before it writes them.
async fn has_lines(log: &Path, ended: u64) -> anyhow::Result<()> {
    eventually("a line for each job", SOON, async || Ok(numbers(log)?.into_iter().eq(1..=ended).then_some(()))).await
}

fn a_backup_holds_the_lines_of_jobs_that_were_removed() {
    scenario(async |cluster| {
        let here = cluster.new_folder("elsewhere")?;
        let data = cluster.data_dir();
        let copy = here.join("copy.tar").display().to_string();
        let in_folder = data.join("history/ended.log");
        let mut ended = 0;
        for (round, log) in
            [data.join("jobs.log"), data.join("own.log"), in_folder, here.join("ended.log")].into_iter().enumerate()
        {
            let outside = log.starts_with(&here);
            cluster.kill_c2d()?;
            if round > 0 {
                // It is where it belongs now: the history goes on in the new place.
                let before = data.join(["jobs.log", "own.log", "history/ended.log"][round - 1]);
                fs::create_dir_all(data.join("history"))?;
                fs::rename(before, &log)?;
            }
            let name = log.strip_prefix(&data).unwrap_or(&log);
            write_config(&data, &format!("{{\"jobs_log_file\": {name:?}, \"keep_jobs\": 2}}"))?;
            cluster.restart_c2d().await?;
            end_jobs(cluster, 10).await?;
            ended += 10;
            cluster.kill_c2d()?;
            // The start looks for what is to be removed.
            cluster.restart_c2d().await?;
            end_jobs(cluster, 1).await?;
            ended += 1;
            let first = JobId(1);
            eventually("the removal", SOON, async || Ok(cluster.client().job(first, 0).await.is_err().then_some(())))
                .await?;

            let done = cluster.c2d(&["backup", &copy, "--force"]).await?;
            assert_eq!(done.status, 0, "{done:?}");
            end_jobs(cluster, 3).await?;
            has_lines(&log, ended + 3).await?;
            cluster.kill_c2d()?;
            let restored = cluster.c2d(&["restore", &copy]).await?;
            let aside = restored.stdout.matches("is now").count();
            assert_eq!((restored.status, aside), (0, 1 + usize::from(outside)), "{round}: {restored:?}");
            assert!(numbers(&log)?.into_iter().eq(1..=ended), "{round}: {:?}", numbers(&log)?);
            let well = cluster.c2d(&["check"]).await?;
            assert_eq!(well.status, 0, "{well:?}");
            cluster.restart_c2d().await?;
            end_jobs(cluster, 2).await?;
            ended += 2;
            has_lines(&log, ended).await?;
            if outside {
                let beside = fs::read_dir(&here)?.filter_map(Result::ok).map(|file| file.path());
                let aside = beside.into_iter().find(|path| path.to_string_lossy().contains("ended.log.before-"));
                let kept = numbers(&aside.expect("what was there is kept"))?;
                assert!(kept.into_iter().eq(1..=ended - 2 + 3), "with what ended after the backup");
            }
        }

        // A folder beside it must not take the log of a c2d that runs.
        let other = here.join("other").display().to_string();
        let refused = Command::new(Program::C2d.path()?).args(["restore", &copy, "--data-dir", &other]).output()?;
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(1) && said.contains("another c2d is using"), "{refused:?}");
        assert!(numbers(&here.join("ended.log"))?.into_iter().eq(1..=ended));
        Ok(())
    });
}

fn a_backup_from_before_it_held_the_log_is_restored() {
    scenario(async |cluster| {
        let copy = cluster.console_dir().join("copy.tar").display().to_string();
        end_jobs(cluster, 4).await?;
        assert_eq!(cluster.c2d(&["backup", &copy]).await?.status, 0);
        cluster.kill_c2d()?;
        let parts = cluster.new_folder("parts")?;
        let repack = "tar -xf \"$0\" && rm jobs.log && tar -cf \"$0\" *";
        let repacked = Command::new("sh").args(["-ec", repack, &copy]).current_dir(&parts).status()?;
        assert!(repacked.success());
        assert_eq!(cluster.c2d(&["restore", &copy]).await?.status, 0);
        cluster.restart_c2d().await?;
        assert_eq!(numbers(&cluster.data_dir().join("jobs.log"))?, [1, 2, 3, 4]);
        Ok(())
    });
}

fn a_check_reads_the_log_of_ended_jobs() {
    scenario(async |cluster| {
        end_jobs(cluster, 6).await?;
        let well = cluster.c2d(&["check"]).await?;
        assert!(well.stdout.contains("ok    log of ended jobs: 6 lines"), "{well:?}");
        cluster.kill_c2d()?;
        let log = cluster.data_dir().join("jobs.log");
        let text = fs::read_to_string(&log)?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let half = &lines[2][..30];
        for (damaged, words) in [
            ([&lines[..2], &lines[4..]].concat().concat(), "no line for 2 ended jobs, the first has number 3"),
            (lines[2..].concat(), "no line for 2 ended jobs, the first has number 1"),
            (lines[..4].concat(), "behind by 2 ended jobs, from number 5 on"),
            (String::new(), "behind by 6 ended jobs, from number 1 on"),
            (format!("{text}{half}"), "1 unreadable lines, the first is line 7"),
            (format!("{}{half}\n{}", lines[0], lines[1..].concat()), "1 unreadable lines, the first is line 2"),
        ] {
            fs::write(&log, damaged)?;
            let told = cluster.c2d(&["check"]).await?;
            assert!(told.status == 1 && told.stdout.contains(words), "{words}: {told:?}");
        }
        fs::remove_file(&log)?;
        let gone = cluster.c2d(&["check"]).await?;
        assert!(gone.status == 1 && gone.stdout.contains("FAIL  log of ended jobs: "), "{gone:?}");
        cluster.restart_c2d().await?;
        assert_eq!(fs::read_to_string(&log)?, text);
        assert_eq!(cluster.c2d(&["check"]).await?.status, 0);
        Ok(())
    });
}

fn a_damaged_backup_changes_nothing() {
    scenario(async |cluster| {
        let here = cluster.console_dir();
        fs::write(here.join("input"), "x".repeat(2_000_000))?;
        cluster.exec(&["submit \"cat input\" --upload input --hold"]).await?;
        let copy = here.join("copy.tar");
        let name = copy.display().to_string();
        assert_eq!(cluster.c2d(&["backup", &name]).await?.status, 0);
        cluster.kill_c2d()?;
        let whole = fs::read(&copy)?;
        let blob = whole.windows(64).position(|part| part == [b'x'; 64]).expect("the file is in it");
        let in_database =
            whole.windows(16).position(|part| part == b"SQLite format 3\0").expect("the database is in it");
        let damages: [(&str, &dyn Fn() -> anyhow::Result<()>); 4] = [
            ("cut", &|| Ok(fs::write(&copy, &whole[..whole.len() / 2])?)),
            ("a file of a job", &|| flip(&copy, blob)),
            ("the database", &|| flip(&copy, in_database)),
            ("no backup", &|| Ok(fs::write(&copy, "something else")?)),
        ];
        let database = fs::read(cluster.data_dir().join("c2.db"))?;
        for (what, damage) in damages {
            fs::write(&copy, &whole)?;
            damage()?;
            let refused = cluster.c2d(&["restore", &name]).await?;
            assert!(
                refused.status == 1 && refused.stderr.contains("is not a backup that can be used"),
                "{what}: {refused:?}"
            );
            assert_eq!(fs::read(cluster.data_dir().join("c2.db"))?, database, "{what}");
        }
        let beside = fs::read_dir(cluster.data_dir().parent().expect("it has a parent"))?;
        let left: Vec<_> = beside.filter_map(Result::ok).map(|f| f.file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("restoring")), "{left:?}");
        cluster.restart_c2d().await
    });
}

fn a_check_names_what_is_wrong_and_what_to_do() {
    scenario(async |cluster| {
        let here = cluster.console_dir();
        fs::write(here.join("input"), "x".repeat(2_000_000))?;
        cluster.exec(&["submit \"cat input\" --upload input --hold"]).await?;
        let well = cluster.c2d(&["check"]).await?;
        assert!(well.status == 0 && well.stdout.contains("database: whole, with 1 jobs"), "{well:?}");
        let dir = cluster.data_dir();
        let token = dir.join("operator.token");
        fs::set_permissions(&token, fs::Permissions::from_mode(0o644))?;
        let open = cluster.c2d(&["check"]).await?;
        assert!(open.status == 1 && open.stdout.contains("operator.token\" is open to others (mode 644)"), "{open:?}");
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
        let files: Vec<_> = fs::read_dir(dir.join("files"))?.collect::<Result<_, _>>()?;
        let is_blob = |file: &&fs::DirEntry| file.file_name().len() == 64;
        let blob = files.iter().find(is_blob).expect("a file").path();
        flip(&blob, 7)?;
        let rotten = cluster.c2d(&["check"]).await?;
        assert!(rotten.status == 1 && rotten.stdout.contains("does not hold what its name says"), "{rotten:?}");
        flip(&blob, 7)?;
        // As `sudo tee` writes it; it holds no secret, and the folder is closed.
        fs::write(dir.join("config.json"), "{\"keep_days\": 7}")?;
        fs::set_permissions(dir.join("config.json"), fs::Permissions::from_mode(0o644))?;
        let readable = cluster.c2d(&["check"]).await?;
        assert!(readable.status == 0 && !readable.stdout.contains("FAIL"), "{readable:?}");
        let nowhere = cluster.plain_c2d(&["check", "--data-dir", "/nowhere/c2d"]).await?;
        let [line, hint] = nowhere.stdout.lines().collect::<Vec<_>>()[..] else { panic!("{nowhere:?}") };
        assert!(line.starts_with("FAIL  rights: cannot look at \"/nowhere/c2d\"") && hint.contains("--data-dir"));
        fs::write(dir.join("config.json"), "{\"prot\": 1}")?;
        let audit = dir.join("audit.log");
        let lines = fs::read_to_string(&audit)?;
        fs::write(&audit, lines.replacen("POST", "HEAD", 1))?;
        cluster.submit("true").await?;
        let altered = cluster.c2d(&["check"]).await?;
        let told = altered.stdout.contains("audit.log\" does not follow from the line before");
        assert!(altered.status == 1 && told, "{altered:?}");
        // With what was written since.
        fs::write(&audit, fs::read_to_string(&audit)?.replacen("HEAD", "POST", 1))?;
        let mistyped = cluster.c2d(&["check"]).await?;
        assert!(mistyped.status == 1 && mistyped.stdout.contains("FAIL  configuration"), "{mistyped:?}");
        fs::remove_file(dir.join("config.json"))?;
        assert_eq!(cluster.c2d(&["check"]).await?.status, 0);
        Ok(())
    });
}

fn an_audit_log_that_was_cut_is_found() {
    scenario(async |cluster| {
        end_jobs(cluster, 10).await?;
        let path = cluster.data_dir().join("audit.log");
        let pid = cluster.c2d_pid()?;
        cluster.signal_c2d(Signal::TERM)?;
        eventually("the end of c2d", SOON, async || Ok((!is_alive(pid)).then_some(()))).await?;
        cluster.kill_c2d()?;
        let text = fs::read_to_string(&path)?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        assert_eq!(lines.len(), 20, "{text}");
        let well = cluster.c2d(&["check"]).await?;
        assert!(well.status == 0 && well.stdout.contains("audit log: 20 lines without a break"), "{well:?}");
        for (damaged, words) in [
            (lines[..19].concat(), "its end is missing: it has 19 lines, c2d wrote 20"),
            (lines[1..].concat(), "its beginning is missing"),
            ([&lines[..5], &lines[6..]].concat().concat(), "does not follow from the line before"),
            (String::new(), "its end is missing"),
        ] {
            fs::write(&path, damaged)?;
            let told = cluster.c2d(&["check"]).await?;
            assert!(told.status == 1 && told.stdout.contains(words), "{words}: {told:?}");
        }
        fs::remove_file(&path)?;
        let gone = cluster.c2d(&["check"]).await?;
        assert!(gone.status == 1 && gone.stdout.contains("its end is missing"), "{gone:?}");
        // It stays known, also when c2d goes on with what is left.
        fs::write(&path, lines[..15].concat())?;
        cluster.restart_c2d().await?;
        end_jobs(cluster, 10).await?;
        let told = cluster.c2d(&["check"]).await?;
        assert!(told.status == 1 && told.stdout.contains("line 16 of"), "{told:?}");
        assert!(fs::read_to_string(&path)?.contains("the log was changed while c2d was down"));
        Ok(())
    });
}

fn a_backup_that_was_killed_leaves_nothing_to_the_next() {
    scenario(async |cluster| {
        for n in 0..300 {
            cluster.submit(&format!("echo {n} {}", "x".repeat(5_000))).await?;
        }
        let here = cluster.new_folder("backups")?;
        let (copy, data) = (here.join("copy.tar"), cluster.data_dir());
        let names = || -> anyhow::Result<Vec<String>> {
            fs::read_dir(&here)?.map(|file| Ok(file?.file_name().to_string_lossy().into_owned())).collect()
        };
        let mut left = 0;
        for after_ms in [5, 10, 15, 20, 30, 40] {
            let mut backup = Command::new(Program::C2d.path()?);
            let mut backup = backup.arg("backup").arg(&copy).arg("--force").arg("--data-dir").arg(&data).spawn()?;
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            backup.kill()?;
            backup.wait()?;
            for name in names()?.iter().filter(|name| *name != "copy.tar") {
                left += 1;
                let mode = fs::metadata(here.join(name))?.permissions().mode();
                assert!(name.starts_with(".c2-backup-") && mode & 0o077 == 0, "{name} {mode:o}");
            }
        }
        let done = cluster.c2d(&["backup", &copy.display().to_string(), "--force"]).await?;
        assert_eq!((done.status, names()?), (0, vec!["copy.tar".to_owned()]), "{left}: {done:?}");
        Ok(())
    });
}
