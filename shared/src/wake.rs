//! Waking machines: their hardware addresses, and the packet that a sleeping network card listens for.
//!
//! A packet goes to everybody in a network, as the card of a machine that sleeps answers to nothing else. Nobody
//! acknowledges it, and it may be lost.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The hardware address of a network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

/// Says that a text is no hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no hardware address like 52:54:00:12:34:56")]
pub struct MacError;

impl Mac {
    /// That of one card: those of a device without any, and of many cards, are none.
    fn of(bytes: [u8; 6]) -> Option<Self> {
        (bytes != [0; 6] && bytes[0] & 1 == 0).then_some(Self(bytes))
    }

    /// The packet that wakes it: six bytes of ones, and the address sixteen times.
    #[must_use]
    pub fn packet(self) -> Vec<u8> {
        [0xff; 6].into_iter().chain(self.0.repeat(16)).collect()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for Mac {
    type Err = MacError;

    /// Reads it as the kernel writes it. That of a device without one, and that of everybody, are none.
    fn from_str(text: &str) -> Result<Self, MacError> {
        let bytes = text.split(':').map(|part| match part.len() {
            2 if part.bytes().all(|byte| byte.is_ascii_hexdigit()) => u8::from_str_radix(part, 16).ok(),
            _ => None,
        });
        let bytes: Vec<u8> = bytes.collect::<Option<_>>().ok_or(MacError)?;
        Self::of(bytes.try_into().map_err(|_| MacError)?).ok_or(MacError)
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "client")]
mod network {
    use std::io;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

    use nix::ifaddrs::{InterfaceAddress, getifaddrs};
    use nix::net::if_::if_nametoindex;
    use nix::sys::socket::SockaddrStorage;

    use super::Mac;
    use crate::limits::WAKE_PORT;

    /// All machines of a network, in IPv6.
    const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

    /// Sends the packet into each network of this machine in which that address is; answers into how many.
    ///
    /// # Errors
    /// When the networks cannot be listed, or none of those took it.
    pub fn wake(mac: Mac, ip: IpAddr) -> io::Result<usize> {
        let (mut sent, mut failure) = (0, None);
        for (from, to) in getifaddrs()?.filter_map(|interface| way(&interface, ip)) {
            match send(mac, from, to) {
                Ok(()) => sent += 1,
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if sent == 0 => Err(error),
            _ => Ok(sent),
        }
    }

    fn send(mac: Mac, from: IpAddr, to: SocketAddr) -> io::Result<()> {
        let socket = UdpSocket::bind(SocketAddr::new(from, 0))?;
        socket.set_broadcast(true)?;
        socket.send_to(&mac.packet(), to).map(drop)
    }

    /// From where and to whom it goes on an interface, if the address is in its network.
    fn way(interface: &InterfaceAddress, ip: IpAddr) -> Option<(IpAddr, SocketAddr)> {
        let (own, netmask) = (address(interface.address.as_ref()?)?, address(interface.netmask.as_ref()?)?);
        match (own, netmask, ip) {
            (IpAddr::V4(own), IpAddr::V4(netmask), IpAddr::V4(ip)) => {
                let all = broadcast(own, netmask, ip)?;
                Some((own.into(), SocketAddr::new(all.into(), WAKE_PORT)))
            }
            (IpAddr::V6(own), IpAddr::V6(netmask), IpAddr::V6(ip)) => {
                let mask = netmask.to_bits();
                let is_near = mask != u128::MAX && own.to_bits() & mask == ip.to_bits() & mask;
                let index = if_nametoindex(interface.interface_name.as_str()).ok()?;
                let all = SocketAddrV6::new(ALL_NODES, WAKE_PORT, 0, index);
                is_near.then_some((Ipv6Addr::UNSPECIFIED.into(), all.into()))
            }
            _ => None,
        }
    }

    fn address(storage: &SockaddrStorage) -> Option<IpAddr> {
        let v4 = storage.as_sockaddr_in().map(|address| address.ip().into());
        v4.or_else(|| storage.as_sockaddr_in6().map(|address| address.ip().into()))
    }

    /// Everybody in the network of an interface, if an address is there.
    fn broadcast(own: Ipv4Addr, netmask: Ipv4Addr, ip: Ipv4Addr) -> Option<Ipv4Addr> {
        let mask = netmask.to_bits();
        let is_near = mask != u32::MAX && own.to_bits() & mask == ip.to_bits() & mask;
        is_near.then(|| Ipv4Addr::from_bits(ip.to_bits() | !mask))
    }

    /// The hardware address of the interface by which this machine reaches another; none where it has none.
    #[must_use]
    pub fn mac_towards(other: IpAddr) -> Option<Mac> {
        let any: IpAddr = if other.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        // The kernel chooses the way; nothing is sent.
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
        socket.connect(SocketAddr::new(other, WAKE_PORT)).ok()?;
        let own = socket.local_addr().ok()?.ip();
        let all: Vec<InterfaceAddress> = getifaddrs().ok()?.collect();
        let is_own = |one: &&InterfaceAddress| one.address.as_ref().and_then(address) == Some(own);
        let name = all.iter().find(is_own)?.interface_name.split(':').next()?;
        // The card has an entry of its own; the name of an address may have a label behind a colon.
        let cards = all.iter().filter(|one| one.interface_name == name);
        let mut bytes = cards.filter_map(|one| one.address.as_ref()?.as_link_addr()?.addr());
        bytes.next().and_then(Mac::of)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn everybody_in_the_network_of_an_address() {
            let table = [
                ("10.0.0.6", "255.255.255.0", "10.0.0.11", Some("10.0.0.255")),
                ("10.0.0.6", "255.255.255.0", "10.0.1.11", None),
                ("172.16.3.1", "255.255.240.0", "172.16.9.9", Some("172.16.15.255")),
                ("127.0.0.1", "255.0.0.0", "127.0.0.9", Some("127.255.255.255")),
                ("10.8.0.2", "255.255.255.255", "10.8.0.2", None),
            ];
            for (own, mask, ip, expected) in table {
                let found = broadcast(own.parse().unwrap(), mask.parse().unwrap(), ip.parse().unwrap());
                assert_eq!(found.map(|all| all.to_string()).as_deref(), expected, "{own} {mask} {ip}");
            }
        }

        #[test]
        fn the_loopback_device_cannot_be_woken() {
            assert_eq!(mac_towards(Ipv4Addr::LOCALHOST.into()), None);
        }
    }
}

#[cfg(feature = "client")]
pub use network::{mac_towards, wake};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses_are_read_and_written() {
        let fine = ["52:54:00:12:34:56", "00:1b:21:ff:00:0a"];
        for text in fine {
            assert_eq!(text.parse::<Mac>().unwrap().to_string(), text);
        }
        assert_eq!("52:54:00:AB:CD:EF".parse::<Mac>().unwrap().to_string(), "52:54:00:ab:cd:ef");
        let none =
            ["", "52:54:00:12:34", "52:54:00:12:34:56:78", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "5:54:0:1:2:3"];
        for text in none.into_iter().chain(["52-54-00-12-34-56", "+2:54:00:12:34:56", "01:00:5e:00:00:fb"]) {
            assert_eq!(text.parse::<Mac>(), Err(MacError), "{text}");
        }
    }

    #[test]
    fn the_packet_says_the_address_sixteen_times() {
        let packet = "02:00:00:00:00:07".parse::<Mac>().unwrap().packet();
        assert_eq!((packet.len(), &packet[..6]), (102, &[0xff; 6][..]));
        assert!(packet[6..].chunks(6).all(|part| part == [2, 0, 0, 0, 0, 7]));
    }
}
