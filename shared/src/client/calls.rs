//! Short names for calls, and the calls with a time limit or an answer of their own.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE};

use super::{Client, ClientError, EventStream, FollowStream};
use crate::api::batches::{BatchList, BatchRequest, BatchResponse, BatchRow, CheckResponse};
use crate::api::endpoint;
use crate::api::figures::{Stats, StatsQuery, Timeline, TimelineQuery};
use crate::api::files::{CleanupResponse, FilesQuery, GcResponse, JobFiles, OldWorkspaces, OldWorkspacesRequest};
use crate::api::jobs::{
    CancelResponse, JobList, JobLog, JobStateResponse, JobsQuery, LogQuery, PauseResponse, QueueStatus, RetryRequest,
    SubmitResponse, WaitQuery, WaitResponse,
};
use crate::api::live::{FollowQuery, NextRead, OutputAnswer};
use crate::api::many::{ChangeRequest, ManyRequest, ManyResponse};
use crate::api::metrics::{DEGRADED, Health, Metrics, STANDBY};
use crate::api::notifications::{
    NotificationChange, NotificationGone, NotificationList, NotificationRequest, NotificationRow, NotificationTested,
};
use crate::api::output::{Output, OutputQuery};
use crate::api::schedules::{
    ScheduleChange, ScheduleCheck, ScheduleGone, ScheduleList, ScheduleOutlook, ScheduleRequest, ScheduleRow,
};
use crate::api::tokens::{InviteRequest, InviteResponse, JoinProofs, JoinRequest, JoinResponse, TokenGone, TokenList};
use crate::api::upgrade::UpgradeResponse;
use crate::api::why::Explanation;
use crate::api::work::{PROTOCOL, PROTOCOL_HEADER, PollRequest, PollResponse, RegisterRequest, RegisterResponse};
use crate::api::workers::{
    DetectQuery, DetectResponse, GroupsRequest, NoQuery, RemoveQuery, RemoveResponse, ResourcesRequest,
    ResourcesResponse, TagStatus, TagsRequest, TargetWorkers, WorkerInfo, WorkerList, WorkerRow,
};
use crate::id::JobId;
use crate::job::JobSpec;
use crate::limits::{CLEANUP_WAIT_S, NEXT_READ_S, NOTIFY_TRY_S, UPGRADE_WAIT_S};
use crate::token::Role;

/// The form in which an output comes with what is missing of it.
const JSON: &str = "application/json";

/// Writes down methods that do nothing but call an endpoint.
macro_rules! calls {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty = $how:ident $endpoint:ident($($part:expr),+);)+) => {
        impl Client {
            $(
                #[doc = concat!("Calls [`endpoint::", stringify!($endpoint), "`].\n\n# Errors\nAs [`Client::call`].")]
                pub async fn $name(&self, $($argument: $type),*) -> Result<$answer, ClientError> {
                    self.$how(&endpoint::$endpoint, $($part),+).await
                }
            )+
        }
    };
}

