//! All handlers behind the gate, and what they share.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use tokio::sync::watch;

use crate::access::Access;
use crate::audit::Audit;
use crate::clock::Clock;
use crate::engine::EngineHandle;
use crate::http::doors::Doors;
use crate::http::error::ApiError;
use crate::http::metrics::Counters;
use crate::http::mount::{Mounted, Unserved};
use crate::http::poll_body::LargeBodies;
use crate::http::throttle::Throttle;
use crate::http::{HANDLERS, gate};
use crate::rotation::Rotation;
use crate::services::announcer::Announcer;
use crate::services::live_output::LiveOutput;
use crate::services::messenger::Messenger;
use crate::services::programs::Upgrades;
use crate::services::waker::Waker;
use crate::services::worker_requests::CleanupRequests;
use crate::store::{Blobs, Health, History, Leadership};

/// What the handlers speak to.
#[derive(Clone, Debug)]
pub struct App {
    /// Decides and remembers.
    pub engine: EngineHandle,
    /// Whether this c2d leads.
    pub leadership: Leadership,
    /// Says how the store is.
    pub health: Health,
    /// Knows the past.
    pub history: History,
    /// Keeps the content of files.
    pub blobs: Blobs,
    /// Carries requests to clean workspaces.
    pub cleanup_requests: CleanupRequests,
    /// Has agents run newer programs.
    pub(crate) upgrades: Upgrades,
    /// Asks workers what running jobs write.
    pub live_output: LiveOutput,
    /// Announces invitations.
    pub(crate) announcer: Announcer,
    /// Wakes machines, with the help of workers near them.
    pub waker: Waker,
    /// Tells people what happened.
    pub(crate) messenger: Messenger,
    /// Knows the tokens.
    pub access: Access,
    /// What this c2d is known by, and was before.
    pub(crate) rotation: Rotation,
    /// Counts requests without a known token.
    pub(crate) throttle: Arc<Throttle>,
    /// Counts connections.
    pub(crate) doors: Doors,
    /// Bounds what workers send at once.
    pub(crate) large_bodies: LargeBodies,
    /// Bytes that are kept of each output stream.
    pub(crate) output_keep_bytes: u64,
    /// Remembers who did what.
    pub(crate) audit: Audit,
    /// Names by which this c2d may be called in `Host`.
    pub names: Arc<BTreeSet<String>>,
    /// Where it listens.
    pub address: SocketAddr,
    /// When it started.
    pub clock: Clock,
    /// Counts what is answered.
    pub(crate) counters: Arc<Counters>,
    /// Turns true when c2d goes down; ends streams that would go on for ever.
    pub stopping: watch::Receiver<bool>,
}

/// All endpoints behind the gate.
pub fn router(app: App) -> Result<Router, Unserved> {
    let gate = axum::middleware::from_fn_with_state(app.clone(), gate::gate);
    let router = handlers().all()?.fallback(unknown_path).method_not_allowed_fallback(wrong_method);
    Ok(router.layer(gate).with_state(app))
}

/// The handlers on their endpoints.
pub(super) fn handlers() -> Mounted {
    HANDLERS.iter().fold(Mounted::default(), |mounted, mount| mount(mounted))
}

async fn unknown_path(uri: axum::http::Uri) -> ApiError {
    let message = format!("no such path {:?}", uri.path());
    ErrorBody::new(ErrorCode::NotFound, message, "all paths are described at /docs").into()
}

async fn wrong_method(method: axum::http::Method, uri: axum::http::Uri) -> ApiError {
    let message = format!("{method} is not allowed on {:?}", uri.path());
    ErrorBody::new(ErrorCode::MethodNotAllowed, message, "the Allow header names what is").into()
}
