//! The live event stream: a snapshot, then the rows that each commit changed.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use c2_shared::api::events::{CHANGE, Change, GoneWorker, SNAPSHOT, Snapshot};
use c2_shared::api::jobs::{LogQuery, QueueStatus};
use c2_shared::api::workers::WorkerRow;
use c2_shared::id::JobId;
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
/// Jobs in each piece of a snapshot: few, so that others have their turn between two of them.
const JOBS_PER_PIECE: usize = 100;

/// One reader of the stream.
struct Reader {
    app: App,
    changes: broadcast::Receiver<Arc<Touched>>,
    stopping: watch::Receiver<bool>,
    ready: Option<Bytes>,
    /// What is left of a snapshot.
    rest: Option<Rest>,
    last_id: u64,
}

/// The end of a snapshot. Its jobs are looked up as they are sent: a reader that is slow takes no memory.
struct Rest {
    /// The last active job that was sent.
    after: Option<JobId>,
    /// Whether any row was.
    begun: bool,
    /// What stands behind all of them.
    end: String,
}

serves!(EVENTS => events);

pub(crate) async fn events(State(app): State<App>) -> Result<Response, ApiError> {
    // Changes are subscribed to first: what happens meanwhile is sent twice rather than never.
    let (changes, stopping) = (app.engine.changes(), app.stopping.clone());
    let mut reader = Reader { app, changes, stopping, ready: None, rest: None, last_id: 0 };
    reader.begin_snapshot().await?;
    Ok(sse::pieces(unfold(reader, |mut reader| async move { reader.next().await.map(|piece| (piece, reader)) })))
}

impl Reader {
    /// The next piece; none when c2d goes down.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.ready.take() {
                return Some(piece);
            }
            if self.rest.is_some() {
                return self.next_rows().await;
            }
            let change = tokio::select! {
                change = self.changes.recv() => change,
                () = stopped(&mut self.stopping) => return None,
                () = tokio::time::sleep(sse::KEEP_ALIVE) => return Some(Bytes::from_static(sse::COMMENT.as_bytes())),
            };
            match change {
                Ok(touched) => {
                    let change = json(&change_of(&touched));
                    return Some(format!("{}{change}{}", self.head(CHANGE), sse::END).into());
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
        let state = self.app.engine.read(|scheduler, now| (scheduler.workers(now), scheduler.queue(now)));
        let (workers, queue) = state.await?;
        let ended = self.app.history.log(LogQuery { lines: Some(ENDED_SHOWN), ..LogQuery::default() }, None).await?;
        let ended: Vec<JobView> = ended.into_iter().map(|(_, job)| job.view).collect();
        let workers = workers.into_iter().map(worker_row).collect();
        let (begin, end) = around(&self.head(SNAPSHOT), workers, queue);
        self.ready = Some((begin + &rows(&ended, false)).into());
        self.rest = Some(Rest { after: None, begun: !ended.is_empty(), end });
        Ok(())
    }

    /// The next active jobs, or the end behind them.
    async fn next_rows(&mut self) -> Option<Bytes> {
        let mut rest = self.rest.take()?;
        let page = self.app.engine.read(move |scheduler, now| scheduler.jobs(now, None, rest.after, JOBS_PER_PIECE));
        let page = page.await.ok()?;
        let Some(last) = page.last() else { return Some(rest.end.into()) };
        rest.after = Some(last.id);
        let piece = rows(&page, rest.begun);
        self.rest = Some(Rest { begun: true, ..rest });
        Some(piece.into())
    }

    fn head(&mut self, kind: &str) -> String {
        self.last_id += 1;
        sse::head(self.last_id, kind)
    }
}

/// What stands before the jobs of a snapshot, and what behind them: it is one event.
fn around(head: &str, workers: Vec<WorkerRow>, queue: QueueStatus) -> (String, String) {
    let snapshot = json(&Snapshot { workers, jobs: Vec::new(), queue });
    // Only numbers stand behind them.
    let (before, after) = snapshot.rsplit_once("\"jobs\":[]").expect("a snapshot has jobs");
    (format!("{head}{before}\"jobs\":["), format!("]{after}{}", sse::END))
}

/// Some of its jobs; others were `begun` before.
fn rows(jobs: &[JobView], begun: bool) -> String {
    let comma = |place| if begun || place > 0 { "," } else { "" };
    jobs.iter().enumerate().map(|(place, job)| format!("{}{}", comma(place), json(&job_row(job)))).collect()
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

    use c2_shared::job::JobState;

    use super::*;
    use crate::sched::Figures;

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
            frozen: false,
            submitted_ms: 1,
            started_ms: None,
            ended_ms: None,
            figures: Figures::default(),
            outcome: None,
        }
    }

    #[test]
    fn the_pieces_of_a_snapshot_are_one_event() {
        for pieces in [vec![], vec![1], vec![3], vec![2, 1], vec![2, 2, 3]] {
            let count = pieces.iter().sum();
            let jobs: Vec<JobView> = (1..=count).map(view).collect();
            let (mut text, end) = around(&sse::head(7, SNAPSHOT), Vec::new(), QueueStatus::default());
            let mut sent = 0;
            for len in pieces {
                text += &rows(&jobs[sent..sent + len], sent > 0);
                sent += len;
            }
            text += &end;
            let data = text.strip_prefix("id: 7\nevent: snapshot\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
            let read: Snapshot = serde_json::from_str(data).unwrap();
            assert_eq!(read, Snapshot { jobs: jobs.iter().map(job_row).collect(), ..Snapshot::default() });
            assert!(!data.contains('\n'), "one line");
        }
    }
}
