//! Who did what: `audit.log` has a line for each change, `refused.log` for what was refused. Both are
//! chained by hashes; how far `audit.log` reaches is kept in the database as well.
//!
//! What workers report while they work is in neither; jobs have a log of their own.

mod line;
mod scribe;

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::hash_chain::{self, Broken, Extent};
use scribe::Scribe;

pub(crate) use line::{Kind, Line, Made, kind};

/// The logs within the data folder.
pub(crate) const FILE: &str = "audit.log";
pub(crate) const REFUSED_FILE: &str = "refused.log";
/// The name under which the database keeps how far the log reaches.
pub(crate) const MEMO: &str = "audit";
/// Lines that may wait for the disk.
const LINES_LEN: usize = 256;

/// Writes the logs; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    lines: mpsc::Sender<(Kind, Line)>,
    /// Refusals that were not even counted, because too many came while the disk was slow.
    uncounted: Arc<AtomicU64>,
    clock: Clock,
}

/// The end of the logs, after which nothing more is written.
#[derive(Debug)]
pub(crate) struct AuditEnd(std::thread::JoinHandle<()>);

/// Where the extent of the log is kept: answers whether it is safe there.
pub(crate) type Keep = Box<dyn Fn(&Extent) -> bool + Send>;

impl Audit {
    /// Opens the logs and starts the thread that writes them. `known` is how far the log reached when
    /// this was last kept.
    pub(crate) fn open(dir: &Path, clock: Clock, known: Option<&str>, keep: Keep) -> io::Result<(Self, AuditEnd)> {
        let known = known.and_then(|text| serde_json::from_str(text).ok());
        let uncounted = Arc::default();
        let mut scribe = Scribe::open(dir, clock, known, keep, Arc::clone(&uncounted))?;
        let (lines, waiting) = mpsc::channel(LINES_LEN);
        let runtime = tokio::runtime::Handle::current();
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || runtime.block_on(scribe.run(waiting)))?;
        Ok((Self { lines, uncounted, clock }, AuditEnd(thread)))
    }

    /// Notes something. A change waits for its place in the log, a refusal for nothing.
    pub(crate) async fn note(&self, kind: Kind, mut line: Line) {
        line.time = self.time();
        if kind == Kind::Refused {
            if self.lines.try_send((kind, line)).is_err() {
                self.uncounted.fetch_add(1, Ordering::Relaxed);
            }
        } else {
            // Only at the very end nobody takes it any more.
            drop(self.lines.send((kind, line)).await);
        }
    }

    /// Notes what c2d itself did or saw.
    pub(crate) async fn saw(&self, kind: Kind, from: Option<IpAddr>, what: String) {
        self.note(kind, Line { who: Some("c2d".to_owned()), from, what: Some(what), ..Line::default() }).await;
    }

    fn time(&self) -> String {
        time(self.clock)
    }
}

impl AuditEnd {
    /// Waits until everything is written; everybody who could write must be gone.
    pub(crate) fn wait(self) {
        if self.0.join().is_err() {
            tracing::error!("the audit log's thread ended badly");
        }
    }
}

fn time(clock: Clock) -> String {
    Timestamp::from_millisecond(i64::try_from(clock.now().wall_ms).unwrap_or(i64::MAX)).unwrap_or_default().to_string()
}

/// Whether the log of a data folder is as it was written; `known` is what the database says of it.
pub(crate) fn verify(dir: &Path, known: impl Fn() -> Option<String>) -> Result<Extent, Broken> {
    hash_chain::verify(&dir.join(FILE), || known().and_then(|text| serde_json::from_str(&text).ok()))
}

/// The same for what was refused, of which nothing else is known.
pub(crate) fn verify_refused(dir: &Path) -> Result<Extent, Broken> {
    hash_chain::verify(&dir.join(REFUSED_FILE), || None)
}

/// How far a log reaches, as it is kept.
pub(crate) fn text(extent: &Extent) -> String {
    serde_json::to_string(extent).expect("our own plain types become JSON")
}

/// How far a log reaches, for people.
pub(crate) fn extent(text: &str) -> Option<String> {
    let extent: Extent = serde_json::from_str(text).ok()?;
    Some(format!("{} lines, the last is {}", extent.lines, extent.last))
}
