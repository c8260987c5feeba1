//! Data folders that are put back, that lost something, or that a backup would overwrite.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use c2_shared::id::JobId;
use c2_tests::machine::{SmallDisk, may};
use c2_tests::{Cluster, Output, scenario};

crate::tests![
    a_restore_in_another_folder_gives_no_number_twice,
    a_restore_goes_through_a_link_and_sweeps_what_a_killed_one_left,
    a_restore_says_of_a_disk_that_it_is_full_or_mounted,
    a_backup_never_replaces_what_it_is_a_backup_of,
    a_folder_that_lost_something_is_not_begun_anew,
    a_check_names_what_a_start_cannot_read,
];

fn refused(said: &Output, words: &str) -> Result<()> {
    ensure!(said.status == 1 && said.stderr.contains(words), "{words}: {said:?}");
    Ok(())
}

async fn backup(cluster: &Cluster) -> Result<String> {
    let copy = cluster.new_folder("backups")?.join("copy.tar").display().to_string();
    let done = cluster.c2d(&["backup", &copy]).await?;
    ensure!(done.status == 0, "{done:?}");
    Ok(copy)
}

/// The names beside a folder that begin with its own.
fn beside(folder: &Path) -> Result<Vec<String>> {
    let own = folder.file_name().context("it has a name")?.to_string_lossy().into_owned() + ".";
    let entries = fs::read_dir(folder.parent().context("it has a parent")?)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<Result<_>>()?;
    Ok(names.into_iter().filter(|name| name.starts_with(&own)).collect())
}

fn a_restore_in_another_folder_gives_no_number_twice() {
    scenario(async |cluster| {
        cluster.submit("true").await?;
        let copy = backup(cluster).await?;
        let later = cluster.submit("echo OLD").await?;
        cluster.kill_c2d()?;
        let data = cluster.data_dir();
        fs::rename(&data, data.with_file_name("first"))?;
        // A new one, which knows of no job.
        cluster.restart_c2d().await?;
        cluster.kill_c2d()?;
        let restored = cluster.c2d(&["restore", &copy]).await?;
        ensure!(restored.status == 0 && restored.stdout.contains("the next job is job-1000002"), "{restored:?}");
        cluster.restart_c2d().await?;
        let new = cluster.submit("echo NEW").await?;
        ensure!(new > later && new == JobId(1_000_002), "{new}");
        Ok(())
    });
}

fn a_restore_goes_through_a_link_and_sweeps_what_a_killed_one_left() {
    scenario(async |cluster| {
        cluster.submit("true").await?;
        let copy = backup(cluster).await?;
        cluster.kill_c2d()?;
        let (data, real) = (cluster.data_dir(), cluster.new_folder("disk")?.join("real"));
        fs::rename(&data, &real)?;
        symlink(&real, &data)?;
        let left = real.with_file_name("real.restoring-1");
        fs::create_dir(&left)?;
        fs::write(left.join("c2.db"), "half")?;
        let restored = cluster.c2d(&["restore", &copy]).await?;
        ensure!(restored.status == 0, "{restored:?}");
        ensure!(fs::read_link(&data)? == real && real.join("c2.db").is_file(), "the link is what it was");
        let names = beside(&real)?;
        ensure!(names.len() == 1 && names[0].starts_with("real.before-"), "{names:?}");
        ensure!(real.with_file_name(&names[0]).join("c2.db").is_file());
        ensure!(!real.join("backup.sums").exists());
        cluster.restart_c2d().await
    });
}

fn a_restore_says_of_a_disk_that_it_is_full_or_mounted() {
    scenario(async |cluster| {
        if !may("mounts")? {
            return Ok(());
        }
        fs::write(cluster.console_dir().join("input"), "x".repeat(3_000_000))?;
        let said = cluster.exec(&["submit true --upload input --hold"]).await?;
        ensure!(said.status == 0, "{said:?}");
        let copy = backup(cluster).await?;
        let mount = cluster.new_folder("mounted")?;
        let _disk = SmallDisk::mount(&mount, 1 << 20)?;
        let on = |folder: &Path| folder.display().to_string();
        let said = cluster.plain_c2d(&["restore", &copy, "--data-dir", &on(&mount)]).await?;
        refused(&said, "is where a disk is mounted")?;
        let said = cluster.plain_c2d(&["restore", &copy, "--data-dir", &on(&mount.join("c2d"))]).await?;
        refused(&said, "the disk is full")?;
        let said = cluster.c2d(&["backup", &on(&mount.join("copy.tar"))]).await?;
        refused(&said, "the disk is full")?;
        ensure!(beside(&mount.join("c2d"))?.is_empty());
        Ok(())
    });
}

