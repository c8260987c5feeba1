//! Output while it is written: the worker's side and the watcher's.
//!
//! A watcher reads from the worker while the attempt runs and from the store when it has ended;
//! positions make sure that it gets each byte that was kept once, whatever breaks in between.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use c2_shared::api::jobs::{JobRow, Stream as StreamName};
use c2_shared::api::live::{ENDED, FollowQuery, NextRead, OutputAnswer, OutputRead, Piece, WRITTEN, Written};
use c2_shared::api::workers::Output;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::JobState;
use c2_shared::limits::{BODY_BYTES_MAX, OUTPUT_HEAD_BYTES, OUTPUT_TAIL_BYTES, PARK_MAX_S, PIECE_BYTES_MAX};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::{broadcast, watch};

use crate::engine::Touched;
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{JsonBody, Name, QueryOf};
use crate::http::role::{Operator, WorkerPeer};
use crate::http::serve::stopped;
use crate::relay::ReadId;
use crate::rows::job_row;
use crate::sched::{JobView, Reject};

/// A comment is sent after so much silence, so that both sides notice a broken connection.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How long a question may be open: a worker answers it after [`PARK_MAX_S`] at the latest.
const PATIENCE: Duration = Duration::from_secs(2 * PARK_MAX_S);
/// How long to wait for news of a job whose worker does not say that it runs it.
const LULL: Duration = Duration::from_secs(2);

/// Takes what an attempt wrote, as it was asked for.
pub(crate) async fn live(
    peer: WorkerPeer,
    State(app): State<App>,
    Name(ip): Name,
    JsonBody(answer): JsonBody<OutputAnswer, BODY_BYTES_MAX>,
) -> Result<Json<NextRead>, ApiError> {
    let worker = peer.at(ip.parse().ok())?;
    Ok(Json(NextRead { read: app.relay.answered(worker, answer).await }))
}

/// Streams what a job writes until it has ended.
pub(crate) async fn follow(
    _: Operator,
    State(app): State<App>,
    QueryOf(query): QueryOf<FollowQuery>,
    name: Name,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let job = name.job()?;
    app.history.job(job).await?.ok_or(Reject::UnknownJob { job })?;
    let (changes, stopping) = (app.engine.changes(), app.stopping.clone());
    let number = query.attempt.unwrap_or(0);
    let at = Place { number, stdout: query.stdout, stderr: query.stderr };
    let watcher = Watcher { app, job, changes, stopping, at, last: None, ready: VecDeque::new(), ended: false };
    let stream = unfold(watcher, |mut watcher| async move { watcher.next().await.map(|event| (Ok(event), watcher)) });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// What a running attempt wrote so far, with a line in place of what was not kept; none if its
/// worker does not say. Empty when it has ended meanwhile.
pub(crate) async fn so_far(app: &App, view: &JobView, stream: StreamName) -> Option<Vec<u8>> {
    let attempt = AttemptId { job: view.id, number: view.attempt };
    let worker = listener(app, view).await?;
    let (mut kept, mut last) = (Output::default(), None);
    // More than this a runner does not keep, however fast the job writes.
    for _ in 0..=(OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES) / PIECE_BYTES_MAX + 1 {
        let end = kept.total_bytes();
        let read = OutputRead { id: 0, attempt, stdout: end, stderr: end, wait: false };
        let (answer, id) = app.relay.ask(worker, read, last, PATIENCE).await.ok()?;
        last = Some(id);
        let piece = match stream {
            StreamName::Stdout => answer.stdout,
            StreamName::Stderr => answer.stderr,
        };
        if piece.data.is_empty() {
            break;
        }
        kept.append(&piece);
    }
    Some(kept.render())
}

/// The worker that runs a job, if it is one that can be asked: a plain client only takes work.
async fn listener(app: &App, view: &JobView) -> Option<IpAddr> {
    let ip = view.worker?;
    let worker = app.engine.read(move |scheduler, now| scheduler.worker(now, ip)).await.ok()??;
    (!worker.intro.worker_id.is_empty()).then_some(ip)
}

/// How far a watcher has come.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    number: u32,
    stdout: u64,
    stderr: u64,
}

struct Watcher {
    app: App,
    job: JobId,
    changes: broadcast::Receiver<Arc<Touched>>,
    stopping: watch::Receiver<bool>,
    at: Place,
    /// The last question, whose worker may wait for the next.
    last: Option<ReadId>,
    ready: VecDeque<Event>,
    ended: bool,
}

