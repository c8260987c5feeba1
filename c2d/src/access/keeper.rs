//! The task that owns the table of tokens and the files that they lie in.
//!
//! A change counts when it is on the disk: first the file, then the copy that requests look at,
//! then the answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use c2_shared::advice::{Advice, with_causes};
use c2_shared::api::tokens::{InviteRequest, JoinRequest};
use c2_shared::fingerprint::Fingerprint;
use c2_shared::id::WorkerId;
use c2_shared::pass::Pass;
use c2_shared::secret_file::{self, SecretFileError};
use c2_shared::token::{Role, Token, TokenError};
use tokio::sync::{mpsc, oneshot, watch};

use super::table::{Known, Table, hash};
use super::{Access, TokenRefusal};
use crate::sched::Now;

/// The tokens that were given out.
pub(crate) const FILE: &str = "access.json";
/// The roles of the tokens that lie in c2d's own folder.
const NEAR: [Role; 2] = [Role::Operator, Role::Worker];
/// Changes that may wait.
const CHANGES_LEN: usize = 16;
/// More tokens than a home has machines and people.
const TOKENS_MAX: usize = 1_000;

/// Why the tokens of a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("{0:?} cannot be used")]
    Token(PathBuf, #[source] TokenError),
    #[error(transparent)]
    File(#[from] SecretFileError),
    #[error("{path:?} is not what c2d wrote")]
    Malformed { path: PathBuf, source: serde_json::Error },
}

impl Advice for AccessError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Token(_, TokenError::File(error)) | Self::File(error) => return error.hint(),
            Self::Token(path, TokenError::Malformed) => {
                format!("remove {} and start c2d, which makes a new one", path.display())
            }
            Self::Token(_, TokenError::Random) => "start c2d again".to_owned(),
            Self::Malformed { path, .. } => {
                format!("restore {} from a backup, or remove it and invite all machines again", path.display())
            }
        })
    }
}

/// What the task is asked for.
#[derive(Debug)]
pub(super) enum Change {
    Invite { request: InviteRequest, token: Token, now: Now, answer: oneshot::Sender<Result<Token, TokenRefusal>> },
    Join { by: String, request: JoinRequest, now: Now, answer: oneshot::Sender<Result<Token, TokenRefusal>> },
    Bind { token: String, worker: WorkerId, answer: oneshot::Sender<Result<(), TokenRefusal>> },
    Moved { token: String, answer: oneshot::Sender<Result<(), TokenRefusal>> },
    Revoke { id: String, answer: oneshot::Sender<Result<(), TokenRefusal>> },
    Rotate { role: Role, answer: oneshot::Sender<Result<(), TokenRefusal>> },
}

/// Reads the tokens of a data folder, making those that are missing, and starts the task.
#[cfg(test)]
pub(crate) fn start(dir: &Path, fingerprint: Fingerprint) -> Result<Access, AccessError> {
    start_shared(dir, fingerprint, Box::new(|_| true))
}

/// Has others know the table as its file says it; answers whether that is durable.
pub(crate) type Share = Box<dyn Fn(String) -> bool + Send>;

/// The same, where others have the table as well.
pub(crate) fn start_shared(dir: &Path, fingerprint: Fingerprint, share: Share) -> Result<Access, AccessError> {
    let mut table = Table::default();
    for role in NEAR {
        let known = near(dir, role, fingerprint);
        table.tokens.push(known.map_err(|error| AccessError::Token(dir.join(role.file_name()), error))?);
    }
    table.tokens.extend(read(&dir.join(FILE))?.tokens);
    let (shown, seen) = watch::channel(Arc::new(table.clone()));
    let (changes, asked) = mpsc::channel(CHANGES_LEN);
    tokio::spawn(Keeper { dir: dir.to_owned(), fingerprint, table, shown, share }.run(asked));
    Ok(Access { table: seen, changes })
}

