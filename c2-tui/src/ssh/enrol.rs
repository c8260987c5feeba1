//! Makes a machine a worker over ssh: one session takes the invitation and the program, installs the agent as a
//! service, joins and starts it. Whatever fails there is undone there, and said in one line.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use c2_shared::id::WorkerId;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::ChildStdin;

use crate::ssh::check::Reach;
use crate::ssh::group::{self, Group, RunFolder};
use crate::ssh::plan::{self, Host};

/// Longest time for one machine: a program of some megabytes over a slow network, and a service that starts.
const WITHIN: Duration = Duration::from_secs(300);
/// Bytes that are read of what a machine says.
const SAID_BYTES_MAX: u64 = 64 * 1024;

/// What is done there, as one line without a single quote, as login shells differ. `$1` is the kind of machine that
/// the program is for, `$2` its size. The invitation is the first line of the input, so that no list of processes shows it.
const SCRIPT: &str = concat!(
    r#"cd /; s=; t=; home=/var/lib/c2-jobs; old=$home; r() { $s "$@" </dev/null; }; "#,
    r#"fail() { c=$1; shift; echo "$*" | head -n 1 >&2; exit $c; }; "#,
    r#"undo() { c=$?; trap - EXIT; { r systemctl disable --now c2-agent@c2-jobs; r rm -f "$t" /usr/local/bin/c2-agent "#,
    r#"/etc/systemd/system/c2-agent@.service /etc/sysusers.d/c2-agent.conf /etc/tmpfiles.d/c2.conf; "#,
    r#"[ -n "$old" ] || r rm -rf $home; r systemctl daemon-reload; } >/dev/null 2>&1; exit $c; }; "#,
    r#"IFS= read -r line; have=$(uname -sm); "#,
    r#"[ "$have" = "$1" ] || fail 91 "it is $have, and the program is for $1"; "#,
    r#"[ -d /run/systemd/system ] || fail 92 "systemd does not run there"; "#,
    r#"if [ "$(id -u)" != 0 ]; then s="sudo -n"; r true 2>/dev/null || "#,
    r#"fail 93 "$(id -un) may not use sudo without a password"; fi; "#,
    r#"for p in /usr/bin/c2-agent /usr/local/bin/c2-agent /etc/systemd/system/c2-agent@.service; do "#,
    r#"[ ! -e $p ] || fail 94 "it has $p already"; done; [ -e $home ] || old=; "#,
    r#"t=$(r mktemp /usr/local/bin/.c2-agent-XXXXXX) || fail 95 "cannot write in /usr/local/bin"; "#,
    r#"trap undo EXIT; trap "exit 99" HUP INT TERM PIPE; "#,
    r#"$s sh -c "cat >\"\$0\"" "$t" && r chmod 755 "$t" || fail 95 "cannot write in /usr/local/bin"; "#,
    r#"[ "$(wc -c <"$t")" -eq "$2" ] || fail 99 "the connection broke"; "#,
    r#"out=$("$t" --version 2>&1 </dev/null) || fail 96 "the program does not start there: $out"; "#,
    r#"r mv "$t" /usr/local/bin/c2-agent || fail 95 "cannot write in /usr/local/bin"; "#,
    r#"out=$(r /usr/local/bin/c2-agent install 2>&1) && out=$(r systemd-sysusers c2-agent.conf 2>&1) "#,
    r#"&& out=$(r systemd-tmpfiles --create --prefix=$home c2.conf 2>&1) "#,
    r#"&& { [ -e /tmp/C2 ] || out=$(r systemd-tmpfiles --create --prefix=/tmp/C2 c2.conf 2>&1); } "#,
    r#"&& out=$(r systemctl daemon-reload 2>&1) || fail 95 "$out"; "#,
    r#"out=$(printf "%s\n" "$line" | $s runuser -u c2-jobs -- env -i HOME=$home PATH=/usr/bin:/bin "#,
    r#"/usr/local/bin/c2-agent join 2>&1) || fail 97 "$(echo "$out" | grep "^c2-agent: ")"; "#,
    r#"id=$(r cat $home/.local/state/c2-agent/worker_id) && echo "joined $id" || fail 97 "it has no identity"; "#,
    r#"out=$(r systemctl enable --now c2-agent@c2-jobs 2>&1) || fail 98 "$out"; trap - EXIT"#,
);

/// What is put on machines.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// The machines that it is for, as `uname -sm` has them.
    pub(crate) kind: &'static str,
    pub(crate) bytes: u64,
}

/// What came of it on a machine.
#[derive(Debug)]
pub(crate) struct Enrolled {
    /// The worker that it became, also where something failed afterwards.
    pub(crate) worker: Option<WorkerId>,
    pub(crate) failure: Option<Failure>,
}

/// What was in the way.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was not reached.
    Reach(Reach, String),
    /// It was, and undid what it had done.
    There { reason: String, hint: &'static str },
    /// It may be half done.
    Unclear(String),
}

