//! The thread that owns the connection which writes.
//!
//! The engine already gathers what waits into one batch, so a batch is a transaction here. When the engine learns
//! of the commit, the jobs that it ended are in `jobs.log`; `workers.json` follows.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use c2_shared::time::Mono;
use tokio::sync::oneshot;

use crate::engine::{Batch, Committed, Durable};
use crate::sched::Decision;
use crate::store::derived::Derived;
use crate::store::folder::{Folder, free_bytes};
use crate::store::health::Health;
use crate::store::jobs_log::JobsLog;
use crate::store::retention::Retention;
use crate::store::sql::Connection;
use crate::store::{Memo, StoreError, load, memo, workers_json, write};

/// How soon after a change the derived files follow, and how often what failed is tried again. At most
/// this often `workers.json` is written, however fast workers change.
const CHORES_EVERY_MS: u64 = 1_000;

/// When nothing came for so long, the store is idle enough to remove old jobs.
const IDLE_MS: u64 = 20;

/// So often it is written down that time passes, also when nothing else happens.
const TIME_EVERY_MS: u64 = 10 * 60 * 1_000;

/// Takes batches to the thread that writes.
#[derive(Debug)]
pub struct Writer {
    work: Arc<SyncSender<Work>>,
    thread: std::thread::JoinHandle<()>,
    dir: PathBuf,
    health: Health,
}

/// Asks the thread that writes to let go of what old jobs keep, for as long as there is a [`Writer`].
#[derive(Clone, Debug)]
pub struct Space {
    work: Weak<SyncSender<Work>>,
}

/// What the thread is asked for. Who asks waits for the answer before asking again, so there is never
/// more than one of each kind.
#[derive(Debug)]
pub(super) enum Work {
    Commit(Batch, oneshot::Sender<Result<Committed, StoreError>>),
    Keep {
        name: &'static str,
        text: String,
        /// For all c2d on the database, not for this one's folder.
        is_shared: bool,
        kept: SyncSender<bool>,
    },
    Free {
        bytes: u64,
        done: oneshot::Sender<u64>,
    },
    /// Somebody may have put the log of ended jobs aside.
    Look,
    Close,
}

/// Kinds of [`Work`]; two threads have texts kept.
const ASKING_MAX: usize = 6;

struct Thread {
    connection: Connection,
    folder: Folder,
    log: JobsLog,
    workers_json: Derived,
    /// Workers changed since `workers.json` was written.
    export_due: bool,
    /// The space that was set aside was used.
    ballast_due: bool,
    /// When to see to all this. Commits do not put it off.
    chores_at: Option<Mono>,
    /// The time of the last commit, and what was waited since; there is no other clock here.
    now: Mono,
    /// Of each output stream, and of the older outputs of a job together.
    output_keep_bytes: u64,
    /// Removes what was kept long enough.
    retention: Retention,
    health: Health,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        folder: Folder,
        log: JobsLog,
        workers_json: PathBuf,
        output_keep_bytes: u64,
        retention: Retention,
    ) -> Result<(Self, Space), StoreError> {
        let dir = folder.dir().to_owned();
        let health = Health::new(&dir);
        let thread = Thread {
            connection,
            folder,
            log,
            workers_json: Derived::new(workers_json),
            export_due: true,
            ballast_due: false,
            chores_at: Some(Mono(0)),
            now: Mono(0),
            output_keep_bytes,
            retention,
            health: health.clone(),
        };
        let (work, inbox) = sync_channel(ASKING_MAX);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || thread.run(&inbox))
            .map_err(StoreError::file(&dir))?;
        let work = Arc::new(work);
        let space = Space { work: Arc::downgrade(&work) };
        Ok((Self { work, thread, dir, health }, space))
    }

    /// How the store is.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Keeps small texts in the database.
    pub fn memo(&self) -> Memo {
        Memo::new((*self.work).clone())
    }

    /// Writes what is derived, folds the log of SQLite into its file and closes everything.
    pub fn close(self) {
        let _ended_already = self.work.send(Work::Close);
        if self.thread.join().is_err() {
            tracing::error!("the store's thread ended badly; the database itself is whole");
        }
    }
}

impl Durable for Writer {
    type Error = StoreError;

    async fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        self.health.commit_begins(batch.now.mono);
        let (done, committed) = oneshot::channel();
        // The engine waits for each commit, so there is always room.
        self.work.try_send(Work::Commit(batch, done)).map_err(|_: TrySendError<Work>| StoreError::Closed)?;
        committed.await.unwrap_or(Err(StoreError::Closed))
    }

    fn free_bytes(&self) -> u64 {
        free_bytes(&self.dir)
    }
}

impl Space {
    /// Lets the oldest ended jobs go without their files and long outputs, until these have so many
    /// bytes. Answers how many they have, none when there is nothing more.
    pub async fn free(&self, bytes: u64) -> Result<u64, StoreError> {
        let (done, freed) = oneshot::channel();
        let work = self.work.upgrade().ok_or(StoreError::Closed)?;
        work.try_send(Work::Free { bytes, done }).map_err(|_| StoreError::Closed)?;
        drop(work);
        freed.await.map_err(|_| StoreError::Closed)
    }
}

