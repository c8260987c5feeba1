//! Agents of a cluster that move, are copied, share an address, or have a token of their own.

use std::net::IpAddr;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use c2_shared::token::Role;
use c2_shared::worker::WorkerStatus;

use super::started::{C2D, c2d_log};
use super::{Cluster, SLOTS};
use crate::agent::Agent;
use crate::process::Output;
use crate::wait::{SOON, eventually};

impl Cluster {
    /// Starts an agent again that was stopped, at another address.
    ///
    /// # Errors
    /// When it does not come online there.
    pub async fn readdress(&mut self, from: &str, to: &str) -> Result<()> {
        let (from, to): (IpAddr, IpAddr) = (from.parse()?, to.parse()?);
        let mut agent = self.agents.remove(&from).with_context(|| format!("no agent at {from}"))?;
        agent.readdress(to);
        agent.restart()?;
        self.agents.insert(to, agent);
        self.online(to).await
    }

    /// Starts an agent with a copy of the state folder of another, and waits until it gives up; its log.
    ///
    /// # Errors
    /// When it does not give up.
    pub async fn copied_agent(&mut self, of: &str, ip: &str) -> Result<String> {
        let (from, to) = (self.agent_home(of)?.join("state"), self.agent_home(ip)?.join("state"));
        let copied = Command::new("cp").arg("-a").arg(from).arg(&to).status()?;
        ensure!(copied.success(), "cp: {copied}");
        let token = self.data_dir().join(Role::Worker.file_name());
        let mut agent = Agent::new(self.scratch.path(), ip.parse()?, SLOTS, self.addr.to_string(), token, Vec::new())?;
        agent.restart()?;
        eventually("the end of a copy", SOON, async || Ok(agent.has_ended()?.then_some(()))).await?;
        let log = std::fs::read_to_string(agent.log())?;
        self.agents.insert(ip.parse()?, agent);
        Ok(log)
    }

    /// Starts another agent at the address of one, with folders of its own, and waits until both are online.
    ///
    /// # Errors
    /// When they are not.
    pub async fn beside(&self, ip: &str) -> Result<()> {
        let (token, at) = (self.data_dir().join(Role::Worker.file_name()), ip.parse::<IpAddr>()?);
        let mut agent = Agent::new(&self.new_folder("beside")?, at, SLOTS, self.addr.to_string(), token, Vec::new())?;
        agent.restart()?;
        eventually("two agents at one address", SOON, async || {
            let workers = self.client.workers().await?.workers;
            let online = workers.iter().filter(|w| w.ip == at && w.status == WorkerStatus::Online);
            Ok((online.count() == 2).then_some(()))
        })
        .await
    }

    /// A line of `c2d invite` with these arguments.
    ///
    /// # Errors
    /// When c2d gives none.
    pub async fn invited(&self, args: &[&str]) -> Result<String> {
        // On loopback c2d is reached from elsewhere by a tunnel only, so the line must name its end.
        let address = self.addr.to_string();
        let said = self.c2d(&[&["invite", "--address", &address], args].concat()).await?;
        ensure!(said.status == 0, "{said:?}");
        Ok(said.stdout.trim().to_owned())
    }

    /// Runs `c2-agent join` on the machine of an address.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn join(&self, ip: &str, line: &str) -> Result<Output> {
        let state = self.agent_home(ip)?.join("state");
        self.run_agent(&["join", line, "--state-dir", &state.to_string_lossy()]).await
    }

    /// Waits until these words stand in one of the logs of who did what.
    ///
    /// # Errors
    /// When they do not.
    pub async fn is_noted(&self, log: &str, words: &str) -> Result<()> {
        eventually(&format!("{words:?} in {log}"), SOON, async || {
            let text = std::fs::read_to_string(self.data_dir().join(log))?;
            Ok(text.contains(words).then_some(()))
        })
        .await
    }

    /// Waits until these words stand in the log of c2d.
    ///
    /// # Errors
    /// When they do not.
    pub async fn logged(&self, words: &str) -> Result<()> {
        eventually(&format!("{words:?} in the log of c2d"), SOON, async || {
            Ok(std::fs::read_to_string(c2d_log(self.scratch.path(), C2D))?.contains(words).then_some(()))
        })
        .await
    }

    /// Starts the agent of a machine that has joined, with the token that it got.
    ///
    /// # Errors
    /// When it does not come online.
    pub async fn joined_agent(&mut self, ip: &str) -> Result<()> {
        let token = self.agent_home(ip)?.join("state").join(Role::Worker.file_name());
        let ip: IpAddr = ip.parse()?;
        let mut agent = Agent::new(self.scratch.path(), ip, SLOTS, self.addr.to_string(), token, Vec::new())?;
        agent.restart()?;
        self.agents.insert(ip, agent);
        self.online(ip).await
    }
}
