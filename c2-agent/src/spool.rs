//! Results on disk that c2d has not acknowledged, one file for each attempt.
//!
//! Only results that could not be delivered at the first try come here, so that the quick way
//! touches no disk, and those whose files have to be delivered first. A file is complete or not
//! there: it is written aside, synced and renamed.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use c2_shared::api::work::AttemptResult;
use c2_shared::id::AttemptId;
use serde::{Deserialize, Serialize};

/// A result on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The result.
    pub(crate) result: AttemptResult,
    /// The patterns of files that have to be delivered before it; none for one that is final.
    pub(crate) download: Vec<String>,
}

impl From<AttemptResult> for Kept {
    fn from(result: AttemptResult) -> Self {
        Self { result, download: Vec::new() }
    }
}

/// How it is written: a final result as it is.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<'a> {
    Delivering { result: Cow<'a, AttemptResult>, download: Cow<'a, [String]> },
    Final(Cow<'a, AttemptResult>),
}

/// The folder of spooled results.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    dir: PathBuf,
}

impl Spool {
    pub(crate) const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Keeps a result until [`Spool::remove`]; durable when this returns.
    pub(crate) fn put(&self, Kept { result, download }: &Kept) -> io::Result<()> {
        let written = if download.is_empty() {
            Written::Final(Cow::Borrowed(result))
        } else {
            Written::Delivering { result: Cow::Borrowed(result), download: Cow::Borrowed(download) }
        };
        let path = self.path(result.attempt);
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(&written)?)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(&self.dir)?.sync_all()
    }

    /// Forgets a result; one that is not here is forgotten already.
    pub(crate) fn remove(&self, attempt: AttemptId) -> io::Result<()> {
        match fs::remove_file(self.path(attempt)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads all results that are kept. A file that cannot be read is left where it is and said.
    pub(crate) fn load(&self) -> io::Result<Vec<Kept>> {
        let mut results = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                match read(&path) {
                    Ok(result) => results.push(result),
                    Err(error) => tracing::warn!("cannot read the kept result {}: {error}", path.display()),
                }
            }
        }
        Ok(results)
    }

    fn path(&self, attempt: AttemptId) -> PathBuf {
        // Appended, as the number after the attempt's own dot would pass for an extension.
        self.dir.join(format!("{attempt}.json"))
    }
}

fn read(path: &Path) -> io::Result<Kept> {
    Ok(match serde_json::from_slice(&fs::read(path)?)? {
        Written::Final(result) => Kept::from(result.into_owned()),
        Written::Delivering { result, download } => {
            Kept { result: result.into_owned(), download: download.into_owned() }
        }
    })
}

#[cfg(test)]
mod tests {
    use c2_shared::job::Outcome;

    use super::*;

    #[test]
    fn results_survive_and_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path().to_owned());
        let attempt: AttemptId = "job-3.2".parse().unwrap();
        let result = AttemptResult {
            started_ms: 1,
            ended_ms: 2,
            stdout: c2_shared::api::work::Output::whole("out"),
            ..AttemptResult::new(attempt, Outcome::Exit { code: 3 })
        };
        let final_one = Kept::from(result.clone());
        let delivering = Kept { result, download: vec!["*.png".to_owned()] };
        spool.put(&delivering).unwrap();
        assert_eq!(spool.load().unwrap(), [delivering]);
        spool.put(&final_one).unwrap();
        fs::write(dir.path().join("job-4.1.json"), "{").unwrap();
        assert_eq!(spool.load().unwrap(), [final_one]);
        spool.remove(attempt).unwrap();
        spool.remove(attempt).unwrap();
        assert_eq!(spool.load().unwrap(), []);
    }
}
