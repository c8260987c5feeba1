//! Machines that can be reached over ssh: real sshd processes on loopback addresses, each with a
//! host key of its own, and an operator with a key that they accept.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use c2_shared::token::Role;
use serde_json::{Value, json};

use crate::Cluster;
use crate::agent::{PROGRAMS, write_program};
use crate::http::Caller;
use crate::machine::has;
use crate::process::{Background, Output, command, command_by, run};
use crate::programs::Program;
use crate::wait::{SOON, eventually};

const SSHD: &str = "/usr/sbin/sshd";
const PDSH: &str = "/usr/bin/pdsh";

/// Several machines and an operator.
#[derive(Debug)]
pub struct Machines<'a> {
    cluster: &'a Cluster,
    folder: PathBuf,
    servers: BTreeMap<IpAddr, Background>,
    ports: BTreeMap<IpAddr, u16>,
}

/// Whether pdsh and sshd are here, as [`has`] tells.
#[must_use]
pub fn available() -> bool {
    let is_here = [SSHD, PDSH].into_iter().all(|path| Path::new(path).exists());
    has("commands over ssh", is_here, "apt-get install pdsh openssh-server")
}

impl<'a> Machines<'a> {
    /// The operator's keys and nothing else yet.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn new(cluster: &'a Cluster) -> Result<Self> {
        let folder = cluster.new_folder("ssh")?;
        let machines = Self { cluster, folder, servers: BTreeMap::new(), ports: BTreeMap::new() };
        machines.new_key("operator")?;
        std::fs::copy(machines.path("operator.pub"), machines.path("authorized_keys"))?;
        if rustix::process::geteuid().is_root() {
            // sshd of root wants it, and systems that never ran sshd have none.
            std::fs::create_dir_all("/run/sshd")?;
        }
        Ok(machines)
    }

    /// A folder for keys and files.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A worker whose machine is up and knows the operator.
    ///
    /// # Errors
    /// When sshd does not start.
    pub async fn up(&mut self, ip: &str, hostname: &str) -> Result<()> {
        self.start(ip, hostname, "authorized_keys").await
    }

    /// A worker whose machine is up and accepts nobody's key.
    ///
    /// # Errors
    /// When sshd does not start.
    pub async fn locked(&mut self, ip: &str, hostname: &str) -> Result<()> {
        self.start(ip, hostname, "nobody").await
    }

    /// A worker whose machine is off.
    ///
    /// # Errors
    /// When c2d does not take it.
    pub async fn down(&mut self, ip: &str, hostname: &str) -> Result<()> {
        self.ports.insert(ip.parse()?, free_port(ip)?);
        self.register(ip, hostname).await
    }

    /// A machine that is up and no worker, such as a NAS.
    ///
    /// # Errors
    /// When sshd does not start.
    pub async fn stranger(&mut self, ip: &str) -> Result<()> {
        self.serve(ip, "authorized_keys").await
    }

    async fn start(&mut self, ip: &str, hostname: &str, keys: &str) -> Result<()> {
        self.serve(ip, keys).await?;
        self.register(ip, hostname).await
    }

    async fn serve(&mut self, ip: &str, keys: &str) -> Result<()> {
        let port = free_port(ip)?;
        let key = format!("host-{ip}");
        self.new_key(&key)?;
        // What the user of these tests has for shells is no part of a machine.
        let (programs, home) = (self.path(PROGRAMS), self.path("home"));
        std::fs::create_dir_all(&home)?;
        let settings = [
            format!("ListenAddress {ip}"),
            format!("Port {port}"),
            format!("HostKey {}", self.path(&key).display()),
            format!("AuthorizedKeysFile {}", self.path(keys).display()),
            "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no".to_owned(),
            format!("SetEnv PATH={}:/usr/bin:/bin HOME={}", programs.display(), home.display()),
            "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password".to_owned(),
        ];
        let file = self.path(&format!("sshd-{ip}"));
        std::fs::write(&file, settings.join("\n") + "\n")?;
        let mut sshd = Command::new(SSHD);
        sshd.args(["-D", "-e", "-f"]).arg(&file).stdin(Stdio::null());
        let mut server = Background::start(&mut sshd, &self.path(&format!("log-{ip}")))?;
        let address = SocketAddr::new(ip.parse()?, port);
        eventually(&format!("sshd at {address}"), SOON, async || {
            ensure!(!server.ended()?, "sshd ended");
            Ok(TcpStream::connect(address).ok())
        })
        .await?;
        self.servers.insert(address.ip(), server);
        self.ports.insert(address.ip(), port);
        Ok(())
    }

    /// Makes c2d know a worker.
    async fn register(&self, ip: &str, hostname: &str) -> Result<()> {
        let token = self.cluster.token(Role::Worker)?.expose().to_owned();
        let worker = Caller { server: self.cluster.addr(), source: ip.parse()?, token: Some(token) };
        let answer = worker.call("POST", "/api/workers/register", Some(json!({"hostname": hostname}))).await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    }

    /// Makes a machine's host key known to the operator.
    ///
    /// # Errors
    /// When there is no such machine.
    pub fn know(&self, ip: &str) -> Result<()> {
        self.know_as(ip, ip)
    }

    /// Makes the key of one machine known as that of another.
    ///
    /// # Errors
    /// When there is no such machine.
    pub fn know_as(&self, ip: &str, key_of: &str) -> Result<()> {
        let key = std::fs::read_to_string(self.path(&format!("host-{key_of}.pub")))?;
        let port = self.ports.get(&ip.parse()?).context("no such machine")?;
        let mut known = std::fs::read_to_string(self.path("known_hosts")).unwrap_or_default();
        known.push_str(&format!("[{ip}]:{port} {key}"));
        Ok(std::fs::write(self.path("known_hosts"), known)?)
    }

    /// Writes the console's configuration: the operator's key, and each machine's port.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn configure(&self) -> Result<()> {
        let workers: BTreeMap<String, _> =
            self.ports.iter().map(|(ip, port)| (ip.to_string(), json!({"port": port}))).collect();
        self.configure_with(json!({"connect_timeout_s": 10, "workers": workers}))
    }

    /// Writes the console's configuration: the operator's key, and this.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn configure_with(&self, mut ssh: Value) -> Result<()> {
        ssh["identity_file"] = json!(self.path("operator"));
        ssh["known_hosts"] = json!(self.path("known_hosts"));
        let config = json!({"ssh": ssh});
        let folder = self.cluster.console_dir().join(".config/c2-tui");
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join("config.json"), config.to_string())?)
    }

    /// Puts a program of this name on the `PATH` of all machines: a shell script.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn program(&self, name: &str, script: &str) -> Result<()> {
        write_program(&self.path(PROGRAMS), name, script)
    }

    /// Runs a console command in an environment with more in it.
    ///
    /// # Errors
    /// When the console cannot be run.
    pub async fn exec_in(&self, environment: &[(&str, &str)], line: &str) -> Result<Output> {
        run(self.console(environment, line)?).await
    }

    /// Runs a console command by way of another program that becomes it.
    ///
    /// # Errors
    /// When the console cannot be run.
    pub async fn exec_by(&self, way: &[String], line: &str) -> Result<Output> {
        let inner = self.console(&[], line)?;
        let mut outer = command_by(way, Path::new(inner.get_program()), &self.cluster.console_dir());
        outer.args(inner.get_args());
        run(outer).await
    }

    /// The port of a machine's sshd.
    ///
    /// # Errors
    /// When there is no such machine.
    pub fn port(&self, ip: &str) -> Result<u16> {
        self.ports.get(&ip.parse()?).copied().context("no such machine")
    }

    /// Starts a console command without waiting for it.
    ///
    /// # Errors
    /// When the console cannot be run.
    pub fn begin(&self, line: &str) -> Result<tokio::process::Child> {
        let mut console = tokio::process::Command::from(self.console(&[], line)?);
        console.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(console.spawn()?)
    }

    fn console(&self, environment: &[(&str, &str)], line: &str) -> Result<Command> {
        let token = self.cluster.data_dir().join(Role::Operator.file_name());
        let mut console = command(&Program::Tui.path()?, &self.cluster.console_dir());
        console.arg("--server").arg(self.cluster.addr().to_string()).arg("--token-file").arg(token);
        console.args(["--exec", line]).envs(environment.iter().copied());
        Ok(console)
    }

    fn new_key(&self, name: &str) -> Result<()> {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(self.path(name));
        ensure!(keygen.status()?.success(), "ssh-keygen failed for {name}");
        Ok(())
    }
}

fn free_port(ip: &str) -> Result<u16> {
    Ok(TcpListener::bind((ip.parse::<IpAddr>()?, 0))?.local_addr()?.port())
}
