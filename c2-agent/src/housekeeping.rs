//! Folders that jobs left go by themselves: when their jobs ended days ago, or when the disk is short, those of
//! the first ends first. c2d says which may go; one that something still uses stays in any case.

use std::path::{Path, PathBuf};
use std::time::Duration;

use c2_shared::api::files::OldWorkspacesRequest;
use c2_shared::client::Client;
use c2_shared::id::JobId;
use c2_shared::limits::{WORKER_FREE_BYTES_FLOOR, WORKSPACES_ASKED_MAX};
use c2_shared::worker::Load;
use tokio::sync::watch;

use crate::workspace::Root;
use crate::{cleanup, detect};

/// Between looks for what is old.
const EVERY: Duration = Duration::from_secs(3_600);
/// The same while the disk is short.
const SOON: Duration = Duration::from_secs(60);
/// So much of the floor is free again when the disk is short no more.
const ENOUGH: u64 = 2 * WORKER_FREE_BYTES_FLOOR;

/// Removes folders for as long as the load is reported; none at all with no days.
pub(crate) async fn run(root: PathBuf, days: u64, client: Client, mut load: watch::Receiver<Load>) {
    if days == 0 {
        return;
    }
    let mut pause = SOON;
    loop {
        // A disk that becomes short is looked at, at once.
        let was_short = load.borrow().disk_full;
        let becomes_short = load.wait_for(|load| load.disk_full && !was_short);
        if let Ok(Err(_)) = tokio::time::timeout(pause, becomes_short).await {
            return;
        }
        let is_short = load.borrow().disk_full;
        pause = if is_short { SOON } else { EVERY };
        let asked = |job_ids, days| {
            let client = client.clone();
            async move { Ok(client.old_workspaces(&OldWorkspacesRequest { job_ids, days }).await?.job_ids) }
        };
        let result: Result<Removed, Error> = async {
            let mut removed = tidy(&root, days, || false, asked).await?;
            if is_short {
                let path = root.clone();
                let enough = move || detect::disk::free_bytes(&path).is_some_and(|free| free >= ENOUGH);
                removed.add(tidy(&root, 0, enough, asked).await?);
            }
            Ok(removed)
        }
        .await;
        match result {
            Ok(Removed { folders: 0, .. }) => {}
            Ok(Removed { folders, bytes }) => {
                tracing::info!("removed the folders of {folders} jobs that had ended, {} MiB", bytes >> 20);
            }
            // It is not known to an older c2d, or away: another time.
            Err(error) => tracing::debug!("old folders stay for now: {error}"),
        }
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Removed {
    folders: usize,
    bytes: u64,
}

impl Removed {
    fn add(&mut self, other: Self) {
        self.folders += other.folders;
        self.bytes += other.bytes;
    }
}

/// Removes what may go, in the order that was answered, until there is enough room.
async fn tidy<F: Future<Output = Result<Vec<JobId>, Error>>>(
    root: &Path,
    days: u64,
    enough: impl Fn() -> bool,
    may_go: impl Fn(Vec<JobId>, u64) -> F,
) -> Result<Removed, Error> {
    let mut removed = Removed::default();
    let path = root.to_owned();
    let jobs = tokio::task::spawn_blocking(move || jobs(&path)).await??;
    for some in jobs.chunks(WORKSPACES_ASKED_MAX) {
        for job in may_go(some.to_vec(), days).await? {
            if enough() {
                return Ok(removed);
            }
            let path = root.to_owned();
            match tokio::task::spawn_blocking(move || remove(&path, job)).await? {
                Ok(bytes) => removed.add(Removed { folders: 1, bytes }),
                Err(reason) => tracing::debug!("the folder of {job} stays: {reason}"),
            }
        }
    }
    Ok(removed)
}

/// The jobs whose folders are there, the first first.
fn jobs(root: &Path) -> Result<Vec<JobId>, Error> {
    Ok(cleanup::names(root)?.into_iter().filter_map(|name| name.parse().ok()).collect())
}

fn remove(root: &Path, job: JobId) -> Result<u64, String> {
    let root = Root::open(root).map_err(|error| error.to_string())?;
    cleanup::remove(root.dir(), &job.to_string(), &cleanup::Held::new())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use rustix::fs::{FlockOperation, flock};

    use super::*;

    #[tokio::test]
    async fn what_may_go_goes_until_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("C2");
        drop(Root::open(&root).unwrap());
        for job in 1..=5 {
            std::fs::create_dir(root.join(format!("job-{job}"))).unwrap();
            std::fs::write(root.join(format!("job-{job}/file")), vec![1; 10_000]).unwrap();
        }
        std::fs::create_dir(root.join("notes")).unwrap();
        let left = || jobs(&root).unwrap();
        // The one that ended first is not the one of the least number.
        let answer = |asked: Vec<JobId>, days: u64| async move {
            assert_eq!(asked.first(), Some(&JobId(1)));
            Ok(if days == 7 { vec![JobId(4)] } else { vec![JobId(3), JobId(2), JobId(1)] })
        };
        let runs = File::open(root.join("job-3")).unwrap();
        flock(&runs, FlockOperation::NonBlockingLockExclusive).unwrap();
        let removed = tidy(&root, 7, || false, answer).await.unwrap();
        assert!(removed.folders == 1 && removed.bytes >= 10_000, "{removed:?}");
        assert_eq!(left(), [1, 2, 3, 5].map(JobId));
        let until_one_is_gone = || left().len() < 4;
        assert_eq!(tidy(&root, 0, until_one_is_gone, answer).await.unwrap().folders, 1);
        assert_eq!(left(), [1, 3, 5].map(JobId), "job-3 is in use, so job-2 went");
        let away = |_: Vec<JobId>, _: u64| async { Err(Error::from("c2d is away")) };
        assert!(tidy(&root, 0, || false, away).await.is_err());
        assert!(left().len() == 3 && root.join("notes").exists());
    }
}
