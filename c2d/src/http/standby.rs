//! What a c2d answers that stands by: that it does, and to holders of tokens where the leader is.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::endpoint;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::metrics::STANDBY;
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
    /// Where the leader is.
    pub(crate) leader: watch::Receiver<String>,
}

/// Answers each request, whatever it asks for.
pub(crate) fn router(standby: Standby) -> Router {
    Router::new().fallback(refuse).with_state(standby)
}

async fn refuse(State(standby): State<Standby>, request: Request) -> Response {
    if request.uri().path() == endpoint::HEALTH.path {
        return format!("{STANDBY}\n").into_response();
    }
    let is_near = request.extensions().get::<Connection>().is_some_and(Connection::is_near);
    let shown = bearer(request.headers()).map(str::to_owned);
    let leader = standby.leader.borrow().clone();
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
