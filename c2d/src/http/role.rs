//! Roles as types: a handler that takes one of these cannot be reached by anybody else, and one that
//! takes none stands out.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::token::Role;

use crate::access::Holder;
use crate::http::App;
use crate::http::arrival::Arrival;
use crate::http::error::ApiError;
use crate::http::named;

/// Proof that an operator asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator;

/// Proof that somebody asks who may look at everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader;

/// Proof that a worker asks, and from where.
#[derive(Clone, Debug)]
pub(crate) struct WorkerPeer {
    address: IpAddr,
    /// The one worker that its token belongs to, if it belongs to one.
    worker_id: Option<Arc<str>>,
}

/// Proof that somebody asks who may send files: an operator or a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender;

/// Proof that somebody asks who may receive files: whoever has a token that is no invitation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receiver;

/// An invitation, by its id.
#[derive(Clone, Debug)]
pub(crate) struct Invited(pub(crate) Arc<str>);

macro_rules! proof {
    ($name:ident, $roles:expr) => {
        impl FromRequestParts<App> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
                require(parts, &$roles).map(|_| Self)
            }
        }
    };
}

proof!(Operator, [Role::Operator]);
proof!(Reader, [Role::Operator, Role::Viewer]);
proof!(Sender, [Role::Operator, Role::Worker]);
proof!(Receiver, [Role::Operator, Role::Viewer, Role::Worker]);

impl FromRequestParts<App> for WorkerPeer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let worker_id = require(parts, &[Role::Worker])?.worker_id.clone();
        let arrival = parts.extensions.get::<Arrival>().expect("every connection came from somewhere");
        Ok(Self { address: arrival.peer(), worker_id })
    }
}

impl FromRequestParts<App> for Invited {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        require(parts, &[Role::Join]).map(|holder| Self(holder.id.clone()))
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
        self.is(&named::again(app, ip).await?.intro.worker_id)
    }
}

fn require<'a>(parts: &'a Parts, roles: &[Role]) -> Result<&'a Holder, ApiError> {
    let holder = parts.extensions.get::<Holder>().filter(|holder| roles.contains(&holder.role));
    holder.ok_or_else(|| {
        let names: Vec<String> = roles.iter().map(|role| format!("{role}s")).collect();
        let message = format!("only {} may do this", names.join(" and "));
        let hint = match roles {
            [Role::Join] => "use the line that `c2d invite` prints",
            [Role::Worker] => "use the token in worker.token",
            _ => "use the token in operator.token",
        };
        ErrorBody::new(ErrorCode::Forbidden, message, hint).into()
    })
}
