//! How every refusal becomes an answer: the only place where errors meet HTTP statuses.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use c2_shared::advice::{Advice as _, with_causes};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::hint;
use c2_shared::id::JobId;
use c2_shared::validate::Invalid;

use crate::engine::Refusal;
use crate::sched::Reject;
use crate::store::{BlobError, StoreError};

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct ApiError(Box<ErrorBody>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self.0)).into_response();
        if matches!(self.0.code, ErrorCode::Busy | ErrorCode::Wait | ErrorCode::Standby | ErrorCode::QueueFull) {
            response.headers_mut().insert("retry-after", axum::http::HeaderValue::from_static("1"));
        }
        response
    }
}

impl ApiError {
    /// Whether what was asked for does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        self.0.code == ErrorCode::NotFound
    }

    /// What is wrong, in words.
    pub(crate) fn message(self) -> String {
        self.0.message
    }

    /// The answer itself.
    pub(crate) fn into_body(self) -> ErrorBody {
        *self.0
    }

    /// The same, for this one of the jobs that were named.
    pub(crate) fn about(mut self, job: JobId) -> Self {
        self.0.message = format!("{job}: {}", self.0.message);
        self.0.field = Some("job_ids".to_owned());
        self
    }

    /// The same, for the job at this place of a request that has several. What is wrong with a job
    /// and names no field of it is wrong with what it depends on.
    pub(crate) fn of_job(mut self, place: usize) -> Self {
        let field = self.0.field.take().unwrap_or_else(|| "depends".to_owned());
        self.0.field = Some(format!("jobs[{place}].{field}"));
        self
    }
}

impl From<ErrorBody> for ApiError {
    fn from(body: ErrorBody) -> Self {
        Self(Box::new(body))
    }
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        ErrorBody::from(invalid).into()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::Rejected(reject) => reject.into(),
            Refusal::Busy => ErrorBody::new(ErrorCode::Busy, message, "try again in a moment").into(),
            Refusal::Stopping => ErrorBody::new(ErrorCode::Busy, message, "try again when it is back").into(),
            Refusal::StoreFailed(reason) => store_failed(&reason),
            Refusal::DiskFull => {
                let hint = "free some space where c2d keeps its data; running jobs and results are not affected";
                ErrorBody::new(ErrorCode::DiskFull, message, hint).into()
            }
        }
    }
}

impl From<Reject> for ApiError {
    fn from(reject: Reject) -> Self {
        let message = reject.to_string();
        let body = |code, hint: &str| ErrorBody::new(code, message.clone(), hint);
        match &reject {
            Reject::QueueFull { .. } => body(ErrorCode::QueueFull, "wait for jobs to end, or cancel some"),
            Reject::UnknownGroup { group, known } => {
                body(ErrorCode::InvalidInput, &of_group(group, known)).in_field("group")
            }
            Reject::UnknownJob { .. } => body(ErrorCode::NotFound, "list the jobs with: jobs --all"),
            Reject::UnknownName { .. } => {
                body(ErrorCode::InvalidInput, "give a job id like job-12, or the name of a job of the same batch")
                    .in_field("depends")
            }
            Reject::AmbiguousName { .. } => {
                body(ErrorCode::InvalidInput, "give the jobs different names").in_field("depends")
            }
            Reject::Cycle { .. } => {
                body(ErrorCode::InvalidInput, "take one of these dependencies out").in_field("depends")
            }
            Reject::SameMachineConflict { .. } => {
                body(ErrorCode::InvalidInput, "leave out --same-machine, or depend on jobs of one machine")
                    .in_field("same_machine")
            }
            Reject::KeyReused { .. } => {
                body(ErrorCode::Conflict, "use a new key for a new request").in_field("idempotency_key")
            }
            Reject::NotEnded { .. } => body(ErrorCode::Conflict, "wait for its end, or cancel it, then retry"),
            Reject::NamedTwice { .. } => body(ErrorCode::InvalidInput, "name each job once").in_field("job_ids"),
            Reject::BadJob { place, reason } => return Self::from((**reason).clone()).of_job(*place),
            Reject::UnknownWorker { .. } => body(ErrorCode::NotFound, "list the workers with: list"),
            Reject::AmbiguousWorker { field, .. } => {
                body(ErrorCode::Ambiguous, "give the beginning of the id of the one that you mean").in_field(*field)
            }
            Reject::Started { field, .. } => {
                body(ErrorCode::Conflict, "cancel it, and submit it again as you want it").in_field(*field)
            }
            Reject::Changed { .. } => body(ErrorCode::Conflict, "look at it, and change it again"),
            Reject::NeverRuns { .. } => {
                body(ErrorCode::Conflict, "name another job, or take what comes with any:JOB").in_field("depends")
            }
            Reject::AlreadyEnded { .. } => body(ErrorCode::Conflict, "an ended job does not change any more"),
            Reject::Unreadable { .. } => {
                body(ErrorCode::Conflict, "cancel it and submit it again, or start the c2d that wrote it")
            }
            Reject::WrongState { .. } => body(ErrorCode::Conflict, "look at it with: job <id>"),
            Reject::ScheduleExists { .. }
            | Reject::UnknownSchedule { .. }
            | Reject::TooManySchedules
            | Reject::BrokenSchedule { .. }
            | Reject::ScheduleChanged { .. }
            | Reject::RunSkipped { .. } => return crate::http::schedule::refusal(&reject),
            Reject::NotificationExists { .. }
            | Reject::UnknownNotification { .. }
            | Reject::NotificationChanged { .. }
            | Reject::TooManyNotifications => {
                return crate::http::notify::refusal(&reject);
            }
            Reject::MayBeAtWork { .. }
            | Reject::AwaitedThere { .. }
            | Reject::Clone { .. }
            | Reject::SessionReplaced { .. }
            | Reject::StalePoll { .. }
            | Reject::Unwakeable { .. }
            | Reject::WorkerOnline { .. }
            | Reject::WorkerBusy { .. }
            | Reject::WithinLease { .. } => of_worker(&reject),
        }
        .into()
    }
}