/// Sees that a start can use the tokens of a data folder, as far as they are there; changes nothing.
pub(crate) fn examine(dir: &Path) -> Result<(), AccessError> {
    for role in NEAR {
        let path = dir.join(role.file_name());
        let pass = if path.exists() { Pass::read(&path).map(Some) } else { Ok(None) };
        match pass {
            Ok(Some(pass)) if pass.token.role() != role => return Err(AccessError::Token(path, TokenError::Malformed)),
            Ok(_) => {}
            Err(error) => return Err(AccessError::Token(path, error)),
        }
    }
    read(&dir.join(FILE)).map(drop)
}

struct Keeper {
    dir: PathBuf,
    fingerprint: Fingerprint,
    table: Table,
    shown: watch::Sender<Arc<Table>>,
    share: Share,
}

impl Keeper {
    async fn run(mut self, mut asked: mpsc::Receiver<Change>) {
        while let Some(change) = asked.recv().await {
            // Rare and small; whoever waits for a token can wait for the disk.
            match change {
                Change::Invite { request, token, now, answer } => {
                    drop(answer.send(self.invite(&request, token, now)));
                }
                Change::Join { by, request, now, answer } => drop(answer.send(self.join(&by, request, now))),
                Change::Bind { token, worker, answer } => drop(answer.send(self.bind(&token, worker))),
                Change::Moved { token, answer } => drop(answer.send(self.moved(&token))),
                Change::Revoke { id, answer } => drop(answer.send(self.revoke(&id))),
                Change::Rotate { role, answer } => drop(answer.send(self.rotate(role))),
            }
        }
    }

    fn invite(&mut self, request: &InviteRequest, token: Token, now: Now) -> Result<Token, TokenRefusal> {
        let mut next = self.table.clone();
        // Those that nobody can use any more only make the list longer.
        next.tokens.retain(|known| known.is_valid(now));
        let lasts_ms = request.expires_s.saturating_mul(1_000);
        let invitation = |hash| Known {
            hash,
            role: Role::Join,
            name: String::new(),
            made_ms: now.wall_ms,
            expires_ms: Some(now.wall_ms.saturating_add(lasts_ms)),
            expires_seen_ms: Some(now.seen_ms.saturating_add(lasts_ms)),
            uses_left: Some(request.uses),
            gives: Some(request.role),
            worker_id: request.worker.as_deref().map(WorkerId::from),
            must_move: false,
            near_only: false,
        };
        self.add(next, token, invitation)
    }

    /// Spends a use of an invitation and issues a token in one step. All that can be refused is
    /// refused before, so that a refused client can still use the invitation.
    fn join(&mut self, by: &str, request: JoinRequest, now: Now) -> Result<Token, TokenRefusal> {
        let invitation = self.table.tokens.iter().find(|known| known.id() == by && known.is_valid(now));
        let role = invitation.and_then(|invitation| invitation.gives).ok_or(TokenRefusal::Spent)?;
        if !request.roles.is_empty() && !request.roles.contains(&role) {
            return Err(TokenRefusal::WrongRole(role));
        }
        let given = self.table.gives(by);
        // One more worker is what a use is for; a machine that is one and shows so stays the one that it was.
        let (worker_id, is_again) = match given {
            None if role == Role::Worker => {
                let own = self.free_worker_id(&request)?;
                let is_again = self.table.is_bound(&own);
                (Some(own), is_again)
            }
            given => (given, false),
        };
        let mut next = self.table.clone();
        for invitation in next.tokens.iter_mut().filter(|known| known.id() == by && !is_again) {
            invitation.uses_left = invitation.uses_left.map(|uses| uses.saturating_sub(1));
        }
        // A machine that joins again has a new token and no old one.
        next.tokens.retain(|known| known.uses_left != Some(0) && worker_id.as_ref().is_none_or(|id| !known.is_of(id)));
        let known = |hash| Known {
            hash,
            role,
            name: request.name,
            made_ms: now.wall_ms,
            expires_ms: None,
            expires_seen_ms: None,
            uses_left: None,
            gives: None,
            worker_id,
            must_move: false,
            near_only: false,
        };
        let token = Token::generate(role).map_err(|_| TokenRefusal::Busy)?;
        self.add(next, token, known)
    }

