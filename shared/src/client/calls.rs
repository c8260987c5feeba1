//! One method for each route.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};

use super::{Client, ClientError, EventStream, FollowStream};
use crate::api::files::{CleanupResponse, FilesQuery, JobFiles};
use crate::api::jobs::{
    BatchRequest, BatchResponse, CancelResponse, JobList, JobLog, JobStateResponse, JobsQuery, LogQuery, OutputQuery,
    PauseResponse, QueueStatus, RetryRequest, Stream, SubmitResponse, WaitQuery, WaitResponse,
};
use crate::api::live::{FollowQuery, NextRead, OutputAnswer};
use crate::api::metrics::Metrics;
use crate::api::route;
use crate::api::tokens::{InviteRequest, InviteResponse, JoinRequest, JoinResponse, TokenGone, TokenList};
use crate::api::why::Explanation;
use crate::api::workers::{
    DetectQuery, DetectResponse, GroupsRequest, Output, PollRequest, PollResponse, RegisterRequest, RegisterResponse,
    RemoveResponse, TagStatus, TagsRequest, TargetWorkers, WorkerInfo, WorkerList, WorkerRow,
};
use crate::id::JobId;
use crate::job::JobSpec;
use crate::limits::{CLEANUP_WAIT_S, NEXT_READ_S};
use crate::token::Role;

/// The form in which an output comes with what is missing of it.
const JSON: &str = "application/json";
/// No query.
const NONE: [(&str, &str); 0] = [];

#[expect(clippy::missing_errors_doc, reason = "every call fails in the ways of ClientError and in no other")]
impl Client {
    /// Introduces a worker.
    pub async fn register(&self, request: &RegisterRequest) -> Result<RegisterResponse, ClientError> {
        self.post(route::REGISTER, request, 0).await
    }

    /// Reconciles with c2d, waiting up to the request's `wait_s` for something to do.
    pub async fn poll(&self, worker: IpAddr, request: &PollRequest) -> Result<PollResponse, ClientError> {
        self.post(&route::fill(route::GET_WORK, worker), request, request.wait_s).await
    }

    /// Says what an attempt wrote, as c2d asked; the answer may be the next question, for which
    /// c2d waits up to [`NEXT_READ_S`].
    pub async fn live(&self, worker: IpAddr, answer: &OutputAnswer) -> Result<NextRead, ClientError> {
        self.post(&route::fill(route::LIVE, worker), answer, NEXT_READ_S).await
    }

    /// Lists all workers.
    pub async fn workers(&self) -> Result<WorkerList, ClientError> {
        self.get(route::WORKERS, &NONE, 0).await
    }

    /// Shows one worker, named by address or host name.
    pub async fn worker(&self, name: &str) -> Result<WorkerInfo, ClientError> {
        self.get(&route::fill(route::WORKER, name), &NONE, 0).await
    }

    /// Puts a worker into groups.
    pub async fn assign(&self, worker: &str, groups: BTreeSet<String>) -> Result<WorkerRow, ClientError> {
        self.post(&route::fill(route::GROUPS, worker), &GroupsRequest { groups }, 0).await
    }

    /// Takes a worker out of a group.
    pub async fn unassign(&self, worker: &str, group: &str) -> Result<WorkerRow, ClientError> {
        let path = route::fill(&route::fill(route::GROUP, worker), group);
        self.answer(self.request(Method::DELETE, &path), 0).await
    }

    /// Sets the tags that a worker offers.
    pub async fn set_tags(&self, worker: &str, tags: BTreeSet<String>) -> Result<TagStatus, ClientError> {
        self.post(&route::fill(route::TAGS, worker), &TagsRequest { tags }, 0).await
    }

    /// Shows a worker's tags with their holders.
    pub async fn tags(&self, worker: &str) -> Result<TagStatus, ClientError> {
        self.get(&route::fill(route::TAGS, worker), &NONE, 0).await
    }

