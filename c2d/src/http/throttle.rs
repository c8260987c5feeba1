//! How often an address may show tokens that nobody knows.
//!
//! Secrets of 256 bits are not found by trying; but whoever tries shall not fill the logs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use c2_shared::time::Mono;

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
    /// Notes a failure.
    pub(crate) fn failed(&self, ip: IpAddr, now: Mono) {
        let mut forgiven = self.forgiven.lock().unwrap_or_else(PoisonError::into_inner);
        if forgiven.len() >= ADDRESSES_MAX {
            forgiven.retain(|_, at| *at > now);
        }
        if forgiven.len() < ADDRESSES_MAX || forgiven.contains_key(&ip) {
            let at = forgiven.entry(ip).or_insert(now);
            let full = now.after_ms(FAILURES_MAX * PER_FAILURE_MS);
            *at = (*at).max(now).after_ms(PER_FAILURE_MS).min(full);
        }
    }

    /// Whether an address has failed too often.
    pub(crate) fn is_shut(&self, ip: IpAddr, now: Mono) -> bool {
        let forgiven = self.forgiven.lock().unwrap_or_else(PoisonError::into_inner);
        forgiven.get(&ip).is_some_and(|at| at.since_ms(now) > (FAILURES_MAX - 1) * PER_FAILURE_MS)
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
            assert!(!throttle.is_shut(one, now));
            throttle.failed(one, now);
        }
        assert!(throttle.is_shut(one, now) && !throttle.is_shut(other, now));
        assert!(!throttle.is_shut(one, now.after_ms(PER_FAILURE_MS)), "one more try after a while");
        for _ in 0..1_000 {
            throttle.failed(one, now);
        }
        assert!(!throttle.is_shut(one, now.after_ms(PER_FAILURE_MS)), "and no longer than that");
    }

    #[test]
    fn many_addresses_do_not_use_up_the_memory() {
        let throttle = Throttle::default();
        for n in 0..10_000_u32 {
            throttle.failed(IpAddr::from(n.to_be_bytes()), Mono(u64::from(n)));
        }
        assert!(throttle.forgiven.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
