//! The real store as the disk of a simulated c2d, in a temporary folder.

use std::thread::sleep;
use std::time::Duration;

use c2_shared::config::ServerConfig;
use c2d::engine::{Batch, Durable as _};
use c2d::sched::Decision;
use c2d::sched::decision::Saved;
use c2d::sched::event::Now;
use c2d::store::{Config, Engine, Opened, StoreError, open};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::disk::Disk;

/// Looks for the folder to be free, and the pause between two of them.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// SQLite in a folder of its own.
#[derive(Debug)]
pub struct SqliteDisk {
    dir: TempDir,
    opened: Option<Opened>,
    runtime: Runtime,
}

impl SqliteDisk {
    /// A new store.
    ///
    /// # Panics
    /// When the machine has no room for a temporary folder.
    #[must_use]
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime needs little");
        Self { dir: TempDir::new().expect("there is room for a temporary folder"), opened: None, runtime }
    }

    /// Lines of `jobs.log`.
    ///
    /// # Panics
    /// When the log cannot be read.
    #[must_use]
    pub fn log_lines(&self) -> usize {
        let path = self.dir.path().join("c2d/jobs.log");
        std::fs::read_to_string(path).expect("the store writes its log").lines().count()
    }
}

impl Default for SqliteDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl Disk for SqliteDisk {
    fn commit(&mut self, now: Now, decisions: &[Decision]) {
        let opened = self.opened.as_mut().expect("a disk is loaded before it is written to");
        let batch = Batch { decisions: decisions.to_vec(), outputs: Vec::new(), now };
        self.runtime.block_on(opened.writer.commit(batch)).expect("no constraint contradicts the scheduler");
    }

    fn load(&mut self) -> Saved {
        if let Some(opened) = self.opened.take() {
            opened.writer.close();
        }
        let dir = self.dir.path().join("c2d");
        let config = Config {
            engine: Engine::Sqlite,
            jobs_log: dir.join("jobs.log"),
            workers_json: dir.join("workers.json"),
            keep: ServerConfig::default().retention(),
            dir,
        };
        // A process that another test starts meanwhile holds the lock until it has become a program.
        let mut tries = 0;
        let opened = loop {
            match open(config.clone()) {
                Err(StoreError::Locked { .. }) if tries < LOCK_TRIES => tries += 1,
                opened => break opened.expect("what was written can be opened"),
            }
            sleep(LOCK_PAUSE);
        };
        let saved = opened.saved.clone();
        self.opened = Some(opened);
        saved
    }

    /// A start costs too much to look after every commit; each crash and the end of a history look.
    fn peek(&mut self) -> Option<Saved> {
        None
    }
}
