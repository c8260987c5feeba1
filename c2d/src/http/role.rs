//! Roles as types: a handler that takes [`Operator`] or [`WorkerPeer`] cannot be reached by anybody
//! else, and one that takes neither stands out.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::token::Role;

use crate::http::App;
use crate::http::error::ApiError;
use crate::http::gate::Caller;

/// Proof that an operator asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator;

/// Proof that a worker asks, and from where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkerPeer {
    address: IpAddr,
}

/// Proof that somebody with a token asks, whoever it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anybody;

impl FromRequestParts<App> for Anybody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        require(parts, Role::Operator).or_else(|_| require(parts, Role::Worker)).map(|()| Self)
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        require(parts, Role::Operator).map(|()| Self)
    }
}

impl FromRequestParts<App> for WorkerPeer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        require(parts, Role::Worker)?;
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().expect("every connection has a peer");
        Ok(Self { address: peer.0.ip().to_canonical() })
    }
}

impl WorkerPeer {
    /// The address that the worker is known by: that of its connection, which it may repeat but
    /// not replace, so that no worker speaks for another.
    pub(crate) fn at(self, claimed: Option<IpAddr>) -> Result<IpAddr, ApiError> {
        match claimed.map(|ip| ip.to_canonical()) {
            Some(ip) if ip != self.address => {
                let message = format!("a connection from {} cannot speak for worker {ip}", self.address);
                let hint = "start the agent with --address set to the address it connects from";
                Err(ErrorBody::new(ErrorCode::Conflict, message, hint).into())
            }
            _ => Ok(self.address),
        }
    }
}

fn require(parts: &Parts, role: Role) -> Result<(), ApiError> {
    let caller = parts.extensions.get::<Option<Caller>>().copied().flatten();
    if caller.is_some_and(|caller| caller.0 == role) {
        return Ok(());
    }
    let (message, hint) = match role {
        Role::Operator => ("only operators may do this", "use the token in operator.token"),
        Role::Worker => ("only workers may do this", "use the token in worker.token"),
    };
    Err(ErrorBody::new(ErrorCode::Forbidden, message, hint).into())
}
