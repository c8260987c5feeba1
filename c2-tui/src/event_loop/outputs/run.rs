//! What a running command gives, line by line as it comes.
//!
//! The command writes into the spool itself, so that one that gives faster than the disk takes is
//! slowed down; whoever shows it only ever learns the latest state.

use std::path::{Path, PathBuf};

use tokio::sync::{mpsc, watch};

use super::document::{Document, Gone, Order};
use crate::app::msg::News;
use crate::app::report::DocumentId;
use crate::app::watch::Tally;
use crate::event_loop::spool::Spool;
use crate::ssh::run::Verdict;

/// What was written, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    spool: Option<Spool>,
    tally: Tally,
    failed: Option<String>,
}

/// Takes what a command gives.
pub(in crate::event_loop) struct Writer {
    folder: PathBuf,
    name: String,
    kept: watch::Sender<Kept>,
}

impl Writer {
    pub(super) fn new(folder: &Path, id: DocumentId) -> (Self, watch::Receiver<Kept>) {
        let (kept, latest) = watch::channel(Kept::default());
        (Self { folder: folder.to_owned(), name: Document::file_name(id), kept }, latest)
    }

    pub(in crate::event_loop) fn write(&self, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        self.kept.send_if_modified(|kept| {
            if kept.failed.is_some() {
                return false;
            }
            let spool = match &mut kept.spool {
                Some(spool) => Ok(spool),
                None => Spool::create(&self.folder, &self.name).map(|spool| kept.spool.insert(spool)),
            };
            if let Err(error) = spool.and_then(|spool| spool.append(text)) {
                kept.failed = Some(format!("the output cannot be kept: {error}"));
            }
            true
        });
    }

    pub(in crate::event_loop) fn expect(&self, workers: usize) {
        self.kept.send_modify(|kept| kept.tally.workers = workers);
    }

    /// Counts how a command ended on a worker.
    pub(in crate::event_loop) fn count(&self, verdict: &Verdict) {
        self.kept.send_modify(|kept| match verdict {
            Verdict::Exited { exit: 0 } => kept.tally.done += 1,
            Verdict::Exited { .. } | Verdict::TimedOut => kept.tally.failed += 1,
            Verdict::Unreachable { .. } => kept.tally.unreachable += 1,
            Verdict::Interrupted => {}
        });
    }
}

/// Shows what is written until nobody looks any more.
pub(super) async fn serve(
    mut document: Document,
    mut orders: mpsc::Receiver<Order>,
    mut kept: watch::Receiver<Kept>,
) -> Result<(), Gone> {
    let (mut goes_on, mut tally, mut told) = (true, Tally::default(), false);
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                None => return Ok(()),
                Some(Order::Read(blocks)) => document.read(blocks).await?,
                Some(Order::Save { path, overwrite }) => document.save(path, overwrite).await?,
            },
            changed = kept.changed(), if goes_on => {
                goes_on = changed.is_ok();
                let now = kept.borrow_and_update().clone();
                if let Some(spool) = now.spool.filter(|s| document.spool.as_ref().map_or(0, Spool::len) < s.len()) {
                    document.grow(spool).await?;
                }
                if now.tally != tally {
                    tally = now.tally;
                    document.tell(News::Tally(tally)).await?;
                }
                if let Some(message) = now.failed.filter(|_| !told) {
                    told = true;
                    document.fail(message).await?;
                }
            }
        }
    }
}
