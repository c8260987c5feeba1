//! Which processes go first when memory is short.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;

/// How early a process goes when memory is short, from -1000 to 1000; jobs go before agent and runner.
const OOM: &str = "/proc/self/oom_score_adj";
const JOB_OOM: &str = "500";

/// How early this process goes when memory is short, which its children take over at their start. The file stays
/// open, as it is written twice for each job; none where it may not be changed.
#[derive(Debug)]
pub(super) struct Oom {
    file: Option<File>,
    own: String,
}

impl Oom {
    pub(super) fn open() -> Self {
        let own = std::fs::read_to_string(OOM).unwrap_or_default().trim().to_owned();
        Self { file: OpenOptions::new().write(true).open(OOM).ok(), own }
    }

    /// Does it as one that goes before this process; where that cannot be, jobs are as likely to go as all others.
    pub(super) fn first<T>(&self, work: impl FnOnce() -> T) -> T {
        let set = |value: &str| self.file.as_ref().map(|file| file.write_all_at(value.as_bytes(), 0));
        let was_set = matches!(set(JOB_OOM), Some(Ok(())));
        let done = work();
        if was_set && let Some(Err(error)) = set(&self.own) {
            tracing::warn!("this process goes as early as its jobs when memory is short: {error}");
        }
        done
    }
}
