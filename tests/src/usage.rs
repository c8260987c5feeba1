//! What a process uses, as the kernel counts it.

use anyhow::{Context as _, Result};
use rustix::process::Pid;

/// Processor time that a process used so far, in milliseconds; the kernel counts it by tens.
///
/// # Errors
/// When it is gone.
pub fn processor_ms(pid: Pid) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))?;
    let (_, fields) = stat.rsplit_once(") ").context("no fields")?;
    let field = |n: usize| fields.split(' ').nth(n).context("too few fields")?.parse::<u64>().context("no number");
    Ok((field(11)? + field(12)?) * 10)
}

/// How often the threads of a process went to sleep by themselves so far: so often, but for one each, they were woken.
/// A machine that is busy with others changes nothing about it.
///
/// # Errors
/// When it is gone.
pub fn wakeups(pid: Pid) -> Result<u64> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()))?;
    let mut wakeups = 0;
    for task in tasks {
        // A thread may end meanwhile.
        let Ok(status) = std::fs::read_to_string(task?.path().join("status")) else { continue };
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        wakeups += count.context("no switches")?.trim().parse::<u64>()?;
    }
    Ok(wakeups)
}

/// Bytes that a process read so far, from files as well as from connections.
///
/// # Errors
/// When it is gone.
pub fn read_bytes(pid: Pid) -> Result<u64> {
    let counts = std::fs::read_to_string(format!("/proc/{}/io", pid.as_raw_nonzero()))?;
    let count = counts.lines().find_map(|line| line.strip_prefix("rchar: ")).context("no rchar")?;
    Ok(count.parse()?)
}

/// Memory of a process that is resident, in bytes; the pages of its program count as well.
///
/// # Errors
/// When it is gone.
pub fn memory_bytes(pid: Pid) -> Result<u64> {
    status_bytes(pid, "VmRSS:")
}

/// The most memory that a process ever had, in bytes.
///
/// # Errors
/// When it is gone.
pub fn peak_bytes(pid: Pid) -> Result<u64> {
    status_bytes(pid, "VmHWM:")
}

fn status_bytes(pid: Pid, field: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).with_context(|| format!("no {field}"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1_024)
}
