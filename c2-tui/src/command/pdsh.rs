//! `pdsh`: a command on workers over ssh, at once and beside the queue.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use c2_shared::config::state_home;
use clap::Args;

use crate::command::context::Told;
use crate::command::machines::{self, Machine};
use crate::command::outcome::{Ran, Unshown};
use crate::command::{CommandError, Context, Data, Outcome};
use crate::exit;
use crate::ssh::advice;
use crate::ssh::check::Reach;
use crate::ssh::group::RunFolder;
use crate::ssh::learn;
use crate::ssh::plan::{Host, Shared};
use crate::ssh::run::{Errand, HostRun, Order, Verdict};
use crate::ssh::settings::{self, SshConfig};
use crate::ssh::{install, run};

/// The part of a target that means the workers on which the last run failed.
const FAILED: &str = "@failed";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Pdsh {
    /// Machines: `@all`, a group like `@gpu`, addresses, names, ranges like `10.0.0.[11-13]` and
    /// `node[1,3-5]`, `!` before those to leave out, `@failed` for those where the last run failed
    #[arg(value_name = "TARGET")]
    pub(crate) target: String,
    /// Shell text: all that follows its first word belongs to it, flags too
    #[arg(value_name = "COMMAND", required = true, num_args = 1.., trailing_var_arg = true)]
    pub(crate) command: Vec<String>,
    /// Equal outputs together, and how each other one differs
    #[arg(long)]
    pub(crate) fold: bool,
    /// Seconds for which it may run on a worker
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: Option<u64>,
    /// Install pdsh if it is missing
    #[arg(long)]
    pub(crate) yes: bool,
    /// How the workers are reached.
    #[command(flatten)]
    pub(crate) reach: ReachFlags,
}

/// Flags that go before the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct ReachFlags {
    /// Workers at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) fanout: Option<u16>,
    /// Seconds until a worker must have answered
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) connect_timeout: Option<u64>,
    /// User on the workers
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Port of the workers' sshd
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
}

impl Pdsh {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let command = self.command.join(" ");
        if command.trim().is_empty() {
            return Err(CommandError::usage("the command is empty", "write it behind the target: pdsh @all uptime"));
        }
        let config = self.reach.config()?;
        let hosts = self.reach.hosts(context, &config, &self.target).await?;
        let pdsh = install::pdsh(context, self.yes).await?;
        let order = self.reach.order(&config, Errand::Command { pdsh, command }, self.timeout);
        // A screen shows lines as they come, and can fold them afterwards.
        let live = !self.fold || context.interactive;
        let (runs, exit) = self.reach.carry_out(context, order, &hosts, &config, live).await?;
        let unshown = if live { Unshown::Nothing } else { Unshown::Folded };
        Ok(Outcome { exit, data: Data::Ran(Ran { runs, unshown }) })
    }
}

/// What to do about machines that could not be reached; the most frequent reason first.
fn hint(runs: &[HostRun], hosts: &[Host], config: &SshConfig, flags: &str) -> Option<String> {
    let reach = |run: &HostRun| match &run.verdict {
        Verdict::Unreachable { reach, .. } => Some(*reach),
        Verdict::Exited { .. } | Verdict::TimedOut | Verdict::Interrupted => None,
    };
    let unknown: Vec<IpAddr> =
        runs.iter().filter(|run| reach(run) == Some(Reach::HostKeyUnknown)).map(|run| run.ip).collect();
    if !unknown.is_empty() {
        return Some(advice::unknown_key(&unknown, flags));
    }
    let first = |wanted| runs.iter().find(|run| reach(run) == Some(wanted)).map(|run| (wanted, run.ip));
    let (reach, ip) = first(Reach::HostKeyChanged).or_else(|| first(Reach::AuthenticationRefused))?;
    let host = hosts.iter().find(|host| host.ip == ip)?;
    let shared = Shared { known_hosts: config.known_hosts.clone(), ..Shared::new(config, None) };
    Some(advice::advice(reach, host, &shared, flags, ""))
}

/// The worst exit status; an interrupt comes before all.
fn status(runs: &[HostRun]) -> i32 {
    if runs.iter().any(|run| run.verdict == Verdict::Interrupted) {
        return exit::INTERRUPTED;
    }
    runs.iter().map(|run| run.verdict.status()).max().unwrap_or(exit::OK)
}

