//! Cleaning on request: removes the workspaces of jobs that have ended and that nothing owes.
//!
//! Two things keep a workspace: the agent holds an attempt of its job, or somebody holds the
//! folder's lock, as the process that runs a job does. Which attempts are held is told when the
//! cleaning begins; a workspace that is made after that is kept by its lock.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use c2_shared::api::files::{Cleaned, CleanupReport, Kept, Needed};
use c2_shared::id::JobId;
use rustix::fs::renameat;
use rustix::io::Errno;
use tokio::task::JoinSet;

use crate::folder::{SPARE, TRASH, VIA, open_own_dir, try_lock};
use crate::trash;
use crate::workspace::Root;

/// Requests that are remembered, so that one that comes again is known.
const KNOWN_LEN: usize = 16;

/// Why a workspace stays that somebody holds the lock of.
const LOCKED: &str = "something still uses it";

/// Jobs whose workspaces are needed, each with the reason.
pub(crate) type Held = BTreeMap<JobId, String>;

/// The cleanings that were asked for.
#[derive(Debug)]
pub(crate) struct Cleanup {
    root: PathBuf,
    /// The latest last. Numbers do not tell: those of a c2d whose clock was set back are lower.
    known: VecDeque<u64>,
    tasks: JoinSet<CleanupReport>,
}

impl Cleanup {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, known: VecDeque::new(), tasks: JoinSet::new() }
    }

    /// Begins a cleaning, unless it is known; `held` are the jobs whose workspaces are needed here, and `keep` those
    /// that c2d knows to be needed by others.
    pub(crate) fn begin(&mut self, id: u64, held: BTreeMap<JobId, &str>, keep: &[Needed]) {
        if self.known.contains(&id) {
            return;
        }
        if self.known.len() == KNOWN_LEN {
            self.known.pop_front();
        }
        self.known.push_back(id);
        let root = self.root.clone();
        let keep = keep.iter().map(|needed| (needed.job_id, format!("{} depends on it", needed.by)));
        let held: Held = keep.chain(held.into_iter().map(|(job, reason)| (job, reason.to_owned()))).collect();
        self.tasks.spawn_blocking(move || CleanupReport { id, cleaned: clean(&root, &held) });
    }

    /// Waits for the end of a cleaning; for ever when none is under way.
    pub(crate) async fn report(&mut self) -> CleanupReport {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(report)) => return report,
                Some(Err(error)) => tracing::error!("a cleaning broke off: {error}"),
                None => std::future::pending().await,
            }
        }
    }
}

/// Removes what can be removed and says what became of everything else.
fn clean(root: &Path, held: &Held) -> Cleaned {
    let mut cleaned = Cleaned::default();
    let names = Root::open(root).map_err(io::Error::other).and_then(|opened| Ok((names(root)?, opened)));
    let (names, opened) = match names {
        Ok(found) => found,
        Err(error) => {
            let reason = error.to_string();
            cleaned.kept.push(Kept { name: root.display().to_string(), reason });
            return cleaned;
        }
    };
    for name in names {
        match remove(opened.dir(), &name, held) {
            Ok(freed) => {
                cleaned.freed_bytes += freed;
                if name.parse::<JobId>().is_ok() {
                    cleaned.removed.push(name);
                }
            }
            Err(reason) => cleaned.kept.push(Kept { name, reason }),
        }
    }
    cleaned
}

/// What is in the folder of workspaces, in the order of the jobs.
pub(crate) fn names(root: &Path) -> io::Result<Vec<String>> {
    let entries = std::fs::read_dir(root)?.collect::<io::Result<Vec<_>>>()?;
    let names = entries.into_iter().map(|entry| entry.file_name().to_string_lossy().into_owned());
    // The agent removes those of attempts elsewhere when it has their results.
    let mut names: Vec<String> = names.filter(|name| !name.starts_with(VIA)).collect();
    names.sort_by_key(|name| (name.parse::<JobId>().ok(), name.clone()));
    Ok(names)
}

