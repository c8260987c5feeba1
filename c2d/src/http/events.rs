//! The live event stream: a snapshot, then the rows that each commit changed.

use std::iter;
use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use c2_shared::api::events::{CHANGE, Change, GoneWorker, SNAPSHOT, Snapshot};
use c2_shared::api::jobs::{LogQuery, QueueStatus};
use c2_shared::api::workers::WorkerRow;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::{broadcast, watch};

use crate::engine::Touched;
use crate::http::handler::{ApiError, App, State, serves};
use crate::http::serve::stopped;
use crate::http::sse;
use crate::rows::{job_row, worker_row};
use crate::sched::{JobView, Who};

/// Ended jobs that a snapshot shows.
const ENDED_SHOWN: usize = 200;
/// Jobs in each piece of a snapshot, some hundred KiB.
const JOBS_PER_PIECE: usize = 500;

/// One reader of the stream.
struct Reader {
    app: App,
    changes: broadcast::Receiver<Arc<Touched>>,
    stopping: watch::Receiver<bool>,
    /// What is to be sent, written as it is taken.
    ready: Box<dyn Iterator<Item = Bytes> + Send>,
    last_id: u64,
}

serves!(EVENTS => events);

pub(crate) async fn events(State(app): State<App>) -> Result<Response, ApiError> {
    // Changes are subscribed to first: what happens meanwhile is sent twice rather than never.
    let (changes, stopping) = (app.engine.changes(), app.stopping.clone());
    let mut reader = Reader { app, changes, stopping, ready: Box::new(iter::empty()), last_id: 0 };
    reader.begin_snapshot().await?;
    Ok(sse::pieces(unfold(reader, |mut reader| async move { reader.next().await.map(|piece| (piece, reader)) })))
}

impl Reader {
    /// The next piece; none when c2d goes down.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.ready.next() {
                return Some(piece);
            }
            let change = tokio::select! {
                change = self.changes.recv() => change,
                () = stopped(&mut self.stopping) => return None,
                () = tokio::time::sleep(sse::KEEP_ALIVE) => return Some(Bytes::from_static(sse::COMMENT.as_bytes())),
            };
            match change {
                Ok(touched) => {
                    let change = json(&change_of(&touched));
                    let event = format!("{}{change}{}", self.head(CHANGE), sse::END);
                    self.ready = Box::new(iter::once(event.into()));
                }
                // Too slow for the changes: begin again with how things are now.
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.changes = self.changes.resubscribe();
                    self.begin_snapshot().await.ok()?;
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    async fn begin_snapshot(&mut self) -> Result<(), ApiError> {
        let state = self.app.engine.read(|scheduler, now| {
            (scheduler.workers(now), scheduler.jobs(now, None, None, usize::MAX), scheduler.queue(now))
        });
        let (workers, live, queue) = state.await?;
        let ended = self.app.history.log(LogQuery { lines: Some(ENDED_SHOWN), ..LogQuery::default() }, None).await?;
        let jobs = ended.into_iter().map(|(_, job)| job.view).chain(live).collect();
        let workers = workers.into_iter().map(worker_row).collect();
        self.ready = Box::new(pieces(&self.head(SNAPSHOT), workers, jobs, queue));
        Ok(())
    }

    fn head(&mut self, kind: &str) -> String {
        self.last_id += 1;
        sse::head(self.last_id, kind)
    }
}

/// A snapshot as one event, of which only a few jobs are in memory as text.
fn pieces(
    head: &str,
    workers: Vec<WorkerRow>,
    jobs: Vec<JobView>,
    queue: QueueStatus,
) -> impl Iterator<Item = Bytes> + Send + use<> {
    let around = json(&Snapshot { workers, jobs: Vec::new(), queue });
    // Only numbers stand behind them.
    let (before, after) = around.rsplit_once("\"jobs\":[]").expect("a snapshot has jobs");
    let (first, last) = (format!("{head}{before}\"jobs\":["), format!("]{after}{}", sse::END));
    let mut jobs = jobs.into_iter().enumerate().peekable();
    let rows = iter::from_fn(move || {
        jobs.peek()?;
        let few = jobs.by_ref().take(JOBS_PER_PIECE);
        Some(few.map(|(place, job)| format!("{}{}", if place > 0 { "," } else { "" }, json(&job_row(&job)))).collect())
    });
    let pieces = iter::once(first).chain(rows).chain(iter::once(last));
    pieces.map(|piece: String| piece.into())
}

fn json(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("our own plain types become JSON")
}

fn gone(Who { id, ip, hostname }: Who) -> GoneWorker {
    GoneWorker { ip, hostname, worker_id: id }
}

fn change_of(touched: &Touched) -> Change {
    Change {
        workers: touched.workers.iter().cloned().map(worker_row).collect(),
        gone: touched.gone.iter().cloned().map(gone).collect(),
        jobs: touched.jobs.iter().map(job_row).collect(),
        queue: touched.queue.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use c2_shared::id::JobId;
    use c2_shared::job::JobState;

    use super::*;

    fn view(id: usize) -> JobView {
        JobView {
            id: JobId(id as u64),
            state: JobState::Queued,
            payload: r#"{"command":"echo \"\\\"jobs\\\":[]\""}"#.into(),
            attempt: 1,
            worker: Some("cafe".into()),
            ip: Some(Ipv4Addr::LOCALHOST.into()),
            cancelling: false,
            unreachable: false,
            delivering: false,
            submitted_ms: 1,
            started_ms: None,
            ended_ms: None,
            took_ms: None,
            outcome: None,
        }
    }

    #[test]
    fn the_pieces_of_a_snapshot_are_one_event() {
        for count in [0, 1, JOBS_PER_PIECE, JOBS_PER_PIECE + 1, 3 * JOBS_PER_PIECE] {
            let jobs: Vec<JobView> = (1..=count).map(view).collect();
            let rows: Vec<_> = jobs.iter().map(job_row).collect();
            let head = sse::head(7, SNAPSHOT);
            let sent: Vec<Bytes> = pieces(&head, Vec::new(), jobs, QueueStatus::default()).collect();
            assert_eq!(sent.len(), 2 + count.div_ceil(JOBS_PER_PIECE));
            let text = String::from_utf8(sent.concat()).unwrap();
            let data = text.strip_prefix("id: 7\nevent: snapshot\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
            let read: Snapshot = serde_json::from_str(data).unwrap();
            assert_eq!(read, Snapshot { jobs: rows, ..Snapshot::default() });
            assert!(!data.contains('\n'), "one line");
        }
    }
}
