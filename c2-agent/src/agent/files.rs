//! What the agent does about files: jobs wait for what they need, results for what they leave, and
//! workspaces are cleaned when c2d asks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use c2_shared::advice::with_causes;
use c2_shared::api::output::Output;
use c2_shared::api::work::{AttemptResult, Directive};
use c2_shared::blob::BlobId;
use c2_shared::id::AttemptId;
use c2_shared::job::Outcome;
use c2_shared::limits::OUTPUT_INLINE_BYTES;
use c2_shared::wake::{self, Mac};

use super::{Agent, AgentError};
use crate::clock;
use crate::self_test::Tested;
use crate::slurm::Control;
use crate::spool::{Kept, Spooled};
use crate::supervise::synthetic;
use crate::supervise::wire::{Leaves, Start, Verdict};
use crate::transfer::{Moved, called_off};
use crate::upgrade::Fetched;

/// Results before which something else has to be delivered.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    /// What running and ended attempts leave, as their runners said.
    noted: BTreeMap<AttemptId, Leaves>,
    /// Ended attempts that are being written to disk, after which their delivery begins.
    waiting: BTreeMap<AttemptId, Kept>,
}

impl Leaving {
    /// A runner says what an attempt leaves.
    pub(super) fn note(&mut self, attempt: AttemptId, leaves: Leaves) {
        self.noted.insert(attempt, leaves);
    }
}

/// Whether contents of it have to be delivered by themselves.
pub(super) fn needs_delivery(Kept { result, leaves }: &Kept) -> bool {
    let is_long = |output: &Output| output.head.0.len() + output.tail.0.len() > OUTPUT_INLINE_BYTES;
    !leaves.is_empty() || is_long(&result.stdout) || is_long(&result.stderr)
}

impl Agent {
    /// Starts a job, or fetches first what it needs.
    pub(super) fn begin(&mut self, start: Start, spec: Option<BlobId>) {
        if spec.is_none() && start.spec.blobs().next().is_none() {
            return self.launch(start);
        }
        tracing::debug!("{} waits for what it needs", start.attempt);
        self.transfers.fetch(start, spec);
    }

    /// An attempt could not be started. Whether the machine is to blame is looked at first.
    pub(super) fn give_back(&mut self, attempt: AttemptId, reason: String) {
        tracing::error!("{attempt} could not be started: {reason}");
        self.self_test.examine(attempt, reason);
    }

    /// A test of the machine ended.
    pub(super) fn on_tested(&mut self, Tested { error, unstarted }: Tested) {
        let now = clock::elapsed();
        if self.slots.on_tested(now, error.clone()) {
            match error {
                Some(error) => tracing::error!("this machine cannot start jobs: {error}"),
                None => tracing::info!("this machine can start jobs again"),
            }
        }
        for (attempt, reason) in unstarted {
            self.slots.on_returned(now, attempt, reason);
            self.forget_elsewhere(attempt);
        }
    }

    /// Removes what an attempt was followed by that ran elsewhere, or was to.
    pub(super) fn forget_elsewhere(&self, attempt: AttemptId) {
        if self.via.is_some() {
            let control = Control::of(&self.workspace_root, attempt);
            tokio::task::spawn_blocking(move || control.forget());
        }
    }

    pub(super) fn launch(&mut self, mut start: Start) {
        let attempt = start.attempt;
        if self.yields() {
            self.held_back.push(start);
            return;
        }
        start.variables = self.shares.variables(&start.spec.shares);
        match self.runners.start(start) {
            Ok(()) => self.slots.on_launched(clock::elapsed(), attempt),
            Err(error) => self.give_back(attempt, with_causes(&error)),
        }
    }

    /// Ends an attempt that c2d cancelled, wherever it is.
    pub(super) fn kill(&mut self, attempt: AttemptId) {
        let now = clock::elapsed();
        let held_back = self.held_back.extract_if(.., |start| start.attempt == attempt).count();
        if held_back > 0 || self.transfers.stop_fetching(attempt) {
            self.slots.on_ended(now, synthetic::cancelled(attempt));
        } else if let Some((result, on_disk)) = self.transfers.stop_delivering(attempt) {
            self.end(result, on_disk);
        } else if let Some(kept) = self.leaving.waiting.remove(&attempt) {
            self.end(called_off(&kept), true);
        } else {
            self.runners.kill(attempt, Verdict::Cancelled);
        }
    }

    /// An attempt is over, or its end is said again. Its result is reported now, or when what it
    /// leaves is delivered. That is on disk first, so that it goes on whatever happens to this process
    /// or to the runner.
    pub(super) fn on_result(&mut self, result: AttemptResult) {
        let attempt = result.attempt;
        let leaves = self.leaving.noted.remove(&attempt).unwrap_or_default();
        let kept = Kept { result, leaves };
        if !needs_delivery(&kept) {
            self.slots.on_ended(clock::elapsed(), kept.result);
        } else if self.slots.is_open(attempt) && !self.is_leaving(attempt) {
            tracing::debug!("{attempt} ended: {}; what it leaves is delivered now", kept.result.outcome);
            self.slots.on_delivering(clock::elapsed(), attempt, kept.result.outcome.clone());
            self.spooler.put(kept.clone());
            self.leaving.waiting.insert(attempt, kept);
        }
    }

