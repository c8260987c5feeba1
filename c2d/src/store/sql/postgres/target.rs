//! Which database is meant: what `--store` says, without what nobody may see of it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use c2_shared::advice::Advice;
use c2_shared::exit;
use tokio_postgres::config::{Host, SslMode};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long what was sent may stay without an acknowledgement before the connection counts as broken.
const UNHEARD: Duration = Duration::from_secs(5);

/// A database, with how to get there. Shown without its password.
#[derive(Clone)]
pub struct Target {
    /// As it was written.
    text: String,
    config: Box<tokio_postgres::Config>,
    /// The authorities that the server's certificate may come from, in place of the system's.
    pub(super) root_file: Option<PathBuf>,
}

/// Why a text names no database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("the store is not an address of a PostgreSQL database: {0}")]
    Malformed(String),
    #[error("the store names no host")]
    NoHost,
    #[error("sslmode={0:?} is not known")]
    SslMode(String),
}

impl Advice for TargetError {
    fn hint(&self) -> Option<String> {
        Some("write it like postgres://c2@10.0.0.5/c2?sslmode=require, and the password into ~/.pgpass".to_owned())
    }

    fn status(&self) -> u8 {
        exit::CONFIGURATION
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        if !is_url {
            return Err(TargetError::Malformed("it begins with postgres://".to_owned()));
        }
        let whole = text.to_owned();
        let (text, root_file) = without_root_file(text)?;
        // The words of the parser name a key or a value that it does not know, and never the password.
        let mut config: tokio_postgres::Config = text.parse().map_err(|error| {
            TargetError::Malformed(c2_shared::advice::with_causes(&error as &tokio_postgres::Error))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(TargetError::NoHost);
        }
        config.application_name("c2d").connect_timeout(CONNECT).tcp_user_timeout(UNHEARD);
        config
            .keepalives(true)
            .keepalives_idle(UNHEARD)
            .keepalives_interval(Duration::from_secs(1))
            .keepalives_retries(3);
        Ok(Self { text: whole, config: Box::new(config), root_file })
    }
}

/// Takes out what the client library has no word for.
fn without_root_file(text: &str) -> Result<(String, Option<PathBuf>), TargetError> {
    let Some((base, query)) = text.split_once('?') else { return Ok((text.to_owned(), None)) };
    let (mut kept, mut root_file) = (Vec::new(), None);
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", file)) => {
                root_file = Some(PathBuf::from(file.replace("%2F", "/").replace("%20", " ")));
            }
            // The certificate is verified wherever TLS is required.
            Some(("sslmode", "verify-full" | "verify-ca")) => kept.push("sslmode=require"),
            Some(("sslmode", mode)) if !["disable", "prefer", "require"].contains(&mode) => {
                return Err(TargetError::SslMode(mode.to_owned()));
            }
            _ => kept.push(pair),
        }
    }
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    Ok((format!("{base}{query}"), root_file))
}

impl Target {
    /// The configuration with the password that a file has for it, if none was given.
    pub(super) fn with_password(&self) -> tokio_postgres::Config {
        let mut config = (*self.config).clone();
        if config.get_password().is_some() {
            return config;
        }
        if let Some(password) = std::env::var_os("PGPASSWORD").and_then(|word| word.into_string().ok()) {
            config.password(password);
        } else if let Some(password) = self.password_of_file() {
            config.password(password);
        }
        config
    }

    /// As all clients of PostgreSQL look it up: lines of host:port:database:user:password.
    fn password_of_file(&self) -> Option<String> {
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pgpass"));
        let path = std::env::var_os("PGPASSFILE").map(PathBuf::from).or_else(home)?;
        let lines = c2_shared::secret_file::read(&path)
            .inspect_err(|error| tracing::debug!("no password is taken from {path:?}: {error}"))
            .ok()?;
        let port = self.config.get_ports().first().copied().unwrap_or(5432).to_string();
        let user = self.config.get_user().unwrap_or_default();
        let wanted = [&self.host(), &port, self.config.get_dbname().unwrap_or(user), user].map(str::to_owned);
        lines.lines().find_map(|line| password(line, &wanted))
    }

    fn host(&self) -> String {
        match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => self.config.get_hostaddrs().first().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

/// The password of a line that is about this; a backslash takes the meaning from what follows it.
fn password(line: &str, wanted: &[String; 4]) -> Option<String> {
    let (mut fields, mut escaped) = (vec![String::new()], false);
    for c in line.chars().take_while(|_| !line.starts_with('#')) {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            ':' if !escaped && fields.len() < 5 => fields.push(String::new()),
            c => fields.last_mut().expect("there is a first").push(c),
        }
        escaped = false;
    }
    let fits = |(field, wanted): (&String, &String)| field == "*" || field == wanted;
    (fields.len() == 5 && fields.iter().zip(wanted).all(fits)).then(|| fields.swap_remove(4))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
        let hosts: Vec<String> = self
            .config
            .get_hosts()
            .iter()
            .zip(self.config.get_ports().iter().copied().chain(std::iter::repeat(5432)))
            .map(|(host, port)| match host {
                Host::Tcp(host) if port == 5432 => host.clone(),
                Host::Tcp(host) => format!("{host}:{port}"),
                Host::Unix(path) => path.display().to_string(),
            })
            .collect();
        let tls = if self.config.get_ssl_mode() == SslMode::Require { "?sslmode=require" } else { "" };
        write!(f, "postgres://{user}{}/{}{tls}", hosts.join(","), self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Target {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let target: Target = "postgres://c2:geheim@10.0.0.5:5433,pg2/jobs?sslmode=verify-full".parse().unwrap();
        assert_eq!(target.to_string(), "postgres://c2@10.0.0.5:5433,pg2/jobs?sslmode=require");
        assert_eq!(format!("{target:?}"), target.to_string());
        for (text, word) in [
            ("mysql://h/d", "postgres://"),
            ("postgres:///d", "no host"),
            ("postgres://c2:geheim@h/d?sslmode=maybe", "maybe"),
            ("postgres://c2:geheim@h/d?moon=full", "moon"),
        ] {
            let error = text.parse::<Target>().unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains("geheim"), "{text}: {error}");
        }
    }

    #[test]
    fn passwords_are_found_as_every_client_finds_them() {
        let wanted = ["h", "5432", "d", "u"].map(str::to_owned);
        for (line, expected) in [
            ("h:5432:d:u:word", Some("word")),
            ("*:*:*:*:a\\:b\\\\c", Some("a:b\\c")),
            ("h:5432:d:u:with:colon", Some("with:colon")),
            ("h:5432:other:u:word", None),
            ("#h:5432:d:u:word", None),
            ("h:5432:d:u", None),
        ] {
            assert_eq!(password(line, &wanted).as_deref(), expected, "{line}");
        }
    }
}
