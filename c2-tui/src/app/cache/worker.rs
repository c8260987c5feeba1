//! A worker's row, with its recent load.

use c2_shared::api::workers::WorkerRow;

use crate::app::text::sanitize;

/// Samples of the load that are kept: a minute and a half at one contact every 5 s.
const SAMPLES_MAX: usize = 16;

/// A worker as the console holds it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Worker {
    /// What c2d said.
    pub(crate) row: WorkerRow,
    /// Its host name, harmless.
    pub(crate) hostname: String,
    /// When it was last heard, in unix milliseconds of the console's clock.
    pub(crate) heard_ms: Option<u64>,
    /// Processor use in percent, oldest first.
    pub(crate) cpu: Vec<u8>,
}

impl Worker {
    /// Takes a row that arrived at `now_ms`, going on with the samples of the row before it.
    pub(crate) fn new(row: WorkerRow, before: Option<&Self>, now_ms: u64) -> Self {
        let mut cpu = before.map(|w| w.cpu.clone()).unwrap_or_default();
        cpu.push(percent(row.load.cpu_percent));
        if cpu.len() > SAMPLES_MAX {
            cpu.remove(0);
        }
        // After c2d was started again it has heard nobody; this console may know better.
        let heard_ms = row.silent_ms.map(|silent| now_ms.saturating_sub(silent)).or(before.and_then(|w| w.heard_ms));
        let hostname = sanitize(&row.hostname);
        Self { row, hostname, heard_ms, cpu }
    }

    /// What filters search.
    pub(super) fn searched(&self) -> String {
        let mut searched = format!("{} {} {}", self.row.ip, self.hostname, self.row.status);
        for group in &self.row.groups {
            searched = searched + " @" + group;
        }
        for tag in self.row.tags.keys() {
            searched = searched + " " + tag;
        }
        searched
    }

    pub(crate) fn cpu_percent(&self) -> u8 {
        percent(self.row.load.cpu_percent)
    }

    pub(crate) fn memory_percent(&self) -> u8 {
        let load = &self.row.load;
        let used = load.memory_used_bytes.saturating_mul(100).checked_div(load.memory_total_bytes).unwrap_or(0);
        u8::try_from(used.min(100)).unwrap_or(100)
    }
}

/// A percentage as a worker said it, made safe: workers may say anything.
pub(crate) fn percent(value: f32) -> u8 {
    let whole = format!("{:.0}", value.clamp(0.0, 100.0));
    whole.parse().unwrap_or(0)
}
