//! The check of roles before each handler, and what a handler may learn of who asks.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::limits::{FREE_BYTES_FLOOR, WORKER_BLOB_FREE_BYTES_FLOOR};
use c2_shared::token::Role;

use crate::access::Holder;
use crate::http::App;
use crate::http::connection::Connection;
use crate::http::error::ApiError;
use crate::http::find_worker;
use crate::store::Blobs;

/// Which worker asks, and from where.
#[derive(Clone, Debug)]
pub(crate) struct WorkerPeer {
    address: IpAddr,
    /// The one worker that its token belongs to, if it belongs to one.
    worker_id: Option<Arc<str>>,
}

/// Who sends a file.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    id: Arc<str>,
    role: Role,
}

impl Sender {
    /// The files of c2d for this sender.
    pub(crate) fn blobs(&self, app: &App) -> Blobs {
        app.blobs.of(&self.id)
    }

    /// How much of the disk an upload must leave free: workers' files give way to jobs.
    pub(crate) const fn floor(&self) -> u64 {
        match self.role {
            Role::Worker => WORKER_BLOB_FREE_BYTES_FLOOR,
            _ => FREE_BYTES_FLOOR,
        }
    }
}

impl FromRequestParts<App> for Sender {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let holder = holder(parts);
        Ok(Self { id: holder.id.clone(), role: holder.role })
    }
}

/// An invitation, by its id.
#[derive(Clone, Debug)]
pub(crate) struct Invited(pub(crate) Arc<str>);

impl FromRequestParts<App> for WorkerPeer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let worker_id = holder(parts).worker_id.clone();
        let connection = parts.extensions.get::<Connection>().expect("every connection came from somewhere");
        Ok(Self { address: connection.peer(), worker_id })
    }
}

impl FromRequestParts<App> for Invited {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        Ok(Self(holder(parts).id.clone()))
    }
}

impl WorkerPeer {
    /// The address that the worker is known by: that of its connection, which it may repeat but
    /// not replace, so that no worker speaks for another.
    pub(crate) fn at(&self, claimed: Option<IpAddr>) -> Result<IpAddr, ApiError> {
        match claimed.map(|ip| ip.to_canonical()) {
            Some(ip) if ip != self.address => {
                let message = format!("a connection from {} cannot speak for worker {ip}", self.address);
                let hint = "start the agent with --address set to the address it connects from";
                Err(ErrorBody::new(ErrorCode::Conflict, message, hint).into())
            }
            _ => Ok(self.address),
        }
    }

    /// The id that a worker says it has must be that of its token.
    pub(crate) fn is(&self, worker_id: &str) -> Result<(), ApiError> {
        match &self.worker_id {
            Some(own) if **own != *worker_id => {
                let message = "this token belongs to another worker";
                let hint = "let this machine join by itself, with a line from: c2d invite";
                Err(ErrorBody::new(ErrorCode::Forbidden, message, hint).into())
            }
            _ => Ok(()),
        }
    }

    /// The same for a request that does not say it: what counts is who registered at the address.
    pub(crate) async fn is_at(&self, app: &App, ip: IpAddr) -> Result<(), ApiError> {
        if self.worker_id.is_none() {
            return Ok(());
        }
        self.is(&find_worker::again(app, ip).await?.intro.worker_id)
    }
}

/// Whose token came with a request to an endpoint that needs one.
fn holder(parts: &Parts) -> &Holder {
    parts.extensions.get().expect("the role of its holder was checked")
}

/// Refuses a request whose token has none of these roles.
pub(crate) fn check(request: &Request, roles: &[Role]) -> Result<(), ApiError> {
    if request.extensions().get::<Holder>().is_some_and(|holder| roles.contains(&holder.role)) {
        return Ok(());
    }
    let names: Vec<String> = roles.iter().map(|role| format!("{role}s")).collect();
    let message = format!("only {} may do this", names.join(" and "));
    let hint = match roles {
        [Role::Join] => "use the line that `c2d invite` prints",
        [Role::Worker] => "use the token in worker.token",
        _ => "use the token in operator.token",
    };
    Err(ErrorBody::new(ErrorCode::Forbidden, message, hint).into())
}
