//! How pdsh and ssh are called: arguments, environment and a private ssh configuration. Pure.
//!
//! Targets are printed from parsed addresses alone: in a text, `exec:x` would run on this machine
//! and `ssh:-oProxyCommand=x` would be an option of ssh. What comes from the configuration goes
//! into the file of one run, checked and quoted, and never onto a command line.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::ssh::settings::{Login, SshConfig};

/// The private ssh configuration, in the folder of the run.
pub(crate) const CONFIG_FILE: &str = "config";
/// Where programs are looked for; never where the environment says.
pub(crate) const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin";
/// All that the programs see of this environment.
pub(crate) const PASSED_ON: [&str; 5] = ["HOME", "USER", "LOGNAME", "LANG", "SSH_AUTH_SOCK"];

/// A worker and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) ip: IpAddr,
    /// Its host name, for showing only.
    pub(crate) hostname: String,
    /// Who logs in where.
    pub(crate) login: Login,
}

/// What the private configuration says for all workers.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) identity_file: Option<PathBuf>,
    pub(crate) known_hosts: Option<PathBuf>,
    /// Seconds until a worker must have answered.
    pub(crate) connect_timeout_s: u64,
    /// The operator's own configuration, for what is not said here.
    pub(crate) own_config: Option<PathBuf>,
}

/// A value of the configuration that ssh must not see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} {value:?} cannot be used for ssh")]
pub(crate) struct BadValue {
    pub(crate) key: &'static str,
    pub(crate) value: String,
}

impl Shared {
    /// What the console's configuration and the home folder say.
    pub(crate) fn new(config: &SshConfig, home: Option<&Path>) -> Self {
        let known = config.known_hosts.clone().or_else(|| Some(home?.join(".ssh/known_hosts")));
        Self {
            identity_file: config.identity_file.clone(),
            known_hosts: known,
            connect_timeout_s: config.connect_timeout_s,
            own_config: home.map(|home| home.join(".ssh/config")),
        }
    }
}

/// The text of the private configuration. For ssh the first word about anything counts, so the
/// operator's own configuration comes last and cannot allow a prompt or a forwarding.
pub(crate) fn ssh_config(hosts: &[Host], shared: &Shared) -> Result<String, BadValue> {
    let mut text = String::new();
    for host in hosts {
        let _ = writeln!(text, "Host {}", host.ip);
        if let Some(user) = &host.login.user {
            let _ = writeln!(text, "  User {}", checked_user(user)?);
        }
        if let Some(port) = host.login.port {
            let _ = writeln!(text, "  Port {port}");
        }
    }
    text.push_str("Match all\n");
    for line in [
        "BatchMode yes",
        "StrictHostKeyChecking yes",
        "UpdateHostKeys no",
        "ForwardAgent no",
        "ForwardX11 no",
        "ClearAllForwardings yes",
        "PermitLocalCommand no",
        "RequestTTY no",
        "ControlMaster no",
        "ControlPath none",
        "LogLevel ERROR",
        "ServerAliveInterval 15",
        "ServerAliveCountMax 3",
    ] {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "  ConnectTimeout {}", shared.connect_timeout_s.max(1));
    if let Some(path) = &shared.identity_file {
        let _ = writeln!(text, "  IdentityFile {}\n  IdentitiesOnly yes", quoted("identity_file", path)?);
    }
    if let Some(path) = &shared.known_hosts {
        let _ = writeln!(text, "  UserKnownHostsFile {}", quoted("known_hosts", path)?);
    }
    if let Some(path) = &shared.own_config {
        let _ = writeln!(text, "  Include {}", quoted("HOME", path)?);
    }
    text.push_str("  Include /etc/ssh/ssh_config\n");
    Ok(text)
}

/// The arguments of pdsh for one worker: exactly this worker, over ssh, with its exit status.
pub(crate) fn pdsh_arguments(ip: IpAddr, command: &str, command_timeout_s: Option<u64>) -> Vec<String> {
    let mut arguments: Vec<String> = ["-R", "ssh", "-S", "-b", "-N"].map(str::to_owned).into();
    if let Some(seconds) = command_timeout_s {
        arguments.extend(["-u".to_owned(), seconds.max(1).to_string()]);
    }
    // pdsh replaces %h, %u and %n in the command.
    arguments.extend(["-w".to_owned(), ip.to_string(), "--".to_owned(), command.replace('%', "%%")]);
    arguments
}

