//! The thread that owns the connection which writes.
//!
//! The engine already gathers what waits into one batch, so a batch is a transaction here. After
//! the commit the engine is told at once; the derived files follow while it works on the next.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use c2_shared::config::Retention;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::engine::{Batch, Durable};
use crate::sched::Decision;
use crate::store::folder::{Folder, free_bytes};
use crate::store::jobs_log::JobsLog;
use crate::store::observed::Observed;
use crate::store::retention::Sweep;
use crate::store::{StoreError, workers_json, write};

/// At most this often `workers.json` is written, however fast workers change.
const EXPORT_EVERY: Duration = Duration::from_secs(1);

/// When nothing came for so long, the store is idle enough to remove old jobs.
const IDLE: Duration = Duration::from_millis(20);

/// Takes batches to the thread that writes.
#[derive(Debug)]
pub struct Writer {
    work: SyncSender<Work>,
    thread: std::thread::JoinHandle<()>,
    dir: PathBuf,
}

type Work = (Batch, oneshot::Sender<Result<(), StoreError>>);

struct Thread {
    connection: Connection,
    folder: Folder,
    log: JobsLog,
    workers_json: PathBuf,
    /// Workers changed since `workers.json` was written.
    export_due: bool,
    /// Removes what was kept long enough.
    sweep: Sweep,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        folder: Folder,
        log: JobsLog,
        workers_json: PathBuf,
        keep: Retention,
    ) -> Result<Self, StoreError> {
        let dir = folder.dir().to_owned();
        let sweep = Sweep::new(keep, Observed::load(&connection)?);
        let thread = Thread { connection, folder, log, workers_json, export_due: true, sweep };
        let (work, inbox) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || thread.run(&inbox))
            .map_err(StoreError::file(&dir))?;
        Ok(Self { work, thread, dir })
    }

    /// Writes what is derived, folds the log of SQLite into its file and closes everything.
    pub fn close(self) {
        drop(self.work);
        if self.thread.join().is_err() {
            tracing::error!("the store's thread ended badly; the database itself is whole");
        }
    }
}

impl Durable for Writer {
    type Error = StoreError;

    async fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        let (done, committed) = oneshot::channel();
        // The engine waits for each commit, so there is always room.
        self.work.try_send((batch, done)).map_err(|_| StoreError::Closed)?;
        committed.await.unwrap_or(Err(StoreError::Closed))
    }

    fn free_bytes(&self) -> u64 {
        free_bytes(&self.dir)
    }
}

impl Thread {
    fn run(mut self, inbox: &Receiver<Work>) {
        loop {
            let next = if self.sweep.is_going_on() {
                inbox.recv_timeout(IDLE)
            } else if self.export_due {
                inbox.recv_timeout(EXPORT_EVERY)
            } else {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match next {
                Ok((batch, done)) => {
                    let result = self.commit(&batch);
                    let failed = result.is_err();
                    // Whoever waited may be gone, which changes nothing about what is durable.
                    drop(done.send(result));
                    if failed {
                        // Nothing is written after a failure: nobody knows what is on the disk.
                        return;
                    }
                    self.derive(&batch);
                    if self.sweep.committed(batch.now, self.log.last()) {
                        self.remove_old();
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.sweep.is_going_on() => self.remove_old(),
                Err(RecvTimeoutError::Timeout) => self.export(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.export();
        self.log.sync();
        if let Err(e) = self.connection.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
            tracing::debug!("the database was not folded at the end: {e}");
        }
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        match self.transact(batch) {
            Err(StoreError::Database(e)) if is_full(&e) && self.folder.drop_ballast() => {
                tracing::warn!("the disk is full: space set aside for this was used, new jobs are refused");
                self.transact(batch)
            }
            result => result,
        }
    }

    fn transact(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write::batch(&transaction, batch)?;
        Ok(transaction.commit()?)
    }

    /// Brings the files up to date that are made from the database. They are not the truth: what
    /// fails here is mended at the next start.
    fn derive(&mut self, batch: &Batch) {
        let ended = batch.decisions.iter().filter(|decision| matches!(decision, Decision::End { .. })).count();
        if ended > 0
            && let Err(e) = self.log.catch_up(&self.connection)
        {
            tracing::error!("the log of ended jobs is behind and is mended at the next start: {e}");
        }
        self.export_due |= batch
            .decisions
            .iter()
            .any(|decision| matches!(decision, Decision::PutWorker(_) | Decision::RemoveWorker { .. }));
    }

    /// A few old jobs at a time. What fails here is tried again later: nobody waits for it.
    fn remove_old(&mut self) {
        if let Err(e) = self.sweep.bite(&mut self.connection, self.log.last()) {
            tracing::warn!("old jobs could not be removed: {e}");
            self.sweep.give_up();
        }
    }

    fn export(&mut self) {
        if self.export_due {
            self.export_due = false;
            if let Err(e) = workers_json::export(&self.connection, &self.workers_json) {
                tracing::error!("the list of workers could not be written: {e}");
            }
            self.folder.take_ballast();
        }
    }
}

fn is_full(e: &rusqlite::Error) -> bool {
    e.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}
