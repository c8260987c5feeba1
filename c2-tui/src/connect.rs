//! Finds c2d and the token for it: what was said, else where this user logged in, else the c2d of
//! this user on this machine.
//!
//! A token is only ever shown to the c2d that it belongs to: the one in c2d's own folder goes to
//! this machine or to the address in that folder, that of a login to its server, or to one that was
//! named and proves that it is the same c2d.

use std::path::{Path, PathBuf};

use c2_shared::advice::Advice as _;
use c2_shared::client::Client;
use c2_shared::config;
use c2_shared::limits::PORT;
use c2_shared::pass::Pass;
use c2_shared::server_address::{ADDRESS_FILE, SOCKET_FILE, ServerAddress};
use c2_shared::settings::Origin;
use c2_shared::token::{Role, TokenError};

use crate::command::{CommandError, Kind};

/// Where c2d is looked for; what is left out is found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// `HOST:PORT`.
    pub(crate) server: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    /// c2d's own folder.
    pub(crate) data_dir: Option<PathBuf>,
    /// What `login` left; without it where that leaves it for this user.
    pub(crate) login_file: Option<PathBuf>,
}

impl Place {
    /// How a console is called that speaks with the same c2d, from wherever it is called.
    pub(crate) fn call(&self, server: &str) -> String {
        let mut call = "c2-tui".to_owned();
        match (&self.server, &self.data_dir) {
            (None, Some(_)) => {}
            (Some(said), _) => call = format!("{call} --server {said}"),
            (None, None) => call = format!("{call} --server {server}"),
        }
        for (flag, path) in [("--token-file", &self.token_file), ("--data-dir", &self.data_dir)] {
            call += &path.as_deref().map_or_else(String::new, |path| format!(" {flag} {}", quoted(path)));
        }
        call
    }
}

/// A path as a shell reads it, from wherever it is called.
pub(crate) fn quoted(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned();
    shlex::try_quote(&path).map_or_else(|_| path.clone(), std::borrow::Cow::into_owned)
}

/// The c2d of a place, and how it is proved there who asks.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) server: ServerAddress,
    /// Where its address is from; none where it was said.
    pub(crate) from: Option<Origin>,
    pass: Option<Pass>,
    /// Where the token is, or would be.
    pub(crate) token_file: PathBuf,
    /// By which socket it is reached, where its own folder led here.
    socket: Option<PathBuf>,
}

/// A client for the c2d of a place. Nothing is sent yet.
pub(crate) fn client(place: &Place) -> Result<Client, CommandError> {
    let Found { server, pass, token_file, socket, .. } = find(place)?;
    let client = match socket {
        Some(socket) => Client::near(&server, pass, &socket)?,
        None => Client::new(&server, pass, None)?,
    };
    Ok(client.kept_in(&token_file))
}

/// The same once more, after one has served: while it is down, its folder may not say where it is, and at the usual place
/// another one may listen.
pub(crate) fn client_again(place: &Place, served: Option<&Client>) -> Result<Client, CommandError> {
    let is_unsaid = || find(place).is_ok_and(|found| matches!(found.from, Some(Origin::Default)));
    match served.filter(|_| is_unsaid()) {
        Some(served) => Ok(served.clone()),
        None => client(place),
    }
}

