//! Brings files to jobs and away from them, in tasks beside the agent's own.
//!
//! Before a job starts, blobs that it names are fetched into the cache. After its end, the files
//! that it is to leave are found, hashed and sent, and only then its result is reported. c2d may be
//! away for as long as it likes: every blob goes on where it broke off. Whoever starts these says
//! what they lead to; here nothing is decided about jobs.

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use c2_shared::api::files::JobFile;
use c2_shared::api::work::AttemptResult;
use c2_shared::backoff::Backoff;
use c2_shared::blob::BlobId;
use c2_shared::client::{Client, TransferError};
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobSpec, Needed, Outcome};
use c2_shared::limits::PROBLEMS_LEN_MAX;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet, spawn_blocking};

use crate::cache::Cache;
use crate::clock;
use crate::collect::{self, Found};
use crate::spool::{Kept, Spool};
use crate::supervise::wire::Start;
use crate::workspace::Root;

/// What can become of a transfer.
#[derive(Debug)]
pub(crate) enum Moved {
    /// Everything that a job needs is in the cache, or cannot be got there.
    Fetched { start: Box<Start>, verdict: Result<(), String> },
    /// Everything that a job left is at c2d, or cannot be got there.
    Delivered { result: Box<AttemptResult>, on_disk: bool },
}

/// All transfers of this worker.
#[derive(Debug)]
pub(crate) struct Transfers {
    mover: Mover,
    fetching: BTreeMap<AttemptId, (Start, AbortHandle)>,
    delivering: BTreeMap<AttemptId, (Kept, bool, AbortHandle)>,
    tasks: JoinSet<Done>,
}

/// What a task needs. Cheap to clone.
#[derive(Clone, Debug)]
struct Mover {
    client: Client,
    cache: Cache,
    spool: Spool,
    root: PathBuf,
    /// One blob is fetched at a time: they share one line, and two jobs with the same file fetch
    /// it once.
    line: Arc<Semaphore>,
}

#[derive(Debug)]
enum Done {
    Fetched(AttemptId, Result<(), String>),
    Delivered(Box<AttemptResult>),
}

/// Whether an attempt that ended like this leaves its files: also one that failed, for its logs,
/// but none that nobody waits for any more.
pub(crate) const fn leaves_files(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Exit { .. } | Outcome::Signal { .. } | Outcome::Timeout)
}

impl Transfers {
    pub(crate) fn new(client: Client, cache: Cache, spool: Spool, root: PathBuf) -> Self {
        let mover = Mover { client, cache, spool, root, line: Arc::new(Semaphore::new(1)) };
        Self { mover, fetching: BTreeMap::new(), delivering: BTreeMap::new(), tasks: JoinSet::new() }
    }

    /// Fetches what a job needs.
    pub(crate) fn fetch(&mut self, start: Start) {
        let (mover, attempt, spec) = (self.mover.clone(), start.attempt, start.spec.clone());
        let task = self.tasks.spawn(async move { Done::Fetched(attempt, mover.fetch_all(&spec).await) });
        self.fetching.insert(attempt, (start, task));
    }

    /// Delivers what an ended attempt left; `on_disk` if that is spooled, to be gone on with after
    /// a restart.
    pub(crate) fn deliver(&mut self, kept: Kept, on_disk: bool) {
        let (mover, mine) = (self.mover.clone(), kept.clone());
        let attempt = kept.result.attempt;
        let task = self.tasks.spawn(async move { Done::Delivered(Box::new(mover.deliver(mine).await)) });
        self.delivering.insert(attempt, (kept, on_disk, task));
    }

    /// Whether what this attempt left is on its way.
    pub(crate) fn delivers(&self, attempt: AttemptId) -> bool {
        self.delivering.contains_key(&attempt)
    }

    /// Stops fetching for a job that was cancelled; whether there was anything to stop.
    pub(crate) fn stop_fetching(&mut self, attempt: AttemptId) -> bool {
        let Some((_, task)) = self.fetching.remove(&attempt) else { return false };
        task.abort();
        true
    }

    /// Stops delivering for a job that was cancelled; its result as it is without the files.
    pub(crate) fn stop_delivering(&mut self, attempt: AttemptId) -> Option<(AttemptResult, bool)> {
        let (kept, on_disk, task) = self.delivering.remove(&attempt)?;
        task.abort();
        Some((without_files(kept.result, "the job was cancelled before its files were delivered"), on_disk))
    }

    /// Waits for the end of a transfer; for ever when none is under way.
    pub(crate) async fn moved(&mut self) -> Moved {
        loop {
            let done = match self.tasks.join_next().await {
                Some(Ok(done)) => self.on_done(done),
                Some(Err(error)) if error.is_cancelled() => None,
                Some(Err(error)) => {
                    tracing::error!("a transfer broke off: {error}");
                    self.on_broken(error.id())
                }
                None => std::future::pending().await,
            };
            if let Some(moved) = done {
                return moved;
            }
        }
    }

    /// One that was stopped in its last moment is of no interest any more.
    fn on_done(&mut self, done: Done) -> Option<Moved> {
        match done {
            Done::Fetched(attempt, verdict) => {
                let (start, _) = self.fetching.remove(&attempt)?;
                Some(Moved::Fetched { start: Box::new(start), verdict })
            }
            Done::Delivered(result) => {
                let (_, on_disk, _) = self.delivering.remove(&result.attempt)?;
                Some(Moved::Delivered { result, on_disk })
            }
        }
    }

