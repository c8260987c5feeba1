//! Memory that is free again goes back to the system.
//!
//! glibc would keep it: each of its arenas up to twice the largest block that was ever freed. One batch of
//! many jobs, or one worker that says too much, would make c2d large for as long as it runs.

use std::time::Duration;

use tokio::sync::watch;

use crate::http::stopped;

/// Blocks from this size on are given back one by one as soon as they are free.
#[cfg(target_env = "gnu")]
const ALONE_BYTES: libc::c_int = 256 * 1024;
/// Free memory at the end of the heap beyond which it is given back.
#[cfg(target_env = "gnu")]
const KEPT_BYTES: libc::c_int = 512 * 1024;

/// To be called before there are other threads.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "there is no other way to tell the allocator")]
pub fn give_back() {
    // One arena: what is freed in it serves all threads, and c2d has few that allocate at the same time.
    for (option, value) in
        [(libc::M_ARENA_MAX, 1), (libc::M_MMAP_THRESHOLD, ALONE_BYTES), (libc::M_TRIM_THRESHOLD, KEPT_BYTES)]
    {
        // SAFETY: it takes two numbers, and refuses those that it does not know.
        let _is_known = unsafe { libc::mallopt(option, value) };
    }
}

/// Other allocators give it back by themselves.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}

/// Between two looks for memory that is free and was not given back, as it lies between what is in use.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// So much may be free and kept.
const FREE_BYTES_MAX: u64 = 8 << 20;
/// Nothing is looked at as long as c2d takes less.
const SMALL_BYTES: u64 = 32 << 20;

/// Gives back what becomes free between what is in use, from time to time, until c2d goes down.
pub(crate) async fn keep_small(mut stopping: watch::Receiver<bool>) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let mut kept = Kept::default();
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stopped(&mut stopping) => return,
        }
        // Every thread that allocates meanwhile waits for it, some milliseconds where much is free.
        kept = tokio::task::spawn_blocking(move || kept.look()).await.unwrap_or_default();
    }
}

/// What was seen at earlier looks.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    /// The most that was in use since memory was given back.
    most_used: u64,
    /// What c2d took after that.
    taken: u64,
}

impl Kept {
    fn look(mut self) -> Self {
        let taken = taken_bytes();
        if taken < SMALL_BYTES {
            return self;
        }
        let Some((used, free)) = heap_bytes() else { return self };
        self.most_used = self.most_used.max(used);
        if self.is_worth_it(taken, used, free) {
            trim();
            self = Self { most_used: used, taken: taken_bytes() };
        }
        self
    }

    /// What was given back once still counts as free, so that alone does not say that there is something to give.
    const fn is_worth_it(&self, taken: u64, used: u64, free: u64) -> bool {
        let (was_used, has_grown) = (self.most_used.saturating_sub(used), taken.saturating_sub(self.taken));
        free > FREE_BYTES_MAX && (was_used > FREE_BYTES_MAX || has_grown > FREE_BYTES_MAX)
    }
}

/// What this process takes of the machine's memory.
fn taken_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024
}

/// Of the heap, what is in use and what is free.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "there is no other way to ask the allocator")]
fn heap_bytes() -> Option<(u64, u64)> {
    // SAFETY: it takes nothing and answers numbers.
    let info = unsafe { libc::mallinfo2() };
    Some((info.uordblks as u64, info.fordblks as u64))
}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "there is no other way to tell the allocator")]
fn trim() {
    // SAFETY: it takes a number, of bytes to keep at the end of the heap, and gives back only what is free.
    let _has_given = unsafe { libc::malloc_trim(0) };
}

#[cfg(not(target_env = "gnu"))]
fn heap_bytes() -> Option<(u64, u64)> {
    None
}

#[cfg(not(target_env = "gnu"))]
fn trim() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_where_there_is_some() {
        let kept = Kept { most_used: mb(50), taken: mb(40) };
        for (taken, used, free, expected) in [
            (mb(70), mb(20), mb(40), true),
            (mb(41), mb(20), mb(40), true),
            (mb(41), mb(49), mb(40), false),
            (mb(70), mb(50), mb(10), true),
            (mb(70), mb(20), mb(5), false),
        ] {
            assert_eq!(kept.is_worth_it(taken, used, free), expected, "{taken} {used} {free}");
        }
    }

    #[cfg(target_env = "gnu")]
    #[test]
    fn what_lies_between_is_given_back() {
        // Small blocks, of which one in a hundred stays: the heap's end does not move.
        let mut blocks: Vec<Option<Box<[u8; 1_000]>>> = (0..120_000).map(|_| Some(Box::new([1; 1_000]))).collect();
        let kept = Kept::default().look();
        let full = taken_bytes();
        for (n, block) in blocks.iter_mut().enumerate() {
            if n % 100 != 0 {
                *block = None;
            }
        }
        let after = kept.look();
        let left = taken_bytes();
        assert!(left + mb(60) < full, "{left} of {full} bytes");
        assert!(after.most_used < kept.most_used);
        assert!(blocks.iter().flatten().count() == 1_200);
    }

    const fn mb(n: u64) -> u64 {
        n << 20
    }
}