    /// The id of a worker that joins. If a token is bound to it, that must be shown: the id is no
    /// secret, and an invitation makes one more worker, never another one's place.
    fn free_worker_id(&self, request: &JoinRequest) -> Result<WorkerId, TokenRefusal> {
        let worker_id = request.worker_id.as_deref().filter(|id| !id.trim().is_empty());
        let worker_id = WorkerId::from(worker_id.ok_or(TokenRefusal::NoWorkerId)?);
        let shown = request.old_token.as_deref().map(hash);
        let bound = self.table.tokens.iter().find(|known| known.is_of(&worker_id));
        match bound.filter(|bound| shown != Some(bound.hash)) {
            Some(bound) => Err(TokenRefusal::Bound { worker_id, token: bound.id() }),
            None => Ok(worker_id),
        }
    }

    /// Tokens of 0.1.0 may belong to nobody. The first worker that uses one has it from then on.
    fn bind(&mut self, token: &str, worker: WorkerId) -> Result<(), TokenRefusal> {
        let mut next = self.table.clone();
        let known = next.tokens.iter_mut().find(|known| known.id() == token && !known.near_only);
        let known = known.ok_or_else(|| TokenRefusal::Unknown(token.to_owned()))?;
        if known.worker_id.as_ref() == Some(&worker) {
            return Ok(());
        }
        if known.worker_id.is_some() || self.table.is_bound(&worker) {
            return Err(TokenRefusal::NotYours);
        }
        known.worker_id = Some(worker);
        self.keep(next)
    }

    /// Its holder knows the present authority.
    fn moved(&mut self, token: &str) -> Result<(), TokenRefusal> {
        let mut next = self.table.clone();
        for known in next.tokens.iter_mut().filter(|known| known.id() == token) {
            known.must_move = false;
        }
        if next == self.table { Ok(()) } else { self.keep(next) }
    }

    fn revoke(&mut self, id: &str) -> Result<(), TokenRefusal> {
        let mut next = self.table.clone();
        next.tokens.retain(|known| known.near_only || known.id() != id);
        if next == self.table {
            return Err(TokenRefusal::Unknown(id.to_owned()));
        }
        self.keep(next)
    }

    fn rotate(&mut self, role: Role) -> Result<(), TokenRefusal> {
        if !NEAR.contains(&role) {
            return Err(TokenRefusal::Unknown(role.to_string()));
        }
        let written = new_near(&self.dir, role, self.fingerprint);
        let token = written.map_err(|error| not_kept(&error))?;
        let mut next = self.table.clone();
        next.tokens.retain(|known| !(known.near_only && known.role == role));
        next.tokens.push(near_known(&token));
        self.keep(next)
    }

    fn add(
        &mut self,
        mut next: Table,
        token: Token,
        known: impl FnOnce([u8; 32]) -> Known,
    ) -> Result<Token, TokenRefusal> {
        next.tokens.push(known(hash(token.expose())));
        if next.tokens.len() > TOKENS_MAX {
            return Err(TokenRefusal::Busy);
        }
        self.keep(next).map(|()| token)
    }

    fn keep(&mut self, next: Table) -> Result<(), TokenRefusal> {
        if let Err(error) = write(&self.dir.join(FILE), &next.kept()) {
            return Err(not_kept(&error));
        }
        if !(self.share)(text(&next.kept())) {
            return Err(TokenRefusal::StoreFailed("the database did not take it".to_owned()));
        }
        self.table = next;
        let _old = self.shown.send_replace(Arc::new(self.table.clone()));
        Ok(())
    }
}

