//! Where a c2d is: a host and a port, as people write them; several, where one stands by for another.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr;
use std::{fmt, fs};

use crate::advice::Advice;
use crate::closed::Closed;
use crate::exit;
use crate::limits::PORT;

/// The file in c2d's folder that says where it listens.
pub const ADDRESS_FILE: &str = "c2d.addr";
/// The socket in c2d's folder, which serves programs of the same user on the same machine.
pub const SOCKET_FILE: &str = "c2d.sock";

/// A host, by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Where it may be otherwise: each c2d that shares a database with it.
    pub others: Vec<Self>,
}

/// Says that a text names no server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address of c2d")]
pub struct ServerAddressError(pub String);

impl Advice for ServerAddressError {
    fn hint(&self) -> Option<String> {
        Some("write HOST or HOST:PORT, like 10.0.0.6:30814 or [fd00::6]:30814; several with commas".to_owned())
    }

    fn status(&self) -> u8 {
        exit::CONFIGURATION
    }
}

impl ServerAddress {
    /// The address that c2d wrote into its folder; none if it is not running.
    ///
    /// # Errors
    /// When this user may not see that.
    pub fn noted(data_dir: &Path) -> Result<Option<Self>, Closed> {
        let path = data_dir.join(ADDRESS_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) => Closed::by(&path, &error).map_or(Ok(None), Err),
        }
    }

    /// Whether nobody but this machine hears what is said there.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let is_here = self.host == "localhost" || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        is_here && self.others.iter().all(Self::is_loopback)
    }

    /// All of its addresses, as `host:port` each.
    #[must_use]
    pub fn each(&self) -> Vec<String> {
        let alone = Self { others: Vec::new(), ..self.clone() };
        std::iter::once(&alone).chain(&self.others).map(ToString::to_string).collect()
    }
}

impl From<SocketAddr> for ServerAddress {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port(), others: Vec::new() }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.parse::<Ipv6Addr>() {
            Ok(ip) => write!(f, "[{ip}]:{}", self.port)?,
            Err(_) => write!(f, "{}:{}", self.host, self.port)?,
        }
        self.others.iter().try_for_each(|other| write!(f, ",{other}"))
    }
}

impl FromStr for ServerAddress {
    type Err = ServerAddressError;

    /// Reads `HOST`, `HOST:PORT`, `[V6]`, `[V6]:PORT` or a bare IPv6 address; several with commas between them.
    fn from_str(text: &str) -> Result<Self, ServerAddressError> {
        let all: Option<Vec<Self>> = text.split(',').map(read).collect();
        let mut all = all.into_iter().flatten();
        let first = all.next().ok_or_else(|| ServerAddressError(text.to_owned()))?;
        Ok(Self { others: all.collect(), ..first })
    }
}

fn read(text: &str) -> Option<ServerAddress> {
    if text.parse::<IpAddr>().is_ok() {
        return Some(ServerAddress { host: text.to_owned(), port: PORT, others: Vec::new() });
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (ip, rest) = rest.split_once(']')?;
            ip.parse::<Ipv6Addr>().ok()?;
            (ip, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (named(host)?, Some(port)),
            None => (named(text)?, None),
        },
    };
    let port = port.map_or(Some(PORT), |port| port.parse().ok())?;
    (port != 0).then(|| ServerAddress { host: host.to_owned(), port, others: Vec::new() })
}

fn named(host: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!host.is_empty() && host.chars().all(plain)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let table = [
            ("10.0.0.6", Some(("10.0.0.6", 30814))),
            ("10.0.0.6:99", Some(("10.0.0.6", 99))),
            ("nas.local", Some(("nas.local", 30814))),
            ("nas:80", Some(("nas", 80))),
            ("fd00::6", Some(("fd00::6", 30814))),
            ("10.0.0.6,", None),
            ("[fd00::6]:7", Some(("fd00::6", 7))),
            ("[fd00::6]", Some(("fd00::6", 30814))),
            ("", None),
            (":1", None),
            ("nas:", None),
            ("nas:0", None),
            ("nas:port", None),
            ("nas:99999", None),
            ("http://nas", None),
            ("a b:1", None),
            ("user@nas:1", None),
            ("[nas]:1", None),
            ("[fd00::6]7", None),
        ];
        for (text, expected) in table {
            let read = text.parse::<ServerAddress>().ok();
            assert_eq!(read.as_ref().map(|e| (e.host.as_str(), e.port)), expected, "{text:?}");
            if let Some(address) = read {
                assert_eq!(address.to_string().parse(), Ok(address), "{text:?} is written so that it can be read");
            }
        }
    }

    #[test]
    fn loopback() {
        for (text, expected) in [("localhost", true), ("127.0.0.9:1", true), ("::1", true), ("nas", false)] {
            assert_eq!(text.parse::<ServerAddress>().unwrap().is_loopback(), expected, "{text}");
        }
    }

    #[test]
    fn several_addresses() {
        let both: ServerAddress = "10.0.0.6,[fd00::6]:7".parse().unwrap();
        assert_eq!((both.host.as_str(), both.port), ("10.0.0.6", 30814));
        assert_eq!(both.each(), ["10.0.0.6:30814", "[fd00::6]:7"]);
        assert_eq!(both.to_string().parse(), Ok(both.clone()));
        let near = |text: &str| text.parse::<ServerAddress>().unwrap().is_loopback();
        assert!(!both.is_loopback() && near("localhost,127.0.0.2") && !near("localhost,nas"));
    }
}