    /// A runner that is connected to anew says the end of an attempt.
    pub(super) fn adopt(&mut self, result: AttemptResult) {
        let attempt = result.attempt;
        if let Outcome::Setup { reason } = result.outcome {
            self.slots.adopt_running(attempt);
            return self.give_back(attempt, reason);
        }
        if self.is_leaving(attempt) {
            self.leaving.noted.remove(&attempt);
            return;
        }
        let leaves = self.leaving.noted.get(&attempt).cloned().unwrap_or_default();
        let kept = Kept { result, leaves };
        if needs_delivery(&kept) {
            self.slots.adopt_running(attempt);
            self.on_result(kept.result);
        } else {
            self.slots.adopt_ended(kept.result, false);
        }
    }

    /// Whether an attempt has ended as far as its runner is concerned, though not yet for c2d.
    pub(super) fn is_leaving(&self, attempt: AttemptId) -> bool {
        self.transfers.delivers(attempt) || self.leaving.waiting.contains_key(&attempt)
    }

    /// A result is on disk, or cannot be. What it waits for is delivered in either case.
    pub(super) fn on_spooled(&mut self, Spooled { attempt, on_disk }: Spooled) {
        self.slots.on_spooled(attempt, on_disk);
        if let Some(kept) = self.leaving.waiting.remove(&attempt) {
            if on_disk {
                self.runners.forget(attempt);
            }
            self.transfers.deliver(kept, on_disk);
        }
    }

    /// c2d does not have everything that a result names.
    pub(super) fn deliver_again(&mut self, attempt: AttemptId) {
        let Some((mut result, on_disk)) = self.slots.take_back(attempt) else { return };
        if self.transfers.deliver_again(attempt) {
            return;
        }
        tracing::warn!("{attempt}: c2d has lost contents of its result that are not here any more");
        for output in [&mut result.stdout, &mut result.stderr] {
            if output.blob.take().is_some() {
                // Its length is all that is known of it.
                "neither c2d nor the worker has it any more".clone_into(&mut output.reason);
            }
        }
        if result.listing.take().is_some() {
            result.problems = vec!["neither c2d nor the worker has the list of files any more".to_owned()];
        }
        self.end(result, on_disk);
    }

    /// The report of a result failed; its contents may get through by themselves.
    pub(super) fn shorten(&mut self, attempt: AttemptId) {
        if let Some((result, on_disk)) = self.slots.take_back(attempt) {
            self.transfers.shorten(result, on_disk);
        }
    }

    pub(super) fn on_moved(&mut self, moved: Moved) {
        match moved {
            Moved::Delivered { result, on_disk } => self.end(*result, on_disk),
            Moved::Fetched { start, verdict } => self.on_fetched(*start, verdict),
        }
    }

    fn on_fetched(&mut self, start: Start, verdict: Result<(), String>) {
        match verdict {
            Err(reason) => self.give_back(start.attempt, reason),
            // Fetching took time, and c2d may have been away all the while.
            Ok(()) => self.begin_late(start),
        }
    }

    fn end(&mut self, result: AttemptResult, on_disk: bool) {
        let now = clock::elapsed();
        if on_disk { self.slots.on_ended_on_disk(now, result) } else { self.slots.on_ended(now, result) }
    }

    /// Does what c2d asks beside jobs.
    pub(super) fn obey(&mut self, seq: u64, directives: &[Directive]) {
        self.upgrades.answered(seq);
        for directive in directives {
            match directive {
                Directive::Cleanup { id, keep } => self.cleanup.begin(*id, self.slots.jobs(), keep),
                Directive::Upgrade { id, offer } => self.upgrades.begin(*id, offer),
                Directive::Wake { ip, mac } => wake_other(*ip, *mac),
                Directive::Register | Directive::Read(_) | Directive::Unknown => {}
            }
        }
    }
}

impl Agent {
    /// A newer program is here, or was not to be had.
    pub(super) fn on_program(&mut self, fetched: Fetched) -> Result<(), AgentError> {
        self.slots.speak();
        self.upgrades.take(fetched)
    }
}

/// Wakes another machine for c2d, which may be in another network.
fn wake_other(ip: IpAddr, mac: Mac) {
    tokio::task::spawn_blocking(move || match wake::wake(mac, ip) {
        Ok(0) => tracing::debug!("{ip} is in no network of this machine, so it is not woken from here"),
        Ok(_) => tracing::info!("woke {mac} at {ip}, as c2d asked"),
        Err(error) => tracing::warn!("cannot send the packet that wakes {mac} at {ip}: {error}"),
    });
}
