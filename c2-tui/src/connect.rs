//! Finds c2d and the token for it: what was said, else the c2d of this user on this machine.
//!
//! A token is only ever shown to the c2d that it belongs to: the one in c2d's own folder goes to
//! this machine or to the address in that folder, never to a server that was merely named.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use c2_shared::client::Client;
use c2_shared::config;
use c2_shared::limits::PORT;
use c2_shared::token::{Role, Token, TokenError};

use crate::command::{Complaint, Kind};

/// The file in c2d's folder that says where it listens.
pub(crate) const ADDRESS_FILE: &str = "c2d.addr";

/// Where c2d is looked for; what is left out is found.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// `HOST:PORT`.
    pub server: Option<String>,
    /// The file with the operator token.
    pub token_file: Option<PathBuf>,
    /// c2d's own folder.
    pub data_dir: Option<PathBuf>,
}

/// A client for the c2d of a place. Nothing is sent yet.
///
/// # Errors
/// When the address is none, or a token file cannot be used.
pub fn client(place: &Place) -> Result<Client, Complaint> {
    let data_dir = place.data_dir.clone().unwrap_or_else(config::default_data_dir);
    let noted = noted_address(&data_dir);
    let (host, port) = match (&place.server, &noted) {
        (Some(server), _) => address(server).ok_or_else(|| {
            Complaint::usage(
                format!("{server:?} is not an address of c2d"),
                "write it as HOST:PORT, like 10.0.0.6:30814",
            )
        })?,
        (None, Some(noted)) => noted.clone(),
        (None, None) => ("127.0.0.1".to_owned(), PORT),
    };
    let token = match &place.token_file {
        Some(file) => Some(Token::read(file).map_err(|error| unusable(&error))?),
        None if noted.as_ref() == Some(&(host.clone(), port)) || is_this_machine(&host) => own_token(&data_dir)?,
        None => None,
    };
    Ok(Client::new(&host, port, token, None)?)
}

/// The address that c2d wrote into its folder.
pub(crate) fn noted_address(data_dir: &Path) -> Option<(String, u16)> {
    address(std::fs::read_to_string(data_dir.join(ADDRESS_FILE)).ok()?.trim())
}

/// The token in c2d's folder, if there is one.
fn own_token(data_dir: &Path) -> Result<Option<Token>, Complaint> {
    match Token::read(&data_dir.join(Role::Operator.file_name())) {
        Ok(token) => Ok(Some(token)),
        Err(TokenError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(&error)),
    }
}

fn unusable(error: &TokenError) -> Complaint {
    let (message, hint) = match error {
        TokenError::File { source, .. } => {
            (format!("{error}: {source}"), "name the file with the operator token by --token-file".to_owned())
        }
        TokenError::Exposed { path, .. } => {
            (error.to_string(), format!("close it with `chmod 600 {}`", path.display()))
        }
        TokenError::Malformed | TokenError::Random => {
            (error.to_string(), "the operator token is in operator.token in c2d's folder".to_owned())
        }
    };
    Complaint::new(Kind::Unauthorized, message).hint(hint)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Reads `HOST:PORT`, `HOST`, `[V6]:PORT` or a bare IPv6 address.
fn address(text: &str) -> Option<(String, u16)> {
    if text.parse::<IpAddr>().is_ok() {
        return Some((text.to_owned(), PORT));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, PORT),
    };
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').filter(|ip| ip.parse::<IpAddr>().is_ok())?,
        None => host,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let named = !host.is_empty() && host.chars().all(plain) || host.parse::<IpAddr>().is_ok();
    (named && port != 0).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let table = [
            ("10.0.0.6:99", Some(("10.0.0.6", 99))),
            ("10.0.0.6", Some(("10.0.0.6", 30814))),
            ("nas.local", Some(("nas.local", 30814))),
            ("nas:80", Some(("nas", 80))),
            ("[fd00::6]:7", Some(("fd00::6", 7))),
            ("fd00::6", Some(("fd00::6", 30814))),
            ("", None),
            (":1", None),
            ("nas:", None),
            ("nas:0", None),
            ("nas:99999", None),
            ("http://nas", None),
            ("a b:1", None),
            ("user@nas:1", None),
            ("[nas]:1", None),
        ];
        for (text, expected) in table {
            assert_eq!(address(text), expected.map(|(host, port)| (host.to_owned(), port)), "{text:?}");
        }
    }

    fn data_dir() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(ADDRESS_FILE), "10.0.0.6:1234\n").unwrap();
        let token = Token::generate(Role::Operator).unwrap();
        token.write_new(&dir.path().join(Role::Operator.file_name())).unwrap();
        dir
    }

    /// The server found, and whether a token goes with it.
    fn found(place: &Place) -> (String, bool) {
        let client = client(place).unwrap();
        (client.server().to_owned(), format!("{client:?}").contains("Token(Operator"))
    }

    #[test]
    fn the_token_goes_to_its_own_c2d_only() {
        let dir = data_dir();
        let at = |server: Option<&str>| Place {
            server: server.map(str::to_owned),
            token_file: None,
            data_dir: Some(dir.path().to_owned()),
        };
        assert_eq!(found(&at(None)), ("10.0.0.6:1234".to_owned(), true));
        assert_eq!(found(&at(Some("10.0.0.6:1234"))), ("10.0.0.6:1234".to_owned(), true));
        assert_eq!(found(&at(Some("127.0.0.1:9"))), ("127.0.0.1:9".to_owned(), true));
        assert_eq!(found(&at(Some("10.0.0.7:1234"))), ("10.0.0.7:1234".to_owned(), false));
        let named = Place { token_file: Some(dir.path().join("operator.token")), ..at(Some("10.0.0.7")) };
        assert_eq!(found(&named), ("10.0.0.7:30814".to_owned(), true));
    }

    #[test]
    fn unusable_tokens_are_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = data_dir();
        let place = Place { data_dir: Some(dir.path().to_owned()), ..Place::default() };
        let token = dir.path().join("operator.token");
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
        let complaint = client(&place).unwrap_err();
        assert_eq!(complaint.kind, Kind::Unauthorized);
        assert!(complaint.hint.unwrap().starts_with("close it with `chmod 600 "));
        let missing = Place { token_file: Some(dir.path().join("none")), ..place };
        assert_eq!(client(&missing).unwrap_err().kind, Kind::Unauthorized);
        let empty = tempfile::tempdir().unwrap();
        let nobody = Place { data_dir: Some(empty.path().to_owned()), ..Place::default() };
        assert_eq!(found(&nobody), ("127.0.0.1:30814".to_owned(), false));
    }
}
