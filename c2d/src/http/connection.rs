//! The two ends of a connection: where it came from and where it arrived.

use std::net::{IpAddr, SocketAddr};

/// The two ends of a connection, as every handler may ask for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    peer: SocketAddr,
    local: IpAddr,
}

impl Connection {
    pub(super) fn new(peer: SocketAddr, local: SocketAddr) -> Self {
        Self { peer, local: local.ip().to_canonical() }
    }

    /// The caller's address.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }

    /// The address of ours that was called.
    pub(crate) const fn local(&self) -> IpAddr {
        self.local
    }

    /// Whether the caller is on this machine: nobody else can have these addresses for its own.
    pub(crate) fn is_near(&self) -> bool {
        self.peer().is_loopback() || self.peer() == self.local
    }
}
