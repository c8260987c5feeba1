//! Writes into the audit log what workers did that was no request of its own kind: another identity at an
//! address, results that are not theirs to decide.

use std::net::IpAddr;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::audit::{Audit, Kind};
use crate::clock::Clock;
use crate::engine::Noted;
use crate::sched::Note;
use crate::store::History;
use crate::tally::{More, Tally};

/// A worker that goes on with it is one line of the log in this time.
const LOGGED_EVERY_MS: u64 = 60_000;
/// Workers that are told apart.
const WORKERS_MAX: usize = 256;

/// Listens until the engine is gone.
pub(crate) async fn run(mut notes: Receiver<Noted>, history: History, audit: Audit, clock: Clock) {
    let mut logged = Tally::new(LOGGED_EVERY_MS, WORKERS_MAX);
    loop {
        let noted = match notes.recv().await {
            Ok(noted) => noted,
            Err(RecvError::Closed) => return,
            Err(RecvError::Lagged(missed)) => {
                audit.saw(Kind::Refused, None, format!("{missed} more of what workers did came too fast")).await;
                continue;
            }
        };
        let text = noted.note.to_string();
        let (kind, from) = match noted.note {
            Note::Foreign { worker, attempt } | Note::Unwanted { worker, attempt } => {
                // The same result once more says only that an answer was lost.
                let known = history.digest(attempt).await;
                if noted.digest.is_some() && known.is_ok_and(|known| known == noted.digest) {
                    continue;
                }
                log(&mut logged, worker.ip, text.clone(), clock);
                (Kind::Refused, worker.ip)
            }
            Note::Cloned { at, .. } => (Kind::Refused, at),
            Note::Moved { worker, .. }
            | Note::PassedOn { to: worker, .. }
            | Note::Replaced { worker, .. }
            | Note::Removed { worker, .. } => (Kind::Repeated, worker.ip),
            // The others are for the log alone.
            _ => continue,
        };
        audit.saw(kind, Some(from), text).await;
    }
}

fn log(logged: &mut Tally<IpAddr, String>, worker: IpAddr, what: String, clock: Clock) {
    let now = clock.now().mono;
    for More { times, last } in logged.due(now) {
        tracing::warn!("{times} more like this: {last}");
    }
    if let Some(what) = logged.count(worker, what, now) {
        tracing::warn!("{what}");
    }
}
