//! How often an address may send requests without a known token.
//!
//! It counts failures and nothing else. Secrets of 256 bits are not found by trying; the limit is
//! there so that a machine that keeps trying does not fill the logs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use c2_shared::time::Mono;

use crate::net::neighbourhood;

/// Failures in a row that are answered as such.
const FAILURES_MAX: u64 = 10;
/// After so long one more is answered.
const PER_FAILURE_MS: u64 = 6_000;
/// Addresses that are remembered; those that were quiet for long are forgotten first.
const ADDRESSES_MAX: usize = 1_000;

/// Failures by address, as the time at which all of them are forgiven.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    forgiven: Mutex<HashMap<IpAddr, Mono>>,
}

impl Throttle {
    /// Counts a failure, unless the address has too many already; whether it was counted.
    pub(crate) fn admits_failure(&self, ip: IpAddr, now: Mono) -> bool {
        let ip = neighbourhood(ip);
        let mut forgiven = self.forgiven.lock().unwrap_or_else(PoisonError::into_inner);
        let at = forgiven.get(&ip).copied().unwrap_or(now).max(now);
        if at.since_ms(now) > (FAILURES_MAX - 1) * PER_FAILURE_MS {
            return false;
        }
        if forgiven.len() >= ADDRESSES_MAX {
            forgiven.retain(|_, at| *at > now);
        }
        if forgiven.len() < ADDRESSES_MAX || forgiven.contains_key(&ip) {
            forgiven.insert(ip, at.after_ms(PER_FAILURE_MS));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_shut_an_address_for_a_while() {
        let (throttle, one, other) = (Throttle::default(), IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let now = Mono(1_000);
        for _ in 0..FAILURES_MAX {
            assert!(throttle.admits_failure(one, now));
        }
        assert!(!throttle.admits_failure(one, now) && throttle.admits_failure(other, now));
        for _ in 0..1_000 {
            assert!(!throttle.admits_failure(one, now));
        }
        let later = now.after_ms(PER_FAILURE_MS);
        assert!(throttle.admits_failure(one, later), "one more after a while");
        assert!(!throttle.admits_failure(one, later), "and only one");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let throttle = Throttle::default();
        let address = |n: u16| IpAddr::from([0xfd00, 1, 2, 3, 0, 0, 0, n]);
        let admitted = (0..100).filter(|n| throttle.admits_failure(address(*n), Mono(1_000))).count() as u64;
        assert_eq!(admitted, FAILURES_MAX);
        assert!(throttle.admits_failure(IpAddr::from([0xfd00, 1, 2, 4, 0, 0, 0, 1]), Mono(1_000)));
    }

    #[test]
    fn many_addresses_do_not_use_up_the_memory() {
        let throttle = Throttle::default();
        for n in 0..10_000_u32 {
            throttle.admits_failure(IpAddr::from(n.to_be_bytes()), Mono(u64::from(n)));
        }
        assert!(throttle.forgiven.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
