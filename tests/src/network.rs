//! Two machines of a network of their own, which a test may cut: needs root.
//!
//! Each machine is a network namespace in which 127.0.0.1 (c2d) and 127.0.0.2 (the agent) are
//! ordinary addresses at the two ends of a cable, so that clusters are what they are elsewhere. The calling thread
//! moves into c2d's namespace, and with it whatever it starts. Nothing of the host is changed.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::machine;

/// The address of c2d.
const SERVER: &str = "127.0.0.1";
/// The address of the agent behind the cable.
pub const REMOTE: &str = "127.0.0.2";
/// The address of an agent on the machine of c2d.
pub const LOCAL: &str = "127.0.0.3";

/// The network; it is taken down with this value.
#[derive(Debug)]
pub struct Network {
    server: String,
    remote: String,
}

/// What does not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The cable is unplugged.
    Both,
    /// What the agent says is lost.
    Requests,
    /// What c2d answers is lost.
    Answers,
}

impl Network {
    /// Makes the network and moves this thread into it; none without root, which is said aloud and
    /// is an error under CI.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn enter() -> Result<Option<Self>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !machine::may("cuts of the network")? {
            return Ok(None);
        }
        let prefix = format!("c2-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let network = Self { server: format!("{prefix}-server"), remote: format!("{prefix}-remote") };
        for name in [&network.server, &network.remote] {
            ip(&["netns", "add", name])?;
        }
        ip(&[
            "-n",
            &network.server,
            "link",
            "add",
            "cable",
            "type",
            "veth",
            "peer",
            "name",
            "cable",
            "netns",
            &network.remote,
        ])?;
        for (name, own, other) in [(&network.server, SERVER, REMOTE), (&network.remote, REMOTE, SERVER)] {
            for link in ["lo", "cable"] {
                ip(&["-n", name, "link", "set", link, "up"])?;
            }
            // Else the kernel takes whatever looks like loopback and comes by cable for forged.
            let allow = "net.ipv4.conf.all.route_localnet=1";
            ip(&["netns", "exec", name, "sysctl", "-qw", allow])?;
            ip(&["-n", name, "addr", "del", "127.0.0.1/8", "dev", "lo"])?;
            ip(&["-n", name, "addr", "add", &format!("{own}/32"), "dev", "lo"])?;
            ip(&["-n", name, "route", "add", &format!("{other}/32"), "dev", "cable", "src", own])?;
        }
        ip(&["-n", &network.server, "addr", "add", &format!("{LOCAL}/32"), "dev", "lo"])?;
        let namespace = File::open(format!("/run/netns/{}", network.server))?;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(Some(network))
    }

    /// The way to the machine behind the cable.
    #[must_use]
    pub fn remote(&self) -> Vec<String> {
        within(&self.remote)
    }

    /// Cuts the network.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn cut(&self, cut: Cut) -> Result<()> {
        match cut {
            Cut::Both => ip(&["-n", &self.server, "link", "set", "cable", "down"]),
            Cut::Requests => ip(&["-n", &self.remote, "route", "replace", "blackhole", SERVER]),
            Cut::Answers => ip(&["-n", &self.server, "route", "replace", "blackhole", REMOTE]),
        }
    }

    /// Ends a cut.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn mend(&self, cut: Cut) -> Result<()> {
        let (name, own, other) = match cut {
            Cut::Requests => (&self.remote, REMOTE, SERVER),
            Cut::Both | Cut::Answers => (&self.server, SERVER, REMOTE),
        };
        if cut == Cut::Both {
            ip(&["-n", name, "link", "set", "cable", "up"])?;
        } else {
            ip(&["-n", name, "route", "del", "blackhole", other])?;
        }
        // A link that went down lost its routes.
        ip(&["-n", name, "route", "replace", &format!("{other}/32"), "dev", "cable", "src", own])
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in [&self.server, &self.remote] {
            // One that was not made cannot be removed, and nobody could be told of another failure.
            drop(ip(&["netns", "del", name]));
        }
    }
}

/// The way into a namespace.
pub(crate) fn within(namespace: &str) -> Vec<String> {
    vec!["nsenter".to_owned(), format!("--net=/run/netns/{namespace}"), "--".to_owned()]
}

/// Runs `ip`.
pub(crate) fn ip(args: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(args).output().context("cannot run ip (package iproute2)")?;
    ensure!(output.status.success(), "ip {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
