//! Files to machines and back, with any names, and what is said of those that could not be copied.

use std::fs;
use std::path::Path;
use std::time::Duration;

use c2_tests::ssh::{Machines, available};
use c2_tests::{scenario, wait};
use rustix::process::{Pid, Signal, kill_process};

crate::tests![
    files_go_to_each_machine_and_come_back_into_a_folder_for_each,
    what_is_there_stays_and_what_is_missing_is_told_first,
    machines_that_cannot_be_reached_hold_up_no_other,
    a_copy_that_is_stopped_leaves_nothing_half,
];

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}

fn files_go_to_each_machine_and_come_back_into_a_folder_for_each() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        for (ip, name) in [("127.62.0.1", "atlas"), ("127.62.0.2", "borealis")] {
            machines.up(ip, name).await?;
            machines.know(ip)?;
        }
        machines.configure()?;
        let here = cluster.console_dir();
        // All machines are this one, hence one after the other: what goes there is found here.
        let there = machines.path("it's there");
        fs::create_dir_all(here.join("data/a b"))?;
        fs::write(here.join("data/a b/-c"), "deep\n")?;
        for name in ["-x", "a:b", "it's", "$HOME", "*"] {
            fs::write(here.join(name), name)?;
        }
        let target = format!("\"{}\"", there.display());
        let line = format!("copy data ./-x ./a:b \"it's\" '$HOME' './*' @all:{target} --fanout 1");
        let output = cluster.exec(&[&line]).await?;
        assert_eq!(output.status, 0, "{line}: {output:?}");
        assert_eq!(output.stderr, "2 workers: 2 done; copied 12 files, 40 B\n");
        for name in ["-x", "a:b", "it's", "$HOME", "*"] {
            assert_eq!(read(there.join(name)), name);
        }
        assert_eq!(read(there.join("data/a b/-c")), "deep\n");

        let planned = cluster.exec(&[&format!("copy @all:{target}/data back --dry-run")]).await?;
        assert!(planned.stdout.contains("back/atlas") && planned.stdout.contains("back/borealis"), "{planned:?}");
        assert!(!here.join("back").exists(), "nothing was done");
        let line = format!("copy @all:{target}/data \"@all:{}/[a-z]:b\" back", there.display());
        let output = cluster.console(&["--json", "--exec", &line]).await?;
        assert_eq!(output.status, 0, "{line}: {output:?}");
        let told: serde_json::Value = serde_json::from_str(&output.stdout)?;
        let first = &told["workers"][0];
        assert_eq!((&first["verdict"], &first["exit"]), (&"exited".into(), &0.into()), "{told}");
        assert_eq!(first["copied"], serde_json::json!({"files": 2, "bytes": 8, "dir": "back/atlas"}), "{told}");
        for host in ["atlas", "borealis"] {
            assert_eq!(read(here.join("back").join(host).join("data/a b/-c")), "deep\n");
            assert_eq!(read(here.join("back").join(host).join("a:b")), "a:b");
        }
        assert_eq!(fs::read_dir(here.join("back"))?.count(), 2, "and nothing beside them");
        Ok(())
    });
}

fn what_is_there_stays_and_what_is_missing_is_told_first() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.63.0.1", "atlas").await?;
        machines.know("127.63.0.1")?;
        machines.configure()?;
        let (here, there) = (cluster.console_dir(), machines.path("there"));
        fs::create_dir_all(&there)?;
        fs::write(there.join("notes"), "theirs\n")?;
        fs::write(here.join("present"), "p")?;
        let missing = cluster.exec(&[&format!("copy present gone atlas:{}", there.display())]).await?;
        assert!(missing.status == 1 && missing.stderr.contains("gone\": no such file"), "{missing:?}");
        assert!(!there.join("present").exists(), "nothing was sent");

        let back = format!("copy atlas:{}/notes back", there.display());
        assert_eq!(cluster.exec(&[&back]).await?.status, 0);
        fs::write(here.join("back/atlas/notes"), "mine\n")?;
        let again = cluster.exec(&[&back]).await?;
        assert!(again.status == 1 && again.stderr.contains("back/atlas/notes is there already"), "{again:?}");
        let pattern = cluster.exec(&[&format!("copy atlas:{}/n*s back", there.display())]).await?;
        assert!(pattern.status == 1 && pattern.stderr.contains("is there already"), "{pattern:?}");
        assert_eq!(read(here.join("back/atlas/notes")), "mine\n");
        let forced = cluster.exec(&[&format!("{back} --force")]).await?;
        assert_eq!((forced.status, read(here.join("back/atlas/notes"))), (0, "theirs\n".to_owned()), "{forced:?}");

        let file = cluster.exec(&[&format!("copy present atlas:{}/notes", there.display())]).await?;
        assert!(file.status == 1 && file.stderr.contains("127.63.0.1: exit 1"), "a file is no folder: {file:?}");
        assert_eq!(read(there.join("notes")), "theirs\n");
        let two = cluster.exec(&[&format!("copy atlas:{0}/none atlas:{0}/notes more", there.display())]).await?;
        assert!(two.status == 1 && two.stderr.contains("no such file:"), "{two:?}");
        assert_eq!(read(here.join("more/atlas/notes")), "theirs\n", "the other one came");
        Ok(())
    });
}

fn machines_that_cannot_be_reached_hold_up_no_other() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.64.0.1", "atlas").await?;
        machines.know("127.64.0.1")?;
        machines.down("127.64.0.2", "gone").await?;
        machines.configure()?;
        let there = machines.path("there");
        fs::write(cluster.console_dir().join("notes"), "n\n")?;
        let output = cluster.exec(&[&format!("copy notes @all:{}", there.display())]).await?;
        assert_eq!(output.status, 255, "{output:?}");
        assert!(output.stderr.contains("127.64.0.2: unreachable"), "{output:?}");
        assert!(output.stderr.contains("2 workers: 1 done, 1 unreachable; copied 1 file, 2 B"), "{output:?}");
        assert_eq!(read(there.join("notes")), "n\n");
        let failed = cluster.exec(&["copy @failed:notes here --dry-run"]).await?;
        assert!(failed.stdout.contains("here/gone") && !failed.stdout.contains("here/atlas"), "{failed:?}");
        Ok(())
    });
}

fn a_copy_that_is_stopped_leaves_nothing_half() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.65.0.1", "atlas").await?;
        machines.know("127.65.0.1")?;
        machines.configure()?;
        let file = machines.path("file");
        fs::write(&file, "whole")?;
        machines.program("tar", "printf half; exec sleep 9")?;
        let line = format!("copy atlas:{} back", file.display());
        let late = cluster.exec(&[&format!("{line} --timeout 1 --connect-timeout 2")]).await?;
        assert!(late.status == 124 && late.stderr.contains("timed out before all was copied"), "{late:?}");
        let console = machines.begin(&line)?;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let pid = console.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("it runs");
        kill_process(pid, Signal::INT)?;
        let output = tokio::time::timeout(wait::SOON, console.wait_with_output()).await??;
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("1 not waited for; copied 0 files"), "{output:?}");
        assert_eq!(fs::read_dir(cluster.console_dir().join("back"))?.count(), 0);
        Ok(())
    });
}
