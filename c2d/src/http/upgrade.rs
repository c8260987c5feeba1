//! A newer program for the agent of a worker, and what the agent made of it.

use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::upgrade::{UpgradeResponse, UpgradeVerdict};
use c2_shared::limits::UPGRADE_WAIT_S;
use c2_shared::worker::Hardware;
use tokio::task::spawn_blocking;

use crate::http::handler::{Answer, ApiError, App, Json, Name, State, serves};
use crate::http::role::WorkerPeer;
use crate::http::{blobs, cleanup, find_worker};
use crate::services::programs::NoProgram;

serves!(UPGRADE => upgrade, GET_AGENT => program);

pub(crate) async fn upgrade(State(app): State<App>, Name(name): Name) -> Answer<UpgradeResponse> {
    let view = find_worker::find(&app, &name).await?;
    let (ip, worker_id) = (view.ip, view.intro.id.clone());
    if !view.status.is_reachable() {
        return Err(cleanup::offline(&view, "its agent keeps its version; upgrade it when it is back"));
    }
    let architecture = serde_json::from_str::<Hardware>(&view.intro.hardware).unwrap_or_default().arch;
    if architecture.is_empty() {
        let message = format!("worker {ip} does not say which processors it has");
        return Err(
            ErrorBody::new(ErrorCode::Conflict, message, "it is no c2-agent, and has a program of its own").into()
        );
    }
    let programs = app.upgrades.programs.clone();
    let offer = spawn_blocking(move || programs.offer(&architecture)).await.expect("reading a file does not panic");
    let offer = Box::new(offer.map_err(|error| absent(&error, ErrorCode::Conflict))?);
    let patience = Duration::from_secs(UPGRADE_WAIT_S);
    let verdict = app.upgrades.requests.ask(worker_id.clone(), offer, patience).await.map_err(|e| {
        let hint = "an agent before 0.2.0 cannot upgrade itself: replace its program there; otherwise see its log";
        ErrorBody::new(ErrorCode::Busy, format!("worker {ip}: {e}"), hint)
    })?;
    let (from, to) = match verdict {
        UpgradeVerdict::Upgraded { from, to } => (from, to),
        UpgradeVerdict::Current { version } => (version.clone(), version),
        UpgradeVerdict::Kept { version, reason, hint } => {
            let message = format!("worker {ip} keeps {version}: {reason}");
            return Err(ErrorBody::new(ErrorCode::Conflict, message, hint).into());
        }
    };
    Ok(Json(UpgradeResponse { ip, worker_id, from, to }))
}

/// The program itself, for an agent.
pub(crate) async fn program(
    _: WorkerPeer,
    State(app): State<App>,
    Name(architecture): Name,
) -> Result<Response, ApiError> {
    let programs = app.upgrades.programs.clone();
    let opened = spawn_blocking(move || programs.open(&architecture)).await.expect("opening a file does not panic");
    let (_, file, size) = opened.map_err(|error| absent(&error, ErrorCode::NotFound))?;
    let mut response = blobs::content(file, 0, size, None).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(blobs::BYTES));
    Ok(response)
}

fn absent(error: &NoProgram, code: ErrorCode) -> ApiError {
    ErrorBody::new(code, error.to_string(), error.hint()).into()
}
