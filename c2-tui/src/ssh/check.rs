//! Whether workers can be reached over ssh without a question, and what to do where not.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use crate::ssh::group::{self, Group, RunFolder};
use crate::ssh::plan::{self, Host};

/// What a login gets beyond the time for connecting: keys are tried one after the other.
const GRACE: Duration = Duration::from_secs(15);

/// What a login met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reach {
    Reachable,
    /// None of our keys is accepted.
    AuthenticationRefused,
    /// It was never seen before.
    HostKeyUnknown,
    /// It has another key than before.
    HostKeyChanged,
    /// It does not answer.
    Timeout,
    /// Something else went wrong.
    Unreachable,
}

/// What a login to a worker met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Checked {
    pub(crate) ip: IpAddr,
    pub(crate) hostname: String,
    pub(crate) reach: Reach,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) hint: String,
}

impl Reach {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::AuthenticationRefused => "authentication refused",
            Self::HostKeyUnknown => "host key unknown",
            Self::HostKeyChanged => "host key changed",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
        }
    }

    /// What ssh's exit status and words mean.
    pub(crate) fn of(exit: Option<i32>, said: &str) -> Self {
        let says = |words: &str| said.contains(words);
        match exit {
            Some(0) => Self::Reachable,
            None => Self::Timeout,
            _ if says("IDENTIFICATION HAS CHANGED") => Self::HostKeyChanged,
            _ if says("host key is known for") || says("Host key verification failed") => Self::HostKeyUnknown,
            _ if says("Permission denied") || says("Too many authentication failures") => Self::AuthenticationRefused,
            _ if says("timed out") => Self::Timeout,
            _ => Self::Unreachable,
        }
    }
}

/// Logs in to all workers, so many at once. The answers are in the order of the workers.
pub(crate) async fn check(
    ssh: &Path,
    hosts: &[Host],
    folder: RunFolder,
    fanout: usize,
    timeout_s: u64,
) -> Vec<Checked> {
    let folder = Arc::new(folder);
    let within = Duration::from_secs(timeout_s) + GRACE;
    let mut waiting = hosts.iter().cloned().enumerate();
    let (mut going, mut checked) = (JoinSet::new(), Vec::new());
    loop {
        for (at, host) in waiting.by_ref().take(fanout.max(1).saturating_sub(going.len())) {
            let (ssh, folder) = (ssh.to_owned(), Arc::clone(&folder));
            going.spawn(async move { (at, one(&ssh, host, &folder, within).await) });
        }
        match going.join_next().await {
            Some(answer) => checked.push(answer.expect("a check does not panic")),
            None => break,
        }
    }
    checked.sort_by_key(|(at, _)| *at);
    checked.into_iter().map(|(_, checked)| checked).collect()
}

async fn one(ssh: &Path, host: Host, folder: &RunFolder, within: Duration) -> Checked {
    let mut command = group::command(ssh);
    command.args(plan::ssh_arguments(host.ip, "true")).current_dir(folder.path());
    let exit = match Group::start(&mut command) {
        Ok(mut login) => login.ended(within).await,
        Err(_) => Some(255),
    };
    let said = folder.said_about(host.ip);
    let reason = said.lines().next_back().unwrap_or_default().to_owned();
    Checked { ip: host.ip, hostname: host.hostname, reach: Reach::of(exit, &said), reason, hint: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_is_understood() {
        let table = [
            (Some(0), "", Reach::Reachable),
            (None, "", Reach::Timeout),
            (Some(255), "me@10.0.0.1: Permission denied (publickey).", Reach::AuthenticationRefused),
            (
                Some(255),
                "No ED25519 host key is known for 10.0.0.1 and ..\nHost key verification failed.",
                Reach::HostKeyUnknown,
            ),
            (
                Some(255),
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                Reach::HostKeyChanged,
            ),
            (Some(255), "ssh: connect to host 10.0.0.1 port 22: Connection timed out", Reach::Timeout),
            (Some(255), "ssh: connect to host 10.0.0.1 port 22: Connection refused", Reach::Unreachable),
        ];
        for (exit, said, expected) in table {
            assert_eq!(Reach::of(exit, said), expected, "{said}");
        }
    }
}
