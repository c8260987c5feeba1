//! `c2d invite` and `c2d token`: what its operator asks of the c2d that runs, over its own interface.

use std::fmt::Write as _;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;

use c2_shared::advice::Advice;
use c2_shared::api::error::ErrorCode;
use c2_shared::api::tokens::{InviteRequest, TokenRow};
use c2_shared::client::{Client, ClientError};
use c2_shared::closed::Closed;
use c2_shared::exit;
use c2_shared::install;
use c2_shared::pass::Pass;
use c2_shared::server_address::{ServerAddress, ServerAddressError};
use c2_shared::token::{Role, TokenError};
use jiff::Timestamp;

use crate::cli::options::{Invitation, TokenCommand, Tokens};

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error("no c2d runs with the data folder {0:?}")]
    NotRunning(std::path::PathBuf),
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error(transparent)]
    Address(#[from] ServerAddressError),
    #[error("c2d listens on {0}, which other machines cannot reach")]
    Unreachable(ServerAddress),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Advice for TokensError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotRunning(_) => match install::service_here() {
                Some(call) => format!("see `systemctl status c2d`, and ask the service as its user: {call}"),
                None => "start it with `c2d`, or name its folder with --data-dir".to_owned(),
            },
            Self::Closed(closed) => return closed.hint(),
            Self::Address(error) => return error.hint(),
            Self::Unreachable(_) => {
                "give c2d this machine's own address as \"host\" in config.json, with --host or as C2_HOST in \
                 /etc/default/c2d, and start it again; for a tunnel name its end with --address"
                    .to_owned()
            }
            Self::Token(TokenError::File(error)) => return error.hint(),
            Self::Token(_) => "start c2d again, which repairs its token files".to_owned(),
            Self::Client(error) if error.code() == Some(ErrorCode::Standby) => {
                standby(&error.hint().unwrap_or_default())
            }
            Self::Client(error) => return error.hint(),
        })
    }

    fn status(&self) -> u8 {
        match self {
            Self::NotRunning(_) => exit::UNREACHABLE,
            Self::Client(error) => error.status(),
            Self::Address(error) => error.status(),
            Self::Closed(_) | Self::Unreachable(_) | Self::Token(_) => exit::FAILED,
        }
    }
}

/// These commands ask the c2d of a folder, and so they run where the leader does.
fn standby(hint: &str) -> String {
    let at = hint.split_once("--server ").map_or_else(String::new, |(_, leader)| format!(", {leader},"));
    format!("run it on the machine of the c2d that leads{at} with its data folder")
}

/// Asks; answers with what to print.
pub async fn run(data_dir: &Path, command: Tokens) -> Result<String, TokensError> {
    let listening = ServerAddress::noted(data_dir)?.ok_or_else(|| TokensError::NotRunning(data_dir.to_owned()))?;
    let pass = Pass::read(&data_dir.join(Role::Operator.file_name()))?;
    let client = Client::new(&near(&listening), Some(pass), None)?;
    match command {
        Tokens::Invite(invitation) => invite(&client, &listening, invitation).await,
        Tokens::Gc => {
            let gone = client.gc().await?;
            Ok(format!("removed {} files that no job uses, {} bytes\n", gone.removed, gone.freed_bytes))
        }
        Tokens::Token { command: TokenCommand::List } => Ok(table(&client.tokens().await?.tokens)),
        Tokens::Token { command: TokenCommand::Revoke { id } } => {
            client.revoke(&id).await?;
            Ok(format!("token {id} revoked\n"))
        }
        Tokens::Token { command: TokenCommand::Rotate { role } } => {
            client.rotate(role).await?;
            Ok(format!("{} holds a new token; the old one is revoked\n", role.file_name()))
        }
    }
}

/// Where this machine finds a c2d that listens on all addresses.
fn near(listening: &ServerAddress) -> ServerAddress {
    let host = match listening.host.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() && ip.is_ipv4() => "127.0.0.1".to_owned(),
        Ok(ip) if ip.is_unspecified() => "::1".to_owned(),
        _ => listening.host.clone(),
    };
    ServerAddress { host, port: listening.port, others: Vec::new() }
}

async fn invite(client: &Client, listening: &ServerAddress, invitation: Invitation) -> Result<String, TokensError> {
    let server = match &invitation.address {
        Some(text) => {
            let named: ServerAddress = text.parse()?;
            let with_port = text.parse::<IpAddr>().is_err() && text.contains(':');
            ServerAddress { port: if with_port { named.port } else { listening.port }, ..named }
        }
        None => ServerAddress { host: outward(&listening.host), port: listening.port, others: Vec::new() },
    };
    if server.is_loopback() && invitation.address.is_none() {
        return Err(TokensError::Unreachable(server));
    }
    let Invitation { role, uses, expires_s, worker, announce, .. } = invitation;
    let request = InviteRequest { role, uses, expires_s, worker, announce };
    let invited = client.invite(&request).await?;
    let mut pass: Pass = invited.line.parse()?;
    pass.server = Some(server);
    let line = pass.expose();
    Ok(match invited.code {
        Some(code) => format!(
            "{code}\nthese are the six words for `c2-agent join --find` on the other machine; where that finds nothing:\n\
             c2-agent join {line}\n"
        ),
        None => format!("{line}\n"),
    })
}

/// The address that a c2d on all addresses has towards the others; nothing is sent to find out.
fn outward(host: &str) -> String {
    let all = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
    let found = || {
        let socket = UdpSocket::bind((host, 0)).ok()?;
        // An address for documentation, which only picks the way out.
        socket.connect("192.0.2.1:9").ok()?;
        socket.local_addr().ok()
    };
    let found = if all { found() } else { None };
    found.map_or_else(|| host.to_owned(), |address| address.ip().to_string())
}

fn table(tokens: &[TokenRow]) -> String {
    let mut text = format!("{:<8}  {:<8}  {:<10}  WHOSE\n", "ID", "ROLE", "MADE");
    for token in tokens {
        let date = |ms: u64| {
            let time = Timestamp::from_millisecond(i64::try_from(ms).unwrap_or(i64::MAX)).unwrap_or_default();
            time.strftime("%Y-%m-%d").to_string()
        };
        let made = if token.made_ms == 0 { "-".to_owned() } else { date(token.made_ms) };
        let whose = match (token.gives, token.uses_left) {
            (Some(_), _) if let Some(id) = &token.worker_id => format!("an invitation to be worker {}", id.short()),
            (Some(role), Some(uses)) => format!("an invitation for {uses} more as {role}"),
            _ if token.this_machine_only => format!("{}, for this machine alone", token.name),
            _ => token.name.clone(),
        };
        let written = writeln!(text, "{:<8}  {:<8}  {made:<10}  {whose}", token.id, token.role.as_str());
        written.expect("a string takes everything");
    }
    text
}
