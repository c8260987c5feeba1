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
use c2_shared::api::output::Streams;
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::JobState;
use c2_shared::limits::WORKER_BODY_BYTES_MAX;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::{broadcast, watch};

use crate::access::Speaker;
use crate::engine::Touched;
use crate::http::find_worker;
use crate::http::handler::{Answer, ApiError, App, Json, JsonBody, Name, QueryOf, State, serves};
use crate::http::kept::Reader;
use crate::http::role::WorkerPeer;
use crate::http::serve::stopped;
use crate::http::so_far::{PATIENCE, changed, in_order};
use crate::http::sse;
use crate::rows::job_row;
use crate::sched::{JobView, Reject, Scheduler};

/// How long to wait for news of a job whose worker does not say that it runs it.
const LULL: Duration = Duration::from_secs(2);

serves!(FOLLOW => follow, SAY_WRITTEN => live);

/// Takes what an attempt wrote, as it was asked for.
pub(crate) async fn live(
    peer: WorkerPeer,
    State(app): State<App>,
    Name(name): Name,
    JsonBody(answer): JsonBody<OutputAnswer, WORKER_BODY_BYTES_MAX>,
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
    let watcher = Watcher {
        app,
        job,
        changes,
        stopping,
        at: query,
        last: None,
        rest: None,
        read: None,
        ready: VecDeque::new(),
        ended: false,
    };
    let stream = unfold(watcher, |mut watcher| async move { watcher.next().await.map(|event| (Ok(event), watcher)) });
    Ok(sse::answer(stream))
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
    /// What is left to read of an ended attempt.
    rest: Option<Reader>,
    /// The latest attempt that was read to its end.
    read: Option<u32>,
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
        if let Some(rest) = &mut self.rest {
            match rest.next().await? {
                Some((stream, piece)) => self.add(stream, piece),
                None => self.end_rest(),
            }
            return Ok(());
        }
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
            if self.has_rest().await? {
                return Ok(());
            }
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
                in_order(&answer).into_iter().for_each(|(stream, piece)| self.add(stream, piece));
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
        if self.has_rest().await? {
            return Ok(());
        }
        let row: JobRow = job_row(&stored.view);
        self.push(ENDED, &row);
        self.ended = true;
        Ok(())
    }

    /// Begins to read what the latest ended attempt wrote beyond our place, unless that was done.
    async fn has_rest(&mut self) -> Result<bool, ApiError> {
        let Some(output) = self.app.history.output(self.job, None).await? else { return Ok(false) };
        let number = output.attempt.number;
        if self.at.attempt.is_some_and(|at| number < at) || self.read == Some(number) {
            return Ok(false);
        }
        if self.at.attempt != Some(number) {
            self.at = FollowQuery::of(number);
        }
        let at = (self.at.stdout, self.at.stderr);
        self.rest = Some(Reader::open(&self.app, output, Streams::Both, at).await?);
        self.read = Some(number);
        Ok(true)
    }

    /// Says what is missing at the very end of what was read.
    fn end_rest(&mut self) {
        for stream in [StreamName::Stdout, StreamName::Stderr] {
            let end = self.rest.as_ref().map_or(0, |rest| rest.stream(stream).output.total_bytes());
            if *self.at.place(stream) < end {
                self.say(stream, Piece { offset: end, ..Piece::default() });
            }
        }
        self.rest = None;
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
        if !piece.data.is_empty() {
            self.say(stream, piece);
        }
    }

    fn say(&mut self, stream: StreamName, piece: Piece) {
        let place = self.at.place(stream);
        let is_behind_gap = piece.offset > *place;
        *place = piece.end();
        let reason = self.rest.as_ref().filter(|_| is_behind_gap).map(|rest| &rest.stream(stream).output.reason);
        let reason = reason.cloned().unwrap_or_default();
        let written = Written { attempt: self.attempt(), stream, offset: piece.offset, data: piece.data, reason };
        self.push(WRITTEN, &written);
    }

    fn push(&mut self, kind: &str, data: &impl Serialize) {
        self.ready.push_back(sse::fill(Event::default(), kind, data));
    }

    fn attempt(&self) -> AttemptId {
        AttemptId { job: self.job, number: self.at.attempt.unwrap_or_default() }
    }
}
