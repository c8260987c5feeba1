//! `add-worker`: makes machines workers over ssh, several at once, with a verdict for each.
//!
//! A machine counts as added when c2d has heard its agent. The keys of ssh are the operator's, so this is
//! done here and not by c2d.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use c2_shared::api::tokens::InviteRequest;
use c2_shared::id::WorkerId;
use c2_shared::pass::Pass;
use c2_shared::server_address::ServerAddress;
use c2_shared::worker::WorkerStatus;
use clap::Args;
use tokio::task::JoinSet;

use crate::command::outcome::Added;
use crate::command::pdsh::ReachFlags;
use crate::command::{CommandError, Context, Data, Outcome, copy};
use crate::exit;
use crate::local::program;
use crate::ssh::advice;
use crate::ssh::enrol::{self, Enrolled, Failure, Program};
use crate::ssh::group::RunFolder;
use crate::ssh::learn;
use crate::ssh::plan::{Host, Shared};
use crate::ssh::settings::{self, SshConfig};

/// How long an invitation is good: for one run of this command.
const INVITED_S: u64 = 600;
/// Longest time until c2d hears a new agent.
const HEARD_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks whether it was heard.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(crate) const ABOUT: &str = "Each machine gets c2-agent in /usr/local/bin, a service, and the user c2-jobs for its \
                                jobs. It needs systemd, and root or sudo without a password. What fails is undone \
                                there, and the others are not held up.";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct AddWorker {
    /// Machines that are to become workers, as USER@HOST or HOST
    #[arg(value_name = "USER@HOST", required = true)]
    pub(crate) machines: Vec<String>,
    /// A group for them
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// The c2-agent for these machines [default: the one beside this console]
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    /// How the machines are reached.
    #[command(flatten)]
    pub(crate) reach: ReachFlags,
}