fn not_kept(error: &dyn std::error::Error) -> TokenRefusal {
    let reason = with_causes(error);
    tracing::error!("the tokens cannot be changed: {reason}");
    TokenRefusal::StoreFailed(reason)
}

/// Puts new tokens into a data folder whose c2d does not run; answers whose tokens stay as they are.
pub(crate) fn renew(dir: &Path, fingerprint: Fingerprint) -> Result<Vec<String>, AccessError> {
    let table = read(&dir.join(FILE))?;
    for role in NEAR {
        new_near(dir, role, fingerprint).map_err(|error| AccessError::Token(dir.join(role.file_name()), error))?;
    }
    let stay = table.tokens.iter().filter(|known| known.role != Role::Join);
    Ok(stay.map(Known::described).collect())
}

/// Notes in a data folder whose c2d does not run that all holders must learn a new authority; answers who
/// they are. Invitations are worthless then, as the lines name the old one.
pub(crate) fn all_must_move(dir: &Path) -> Result<Vec<String>, AccessError> {
    let path = dir.join(FILE);
    let mut table = read(&path)?;
    table.tokens.retain(|known| known.role != Role::Join);
    table.tokens.iter_mut().for_each(|known| known.must_move = true);
    write(&path, &table)?;
    Ok(table.not_moved())
}

/// Who must still learn the present authority of a data folder.
pub(crate) fn not_moved(dir: &Path) -> Result<Vec<String>, AccessError> {
    Ok(read(&dir.join(FILE))?.not_moved())
}

fn write(path: &Path, table: &Table) -> Result<(), SecretFileError> {
    secret_file::write(path, &text(table))
}

fn text(table: &Table) -> String {
    serde_json::to_string_pretty(table).expect("a table is plain data")
}

/// Whether this token is in a data folder, of which no c2d has read the tokens.
pub(crate) fn knows(dir: &Path, shown: &str, near: bool) -> bool {
    let end = shown.match_indices('.').nth(1).map_or(shown.len(), |(dot, _)| dot);
    let wanted = hash(&shown[..end]);
    let own = NEAR.iter().filter(|_| near).filter_map(|role| Pass::read(&dir.join(role.file_name())).ok());
    let own = own.map(|pass| near_known(&pass.token));
    let table = Table { tokens: read(&dir.join(FILE)).unwrap_or_default().tokens.into_iter().chain(own).collect() };
    table.find(&wanted).is_some()
}

/// The token in c2d's folder for programs of the same user.
fn near(dir: &Path, role: Role, fingerprint: Fingerprint) -> Result<Known, TokenError> {
    let path = dir.join(role.file_name());
    let pass = if path.exists() { Pass::read(&path)? } else { Pass::from(new_near(dir, role, fingerprint)?) };
    if pass.token.role() != role {
        return Err(TokenError::Malformed);
    }
    if pass.fingerprint != Some(fingerprint) {
        Pass { fingerprint: Some(fingerprint), ..pass.clone() }.write(&path)?;
    }
    Ok(near_known(&pass.token))
}

fn new_near(dir: &Path, role: Role, fingerprint: Fingerprint) -> Result<Token, TokenError> {
    let token = Token::generate(role)?;
    let pass = Pass { token: token.clone(), fingerprint: Some(fingerprint), server: None };
    pass.write(&dir.join(role.file_name()))?;
    Ok(token)
}

fn near_known(token: &Token) -> Known {
    Known {
        hash: hash(token.expose()),
        role: token.role(),
        name: token.role().file_name(),
        made_ms: 0,
        expires_ms: None,
        expires_seen_ms: None,
        uses_left: None,
        gives: None,
        worker_id: None,
        must_move: false,
        near_only: true,
    }
}

fn read(path: &Path) -> Result<Table, AccessError> {
    match secret_file::read(path) {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|source| AccessError::Malformed { path: path.to_owned(), source })
        }
        Err(error) if error.is_missing() => Ok(Table::default()),
        Err(error) => Err(error.into()),
    }
}