/// Finds the c2d of a place.
pub(crate) fn find(place: &Place) -> Result<Found, CommandError> {
    let data_dir = place.data_dir.clone().unwrap_or_else(config::default_data_dir);
    let pass = place.token_file.as_deref().map(Pass::read).transpose().map_err(|error| unusable(&error))?;
    let said = place.server.as_deref().map(str::parse::<ServerAddress>).transpose();
    let said = said.map_err(|error| CommandError::usage(error.to_string(), error.hint().unwrap_or_default()))?;
    let in_token_file = |pass: &Pass| Some((pass.server.clone()?, place.token_file.as_deref().map(Origin::file)));
    let named = said.map(|said| (said, None)).or_else(|| pass.as_ref().and_then(in_token_file));
    // What was named needs no folder.
    let noted = match ServerAddress::noted(&data_dir) {
        Err(closed) if named.is_none() => return Err(CommandError::closed(&closed)),
        noted => noted.unwrap_or_default(),
    };
    let may_be_login = pass.is_none() && place.data_dir.is_none();
    let login_file = login_file(place);
    let login = if may_be_login { kept(&login_file)? } else { None };
    if let Some(login) = &login
        && let Some(server) = &login.server
        && named.as_ref().is_none_or(|(named, _)| named == server)
    {
        let from = if named.is_some() { None } else { Some(Origin::file(&login_file)) };
        return Ok(Found {
            server: server.clone(),
            from,
            pass: Some(login.clone()),
            token_file: login_file,
            socket: None,
        });
    }
    let own_file = data_dir.join(Role::Operator.file_name());
    let usual =
        || (ServerAddress { host: "127.0.0.1".to_owned(), port: PORT, others: Vec::new() }, Some(Origin::Default));
    let beside = || Some((noted.clone()?, Some(Origin::file(&data_dir.join(ADDRESS_FILE)))));
    let led_by_folder = named.is_none() && noted.is_some();
    let (server, from) = named.or_else(beside).unwrap_or_else(usual);
    let socket = Some(data_dir.join(SOCKET_FILE)).filter(|socket| led_by_folder && socket.exists());
    let token_file = place.token_file.clone().unwrap_or_else(|| own_file.clone());
    let pass = match pass {
        Some(pass) => Some(pass),
        None if noted.as_ref() == Some(&server) || server.is_loopback() => kept(&own_file)?,
        // It may have moved there; whoever cannot prove to be it is not told the token.
        None => match login.filter(|login| login.fingerprint.is_some()) {
            Some(login) => {
                return Ok(Found { server, from, pass: Some(login), token_file: login_file, socket: None });
            }
            None => None,
        },
    };
    Ok(Found { server, from, pass, token_file, socket })
}

/// What the operator does about a token that c2d refuses. Whatever is done, the next try finds it.
pub(crate) fn how_to_get_in(place: &Place) -> String {
    match (&place.token_file, &place.data_dir) {
        (Some(file), _) => format!("put an operator's token into {}, which is read again at each try", file.display()),
        (None, Some(folder)) => {
            let file = folder.join(Role::Operator.file_name());
            format!("{} is read again at each try; is that the folder of this c2d?", file.display())
        }
        (None, None) => "log in again: `c2d invite --role operator` on its machine, then `c2-tui login LINE` here; on \
                         its own machine the token file is read again at each try"
            .to_owned(),
    }
}

/// Where `login` leaves what it was given.
pub(crate) fn login_file(place: &Place) -> PathBuf {
    place.login_file.clone().unwrap_or_else(|| config::state_home().join("c2-tui/login.token"))
}

/// The pass in a file, if there is one.
fn kept(path: &Path) -> Result<Option<Pass>, CommandError> {
    match Pass::read(path) {
        Ok(pass) => Ok(Some(pass)),
        Err(TokenError::File(error)) if error.is_missing() => Ok(None),
        Err(error) => Err(unusable(&error)),
    }
}