impl AddWorker {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let program = Arc::new(self.program()?);
        let config = self.reach.config()?;
        let hosts = self.hosts(context, &config).await?;
        let ssh = copy::ssh()?;
        let folder = Arc::new(RunFolder::new(&hosts, &Shared::new(&config, settings::home().as_deref()))?);
        let mut waiting = Vec::new();
        for host in &hosts {
            waiting.push((host.clone(), invitation(context).await?));
        }
        waiting.reverse();
        let (mut going, mut rows) = (JoinSet::new(), Vec::new());
        loop {
            while going.len() < config.fanout.max(1)
                && let Some((host, line)) = waiting.pop()
            {
                let (ssh, folder, program) = (ssh.clone(), Arc::clone(&folder), Arc::clone(&program));
                going.spawn(async move { (enrol::enrol(&ssh, &host, &folder, &program, &line).await, host) });
            }
            let Some(done) = going.join_next().await else { break };
            let (enrolled, host) = done.expect("enrolling does not panic");
            let enrolled = enrolled.unwrap_or_else(|error| Enrolled {
                worker: None,
                failure: Some(Failure::Unclear(format!("cannot run ssh: {error}"))),
            });
            rows.push(self.verdict(context, &config, &host, enrolled).await);
        }
        let place = |ip: IpAddr| hosts.iter().position(|host| host.ip == ip);
        rows.sort_by_key(|row| place(row.ip));
        let exit = if rows.iter().all(|row| row.added) { exit::OK } else { exit::FAILED };
        Ok(Outcome { data: Data::Added(rows), exit })
    }

    fn program(&self) -> Result<Program, CommandError> {
        let path = self.program.clone().unwrap_or_else(|| program::path_of("c2-agent"));
        let named = "name it: add-worker .. --program=FILE";
        let cannot = |why: String| CommandError::refused(format!("cannot use {}: {why}", path.display()), named);
        let found = Program::look(&path).map_err(|error| cannot(error.to_string()))?;
        let mut found = found.ok_or_else(|| cannot("it is not a program for Linux on x86_64 or aarch64".to_owned()))?;
        // ssh runs in another folder than the console.
        found.path = std::path::absolute(&found.path).map_err(|error| cannot(error.to_string()))?;
        Ok(found)
    }

    /// The machines, each once, with the user that is named for it.
    async fn hosts(&self, context: &Context, config: &SshConfig) -> Result<Vec<Host>, CommandError> {
        let mut hosts: Vec<Host> = Vec::new();
        for machine in &self.machines {
            let (user, target) = machine.rsplit_once('@').map_or((None, machine.as_str()), |(user, host)| {
                // `@gpu` is a group.
                if user.is_empty() { (None, machine.as_str()) } else { (Some(user.to_owned()), host) }
            });
            for mut host in self.reach.hosts(context, config, target).await? {
                host.login.user = user.clone().or(host.login.user);
                if hosts.iter().any(|other| other.ip == host.ip) {
                    return Err(CommandError::usage(format!("{} is named twice", host.ip), "name each machine once"));
                }
                hosts.push(host);
            }
        }
        Ok(hosts)
    }

    async fn verdict(&self, context: &Context, config: &SshConfig, host: &Host, enrolled: Enrolled) -> Added {
        let row = |reason: String, hint: String| Added {
            ip: host.ip,
            hostname: host.hostname.clone(),
            added: false,
            worker_id: None,
            reason,
            hint,
        };
        let failed = match enrolled.failure {
            None => None,
            Some(Failure::There { reason, hint }) => Some(row(reason, hint.to_owned())),
            Some(Failure::Unclear(reason)) => {
                Some(row(reason, "see there whether /usr/local/bin/c2-agent was left, and remove it".to_owned()))
            }
            Some(Failure::Reach(reach, reason)) => {
                let known = Shared::new(config, settings::home().as_deref()).known_hosts;
                let reach = learn::told_apart(reach, host, known.as_deref()).await;
                let shared = Shared { known_hosts: config.known_hosts.clone(), ..Shared::new(config, None) };
                let hint = advice::advice(reach, host, &shared, &self.reach.written(), &reason);
                Some(row(reach.words().to_owned(), hint))
            }
        };
        match (failed, enrolled.worker) {
            (Some(row), Some(worker)) => {
                revoke(context, &worker).await;
                row
            }
            (Some(row), None) => row,
            (None, None) => row("it does not say which worker it is".to_owned(), "see `list`".to_owned()),
            (None, Some(worker)) => match self.greet(context, &worker).await {
                Ok(()) => Added { added: true, worker_id: Some(worker), ..row(String::new(), String::new()) },
                Err((reason, hint)) => Added { worker_id: Some(worker), ..row(reason, hint) },
            },
        }
    }

    /// Waits until c2d has heard a new worker, and puts it into its group.
    async fn greet(&self, context: &Context, worker: &WorkerId) -> Result<(), (String, String)> {
        let hearing = async {
            loop {
                let rows = context.client.workers().await.map(|list| list.workers).unwrap_or_default();
                if rows.iter().any(|row| row.worker_id == *worker && row.status == WorkerStatus::Online) {
                    return;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if tokio::time::timeout(HEARD_WITHIN, hearing).await.is_err() {
            let reason = format!("installed and started, but not heard in {} s", HEARD_WITHIN.as_secs());
            return Err((reason, "see there: journalctl -u c2-agent@c2-jobs".to_owned()));
        }
        let Some(group) = &self.group else { return Ok(()) };
        let assigned = context.client.assign(worker.as_str(), BTreeSet::from([group.clone()])).await;
        assigned.map(drop).map_err(|error| (format!("added, but in no group: {error}"), "see `assign`".to_owned()))
    }
}

/// An invitation for one worker, with an address of c2d that other machines can use.
async fn invitation(context: &Context) -> Result<String, CommandError> {
    let request = InviteRequest { expires_s: INVITED_S, ..InviteRequest::default() };
    let line = context.client.invite(&request).await?.line;
    let cannot = |server: String| {
        let hint = "give c2d this network's address as \"host\" in config.json or with --host";
        CommandError::refused(format!("c2d listens on {server}, which other machines cannot reach"), hint)
    };
    let mut pass: Pass = line.parse().map_err(|_| cannot("an unknown address".to_owned()))?;
    let is_outward = |server: &ServerAddress| {
        !server.is_loopback() && !server.host.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified())
    };
    // A c2d on all addresses is where this console found it.
    let ours = context.client.server().parse::<ServerAddress>().ok();
    let server = [pass.server.clone(), ours].into_iter().flatten().find(is_outward);
    let Some(server) = server else { return Err(cannot(context.client.server().to_owned())) };
    pass.server = Some(server);
    Ok(pass.expose())
}

/// Takes the token of a worker away that did not come about.
async fn revoke(context: &Context, worker: &WorkerId) {
    let tokens = context.client.tokens().await.map(|list| list.tokens).unwrap_or_default();
    for token in tokens.iter().filter(|token| token.worker_id.as_ref() == Some(worker)) {
        if let Err(error) = context.client.revoke(&token.id).await {
            context.progress(&format!("token {} of {worker} stays: {error}", token.id));
        }
    }
}
