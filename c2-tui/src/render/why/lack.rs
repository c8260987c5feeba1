//! What a worker lacks for a job, in words: resources, or being awake.

use std::collections::BTreeSet;

use c2_shared::id::AttemptId;
use c2_shared::resources::is_bytes;
use c2_shared::time::span;
use c2_shared::worker::GpuProcess;

use crate::render::resources::about;
use crate::render::workers::joined;

/// How a machine sleeps, or is woken.
pub(super) fn sleep(waking: bool, failed: u32, retry_ms: Option<u64>, unwakeable: bool) -> String {
    if unwakeable {
        return "asleep, and its agent said no address by which it could be woken".to_owned();
    }
    let times = if failed == 1 { "once".to_owned() } else { format!("{failed} times") };
    match (waking, failed, retry_ms) {
        (true, 0, _) => "being woken".to_owned(),
        (true, ..) => format!("being woken; {times} it was not heard"),
        (false, 0, _) => "asleep".to_owned(),
        (false, _, Some(ms)) => format!("asleep; woken {times} and not heard, next try in {}", span(ms)),
        (false, ..) => format!("asleep; woken {times} and not heard"),
    }
}

/// What is short of a resource: at all, or free at the moment, and who has it.
pub(super) fn short(
    resource: &str,
    (needed, total, free): (u64, u64, u64),
    holders: &[AttemptId],
    foreign: &[GpuProcess],
) -> String {
    if needed > total {
        let has = if total == 0 { format!("no {resource}") } else { amount(resource, total) };
        return format!("has {has}, needs {}", amount(resource, needed));
    }
    let by = jobs_of(holders).chain(foreign.iter().map(process)).collect::<BTreeSet<_>>();
    let by = if by.is_empty() { String::new() } else { format!("; in use by {}", joined(by)) };
    format!("{} of {} free, needs {}{by}", number(resource, free), amount(resource, total), number(resource, needed))
}

/// A process that belongs to no job.
pub(super) fn process(process: &GpuProcess) -> String {
    format!("{} (pid {}, no job, {})", process.name, process.pid, about(process.memory_bytes))
}

pub(super) fn amount(resource: &str, amount: u64) -> String {
    let name = match (resource, amount) {
        ("cpus" | "gpus", 1) => resource.trim_end_matches('s'),
        _ => resource,
    };
    format!("{} {name}", number(resource, amount))
}

pub(super) fn number(resource: &str, amount: u64) -> String {
    if is_bytes(resource) { about(amount) } else { amount.to_string() }
}

pub(super) fn jobs_of(holders: &[AttemptId]) -> impl Iterator<Item = String> {
    holders.iter().map(|attempt| attempt.job.to_string())
}
