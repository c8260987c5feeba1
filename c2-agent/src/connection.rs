//! The agent's words with c2d over HTTP, one request at a time or an abandoned one beside it.
//!
//! What to ask is the core's decision; here the question is sent and its answer handed back.

use std::net::IpAddr;

use c2_shared::api::error::ErrorCode;
use c2_shared::api::work::{PollResponse, RegisterRequest, RegisterResponse};
use c2_shared::client::{Client, ClientError};
use tokio::task::JoinSet;

use crate::slots::{Failure, Request, RequestKind};

/// Speaks to c2d for one worker.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
    introduction: RegisterRequest,
    /// The address under which c2d knows this worker; told by its answer to the introduction.
    worker: Option<IpAddr>,
    under_way: JoinSet<Reply>,
}

/// The end of a request.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) seq: u64,
    pub(crate) said: Result<Said, ClientError>,
}

/// What c2d said.
#[derive(Debug)]
pub(crate) enum Said {
    Registered(RegisterResponse),
    Answer(PollResponse),
}

impl Connection {
    pub(crate) fn new(client: Client, introduction: RegisterRequest) -> Self {
        Self { client, introduction, worker: None, under_way: JoinSet::new() }
    }

    /// The address under which c2d knows this worker, once it does.
    pub(crate) const fn worker(&self) -> Option<IpAddr> {
        self.worker
    }

    pub(crate) const fn set_worker(&mut self, worker: IpAddr) {
        self.worker = Some(worker);
    }

    pub(crate) fn server(&self) -> &str {
        self.client.server()
    }

    /// Sends a request. An older one that is still under way goes on, so that its connection can
    /// be used again; its answer is of no interest.
    pub(crate) fn send(&mut self, request: Request) {
        let client = self.client.clone();
        let seq = request.seq;
        match (request.kind, self.worker) {
            (RequestKind::Poll(poll), Some(worker)) => {
                self.under_way
                    .spawn(async move { Reply { seq, said: client.poll(worker, &poll).await.map(Said::Answer) } });
            }
            (RequestKind::Register, _) | (RequestKind::Poll(_), None) => {
                let introduction = self.introduction.clone();
                self.under_way.spawn(async move {
                    Reply { seq, said: client.register(&introduction).await.map(Said::Registered) }
                });
            }
        }
    }

    /// Waits for the end of any request; for ever when none is under way.
    pub(crate) async fn reply(&mut self) -> Reply {
        loop {
            match self.under_way.join_next().await {
                Some(Ok(reply)) => return reply,
                Some(Err(error)) => tracing::error!("a request to c2d broke off: {error}"),
                None => std::future::pending().await,
            }
        }
    }
}

/// What a failed request means for the core.
pub(crate) fn failure(error: &ClientError) -> Failure {
    match error.code() {
        // In conflict: this machine may have another address by now, or another worker has this one.
        Some(ErrorCode::NotFound | ErrorCode::Conflict) => Failure::Unknown,
        _ => Failure::NoAnswer,
    }
}
