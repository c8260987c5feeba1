//! What the kernel counts of this process, by the names that Prometheus' own clients use.

use std::fs;

use rustix::process::{Resource, getrlimit};

/// Ticks of a second in files of the kernel, on every kind of machine.
const TICKS: f64 = 100.0;

/// What can be read of it; what cannot be is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Process {
    pub(crate) cpu_s: Option<f64>,
    pub(crate) start_s: Option<f64>,
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) virtual_bytes: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) open_fds: Option<u64>,
    pub(crate) max_fds: Option<u64>,
}

impl Process {
    /// Reads it now.
    pub(crate) fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            open_fds: fs::read_dir("/proc/self/fd").ok().map(|fds| fds.count() as u64),
            max_fds: getrlimit(Resource::Nofile).current,
            ..Self::of(&text("/proc/self/stat"), &text("/proc/self/status"), &text("/proc/stat"))
        }
    }

    fn of(stat: &str, status: &str, of_system: &str) -> Self {
        // The name of the program may hold blanks and brackets.
        let fields: Vec<&str> = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
        let seconds = |at: usize| fields.get(at)?.parse::<f64>().ok().map(|ticks| ticks / TICKS);
        let number = |text: &str, name: &str| {
            let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
            rest.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()
        };
        let bytes = |name| number(status, name).map(|kilobytes| kilobytes * 1_024);
        #[expect(clippy::cast_precision_loss, reason = "the seconds since 1970 are exact for a long time")]
        let boot_s = number(of_system, "btime").map(|seconds| seconds as f64);
        Self {
            cpu_s: seconds(11).zip(seconds(12)).map(|(user, system)| user + system),
            start_s: seconds(19).zip(boot_s).map(|(since_boot, boot)| boot + since_boot),
            resident_bytes: bytes("VmRSS"),
            virtual_bytes: bytes("VmSize"),
            threads: number(status, "Threads"),
            open_fds: None,
            max_fds: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_kernel_are_read() {
        let stat = "7 (c2 d) x) S 1 7 7 0 -1 4194560 100 0 0 0 150 25 0 0 20 0 4 0 1000 99 9 18446744073709551615";
        let status = "Name:\tc2d\nVmSize:\t    2048 kB\nVmRSS:\t   10 kB\nThreads:\t4\n";
        let process = Process::of(stat, status, "cpu  1 2\nbtime 1700000000\nprocesses 5\n");
        let expected = Process {
            cpu_s: Some(1.75),
            start_s: Some(1_700_000_010.0),
            resident_bytes: Some(10_240),
            virtual_bytes: Some(2_097_152),
            threads: Some(4),
            open_fds: None,
            max_fds: None,
        };
        assert_eq!(process, expected);
        assert_eq!(Process::of("", "", ""), Process::default());
    }

    #[test]
    fn this_process_has_all_of_it() {
        let process = Process::read();
        assert!(process.cpu_s.is_some() && process.threads.is_some_and(|threads| threads > 0), "{process:?}");
        assert!(process.open_fds.is_some_and(|fds| fds > 2) && process.resident_bytes.is_some(), "{process:?}");
        assert!(process.start_s.is_some_and(|start| start > 1.5e9), "{process:?}");
    }
}