/// What pdsh hands to ssh, with the folder of the run as the working folder, because pdsh splits
/// this at blanks. What ssh itself has to say goes into a file, apart from what the command says. The
/// command has nothing to read: pdsh holds its end of the pipe open, and would have it wait for ever.
pub(crate) fn pdsh_ssh_args() -> String {
    format!("-F{CONFIG_FILE} -E%h.log -a -x -n %h")
}

/// The arguments of an ssh that is called without pdsh.
pub(crate) fn ssh_arguments(ip: IpAddr, command: &str) -> Vec<String> {
    [&format!("-F{CONFIG_FILE}"), &format!("-E{}", log_file(ip)), "-a", "-x", "--", &ip.to_string(), command]
        .map(str::to_owned)
        .into()
}

/// Where ssh says what went wrong, in the folder of the run.
pub(crate) fn log_file(ip: IpAddr) -> String {
    format!("{ip}.log")
}

fn checked_user(user: &str) -> Result<&str, BadValue> {
    let mut chars = user.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let rest = chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if first && rest && user.len() <= 32 { Ok(user) } else { Err(BadValue { key: "user", value: user.to_owned() }) }
}

/// A path as ssh's configuration takes it: whole, and with nothing in it that ssh would expand.
fn quoted(key: &'static str, path: &Path) -> Result<String, BadValue> {
    let bad = || BadValue { key, value: path.display().to_string() };
    let text = path.to_str().ok_or_else(bad)?;
    let special = |c: char| c.is_control() || matches!(c, '"' | '\\' | '$' | '*' | '?' | '[');
    if !path.is_absolute() || text.contains(special) {
        return Err(bad());
    }
    Ok(format!("\"{}\"", text.replace('%', "%%")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        Shared { identity_file: None, known_hosts: None, connect_timeout_s: 5, own_config: None }
    }

    #[test]
    fn pdsh_gets_an_address_and_a_command_that_it_cannot_mistake() {
        let table = [
            ("10.0.0.15", "hostname", None, "-R ssh -S -b -N -w 10.0.0.15 -- hostname"),
            ("fd00::1", "date +%h", Some(9), "-R ssh -S -b -N -u 9 -w fd00::1 -- date +%%h"),
            ("10.0.0.15", "-w evil", None, "-R ssh -S -b -N -w 10.0.0.15 -- -w evil"),
            ("10.0.0.15", "%%", Some(0), "-R ssh -S -b -N -u 1 -w 10.0.0.15 -- %%%%"),
        ];
        for (ip, command, limit, expected) in table {
            assert_eq!(pdsh_arguments(ip.parse().unwrap(), command, limit).join(" "), expected);
        }
        assert!(!pdsh_ssh_args().contains("  "));
    }

    #[test]
    fn each_worker_has_its_login_and_all_the_same_restrictions() {
        let login = Login { user: Some("cuda".to_owned()), port: Some(2022) };
        let host =
            |last, login| Host { ip: IpAddr::from([10, 0, 0, last]), hostname: "x\nProxyCommand y".into(), login };
        let text = ssh_config(&[host(1, login), host(2, Login::default())], &shared()).unwrap();
        assert!(
            text.starts_with("Host 10.0.0.1\n  User cuda\n  Port 2022\nHost 10.0.0.2\nMatch all\n  BatchMode yes\n")
        );
        assert!(!text.contains("ProxyCommand"), "a worker's name is never used: {text}");
    }

    #[test]
    fn values_that_ssh_would_take_for_more_are_refused() {
        for user in ["", "-oProxyCommand=x", "a b", "a\nProxyCommand x", "a@b", &"a".repeat(33)] {
            let login = Login { user: Some(user.to_owned()), port: None };
            let host = Host { ip: IpAddr::from([10, 0, 0, 1]), hostname: String::new(), login };
            assert!(ssh_config(&[host], &shared()).is_err(), "{user:?}");
        }
        for path in ["relative", "/a\"b", "/a\nb", "/a/*"] {
            let shared = Shared { known_hosts: Some(path.into()), ..shared() };
            assert!(ssh_config(&[], &shared).is_err(), "{path:?}");
        }
        let text = ssh_config(&[], &Shared { known_hosts: Some("/a b/%h".into()), ..shared() }).unwrap();
        assert!(text.contains("UserKnownHostsFile \"/a b/%%h\""), "{text}");
    }
}