impl ReachFlags {
    /// The console's configuration with these flags before it.
    pub(crate) fn config(&self) -> Result<SshConfig, CommandError> {
        let mut config = settings::load()?.config.ssh;
        config.fanout = self.fanout.map_or(config.fanout, usize::from);
        config.connect_timeout_s = self.connect_timeout.unwrap_or(config.connect_timeout_s);
        Ok(config)
    }

    pub(crate) fn order(&self, config: &SshConfig, errand: Errand, timeout_s: Option<u64>) -> Order {
        let command_timeout_s = timeout_s.or(config.command_timeout_s);
        Order { errand, fanout: config.fanout, connect_timeout_s: config.connect_timeout_s, command_timeout_s }
    }

    /// Does something on machines, tells what comes of it, and remembers where it failed; gives the exit
    /// status, too. Lines are told as they come if it is `live`.
    pub(crate) async fn carry_out(
        &self,
        context: &Context,
        order: Order,
        hosts: &[Host],
        config: &SshConfig,
        live: bool,
    ) -> Result<(Vec<HostRun>, i32), CommandError> {
        let shared = Shared::new(config, settings::home().as_deref());
        let folder = RunFolder::new(hosts, &shared)?;
        let heard = |heard: run::Heard<'_>| {
            if live || !matches!(heard, run::Heard::Line { .. }) {
                context.tell(Told::Heard(&heard));
            }
        };
        let mut runs = run::run(order, hosts, folder, heard, context.interrupted()).await;
        for (run, host) in runs.iter_mut().zip(hosts) {
            if let Verdict::Unreachable { reach, .. } = &mut run.verdict {
                *reach = learn::told_apart(*reach, host, shared.known_hosts.as_deref()).await;
            }
        }
        if let Some(hint) = hint(&runs, hosts, config, &self.written()) {
            context.progress(&format!("hint: {hint}"));
        }
        if let Err(error) = remember(&runs) {
            context.progress(&format!("{FAILED} will not know of this run: {error}"));
        }
        let status = status(&runs);
        Ok((runs, status))
    }

    /// The flags that say how machines are reached, to be written again in another line.
    pub(crate) fn written(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("--user {user} "));
        let port = self.port.map(|port| format!("--port {port} "));
        [user, port].into_iter().flatten().collect()
    }

    /// The machines that a target means, and how each is reached.
    pub(crate) async fn hosts(
        &self,
        context: &Context,
        config: &SshConfig,
        target: &str,
    ) -> Result<Vec<Host>, CommandError> {
        let none = BTreeSet::new();
        let host = |machine: Machine| {
            let mut login = config.login(machine.ip, &machine.hostname, machine.groups.as_ref().unwrap_or(&none));
            login.user = self.user.clone().or(login.user);
            login.port = self.port.or(login.port);
            Host { ip: machine.ip, hostname: machine.hostname, login }
        };
        let machines = machines::find(context, &with_failed(target)?).await?;
        let hosts: Vec<Host> = machines.into_iter().map(host).collect();
        if hosts.is_empty() {
            return Err(CommandError::refused(format!("{target:?} means no worker"), "`list` shows all workers"));
        }
        Ok(hosts)
    }
}

