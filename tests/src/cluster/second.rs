//! A second c2d of a cluster, on the same database: one leads, the other one stands by.

use std::fs::DirBuilder;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use c2_shared::client::Client;
use c2_shared::pass::Pass;
use c2_shared::token::Role;
use rustix::process::Signal;

use super::Cluster;
use super::started::{C2D, data_dir, spawn_c2d};
use crate::process::Background;
use crate::wait::{SOON, eventually};

/// Its folder.
const SECOND: &str = "c2d-second";
/// One that answers answers within this.
const ANSWER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Second {
    process: Option<Background>,
    addr: SocketAddr,
}

/// One of two c2d.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that each cluster has.
    First,
    /// The other one.
    Second,
}

impl Which {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::First => C2D,
            Self::Second => SECOND,
        }
    }
}

impl Cluster {
    /// Starts a second c2d, which stands by. The client knows both from now on, and agents that are started.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn start_second(&mut self) -> Result<()> {
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        // Tokens that c2d makes for its own machine are of its folder alone.
        let (first, second) = (self.data_dir(), self.data_dir_of(Which::Second));
        DirBuilder::new().mode(0o700).create(&second)?;
        for role in [Role::Operator, Role::Worker] {
            std::fs::copy(first.join(role.file_name()), second.join(role.file_name()))?;
        }
        self.second = Some(Second { process: None, addr });
        self.restart_one(Which::Second).await?;
        let pass = Pass::read(&self.data_dir().join(Role::Operator.file_name()))?;
        self.client = Client::new(&self.server().parse()?, Some(pass), None)?;
        Ok(())
    }

    /// The addresses of all c2d, as programs are given them.
    pub(super) fn server(&self) -> String {
        let second = self.second.as_ref().map(|second| format!(",{}", second.addr)).unwrap_or_default();
        format!("{}{second}", self.addr)
    }

    /// Kills one with SIGKILL.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill_one(&mut self, which: Which) -> Result<()> {
        self.process(which)?.take().context("this c2d does not run")?.kill()
    }

    /// Signals one.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal_one(&mut self, which: Which, signal: Signal) -> Result<()> {
        self.process(which)?.as_ref().context("this c2d does not run")?.signal(signal)
    }

    /// Starts one again, and waits until it leads or stands by.
    ///
    /// # Errors
    /// When it does neither.
    pub async fn restart_one(&mut self, which: Which) -> Result<()> {
        let (client, port) = (self.client_of(which)?, self.addr_of(which)?.port());
        *self.process(which)? = Some(spawn_c2d(&self.way, self.scratch.path(), which.name(), port)?);
        eventually("this c2d answers", SOON, async || client.health().await.map(Some).map_err(Into::into)).await?;
        Ok(())
    }

    /// Starts each again that has ended by itself, as a service does.
    ///
    /// # Errors
    /// When one does not get ready.
    pub async fn revive(&mut self) -> Result<()> {
        for which in self.all() {
            if self.process(which)?.as_mut().map_or(Ok(true), Background::ended)? {
                self.restart_one(which).await?;
            }
        }
        Ok(())
    }

    /// Each of them.
    #[must_use]
    pub fn all(&self) -> Vec<Which> {
        std::iter::once(Which::First).chain(self.second.as_ref().map(|_| Which::Second)).collect()
    }

    /// Which one leads; the first if nobody says so.
    ///
    /// # Errors
    /// When there is no client.
    pub async fn leader(&self) -> Result<Which> {
        if self.second.is_some() {
            let client = self.client_of(Which::Second)?;
            if let Ok(Ok(health)) = tokio::time::timeout(ANSWER, client.health()).await
                && !health.stands_by
            {
                return Ok(Which::Second);
            }
        }
        Ok(Which::First)
    }

    /// The folder of one.
    #[must_use]
    pub fn data_dir_of(&self, which: Which) -> PathBuf {
        data_dir(self.scratch.path(), which.name())
    }

    fn client_of(&self, which: Which) -> Result<Client> {
        Ok(Client::new(&self.addr_of(which)?.into(), None, None)?)
    }

    fn addr_of(&self, which: Which) -> Result<SocketAddr> {
        match which {
            Which::First => Ok(self.addr),
            Which::Second => Ok(self.second.as_ref().context("there is one c2d")?.addr),
        }
    }

    fn process(&mut self, which: Which) -> Result<&mut Option<Background>> {
        match which {
            Which::First => Ok(&mut self.c2d),
            Which::Second => Ok(&mut self.second.as_mut().context("there is one c2d")?.process),
        }
    }
}
