//! Brings contents to jobs and away from them, in tasks beside the agent's own.
//!
//! Before a job starts, blobs that it names are fetched into the cache. After its end, its long
//! outputs and the files that it is to leave are hashed and sent, and only then its result is
//! reported. Two transfers go on at a time, so that polls get through on any line. c2d may be away
//! for as long as it likes: every blob goes on where it broke off. Whoever starts these says what
//! they lead to; here nothing is decided about jobs.

mod output;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use c2_shared::api::files::Listing;
use c2_shared::api::work::AttemptResult;
use c2_shared::backoff::Backoff;
use c2_shared::blob::BlobId;
use c2_shared::client::{Client, TransferError};
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobSpec, Needed, Outcome};
use c2_shared::limits::{OUTPUT_INLINE_BYTES, PROBLEMS_LEN_MAX};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet, spawn_blocking};

use crate::cache::Cache;
use crate::clock;
use crate::collect::{self, Found};
use crate::outputs::Outputs;
use crate::spool::Kept;
use crate::supervise::wire::{Leaves, Start};
use crate::workspace::Root;

/// Transfers at a time. One would let a large file hold up all others.
const TRANSFERS_MAX: usize = 2;
/// Of each stream, the bytes in a result that did not get through with more.
const SHORT_INLINE_BYTES: usize = 2 * 1024;
/// A list of files that is longer is sent by itself.
const LISTING_BYTES_MAX: usize = 16 * 1024;

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
    /// What was delivered, for as long as c2d may want it again.
    delivered: BTreeMap<AttemptId, (Kept, bool)>,
    tasks: JoinSet<Done>,
}

/// What a task needs. Cheap to clone.
#[derive(Clone, Debug)]
struct Mover {
    client: Client,
    cache: Cache,
    outputs: Outputs,
    root: PathBuf,
    /// One blob is fetched at a time, as two jobs with the same file fetch it once.
    fetch: Arc<Semaphore>,
    /// So many go over the line at a time, in both directions together.
    line: Arc<Semaphore>,
}

#[derive(Debug)]
enum Done {
    Fetched(AttemptId, Result<Box<JobSpec>, String>),
    Delivered(Box<AttemptResult>),
}

/// Whether an attempt that ended like this leaves its files: also one that failed, for its logs,
/// but none that nobody waits for any more.
pub(crate) const fn leaves_files(outcome: &Outcome) -> bool {
    outcome.ran_to_an_end()
}

impl Transfers {
    pub(crate) fn new(client: Client, cache: Cache, outputs: Outputs, root: PathBuf) -> Self {
        let turns = |at_a_time| Arc::new(Semaphore::new(at_a_time));
        let mover = Mover { client, cache, outputs, root, fetch: turns(1), line: turns(TRANSFERS_MAX) };
        let (fetching, delivering, delivered) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { mover, fetching, delivering, delivered, tasks: JoinSet::new() }
    }

    /// Fetches what a job needs, and before it the specification if that is a blob, too.
    pub(crate) fn fetch(&mut self, start: Start, spec_blob: Option<BlobId>) {
        let (mover, attempt, spec) = (self.mover.clone(), start.attempt, start.spec.clone());
        let work = async move {
            let spec = match spec_blob {
                Some(blob) => mover.fetch_spec(blob).await?,
                None => spec,
            };
            mover.fetch_all(&spec).await?;
            Ok(Box::new(spec))
        };
        let task = self.tasks.spawn(async move { Done::Fetched(attempt, work.await) });
        self.fetching.insert(attempt, (start, task));
    }

    /// Delivers what an ended attempt left; `on_disk` if that is spooled, to be gone on with after
    /// a restart.
    pub(crate) fn deliver(&mut self, kept: Kept, on_disk: bool) {
        self.start_delivery(kept, on_disk, OUTPUT_INLINE_BYTES);
    }

    /// Delivers by themselves the contents of a result that is too large for the line.
    pub(crate) fn shorten(&mut self, result: AttemptResult, on_disk: bool) {
        let delivered = self.delivered.remove(&result.attempt);
        let long = delivered.map(|(kept, _)| kept.leaves.long).unwrap_or_default();
        let leaves = Leaves { download: Vec::new(), long };
        self.start_delivery(Kept { result, leaves }, on_disk, SHORT_INLINE_BYTES);
    }

