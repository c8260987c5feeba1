//! What a c2d answers that stands by: that it does, and to holders of tokens where the leader is.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::endpoint;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::metrics::{DEGRADED, STANDBY};
use tokio::sync::watch;

use crate::access;
use crate::http::connection::Connection;
use crate::http::error::ApiError;
use crate::http::gate::bearer;

/// What it knows.
#[derive(Clone, Debug)]
pub(crate) struct Standby {
    /// Where the tokens are that machines have.
    pub(crate) dir: Arc<PathBuf>,
    pub(crate) seen: watch::Receiver<Seen>,
}

/// What was last heard from the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Where the leader is.
    pub(crate) leader: String,
    /// Whether the database answers no longer, and so this c2d cannot lead either.
    pub(crate) is_cut_off: bool,
}

/// Answers each request, whatever it asks for.
pub(crate) fn router(standby: Standby) -> Router {
    Router::new().fallback(refuse).with_state(standby)
}

/// Anybody may ask; why it is so stands in the log.
fn health(is_cut_off: bool) -> Response {
    if is_cut_off {
        let why = "it stands by, and cannot reach the database";
        (StatusCode::SERVICE_UNAVAILABLE, format!("{DEGRADED}{why}\n")).into_response()
    } else {
        format!("{STANDBY}\n").into_response()
    }
}

async fn refuse(State(standby): State<Standby>, request: Request) -> Response {
    if request.uri().path() == endpoint::HEALTH.path {
        return health(standby.seen.borrow().is_cut_off);
    }
    let is_near = request.extensions().get::<Connection>().is_some_and(Connection::is_near);
    let shown = bearer(request.headers()).map(str::to_owned);
    let leader = standby.seen.borrow().leader.clone();
    // A look into files, by whoever asks; few do.
    let is_known = move || shown.is_some_and(|shown| access::knows(&standby.dir, &shown, is_near));
    let is_known = tokio::task::spawn_blocking(is_known).await.unwrap_or(false);
    let hint = if is_known && !leader.is_empty() {
        format!("ask the leader: --server {leader}")
    } else {
        "ask the leader; with a token, the answer names it".to_owned()
    };
    let refusal: ApiError =
        ErrorBody::new(ErrorCode::Standby, "this c2d stands by while another one leads", hint).into();
    refusal.into_response()
}
