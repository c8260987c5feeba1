//! A PostgreSQL server of a test's own, also for tests of whole programs: gone with the program that started it.

use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Ends the server as soon as the program that holds the other end of its input is gone, and removes it.
const SERVE: &str = r#"
    "$1/initdb" --auth=trust --username=c2 --locale=C --encoding=UTF8 --no-sync -D "$2/data" >"$2/log" 2>&1 || exit 1
    "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=200 -c fsync="$3" >>"$2/log" 2>&1 &
    until "$1/psql" -h "$2" -U c2 -d postgres -c 'SELECT 1' >/dev/null 2>&1; do sleep 0.05; done
    echo ready
    cat >/dev/null
    kill -QUIT $!
    wait
    rm -rf "$2"
"#;

pub(crate) fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|e| e.path()).collect();
    found.sort();
    found.pop().map(|version| version.join("bin")).filter(|bin| bin.join("initdb").exists())
}

/// Starts one; answers the folder of its socket, or nothing where PostgreSQL is not installed. Whether it waits
/// for the disk matters for nothing but what is measured.
pub(crate) fn start(fsync: bool) -> Option<PathBuf> {
    let Some(programs) = programs() else {
        eprintln!("skipped: PostgreSQL is not installed");
        return None;
    };
    let dir = tempfile::Builder::new().prefix("c2-pg-").tempdir().unwrap().keep();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = unprivileged(&dir);
    command
        .args(["sh", "-c", SERVE, "sh"])
        .arg(programs)
        .arg(&dir)
        .arg(if fsync { "on" } else { "off" })
        .current_dir(&dir);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut ready).expect("PostgreSQL starts");
    // Its input closes with this program.
    std::mem::forget(child);
    Some(dir)
}

/// How a program finds it.
pub(crate) fn url(socket: &Path) -> String {
    format!("postgres://c2@{}/postgres", socket.display().to_string().replace('/', "%2F"))
}

/// PostgreSQL does not run as root.
pub(crate) fn unprivileged(dir: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new("env");
    }
    let nobody = std::fs::read_to_string("/etc/passwd").unwrap();
    let nobody = nobody.lines().find(|line| line.starts_with("nobody:")).expect("there is a user nobody");
    let ids: Vec<u32> = nobody.split(':').skip(2).take(2).map(|id| id.parse().unwrap()).collect();
    chown(dir, Some(ids[0]), Some(ids[1])).unwrap();
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={}", ids[0]), format!("--regid={}", ids[1]), "--clear-groups".to_owned()]);
    command
}
