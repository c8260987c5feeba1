//! Clocks of machines that jump: each program is told another time of day than the system has, by
//! libfaketime, which reads it from a file that can be written while the program runs.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use c2_tests::machine::faketime;
use c2_tests::sim::Random;

/// How far a clock jumps at most, either way: ten years.
const JUMP_S: u64 = 10 * 365 * 24 * 3_600;

/// The clocks of all programs of a storm.
#[derive(Debug)]
pub(crate) struct Clocks {
    library: PathBuf,
    folder: tempfile::TempDir,
}

impl Clocks {
    pub(crate) fn new() -> Result<Self> {
        let library = faketime().context("jumps of clocks need libfaketime: apt-get install faketime")?;
        Ok(Self { library, folder: tempfile::Builder::new().prefix("c2-clocks-").tempdir()? })
    }

    /// What to start a program by, so that its clock can jump. Time that passes is not touched: it
    /// is the time of day that somebody sets.
    pub(crate) fn way(&self, name: &str) -> Result<Vec<String>> {
        self.set(name, 0)?;
        Ok(vec![
            "/usr/bin/env".to_owned(),
            format!("LD_PRELOAD={}", self.library.display()),
            format!("FAKETIME_TIMESTAMP_FILE={}", self.file(name).display()),
            "FAKETIME_CACHE_DURATION=1".to_owned(),
            // Newer versions of the library know the first name, older ones the second.
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
            "DONT_FAKE_MONOTONIC=1".to_owned(),
        ])
    }

    /// Lets the clock of a program jump.
    pub(crate) fn jump(&self, name: &str, random: &mut Random) -> Result<()> {
        let offset = i64::try_from(random.below(2 * JUMP_S))? - i64::try_from(JUMP_S)?;
        self.set(name, offset)
    }

    fn set(&self, name: &str, offset_s: i64) -> Result<()> {
        // Renamed into place: it is read at any time.
        let new = self.folder.path().join("new");
        std::fs::write(&new, format!("{offset_s:+}\n"))?;
        Ok(std::fs::rename(new, self.file(name))?)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
