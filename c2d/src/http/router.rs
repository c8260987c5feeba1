//! Which handler serves which endpoint, and what all handlers share.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::Router;
use c2_shared::api::endpoint;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::fingerprint::Fingerprint;
use tokio::sync::watch;

use crate::access::Access;
use crate::cleanups::Cleanups;
use crate::clock::Clock;
use crate::engine::EngineHandle;
use crate::http::audit::Audit;
use crate::http::error::ApiError;
use crate::http::mount::{Mounted, Unserved};
use crate::http::poll_body::LargeBodies;
use crate::http::throttle::Throttle;
use crate::http::{
    assign, batch, blobs, cancel, cleanup, detect_tags, docs, drain, events, files, find_worker, follow, gate,
    get_tags, hold, info, job, jobs, list, log, metrics, output, pause, queue_status, remove_worker, retry, set_tags,
    submit, tokens, why, workers,
};
use crate::relay::Relay;
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
    pub cleanups: Cleanups,
    /// Asks workers what running jobs write.
    pub relay: Relay,
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

/// All endpoints behind the gate.
///
/// # Errors
/// When one has no handler.
pub fn router(app: App) -> Result<Router, Unserved> {
    let gate = axum::middleware::from_fn_with_state(app.clone(), gate::gate);
    let router = handlers().all()?.fallback(unknown_path).method_not_allowed_fallback(wrong_method);
    Ok(router.layer(gate).with_state(app))
}

/// Which handler serves which endpoint.
pub(super) fn handlers() -> Mounted {
    Mounted::default()
        .on(&endpoint::SUBMIT, submit::submit)
        .on(&endpoint::SUBMIT_WAIT, submit::submit_wait)
        .on(&endpoint::SUBMIT_BATCH, batch::submit)
        .on(&endpoint::SUBMIT_BATCH_WAIT, batch::submit_wait)
        .on(&endpoint::RETRY, retry::retry)
        .on(&endpoint::LIST_JOBS, jobs::jobs)
        .on(&endpoint::GET_JOB, job::job)
        .on(&endpoint::GET_OUTPUT, output::output)
        .on(&endpoint::FOLLOW, follow::follow)
        .on(&endpoint::WHY, why::why)
        .on(&endpoint::GET_LOG, log::log)
        .on(&endpoint::QUEUE_STATUS, queue_status::queue_status)
        .on(&endpoint::CANCEL, cancel::cancel)
        .on(&endpoint::HOLD, hold::hold)
        .on(&endpoint::RELEASE, hold::release)
        .on(&endpoint::PAUSE, pause::pause)
        .on(&endpoint::UNPAUSE, pause::unpause)
        .on(&endpoint::LIST_FILES, files::files)
        .on(&endpoint::GET_BLOB, blobs::read)
        .on(&endpoint::PUT_BLOB, blobs::write)
        .on(&endpoint::CLEANUP, cleanup::cleanup)
        .on(&endpoint::LIST_WORKERS, list::list)
        .on(&endpoint::GET_WORKER, info::info)
        .on(&endpoint::FIND_WORKERS, find_worker::find_workers)
        .on(&endpoint::ASSIGN, assign::assign)
        .on(&endpoint::UNASSIGN, assign::unassign)
        .on(&endpoint::GET_TAGS, get_tags::get_tags)
        .on(&endpoint::SET_TAGS, set_tags::set_tags)
        .on(&endpoint::DETECT_TAGS, detect_tags::detect_tags)
        .on(&endpoint::DRAIN, drain::drain)
        .on(&endpoint::RESUME, drain::resume)
        .on(&endpoint::REMOVE_WORKER, remove_worker::remove_worker)
        .on(&endpoint::REGISTER, workers::register)
        .on(&endpoint::GET_WORK, workers::get_work)
        .on(&endpoint::DELIVER_RESULT, workers::result)
        .on(&endpoint::SAY_WRITTEN, follow::live)
        .on(&endpoint::INVITE, tokens::invite)
        .on(&endpoint::JOIN, tokens::join)
        .on(&endpoint::LIST_TOKENS, tokens::list)
        .on(&endpoint::REVOKE_TOKEN, tokens::revoke)
        .on(&endpoint::ROTATE_TOKEN, tokens::rotate)
        .on(&endpoint::EVENTS, events::events)
        .on(&endpoint::METRICS, metrics::json)
        .on(&endpoint::PROMETHEUS, metrics::prometheus)
        .on(&endpoint::OPENAPI, docs::openapi)
        .on(&endpoint::DOCS, docs::docs)
        .on(&endpoint::HEALTH, async || "ok\n")
}

async fn unknown_path(uri: axum::http::Uri) -> ApiError {
    let message = format!("no such path {:?}", uri.path());
    ErrorBody::new(ErrorCode::NotFound, message, "all paths are described at /docs").into()
}

async fn wrong_method(method: axum::http::Method, uri: axum::http::Uri) -> ApiError {
    let message = format!("{method} is not allowed on {:?}", uri.path());
    ErrorBody::new(ErrorCode::MethodNotAllowed, message, "the Allow header names what is").into()
}
