//! The two ends of a connection: where it came from and where it arrived.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use c2_shared::fingerprint::Fingerprint;

/// The two ends of a connection, as every handler may ask for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    peer: SocketAddr,
    local: IpAddr,
    /// By which authority c2d proved itself there, if it did.
    proof: Option<Fingerprint>,
}

impl Connection {
    pub(super) fn new(peer: SocketAddr, local: SocketAddr) -> Self {
        Self { peer, local: local.ip().to_canonical(), proof: None }
    }

    /// One by the socket in c2d's folder, which only programs of this machine reach.
    pub(super) const fn near() -> Self {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self { peer: SocketAddr::new(here, 0), local: here, proof: None }
    }

    /// The same, where c2d proved itself by this authority.
    pub(super) const fn proved_by(self, authority: Fingerprint) -> Self {
        Self { proof: Some(authority), ..self }
    }

    /// By which authority c2d proved itself.
    pub(crate) const fn proof(&self) -> Option<Fingerprint> {
        self.proof
    }

    /// Whether it came by the socket.
    pub(crate) const fn is_by_socket(&self) -> bool {
        self.peer.port() == 0
    }

    /// The caller's address and port.
    pub(super) const fn peer_address(&self) -> SocketAddr {
        self.peer
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
