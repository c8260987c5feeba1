//! Results on disk that c2d has not acknowledged, one file for each attempt.
//!
//! Only results that could not be delivered at the first try come here, so that the quick way
//! touches no disk, and those before which something else has to be delivered. A file is complete or
//! not there: it is written aside, synced and renamed. All of it is done by a thread of its own, so
//! that a slow disk delays no poll.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use c2_shared::api::work::AttemptResult;
use c2_shared::id::AttemptId;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::outputs::Long;
use crate::supervise::wire::Leaves;

/// A result on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The result.
    pub(crate) result: AttemptResult,
    /// What has to be delivered before it.
    pub(crate) leaves: Leaves,
}

impl From<AttemptResult> for Kept {
    fn from(result: AttemptResult) -> Self {
        Self { result, leaves: Leaves::default() }
    }
}

/// How it is written: a final result as it is.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<'a> {
    Delivering {
        result: Cow<'a, AttemptResult>,
        download: Cow<'a, [String]>,
        #[serde(default)]
        long: Long,
    },
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
    pub(crate) fn put(&self, Kept { result, leaves }: &Kept) -> io::Result<()> {
        let written = if leaves.is_empty() {
            Written::Final(Cow::Borrowed(result))
        } else {
            let download = Cow::Borrowed(&leaves.download[..]);
            Written::Delivering { result: Cow::Borrowed(result), download, long: leaves.long }
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
        Written::Delivering { result, download, long } => {
            Kept { result: result.into_owned(), leaves: Leaves { download: download.into_owned(), long } }
        }
    })
}

/// Writes results to the spool, one after the other, in a thread of its own.
#[derive(Debug)]
pub(crate) struct Spooler {
    orders: std::sync::mpsc::Sender<Order>,
    written: mpsc::UnboundedReceiver<Spooled>,
    under_way: usize,
}

#[derive(Debug)]
enum Order {
    Put(Box<Kept>),
    Remove(AttemptId),
}

/// What became of a result that was to be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spooled {
    pub(crate) attempt: AttemptId,
    /// Whether it is on disk. If not, its runner still has it.
    pub(crate) on_disk: bool,
}

impl Spooler {
    pub(crate) fn start(spool: Spool) -> io::Result<Self> {
        let (orders, ordered) = std::sync::mpsc::channel();
        let (done, written) = mpsc::unbounded_channel();
        let work = move || {
            for order in ordered {
                match order {
                    Order::Put(kept) => {
                        let attempt = kept.result.attempt;
                        let put = spool.put(&kept);
                        if let Err(error) = &put {
                            tracing::warn!("cannot keep the result of {attempt} on disk: {error}");
                        }
                        let _agent_left = done.send(Spooled { attempt, on_disk: put.is_ok() });
                    }
                    Order::Remove(attempt) => {
                        if let Err(error) = spool.remove(attempt) {
                            tracing::warn!("cannot remove the kept result of {attempt}: {error}");
                        }
                    }
                }
            }
        };
        std::thread::Builder::new().name("spool".to_owned()).spawn(work)?;
        Ok(Self { orders, written, under_way: 0 })
    }

    /// Has a result kept until [`Spooler::remove`].
    pub(crate) fn put(&mut self, kept: Kept) {
        self.under_way += 1;
        self.order(Order::Put(Box::new(kept)));
    }

    /// Has a result forgotten.
    pub(crate) fn remove(&self, attempt: AttemptId) {
        self.order(Order::Remove(attempt));
    }

    /// Waits for the next result that was kept, or not; for ever while none is under way.
    pub(crate) async fn spooled(&mut self) -> Spooled {
        match self.written.recv().await {
            Some(spooled) => {
                self.under_way -= 1;
                spooled
            }
            None => std::future::pending().await,
        }
    }

    /// Whether results are still being written.
    pub(crate) const fn is_busy(&self) -> bool {
        self.under_way > 0
    }

    fn order(&self, order: Order) {
        // The thread ends with the agent alone; should it have met a defect, nothing is on disk.
        let _ended = self.orders.send(order);
    }
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
            stdout: c2_shared::api::output::Output::whole("out"),
            ..AttemptResult::new(attempt, Outcome::Exit { code: 3 })
        };
        let final_one = Kept::from(result.clone());
        let delivering = Kept { result, leaves: Leaves { download: vec!["*.png".to_owned()], ..Leaves::default() } };
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
