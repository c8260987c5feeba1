//! The real store as the disk of a simulated c2d: in a temporary folder, or in a database on a server.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use c2_shared::config::ServerConfig;
use c2d::engine::{Batch, Durable as _};
use c2d::sched::Decision;
use c2d::sched::decision::Saved;
use c2d::sched::event::Now;
use c2d::store::{Candidate, Config, Engine, Opened, StoreError, Target, open};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::disk::Disk;

/// Looks for the folder to be free, and the pause between two of them.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// SQLite in a folder of its own, or a schema of its own on a server.
#[derive(Debug)]
pub struct StoreDisk {
    dir: TempDir,
    target: Option<Target>,
    opened: Option<Opened>,
    runtime: Runtime,
}

impl StoreDisk {
    /// A new store.
    ///
    /// # Panics
    /// When the machine has no room for a temporary folder.
    #[must_use]
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime needs little");
        Self { dir: TempDir::new().expect("there is room for a temporary folder"), target: None, opened: None, runtime }
    }

    /// A new store in a new schema of the server whose socket is in this folder.
    ///
    /// # Panics
    /// When the server does not make one.
    #[must_use]
    pub fn on_postgres(socket: &Path, schema: &str) -> Self {
        let mut psql = Command::new("psql");
        psql.arg("-h").arg(socket).args(["-U", "c2", "-d", "postgres", "-qc", &format!("CREATE SCHEMA {schema}")]);
        assert!(psql.status().is_ok_and(|status| status.success()), "no schema {schema}");
        let url = format!("{}?options=-csearch_path%3D{schema}", crate::postgres_server::url(socket));
        Self { target: Some(url.parse().expect("it is well formed")), ..Self::new() }
    }

    /// As the next leader.
    fn engine(&self) -> Engine {
        let Some(target) = &self.target else { return Engine::Sqlite };
        let mut candidate = Candidate::open(target, "here").expect("the server answers");
        let leadership = candidate.try_lead().expect("the server answers").expect("nobody else leads");
        leadership.resign();
        Engine::Postgres { target: target.clone(), epoch: leadership.epoch().expect("it has a number") }
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

impl Default for StoreDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl Disk for StoreDisk {
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
            engine: self.engine(),
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