    /// Suggests tags for a worker, and adds them to its own if `apply`.
    pub async fn detect_tags(&self, worker: &str, apply: bool) -> Result<DetectResponse, ClientError> {
        let request = self.request(Method::POST, &route::fill(route::DETECT_TAGS, worker));
        self.answer(request.query(&DetectQuery { apply }), 0).await
    }

    /// Removes the workspaces of a worker's ended jobs.
    pub async fn cleanup(&self, worker: IpAddr) -> Result<CleanupResponse, ClientError> {
        self.answer(self.request(Method::POST, &route::fill(route::CLEANUP, worker)), CLEANUP_WAIT_S).await
    }

    /// Lets a worker finish what it has.
    pub async fn drain(&self, worker: &str) -> Result<WorkerRow, ClientError> {
        self.answer(self.request(Method::POST, &route::fill(route::DRAIN, worker)), 0).await
    }

    /// Gives a drained worker work again.
    pub async fn resume(&self, worker: &str) -> Result<WorkerRow, ClientError> {
        self.answer(self.request(Method::POST, &route::fill(route::RESUME, worker)), 0).await
    }

    /// Forgets a worker that holds nothing.
    pub async fn remove_worker(&self, worker: &str) -> Result<RemoveResponse, ClientError> {
        self.answer(self.request(Method::DELETE, &route::fill(route::REMOVE_WORKER, worker)), 0).await
    }

    /// Finds the workers that a target like `@gpu` means.
    pub async fn target(&self, target: &str) -> Result<TargetWorkers, ClientError> {
        self.get(&route::fill(route::TARGET, target), &NONE, 0).await
    }

    /// Submits jobs, all or none.
    pub async fn submit_batch(&self, batch: &BatchRequest) -> Result<BatchResponse, ClientError> {
        self.post(route::SUBMIT_BATCH, batch, 0).await
    }

    /// Submits ended jobs again, all or none.
    pub async fn retry(&self, jobs: &[JobId]) -> Result<BatchResponse, ClientError> {
        self.post(route::RETRY, &RetryRequest { job_ids: jobs.to_vec() }, 0).await
    }

    /// Holds a job that has not started.
    pub async fn hold(&self, job: JobId) -> Result<JobStateResponse, ClientError> {
        self.answer(self.request(Method::POST, &route::fill(route::HOLD, job)), 0).await
    }

    /// Releases a held job.
    pub async fn release(&self, job: JobId) -> Result<JobStateResponse, ClientError> {
        self.answer(self.request(Method::POST, &route::fill(route::RELEASE, job)), 0).await
    }

    /// Stops the queue, or lets it go on.
    pub async fn pause(&self, paused: bool) -> Result<PauseResponse, ClientError> {
        let path = if paused { route::PAUSE } else { route::UNPAUSE };
        self.answer(self.request(Method::POST, path), 0).await
    }

    /// Explains why a job does not run.
    pub async fn why(&self, job: JobId) -> Result<Explanation, ClientError> {
        self.get(&route::fill(route::WHY, job), &NONE, 0).await
    }

    /// Submits a job.
    pub async fn submit(&self, spec: &JobSpec) -> Result<SubmitResponse, ClientError> {
        self.post(route::SUBMIT, spec, 0).await
    }

    /// Lists jobs.
    pub async fn jobs(&self, query: &JobsQuery) -> Result<JobList, ClientError> {
        self.get(route::JOBS, query, 0).await
    }

    /// Shows one job, waiting up to `wait_s` seconds for its end.
    pub async fn job(&self, job: JobId, wait_s: u64) -> Result<WaitResponse, ClientError> {
        let query = WaitQuery { wait_s: Some(wait_s) };
        self.get(&route::fill(route::JOB, job), &query, wait_s).await
    }

    /// Cancels a job.
    pub async fn cancel(&self, job: JobId) -> Result<CancelResponse, ClientError> {
        self.answer(self.request(Method::POST, &route::fill(route::CANCEL, job)), 0).await
    }

