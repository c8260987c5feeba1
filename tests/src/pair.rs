//! Two real c2d on one PostgreSQL, and an agent and a client that know both.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::tokens::JoinRequest;
use c2_shared::client::Client;
use c2_shared::pass::Pass;
use c2_shared::server_address::ServerAddress;
use c2_shared::token::Role;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::agent::{Agent, home_of};
use crate::postgres_server;
use crate::process::{Background, command, run};
use crate::programs::Program;
use crate::wait::{SOON, eventually};

/// Slots of the agent.
const SLOTS: u32 = 4;

/// A new database on a server of this program; nothing where PostgreSQL is not installed.
#[must_use]
pub fn database() -> Option<String> {
    Some(postgres_server::url(&server()?))
}

/// The folder of the socket of a new server of this program.
#[must_use]
pub fn server() -> Option<PathBuf> {
    postgres_server::start(false)
}

/// What runs; all of it ends with the value.
#[derive(Debug)]
pub struct Pair {
    stores: [String; 2],
    c2d: [Option<Background>; 2],
    addresses: [SocketAddr; 2],
    /// Shown by clients that are told so.
    pass: Pass,
    client: Client,
    agent: Option<Agent>,
    scratch: TempDir,
}

impl Pair {
    /// Starts both, the first as the leader; nothing where PostgreSQL is not installed.
    ///
    /// # Errors
    /// When one does not get ready.
    pub async fn start() -> Result<Option<Self>> {
        let Some(store) = database() else { return Ok(None) };
        Ok(Some(Self::start_on([store.clone(), store]).await?))
    }

    /// The same on a database that each of them finds in its own way.
    ///
    /// # Errors
    /// When one does not get ready.
    pub async fn start_on(stores: [String; 2]) -> Result<Self> {
        let free = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
        let addresses = [free[0].local_addr()?, free[1].local_addr()?];
        drop(free);
        let scratch = tempfile::Builder::new().prefix("c2-test-").tempdir()?;
        let mut first = start_c2d(&stores, &scratch, addresses, 0)?;
        first.line_with(" listening on ").await?;
        let mut invite = command(&Program::C2d.path()?, scratch.path());
        let both = addresses.map(|address| address.to_string()).join(",");
        invite.args(["invite", "--role", "operator", "--data-dir"]).arg(scratch.path().join("c2d-0"));
        invite.args(["--address", &both]);
        let line = run(invite).await?;
        let invitation: Pass = line.stdout.trim().parse().with_context(|| format!("{line:?}"))?;
        let (fingerprint, server) = (invitation.fingerprint, invitation.server.clone());
        let server = server.context("a line names c2d")?;
        ensure!(server.to_string() == both, "the line names both: {server}");
        let client = Client::new(&server, Some(invitation), None)?;
        let joined = client.join(&JoinRequest { name: "test".to_owned(), ..JoinRequest::default() }).await?;
        let pass = Pass { token: joined.token.parse()?, fingerprint, server: Some(server.clone()) };
        let client = Client::new(&server, Some(pass.clone()), None)?;
        let second = start_c2d(&stores, &scratch, addresses, 1)?;
        let pair = Self { stores, c2d: [Some(first), Some(second)], addresses, pass, client, agent: None, scratch };
        pair.stands_by(1).await?;
        Ok(pair)
    }

    /// Speaks to whichever leads.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Speaks to whichever leads, and begins with the first, as each command of a script does.
    ///
    /// # Errors
    /// When there cannot be a client.
    pub fn new_client(&self) -> Result<Client> {
        let server = self.pass.server.as_ref().context("a line names c2d")?;
        Ok(Client::new(server, Some(self.pass.clone()), None)?)
    }

