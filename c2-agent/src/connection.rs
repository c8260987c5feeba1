//! The agent's words with c2d over HTTP, one request at a time or an abandoned one beside it.
//!
//! What to ask is the core's decision; here the question is sent and its answer handed back.

use std::net::IpAddr;

use c2_shared::api::error::ErrorCode;
use c2_shared::api::work::{PROTOCOL, PollResponse, RegisterRequest, RegisterResponse};
use c2_shared::client::{Client, ClientError};
use tokio::task::JoinSet;

use crate::slots::{Failure, Request, RequestKind, is_large};

/// Speaks to c2d for one worker.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
    introduction: RegisterRequest,
    /// What c2d takes of an introduction, as far as it is known.
    form: Form,
    /// The address under which c2d knows this worker; told by its answer to the introduction.
    worker: Option<IpAddr>,
    under_way: JoinSet<Reply>,
}

/// How an introduction is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// So that every c2d takes it.
    Brief,
    /// With all that this agent says of itself.
    Full,
}

/// How an introduction was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Introduced {
    /// c2d wants to hear the rest.
    Briefly,
    /// c2d knows all.
    Fully,
    /// c2d is too old for the rest.
    ToOlder,
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
        Self { client, introduction, form: Form::Brief, worker: None, under_way: JoinSet::new() }
    }

    /// The address under which c2d knows this worker, once it does.
    pub(crate) const fn worker(&self) -> Option<IpAddr> {
        self.worker
    }

    pub(crate) const fn set_worker(&mut self, worker: IpAddr) {
        self.worker = Some(worker);
    }

    /// c2d answered an introduction. It says in its answer what it takes.
    pub(crate) fn introduced(&mut self, answer: &RegisterResponse) -> Introduced {
        let before =
            std::mem::replace(&mut self.form, if answer.protocol >= Some(PROTOCOL) { Form::Full } else { Form::Brief });
        match (before, self.form) {
            (Form::Brief, Form::Full) => Introduced::Briefly,
            (Form::Full, Form::Full) => Introduced::Fully,
            (_, Form::Brief) => Introduced::ToOlder,
        }
    }

    /// Whether c2d knows all that this agent says of itself.
    pub(crate) const fn is_full(&self) -> bool {
        matches!(self.form, Form::Full)
    }

    /// A full introduction failed: c2d may be another one by now, that does not take it.
    pub(crate) const fn start_over(&mut self) {
        self.form = Form::Brief;
    }

    /// This run has another number than it thought.
    pub(crate) const fn count_from(&mut self, start: u64) {
        self.introduction.session.start = start;
    }

    pub(crate) fn server(&self) -> &str {
        self.client.server()
    }

    /// Whether it may turn to another c2d.
    pub(crate) fn is_of_several(&self) -> bool {
        self.client.is_of_several()
    }

    /// Sends a request. An older one that is still under way goes on, so that its connection can
    /// be used again; its answer is of no interest.
    pub(crate) fn send(&mut self, request: Request) {
        let client = self.client.clone();
        let seq = request.seq;
        match (request.kind, self.worker) {
            (RequestKind::Poll(poll), Some(worker)) => {
                self.under_way.spawn(async move {
                    let _first = is_large(&poll).then(|| client.goes_first());
                    Reply { seq, said: client.poll(worker, &poll).await.map(Said::Answer) }
                });
            }
            (RequestKind::Register, _) | (RequestKind::Poll(_), None) => {
                let introduction = match self.form {
                    Form::Full => self.introduction.clone(),
                    Form::Brief => self.introduction.brief(),
                };
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
        Some(ErrorCode::Wait) => Failure::Wait,
        // In conflict, says a c2d of 0.1.0: this machine may have another address by now.
        Some(ErrorCode::NotFound | ErrorCode::Conflict | ErrorCode::InvalidInput) => Failure::Unknown,
        _ => Failure::NoAnswer,
    }
}