calls! {
    submit(spec: &JobSpec) -> SubmitResponse = post SUBMIT(&(), spec);
    old_workspaces(request: &OldWorkspacesRequest) -> OldWorkspaces = post OLD_WORKSPACES(&(), request);
    submit_batch(batch: &BatchRequest) -> BatchResponse = post SUBMIT_BATCH(&(), batch);
    batches() -> BatchList = ask LIST_BATCHES(&(), &NoQuery {});
    batch(name: &str) -> BatchRow = call GET_BATCH(name);
    check(batch: &BatchRequest) -> CheckResponse = post CHECK_JOBS(&(), batch);
    retry(jobs: &[JobId]) -> BatchResponse = post RETRY(&(), &RetryRequest { job_ids: jobs.to_vec() });
    jobs(query: &JobsQuery) -> JobList = ask LIST_JOBS(&(), query);
    log(query: &LogQuery) -> JobLog = ask GET_LOG(&(), query);
    stats(query: &StatsQuery) -> Stats = ask STATS(&(), query);
    timeline(query: &TimelineQuery) -> Timeline = ask TIMELINE(&(), query);
    queue_status() -> QueueStatus = call QUEUE_STATUS(&());
    why(job: JobId) -> Explanation = call WHY(&job);
    cancel(job: JobId) -> CancelResponse = call CANCEL(&job);
    hold(job: JobId) -> JobStateResponse = call HOLD(&job);
    release(job: JobId) -> JobStateResponse = call RELEASE(&job);
    cancel_jobs(jobs: &ManyRequest) -> ManyResponse = post CANCEL_JOBS(&(), jobs);
    hold_jobs(jobs: &ManyRequest) -> ManyResponse = post HOLD_JOBS(&(), jobs);
    release_jobs(jobs: &ManyRequest) -> ManyResponse = post RELEASE_JOBS(&(), jobs);
    top_jobs(jobs: &ManyRequest) -> ManyResponse = post TOP_JOBS(&(), jobs);
    bottom_jobs(jobs: &ManyRequest) -> ManyResponse = post BOTTOM_JOBS(&(), jobs);
    change_jobs(change: &ChangeRequest) -> ManyResponse = post CHANGE_JOBS(&(), change);
    job_files(job: JobId, content: bool) -> JobFiles = ask LIST_FILES(&job, &FilesQuery { content });
    workers() -> WorkerList = ask LIST_WORKERS(&(), &NoQuery {});
    worker(name: &str) -> WorkerInfo = call GET_WORKER(name);
    target(target: &str) -> TargetWorkers = call FIND_WORKERS(target);
    assign(worker: &str, groups: BTreeSet<String>) -> WorkerRow = post ASSIGN(worker, &GroupsRequest { groups });
    unassign(worker: &str, group: &str) -> WorkerRow = call UNASSIGN(&[worker.to_owned(), group.to_owned()]);
    tags(worker: &str) -> TagStatus = call GET_TAGS(worker);
    set_tags(worker: &str, tags: BTreeSet<String>) -> TagStatus = post SET_TAGS(worker, &TagsRequest { tags });
    set_resources(worker: &str, request: &ResourcesRequest) -> ResourcesResponse = post SET_RESOURCES(worker, request);
    detect_tags(worker: &str, apply: bool) -> DetectResponse = ask DETECT_TAGS(worker, &DetectQuery { apply });
    drain(worker: &str) -> WorkerRow = call DRAIN(worker);
    resume(worker: &str) -> WorkerRow = call RESUME(worker);
    wake(worker: &str) -> WorkerRow = call WAKE(worker);
    remove_worker(worker: &str, lost: bool) -> RemoveResponse = ask REMOVE_WORKER(worker, &RemoveQuery { lost });
    schedules() -> ScheduleList = ask LIST_SCHEDULES(&(), &NoQuery {});
    schedule(name: &str) -> ScheduleRow = call GET_SCHEDULE(name);
    add_schedule(request: &ScheduleRequest) -> ScheduleRow = post ADD_SCHEDULE(&(), request);
    change_schedule(name: &str, change: &ScheduleChange) -> ScheduleRow = post CHANGE_SCHEDULE(name, change);
    check_schedule(name: &str, check: &ScheduleCheck) -> ScheduleOutlook = post CHECK_SCHEDULE(name, check);
    remove_schedule(name: &str) -> ScheduleGone = call REMOVE_SCHEDULE(name);
    pause_schedule(name: &str) -> ScheduleRow = call PAUSE_SCHEDULE(name);
    resume_schedule(name: &str) -> ScheduleRow = call RESUME_SCHEDULE(name);
    run_schedule(name: &str) -> SubmitResponse = call RUN_SCHEDULE(name);
    notifications() -> NotificationList = ask LIST_NOTIFICATIONS(&(), &NoQuery {});
    notification(name: &str) -> NotificationRow = call GET_NOTIFICATION(name);
    add_notification(request: &NotificationRequest) -> NotificationRow = post ADD_NOTIFICATION(&(), request);
    change_notification(name: &str, change: &NotificationChange) -> NotificationRow = post CHANGE_NOTIFICATION(name, change);
    remove_notification(name: &str) -> NotificationGone = call REMOVE_NOTIFICATION(name);
    invite(request: &InviteRequest) -> InviteResponse = post INVITE(&(), request);
    join_proofs() -> JoinProofs = call JOIN_PROOFS(&());
    tokens() -> TokenList = call LIST_TOKENS(&());
    revoke(id: &str) -> TokenGone = call REVOKE_TOKEN(id);
    rotate(role: Role) -> TokenGone = call ROTATE_TOKEN(&role);
}

#[expect(clippy::missing_errors_doc, reason = "every call fails in the ways of ClientError and in no other")]
impl Client {
    /// Introduces a worker.
    pub async fn register(&self, request: &RegisterRequest) -> Result<RegisterResponse, ClientError> {
        self.answer(self.request(&endpoint::REGISTER, &())?.header(PROTOCOL_HEADER, PROTOCOL).json(request), 0).await
    }

    /// Takes an invitation in exchange for a token.
    pub async fn join(&self, request: &JoinRequest) -> Result<JoinResponse, ClientError> {
        self.answer(self.request(&endpoint::JOIN, &())?.header(PROTOCOL_HEADER, PROTOCOL).json(request), 0).await
    }

