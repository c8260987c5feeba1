//! One method for each route.

use std::net::IpAddr;

use reqwest::Method;

use super::{Client, ClientError, EventStream};
use crate::api::jobs::{
    CancelResponse, JobList, JobLog, JobsQuery, LogQuery, OutputQuery, QueueStatus, Stream, SubmitResponse, WaitQuery,
    WaitResponse,
};
use crate::api::metrics::Metrics;
use crate::api::route;
use crate::api::workers::{PollRequest, PollResponse, RegisterRequest, RegisterResponse, WorkerInfo, WorkerList};
use crate::id::JobId;
use crate::job::JobSpec;

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

    /// Lists all workers.
    pub async fn workers(&self) -> Result<WorkerList, ClientError> {
        self.get(route::WORKERS, &NONE, 0).await
    }

    /// Shows one worker, named by address or host name.
    pub async fn worker(&self, name: &str) -> Result<WorkerInfo, ClientError> {
        self.get(&route::fill(route::WORKER, name), &NONE, 0).await
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
    pub async fn log(&self, lines: usize) -> Result<JobLog, ClientError> {
        self.get(route::LOG, &LogQuery { lines: Some(lines) }, 0).await
    }

    /// Reads what a job wrote.
    pub async fn output(&self, job: JobId, stream: Stream) -> Result<Vec<u8>, ClientError> {
        let request = self.request(Method::GET, &route::fill(route::OUTPUT, job)).query(&OutputQuery { stream });
        let response = self.send(request).await?;
        let bytes = response.bytes().await.map_err(|e| ClientError::transport(self.server(), e))?;
        Ok(bytes.to_vec())
    }

    /// Shows c2d's counters.
    pub async fn metrics(&self) -> Result<Metrics, ClientError> {
        self.get(route::METRICS, &NONE, 0).await
    }

    /// Asks whether c2d is up; needs no token.
    pub async fn health(&self) -> Result<(), ClientError> {
        self.send(self.request(Method::GET, route::HEALTH)).await.map(drop)
    }

    /// Opens the live event stream.
    pub async fn events(&self) -> Result<EventStream, ClientError> {
        let response = self.send(self.request(Method::GET, route::EVENTS)).await?;
        Ok(EventStream::new(self.server(), response))
    }
}