    fn start_delivery(&mut self, kept: Kept, on_disk: bool, inline_max: usize) {
        let (mover, mine) = (self.mover.clone(), kept.clone());
        let attempt = kept.result.attempt;
        let task = self.tasks.spawn(async move { Done::Delivered(Box::new(mover.deliver(mine, inline_max).await)) });
        self.delivering.insert(attempt, (kept, on_disk, task));
    }

    /// Delivers what c2d turned out not to have; says whether it is known what that was.
    pub(crate) fn deliver_again(&mut self, attempt: AttemptId) -> bool {
        let Some((kept, on_disk)) = self.delivered.remove(&attempt) else { return false };
        self.deliver(kept, on_disk);
        true
    }

    /// c2d has everything of an attempt.
    pub(crate) fn forget(&mut self, attempt: AttemptId) {
        if self.delivered.remove(&attempt).is_some() {
            let outputs = self.mover.outputs.clone();
            drop(spawn_blocking(move || outputs.remove(attempt)));
        }
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

    /// Stops delivering for a job that was cancelled; its result is that.
    pub(crate) fn stop_delivering(&mut self, attempt: AttemptId) -> Option<(AttemptResult, bool)> {
        let (kept, on_disk, task) = self.delivering.remove(&attempt)?;
        task.abort();
        let result = called_off(&kept);
        self.delivered.insert(attempt, (kept, on_disk));
        Some((result, on_disk))
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
                let (mut start, _) = self.fetching.remove(&attempt)?;
                let verdict = verdict.map(|spec| start.spec = *spec);
                Some(Moved::Fetched { start: Box::new(start), verdict })
            }
            Done::Delivered(result) => {
                let (kept, on_disk, _) = self.delivering.remove(&result.attempt)?;
                self.delivered.insert(result.attempt, (kept, on_disk));
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
        let result = cut_short(kept, REASON);
        self.on_done(Done::Delivered(Box::new(result)))
    }
}

/// The result of an attempt that was cancelled after its command had ended: whoever waits for its files must not
/// take it for a success.
pub(crate) fn called_off(kept: &Kept) -> AttemptResult {
    let result = cut_short(kept, "the job was cancelled before it was delivered");
    AttemptResult { outcome: Outcome::Cancelled, ..result }
}

/// The result of an attempt without what it leaves.
fn cut_short(Kept { result, leaves }: &Kept, reason: &str) -> AttemptResult {
    let mut result = result.clone();
    if !leaves.download.is_empty() {
        result.problems = vec![reason.to_owned()];
    }
    for (output, extent) in [(&mut result.stdout, leaves.long.stdout), (&mut result.stderr, leaves.long.stderr)] {
        if extent.is_some() {
            reason.clone_into(&mut output.reason);
        }
    }
    result
}

impl Mover {
    async fn fetch_all(&self, spec: &JobSpec) -> Result<(), String> {
        for Needed { blob, what, .. } in spec.blobs() {
            self.fetch(blob).await.map_err(|why| format!("{what}: {why}"))?;
        }
        Ok(())
    }

    async fn fetch_spec(&self, blob: BlobId) -> Result<JobSpec, String> {
        self.fetch(blob).await.map_err(|why| format!("the specification: {why}"))?;
        let cache = self.cache.clone();
        let read = on_disk(move || Ok(serde_json::from_reader(io::BufReader::new(cache.open(blob)?))?));
        read.await.map_err(|why| format!("this agent is too old for it: {why}"))
    }

