//! Cleaning the workspaces of one worker, and waiting for its report.

use std::net::IpAddr;
use std::time::Duration;

use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::files::CleanupResponse;
use c2_shared::limits::CLEANUP_WAIT_S;
use c2_shared::time::span;
use c2_shared::worker::WorkerStatus;

use crate::http::find_worker;
use crate::http::handler::{Answer, ApiError, App, Json, Name, State, serves};

serves!(CLEANUP => cleanup);

pub(crate) async fn cleanup(State(app): State<App>, Name(name): Name) -> Answer<CleanupResponse> {
    let view = find_worker::find(&app, &name).await?;
    let (ip, worker_id) = (view.ip, view.intro.id);
    if !view.status.is_reachable() {
        return Err(offline(ip, view.status, view.silent_ms));
    }
    let patience = Duration::from_secs(CLEANUP_WAIT_S);
    let cleaned = app.cleanup_requests.ask(worker_id.clone(), patience).await.map_err(|e| {
        let hint = "it may be busy with large workspaces, or be no c2-agent; try again in a moment";
        ErrorBody::new(ErrorCode::Busy, format!("worker {ip}: {e}"), hint)
    })?;
    Ok(Json(CleanupResponse { ip, worker_id: Some(worker_id), cleaned }))
}

fn offline(ip: IpAddr, status: WorkerStatus, silent_ms: Option<u64>) -> ApiError {
    let silent = silent_ms.map_or_else(|| "since c2d started".to_owned(), |ms| format!("for {}", span(ms)));
    let message = format!("worker {ip} is {status}: it was not heard {silent}");
    ErrorBody::new(ErrorCode::Conflict, message, "nothing was removed; clean it when it is back").into()
}