/// The target with the addresses of the last run's failures in the place of `@failed`.
fn with_failed(target: &str) -> Result<String, CommandError> {
    if !target.split(',').any(|part| part.trim().trim_start_matches('!') == FAILED) {
        return Ok(target.to_owned());
    }
    let failed: Vec<IpAddr> =
        std::fs::read(failed_file()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    if failed.is_empty() {
        return Err(CommandError::refused(
            "the last run over ssh had no failures",
            "name the workers: pdsh @all uptime",
        ));
    }
    Ok(replaced(target, &failed))
}

fn replaced(target: &str, failed: &[IpAddr]) -> String {
    let parts = target.split(',').map(str::trim).flat_map(|part| match part.strip_prefix('!') {
        Some(FAILED) => failed.iter().map(|ip| format!("!{ip}")).collect(),
        None if part == FAILED => failed.iter().map(ToString::to_string).collect(),
        _ => vec![part.to_owned()],
    });
    parts.collect::<Vec<_>>().join(",")
}

/// Writes down where a run failed, for `@failed`.
fn remember(runs: &[HostRun]) -> std::io::Result<()> {
    let failed: Vec<IpAddr> = runs.iter().filter(|run| !run.verdict.is_success()).map(|run| run.ip).collect();
    let file = failed_file();
    if let Some(folder) = file.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let text = serde_json::to_vec(&failed).expect("addresses are JSON");
    // Beside it first, so that another console never reads half of it.
    let new = file.with_extension(format!("{}.new", std::process::id()));
    let mut open = std::fs::OpenOptions::new();
    open.write(true).create(true).truncate(true).mode(0o600).open(&new)?.write_all(&text)?;
    std::fs::rename(new, file)
}

fn failed_file() -> PathBuf {
    state_home().join("c2-tui/pdsh-failed.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Verb};

    #[test]
    fn all_behind_the_first_word_belongs_to_the_command() {
        let table = [
            ("pdsh @gpu nvidia-smi", "nvidia-smi", false),
            ("pdsh 10.0.0.15 hostname", "hostname", false),
            ("pdsh @all df -h", "df -h", false),
            ("pdsh @all ls --help", "ls --help", false),
            ("pdsh @all -- ls -l", "ls -l", false),
            ("pdsh @all --fold -- -x", "-x", true),
            ("pdsh @all ls /tmp --fold", "ls /tmp --fold", false),
            ("pdsh W echo apt-get install --yes curl", "echo apt-get install --yes curl", false),
            ("pdsh W git log -- --fold", "git log -- --fold", false),
            ("pdsh --fold @all \"ls -l /tmp\"", "ls -l /tmp", true),
            ("pdsh @all --fold uptime -p", "uptime -p", true),
            ("pdsh @all \"sudo apt update && sudo apt upgrade -y\"", "sudo apt update && sudo apt upgrade -y", false),
            // These are no flags of pdsh, or it was said that they are not.
            ("pdsh @all \"ls\" --all --fold", "ls --all --fold", false),
            ("pdsh @all 'apt-get' install --yes", "apt-get install --yes", false),
            ("pdsh @all -- 'ls -l' --fold", "ls -l --fold", false),
        ];
        for (line, command, fold) in table {
            let Ok(Verb::Command(Command::Pdsh(pdsh))) = crate::command::parse(line) else {
                unreachable!("{line} is not understood");
            };
            assert_eq!((pdsh.command.join(" ").as_str(), pdsh.fold), (command, fold), "{line}");
        }
        assert!(crate::command::parse("verify-ssh @all").is_ok());
        assert!(crate::command::parse("verify-ssh @all --yes").is_err(), "nothing was shown yet");
    }

    #[test]
    fn flags_behind_a_quoted_command_are_refused() {
        let table = [
            (
                "pdsh @failed \"systemctl restart ssh\" --fold",
                "--fold",
                "pdsh @failed --fold \"systemctl restart ssh\"",
            ),
            ("pdsh @all 'uptime' --timeout 5", "--timeout 5", "pdsh @all --timeout 5 'uptime'"),
            ("pdsh --fold @all 'ls -l' --user=me --yes", "--user=me --yes", "pdsh --fold @all --user=me --yes 'ls -l'"),
        ];
        for (line, flags, better) in table {
            let error = crate::command::parse(line).map(|command| format!("{command:?}")).unwrap_err();
            assert_eq!(error.message, format!("{flags:?} stands behind the command and would belong to it"));
            assert_eq!(error.hint, Some(format!("write flags of pdsh before the command: {better}")));
            assert!(crate::command::parse(better).is_ok(), "{better}");
        }
        let error = crate::command::parse("pdsh @all --fodl uptime").map(|c| format!("{c:?}")).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("did you mean \"--fold\"?"));
    }

    #[test]
    fn failed_stands_for_addresses() {
        let failed = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let table = [
            ("@failed", "10.0.0.1,10.0.0.2"),
            ("@failed, !atlas", "10.0.0.1,10.0.0.2,!atlas"),
            ("@all,!@failed", "@all,!10.0.0.1,!10.0.0.2"),
            ("@failed2", "@failed2"),
        ];
        for (target, expected) in table {
            assert_eq!(replaced(target, &failed), expected);
        }
    }
}