    /// Reconciles with c2d, waiting up to the request's `wait_s` for something to do.
    pub async fn poll(&self, worker: IpAddr, request: &PollRequest) -> Result<PollResponse, ClientError> {
        let poll = self.request(&endpoint::GET_WORK, &worker)?.header(PROTOCOL_HEADER, PROTOCOL).json(request);
        self.answer(poll, request.wait_s).await
    }

    /// Says what an attempt wrote, as c2d asked; the answer may be the next question, for which
    /// c2d waits up to [`NEXT_READ_S`].
    pub async fn live(&self, worker: IpAddr, answer: &OutputAnswer) -> Result<NextRead, ClientError> {
        self.answer(self.request(&endpoint::SAY_WRITTEN, &worker)?.json(answer), NEXT_READ_S).await
    }

    /// Removes the workspaces of a worker's ended jobs.
    pub async fn cleanup(&self, worker: &str) -> Result<CleanupResponse, ClientError> {
        self.answer(self.request(&endpoint::CLEANUP, worker)?, CLEANUP_WAIT_S).await
    }

    /// Has a worker's agent run the program that c2d has.
    pub async fn upgrade(&self, worker: &str) -> Result<UpgradeResponse, ClientError> {
        self.answer(self.request(&endpoint::UPGRADE, worker)?, UPGRADE_WAIT_S).await
    }

    /// Has c2d send a notification, for which its target has some time.
    pub async fn test_notification(&self, name: &str) -> Result<NotificationTested, ClientError> {
        self.answer(self.request(&endpoint::TEST_NOTIFICATION, name)?, NOTIFY_TRY_S).await
    }

    /// Stops the queue, or lets it go on.
    pub async fn pause(&self, paused: bool) -> Result<PauseResponse, ClientError> {
        self.call(if paused { &endpoint::PAUSE } else { &endpoint::UNPAUSE }, &()).await
    }

    /// Shows one job, waiting up to `wait_s` seconds for its end.
    pub async fn job(&self, job: JobId, wait_s: u64) -> Result<WaitResponse, ClientError> {
        self.answer(self.request(&endpoint::GET_JOB, &job)?.query(&WaitQuery { wait_s: Some(wait_s) }), wait_s).await
    }

    /// Reads what was kept of what a job wrote.
    pub async fn output(&self, job: JobId, query: impl Into<OutputQuery> + Send) -> Result<Output, ClientError> {
        let request = self.request(&endpoint::GET_OUTPUT, &job)?.query(&query.into());
        let response = self.send(request.header(ACCEPT, JSON)).await?;
        let is_json =
            response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(JSON.as_bytes()));
        if is_json {
            return super::body(self.server(), response).await;
        }
        // An older c2d writes down what is missing among the bytes.
        let bytes = response.bytes().await.map_err(|e| ClientError::transport(self.server(), e))?;
        Ok(Output::whole(bytes))
    }

    /// Opens the stream of what a job writes, from where `query` says.
    pub async fn follow(&self, job: JobId, query: &FollowQuery) -> Result<FollowStream, ClientError> {
        let request = self.request(&endpoint::FOLLOW, &job)?.query(query);
        Ok(FollowStream::new(self.server(), self.send(request).await?))
    }

    /// Asks how c2d is; needs no token.
    pub async fn health(&self) -> Result<Health, ClientError> {
        let response = self.request(&endpoint::HEALTH, &())?.send().await;
        let response = response.map_err(|e| ClientError::transport(self.server(), e))?;
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        let time = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let clock_s = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok()).map(|span| span.as_secs());
        let status = response.status();
        let body = response.bytes().await.map_err(|e| ClientError::transport(self.server(), e))?;
        let words = String::from_utf8_lossy(&body);
        let degraded = words.trim_end().strip_prefix(DEGRADED).map(str::to_owned);
        let stands_by = words.trim_end() == STANDBY;
        if status.is_success() || degraded.is_some() {
            return Ok(Health { degraded, stands_by, clock_s });
        }
        Err(self.refusal(&self.shown(), status, &body))
    }

    /// Removes all files that no job uses.
    pub async fn gc(&self) -> Result<GcResponse, ClientError> {
        self.call(&endpoint::GC_BLOBS, &()).await
    }

    /// Shows counters.
    pub async fn metrics(&self) -> Result<Metrics, ClientError> {
        self.call(&endpoint::METRICS, &()).await
    }

    /// Opens the live event stream.
    pub async fn events(&self) -> Result<EventStream, ClientError> {
        Ok(EventStream::new(self.server(), self.send(self.request(&endpoint::EVENTS, &())?).await?))
    }
}