    /// Shows the queue in numbers.
    pub async fn queue_status(&self) -> Result<QueueStatus, ClientError> {
        self.get(route::QUEUE_STATUS, &NONE, 0).await
    }

    /// Shows the latest results, oldest first.
    pub async fn log(&self, query: &LogQuery) -> Result<JobLog, ClientError> {
        self.get(route::LOG, query, 0).await
    }

    /// Reads what was kept of what a job wrote.
    pub async fn output(&self, job: JobId, stream: Stream) -> Result<Output, ClientError> {
        let request = self.request(Method::GET, &route::fill(route::OUTPUT, job)).query(&OutputQuery { stream });
        let response = self.send(request.header(ACCEPT, JSON)).await?;
        let is_json =
            response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(JSON.as_bytes()));
        let bytes = response.bytes().await.map_err(|e| ClientError::transport(self.server(), e))?;
        if !is_json {
            // An older c2d writes down what is missing among the bytes.
            return Ok(Output::whole(bytes));
        }
        serde_json::from_slice(&bytes)
            .map_err(|source| ClientError::Protocol { server: self.server().to_owned(), source })
    }

    /// Lists the files that a job left, small ones with their content if asked for.
    pub async fn job_files(&self, job: JobId, content: bool) -> Result<JobFiles, ClientError> {
        self.get(&route::fill(route::FILES, job), &FilesQuery { content }, 0).await
    }

    /// Opens the stream of what a job writes, from where `query` says.
    pub async fn follow(&self, job: JobId, query: &FollowQuery) -> Result<FollowStream, ClientError> {
        let request = self.request(Method::GET, &route::fill(route::FOLLOW, job)).query(query);
        Ok(FollowStream::new(self.server(), self.send(request).await?))
    }

    /// Shows c2d's counters.
    pub async fn metrics(&self) -> Result<Metrics, ClientError> {
        self.get(route::METRICS, &NONE, 0).await
    }

    /// Takes an invitation in exchange for a token.
    pub async fn join(&self, request: &JoinRequest) -> Result<JoinResponse, ClientError> {
        self.post(route::JOIN, request, 0).await
    }

    /// Makes an invitation.
    pub async fn invite(&self, request: &InviteRequest) -> Result<InviteResponse, ClientError> {
        self.post(route::INVITE, request, 0).await
    }

    /// All tokens, without their secrets.
    pub async fn tokens(&self) -> Result<TokenList, ClientError> {
        self.get(route::TOKENS, &(), 0).await
    }

    /// Makes a token worthless.
    pub async fn revoke(&self, id: &str) -> Result<TokenGone, ClientError> {
        self.answer(self.request(Method::DELETE, &route::fill(route::TOKEN, id)), 0).await
    }

    /// Puts a new token into c2d's own folder.
    pub async fn rotate(&self, role: Role) -> Result<TokenGone, ClientError> {
        self.post(&route::fill(route::ROTATE, role), &(), 0).await
    }

    /// Asks whether c2d is up; needs no token.
    pub async fn health(&self) -> Result<(), ClientError> {
        self.send(self.request(Method::GET, route::HEALTH)).await.map(drop)
    }

    /// What time c2d has, in unix seconds; nothing when it does not say.
    pub async fn clock_s(&self) -> Result<Option<u64>, ClientError> {
        let response = self.send(self.request(Method::GET, route::HEALTH)).await?;
        let date = response.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
        let time = date.and_then(|date| httpdate::parse_http_date(date).ok());
        Ok(time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok()).map(|span| span.as_secs()))
    }

    /// Opens the live event stream.
    pub async fn events(&self) -> Result<EventStream, ClientError> {
        let response = self.send(self.request(Method::GET, route::EVENTS)).await?;
        Ok(EventStream::new(self.server(), response))
    }
}