/// A refusal that a worker's state brings about.
fn of_worker(reject: &Reject) -> ErrorBody {
    let body = |code, hint: &str| ErrorBody::new(code, reject.to_string(), hint);
    match reject {
        Reject::MayBeAtWork { .. } => {
            body(ErrorCode::Wait, "nothing to do: it is tried again, and known for certain within a minute")
        }
        Reject::AwaitedThere { ip, .. } => {
            let hint = format!("bring that machine back, or give it up with: remove-worker {ip} --lost");
            body(ErrorCode::Wait, &hint)
        }
        Reject::Clone { .. } => body(
            ErrorCode::Clone,
            "this state folder is a copy: give this machine an identity of its own with: c2-agent reset-identity",
        ),
        Reject::SessionReplaced { .. } => body(ErrorCode::Wait, "stop the older one"),
        Reject::StalePoll { .. } => body(ErrorCode::Wait, "nothing to do: the newer poll is answered"),
        Reject::Unwakeable { .. } => {
            body(ErrorCode::Conflict, "upgrade its agent, and have it reach c2d by a network card, not by a tunnel")
        }
        Reject::WorkerOnline { before, .. } => {
            let ids: String =
                before.iter().map(|id| format!("; who had its address before is {}", id.short())).collect();
            let hint = format!("stop its c2-agent; 15 s later it is offline and can be removed{ids}");
            body(ErrorCode::Conflict, &hint)
        }
        Reject::WorkerBusy { worker, .. } => {
            let hint = format!("wait until they have ended; if the machine is gone: remove-worker {worker} --lost");
            body(ErrorCode::Conflict, &hint)
        }
        // Of those that say so there is none left but this.
        _ => body(ErrorCode::Conflict, "wait until then; one that comes back keeps its jobs"),
    }
}

fn of_group(group: &str, known: &[String]) -> String {
    let nothing = "no worker is in any group yet; put one in with: assign <worker> <group>";
    hint::for_unknown(group, known.iter().map(String::as_str), nothing)
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        let message = error.to_string();
        let (code, hint) = match &error {
            BlobError::Busy => (ErrorCode::Busy, "it may be there in a moment; ask with HEAD"),
            BlobError::Offset { .. } => (ErrorCode::Conflict, "ask with HEAD where to continue"),
            BlobError::Mismatch => (ErrorCode::InvalidInput, "send it again from the beginning"),
            BlobError::TooLarge => (ErrorCode::TooLarge, "split it, or let the job fetch it from elsewhere"),
            BlobError::Quota { .. } => {
                (ErrorCode::DiskFull, "submit the jobs that use them, or remove them where c2d runs with: c2d gc")
            }
            BlobError::Full => (ErrorCode::DiskFull, "free some space where c2d keeps its data"),
            BlobError::Disk(source) => {
                tracing::error!("a blob failed: {source}");
                return store_failed(&with_causes(&error));
            }
            BlobError::Database(_) => {
                let reason = with_causes(&error);
                tracing::error!("a blob failed: {reason}");
                return store_failed(&reason);
            }
        };
        ErrorBody::new(code, message, hint).into()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Closed) {
            return ErrorBody::new(ErrorCode::Busy, "the history cannot answer now", "try again in a moment").into();
        }
        if matches!(error, StoreError::Gone { .. }) {
            return ErrorBody::new(ErrorCode::Gone, error.to_string(), error.hint().unwrap_or_default()).into();
        }
        let reason = with_causes(&error);
        tracing::error!("the history failed: {reason}");
        if matches!(error, StoreError::Database(_) | StoreError::File { .. }) {
            return store_failed(&reason);
        }
        ErrorBody::new(ErrorCode::Internal, reason, error.hint().unwrap_or_default()).into()
    }
}

/// The disk failed: who asks is elsewhere, and must learn what is wrong and where.
pub(crate) fn store_failed(reason: &str) -> ApiError {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let message = format!("c2d on {host} cannot keep its data: {reason}");
    let hint = format!("look at the disk of {host} and at the log of c2d there; what runs on workers continues");
    ErrorBody::new(ErrorCode::StoreFailed, message, hint).into()
}
