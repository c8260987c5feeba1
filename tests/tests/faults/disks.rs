//! Disks of c2d that fail and that hang: whoever asks is told what is wrong and where, and nothing is lost.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use c2_shared::job::{JobSpec, JobState};
use c2_shared::limits::FREE_BYTES_FLOOR;
use c2_shared::worker::WorkerStatus;
use c2_tests::machine::{LoopDisk, may};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};

use crate::faults::full_disk::{health, onto_a_disk};

crate::tests![a_disk_that_fails_is_named_to_who_asks, a_disk_that_hangs_is_told_and_nobody_is_blamed];

const IP: &str = "127.0.0.2";
/// For longer than a commit may take, and than a worker may be silent.
const HELD: Duration = Duration::from_secs(17);

/// A cluster whose c2d has a disk of its own; none where that is not to be had.
async fn with_a_disk(cluster: &mut Cluster) -> Result<Option<LoopDisk>> {
    if !may("disks that fail")? {
        return Ok(None);
    }
    let file = cluster.new_folder("disk")?.join("image");
    let size = 2 * FREE_BYTES_FLOOR + 256 * 1024 * 1024;
    let disk = onto_a_disk(cluster, |data| LoopDisk::mount(&file, data, size))?;
    if disk.is_some() {
        cluster.restart_c2d().await?;
        cluster.agent(IP).await?;
        ensure!(health(cluster).await?.is_empty());
    }
    Ok(disk)
}

fn log_of(data: &Path) -> Result<String> {
    Ok(fs::read_to_string(data.with_file_name("c2d.log"))?)
}

fn a_disk_that_fails_is_named_to_who_asks() {
    scenario(async |cluster| {
        let Some(disk) = with_a_disk(cluster).await? else { return Ok(()) };
        let job = cluster.submit("echo well").await?;
        ensure!(cluster.ended(job).await?.job.row.state == JobState::Succeeded);
        disk.fail()?;
        eventually("word of it", SOON, async || Ok(health(cluster).await?.contains("read-only").then_some(()))).await?;
        let doctor = cluster.exec(&["doctor"]).await?;
        ensure!(doctor.status == 1 && doctor.stdout.contains("the disk of c2d is read-only"), "{doctor:?}");

        let refused = cluster.exec(&["submit true"]).await?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let words = format!("c2d on {host} cannot keep its data: ");
        ensure!(refused.status == 1 && refused.stderr.contains(&words), "{refused:?}");
        ensure!(refused.stderr.contains("look at the disk of"), "{refused:?}");
        eventually("its end", SOON, async || Ok(cluster.client().health().await.is_err().then_some(()))).await?;
        let data = cluster.data_dir();
        eventually("the reason in its log", SOON, async || Ok(log_of(&data)?.contains("database").then_some(())))
            .await?;
        Ok(())
    });
}

fn a_disk_that_hangs_is_told_and_nobody_is_blamed() {
    scenario(async |cluster| {
        let Some(disk) = with_a_disk(cluster).await? else { return Ok(()) };
        let long = cluster.submit("sleep 20; echo long").await?;
        cluster.running(long).await?;
        disk.freeze(true)?;
        let client = cluster.client().clone();
        let waits = tokio::spawn(async move {
            client.submit(&JobSpec { command: "echo late".to_owned(), ..JobSpec::default() }).await
        });
        eventually("word of it", SOON, async || Ok(health(cluster).await?.contains("has not answered").then_some(())))
            .await?;
        tokio::time::sleep(HELD).await;
        ensure!(health(cluster).await?.contains("the disk of c2d has not answered for"));
        disk.freeze(false)?;
        // Its caller may have given up; nothing is lost or doubled by that.
        drop(waits.await?);
        eventually("a well c2d", SOON, async || Ok(health(cluster).await?.is_empty().then_some(()))).await?;
        let end = cluster.ended(long).await?.job;
        ensure!((end.row.state, end.row.attempt) == (JobState::Succeeded, 1), "{end:?}");
        let worker = cluster.client().worker(IP).await?.row;
        ensure!(worker.status == WorkerStatus::Online, "{worker:?}");
        ensure!(!log_of(&cluster.data_dir())?.contains("is offline"), "a worker was given up");
        Ok(())
    });
}
