//! How the store is: the thread that writes says so, anybody may ask.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use c2_shared::limits::{EXHAUSTED_BYTES, FREE_BYTES_FLOOR};
use c2_shared::time::Mono;
use rustix::fs::{AtFlags, CWD, StatVfsMountFlags, Timespec, Timestamps, UTIME_NOW, statvfs, utimensat};
use rustix::io::Errno;

const READ_ONLY: &str = "the disk of c2d is read-only";
/// How long a commit may take before that is worth a word.
const COMMIT_SLOW_MS: u64 = 3_000;

/// How often it is tried at most whether the disk takes anything, however often somebody asks; and how long
/// that may take.
const TRY_EVERY_MS: u64 = 5_000;
const TRY_SLOW_MS: u64 = 1_000;

/// How the store is; cheap to clone.
#[derive(Clone, Debug)]
pub struct Health(Arc<State>);

#[derive(Debug)]
struct State {
    dir: PathBuf,
    /// When the commit that is under way began, counted from 1; 0 for none.
    committing: AtomicU64,
    is_exhausted: AtomicBool,
    log_is_behind: AtomicBool,
    workers_are_behind: AtomicBool,
    tried: Mutex<Tried>,
}

/// A small change to the disk, made only to see whether that can be done: a file system that failed may look
/// as if nothing had happened.
#[derive(Debug, Default)]
struct Tried {
    /// When the try that is under way began.
    begun: Option<Mono>,
    /// The last one, and what was wrong.
    last: Option<(Mono, Option<String>)>,
}

impl Health {
    pub(super) fn new(dir: &Path) -> Self {
        Self(Arc::new(State {
            dir: dir.to_owned(),
            committing: AtomicU64::new(0),
            is_exhausted: AtomicBool::new(false),
            log_is_behind: AtomicBool::new(false),
            workers_are_behind: AtomicBool::new(false),
            tried: Mutex::default(),
        }))
    }

    pub(super) fn commit_begins(&self, now: Mono) {
        self.0.committing.store(now.0 + 1, Ordering::Relaxed);
    }

    /// A commit is over; nothing of it was written if there was no space.
    pub(super) fn commit_ended(&self, no_space: bool) {
        self.0.committing.store(0, Ordering::Relaxed);
        self.0.is_exhausted.store(no_space, Ordering::Relaxed);
    }

    pub(super) fn derived(&self, log_is_behind: bool, workers_are_behind: bool) {
        self.0.log_is_behind.store(log_is_behind, Ordering::Relaxed);
        self.0.workers_are_behind.store(workers_are_behind, Ordering::Relaxed);
    }

    /// What keeps the store from doing all that it should. It looks at the disk, which may hang: see
    /// [`Self::stuck`].
    pub fn degraded(&self, now: Mono) -> Option<String> {
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        if let Some(stuck) = self.stuck(now) {
            return Some(stuck);
        }
        let (is_read_only, free) = match statvfs(&*self.0.dir) {
            Ok(disk) => (disk.f_flag.contains(StatVfsMountFlags::RDONLY), disk.f_bavail.saturating_mul(disk.f_frsize)),
            Err(error) => return Some(format!("the data folder cannot be used: {error}")),
        };
        if is_read_only {
            Some(READ_ONLY.to_owned())
        } else if let Some(failure) = self.try_disk(now) {
            Some(failure)
        } else if is(&self.0.is_exhausted) && free < EXHAUSTED_BYTES {
            Some("the disk of c2d is full, nothing can be recorded".to_owned())
        } else if free < FREE_BYTES_FLOOR {
            Some(format!("the disk of c2d is nearly full ({} MB free), new jobs are refused", free >> 20))
        } else if is(&self.0.log_is_behind) {
            Some("jobs.log cannot be written and is behind".to_owned())
        } else if is(&self.0.workers_are_behind) {
            Some("workers.json cannot be written and is behind".to_owned())
        } else {
            None
        }
    }

    /// Whether a commit has waited for the disk for long. Asks no disk.
    pub fn stuck(&self, now: Mono) -> Option<String> {
        let committing =
            self.0.committing.load(Ordering::Relaxed).checked_sub(1).map(|since| now.since_ms(Mono(since)));
        let trying = self.tried().begun.map(|since| now.since_ms(since));
        let waits_ms = committing.filter(|ms| *ms > COMMIT_SLOW_MS).or(trying.filter(|ms| *ms > TRY_SLOW_MS))?;
        Some(format!("the disk of c2d has not answered for {} s", waits_ms / 1_000))
    }

    /// Whether the disk takes a change, as of a moment ago at most.
    fn try_disk(&self, now: Mono) -> Option<String> {
        let mut tried = self.tried();
        let is_new = tried.last.as_ref().is_some_and(|(at, _)| now.since_ms(*at) < TRY_EVERY_MS);
        if is_new || tried.begun.is_some() {
            return tried.last.as_ref().and_then(|(_, failure)| failure.clone());
        }
        tried.begun = Some(now);
        drop(tried);
        let time = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let times = Timestamps { last_access: time, last_modification: time };
        let failure = match utimensat(CWD, &*self.0.dir, &times, AtFlags::empty()) {
            Ok(()) => None,
            Err(Errno::ROFS) => Some(READ_ONLY.to_owned()),
            Err(error) => Some(format!("the disk of c2d fails: {error}")),
        };
        *self.tried() = Tried { begun: None, last: Some((now, failure.clone())) };
        failure
    }

    fn tried(&self) -> MutexGuard<'_, Tried> {
        self.0.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let dir = tempfile::TempDir::new().unwrap();
        let health = Health::new(dir.path());
        let says = |now| health.degraded(Mono(now)).unwrap_or_default();
        assert_eq!(says(9_000), "");
        health.commit_begins(Mono(0));
        assert_eq!(says(COMMIT_SLOW_MS), "");
        assert_eq!(says(40_000), "the disk of c2d has not answered for 40 s");
        health.commit_ended(false);
        assert_eq!(says(40_000), "");
        health.derived(true, true);
        assert!(says(0).contains("jobs.log"));
        health.derived(false, true);
        assert!(says(0).contains("workers.json"));
        std::fs::remove_dir(dir.path()).unwrap();
        assert!(says(0).contains("cannot be used"));
    }
}