impl Program {
    /// Looks at a program; none if it is for no known machine.
    pub(crate) fn look(path: &Path) -> std::io::Result<Option<Self>> {
        let mut head = [0; 20];
        let mut file = std::fs::File::open(path)?;
        std::io::Read::read_exact(&mut file, &mut head)?;
        // The processor stands in the header of an ELF file.
        let kind = match (&head[..4], u16::from_le_bytes([head[18], head[19]])) {
            (b"\x7fELF", 62) => "Linux x86_64",
            (b"\x7fELF", 183) => "Linux aarch64",
            _ => return Ok(None),
        };
        Ok(Some(Self { path: path.to_owned(), kind, bytes: file.metadata()?.len() }))
    }
}

/// Makes a machine a worker.
pub(crate) async fn enrol(
    ssh: &Path,
    host: &Host,
    folder: &RunFolder,
    program: &Program,
    line: &str,
) -> Result<Enrolled, std::io::Error> {
    let bytes = program.bytes.to_string();
    let words = ["sh", "-c", SCRIPT, "sh", program.kind, &bytes];
    let remote = shlex::try_join(words).unwrap_or_default();
    let mut command = group::command(ssh);
    command.args(plan::ssh_arguments(host.ip, &remote)).current_dir(folder.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut session = Group::start(&mut command)?;
    let (stdin, stdout, stderr) =
        (session.child.stdin.take(), session.child.stdout.take(), session.child.stderr.take());
    let talking = async { tokio::join!(give(stdin, program, line), read(stdout), read(stderr)) };
    let talked = tokio::time::timeout(WITHIN, talking).await;
    let Ok((_, out, err)) = talked else {
        return Ok(Enrolled { worker: None, failure: Some(Failure::Unclear("it takes too long".to_owned())) });
    };
    let exit = session.ended(WITHIN).await;
    // Such an id is a word; what else a machine may say is none.
    let is_id = |id: &&str| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let worker = out.lines().find_map(|said| said.strip_prefix("joined ").filter(is_id).map(WorkerId::from));
    let failure = (exit != Some(0)).then(|| failure(exit, &folder.said_about(host.ip), &err));
    Ok(Enrolled { worker, failure })
}

/// Sends the invitation and the program. One who is not listening says why.
async fn give(stdin: Option<ChildStdin>, program: &Program, line: &str) -> std::io::Result<()> {
    let Some(mut to) = stdin else { return Ok(()) };
    to.write_all(format!("{line}\n").as_bytes()).await?;
    tokio::io::copy(&mut File::open(&program.path).await?, &mut to).await?;
    to.shutdown().await
}

async fn read(from: Option<impl AsyncRead + Unpin>) -> String {
    let mut said = Vec::new();
    if let Some(from) = from {
        // What came before it broke counts.
        drop(from.take(SAID_BYTES_MAX).read_to_end(&mut said).await);
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn failure(exit: Option<i32>, ssh_said: &str, said: &str) -> Failure {
    let last = |text: &str| text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
    let hint = match exit {
        Some(91) => "name a c2-agent for it: add-worker .. --program=FILE",
        Some(92) => "start the agent by hand: the line of `c2d invite`, then c2-agent",
        Some(93) => "log in as root, or allow it: USER ALL=(ALL) NOPASSWD: ALL, by visudo",
        Some(94) => "if it is no worker, join it there with the line of `c2d invite`",
        Some(95) => "see the disk and the rights there",
        Some(96) => "build static programs: guide, \"On several machines\"",
        Some(97) => "check that c2d listens on an address of this network, and its firewall",
        Some(98) => "see there: journalctl -u c2-agent@c2-jobs",
        Some(255) if !ssh_said.is_empty() => return Failure::Reach(Reach::of(exit, ssh_said), last(ssh_said)),
        None | Some(_) => return Failure::Unclear(last(said)),
    };
    Failure::There { reason: last(said), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_one_line_that_shells_read() {
        assert!(!SCRIPT.contains(['\n', '\'']));
        let read = std::process::Command::new("sh").args(["-n", "-c", SCRIPT]).output().unwrap();
        assert!(read.status.success(), "{read:?}");
    }

    #[test]
    fn each_failure_says_what_to_do() {
        for exit in 91..=98 {
            let failure = failure(Some(exit), "", "noise\nthe reason\n\n");
            assert!(matches!(&failure, Failure::There { reason, hint } if reason == "the reason" && !hint.is_empty()));
        }
        let refused = failure(Some(255), "me@10.0.0.1: Permission denied (publickey).", "");
        assert!(matches!(refused, Failure::Reach(Reach::AuthenticationRefused, _)), "{refused:?}");
        assert!(matches!(failure(None, "", ""), Failure::Unclear(_)));
    }

    #[test]
    fn a_program_is_known_by_its_header() {
        let own = Program::look(&std::env::current_exe().unwrap()).unwrap().expect("tests run on a known machine");
        assert!(own.kind.ends_with(std::env::consts::ARCH), "{own:?}");
        let script = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(script.path(), "#!/bin/sh\nexec true and more\n").unwrap();
        assert!(Program::look(script.path()).unwrap().is_none());
    }
}
