//! The disk of c2d filled to the last byte, and with space again.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::job::JobState;
use c2_shared::limits::{EXHAUSTED_BYTES, FREE_BYTES_FLOOR};
use c2_shared::worker::WorkerStatus;
use c2_tests::machine::{SmallDisk, may};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};

crate::tests![a_disk_that_is_full_to_the_last_byte_stops_nothing_and_loses_nothing];

const IP: &str = "127.0.0.2";
/// How long it stays so: longer than a worker may be silent.
const HELD: Duration = Duration::from_secs(17);
const MEGABYTE: u64 = 1024 * 1024;

/// The bytes that a disk has, and those that are free.
fn space(folder: &Path) -> Result<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok((disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize))
}

/// Makes a disk as small as what is on it.
fn fill(disk: &SmallDisk, folder: &Path) -> Result<()> {
    let (size, free) = space(folder)?;
    disk.resize(size - free)
}

pub(super) async fn health(cluster: &Cluster) -> Result<String> {
    Ok(cluster.client().health().await?.degraded.unwrap_or_default())
}

/// Brings the data folder of c2d, which is ended, onto a disk of its own.
pub(super) fn onto_a_disk<D>(cluster: &mut Cluster, mount: impl FnOnce(&Path) -> Result<D>) -> Result<D> {
    let data = cluster.data_dir();
    cluster.kill_c2d()?;
    let kept = cluster.new_folder("kept")?;
    let names = fs::read_dir(&data)?.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
    for name in &names {
        fs::rename(data.join(name), kept.join(name))?;
    }
    let disk = mount(&data)?;
    for name in names.iter().filter(|name| *name != "ballast" && kept.join(name).is_file()) {
        fs::copy(kept.join(name), data.join(name))?;
    }
    Ok(disk)
}

/// The worker is heard for longer than it may be silent, while nothing can be recorded.
async fn stays_heard(cluster: &Cluster, disk: &SmallDisk) -> Result<()> {
    let data = cluster.data_dir();
    eventually("the worker heard again", SOON, async || {
        fill(disk, &data)?;
        Ok(cluster.client().worker(IP).await?.row.silent_ms)
    })
    .await?;
    let held = c2_tests::now();
    while held.elapsed() < HELD {
        fill(disk, &data)?;
        let worker = cluster.client().worker(IP).await?.row;
        ensure!(worker.silent_ms.is_some_and(|ms| ms < 15_000), "{worker:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

fn a_disk_that_is_full_to_the_last_byte_stops_nothing_and_loses_nothing() {
    scenario(async |cluster| {
        if !may("full disks")? {
            return Ok(());
        }
        let data = cluster.data_dir();
        let disk = onto_a_disk(cluster, |data| SmallDisk::mount(data, FREE_BYTES_FLOOR + 100 * MEGABYTE))?;
        cluster.restart_c2d().await?;
        cluster.agent(IP).await?;
        ensure!(health(cluster).await?.is_empty());
        let long = cluster.submit("sleep 12; echo long").await?;
        cluster.running(long).await?;
        let mut jobs = Vec::new();
        for n in 0..200 {
            jobs.push(cluster.submit(&format!("sleep 0.05; echo {n} {}", "x".repeat(2_000))).await?);
        }

        // New jobs are refused; results are recorded, into the ballast in the end.
        fill(&disk, &data)?;
        let refused = cluster.exec(&["submit true"]).await?;
        ensure!(refused.status == 1 && refused.stderr.contains("disk of c2d is full"), "{refused:?}");
        eventually("word of it", SOON, async || Ok(health(cluster).await?.contains("disk of c2d").then_some(())))
            .await?;
        eventually("the ballast is used", SOON, async || Ok((!data.join("ballast").exists()).then_some(()))).await?;

        // The ballast, too: c2d stays, says so, and its workers keep what they have.
        let log = cluster.data_dir().with_file_name("c2d.log");
        eventually("nothing can be recorded", SOON, async || {
            fill(&disk, &data)?;
            Ok(fs::read_to_string(&log)?.contains("full to the last byte").then_some(()))
        })
        .await?;
        let pid = cluster.c2d_pid()?;
        fill(&disk, &data)?;
        eventually("word of it", SOON, async || {
            fill(&disk, &data)?;
            Ok(health(cluster).await?.contains("nothing can be recorded").then_some(()))
        })
        .await?;
        let doctor = cluster.exec(&["doctor"]).await?;
        ensure!(
            doctor.status == 1 && doctor.stdout.contains("the disk of c2d is full, nothing can be recorded"),
            "{doctor:?}"
        );
        for line in ["submit true", &format!("cancel {long}"), "pause"] {
            let refused = cluster.exec(&[line]).await?;
            ensure!(refused.status == 1 && refused.stderr.contains("disk of c2d is full"), "{line}: {refused:?}");
        }
        let queue = cluster.client().queue_status().await?;
        ensure!(queue.active > 0, "{queue:?}");
        stays_heard(cluster, &disk).await?;

        // With space again all goes on by itself, in the same process.
        disk.resize(FREE_BYTES_FLOOR + 200 * MEGABYTE)?;
        ensure!(space(&data)?.1 > EXHAUSTED_BYTES);
        for job in jobs.iter().chain([&long]) {
            let end = cluster.ended(*job).await?.job;
            ensure!((end.row.state, end.row.attempt) == (JobState::Succeeded, 1), "{end:?}");
        }
        ensure!(cluster.c2d_pid()? == pid && health(cluster).await?.is_empty());
        let worker = cluster.client().worker(IP).await?.row;
        ensure!(worker.status == WorkerStatus::Online, "{worker:?}");
        ensure!(!fs::read_to_string(&log)?.contains("is offline"), "a worker was given up");
        let well = cluster.c2d(&["check"]).await?;
        ensure!(well.status == 0, "{well:?}");
        cluster.kill_c2d()?;
        let lines = fs::read_to_string(data.join("jobs.log"))?.lines().count();
        ensure!(lines == jobs.len() + 1, "{lines}");
        drop(disk);
        File::open(&data).map(drop).context("its folder")
    });
}