fn a_backup_never_replaces_what_it_is_a_backup_of() {
    scenario(async |cluster| {
        cluster.submit("true").await?;
        let (data, here) = (cluster.data_dir(), cluster.new_folder("backups")?);
        let path = |name: &str| here.join(name).display().to_string();
        symlink(&data, here.join("data"))?;
        fs::write(here.join("kept"), "kept")?;
        symlink(here.join("kept"), here.join("link"))?;
        fs::write(here.join("config"), "{}")?;
        ensure!(Command::new("mkfifo").arg(here.join("fifo")).status()?.success());
        let inside = "would be in the data folder";
        for (name, words) in [
            (data.join("c2.db").display().to_string(), inside),
            (data.join("new.tar").display().to_string(), inside),
            (path("data/c2.db"), inside),
            (path("data/new/new.tar"), inside),
            (path("link"), "is not a regular file"),
            (path("fifo"), "is not a regular file"),
            (path("config"), "is used by c2d"),
        ] {
            refused(&cluster.c2d(&["--config", &path("config"), "backup", &name, "--force"]).await?, words)?;
        }
        ensure!(fs::read(data.join("c2.db"))?.starts_with(b"SQLite format 3") && !data.join("new.tar").exists());
        ensure!(fs::read_to_string(here.join("link"))? == "kept" && fs::read_to_string(here.join("config"))? == "{}");
        let done = cluster.c2d(&["backup", &path("kept"), "--force"]).await?;
        ensure!(done.status == 0, "{done:?}");
        Ok(())
    });
}

fn a_folder_that_lost_something_is_not_begun_anew() {
    scenario(async |cluster| {
        cluster.submit("true").await?;
        let copy = backup(cluster).await?;
        cluster.kill_c2d()?;
        let data = cluster.data_dir();
        let aside = cluster.new_folder("aside")?;
        for (name, words) in [("c2.db", "its queue is gone"), ("authority.pem", "by which all machines know this c2d")]
        {
            fs::rename(data.join(name), aside.join(name))?;
            let said = cluster.c2d(&["--port", "0"]).await?;
            refused(&said, words)?;
            ensure!(said.stderr.contains("backup"), "{said:?}");
            ensure!(!data.join(name).exists(), "{name} was made");
            fs::rename(aside.join(name), data.join(name))?;
        }
        // One byte of the key in the backup.
        let mut bytes = fs::read(&copy)?;
        let at = bytes.windows(11).position(|part| part == b"PRIVATE KEY").context("it has the authority")? + 60;
        bytes[at] ^= 1;
        fs::write(&copy, bytes)?;
        refused(&cluster.c2d(&["restore", &copy]).await?, "authority.pem does not hold what was backed up")?;
        cluster.restart_c2d().await
    });
}

fn a_check_names_what_a_start_cannot_read() {
    scenario(async |cluster| {
        fs::write(cluster.console_dir().join("input"), "x".repeat(2_000_000))?;
        let said = cluster.exec(&["submit \"cat input\" --upload input --hold"]).await?;
        ensure!(said.status == 0, "{said:?}");
        for _ in 0..3 {
            let job = cluster.submit("true").await?;
            cluster.client().cancel(job).await?;
        }
        cluster.kill_c2d()?;
        let data = cluster.data_dir();
        let finds = async |words: &str| -> Result<()> {
            let told = cluster.c2d(&["check"]).await?;
            ensure!(told.status == 1 && told.stdout.contains(words), "{words}: {told:?}");
            Ok(())
        };
        for name in ["authority.pem", "operator.token", "worker.token"] {
            let text = fs::read(data.join(name))?;
            fs::write(data.join(name), "junk")?;
            finds(&format!("{name}\"")).await?;
            fs::write(data.join(name), text)?;
        }
        let log = data.join("jobs.log");
        let text = fs::read_to_string(&log)?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        fs::write(&log, format!("{text}{}", lines[1]))?;
        finds("1 repeated lines, the first is line 4").await?;
        fs::write(&log, [lines[0], lines[2], lines[1]].concat())?;
        finds("1 lines out of order, the first is line 3").await?;
        fs::write(&log, &text)?;
        let well = cluster.c2d(&["check"]).await?;
        ensure!(well.status == 0, "{well:?}");
        let files = fs::read_dir(data.join("files"))?.map(|file| Ok(file?.path())).collect::<Result<Vec<_>>>()?;
        let blob = files.iter().find(|path| path.extension().is_none()).context("a file")?;
        fs::remove_file(blob)?;
        finds("1 are missing, the first is").await
    });
}
