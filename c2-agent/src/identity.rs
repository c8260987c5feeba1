//! Who this agent is: the identity of its state folder, which run of it this is, and the marks of the place
//! by which c2d tells a worker that was started again from a copy of its folder.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use c2_shared::advice::Advice;
use c2_shared::blob::BlobId;
use c2_shared::exit;
use c2_shared::id::Session;

use crate::choice;
use crate::options::{OptionsError, ResetOptions};
use crate::state::{StateDir, StateError, WORKER_ID, open_private, random_hex};

/// Counts the starts.
const STARTS: &str = "starts";
/// Holds the mark of the folder at the last start.
const PLACE: &str = "place";
/// Is there once c2d found that this folder is a copy.
const COPY: &str = "copy";
/// Digits of a mark: enough to tell two machines of a home apart.
const MARK_LEN: usize = 32;

/// Who polls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    /// Identity of the state folder.
    pub(crate) worker_id: String,
    /// The kernel's boot id.
    pub(crate) boot_id: String,
    /// Which run of the agent this is.
    pub(crate) session: Session,
    /// A mark of the machine.
    pub(crate) machine: String,
    /// A mark of the folder.
    pub(crate) folder: String,
    /// The folder was copied or moved here since the last start.
    pub(crate) came_here: bool,
}

/// Why an identity cannot be given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResetError {
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("jobs run under this identity, in slots {0:?}")]
    JobsRun(Vec<u32>),
    #[error("cannot change {path:?}")]
    Io { path: PathBuf, source: io::Error },
}

impl Advice for ResetError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Options(error) => return error.hint(),
            Self::State(error) => return error.hint(),
            Self::JobsRun(_) => "wait until they have ended, or cancel them; nothing was changed".to_owned(),
            Self::Io { .. } => "check that the state folder can be written to".to_owned(),
        })
    }

    fn status(&self) -> u8 {
        if matches!(self, Self::Options(_)) { exit::CONFIGURATION } else { exit::FAILED }
    }
}

impl Identity {
    /// The identity of a folder at one more start.
    pub(crate) fn begin(state: &StateDir) -> Result<Self, StateError> {
        let starts = state.path().join(STARTS);
        let failed = |path: PathBuf| |source| StateError::Io { path, source };
        let start = read_starts(&starts).map_err(failed(starts.clone()))?.saturating_add(1);
        write_starts(&starts, start).map_err(failed(starts.clone()))?;
        let folder = folder(state.path()).map_err(failed(state.path().to_owned()))?;
        let place = state.path().join(PLACE);
        let came_here = !["", folder.as_str()].contains(&read(&place).as_str());
        fs::write(&place, &folder).map_err(failed(place))?;
        Ok(Self {
            worker_id: worker_id(state)?,
            boot_id: read("/proc/sys/kernel/random/boot_id"),
            session: Session { start, nonce: random_hex().ok_or(StateError::Random)? },
            machine: machine(),
            folder,
            came_here,
        })
    }
}

/// Notes the number that c2d gave to this run, so that the next one counts on from it.
pub(crate) fn count_from(state: &StateDir, start: u64) -> io::Result<()> {
    write_starts(&state.path().join(STARTS), start)
}

/// Notes that this folder is a copy, so that no agent starts with it.
pub(crate) fn mark_as_copy(state: &StateDir) -> io::Result<()> {
    open_private(&state.path().join(COPY)).map(drop)
}

/// Whether c2d found that this folder is a copy.
pub(crate) fn is_copy(state: &StateDir) -> bool {
    state.path().join(COPY).exists()
}

/// The identity of a folder, made at the first call: 32 hexadecimal digits.
pub(crate) fn worker_id(state: &StateDir) -> Result<String, StateError> {
    let path = state.path().join(WORKER_ID);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(StateError::Io { path, source }),
        Ok(_) | Err(_) => {}
    }
    let id = random_hex().ok_or(StateError::Random)?;
    take(state, &id)?;
    Ok(id)
}

