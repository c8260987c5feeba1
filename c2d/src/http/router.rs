//! The table of routes, and what all handlers share.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::Router;
use axum::routing::{delete, get, post};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::route;
use c2_shared::fingerprint::Fingerprint;
use tokio::sync::watch;

use crate::access::Access;
use crate::clock::Clock;
use crate::engine::EngineHandle;
use crate::http::audit::Audit;
use crate::http::error::ApiError;
use crate::http::poll_body::LargeBodies;
use crate::http::throttle::Throttle;
use crate::http::{
    batch, blobs, cleanup, docs, events, files, follow, gate, groups, jobs, metrics, named, output, steer, submit,
    tags, tokens, workers,
};
use crate::services::cleanup_requests::CleanupRequests;
use crate::services::live_output::LiveOutput;
use crate::store::{Blobs, History};

/// What the handlers speak to.
#[derive(Clone, Debug)]
pub struct App {
    /// Decides and remembers.
    pub engine: EngineHandle,
    /// Knows the past.
    pub history: History,
    /// Keeps the content of files.
    pub blobs: Blobs,
    /// Carries requests to clean workspaces.
    pub cleanup_requests: CleanupRequests,
    /// Asks workers what running jobs write.
    pub live_output: LiveOutput,
    /// Knows the tokens.
    pub access: Access,
    /// What this c2d is known by.
    pub fingerprint: Fingerprint,
    /// Counts requests without a known token.
    pub(crate) throttle: Arc<Throttle>,
    /// Bounds what workers send at once.
    pub(crate) large_bodies: LargeBodies,
    /// Remembers who did what.
    pub(crate) audit: Audit,
    /// Names by which this c2d may be called in `Host`.
    pub names: Arc<BTreeSet<String>>,
    /// Where it listens.
    pub address: SocketAddr,
    /// When it started.
    pub clock: Clock,
    /// Requests answered so far.
    pub requests: Arc<AtomicU64>,
    /// Turns true when c2d goes down; ends streams that would go on for ever.
    pub stopping: watch::Receiver<bool>,
}

/// All routes behind the gate.
pub fn router(app: App) -> Router {
    Router::new()
        .route(route::REGISTER, post(workers::register))
        .route(route::GET_WORK, post(workers::get_work))
        .route(route::RESULT, post(workers::result))
        .route(route::WORKERS, get(workers::list))
        .route(route::WORKER, get(workers::info))
        .route(route::GROUPS, post(groups::join))
        .route(route::GROUP, delete(groups::leave))
        .route(route::TAGS, post(tags::set).get(tags::show))
        .route(route::DETECT_TAGS, post(tags::detect))
        .route(route::DRAIN, post(groups::drain))
        .route(route::RESUME, post(groups::resume))
        .route(route::REMOVE_WORKER, delete(groups::remove))
        .route(route::TARGET, get(named::target))
        .route(route::SUBMIT, post(submit::submit))
        .route(route::SUBMIT_WAIT, post(submit::submit_wait))
        .route(route::QUEUE_STATUS, get(jobs::queue_status))
        .route(route::JOBS, get(jobs::list))
        .route(route::JOB, get(jobs::info))
        .route(route::CANCEL, post(jobs::cancel))
        .route(route::LOG, get(jobs::log))
        .route(route::OUTPUT, get(output::output))
        .route(route::FILES, get(files::files))
        .route(route::BLOB, get(blobs::read).put(blobs::write))
        .route(route::CLEANUP, post(cleanup::cleanup))
        .route(route::FOLLOW, get(follow::follow))
        .route(route::LIVE, post(follow::live))
        .route(route::SUBMIT_BATCH, post(batch::submit))
        .route(route::SUBMIT_BATCH_WAIT, post(batch::submit_wait))
        .route(route::RETRY, post(batch::retry))
        .route(route::HOLD, post(steer::hold))
        .route(route::RELEASE, post(steer::release))
        .route(route::PAUSE, post(steer::pause))
        .route(route::UNPAUSE, post(steer::unpause))
        .route(route::WHY, get(jobs::why))
        .route(route::JOIN, post(tokens::join))
        .route(route::TOKENS, get(tokens::list))
        .route(route::INVITE, post(tokens::invite))
        .route(route::TOKEN, delete(tokens::revoke))
        .route(route::ROTATE, post(tokens::rotate))
        .route(route::EVENTS, get(events::events))
        .route(route::METRICS, get(metrics::json))
        .route(route::PROMETHEUS, get(metrics::prometheus))
        .route(route::OPENAPI, get(docs::openapi))
        .route(route::DOCS, get(docs::docs))
        .route(route::HEALTH, get(async || "ok\n"))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::from_fn_with_state(app.clone(), gate::gate))
        .with_state(app)
}

async fn unknown_path(uri: axum::http::Uri) -> ApiError {
    let message = format!("no such path {:?}", uri.path());
    ErrorBody::new(ErrorCode::NotFound, message, "all paths are described at /docs").into()
}

async fn wrong_method(method: axum::http::Method, uri: axum::http::Uri) -> ApiError {
    let message = format!("{method} is not allowed on {:?}", uri.path());
    ErrorBody::new(ErrorCode::MethodNotAllowed, message, "the Allow header names what is").into()
}
