//! Who may do what: the tokens of this c2d, of which only hashes are kept.
//!
//! One operator's and one worker's token lie in c2d's own folder; they are for programs of the same
//! user and good on this machine alone. All others are given out against an invitation, to be
//! revoked one by one. One task owns the table and its file; requests look at the latest copy.

mod keeper;
mod table;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use c2_shared::api::tokens::{InviteRequest, JoinRequest, TokenRow};
use c2_shared::id::WorkerId;
use c2_shared::token::{Role, Token};
use tokio::sync::{mpsc, oneshot, watch};

pub use keeper::AccessError;
#[cfg(test)]
pub(crate) use keeper::start;
pub(crate) use keeper::{FILE, Share, all_must_move, examine, knows, not_moved, renew, start_shared};
pub(crate) use table::Holder;

use keeper::Change;
use table::{Table, hash};

use crate::sched::Now;

/// Knows the tokens; cheap to clone.
#[derive(Clone, Debug)]
pub struct Access {
    table: watch::Receiver<Arc<Table>>,
    changes: mpsc::Sender<Change>,
}

/// Why a change of the tokens is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenRefusal {
    #[error("no token has the id {0:?}")]
    Unknown(String),
    #[error("this invitation is not valid any more")]
    Spent,
    #[error("this invitation is for {0}s")]
    WrongRole(Role),
    #[error("a worker needs a worker_id")]
    NoWorkerId,
    #[error("worker_id {worker_id:?} has a token already: {token}")]
    Bound { worker_id: WorkerId, token: String },
    #[error("this token belongs to another worker")]
    NotYours,
    #[error("this invitation gives an identity, which this agent is too old to take")]
    TooOld,
    #[error("jobs run on this machine under the identity that it has")]
    JobsRun,
    #[error("worker {called}, whose identity this invitation gives, may still be at work")]
    AtWork { called: String },
    #[error("c2d cannot announce itself in its network: {0}")]
    NotHeard(String),
    #[error("c2d cannot change its tokens now")]
    Busy,
    #[error("{0}")]
    StoreFailed(String),
}

/// For which workers a token speaks.
#[derive(Clone, Debug)]
pub(crate) enum Speaker {
    /// For the one that it is bound to.
    One(WorkerId),
    /// That of c2d's own folder: for all that have no token of their own.
    Unbound(Access),
}

impl Speaker {
    pub(crate) fn may_be(&self, id: &WorkerId) -> bool {
        match self {
            Self::One(own) => own == id,
            Self::Unbound(access) => !access.is_bound(id),
        }
    }
}

impl Access {
    /// Who shows this text, if it is known and good for where it comes from. What stands behind the
    /// token in its file may be shown with it.
    pub(crate) fn holder(&self, shown: &str, near: bool, now: Now) -> Option<Holder> {
        let end = shown.match_indices('.').nth(1).map_or(shown.len(), |(dot, _)| dot);
        let shown = &shown[..end];
        let table = self.table.borrow();
        let known = table.find(&hash(shown))?;
        (known.is_valid(now) && (near || !known.near_only)).then(|| known.holder())
    }

    /// Resolves when this holder's token is no longer good.
    pub(crate) async fn revoked(&self, id: &str) {
        let mut table = self.table.clone();
        drop(table.wait_for(|table| !table.has(id)).await);
    }

    /// All tokens, without their secrets.
    pub(crate) fn list(&self) -> Vec<TokenRow> {
        self.table.borrow().rows()
    }

    /// Makes an invitation.
    pub(crate) async fn invite(&self, request: InviteRequest, now: Now) -> Result<Token, TokenRefusal> {
        let token = Token::generate(Role::Join).map_err(|_| TokenRefusal::Busy)?;
        self.invite_by(token, request, now).await
    }

    /// Makes this token an invitation.
    pub(crate) async fn invite_by(
        &self,
        token: Token,
        request: InviteRequest,
        now: Now,
    ) -> Result<Token, TokenRefusal> {
        self.change(|answer| Change::Invite { request, token, now, answer }).await
    }

    /// Whether a worker has a token of its own.
    pub(crate) fn is_bound(&self, id: &WorkerId) -> bool {
        self.table.borrow().is_bound(id)
    }

    /// The worker whose identity an invitation gives, if it gives one.
    pub(crate) fn gives(&self, by: &str) -> Option<WorkerId> {
        self.table.borrow().gives(by)
    }

    /// Binds a token of old to the worker that uses it first.
    pub(crate) async fn bind(&self, token: String, worker: WorkerId) -> Result<(), TokenRefusal> {
        self.change(|answer| Change::Bind { token, worker, answer }).await
    }

    /// Takes an invitation in exchange for a token.
    pub(crate) async fn join(&self, by: String, request: JoinRequest, now: Now) -> Result<Token, TokenRefusal> {
        self.change(|answer| Change::Join { by, request, now, answer }).await
    }

    /// Notes that the holder of a token knows the present authority.
    pub(crate) async fn moved(&self, token: String) -> Result<(), TokenRefusal> {
        self.change(|answer| Change::Moved { token, answer }).await
    }

    /// Who does not know the present authority yet.
    pub(crate) fn not_moved(&self) -> Vec<String> {
        self.table.borrow().not_moved()
    }

    /// Revokes a token.
    pub(crate) async fn revoke(&self, id: String) -> Result<(), TokenRefusal> {
        self.change(|answer| Change::Revoke { id, answer }).await
    }

    /// Puts a new token into c2d's folder in place of an old one.
    pub(crate) async fn rotate(&self, role: Role) -> Result<(), TokenRefusal> {
        self.change(|answer| Change::Rotate { role, answer }).await
    }

    async fn change<T>(
        &self,
        change: impl FnOnce(oneshot::Sender<Result<T, TokenRefusal>>) -> Change,
    ) -> Result<T, TokenRefusal> {
        let (answer, answered) = oneshot::channel();
        self.changes.send(change(answer)).await.map_err(|_| TokenRefusal::Busy)?;
        answered.await.unwrap_or(Err(TokenRefusal::Busy))
    }
}
