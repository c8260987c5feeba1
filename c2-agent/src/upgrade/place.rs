//! Where the program of this agent lies, and whether another may take its place.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use c2_shared::program::{Program, is_newer};

use super::{Kept, own_version};

/// What the kernel adds to the name of a file that is gone.
const GONE: &str = " (deleted)";
/// The folder for programs within the state folder, for an agent that may not write where its own lies.
const KEPT: &str = "program";
const NAME: &str = "c2-agent";
/// The new program, until it has its place.
const NEXT: &str = ".c2-agent.next";
/// The one before.
pub(super) const PREVIOUS: &str = "c2-agent.previous";

/// The file of this program.
pub(super) fn own() -> Result<PathBuf, Kept> {
    let unknown =
        |error: io::Error| Kept::new(format!("its program is not known: {error}"), "check that /proc is mounted");
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

/// Where a new program gets its place.
#[derive(Debug)]
pub(super) struct Room {
    /// What it takes the place of, which need not be there yet.
    pub(super) program: PathBuf,
    /// Where it lies until then.
    pub(super) next: PathBuf,
    pub(super) file: File,
}

/// An empty file beside the present program, or in the state folder where the agent may not write there: then root
/// put the program where it is, for all users, and this user has a newer one for itself.
pub(super) fn room(program: PathBuf, state: &Path) -> Result<Room, Kept> {
    let failed = |program: &Path, error: io::Error| {
        let folder = program.parent().unwrap_or(Path::new("/")).display();
        Kept::new(format!("it cannot write to {folder}: {error}"), "check permissions and free space there")
    };
    match beside(program) {
        Err((program, error)) if is_closed(&error) => {
            let folder = state.join(KEPT);
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            made.map_err(|error| failed(&folder, error))?;
            tracing::info!("{} stays as it is; the new program goes to {}", program.display(), folder.display());
            beside(folder.join(NAME)).map_err(|(program, error)| failed(&program, error))
        }
        made => made.map_err(|(program, error)| failed(&program, error)),
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn beside(program: PathBuf) -> Result<Room, (PathBuf, io::Error)> {
    let next = program.with_file_name(NEXT);
    let made =
        remove(&next).and_then(|()| OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&next));
    match made {
        Ok(file) => Ok(Room { program, next, file }),
        Err(error) => Err((program, error)),
    }
}

/// The program in the state folder, if it is newer than this one and no other user could have put it there.
pub(super) fn kept(state: &Path) -> Option<(PathBuf, String)> {
    let path = state.join(KEPT).join(NAME);
    let file = File::open(&path).ok()?;
    let meta = file.metadata().ok()?;
    let is_own = meta.uid() == rustix::process::geteuid().as_raw() && meta.mode() & 0o022 == 0;
    let found = Program::read(file).ok().flatten()?;
    let is_for_here = found.architecture == std::env::consts::ARCH && is_newer(&found.version, own_version());
    (is_own && meta.is_file() && is_for_here).then_some((path, found.version))
}

/// Lets a new program be run by those who may run the present one; the first in the state folder by its user.
pub(super) fn allow(file: &File, program: &Path) -> io::Result<()> {
    let mode = match fs::metadata(program) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0o700,
        present => present?.mode() & 0o755,
    };
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Puts a new program in the place of the present one, which stays beside it under another name. After a crash in
/// between one of the two is there, whole.
pub(super) fn exchange(program: &Path, next: &Path) -> io::Result<()> {
    let folder = program.parent().unwrap_or(Path::new("/"));
    let previous = folder.join(PREVIOUS);
    remove(&previous)?;
    match fs::hard_link(program, &previous) {
        // The first in its folder.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
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
            let room = room(program.clone(), Path::new("/nowhere")).unwrap();
            fs::write(&room.next, new).unwrap();
            exchange(&program, &room.next).unwrap();
            assert_eq!(fs::read_to_string(&program).unwrap(), new);
            assert_eq!(fs::read_to_string(dir.path().join(PREVIOUS)).unwrap(), old);
            assert!(!room.next.exists());
        }
    }

    #[test]
    fn a_program_is_kept_for_its_own_user_and_only_a_newer_one_counts() {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join("program")).unwrap();
        let Room { program, next, file } = beside(state.path().join("program/c2-agent")).unwrap();
        allow(&file, &program).unwrap();
        let write = |version: &str| {
            let head = fs::read("/proc/self/exe").unwrap()[..64].to_vec();
            fs::write(&next, [&head, format!("c2-agent-version={version};").as_bytes()].concat()).unwrap();
        };
        write("999.0.0");
        assert_eq!(kept(state.path()), None, "it has not got its place yet");
        exchange(&program, &next).unwrap();
        assert_eq!(kept(state.path()), Some((program.clone(), "999.0.0".to_owned())));
        let mode = |mode| fs::set_permissions(&program, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o770);
        assert_eq!(kept(state.path()), None, "its group may have written it");
        for version in [own_version(), "0.0.1"] {
            write(version);
            exchange(&program, &next).unwrap();
            assert_eq!(kept(state.path()), None, "{version} is no newer");
        }
    }
}
