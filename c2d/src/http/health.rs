//! Whether c2d is well, in one line: `ok`, or `degraded: ` and why.

use std::time::Duration;

use axum::http::StatusCode;
use c2_shared::api::metrics::DEGRADED;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::http::handler::{App, State, serves};

/// How long a look at the disk may take.
const LOOK: Duration = Duration::from_secs(1);

serves!(HEALTH => health);

pub(crate) async fn health(State(app): State<App>) -> (StatusCode, String) {
    let now = app.clock.now().mono;
    let reason = match app.health.stuck(now) {
        Some(stuck) => Some(stuck),
        None => {
            let health = app.health.clone();
            match timeout(LOOK, spawn_blocking(move || health.degraded(now))).await {
                Ok(Ok(reason)) => reason,
                Ok(Err(_)) | Err(_) => Some("the disk of c2d does not answer".to_owned()),
            }
        }
    };
    match reason {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{DEGRADED}{reason}\n")),
    }
}
