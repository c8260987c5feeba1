//! The programs of agents that c2d has for its workers: in the folder `agents` of its own, or beside it.
//!
//! A file there is read and never run. What it says of itself is signed by the authority, so that an agent takes
//! it from no other place. Write access to these folders is the right to run anything on the workers, as c2d itself has it.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use c2_shared::advice::with_causes;
use c2_shared::api::upgrade::ProgramOffer;
use c2_shared::blob::BlobHasher;
use c2_shared::limits::PROGRAM_BYTES_MAX;
use c2_shared::program::Program;

use crate::authority;
use crate::services::worker_requests::UpgradeRequests;

/// The folder in that of c2d.
const FOLDER: &str = "agents";
/// The program, with its architecture behind it there.
const NAME: &str = "c2-agent";

/// Finds programs; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    data_dir: PathBuf,
}

/// What upgrades need; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Upgrades {
    /// Carries them to the workers.
    pub(crate) requests: UpgradeRequests,
    /// What they bring.
    pub(crate) programs: Programs,
}

impl Upgrades {
    /// As [`UpgradeRequests::start`], with the programs of a data folder.
    pub(crate) fn start(first_id: u64, data_dir: &Path) -> Self {
        Self { requests: UpgradeRequests::start(first_id), programs: Programs { data_dir: data_dir.to_owned() } }
    }
}

/// Why c2d has no program for a worker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoProgram {
    #[error("c2d has no {NAME} for {architecture:?}")]
    None { architecture: String, place: PathBuf },
    #[error("{path:?} is no {NAME} for {architecture:?}")]
    Other { path: PathBuf, architecture: String },
    #[error("c2d cannot read {path:?}: {reason}")]
    Unreadable { path: PathBuf, reason: String },
}

impl NoProgram {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::None { place, .. } => format!("put it as {} on c2d's machine", place.display()),
            Self::Other { path, .. } => format!("put the program of that version in the place of {}", path.display()),
            Self::Unreadable { .. } => "see the permissions of the file on c2d's machine".to_owned(),
        }
    }
}

impl Programs {
    /// Opens the program for these processors. Blocks.
    pub(crate) fn open(&self, architecture: &str) -> Result<(PathBuf, File, u64), NoProgram> {
        let none = || {
            let place = self.data_dir.join(FOLDER).join(format!("{NAME}-{architecture}"));
            NoProgram::None { architecture: architecture.to_owned(), place }
        };
        // It becomes a part of a path.
        if architecture.is_empty() || !architecture.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(none());
        }
        for path in self.places(architecture) {
            let unreadable = |error: io::Error| NoProgram::Unreadable { path: path.clone(), reason: error.to_string() };
            match File::open(&path) {
                Ok(file) => {
                    let meta = file.metadata().map_err(unreadable)?;
                    if !meta.is_file() || meta.len() > PROGRAM_BYTES_MAX {
                        return Err(NoProgram::Other { path, architecture: architecture.to_owned() });
                    }
                    return Ok((path, file, meta.len()));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
        Err(none())
    }

    /// What c2d has for these processors, signed. Blocks.
    pub(crate) fn offer(&self, architecture: &str) -> Result<ProgramOffer, NoProgram> {
        let (path, mut file, size) = self.open(architecture)?;
        let unreadable = |reason: String| NoProgram::Unreadable { path: path.clone(), reason };
        let found = Program::read(&file).map_err(|error| unreadable(error.to_string()))?;
        let Some(Program { version, .. }) = found.filter(|found| found.architecture == architecture) else {
            return Err(NoProgram::Other { path, architecture: architecture.to_owned() });
        };
        let mut hasher = BlobHasher::default();
        let hashed = file.rewind().and_then(|()| hasher.read(&mut file));
        hashed.map_err(|error| unreadable(error.to_string()))?;
        let (architecture, signatures) = (architecture.to_owned(), Vec::new());
        let offer = ProgramOffer { architecture, version, size, sha256: hasher.finish(), signatures };
        let signatures = authority::sign(&self.data_dir, &offer.statement());
        let signatures = signatures.map_err(|error| unreadable(with_causes(&error)))?;
        Ok(ProgramOffer { signatures, ..offer })
    }

    fn places(&self, architecture: &str) -> Vec<PathBuf> {
        let own = self.data_dir.join(FOLDER).join(format!("{NAME}-{architecture}"));
        let program = std::env::current_exe().ok().filter(|_| architecture == std::env::consts::ARCH);
        let beside = program.and_then(|program| Some(program.parent()?.join(NAME)));
        std::iter::once(own).chain(beside).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Authority;

    #[test]
    fn what_lies_there_is_offered_as_what_it_says() {
        let dir = tempfile::TempDir::new().unwrap();
        drop(Authority::open(dir.path()).unwrap());
        let programs = Programs { data_dir: dir.path().to_owned() };
        assert!(matches!(programs.offer("riscv64"), Err(NoProgram::None { .. })));
        assert!(matches!(programs.offer("../x"), Err(NoProgram::None { .. })));
        std::fs::create_dir(dir.path().join(FOLDER)).unwrap();
        let path = dir.path().join("agents/c2-agent-riscv64");
        let elf = |machine: u8| [&b"\x7fELF"[..], &[0; 14], &[machine, 0], b"c2-agent-version=3.1.4;"].concat();
        std::fs::write(&path, elf(0x3e)).unwrap();
        assert!(matches!(programs.offer("riscv64"), Err(NoProgram::Other { .. })));
        std::fs::write(&path, elf(0xf3)).unwrap();
        let offer = programs.offer("riscv64").unwrap();
        assert_eq!((offer.version.as_str(), offer.size, offer.signatures.len()), ("3.1.4", 43, 1));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(programs.offer("riscv64"), Err(NoProgram::Other { .. })));
    }
}
