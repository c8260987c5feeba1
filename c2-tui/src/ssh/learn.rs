//! New host keys: asked for, shown by their fingerprints, and written down after a yes.

use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use tokio::io::AsyncReadExt as _;

use crate::command::CommandError;
use crate::ssh::check::Reach;
use crate::ssh::group::{self, Group, RunFolder};
use crate::ssh::plan::Host;

/// Bytes of keys that are taken from one worker.
const BYTES_MAX: u64 = 64 * 1024;
/// Longest time for a worker's answer.
const WITHIN: Duration = Duration::from_secs(15);

/// The keys that a worker showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Learned {
    pub(crate) ip: IpAddr,
    /// Fingerprints, as `ssh-keygen -l` writes them.
    pub(crate) fingerprints: Vec<String>,
    /// Whether they are known from now on.
    pub(crate) accepted: bool,
    /// Lines for the file of known hosts.
    #[serde(skip)]
    lines: String,
}

/// What a login met, once it is clear whether the machine has keys that are known. One that shows none of them any
/// more has another key than before, though ssh says of its new kind of key only that it is unknown.
pub(crate) async fn told_apart(reach: Reach, host: &Host, known_hosts: Option<&Path>) -> Reach {
    let (Reach::HostKeyUnknown, Some(file)) = (reach, known_hosts) else { return reach };
    let name = file_name(host.ip, host.login.port);
    let found = output("ssh-keygen", &["-F", &name, "-f", &file.to_string_lossy()], Path::new("/")).await;
    if found.is_ok_and(|lines| !lines.trim().is_empty()) { Reach::HostKeyChanged } else { reach }
}

/// How a machine stands in a file of known hosts.
fn file_name(ip: IpAddr, port: Option<u16>) -> String {
    port.filter(|port| *port != 22).map_or_else(|| ip.to_string(), |port| format!("[{ip}]:{port}"))
}

/// Asks a worker for its keys.
pub(crate) async fn ask(folder: &RunFolder, ip: IpAddr, port: Option<u16>) -> Result<Learned, CommandError> {
    // A worker's answer must not name another worker, nor say anything else.
    let name = file_name(ip, port);
    let port = port.unwrap_or(22).to_string();
    let scanned = output("ssh-keyscan", &["-T", "5", "-p", &port, &ip.to_string()], folder.path()).await?;
    let own = |line: &&str| line.split(' ').next() == Some(name.as_str());
    let lines: String = scanned.lines().filter(own).map(|line| format!("{line}\n")).collect();
    let file = folder.path().join(format!("{ip}.keys"));
    std::fs::write(&file, &lines).map_err(|e| cannot("keep keys", &e))?;
    let fingerprints = match lines.is_empty() {
        true => Vec::new(),
        false => output("ssh-keygen", &["-l", "-f", &format!("{ip}.keys")], folder.path())
            .await?
            .lines()
            .map(str::to_owned)
            .collect(),
    };
    Ok(Learned { ip, fingerprints, accepted: false, lines })
}

/// Writes keys down. A file that is new can be written by its owner alone.
pub(crate) fn accept(known_hosts: &Path, learned: &mut [Learned]) -> Result<(), CommandError> {
    let lines: String = learned.iter().map(|learned| learned.lines.as_str()).collect();
    let write = || {
        if let Some(folder) = known_hosts.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // A last line without its end would take ours for its own.
        let whole = std::fs::read(known_hosts).map_or(true, |bytes| bytes.last().is_none_or(|last| *last == b'\n'));
        let mut file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(known_hosts)?;
        file.write_all(format!("{}{lines}", if whole { "" } else { "\n" }).as_bytes())?;
        file.sync_all()
    };
    write().map_err(|e| cannot(&format!("write {}", known_hosts.display()), &e))?;
    for learned in learned {
        learned.accepted = !learned.lines.is_empty();
    }
    Ok(())
}

fn cannot(what: &str, error: &std::io::Error) -> CommandError {
    CommandError::refused(format!("cannot {what}: {error}"), "check permissions and free space")
}

async fn output(program: &str, arguments: &[&str], folder: &Path) -> Result<String, CommandError> {
    let path = group::find(program)
        .ok_or_else(|| CommandError::refused(format!("there is no {program}"), "install OpenSSH's client"))?;
    let mut command = group::command(&path);
    command.args(arguments).current_dir(folder).stdout(Stdio::piped());
    let mut group = Group::start(&mut command).map_err(|e| cannot(&format!("run {program}"), &e))?;
    let mut text = Vec::new();
    if let Some(stdout) = group.child.stdout.take() {
        // What came in time counts.
        let _late = tokio::time::timeout(WITHIN, stdout.take(BYTES_MAX).read_to_end(&mut text)).await;
    }
    let _status = group.ended(WITHIN).await;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