    /// A task that met a defect of ours leaves its attempt behind, which must end all the same.
    fn on_broken(&mut self, id: tokio::task::Id) -> Option<Moved> {
        const REASON: &str = "the agent failed at its files; see its log";
        let fetching = self.fetching.iter().find(|(_, (_, task))| task.id() == id).map(|(attempt, _)| *attempt);
        if let Some(attempt) = fetching {
            return self.on_done(Done::Fetched(attempt, Err(REASON.to_owned())));
        }
        let (kept, ..) = self.delivering.values().find(|(_, _, task)| task.id() == id)?;
        let result = without_files(kept.result.clone(), REASON);
        self.on_done(Done::Delivered(Box::new(result)))
    }
}

fn without_files(mut result: AttemptResult, problem: &str) -> AttemptResult {
    result.problems = vec![problem.to_owned()];
    result
}

impl Mover {
    async fn fetch_all(&self, spec: &JobSpec) -> Result<(), String> {
        for Needed { blob, what, .. } in spec.blobs() {
            self.fetch(blob).await.map_err(|why| format!("{what}: {why}"))?;
        }
        Ok(())
    }

    async fn fetch(&self, blob: BlobId) -> Result<(), String> {
        if self.is_here(blob).await {
            return Ok(());
        }
        let _my_turn = self.line.acquire().await.expect("it is never closed");
        if self.is_here(blob).await {
            return Ok(());
        }
        let mut backoff = Backoff::default();
        loop {
            match self.try_to_fetch(blob).await {
                Ok(()) => return Ok(()),
                Err(error) if error.may_pass() => {
                    tracing::debug!("{blob}: {error}; it goes on later");
                    tokio::time::sleep(backoff.next(0.0)).await;
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    async fn try_to_fetch(&self, blob: BlobId) -> Result<(), TransferError> {
        let size = self.client.blob_status(blob, None).await?.size;
        let cache = self.cache.clone();
        let part = on_disk(move || {
            cache.make_room(size, clock::wall_ms())?;
            cache.part(blob)
        });
        self.client.get_blob(blob, part.await?, &|_| ()).await?;
        let cache = self.cache.clone();
        Ok(on_disk(move || cache.complete(blob)).await?)
    }

    async fn is_here(&self, blob: BlobId) -> bool {
        let cache = self.cache.clone();
        spawn_blocking(move || cache.has(blob)).await.expect("opening a file does not panic")
    }

    /// Finds and sends what an attempt left. The result says what came of it, and is on disk for
    /// good where it was before.
    async fn deliver(&self, kept: Kept) -> AttemptResult {
        let Kept { mut result, download } = kept;
        let (root, job) = (self.root.clone(), result.attempt.job);
        let opened = on_disk(move || find(&root, job, &download)).await;
        let (workspace, Found { files, mut problems }) = match opened {
            Ok(found) => found,
            Err(error) => return without_files(result, &format!("the workspace cannot be read: {error}")),
        };
        let workspace = Arc::new(workspace);
        for file in files {
            match self.send(&workspace, &file).await {
                Ok(()) => result.files.push(file),
                Err(error) => problems.push(format!("{:?}: {error}", file.path)),
            }
        }
        problems.truncate(PROBLEMS_LEN_MAX);
        result.problems = problems;
        let (spool, mine) = (self.spool.clone(), result.clone());
        if let Err(error) = on_disk(move || spool.put(&Kept::from(mine))).await {
            // What is there from before has the same result and finds the files again.
            tracing::warn!("cannot keep the result of {} on disk: {error}", result.attempt);
        }
        result
    }

    async fn send(&self, workspace: &Arc<OwnedFd>, file: &JobFile) -> Result<(), TransferError> {
        let mut backoff = Backoff::default();
        loop {
            let (folder, path) = (Arc::clone(workspace), file.path.clone());
            let content = on_disk(move || collect::open(folder.as_fd(), &path)).await?;
            match self.client.put_blob(file.sha256, file.size, content, &|_| ()).await {
                Err(error) if error.may_pass() => {
                    tracing::debug!("{:?}: {error}; it goes on later", file.path);
                    tokio::time::sleep(backoff.next(0.0)).await;
                }
                other => return other,
            }
        }
    }
}

/// Opens a workspace, locks it against other agents' cleanings if that is possible, and finds the
/// files in it.
fn find(root: &std::path::Path, job: JobId, globs: &[String]) -> std::io::Result<(OwnedFd, Found)> {
    let root = Root::open(root).map_err(std::io::Error::other)?;
    let opened = match root.lock(job)? {
        Some(locked) => Ok(locked),
        None => crate::folder::open_dir(root.dir(), &job.to_string()),
    };
    let workspace = match opened {
        // A folder in which a job left nothing serves the next job already.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let problems = globs.iter().map(|glob| format!("nothing matches {glob:?}")).collect();
            let found = Found { problems, ..Found::default() };
            return Ok((root.dir().try_clone_to_owned()?, found));
        }
        opened => opened?,
    };
    let found = collect::collect(workspace.as_fd(), globs);
    Ok((workspace, found))
}

async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> std::io::Result<T> {
    spawn_blocking(work).await.map_err(std::io::Error::other)?
}