/// Gives a folder an identity.
pub(crate) fn take(state: &StateDir, id: &str) -> Result<(), StateError> {
    let (path, new) = (state.path().join(WORKER_ID), state.path().join("worker_id.new"));
    let write = || {
        let mut file = open_private(&new)?;
        file.set_len(0)?;
        writeln!(file, "{id}")?;
        file.sync_all()?;
        fs::rename(&new, &path)
    };
    write().map_err(|source| StateError::Io { path: path.clone(), source })
}

/// `c2-agent reset-identity`: this folder becomes that of a new worker, which owes nothing to anybody.
pub(crate) fn reset(options: &ResetOptions) -> Result<String, ResetError> {
    let folder = choice::state_dir(options.state_dir.as_deref())?;
    let state = StateDir::open_to_clear(&folder)?;
    let _alone = state.lock()?;
    let living = living(&state);
    if !living.is_empty() {
        return Err(ResetError::JobsRun(living));
    }
    // What the one before owed to c2d is not this one's to deliver. The id goes last: until then the folder
    // is the copy that it was.
    let joined = choice::joined_file(&folder);
    let had_joined = joined.exists();
    for path in
        [state.spool(), folder.join("slots"), joined, folder.join(STARTS), folder.join(WORKER_ID), folder.join(COPY)]
    {
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(ResetError::Io { path, source }),
            _ => {}
        }
    }
    let id = worker_id(&StateDir::open(&folder)?)?;
    let next = if had_joined {
        let join = choice::call("join LINE", &folder);
        format!("its token belonged to the other one; join with a line of `c2d invite`: {join}")
    } else {
        format!("start it with: {}", choice::call("", &folder))
    };
    Ok(format!("this machine is a new worker, id {id}; {next}"))
}

/// The slots of which a process is alive: what it runs belongs to the identity that the folder has.
pub(crate) fn living(state: &StateDir) -> Vec<u32> {
    let lives = |slot: &u32| !matches!(state.slot(*slot).and_then(|dir| dir.lock()), Ok(Some(_)));
    state.slots().into_iter().filter(lives).collect()
}

fn read_starts(path: &Path) -> io::Result<u64> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Written in place, so that a full disk does not keep an agent from its start.
fn write_starts(path: &Path, start: u64) -> io::Result<()> {
    let file = open_private(path)?;
    file.write_all_at(format!("{start:<20}\n").as_bytes(), 0)?;
    file.sync_data()
}

/// The same for the folder wherever it is mounted, and another for a copy of it.
fn folder(path: &Path) -> io::Result<String> {
    let lock = fs::metadata(path.join("agent.lock"))?;
    Ok(format!("{}:{}", lock.dev(), lock.ino()))
}

/// What stays when a machine is started anew, and is another on a machine that was made from a copy of its
/// disk. Only a hash of it leaves the machine.
fn machine() -> String {
    let serial = ["/sys/firmware/devicetree/base/serial-number", "/sys/class/dmi/id/board_serial"].map(read).concat();
    let parts = [read("/etc/machine-id"), serial, first_address(Path::new("/sys/class/net"))];
    BlobId::of(parts.join("\n").as_bytes()).to_string().chars().take(MARK_LEN).collect()
}

/// The hardware address of the first network device; of those that were made up only if there is no other.
fn first_address(devices: &Path) -> String {
    let found = fs::read_dir(devices).into_iter().flatten().flatten().map(|entry| entry.path());
    let address = |device: PathBuf| {
        let of = |name: &str| read(device.join(name));
        let made_up = of("addr_assign_type") != "0";
        Some((made_up, of("ifindex").parse::<u32>().ok()?, of("address")))
    };
    let real = |(_, _, address): &(bool, u32, String)| address.bytes().any(|byte| !matches!(byte, b'0' | b':'));
    found.filter_map(address).filter(real).min().map(|(.., address)| address).unwrap_or_default()
}

