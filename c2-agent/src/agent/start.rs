//! How an agent begins: with what an earlier run left.

use c2_shared::id::AttemptId;

use super::files::needs_delivery;
use crate::identity::Identity;
use crate::options::Options;
use crate::slots::Slots;
use crate::slurm;
use crate::spool::{Kept, Spool};
use crate::state::StateDir;
use crate::supervise::recover::{self, Found};
use crate::supervise::runners::Runners;
use crate::supervise::synthetic;
use crate::transfer::Transfers;

/// What an agent begins with.
pub(super) struct TakenOver {
    pub(super) slots: Slots,
    pub(super) runners: Runners,
    pub(super) transfers: Transfers,
}

/// Adopts living runners and reports what died with dead ones. Nothing runs twice: whatever a
/// runner noted counts as running until it says otherwise.
pub(super) async fn take_over(
    state: &StateDir,
    identity: &Identity,
    spool: &Spool,
    options: &Options,
    TakenOver { slots, runners, transfers }: &mut TakenOver,
) -> std::io::Result<()> {
    let (elsewhere, workspaces) = (&options.elsewhere, &options.workspace_root);
    let mut resumable = Vec::new();
    let spooled = spool.load()?;
    let known: Vec<AttemptId> = spooled.iter().map(|kept| kept.result.attempt).collect();
    for kept in spooled {
        if needs_delivery(&kept) {
            slots.adopt_delivering(kept.result.attempt, kept.result.outcome.clone());
            transfers.deliver(kept, true);
        } else {
            slots.adopt_ended(kept.result, true);
        }
    }
    for number in state.slots() {
        if identity.came_here {
            // What a folder noted that this one was copied from is not this one's to end.
            if let Some(record) = state.slot(number)?.lock()? {
                record.write([])?;
            }
            continue;
        }
        let (dir, id) = (state.slot(number)?, identity.worker_id.clone());
        let found =
            tokio::task::spawn_blocking(move || recover::look(&dir, &id)).await.map_err(std::io::Error::other)?;
        match found? {
            Found::Alive(noted) => {
                noted.iter().for_each(|attempt| slots.adopt_running(*attempt));
                runners.adopt(number, &noted);
            }
            Found::Dead(owed, record) => {
                for attempt in owed.into_iter().filter(|attempt| !known.contains(attempt)) {
                    if elsewhere.via.is_some() && slurm::resumed(workspaces, attempt).is_some() {
                        slots.adopt_running(attempt);
                        resumable.push(attempt);
                        continue;
                    }
                    tracing::warn!("{attempt} was lost: the process of slot {number} died while no agent ran");
                    let result = synthetic::lost(attempt);
                    spool.put(&Kept::from(result.clone()))?;
                    slots.adopt_ended(result, true);
                }
                record.write([])?;
            }
        }
    }
    // When all living runners are known, so that none of their slots is taken.
    for attempt in resumable {
        if let Some(Err(error)) = runners.resume(attempt) {
            return Err(std::io::Error::other(error));
        }
    }
    state.outputs().sweep(|attempt| slots.holds(attempt));
    if elsewhere.via.is_some() {
        slurm::sweep(workspaces, |attempt| slots.holds(attempt));
    }
    Ok(())
}
