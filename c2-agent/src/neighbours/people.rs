//! Whether a person uses the machine.
//!
//! At terminals, of the machine and over ssh: the kernel notes when each was last read from, within some seconds;
//! for that nobody has to be logged in by any list of users, of which not all systems keep one. In a graphical
//! session no device tells it: there the desktop tells systemd-logind when the session is idle. A session that
//! is in front counts as used until it says so, and one that says nothing always.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// So long after the last key at a terminal nobody is there.
const IDLE_S: u64 = 5 * 60;
/// Time for `loginctl` to answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Sessions with a screen.
const GRAPHICAL: [&str; 3] = ["x11", "wayland", "mir"];

/// Whether anybody is there, with the file systems of the machine below `root`.
pub(crate) async fn are_there(root: &Path, now_s: u64) -> bool {
    if types(&root.join("dev"), now_s) {
        return true;
    }
    for session in sessions(&root.join("run/systemd/sessions")) {
        if !is_idle(&session).await {
            return true;
        }
    }
    false
}

/// Whether something was typed at a terminal lately.
fn types(dev: &Path, now_s: u64) -> bool {
    let names = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().collect::<Vec<_>>();
    let is_number = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let consoles = names(dev)
        .into_iter()
        .filter(|entry| entry.file_name().to_str().and_then(|name| name.strip_prefix("tty")).is_some_and(is_number));
    let others = names(&dev.join("pts")).into_iter().filter(|entry| entry.file_name().to_str().is_some_and(is_number));
    let read_s = |entry: fs::DirEntry| u64::try_from(entry.metadata().ok()?.atime()).ok();
    // One that was read in the future was read before the clock was set.
    consoles.chain(others).filter_map(read_s).any(|read_s| read_s.abs_diff(now_s) < IDLE_S)
}

/// The graphical sessions of people that are in front.
fn sessions(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let in_front = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).ok()?;
        let says = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        let counts = says("ACTIVE") == Some("1")
            && says("CLASS").is_none_or(|class| class.starts_with("user"))
            && says("TYPE").is_some_and(|kind| GRAPHICAL.contains(&kind));
        counts.then(|| entry.file_name().into_string().ok()).flatten()
    };
    entries.filter_map(in_front).collect()
}

/// Whether the desktop of a session says that it is idle.
async fn is_idle(session: &str) -> bool {
    let mut ask = Command::new("loginctl");
    ask.args(["show-session", session, "--property=IdleHint", "--value"]).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(TIMEOUT, ask.output()).await {
        Ok(Ok(said)) => said.stdout.trim_ascii() == b"yes",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    const NOW_S: u64 = 1_000_000;

    /// A terminal that was last read so many seconds ago.
    fn terminal(root: &Path, name: &str, ago_s: i64) {
        let path = root.join("dev").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = fs::File::create(path).unwrap();
        let read = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW_S.saturating_add_signed(-ago_s));
        file.set_times(fs::FileTimes::new().set_accessed(read)).unwrap();
    }

    #[test]
    fn who_types_is_there() {
        let table: [(&str, i64, bool); 9] = [
            ("pts/3", 10, true),
            ("pts/3", 299, true),
            ("pts/3", 300, false),
            ("tty1", 0, true),
            ("tty", 0, false),
            ("ttyS0", 0, false),
            ("pts/ptmx", 0, false),
            ("pts/0", -3_600, false),
            ("null", 0, false),
        ];
        for (name, ago_s, expected) in table {
            let root = tempfile::tempdir().unwrap();
            terminal(root.path(), "pts/9", 9_999);
            terminal(root.path(), name, ago_s);
            assert_eq!(types(&root.path().join("dev"), NOW_S), expected, "{name} {ago_s}");
        }
    }

    #[test]
    fn screens_in_front_are_asked() {
        let root = tempfile::tempdir().unwrap();
        let session = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
        session("2", "ACTIVE=1\nSTATE=active\nTYPE=wayland\nCLASS=user\n");
        session("3", "ACTIVE=0\nSTATE=online\nTYPE=x11\nCLASS=user\n");
        session("4", "ACTIVE=1\nTYPE=tty\nCLASS=user\n");
        session("c1", "ACTIVE=1\nTYPE=x11\nCLASS=greeter\n");
        session("5.ref", "");
        assert_eq!(sessions(root.path()), ["2"]);
        assert_eq!(sessions(&root.path().join("none")), Vec::<String>::new());
    }
}