    async fn fetch(&self, blob: BlobId) -> Result<(), String> {
        if self.is_here(blob).await {
            return Ok(());
        }
        let _my_turn = self.fetch.acquire().await.expect("it is never closed");
        if self.is_here(blob).await {
            return Ok(());
        }
        let (mut backoff, mut anew) = (Backoff::default(), false);
        loop {
            let tried = {
                let _my_turn = self.line.acquire().await.expect("it is never closed");
                self.try_to_fetch(blob).await
            };
            match tried {
                Ok(()) => return Ok(()),
                // What came before may be the beginning of a damaged copy that c2d has set aside since.
                Err(TransferError::Changed) if !anew => anew = true,
                Err(error) if error.may_pass() => {
                    tracing::debug!("{blob}: {error}; it continues later");
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

    /// Finds and sends what an attempt left. The result says what came of it.
    async fn deliver(&self, Kept { mut result, leaves }: Kept, inline_max: usize) -> AttemptResult {
        self.deliver_outputs(&mut result, leaves.long, inline_max).await;
        if !leaves.download.is_empty() {
            self.deliver_files(&mut result, leaves.download).await;
        }
        result
    }

    async fn deliver_files(&self, result: &mut AttemptResult, download: Vec<String>) {
        let (root, job) = (self.root.clone(), result.attempt.job);
        let (workspace, Found { files, mut problems }) = match on_disk(move || find(&root, job, &download)).await {
            Ok(found) => found,
            Err(error) => {
                result.problems = vec![format!("the workspace cannot be read: {error}")];
                return;
            }
        };
        let workspace = Arc::new(workspace);
        for file in files {
            let open = {
                let (workspace, path) = (Arc::clone(&workspace), file.path.clone());
                move || collect::open(workspace.as_fd(), &path)
            };
            match self.send(file.sha256, file.size, open, TransferError::may_pass).await {
                Ok(()) => result.files.push(file),
                Err(error) => problems.push(format!("{:?}: {error}", file.path)),
            }
        }
        problems.truncate(PROBLEMS_LEN_MAX);
        result.problems = problems;
        self.deliver_listing(result).await;
    }

    /// Sends the names of the files by themselves when they are too long for a result.
    async fn deliver_listing(&self, result: &mut AttemptResult) {
        let listing = Listing { files: result.files.clone(), problems: result.problems.clone() };
        let written = serde_json::to_vec(&listing).expect("our own plain types become JSON");
        if written.len() <= LISTING_BYTES_MAX {
            return;
        }
        let (blob, size) = (BlobId::of(&written), written.len() as u64);
        let (outputs, attempt) = (self.outputs.clone(), result.attempt);
        let open = move || outputs.keep(attempt, "list", &written);
        let kept = self.send(blob, size, open, TransferError::may_pass).await;
        (result.files, result.problems) = (Vec::new(), Vec::new());
        match kept {
            Ok(()) => result.listing = Some(blob),
            Err(error) => result.problems = vec![format!("the list of files is too long and was not taken: {error}")],
        }
    }

    /// Sends a blob, for as long as `goes_on` takes what fails for what may pass.
    async fn send(
        &self,
        blob: BlobId,
        size: u64,
        open: impl Fn() -> io::Result<File> + Clone + Send + 'static,
        goes_on: impl Fn(&TransferError) -> bool,
    ) -> Result<(), TransferError> {
        let mut backoff = Backoff::default();
        loop {
            let content = on_disk(open.clone()).await?;
            let tried = {
                let _my_turn = self.line.acquire().await.expect("it is never closed");
                self.client.put_blob(blob, size, content, &|_| ()).await
            };
            match tried {
                Err(error) if goes_on(&error) => {
                    tracing::debug!("{blob}: {error}; it continues later");
                    tokio::time::sleep(backoff.next(0.0)).await;
                }
                other => return other,
            }
        }
    }
}

/// Opens a workspace, locks it against other agents' cleanings if that is possible, and finds the
/// files in it.
fn find(root: &std::path::Path, job: JobId, globs: &[String]) -> io::Result<(OwnedFd, Found)> {
    let root = Root::open(root).map_err(io::Error::other)?;
    let opened = root.lock(job).and_then(|locked| match locked {
        Some(locked) => Ok(locked),
        None => crate::folder::open_own_dir(root.dir(), &job.to_string()),
    });
    let workspace = match opened {
        // A folder in which a job left nothing serves the next job already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let problems = globs.iter().map(|glob| format!("nothing matches {glob:?}")).collect();
            let found = Found { problems, ..Found::default() };
            return Ok((root.dir().try_clone_to_owned()?, found));
        }
        opened => opened?,
    };
    let found = collect::collect(workspace.as_fd(), globs);
    Ok((workspace, found))
}

async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}
