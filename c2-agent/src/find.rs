//! `c2-agent join --find`: the c2ds that announce themselves in this machine's networks, and which of them knows a code.
//!
//! Anybody in a network may announce anything there. So each that is heard is asked, on a connection on which it is known
//! by the fingerprint that it announces, to prove that it knows the code; nothing of the code is said before, and to those
//! that prove nothing not at all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use c2_shared::advice::{self, Advice, Unwritten};
use c2_shared::client::Client;
use c2_shared::exit;
use c2_shared::fingerprint::Fingerprint;
use c2_shared::join_code::{FINGERPRINT_PROPERTY, JoinCode, JoinCodeError, SERVICE};
use c2_shared::limits::{FIND_MS, FOUND_MAX};
use c2_shared::pass::Pass;
use c2_shared::server_address::ServerAddress;
use mdns_sd::{ResolvedService, ServiceDaemon, ServiceEvent};
use tokio::task::JoinSet;

/// How long one of them may take to prove that it knows the code.
const PROVE: Duration = Duration::from_secs(10);
/// Addresses of one c2d that are tried.
const ADDRESSES_MAX: usize = 8;

/// Why no c2d was found that knows the code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindError {
    #[error("cannot listen to the networks of this machine")]
    Listen(#[from] mdns_sd::Error),
    #[error("no c2d announces itself in the networks of this machine")]
    Nothing,
    #[error(transparent)]
    Code(#[from] JoinCodeError),
    #[error("none of them knows this code; it was said to none")]
    Unknown,
    #[error("none of them answers")]
    Silent,
    #[error("cannot read the code")]
    Unread(#[source] std::io::Error),
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
}

impl Advice for FindError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Listen(_) => "join with the line that `c2d invite` prints instead".to_owned(),
            Self::Nothing => {
                "announce it on the machine of c2d with `c2d invite --announce`; where both are not in one \
                network, or multicast does not get through, join with the line that it prints"
                    .to_owned()
            }
            Self::Code(JoinCodeError::Word { nearest: Some(nearest), .. }) => format!("did you mean {nearest:?}?"),
            Self::Code(_) => "type the six words that `c2d invite --announce` printed on the machine of c2d".to_owned(),
            Self::Unknown => {
                "check the words; each `c2d invite --announce` has its own, which are good for an hour, as \
                often as --uses said, and end when somebody tries wrong ones"
                    .to_owned()
            }
            Self::Silent => "check whether a firewall lets this machine through".to_owned(),
            Self::Unread(_) => "give the six words as an argument or on standard input".to_owned(),
            Self::Unwritten(error) => return error.hint(),
        })
    }

    fn status(&self) -> u8 {
        match self {
            Self::Code(_) => exit::CONFIGURATION,
            Self::Unwritten(error) => error.status(),
            Self::Silent => exit::UNREACHABLE,
            Self::Listen(_) | Self::Nothing | Self::Unknown | Self::Unread(_) => exit::FAILED,
        }
    }
}

/// A c2d as it announces itself: none of this is known to be true.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    name: String,
    fingerprint: Fingerprint,
    servers: Vec<ServerAddress>,
}

/// The invitation that a code is, to the one c2d that knows it.
pub(crate) async fn invitation(code: Option<&str>) -> Result<Pass, FindError> {
    let code = code.map(str::parse::<JoinCode>).transpose()?;
    let found = listen().await?;
    if found.is_empty() {
        return Err(FindError::Nothing);
    }
    advice::print(&list(&found))?;
    let code = match code {
        Some(code) => code,
        None => {
            let typed = advice::ask("type the six words that `c2d invite --announce` printed on the machine of c2d");
            typed.map_err(FindError::Unread)?.parse()?
        }
    };
    known_to(&code, &found).await
}