impl Watcher {
    /// The next event; none after the job's end, and when c2d goes down.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            let mut stopping = self.stopping.clone();
            tokio::select! {
                () = stopped(&mut stopping) => return None,
                went_on = self.go_on() => went_on.ok()?,
            }
        }
    }

    async fn go_on(&mut self) -> Result<(), ApiError> {
        let job = self.job;
        let live = self.app.engine.read(move |scheduler, now| scheduler.job(now, job)).await?;
        match live {
            Some(view) if view.state == JobState::Running => self.ask(&view).await,
            Some(_) => {
                self.news(None).await;
                Ok(())
            }
            None => self.finish().await,
        }
    }

    /// Asks the worker for more.
    async fn ask(&mut self, view: &JobView) -> Result<(), ApiError> {
        if self.at.number != view.attempt {
            self.rest().await?;
            self.at = Place { number: view.attempt, ..Place::default() };
            self.last = None;
        }
        let attempt = self.attempt();
        let read = OutputRead { id: 0, attempt, stdout: self.at.stdout, stderr: self.at.stderr, wait: true };
        let Some(worker) = listener(&self.app, view).await else {
            self.news(None).await;
            return Ok(());
        };
        let last = self.last.take();
        let asked = tokio::select! {
            asked = self.app.relay.ask(worker, read, last, PATIENCE) => asked,
            () = changed(&mut self.changes, self.job) => return Ok(()),
        };
        match asked {
            Ok((answer, id)) if answer.running => {
                self.last = Some(id);
                self.add(StreamName::Stdout, answer.stdout);
                self.add(StreamName::Stderr, answer.stderr);
            }
            // It has ended and its result is under way, or its worker is silent.
            Ok(_) | Err(_) => self.news(Some(LULL)).await,
        }
        Ok(())
    }

    /// The job has ended: what is left, and how it ended.
    async fn finish(&mut self) -> Result<(), ApiError> {
        let job = self.job;
        let stored = self.app.history.job(job).await?.ok_or(Reject::UnknownJob { job })?;
        if !stored.view.state.is_terminal() {
            return Ok(());
        }
        self.rest().await?;
        let row: JobRow = job_row(&stored.view);
        self.push(ENDED, &row);
        self.ended = true;
        Ok(())
    }

    /// What the latest ended attempt wrote beyond our place.
    async fn rest(&mut self) -> Result<(), ApiError> {
        let Some(output) = self.app.history.output(self.job).await? else { return Ok(()) };
        let number = output.attempt.number;
        if number < self.at.number {
            return Ok(());
        }
        if number > self.at.number {
            self.at = Place { number, ..Place::default() };
        }
        for (stream, kept) in [(StreamName::Stdout, &output.stdout), (StreamName::Stderr, &output.stderr)] {
            loop {
                let from = if stream == StreamName::Stdout { self.at.stdout } else { self.at.stderr };
                let piece = kept.read(from, PIECE_BYTES_MAX);
                if piece.data.is_empty() {
                    break;
                }
                self.add(stream, piece);
            }
        }
        Ok(())
    }

    /// Waits until something about the job changes.
    async fn news(&mut self, limit: Option<Duration>) {
        let changed = changed(&mut self.changes, self.job);
        match limit {
            Some(limit) => drop(tokio::time::timeout(limit, changed).await),
            None => changed.await,
        }
    }

    fn add(&mut self, stream: StreamName, piece: Piece) {
        if piece.data.is_empty() {
            return;
        }
        match stream {
            StreamName::Stdout => self.at.stdout = piece.end(),
            StreamName::Stderr => self.at.stderr = piece.end(),
        }
        let written = Written { attempt: self.attempt(), stream, offset: piece.offset, data: piece.data };
        self.push(WRITTEN, &written);
    }

    fn push(&mut self, kind: &str, data: &impl Serialize) {
        let data = serde_json::to_string(data).expect("our own plain types become JSON");
        self.ready.push_back(Event::default().event(kind).data(data));
    }

    const fn attempt(&self) -> AttemptId {
        AttemptId { job: self.job, number: self.at.number }
    }
}

/// Waits until a commit changed the job, or so many came that it may have.
async fn changed(changes: &mut broadcast::Receiver<Arc<Touched>>, job: JobId) {
    loop {
        match changes.recv().await {
            Ok(touched) if touched.jobs.iter().all(|view| view.id != job) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => {
                *changes = changes.resubscribe();
                return;
            }
            Ok(_) => return,
            // c2d goes down, which whoever waits sees by itself.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
