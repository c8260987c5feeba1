//! The check of roles before each handler, and what a handler may learn of who asks.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::work::{PROTOCOL, PROTOCOL_HEADER};
use c2_shared::blob::BlobId;
use c2_shared::id::WorkerId;
use c2_shared::limits::{FREE_BYTES_FLOOR, NAME_LEN_MAX, WORKER_BLOB_FREE_BYTES_FLOOR};
use c2_shared::plain;
use c2_shared::token::Role;

use crate::access::{Holder, Speaker, TokenRefusal};
use crate::http::App;
use crate::http::connection::Connection;
use crate::http::contents;
use crate::http::error::ApiError;
use crate::http::gate;
use crate::store::{Blobs, payload};

/// Which worker asks, and from where.
#[derive(Clone, Debug)]
pub(crate) struct WorkerPeer {
    address: IpAddr,
    holder: Holder,
}

/// Who sends or asks for a file.
#[derive(Clone, Debug)]
pub(crate) struct Sender(WorkerPeer);

impl Sender {
    /// The files of c2d for this sender.
    pub(crate) fn blobs(&self, app: &App) -> Blobs {
        app.blobs.of(&self.0.holder.id)
    }

    fn is_worker(&self) -> bool {
        self.0.holder.role == Role::Worker
    }

    /// How much of the disk an upload must leave free: workers' files give way to jobs.
    pub(crate) fn floor(&self) -> u64 {
        if self.is_worker() { WORKER_BLOB_FREE_BYTES_FLOOR } else { FREE_BYTES_FLOOR }
    }

    /// Whether it may know that a content is here. To know a hash is not enough for a worker, as what it
    /// guesses would be confirmed: the content must be its own, or belong to a job that it was given.
    pub(crate) async fn may_see(&self, app: &App, blob: BlobId) -> Result<bool, ApiError> {
        if !self.is_worker() || self.blobs(app).sent().iter().any(|(sent, _)| *sent == blob) {
            return Ok(true);
        }
        let speaker = self.0.speaker(app);
        if app.history.workers_with(blob).await?.iter().any(|worker| speaker.may_be(worker)) {
            return Ok(true);
        }
        // No table names what is made for a worker alone: a long specification, and in one the files of others.
        let held = app.engine.read(move |scheduler, _| scheduler.handouts(|worker| speaker.may_be(worker))).await?;
        for handout in held {
            let Ok(spec) = payload::read(&handout.payload) else { continue };
            let spec = contents::for_worker(app, spec, &handout.depends).await?;
            if spec.blobs().any(|needed| needed.blob == blob) || BlobId::of(contents::written(&spec).as_bytes()) == blob
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl FromRequestParts<App> for Sender {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        WorkerPeer::from_request_parts(parts, app).await.map(Self)
    }
}

/// An invitation, by its id.
#[derive(Clone, Debug)]
pub(crate) struct Invited(pub(crate) Arc<str>);

/// The ends of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connected(pub(crate) Connection);

impl FromRequestParts<App> for Connected {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self(*parts.extensions.get().expect("every connection came from somewhere")))
    }
}

/// What the caller says that it understands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol(Option<u32>);

impl Protocol {
    /// Whether it is ours, or a later one.
    pub(crate) fn is_known(self) -> bool {
        self.0 >= Some(PROTOCOL)
    }
}

impl FromRequestParts<App> for Protocol {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get(PROTOCOL_HEADER).and_then(|value| value.to_str().ok()?.parse().ok())))
    }
}

impl FromRequestParts<App> for WorkerPeer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let connection = parts.extensions.get::<Connection>().expect("every connection came from somewhere");
        Ok(Self { address: connection.peer(), holder: holder(parts).clone() })
    }
}

impl FromRequestParts<App> for Invited {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        Ok(Self(holder(parts).id.clone()))
    }
}

impl WorkerPeer {
    /// The address that it speaks from. What it claims does not count, nor what stands in a path.
    pub(crate) const fn address(&self) -> IpAddr {
        self.address
    }

    /// Which worker it is: that of its token, whatever it says. The token of c2d's own folder is for all
    /// workers of this machine that have none of their own; one of them that does not say who it is, is known
    /// by its address. A token of old that belongs to nobody yet is the first worker's that uses it.
    pub(crate) async fn worker(&self, app: &App, said: &str) -> Result<WorkerId, ApiError> {
        let id = match &self.holder.worker_id {
            Some(own) if said.is_empty() || own.as_str() == said => return Ok(own.clone()),
            Some(_) => return Err(TokenRefusal::NotYours.into()),
            None if said.is_empty() => WorkerId::of_address(self.address),
            None => named(said)?,
        };
        if !self.holder.near_only {
            app.access.bind(self.holder.id.to_string(), id.clone()).await?;
        } else if app.access.is_bound(&id) {
            return Err(TokenRefusal::NotYours.into());
        }
        Ok(id)
    }

    /// For which workers it speaks where it does not say who it is.
    pub(crate) fn speaker(&self, app: &App) -> Speaker {
        match &self.holder.worker_id {
            Some(own) => Speaker::One(own.clone()),
            None if self.holder.near_only => Speaker::Unbound(app.access.clone()),
            None => Speaker::One(WorkerId::of_address(self.address)),
        }
    }

    /// What its requests that take much are counted by, before anybody has read who it says it is.
    pub(crate) fn key(&self) -> String {
        self.holder.worker_id.as_ref().map_or_else(|| self.address.to_string(), ToString::to_string)
    }

    /// Slots of the worker that it is, as far as its token and its address tell.
    pub(crate) async fn slots(&self, app: &App) -> Result<Option<u32>, ApiError> {
        let (own, address) = (self.holder.worker_id.clone(), self.address);
        let slots = app.engine.read(move |scheduler, now| match own {
            Some(id) => scheduler.worker(now, &id).map(|worker| worker.intro.slots),
            None => scheduler.slots_at(address),
        });
        Ok(slots.await?)
    }
}

/// An id that somebody made up.
pub(crate) fn named(said: &str) -> Result<WorkerId, ApiError> {
    let id = WorkerId::from(said);
    let wrong = if said.trim().is_empty() {
        "empty"
    } else if said.len() > NAME_LEN_MAX {
        "too long"
    } else if said.chars().any(plain::acts) {
        "not plain text"
    } else if id.is_address() || said.parse::<IpAddr>().is_ok() {
        "an address"
    } else {
        return Ok(id);
    };
    let hint = format!("make up a plain word of at most {NAME_LEN_MAX} bytes, and keep it");
    Err(ErrorBody::new(ErrorCode::InvalidInput, format!("the worker_id is {wrong}"), hint).in_field("worker_id").into())
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
    let hint = roles.first().map(|role| gate::renewal(*role)).unwrap_or_default();
    Err(ErrorBody::new(ErrorCode::Forbidden, message, hint).into())
}