/// Listens for a while.
async fn listen() -> Result<Vec<Found>, FindError> {
    let daemon = ServiceDaemon::new()?;
    let heard = daemon.browse(SERVICE)?;
    let mut found = BTreeMap::new();
    let end = tokio::time::sleep(Duration::from_millis(FIND_MS));
    tokio::pin!(end);
    loop {
        let event = tokio::select! {
            event = heard.recv_async() => event,
            () = &mut end => break,
        };
        match event {
            Ok(ServiceEvent::ServiceResolved(service)) if found.len() < FOUND_MAX => {
                found.extend(read(&service).map(|one| (service.fullname.clone(), one)));
            }
            Ok(ServiceEvent::ServiceRemoved(_, name)) => drop(found.remove(&name)),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    drop(daemon.shutdown());
    Ok(found.into_values().collect())
}

fn read(service: &ResolvedService) -> Option<Found> {
    let fingerprint = service.get_property_val_str(FINGERPRINT_PROPERTY)?.parse().ok()?;
    let name = service.fullname.strip_suffix(SERVICE).unwrap_or(&service.fullname).trim_end_matches('.');
    let addresses = service.addresses.iter().map(mdns_sd::ScopedIp::to_ip_addr);
    found(name, fingerprint, addresses, service.port)
}

/// What was heard, as far as it can be shown and used.
fn found(name: &str, fingerprint: Fingerprint, addresses: impl Iterator<Item = IpAddr>, port: u16) -> Option<Found> {
    let name = name.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect();
    let mut addresses: Vec<IpAddr> = addresses.filter(is_elsewhere).collect();
    addresses.sort_unstable();
    addresses.truncate(ADDRESSES_MAX);
    let servers: Vec<_> =
        addresses.into_iter().map(|ip| ServerAddress { host: ip.to_string(), port, others: Vec::new() }).collect();
    (!servers.is_empty()).then_some(Found { name, fingerprint, servers })
}

/// Whether another machine can have an address, and it says all that is needed to get there.
fn is_elsewhere(ip: &IpAddr) -> bool {
    let needs_interface = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || needs_interface)
}

/// What was heard, for people.
fn list(found: &[Found]) -> String {
    let mut text = String::new();
    for Found { name, fingerprint, servers } in found {
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        let written = writeln!(text, "heard {name} at {}, fingerprint {fingerprint}", servers.join(" and "));
        written.expect("a string takes everything");
    }
    text
}

/// Asks all at once, as one that only pretends may never answer.
async fn known_to(code: &JoinCode, found: &[Found]) -> Result<Pass, FindError> {
    let mut asked = JoinSet::new();
    for Found { fingerprint, servers, .. } in found {
        for server in servers {
            let (fingerprint, server, code) = (*fingerprint, server.clone(), code.clone());
            asked.spawn(async move {
                let client = Client::without_token(&server, fingerprint).ok()?;
                let answer = tokio::time::timeout(PROVE, client.join_proofs()).await.ok()?.ok()?;
                let proved = answer.proofs.iter().any(|proof| code.is_proved(fingerprint, proof));
                Some(proved.then_some((fingerprint, server)))
            });
        }
    }
    let mut error = FindError::Silent;
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok(Some(Some((fingerprint, server)))) => {
                return Ok(Pass { token: code.invitation(), fingerprint: Some(fingerprint), server: Some(server) });
            }
            Ok(Some(None)) => error = FindError::Unknown,
            Ok(None) | Err(_) => {}
        }
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_is_shown_without_what_it_might_do_to_a_terminal() {
        let fingerprint = Fingerprint::of(b"c2d");
        let addresses = ["fe80::1", "127.0.0.1", "fd00::6", "10.0.0.6", "0.0.0.0", "224.0.0.251"];
        let addresses = addresses.map(|ip| ip.parse().unwrap()).into_iter();
        let one = found("at\u{1b}[2Jlas", fingerprint, addresses, 30814).unwrap();
        let expected = format!("heard at?[2Jlas at 10.0.0.6:30814 and [fd00::6]:30814, fingerprint {fingerprint}\n");
        assert_eq!(list(&[one]), expected);
        assert_eq!(found("atlas", fingerprint, ["127.0.0.1".parse().unwrap()].into_iter(), 30814), None);
    }
}
