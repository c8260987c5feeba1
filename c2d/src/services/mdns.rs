//! How c2d is heard in its network: a service of multicast DNS with its address and its fingerprint, neither of which
//! is a secret.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use c2_shared::fingerprint::Fingerprint;
use c2_shared::join_code::{FINGERPRINT_PROPERTY, SERVICE};
use mdns_sd::{IfKind, ServiceDaemon, ServiceInfo};

use crate::services::announcer::{Heard, Speak};

/// Characters of a label in a name of DNS.
const LABEL_LEN_MAX: usize = 63;
/// How long the others are waited for that shall hear that it is over.
const GOODBYE: Duration = Duration::from_millis(500);

/// How a c2d is heard that listens there and is known by that.
pub(crate) fn speak(address: SocketAddr, fingerprint: Fingerprint) -> Speak {
    Box::new(move || match Voice::raise(address, fingerprint) {
        Ok(voice) => Ok(Box::new(voice) as Heard),
        Err(error) => Err(error.to_string()),
    })
}

/// Speaks from a thread of its own until it is dropped.
struct Voice {
    daemon: ServiceDaemon,
    service: String,
}

impl Voice {
    /// Says where c2d is, in the networks of the address that it listens on.
    fn raise(address: SocketAddr, fingerprint: Fingerprint) -> Result<Self, mdns_sd::Error> {
        let ip = address.ip().to_canonical();
        let daemon = ServiceDaemon::new()?;
        if ip.is_unspecified() {
            daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?;
        } else {
            daemon.disable_interface(IfKind::All)?;
            daemon.enable_interface(IfKind::Addr(ip))?;
        }
        let machine = label(rustix::system::uname().nodename().to_string_lossy().as_ref());
        let host = host_name(&fingerprint);
        let own: &[IpAddr] = if ip.is_unspecified() { &[] } else { &[ip] };
        let properties = [(FINGERPRINT_PROPERTY, fingerprint.to_string())];
        let mut service = ServiceInfo::new(SERVICE, &machine, &host, own, address.port(), &properties[..])?;
        if ip.is_unspecified() {
            service = service.enable_addr_auto();
        }
        let voice = Self { service: service.get_fullname().to_owned(), daemon };
        voice.daemon.register(service)?;
        Ok(voice)
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        // Whoever does not hear it forgets c2d two minutes later.
        if let Ok(gone) = self.daemon.unregister(&self.service) {
            drop(gone.recv_timeout(GOODBYE));
        }
        drop(self.daemon.shutdown());
    }
}

/// The host name that c2d announces for its address. Another program often announces that of the machine, and two
/// machines with one host name would be heard at the addresses of both.
fn host_name(fingerprint: &Fingerprint) -> String {
    let begin = fingerprint.as_bytes().first_chunk::<8>().expect("a fingerprint is longer");
    format!("c2d-{:016x}.local.", u64::from_be_bytes(*begin))
}

/// The name of a machine as one label.
fn label(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let label: String = plain.take(LABEL_LEN_MAX).collect();
    if label.is_empty() { "c2d".to_owned() } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_a_machine_is_one_label() {
        let long = "a".repeat(100);
        for (name, expected) in [("atlas", "atlas"), ("atlas.home", "atlas-home"), ("", "c2d"), (&long, &long[..63])] {
            assert_eq!(label(name), expected);
        }
    }

    #[test]
    fn each_c2d_has_a_name_of_its_own_for_its_address() {
        let [one, other] = [b"one", b"two"].map(|certificate| host_name(&Fingerprint::of(certificate)));
        assert_ne!(one, other);
        assert!(one.strip_suffix(".local.").is_some_and(|name| label(name) == name), "{one}");
    }
}
