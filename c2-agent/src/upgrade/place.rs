//! Where the program of this agent lies, and whether another may take its place.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::Kept;

/// What the kernel adds to the name of a file that is gone.
const GONE: &str = " (deleted)";
/// The new program, until it has its place.
const NEXT: &str = ".c2-agent.next";
/// The one before.
pub(super) const PREVIOUS: &str = "c2-agent.previous";

/// The file of this program.
pub(super) fn own() -> Result<PathBuf, Kept> {
    let unknown =
        |error: io::Error| Kept::new(format!("its program is not known: {error}"), "see whether /proc is there");
    let program = std::env::current_exe().map_err(unknown)?;
    if program.to_string_lossy().ends_with(GONE) {
        return Err(Kept::new(
            "the file of its program was replaced while it ran",
            "restart the agent there, so that the file counts",
        ));
    }
    if is_of_a_package(&program) {
        let reason = format!("{} belongs to a package", program.display());
        return Err(Kept::new(reason, "upgrade the package there: sudo apt install ./c2-agent_VERSION_ARCH.deb"));
    }
    Ok(program)
}

/// Packages own all below /usr that is not local.
fn is_of_a_package(program: &Path) -> bool {
    let is_systems = ["/usr", "/bin", "/sbin"].iter().any(|folder| program.starts_with(folder));
    is_systems && !program.starts_with("/usr/local")
}

/// An empty file beside a program.
pub(super) fn beside(program: &Path) -> Result<(PathBuf, File), Kept> {
    let folder = program.parent().unwrap_or(Path::new("/"));
    let next = folder.join(NEXT);
    let made =
        remove(&next).and_then(|()| OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&next));
    let file = made.map_err(|error| {
        let reason = format!("it cannot write to {}: {error}", folder.display());
        Kept::new(reason, "replace c2-agent there as root and restart it, or run it from a folder of its own user")
    })?;
    Ok((next, file))
}

/// Lets a new program be run by those who may run the present one.
pub(super) fn allow(file: &File, program: &Path) -> io::Result<()> {
    let mode = fs::metadata(program)?.permissions().mode() & 0o755;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Puts a new program in the place of the present one, which stays beside it under another name. After a crash in
/// between one of the two is there, whole.
pub(super) fn exchange(program: &Path, next: &Path) -> io::Result<()> {
    let folder = program.parent().unwrap_or(Path::new("/"));
    let previous = folder.join(PREVIOUS);
    remove(&previous)?;
    fs::hard_link(program, &previous)?;
    fs::rename(next, program)?;
    File::open(folder)?.sync_all()
}

/// Removes a new program that does not get the place; one that cannot be removed stays, and the log says so.
pub(super) fn give_up(next: &Path) {
    if let Err(error) = remove(next) {
        tracing::warn!("{} stays: {error}", next.display());
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_own_their_programs() {
        let table = [
            ("/usr/bin/c2-agent", true),
            ("/bin/c2-agent", true),
            ("/usr/local/bin/c2-agent", false),
            ("/opt/c2/c2-agent", false),
            ("/srv/me/bin/c2-agent", false),
        ];
        for (program, expected) in table {
            assert_eq!(is_of_a_package(Path::new(program)), expected, "{program}");
        }
    }

    #[test]
    fn the_one_before_stays() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("c2-agent");
        for (old, new) in [("1", "2"), ("2", "3")] {
            fs::write(&program, old).unwrap();
            let (next, _) = beside(&program).unwrap();
            fs::write(&next, new).unwrap();
            exchange(&program, &next).unwrap();
            assert_eq!(fs::read_to_string(&program).unwrap(), new);
            assert_eq!(fs::read_to_string(dir.path().join(PREVIOUS)).unwrap(), old);
            assert!(!next.exists());
        }
    }
}