/// A short file of the system, without what surrounds its text; nothing if it cannot be read.
fn read(path: impl AsRef<Path>) -> String {
    let text = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&text).trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_counts_and_the_place_stays() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        let _lock = state.lock().unwrap();
        let (one, two) = (Identity::begin(&state).unwrap(), Identity::begin(&state).unwrap());
        assert_eq!((one.session.start, two.session.start), (1, 2));
        assert_ne!(one.session.nonce, two.session.nonce);
        assert_eq!((&one.worker_id, one.worker_id.len()), (&two.worker_id, 32));
        assert_eq!((&one.machine, &one.folder), (&two.machine, &two.folder));
        count_from(&state, 41).unwrap();
        assert_eq!(Identity::begin(&state).unwrap().session.start, 42);
        count_from(&state, 7).unwrap();
        assert_eq!(Identity::begin(&state).unwrap().session.start, 8, "a shorter number leaves nothing of a longer");
    }

    #[test]
    fn a_folder_notices_that_it_was_copied() {
        let dir = tempfile::tempdir().unwrap();
        let [one, two] = ["a", "b"].map(|name| StateDir::open(&dir.path().join(name)).unwrap());
        let _locks = [one.lock().unwrap(), two.lock().unwrap()];
        assert!(!Identity::begin(&one).unwrap().came_here);
        for file in [WORKER_ID, STARTS, PLACE] {
            fs::copy(one.path().join(file), two.path().join(file)).unwrap();
        }
        let copy = Identity::begin(&two).unwrap();
        assert!(copy.came_here && !Identity::begin(&one).unwrap().came_here);
        assert_eq!(copy.worker_id, worker_id(&one).unwrap());
        assert!(!Identity::begin(&two).unwrap().came_here, "it is here now");
    }

    #[test]
    fn a_copy_of_the_folder_has_another_mark() {
        let dir = tempfile::tempdir().unwrap();
        let marks = ["a", "b"].map(|name| {
            let state = StateDir::open(&dir.path().join(name)).unwrap();
            let _lock = state.lock().unwrap();
            folder(state.path()).unwrap()
        });
        assert_ne!(marks[0], marks[1]);
    }

    #[test]
    fn the_first_device_that_was_not_made_up_counts() {
        let dir = tempfile::tempdir().unwrap();
        let devices = [
            ("lo", "1", "0", "00:00:00:00:00:00"),
            ("docker0", "2", "3", "02:42:00:00:00:01"),
            ("usb0", "9", "0", "aa:00:00:00:00:09"),
            ("eth0", "3", "0", "aa:00:00:00:00:03"),
        ];
        assert_eq!(first_address(dir.path()), "");
        for (name, index, assigned, address) in devices {
            let device = dir.path().join(name);
            fs::create_dir(&device).unwrap();
            for (file, text) in [("ifindex", index), ("addr_assign_type", assigned), ("address", address)] {
                fs::write(device.join(file), format!("{text}\n")).unwrap();
            }
        }
        assert_eq!(first_address(dir.path()), "aa:00:00:00:00:03");
    }

    #[test]
    fn a_reset_folder_is_another_worker_and_owes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        let options = ResetOptions { state_dir: Some(dir.path().to_owned()) };
        let before = worker_id(&state).unwrap();
        fs::write(state.spool().join("job-1.1"), "{}").unwrap();
        fs::write(choice::joined_file(dir.path()), "token").unwrap();
        mark_as_copy(&state).unwrap();
        assert!(is_copy(&state));
        let runner = state.slot(0).unwrap().lock().unwrap().unwrap();
        assert!(matches!(reset(&options), Err(ResetError::JobsRun(slots)) if slots == [0]));
        assert_eq!((worker_id(&state).unwrap(), is_copy(&state)), (before.clone(), true), "nothing was changed");
        drop(runner);
        let agent = state.lock().unwrap();
        assert!(matches!(reset(&options), Err(ResetError::State(StateError::InUse(_)))));
        drop(agent);
        let said = reset(&options).unwrap();
        let join = format!("c2-agent join LINE --state-dir {}", dir.path().display());
        assert!(said.ends_with(&join), "{said}");
        assert_ne!(worker_id(&state).unwrap(), before);
        assert!(!is_copy(&state) && !state.spool().join("job-1.1").exists() && state.slots().is_empty());
        assert!(!choice::joined_file(dir.path()).exists());
    }
}
