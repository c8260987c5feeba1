//! The data folder as a whole: copied while c2d works, put back, looked through.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use c2_shared::job::JobState;
use c2_tests::scenario;

fn flip(file: &Path, at: usize) -> anyhow::Result<()> {
    let mut bytes = fs::read(file)?;
    bytes[at] ^= 1;
    Ok(fs::write(file, bytes)?)
}

#[test]
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
        assert_eq!((check.status, check.stdout.matches("ok ").count()), (0, 4), "{check:?}");
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

#[test]
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

#[test]
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
        let blob = fs::read_dir(dir.join("files"))?.next().expect("a file")?.path();
        flip(&blob, 7)?;
        let rotten = cluster.c2d(&["check"]).await?;
        assert!(rotten.status == 1 && rotten.stdout.contains("does not hold what its name says"), "{rotten:?}");
        flip(&blob, 7)?;
        fs::write(dir.join("config.json"), "{\"prot\": 1}")?;
        let audit = dir.join("audit.log");
        let lines = fs::read_to_string(&audit)?;
        fs::write(&audit, lines.replacen("POST", "HEAD", 1))?;
        cluster.submit("true").await?;
        let altered = cluster.c2d(&["check"]).await?;
        let told = altered.stdout.contains("audit.log\" does not follow from the line before");
        assert!(altered.status == 1 && told, "{altered:?}");
        fs::write(&audit, lines)?;
        let mistyped = cluster.c2d(&["check"]).await?;
        assert!(mistyped.status == 1 && mistyped.stdout.contains("FAIL  configuration"), "{mistyped:?}");
        fs::remove_file(dir.join("config.json"))?;
        assert_eq!(cluster.c2d(&["check"]).await?.status, 0);
        Ok(())
    });
}
