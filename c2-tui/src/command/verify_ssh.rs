//! `verify-ssh`: whether workers can be reached over ssh, and what to do where not.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use crate::command::outcome::Verified;
use crate::command::pdsh::ReachFlags;
use crate::command::{CommandError, Context, Data, Outcome};
use crate::ssh::advice;
use crate::ssh::check::{self, Checked, Reach};
use crate::ssh::group::{self, RunFolder};
use crate::ssh::learn::{self, Learned};
use crate::ssh::plan::{Host, Shared};
use crate::ssh::settings::{self, SshConfig};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct VerifySsh {
    /// Machines: `@all`, a group like `@gpu`, addresses, names, ranges, `!` before those to leave out
    #[arg(value_name = "TARGET")]
    pub(crate) target: String,
    /// Show the fingerprints of host keys that are unknown; with --yes accept these keys
    #[arg(long)]
    pub(crate) learn: bool,
    /// Accept what --learn shows
    #[arg(long, requires = "learn")]
    pub(crate) yes: bool,
    /// How the workers are reached.
    #[command(flatten)]
    pub(crate) reach: ReachFlags,
}

impl VerifySsh {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let config = self.reach.config()?;
        let hosts = self.reach.hosts(context, &config, &self.target).await?;
        let flags = self.reach.written();
        let mut workers = checked(&config, &hosts, &flags).await?;
        let mut learned = Vec::new();
        let unknown: BTreeSet<IpAddr> =
            workers.iter().filter(|worker| worker.reach == Reach::HostKeyUnknown).map(|worker| worker.ip).collect();
        if self.learn && !unknown.is_empty() {
            learned = ask(&config, hosts.iter().filter(|host| unknown.contains(&host.ip))).await?;
            if self.yes {
                learn::accept(&known_hosts(&config)?, &mut learned)?;
                workers = checked(&config, &hosts, &flags).await?;
            }
        }
        let exit = i32::from(workers.iter().any(|worker| worker.reach != Reach::Reachable));
        Ok(Outcome { data: Data::Verified(Verified { workers, learned }), exit })
    }
}

async fn checked(config: &SshConfig, hosts: &[Host], flags: &str) -> Result<Vec<Checked>, CommandError> {
    let ssh =
        group::find("ssh").ok_or_else(|| CommandError::refused("there is no ssh here", "install OpenSSH's client"))?;
    let shared = Shared::new(config, settings::home().as_deref());
    let folder = RunFolder::new(hosts, &shared)?;
    let mut checked = check::check(&ssh, hosts, folder, config.fanout, config.connect_timeout_s).await;
    // The usual file need not be named.
    let known = shared.known_hosts.clone();
    let named = Shared { known_hosts: config.known_hosts.clone(), ..shared };
    for (checked, host) in checked.iter_mut().zip(hosts) {
        checked.reach = learn::told_apart(checked.reach, host, known.as_deref()).await;
        checked.hint = advice::advice(checked.reach, host, &named, flags, &checked.reason);
    }
    Ok(checked)
}

async fn ask(config: &SshConfig, hosts: impl Iterator<Item = &Host>) -> Result<Vec<Learned>, CommandError> {
    let folder = RunFolder::new(&[], &Shared::new(config, settings::home().as_deref()))?;
    let mut learned = Vec::new();
    for host in hosts {
        learned.push(learn::ask(&folder, host.ip, host.login.port).await?);
    }
    Ok(learned)
}

fn known_hosts(config: &SshConfig) -> Result<PathBuf, CommandError> {
    let shared = Shared::new(config, settings::home().as_deref());
    shared.known_hosts.ok_or_else(|| {
        CommandError::refused(
            "there is no file for host keys",
            "set HOME, or ssh.known_hosts in the console's config.json",
        )
    })
}
