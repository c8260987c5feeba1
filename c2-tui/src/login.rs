//! `c2-tui login` and `logout`: an invitation in exchange for a token of this user's own.

use c2_shared::advice::{self, Advice as _};
use c2_shared::api::error::ErrorCode;
use c2_shared::api::tokens::JoinRequest;
use c2_shared::client::Client;
use c2_shared::pass::Pass;
use c2_shared::secret_file;
use c2_shared::token::{Role, Token, TokenError};

use crate::command::{CommandError, Kind};
use crate::connect::{Place, login_file};

/// What is missing when a line is none.
const HINT: &str = "paste the whole line that `c2d invite --role operator` printed, from c2j1 on";

/// Logs in with a line, or with one of standard input; answers with what to tell the person.
pub(crate) async fn with(words: &[String], name: Option<String>) -> Result<String, CommandError> {
    if !words.is_empty() {
        return login(&words.join(" "), name).await;
    }
    let line = advice::ask("paste the line that `c2d invite --role operator` printed on the machine of c2d");
    let unread = |error| CommandError::usage(format!("cannot read standard input: {error}"), HINT);
    login(&line.map_err(unread)?, name).await
}

/// Takes an invitation; answers with what to tell the person.
pub(crate) async fn login(line: &str, name: Option<String>) -> Result<String, CommandError> {
    let not_ours = || CommandError::usage("this is not a line of `c2d invite`", HINT);
    let invitation: Pass = Pass::pasted(line).map_err(|_| not_ours())?;
    if invitation.token.role() != Role::Join {
        return Err(CommandError::usage("this line is a token itself, not an invitation", HINT));
    }
    let server = invitation.server.clone().ok_or_else(not_ours)?;
    let fingerprint = Some(invitation.fingerprint.ok_or_else(not_ours)?);
    let path = login_file(&Place::default());
    make_folder(&path).map_err(|error| {
        CommandError::refused(format!("cannot make the folder of {}: {error}", path.display()), "see who owns it")
    })?;
    secret_file::check(&path).map_err(|error| unusable(&error.into()))?;
    let client = Client::new(&server, Some(invitation), None)?;
    let request = JoinRequest {
        name: name.unwrap_or_else(own_name),
        roles: vec![Role::Operator, Role::Viewer],
        ..JoinRequest::default()
    };
    let token: Token = match client.join(&request).await {
        Err(error) if error.code() == Some(ErrorCode::Unauthorized) => {
            let message = "this invitation was used already, has expired, or was revoked";
            return Err(
                CommandError::new(Kind::Unauthorized, message).hint("get a new one with: c2d invite --role operator")
            );
        }
        answer => answer?.token.parse().map_err(|error| unusable(&error))?,
    };
    let role = token.role();
    if !matches!(role, Role::Operator | Role::Viewer) {
        return Err(unusable(&TokenError::Malformed));
    }
    Pass { token, fingerprint, server: Some(server.clone()) }.write(&path).map_err(|error| unusable(&error))?;
    Ok(format!("logged in at {server} as {role}; `c2-tui` leads there now"))
}

/// Forgets the login of this user.
pub(crate) fn logout() -> Result<String, CommandError> {
    let path = login_file(&Place::default());
    match std::fs::remove_file(&path) {
        Ok(()) => Ok("logged out; `c2d token revoke ID` where c2d runs revokes the token, too".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok("no one was logged in".to_owned()),
        Err(error) => {
            Err(CommandError::refused(format!("cannot remove {}: {error}", path.display()), "see who owns it"))
        }
    }
}

fn make_folder(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    path.parent().map_or(Ok(()), |folder| std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder))
}

fn own_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    std::env::var("USER").map_or_else(|_| host.clone(), |user| format!("{user}@{host}"))
}

fn unusable(error: &TokenError) -> CommandError {
    let hint = match error {
        TokenError::File(error) => error.hint().unwrap_or_default(),
        TokenError::Malformed | TokenError::Random => "c2d and this console may be of different versions".to_owned(),
    };
    CommandError::new(Kind::Refused, error.to_string()).hint(hint)
}
