//! What the agent does about files: jobs wait for what they need, results for what they leave, and
//! workspaces are cleaned when c2d asks.

use std::collections::BTreeMap;

use c2_shared::api::work::{AttemptResult, Directive};
use c2_shared::id::AttemptId;

use super::{Agent, keep};
use crate::clock;
use crate::spool::Kept;
use crate::supervise::synthetic;
use crate::supervise::wire::{Start, Verdict};
use crate::transfer::Moved;

/// Results whose files have to be delivered first.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    /// What running and ended attempts leave, as their runners said.
    globs: BTreeMap<AttemptId, Vec<String>>,
    /// Ended attempts whose delivery has not begun.
    waiting: Vec<Kept>,
}

impl Leaving {
    /// A runner says what an attempt leaves.
    pub(super) fn note(&mut self, attempt: AttemptId, globs: Vec<String>) {
        self.globs.insert(attempt, globs);
    }

    /// What is left of it is to be delivered before the result.
    pub(super) fn wait(&mut self, kept: Kept) {
        self.waiting.push(kept);
    }
}

impl Agent {
    /// Starts a job, or fetches first what it needs.
    pub(super) fn begin(&mut self, start: Start) {
        if start.spec.blobs().next().is_none() {
            return self.launch(start);
        }
        tracing::debug!("{} waits for what it needs", start.attempt);
        self.transfers.fetch(start);
    }

    fn launch(&mut self, start: Start) {
        let attempt = start.attempt;
        if let Err(error) = self.runners.start(start) {
            tracing::error!("{attempt}: {error}");
            self.slots.on_ended(clock::elapsed(), synthetic::failed_setup(attempt, &error));
        }
    }

    /// Ends an attempt that c2d cancelled, wherever it is.
    pub(super) fn kill(&mut self, attempt: AttemptId) {
        let now = clock::elapsed();
        if self.transfers.stop_fetching(attempt) {
            self.slots.on_ended(now, synthetic::cancelled(attempt));
        } else if let Some((result, on_disk)) = self.transfers.stop_delivering(attempt) {
            self.end(result, on_disk);
        } else {
            self.runners.kill(attempt, Verdict::Cancelled);
        }
    }

    /// An attempt is over, or its end is said again. Its result is reported now, or when its files
    /// are delivered.
    pub(super) fn on_result(&mut self, result: AttemptResult) {
        let attempt = result.attempt;
        match self.leaving.globs.remove(&attempt) {
            None => self.slots.on_ended(clock::elapsed(), result),
            Some(download) if self.slots.is_running(attempt) && !self.is_leaving(attempt) => {
                self.leaving.wait(Kept { result, download });
            }
            Some(_) => {}
        }
    }

    /// A runner that is connected to anew says the end of an attempt.
    pub(super) fn adopt(&mut self, result: AttemptResult) {
        if self.leaving.globs.contains_key(&result.attempt) {
            self.slots.adopt_running(result.attempt);
            self.on_result(result);
        } else if !self.is_leaving(result.attempt) {
            self.slots.adopt_ended(result, false);
        }
    }

    /// Whether an attempt has ended as far as its runner is concerned, though not yet for c2d.
    pub(super) fn is_leaving(&self, attempt: AttemptId) -> bool {
        self.transfers.delivers(attempt) || self.leaving.waiting.iter().any(|kept| kept.result.attempt == attempt)
    }

    /// Begins the deliveries that wait. Each is on disk first, so that it goes on whatever happens
    /// to this process or to the runner.
    pub(super) async fn begin_deliveries(&mut self) {
        for kept in std::mem::take(&mut self.leaving.waiting) {
            let attempt = kept.result.attempt;
            tracing::debug!("{attempt} ended: {}; its files are delivered now", kept.result.outcome);
            let on_disk = keep(&self.spool, kept.clone()).await;
            if on_disk {
                self.runners.forget(attempt);
            }
            self.transfers.deliver(kept, on_disk);
        }
    }

    pub(super) fn on_moved(&mut self, moved: Moved) {
        match moved {
            Moved::Delivered { result, on_disk } => self.end(*result, on_disk),
            Moved::Fetched { start, verdict } => self.on_fetched(*start, verdict),
        }
    }

    fn on_fetched(&mut self, mut start: Start, verdict: Result<(), String>) {
        let (now, attempt) = (clock::elapsed(), start.attempt);
        // Fetching took time, and c2d may have been away all the while.
        start.lease_ms = start.lease_ms.map(|_| self.slots.lease_left_ms(now));
        match verdict {
            Err(reason) => {
                tracing::warn!("{attempt}: {reason}");
                self.slots.on_ended(now, synthetic::failed_setup(attempt, &reason));
            }
            Ok(()) if start.lease_ms == Some(0) => self.slots.on_ended(now, synthetic::lost(attempt)),
            Ok(()) => self.launch(start),
        }
    }

    fn end(&mut self, result: AttemptResult, on_disk: bool) {
        let now = clock::elapsed();
        if on_disk { self.slots.on_ended_on_disk(now, result) } else { self.slots.on_ended(now, result) }
    }

    /// Does what c2d asks beside jobs.
    pub(super) fn obey(&mut self, directives: &[Directive]) {
        for directive in directives {
            match directive {
                Directive::Cleanup { id } => self.cleanup.begin(*id, self.slots.jobs()),
                Directive::Register | Directive::Read(_) | Directive::Unknown => {}
            }
        }
    }
}
