//! Whom an address stands for, where it is counted.

use std::net::{IpAddr, Ipv6Addr};

/// Bits of an IPv6 address that a network at home gives to all of its machines alike. Each of them may
/// choose the others as often as it likes.
const NETWORK: u128 = !(u64::MAX as u128);

/// The address under which somebody is counted: one of IPv4, or a whole network of IPv6.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let table = [
            ("10.0.0.11", "10.0.0.11"),
            ("::ffff:10.0.0.11", "10.0.0.11"),
            ("::1", "::1"),
            ("fd00:1:2:3:4:5:6:7", "fd00:1:2:3::"),
            ("fd00:1:2:3::1", "fd00:1:2:3::"),
            ("fd00:1:2:4::1", "fd00:1:2:4::"),
        ];
        for (address, expected) in table {
            assert_eq!(neighbourhood(address.parse().unwrap()).to_string(), expected, "{address}");
        }
    }
}
