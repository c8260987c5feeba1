//! Collects ended children, with what they used.

use std::io;

use c2_shared::job::Outcome;
use rustix::process::Pid;

/// What processes used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// Of the largest of them, in bytes.
    pub(crate) peak_bytes: u64,
    /// Of all of them together, in microseconds.
    pub(crate) cpu_us: u64,
}

impl Used {
    pub(crate) fn add(&mut self, other: Self) {
        self.peak_bytes = self.peak_bytes.max(other.peak_bytes);
        self.cpu_us = self.cpu_us.saturating_add(other.cpu_us);
    }
}

/// What became of the children of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reaped {
    /// One has ended like this, and used so much together with those that it had collected itself.
    One(Pid, Outcome, Used),
    /// Those that there are have not ended.
    NoneYet,
    /// There is none.
    NoChild,
}

/// Collects one child that has ended.
#[expect(unsafe_code, reason = "no other call says what a child used, and no crate makes this one for any child")]
pub(crate) fn reap() -> Reaped {
    // SAFETY: all parts of it are numbers, of which 0 is one.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    loop {
        // SAFETY: both pointers are to locals that outlive the call.
        let found = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG, &raw mut usage) };
        // A number below 0 is an error, and none that a process could have.
        match Pid::from_raw(found.max(0)) {
            Some(pid) => return Reaped::One(pid, outcome(status), used(&usage)),
            None if found == 0 => return Reaped::NoneYet,
            None if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            None => return Reaped::NoChild,
        }
    }
}

fn outcome(status: i32) -> Outcome {
    if libc::WIFEXITED(status) {
        Outcome::Exit { code: libc::WEXITSTATUS(status) }
    } else if libc::WIFSIGNALED(status) {
        Outcome::Signal { signal: libc::WTERMSIG(status) }
    } else {
        Outcome::Lost
    }
}

fn used(usage: &libc::rusage) -> Used {
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    let us = |time: libc::timeval| number(time.tv_sec).saturating_mul(1_000_000).saturating_add(number(time.tv_usec));
    Used {
        // The kernel counts in KiB.
        peak_bytes: number(usage.ru_maxrss).saturating_mul(1_024),
        cpu_us: us(usage.ru_utime).saturating_add(us(usage.ru_stime)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_as_the_kernel_writes_them() {
        for (status, expected) in
            [(0, Outcome::Exit { code: 0 }), (3 << 8, Outcome::Exit { code: 3 }), (9, Outcome::Signal { signal: 9 })]
        {
            assert_eq!(outcome(status), expected, "{status}");
        }
    }

    #[test]
    fn the_largest_counts_of_memory_and_all_of_time() {
        let mut used = Used::default();
        for (peak_bytes, cpu_us) in [(5, 1), (9, 2), (7, 4)] {
            used.add(Used { peak_bytes, cpu_us });
        }
        assert_eq!(used, Used { peak_bytes: 9, cpu_us: 7 });
    }
}
