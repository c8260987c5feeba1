//! The store against the scheduler, crashes and people who edit its files.

use std::path::{Path, PathBuf};

use c2_shared::config::ServerConfig;
use c2_shared::id::{JobId, Session};
use c2_shared::job::{JobState, Outcome};
use c2_shared::resources::{Amount, Capacity, Card};
use tempfile::TempDir;

use super::{Candidate, Config, Engine, Opened, StoreError, Target, open};
use crate::engine::{Batch, Durable as _};
use crate::sched::Decision;
use crate::sched::decision::{EndedRecord, GrantRecord, JobRecord, KeyRecord, Saved, WorkerRecord};
use crate::sched::event::{Introduction, Now, Place};

mod postgres_server;
mod server;

mod blobs;
mod damage;
mod files;
mod outputs;
mod payload;
mod plans;
mod recovery;
mod retention;
mod saved;

mod on_postgres;

/// A folder for a store, and stores opened on it one after the other.
struct Lab {
    dir: TempDir,
    /// Where there is PostgreSQL.
    target: Option<Target>,
}

impl Lab {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), target: None }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("c2d")
    }

    /// The configuration of the next start: whoever opens PostgreSQL leads from then on.
    fn config(&self) -> Config {
        let engine = self.target.as_ref().map_or(Engine::Sqlite, |target| {
            let leadership = Candidate::open(target, "here").unwrap().try_lead().unwrap().unwrap();
            leadership.resign();
            Engine::Postgres { target: target.clone(), epoch: leadership.epoch().unwrap() }
        });
        Config { engine, ..config(&self.path()) }
    }

    /// Runs statements beside c2d.
    fn sql(&self, statements: &str) {
        match &self.target {
            None => rusqlite::Connection::open(self.path().join("c2.db")).unwrap().execute_batch(statements).unwrap(),
            Some(target) => super::Postgres::writer(target, None, "").unwrap().batch(statements).unwrap(),
        }
    }

    fn open(&self) -> Opened {
        open(self.config()).unwrap()
    }

    /// Commits each list as a batch of its own, closes, and answers what a new start would load.
    fn commit(&self, batches: &[Vec<Decision>]) -> Saved {
        let mut opened = self.open();
        for decisions in batches {
            commit(&mut opened, decisions).unwrap();
        }
        opened.writer.close();
        self.saved()
    }

    fn saved(&self) -> Saved {
        let opened = self.open();
        opened.writer.close();
        opened.saved
    }
}

fn config(dir: &Path) -> Config {
    Config {
        dir: dir.to_owned(),
        jobs_log: dir.join("jobs.log"),
        workers_json: dir.join("workers.json"),
        keep: ServerConfig::default().retention(),
        engine: Engine::Sqlite,
    }
}

fn commit(opened: &mut Opened, decisions: &[Decision]) -> Result<(), StoreError> {
    let batch = Batch { decisions: decisions.to_vec(), outputs: Vec::new(), now: Now::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(opened.writer.commit(batch)).map(drop)
}

fn job(id: u64) -> JobRecord {
    JobRecord {
        id: JobId(id),
        state: JobState::Queued,
        payload: r#"{"command":"true"}"#.into(),
        name: None,
        terms: Default::default(),
        depends: Vec::new(),
        pinned: None,
        retries_left: 0,
        submitted_ms: 5,
        attempt: 0,
        worker: None,
        started_ms: None,
        cancelling: false,
        crashes: 0,
    }
}

fn add(id: u64) -> Decision {
    Decision::AddJob(Box::new(job(id)))
}

fn end(id: u64, attempt: u32, seq: u64) -> Decision {
    let at_ms = 1_700_000_000_000 + seq;
    Decision::End { job: JobId(id), attempt, outcome: Outcome::Cancelled, started_ms: None, at_ms, seq }
}

fn worker(last: u8) -> WorkerRecord {
    let ip = std::net::IpAddr::from([127, 0, 0, last]);
    let intro = Introduction {
        id: format!("id{last}").into(),
        ip,
        hostname: format!("host{last}"),
        place: Place { boot_id: "boot".into(), machine: "machine".into(), folder: "folder".into() },
        session: Session { start: 7, nonce: "nonce".into() },
        slots: 4,
        version: "1".into(),
        has: Capacity {
            cpus: 2,
            memory_bytes: 1 << 30,
            gpus: vec![Card { index: 0, vram_bytes: 9 }],
            needs: [].into(),
        },
        mac: Some("52:54:00:12:34:56".parse().unwrap()),
        unfenced: false,
        hardware: r#"{"cpu_cores":2}"#.into(),
    };
    WorkerRecord {
        intro,
        groups: ["gpu".to_owned()].into(),
        tags: ["gpu:0".to_owned()].into(),
        resources: [("license".to_owned(), Amount(2))].into(),
        drained: false,
        passed_on: false,
        quarantine: None,
        asleep: last == 3,
    }
}

fn saved_with(jobs: Vec<JobRecord>, change: impl FnOnce(&mut Saved)) -> Saved {
    let last_job = jobs.last().map_or(0, |job| job.id.0);
    let mut saved = Saved { jobs, last_job, ..Saved::default() };
    change(&mut saved);
    saved
}
