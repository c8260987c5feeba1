//! `c2-agent join`: an invitation in exchange for a token of this worker's own.
//!
//! The line says where c2d is and what it is known by, so nothing of it is shown to anybody else.
//! What comes back lies in the agent's own folder, where the agent finds it.

use c2_shared::api::error::ErrorCode;
use c2_shared::api::tokens::JoinRequest;
use c2_shared::client::{Client, ClientError};
use c2_shared::endpoint::Endpoint;
use c2_shared::pass::Pass;
use c2_shared::secret_file;
use c2_shared::token::{Role, Token, TokenError};

use crate::options::{self, JoinOptions, OptionsError};
use crate::state::{StateDir, StateError};

/// Why this machine did not become a worker.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The line is none of `c2d invite`'s.
    #[error("this is not a line of `c2d invite`")]
    Line,
    /// The line is for a person.
    #[error("this line is a token itself, not an invitation")]
    NoInvitation,
    /// The folders.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The agent's folder.
    #[error(transparent)]
    State(#[from] StateError),
    /// c2d.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The token that came cannot be used or kept.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The line cannot be read, or the answer not be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// c2d does not know the invitation any more.
    #[error("this invitation was used already, has expired, or was revoked")]
    Spent,
}

impl JoinError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Line | Self::NoInvitation => {
                "paste the whole line that `c2d invite` printed on the machine of c2d, from c2j1 on".to_owned()
            }
            Self::Options(error) => error.hint(),
            Self::State(error) => error.hint().to_owned(),
            Self::Client(error) => error.hint().unwrap_or_default(),
            Self::Token(TokenError::File(error)) => error.hint(),
            Self::Token(_) => "c2d and this agent may be of different versions".to_owned(),
            Self::Io(_) => "give the line of `c2d invite` as an argument or on standard input".to_owned(),
            Self::Spent => "get a new one on the machine of c2d with: c2d invite".to_owned(),
        }
    }
}

/// The command: reads the line, joins, answers with what to tell the person.
///
/// # Errors
/// As [`join`].
pub fn run(options: &JoinOptions) -> Result<String, JoinError> {
    let mut line = options.line.clone().unwrap_or_default();
    if line.is_empty() {
        std::io::stdin().read_line(&mut line)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let server = runtime.block_on(join(&line, options))?;
    Ok(format!("this machine is a worker of {server}; start it with: c2-agent"))
}

/// Joins; answers which c2d.
///
/// # Errors
/// When the line is none, c2d refuses it or is another one, or what came cannot be kept.
pub async fn join(line: &str, options: &JoinOptions) -> Result<Endpoint, JoinError> {
    let invitation: Pass = line.trim().parse().map_err(|_| JoinError::Line)?;
    if invitation.token.role() != Role::Join {
        return Err(JoinError::NoInvitation);
    }
    let server = invitation.server.clone().ok_or(JoinError::Line)?;
    let fingerprint = Some(invitation.fingerprint.ok_or(JoinError::Line)?);
    let folder = options::state_dir(options.state_dir.as_deref())?;
    let state = StateDir::open(&folder)?;
    // A running agent's token would become worthless under its hands.
    let _alone = state.lock()?;
    let file = options::joined_file(&folder);
    secret_file::check(&file).map_err(TokenError::from)?;
    // Only the c2d that gave it is shown the old token.
    let old = Pass::read(&file).ok().filter(|old| old.fingerprint == fingerprint);
    let client = Client::new(&server, Some(invitation), None)?;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let request = JoinRequest {
        name: options.name.clone().unwrap_or(host),
        worker_id: Some(state.worker_id()?),
        roles: vec![Role::Worker],
        old_token: old.map(|old| old.token.expose().to_owned()),
    };
    let token: Token = match client.join(&request).await {
        Err(error) if error.code() == Some(ErrorCode::Unauthorized) => return Err(JoinError::Spent),
        answer => answer?.token.parse()?,
    };
    if token.role() != Role::Worker {
        return Err(TokenError::Malformed.into());
    }
    Pass { token, fingerprint, server: Some(server.clone()) }.write(&file)?;
    Ok(server)
}