/// Removes one workspace, or says why it stays. Answers the bytes freed.
pub(crate) fn remove(root: BorrowedFd<'_>, name: &str, held: &Held) -> Result<u64, String> {
    let failed = |e: io::Error| e.to_string();
    if name.starts_with(TRASH) {
        return trash::delete(root, name).map_err(failed);
    }
    let spare = name.starts_with(SPARE);
    if !spare {
        let job: JobId = name.parse().map_err(|_| "it is not a workspace".to_owned())?;
        if let Some(reason) = held.get(&job) {
            return Err(reason.clone());
        }
    }
    let dir = match open_own_dir(root, name) {
        Ok(dir) => dir,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => return Err("it is not a folder".to_owned()),
        Err(e) => return Err(failed(e)),
    };
    if !try_lock(&dir).map_err(failed)? {
        // A spare is empty, and its process removes it.
        return if spare { Ok(0) } else { Err(LOCKED.to_owned()) };
    }
    // The lock is held until the name is free, so that a job of this name begins anew or not at all.
    let aside = format!("{TRASH}{name}");
    match renameat(root, name, root, &aside) {
        Ok(()) => {}
        Err(Errno::NOTEMPTY | Errno::EXIST) => return Err(format!("{aside} is in the way")),
        Err(e) => return Err(failed(e.into())),
    }
    drop(dir);
    trash::delete(root, &aside).map_err(|e| format!("not all of it could be removed: {e}"))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use rustix::fs::{FlockOperation, flock};

    use super::*;

    #[tokio::test]
    async fn a_request_that_comes_again_is_known_whatever_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let mut cleanup = Cleanup::new(dir.path().join("C2"));
        // The clock of c2d was set back before the last one.
        for id in (100..100 + KNOWN_LEN as u64).chain([7, 7, 7]) {
            cleanup.begin(id, BTreeMap::new(), &[]);
        }
        let mut begun = Vec::new();
        while !cleanup.tasks.is_empty() {
            begun.push(cleanup.report().await.id);
        }
        assert_eq!(begun.iter().filter(|id| **id == 7).count(), 1, "{begun:?}");
        assert_eq!(begun.len(), KNOWN_LEN + 1);
    }

    #[test]
    fn only_what_nobody_needs_goes() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("C2");
        drop(Root::open(&root).unwrap());
        for name in ["job-1", "job-2", "job-3", "job-10", ".trash-job-9.1", ".spare-1", ".spare-2", "notes"] {
            std::fs::create_dir(root.join(name)).unwrap();
            std::fs::write(root.join(name).join("file"), vec![1; 10_000]).unwrap();
        }
        std::fs::write(root.join("job-4"), "a file").unwrap();
        std::os::unix::fs::symlink("/etc", root.join("job-5")).unwrap();
        let [runner, spare] = ["job-2", ".spare-2"].map(|name| File::open(root.join(name)).unwrap());
        for locked in [&runner, &spare] {
            flock(locked, FlockOperation::NonBlockingLockExclusive).unwrap();
        }
        let held = BTreeMap::from([(JobId(3), "its job has not ended".to_owned())]);
        let cleaned = clean(&root, &held);
        assert_eq!(cleaned.removed, ["job-1", "job-10"]);
        assert!(cleaned.freed_bytes >= 30_000, "{cleaned:?}");
        let kept: Vec<(&str, &str)> = cleaned.kept.iter().map(|k| (k.name.as_str(), k.reason.as_str())).collect();
        assert_eq!(
            kept,
            [
                ("notes", "it is not a workspace"),
                ("job-2", LOCKED),
                ("job-3", "its job has not ended"),
                ("job-4", "it is not a folder"),
                ("job-5", "it is not a folder"),
            ]
        );
        assert!(!root.join(".spare-1").exists() && root.join(".spare-2").exists());
        drop(runner);
        assert_eq!(clean(&root, &BTreeMap::new()).removed, ["job-2", "job-3"]);
        assert!(Path::new("/etc").is_dir());
    }
}