impl Thread {
    fn run(mut self, inbox: &Receiver<Work>) {
        loop {
            match self.next(inbox) {
                Ok(Work::Free { bytes, done }) => drop(done.send(self.free(bytes))),
                Ok(Work::Keep { name, text, is_shared, kept }) => {
                    let keep = if is_shared { memo::share } else { memo::put };
                    let result = keep(&self.connection, name, &text);
                    if let Err(error) = &result {
                        tracing::debug!("the memo {name:?} is not kept yet: {error}");
                    }
                    // The caller may be gone.
                    let _told = kept.try_send(result.is_ok());
                }
                Ok(Work::Commit(batch, done)) => {
                    self.now = batch.now.mono;
                    let result = self.commit(&batch);
                    let (failed, nothing) = (result.is_err(), matches!(result, Ok(Committed::Nothing(_))));
                    self.health.commit_ended(nothing);
                    if matches!(result, Ok(Committed::All)) {
                        self.derive(&batch);
                    }
                    // The caller may be gone, which changes nothing about what is durable.
                    drop(done.send(result));
                    if failed {
                        // Nothing is written after a failure: nobody knows what is on the disk.
                        return;
                    }
                    if nothing {
                        continue;
                    }
                    if self.retention.committed(batch.now, self.log.last()) {
                        self.remove_old();
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.retention.is_going_on() => self.remove_old(),
                Err(RecvTimeoutError::Timeout) => {
                    self.retention.time_passes(&self.connection, self.now, self.log.last());
                }
                Ok(Work::Look) => self.log.keep_up(&self.connection),
                Ok(Work::Close) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.chores_at.is_some_and(|at| at <= self.now) {
                self.do_chores();
                self.chores_at = None;
            }
            // Whatever left something to do, also the last thing before a long silence.
            if self.chores_at.is_none() && self.has_chores() {
                self.chores_at = Some(self.now.after_ms(CHORES_EVERY_MS));
            }
            self.health.derived(self.log.is_behind(), self.workers_json.is_behind());
        }
        self.do_chores();
        self.retention.keep_time(&self.connection);
        self.log.sync();
        self.connection.fold();
    }

    /// Waits for a batch, and no longer than there is nothing else to do.
    fn next(&mut self, inbox: &Receiver<Work>) -> Result<Work, RecvTimeoutError> {
        let wait_ms = if self.retention.is_going_on() {
            IDLE_MS
        } else if self.chores_at.is_some() {
            CHORES_EVERY_MS
        } else {
            TIME_EVERY_MS
        };
        let next = inbox.recv_timeout(Duration::from_millis(wait_ms));
        if matches!(next, Err(RecvTimeoutError::Timeout)) {
            self.now = self.now.after_ms(wait_ms);
        }
        next
    }

    /// Without any space nothing is written, and what was written before is read back.
    fn commit(&mut self, batch: &Batch) -> Result<Committed, StoreError> {
        match self.transact_with_ballast(batch) {
            Ok(()) => Ok(Committed::All),
            Err(StoreError::Database(e)) if e.is_full() => {
                Ok(Committed::Nothing(Box::new(load::load(&self.connection, self.retention.seen_ms())?)))
            }
            Err(error) => Err(error),
        }
    }

    fn transact_with_ballast(&mut self, batch: &Batch) -> Result<(), StoreError> {
        match self.transact(batch) {
            Err(StoreError::Database(e)) if e.is_full() && self.folder.drop_ballast() => {
                self.ballast_due = true;
                tracing::warn!("the disk is full: space set aside for this was used, new jobs are refused");
                self.transact(batch)
            }
            result => result,
        }
    }

    fn transact(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        write::batch(&transaction, batch, self.output_keep_bytes)?;
        transaction.commit()
    }

    /// Brings the files up to date that are made from the database, or notes that they are due. They
    /// are not the truth: what fails here is tried again, also by the next start.
    fn derive(&mut self, batch: &Batch) {
        let ended = batch.decisions.iter().any(|decision| matches!(decision, Decision::End { .. }));
        if ended && !self.log.is_behind() {
            self.log.keep_up(&self.connection);
        }
        self.export_due |= batch
            .decisions
            .iter()
            .any(|decision| matches!(decision, Decision::PutWorker(_) | Decision::RemoveWorker { .. }));
    }

    const fn has_chores(&self) -> bool {
        self.export_due || self.ballast_due || self.log.is_behind()
    }

    fn do_chores(&mut self) {
        if self.log.is_behind() {
            self.log.keep_up(&self.connection);
        }
        if self.export_due {
            let result = workers_json::export(&self.connection, self.workers_json.path());
            self.workers_json.note(result);
            self.export_due = self.workers_json.is_behind();
        }
        if self.ballast_due {
            self.ballast_due = !self.folder.take_ballast();
        }
    }

    /// A few old jobs at a time. What fails here is tried again later: nobody waits for it.
    fn remove_old(&mut self) {
        if let Err(e) = self.retention.bite(&mut self.connection, self.log.last()) {
            tracing::warn!("old jobs could not be removed: {e}");
            self.retention.give_up();
        }
    }

    fn free(&mut self, bytes: u64) -> u64 {
        self.retention.free(&mut self.connection, bytes).unwrap_or_else(|e| {
            tracing::warn!("files of old jobs could not be let go: {e}");
            0
        })
    }
}
