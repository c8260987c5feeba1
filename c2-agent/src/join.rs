//! `c2-agent join`: an invitation in exchange for a token of this worker's own.
//!
//! The line says where c2d is and what it is known by, so nothing of it is shown to anybody else.
//! What comes back lies in the agent's own folder, where the agent finds it.

use std::path::Path;

use c2_shared::advice::{self, Advice};
use c2_shared::api::error::ErrorCode;
use c2_shared::api::tokens::JoinRequest;
use c2_shared::client::{Client, ClientError};
use c2_shared::exit;
use c2_shared::home;
use c2_shared::pass::Pass;
use c2_shared::secret_file;
use c2_shared::server_address::ServerAddress;
use c2_shared::token::{Role, Token, TokenError};

use crate::choice;
use crate::find::{self, FindError};
use crate::identity;
use crate::install::systemd_runs;
use crate::options::{JoinOptions, OptionsError};
use crate::state::{StateDir, StateError};

/// Where the service of the system is, by `install` and by a package.
const UNITS: [&str; 2] = ["/etc/systemd/system/c2-agent@.service", "/usr/lib/systemd/system/c2-agent@.service"];

/// Why this machine did not become a worker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    #[error("this is not a line of `c2d invite`")]
    Line,
    #[error("this line is a token itself, not an invitation")]
    NoInvitation,
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("this invitation was used already, has expired, or was revoked")]
    Spent,
}

impl Advice for JoinError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Line | Self::NoInvitation => {
                "paste the whole line that `c2d invite` printed on the machine of c2d, from c2j1 on".to_owned()
            }
            Self::Find(error) => return error.hint(),
            Self::Options(error) => return error.hint(),
            Self::State(error) => return error.hint(),
            Self::Client(ClientError::Unreachable { .. }) => {
                "check whether c2d runs there, and whether a firewall lets this machine through".to_owned()
            }
            Self::Client(error) => return error.hint(),
            Self::Token(TokenError::File(error)) => return error.hint(),
            Self::Token(_) => "c2d and this agent may be of different versions".to_owned(),
            Self::Io(_) => "give the line of `c2d invite` as an argument or on standard input".to_owned(),
            Self::Spent => "get a new one on the machine of c2d with: c2d invite".to_owned(),
        })
    }

    fn status(&self) -> u8 {
        match self {
            Self::Line | Self::NoInvitation => exit::CONFIGURATION,
            Self::Find(error) => error.status(),
            Self::Options(error) => error.status(),
            Self::Client(error) => error.status(),
            Self::State(_) | Self::Token(_) | Self::Io(_) | Self::Spent => exit::FAILED,
        }
    }
}

/// The command: reads the line, joins, answers with what to tell the person.
pub(crate) fn run(options: &JoinOptions) -> Result<String, JoinError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let line = (!options.line.is_empty()).then(|| options.line.join(" "));
    let invitation = if options.find {
        runtime.block_on(find::invitation(line.as_deref()))?
    } else {
        let asked = || advice::ask("paste the line that `c2d invite` printed on the machine of c2d");
        let line = line.map_or_else(asked, Ok)?;
        Pass::pasted(&line).map_err(|_| JoinError::Line)?
    };
    let server = runtime.block_on(join(invitation, options))?;
    let said = format!("this machine is a worker of {server}; start it with: {}", start(options)?);
    if !rustix::process::geteuid().is_root() {
        return Ok(said);
    }
    // Nothing was started yet, and the token of another user would be another.
    Ok(format!(
        "{said}\nas root its jobs may do anything on this machine: `c2-agent install` makes the user c2-jobs for them, \
         who joins with a line of its own: sudo -u c2-jobs -H c2-agent join LINE"
    ))
}

/// How the agent of this user is started: as a service, where one is installed and the folders are the usual ones.
fn start(options: &JoinOptions) -> Result<String, JoinError> {
    let is_installed = UNITS.iter().any(|unit| Path::new(unit).exists()) && systemd_runs();
    let me = rustix::process::geteuid();
    let user = home::variables(me.as_raw()).into_iter().find(|(name, _)| *name == "USER").map(|(_, user)| user);
    Ok(match user.filter(|_| is_installed && !me.is_root() && options.state_dir.is_none()) {
        Some(user) => format!("sudo systemctl enable --now c2-agent@{}", user.display()),
        None => choice::call("", &choice::state_dir(options.state_dir.as_deref())?),
    })
}

/// Joins; answers which c2d.
async fn join(invitation: Pass, options: &JoinOptions) -> Result<ServerAddress, JoinError> {
    if invitation.token.role() != Role::Join {
        return Err(JoinError::NoInvitation);
    }
    let server = invitation.server.clone().ok_or(JoinError::Line)?;
    let fingerprint = Some(invitation.fingerprint.ok_or(JoinError::Line)?);
    let folder = choice::state_dir(options.state_dir.as_deref())?;
    let state = StateDir::open_to_join(&folder)?;
    // A running agent's token would be revoked under its hands.
    let _alone = state.lock()?;
    let file = choice::joined_file(&folder);
    secret_file::check(&file).map_err(TokenError::from)?;
    // Only the c2d that gave it is shown the old token.
    let old = Pass::read(&file).ok().filter(|old| old.fingerprint == fingerprint);
    let client = Client::new(&server, Some(invitation), None)?;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let request = JoinRequest {
        name: options.name.clone().unwrap_or(host),
        worker_id: Some(identity::worker_id(&state)?),
        roles: vec![Role::Worker],
        old_token: old.map(|old| old.token.expose().to_owned()),
        keeps_id: !identity::living(&state).is_empty(),
    };
    let answer = match client.join(&request).await {
        Err(error) if error.code() == Some(ErrorCode::Unauthorized) => return Err(JoinError::Spent),
        answer => answer?,
    };
    let token: Token = answer.token.parse()?;
    if token.role() != Role::Worker {
        return Err(TokenError::Malformed.into());
    }
    Pass { token, fingerprint, server: Some(server.clone()) }.write(&file)?;
    if let Some(id) = answer.worker_id {
        identity::take(&state, id.as_str())?;
    }
    Ok(server)
}
