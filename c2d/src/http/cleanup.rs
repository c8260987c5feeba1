//! Cleaning the workspaces of one worker, and waiting for its report.

use std::time::Duration;

use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::files::CleanupResponse;
use c2_shared::limits::CLEANUP_WAIT_S;
use c2_shared::time::span;

use crate::http::find_worker;
use crate::http::handler::{Answer, ApiError, App, Json, Name, State, serves};
use crate::sched::{Scheduler, WorkerView};

serves!(CLEANUP => cleanup);

/// Folders that a worker is told to keep: the answer to its poll has room for them.
const NEEDED_MAX: usize = 2_000;

pub(crate) async fn cleanup(State(app): State<App>, Name(name): Name) -> Answer<CleanupResponse> {
    let view = find_worker::find(&app, &name).await?;
    let (ip, worker_id) = (view.ip, view.intro.id.clone());
    if !view.status.is_reachable() {
        return Err(offline(&view, "nothing was removed; clean it when it is back"));
    }
    let on = worker_id.clone();
    let keep = app.engine.read(move |scheduler: &Scheduler, _| scheduler.needed_on(&on)).await?;
    if keep.len() > NEEDED_MAX {
        let message = format!("{} jobs wait for folders on worker {ip}, too many to name", keep.len());
        return Err(ErrorBody::new(ErrorCode::Conflict, message, "clean it when some of them have run").into());
    }
    let patience = Duration::from_secs(CLEANUP_WAIT_S);
    let cleaned = app.cleanup_requests.ask(worker_id.clone(), keep, patience).await.map_err(|e| {
        let hint = "it may be busy with large workspaces, or be no c2-agent; try again in a moment";
        ErrorBody::new(ErrorCode::Busy, format!("worker {ip}: {e}"), hint)
    })?;
    Ok(Json(CleanupResponse { ip, worker_id: Some(worker_id), cleaned }))
}

/// The refusal of what a worker would have to do now.
pub(super) fn offline(view: &WorkerView, hint: &str) -> ApiError {
    let (ip, status) = (view.ip, view.status);
    let silent = view.silent_ms.map_or_else(|| "since c2d started".to_owned(), |ms| format!("for {}", span(ms)));
    let message = format!("worker {ip} is {status}: it was not heard {silent}");
    ErrorBody::new(ErrorCode::Conflict, message, hint).into()
}
