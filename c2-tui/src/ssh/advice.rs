//! What to do about a machine that cannot be reached, as lines that can be typed: with the user, the
//! port, the key and the file that were in use.

use std::net::IpAddr;

use crate::ssh::check::Reach;
use crate::ssh::plan::{Host, Shared};

/// What to do about what a login met. `flags` are those with which it was asked for.
pub(crate) fn advice(reach: Reach, host: &Host, shared: &Shared, flags: &str, reason: &str) -> String {
    match reach {
        Reach::Reachable => String::new(),
        Reach::AuthenticationRefused => {
            let key = shared.identity_file.as_ref().map(|path| format!("-i {} ", shell(&path.display().to_string())));
            let port = host.login.port.filter(|port| *port != 22).map(|port| format!("-p {port} "));
            let user = host.login.user.as_ref().map(|user| format!("{user}@"));
            let [key, port, user] = [key, port, user].map(Option::unwrap_or_default);
            let other = if user.is_empty() { "; or name the user: --user" } else { "" };
            format!("put your key there: ssh-copy-id {key}{port}{user}{}{other}", host.ip)
        }
        Reach::HostKeyUnknown => unknown_key(&[host.ip], flags),
        Reach::HostKeyChanged => {
            let name = match host.login.port.filter(|port| *port != 22) {
                Some(port) => shell(&format!("[{}]:{port}", host.ip)),
                None => host.ip.to_string(),
            };
            let file = shared.known_hosts.as_ref().map(|path| format!(" -f {}", shell(&path.display().to_string())));
            let file = file.unwrap_or_default();
            format!("if you changed it: ssh-keygen -R {name}{file}; otherwise someone is in between")
        }
        Reach::Timeout => "check that it is on, and its firewall".to_owned(),
        Reach::Unreachable => format!("check that sshd runs there: {reason}"),
    }
}

/// How host keys that nobody has seen are looked at and accepted.
pub(crate) fn unknown_key(ips: &[IpAddr], flags: &str) -> String {
    let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
    format!("see its key: verify-ssh {} {flags}--learn; accept it with --yes", ips.join(","))
}

/// A word for a shell.
fn shell(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::settings::Login;

    #[test]
    fn lines_repeat_what_was_in_use() {
        let host = |user: Option<&str>, port| Host {
            ip: IpAddr::from([10, 0, 0, 12]),
            hostname: String::new(),
            login: Login { user: user.map(str::to_owned), port },
        };
        let shared = |key: Option<&str>, known: Option<&str>| Shared {
            identity_file: key.map(Into::into),
            known_hosts: known.map(Into::into),
            connect_timeout_s: 5,
            own_config: None,
        };
        let table = [
            (
                Reach::HostKeyChanged,
                host(None, Some(2222)),
                shared(None, Some("/tmp/kh")),
                "",
                "if you changed it: ssh-keygen -R '[10.0.0.12]:2222' -f /tmp/kh; otherwise someone is in between",
            ),
            (
                Reach::HostKeyChanged,
                host(None, None),
                shared(None, None),
                "",
                "if you changed it: ssh-keygen -R 10.0.0.12; otherwise someone is in between",
            ),
            (
                Reach::AuthenticationRefused,
                host(Some("me"), Some(2222)),
                shared(Some("/k/a b"), None),
                "",
                "put your key there: ssh-copy-id -i '/k/a b' -p 2222 me@10.0.0.12",
            ),
            (
                Reach::AuthenticationRefused,
                host(None, Some(22)),
                shared(None, None),
                "",
                "put your key there: ssh-copy-id 10.0.0.12; or name the user: --user",
            ),
            (
                Reach::HostKeyUnknown,
                host(None, None),
                shared(None, None),
                "--user me --port 2222 ",
                "see its key: verify-ssh 10.0.0.12 --user me --port 2222 --learn; accept it with --yes",
            ),
        ];
        for (reach, host, shared, flags, expected) in table {
            assert_eq!(advice(reach, &host, &shared, flags, ""), expected);
        }
    }
}