fn unusable(error: &TokenError) -> CommandError {
    let hint = match error {
        TokenError::File(error) if error.is_missing() => {
            "name the file with the operator token by --token-file or C2_TOKEN_FILE".to_owned()
        }
        TokenError::File(error) => error.hint().unwrap_or_default(),
        TokenError::Malformed | TokenError::Random => {
            "the operator token is in operator.token in c2d's folder".to_owned()
        }
    };
    let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
    CommandError::new(Kind::Unauthorized, format!("{error}{cause}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use c2_shared::fingerprint::Fingerprint;
    use c2_shared::token::Token;

    use super::*;

    fn pass(server: Option<&str>) -> Pass {
        Pass {
            token: Token::generate(Role::Operator).unwrap(),
            fingerprint: Some(Fingerprint::of(b"authority")),
            server: server.map(|text| text.parse().unwrap()),
        }
    }

    fn data_dir() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(ADDRESS_FILE), "10.0.0.6:1234\n").unwrap();
        pass(None).write(&dir.path().join(Role::Operator.file_name())).unwrap();
        dir
    }

    /// The server found, and whether a token goes with it.
    fn found(place: &Place) -> (String, bool) {
        let client = client(place).unwrap_or_else(|error| panic!("{error:?}"));
        (client.server().to_owned(), format!("{client:?}").contains("Token(Operator"))
    }

    #[test]
    fn the_token_goes_to_its_own_c2d_only() {
        let dir = data_dir();
        let at = |server: Option<&str>| Place {
            server: server.map(str::to_owned),
            token_file: None,
            data_dir: Some(dir.path().to_owned()),
            login_file: None,
        };
        assert_eq!(found(&at(None)), ("10.0.0.6:1234".to_owned(), true));
        assert_eq!(found(&at(Some("10.0.0.6:1234"))), ("10.0.0.6:1234".to_owned(), true));
        assert_eq!(found(&at(Some("127.0.0.1:9"))), ("127.0.0.1:9".to_owned(), true));
        let elsewhere = client(&at(Some("10.0.0.7:1234"))).unwrap_err();
        assert!(elsewhere.message.contains("no secret is sent"), "{elsewhere:?}");
        let named = Place { token_file: Some(dir.path().join("operator.token")), ..at(Some("10.0.0.7")) };
        assert_eq!(found(&named), ("10.0.0.7:30814".to_owned(), true));
    }

    #[test]
    fn who_logged_in_is_led_there() {
        let dir = data_dir();
        let login_file = dir.path().join("login.token");
        pass(Some("10.0.0.9")).write(&login_file).unwrap();
        let at = |server: Option<&str>| Place {
            server: server.map(str::to_owned),
            login_file: Some(login_file.clone()),
            ..Place::default()
        };
        assert_eq!(found(&at(None)), ("10.0.0.9:30814".to_owned(), true));
        assert_eq!(found(&at(Some("10.0.0.9"))), ("10.0.0.9:30814".to_owned(), true));
        assert_eq!(found(&at(Some("10.0.0.7"))), ("10.0.0.7:30814".to_owned(), true), "it may have moved there");
        let unproved = Pass { fingerprint: None, ..pass(Some("10.0.0.9")) };
        unproved.write(&login_file).unwrap();
        assert!(client(&at(Some("10.0.0.7"))).is_err(), "nobody could tell whether it is the same");
        let here = Place { data_dir: Some(dir.path().to_owned()), ..at(None) };
        assert_eq!(found(&here), ("10.0.0.6:1234".to_owned(), true), "what is asked for wins");
    }

    #[test]
    fn unusable_tokens_are_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = data_dir();
        let place = Place { data_dir: Some(dir.path().to_owned()), ..Place::default() };
        let token = dir.path().join("operator.token");
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = client(&place).unwrap_err();
        assert_eq!(error.kind, Kind::Unauthorized);
        assert!(error.hint.unwrap().starts_with("close it with: chmod 600 "));
        let missing = Place { token_file: Some(dir.path().join("none")), ..place };
        assert_eq!(client(&missing).unwrap_err().kind, Kind::Unauthorized);
        let empty = tempfile::tempdir().unwrap();
        let nobody = Place { data_dir: Some(empty.path().to_owned()), ..Place::default() };
        assert_eq!(found(&nobody), ("127.0.0.1:30814".to_owned(), false));
    }

    #[test]
    fn a_call_says_where_c2d_is() {
        let place = |server: Option<&str>, data_dir: Option<&str>, token: Option<&str>| Place {
            server: server.map(str::to_owned),
            data_dir: data_dir.map(Into::into),
            token_file: token.map(Into::into),
            login_file: None,
        };
        let table = [
            (place(None, None, None), "c2-tui --server 10.0.0.6:30814"),
            (place(Some("c2:1"), None, None), "c2-tui --server c2:1"),
            (place(None, Some("/srv/c2"), None), "c2-tui --data-dir /srv/c2"),
            (place(Some("c2:1"), None, Some("/a b")), "c2-tui --server c2:1 --token-file '/a b'"),
        ];
        for (place, call) in table {
            assert_eq!(place.call("10.0.0.6:30814"), call);
        }
    }

    #[test]
    fn a_c2d_that_is_down_is_looked_for_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            data_dir: Some(folder.path().to_owned()),
            login_file: Some(folder.path().join("login")),
            ..Place::default()
        };
        let served = |port: u16| client(&Place { server: Some(format!("127.9.9.9:{port}")), ..place.clone() }).unwrap();
        let server = |served: Option<&Client>| client_again(&place, served).unwrap().server().to_owned();
        assert_eq!(server(None), format!("127.0.0.1:{PORT}"), "nothing is known");
        assert_eq!(server(Some(&served(1234))), "127.9.9.9:1234");
        std::fs::write(folder.path().join(ADDRESS_FILE), "127.9.9.7:1234\n").unwrap();
        assert_eq!(server(Some(&served(1234))), "127.9.9.7:1234", "its folder says where it is by now");
    }
}
