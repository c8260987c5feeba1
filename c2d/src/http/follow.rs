//! Output while it is written: the worker's side and the watcher's.
//!
//! A watcher reads from the worker while the attempt runs and from the store when it has ended;
//! positions make sure that it gets each byte that was kept once, whatever breaks in between.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Sse;
use axum::response::sse::Event;
use c2_shared::api::jobs::{JobRow, Stream as StreamName};
use c2_shared::api::live::{ENDED, FollowQuery, NextRead, OutputAnswer, OutputRead, Piece, WRITTEN, Written};
use c2_shared::api::work::Output;
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::JobState;
use c2_shared::limits::{BODY_BYTES_MAX, OUTPUT_HEAD_BYTES, OUTPUT_TAIL_BYTES, PARK_MAX_S, PIECE_BYTES_MAX};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::{broadcast, watch};

use crate::access::Speaker;
use crate::engine::Touched;
use crate::http::find_worker;
use crate::http::handler::{Answer, ApiError, App, Json, JsonBody, Name, QueryOf, State, serves};
use crate::http::role::WorkerPeer;
use crate::http::serve::stopped;
use crate::http::sse;
use crate::rows::job_row;
use crate::sched::{JobView, Reject, Scheduler};

/// How long a question may be open: a worker answers it after [`PARK_MAX_S`] at the latest.
const PATIENCE: Duration = Duration::from_secs(2 * PARK_MAX_S);
/// How long to wait for news of a job whose worker does not say that it runs it.
const LULL: Duration = Duration::from_secs(2);

serves!(FOLLOW => follow, SAY_WRITTEN => live);

/// Takes what an attempt wrote, as it was asked for.
pub(crate) async fn live(
    peer: WorkerPeer,
    State(app): State<App>,
    Name(name): Name,
    JsonBody(answer): JsonBody<OutputAnswer, BODY_BYTES_MAX>,
) -> Answer<NextRead> {
    let speaker = peer.speaker(&app);
    // Several may be meant on this machine, but not nobody.
    if matches!(speaker, Speaker::Unbound(_))
        && let Err(error) = find_worker::find(&app, &name).await
        && error.is_not_found()
    {
        return Err(error);
    }
    Ok(Json(NextRead { read: app.live_output.answered(speaker, answer).await }))
}

/// Streams what a job writes until it has ended.
pub(crate) async fn follow(
    State(app): State<App>,
    QueryOf(query): QueryOf<FollowQuery>,
    name: Name,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let job = name.job()?;
    app.history.job(job).await?.ok_or(Reject::UnknownJob { job })?;
    let (changes, stopping) = (app.engine.changes(), app.stopping.clone());
    let watcher = Watcher { app, job, changes, stopping, at: query, last: None, ready: VecDeque::new(), ended: false };
    let stream = unfold(watcher, |mut watcher| async move { watcher.next().await.map(|event| (Ok(event), watcher)) });
    Ok(sse::answer(stream))
}

/// What was kept of what a running attempt wrote so far; none if its worker does not say. Empty when it has ended meanwhile.
pub(crate) async fn so_far(app: &App, view: &JobView, worker: Option<WorkerId>, stream: StreamName) -> Option<Output> {
    let attempt = AttemptId { job: view.id, number: view.attempt };
    let worker = worker?;
    let (mut kept, mut last) = (Output::default(), None);
    // More than this a runner does not keep, however fast the job writes.
    for _ in 0..=(OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES) / PIECE_BYTES_MAX + 1 {
        let end = kept.total_bytes();
        let read = OutputRead { id: 0, attempt, stdout: end, stderr: end, wait: false };
        let answer = app.live_output.ask(worker.clone(), read, last, PATIENCE).await.ok()?;
        last = Some(answer.id);
        let piece = match stream {
            StreamName::Stdout => answer.stdout,
            StreamName::Stderr => answer.stderr,
        };
        if piece.data.is_empty() {
            break;
        }
        kept.append(&piece);
    }
    Some(kept)
}

/// A live job, and the worker that runs it, if it is one that can be asked: a plain client only
/// takes work.
pub(crate) async fn present(app: &App, job: JobId) -> Result<Option<(JobView, Option<WorkerId>)>, ApiError> {
    let look = move |scheduler: &Scheduler, now| {
        let view = scheduler.job(now, job)?;
        let worker = view.worker.as_ref().and_then(|id| scheduler.worker(now, id));
        let worker = worker.filter(|worker| !worker.intro.is_plain()).map(|worker| worker.intro.id);
        Some((view, worker))
    };
    Ok(app.engine.read(look).await?)
}

struct Watcher {
    app: App,
    job: JobId,
    changes: broadcast::Receiver<Arc<Touched>>,
    stopping: watch::Receiver<bool>,
    /// How far it has come.
    at: FollowQuery,
    /// The last question, whose worker may wait for the next.
    last: Option<u64>,
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
        match present(&self.app, self.job).await? {
            Some((view, worker)) if view.state == JobState::Running => self.ask(&view, worker).await,
            Some(_) => {
                self.news(None).await;
                Ok(())
            }
            None => self.finish().await,
        }
    }

    /// Asks the worker for more.
    async fn ask(&mut self, view: &JobView, worker: Option<WorkerId>) -> Result<(), ApiError> {
        if self.at.attempt != Some(view.attempt) {
            self.rest().await?;
            self.at = FollowQuery::of(view.attempt);
            self.last = None;
        }
        let attempt = self.attempt();
        let read = OutputRead { id: 0, attempt, stdout: self.at.stdout, stderr: self.at.stderr, wait: true };
        let Some(worker) = worker else {
            self.news(None).await;
            return Ok(());
        };
        let last = self.last.take();
        let asked = tokio::select! {
            asked = self.app.live_output.ask(worker, read, last, PATIENCE) => asked,
            () = changed(&mut self.changes, self.job) => return Ok(()),
        };
        match asked {
            Ok(answer) if answer.running => {
                self.last = Some(answer.id);
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
        let Some(output) = self.app.history.output(self.job, None).await? else { return Ok(()) };
        let number = output.attempt.number;
        if self.at.attempt.is_some_and(|at| number < at) {
            return Ok(());
        }
        if self.at.attempt != Some(number) {
            self.at = FollowQuery::of(number);
        }
        for (stream, kept) in [(StreamName::Stdout, &output.stdout), (StreamName::Stderr, &output.stderr)] {
            loop {
                let piece = kept.read(*self.at.place(stream), PIECE_BYTES_MAX);
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
        *self.at.place(stream) = piece.end();
        let written = Written { attempt: self.attempt(), stream, offset: piece.offset, data: piece.data };
        self.push(WRITTEN, &written);
    }

    fn push(&mut self, kind: &str, data: &impl Serialize) {
        self.ready.push_back(sse::fill(Event::default(), kind, data));
    }

    fn attempt(&self) -> AttemptId {
        AttemptId { job: self.job, number: self.at.attempt.unwrap_or_default() }
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