    /// What `c2d check` says of the database.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn check(&self) -> Result<String> {
        let mut check = command(&Program::C2d.path()?, self.scratch.path());
        check.args(["--store", &self.stores[0], "check", "--data-dir"]).arg(self.scratch.path().join("c2d-0"));
        Ok(run(check).await?.stdout)
    }

    /// Speaks to one of them.
    ///
    /// # Errors
    /// When there cannot be a client.
    pub fn client_of(&self, one: usize) -> Result<Client> {
        Ok(Client::new(&self.addresses[one].into(), Some(self.pass.clone()), None)?)
    }

    /// Where one of them listens.
    #[must_use]
    pub fn address(&self, one: usize) -> ServerAddress {
        self.addresses[one].into()
    }

    /// The folder of the test.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.scratch.path().to_owned()
    }

    /// Starts an agent that joins by a line with both addresses.
    ///
    /// # Errors
    /// When it does not come online.
    pub async fn start_agent(&mut self, ip: &str) -> Result<()> {
        let ip: IpAddr = ip.parse()?;
        let leader = self.scratch.path().join("c2d-0");
        let both = self.addresses.map(|address| address.to_string()).join(",");
        let mut invite = command(&Program::C2d.path()?, self.scratch.path());
        invite.args(["invite", "--address", &both, "--data-dir"]).arg(leader);
        let line = run(invite).await?.stdout;
        let line = line.split_whitespace().find(|word| word.starts_with("c2j1.")).context("no line")?.to_owned();
        let token = self.scratch.path().join("agent.token");
        let mut agent = Agent::new(self.scratch.path(), ip, SLOTS, both, token.clone(), Vec::new())?;
        let state = home_of(self.scratch.path(), ip).join("state");
        let mut join = command(&Program::Agent.path()?, self.scratch.path());
        join.args(["join", &line, "--state-dir"]).arg(&state);
        let joined = run(join).await?;
        ensure!(joined.status == 0, "{joined:?}");
        std::fs::copy(state.join(Role::Worker.file_name()), &token)?;
        agent.restart()?;
        self.agent = Some(agent);
        eventually("the agent is online", SOON, async || {
            Ok(self.client.workers().await?.workers.iter().any(|worker| worker.ip == ip).then_some(()))
        })
        .await
    }

    /// Kills one with SIGKILL.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self, one: usize) -> Result<()> {
        self.c2d[one].take().context("it does not run")?.kill()
    }

    /// Signals one.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, one: usize, signal: Signal) -> Result<()> {
        self.c2d[one].as_ref().context("it does not run")?.signal(signal)
    }

    /// Starts one again, and waits until it stands by.
    ///
    /// # Errors
    /// When it does not.
    pub async fn restart(&mut self, one: usize) -> Result<()> {
        self.c2d[one] = Some(start_c2d(&self.stores, &self.scratch, self.addresses, one)?);
        self.stands_by(one).await
    }

    /// Waits for the end of one; answers whether it ended well.
    ///
    /// # Errors
    /// When it goes on.
    pub async fn ended_well(&mut self, one: usize) -> Result<bool> {
        let process = self.c2d[one].as_mut().context("it does not run")?;
        let status = eventually("it ends", SOON, async || process.status()).await?;
        self.c2d[one] = None;
        Ok(status.success())
    }

    /// Waits until one leads.
    ///
    /// # Errors
    /// When it does not in this time.
    pub async fn leads(&self, one: usize, limit: std::time::Duration) -> Result<()> {
        let client = self.client_of(one)?;
        eventually("it leads", limit, async || {
            let health = client.health().await?;
            Ok((!health.stands_by && health.degraded.is_none()).then_some(()))
        })
        .await
    }

    async fn stands_by(&self, one: usize) -> Result<()> {
        let client = self.client_of(one)?;
        eventually("it stands by", SOON, async || Ok(client.health().await?.stands_by.then_some(()))).await
    }

    /// What both and the agent said.
    #[must_use]
    pub fn logs(&self) -> String {
        let logs = ["c2d-0.log", "c2d-1.log"].map(|name| std::fs::read_to_string(self.scratch.path().join(name)));
        logs.map(Result::unwrap_or_default).join("\n--- the second\n")
    }
}

fn start_c2d(stores: &[String; 2], scratch: &TempDir, addresses: [SocketAddr; 2], one: usize) -> Result<Background> {
    let mut c2d = command(&Program::C2d.path()?, scratch.path());
    c2d.args([
        "--host",
        "127.0.0.1",
        "--port",
        &addresses[one].port().to_string(),
        "--store",
        &stores[one],
        "--data-dir",
    ]);
    c2d.arg(scratch.path().join(format!("c2d-{one}")));
    Background::start(&mut c2d, &scratch.path().join(format!("c2d-{one}.log")))
}
