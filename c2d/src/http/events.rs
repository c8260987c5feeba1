//! The live event stream: a snapshot, then the rows that each commit changed.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::response::Sse;
use axum::response::sse::Event;
use c2_shared::api::events::{CHANGE, Change, SNAPSHOT, Snapshot};
use c2_shared::api::jobs::LogQuery;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::{broadcast, watch};

use crate::engine::Touched;
use crate::http::handler::{ApiError, App, State, serves};
use crate::http::serve::stopped;
use crate::http::sse;
use crate::rows::{job_row, worker_row};

/// Ended jobs that a snapshot shows.
const ENDED_SHOWN: usize = 200;

/// One reader of the stream.
struct Reader {
    app: App,
    changes: broadcast::Receiver<Arc<Touched>>,
    stopping: watch::Receiver<bool>,
    /// Events that are ready to be sent.
    ready: VecDeque<Event>,
    last_id: u64,
}

serves!(EVENTS => events);

pub(crate) async fn events(
    State(app): State<App>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    // Changes are subscribed to first: what happens meanwhile is sent twice rather than never.
    let (changes, stopping) = (app.engine.changes(), app.stopping.clone());
    let mut reader = Reader { app, changes, stopping, ready: VecDeque::new(), last_id: 0 };
    reader.add_snapshot().await?;
    let stream = unfold(reader, |mut reader| async move { reader.next().await.map(|event| (Ok(event), reader)) });
    Ok(sse::answer(stream))
}

impl Reader {
    /// The next event; none when c2d goes down.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let change = tokio::select! {
                change = self.changes.recv() => change,
                () = stopped(&mut self.stopping) => return None,
            };
            match change {
                Ok(touched) => self.add(CHANGE, &change_of(&touched)),
                // Too slow for the changes: begin again with how things are now.
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.changes = self.changes.resubscribe();
                    self.add_snapshot().await.ok()?;
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    async fn add_snapshot(&mut self) -> Result<(), ApiError> {
        let state = self.app.engine.read(|scheduler, now| {
            (scheduler.workers(now), scheduler.jobs(now, None, None, usize::MAX), scheduler.queue(now))
        });
        let (workers, live, queue) = state.await?;
        let ended = self.app.history.log(LogQuery { lines: Some(ENDED_SHOWN), ..LogQuery::default() }).await?;
        let jobs = ended.iter().map(|(_, job)| &job.view).chain(&live).map(job_row).collect();
        let workers = workers.into_iter().map(worker_row).collect();
        self.add(SNAPSHOT, &Snapshot { workers, jobs, queue });
        Ok(())
    }

    fn add(&mut self, kind: &str, data: &impl Serialize) {
        self.last_id += 1;
        let event = Event::default().id(self.last_id.to_string());
        self.ready.push_back(sse::fill(event, kind, data));
    }
}

fn change_of(touched: &Touched) -> Change {
    Change {
        workers: touched.workers.iter().cloned().map(worker_row).collect(),
        gone: touched.gone.clone(),
        jobs: touched.jobs.iter().map(job_row).collect(),
        queue: touched.queue.clone(),
    }
}
