//! Tags that fit a worker's hardware: a pure function from what the agent said of its machine.
//!
//! Few on purpose: a tag is a lock, so only what jobs should not share is suggested. `gpu:N` for
//! each graphics processor, `disk` where there is a disk of some size for jobs that would starve
//! each other on it, and one lock for memory or for all processors where the machine is large
//! enough that somebody would send it such jobs.

use std::collections::BTreeSet;

use c2_shared::api::workers::TagSuggestion;
use c2_shared::worker::{Disk, Hardware};

const GIB: u64 = 1 << 30;
/// A smaller disk is a boot partition or a stick, not a place where jobs keep data.
const DISK_BYTES_MIN: u64 = 16 * GIB;
/// Memory from which a machine is the one to which large jobs are sent.
const BIGMEM_BYTES_MIN: u64 = 60 * GIB;
/// Logical processors from which a job that wants all of them is worth a lock.
const CPU_CORES_MIN: u32 = 8;

/// Suggests tags, each with the reason, in a fixed order; `offered` are those that the worker has.
pub(crate) fn suggest(hardware: &Hardware, offered: &BTreeSet<String>) -> Vec<TagSuggestion> {
    let found = gpus(hardware).into_iter().chain(disks(hardware)).chain(memory(hardware)).chain(processors(hardware));
    found.map(|(tag, reason)| TagSuggestion { offered: offered.contains(&tag), tag, reason }).collect()
}

fn gpus(hardware: &Hardware) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let distinct = hardware.gpus.iter().filter(|gpu| seen.insert(gpu.index));
    distinct
        .map(|gpu| {
            let name = if gpu.name.is_empty() { "a graphics processor" } else { &gpu.name };
            let memory = if gpu.memory_bytes > 0 { format!(" with {}", size(gpu.memory_bytes)) } else { String::new() };
            (format!("gpu:{}", gpu.index), format!("{name}{memory}"))
        })
        .collect()
}

/// One `disk` for a machine with one, `disk:0` and so on for several: `disk` then asks for any.
fn disks(hardware: &Hardware) -> Vec<(String, String)> {
    let mut disks: Vec<&Disk> = hardware.disks.iter().filter(|disk| disk.total_bytes >= DISK_BYTES_MIN).collect();
    disks.sort_by(|a, b| a.mount.cmp(&b.mount));
    disks.dedup_by(|a, b| a.mount == b.mount);
    let several = disks.len() > 1;
    let numbered = disks.into_iter().enumerate();
    numbered
        .map(|(n, disk)| {
            let tag = if several { format!("disk:{n}") } else { "disk".to_owned() };
            let free = size(disk.free_bytes);
            (tag, format!("{} at {}, {free} free", size(disk.total_bytes), disk.mount))
        })
        .collect()
}

fn memory(hardware: &Hardware) -> Option<(String, String)> {
    let large = hardware.memory_bytes >= BIGMEM_BYTES_MIN;
    large.then(|| {
        ("bigmem".to_owned(), format!("{} of memory; for jobs that need most of it", size(hardware.memory_bytes)))
    })
}

fn processors(hardware: &Hardware) -> Option<(String, String)> {
    let cores = hardware.cpu_cores;
    let model = if hardware.cpu_model.is_empty() { String::new() } else { format!(" ({})", hardware.cpu_model) };
    let many = cores >= CPU_CORES_MIN;
    many.then(|| ("cpu".to_owned(), format!("{cores} processors{model}; for jobs that use all of them")))
}

fn size(bytes: u64) -> String {
    if bytes >= 1_024 * GIB {
        let tenths = bytes / (1_024 * GIB / 10);
        return format!("{}.{} TiB", tenths / 10, tenths % 10);
    }
    format!("{} GiB", (bytes + GIB / 2) / GIB)
}

#[cfg(test)]
mod tests {
    use c2_shared::worker::Gpu;

    use super::*;

    fn machine(cores: u32, memory_gib: u64, gpus: u32, disks: &[(&str, u64)]) -> Hardware {
        let gpu = |index| Gpu { index, name: "RTX 4090".to_owned(), memory_bytes: 24 * GIB, ..Gpu::default() };
        let disk = |(mount, gib): &(&str, u64)| Disk {
            mount: (*mount).to_owned(),
            total_bytes: gib * GIB,
            free_bytes: gib * GIB / 2,
        };
        Hardware {
            cpu_cores: cores,
            memory_bytes: memory_gib * GIB,
            gpus: (0..gpus).map(gpu).collect(),
            disks: disks.iter().map(disk).collect(),
            ..Hardware::default()
        }
    }

    fn check(hardware: &Hardware, expected: &[&str]) {
        let found = suggest(hardware, &BTreeSet::new());
        let tags: Vec<&str> = found.iter().map(|suggestion| suggestion.tag.as_str()).collect();
        assert_eq!(tags, expected, "{found:?}");
    }

    #[test]
    fn machines_and_their_tags() {
        check(&Hardware::default(), &[]);
        check(&machine(4, 8, 0, &[("/", 30), ("/boot", 1)]), &["disk"]);
        check(&machine(16, 32, 1, &[("/", 500)]), &["gpu:0", "disk", "cpu"]);
        let eight = ["gpu:0", "gpu:1", "gpu:2", "gpu:3", "gpu:4", "gpu:5", "gpu:6", "gpu:7"];
        let rest = ["disk:0", "disk:1", "bigmem", "cpu"];
        check(&machine(128, 512, 8, &[("/data", 4_000), ("/", 500)]), &[&eight[..], &rest[..]].concat());
        // What a worker says may be anything.
        let mut doubled = machine(2, 2, 1, &[("/", 100), ("/", 100)]);
        doubled.gpus.push(doubled.gpus[0].clone());
        check(&doubled, &["gpu:0", "disk"]);
    }

    #[test]
    fn reasons_name_what_was_found() {
        let offered = BTreeSet::from(["disk".to_owned()]);
        let found = suggest(&machine(16, 64, 1, &[("/", 2_048)]), &offered);
        let reasons: Vec<(&str, bool)> = found.iter().map(|found| (found.reason.as_str(), found.offered)).collect();
        let expected = [
            ("RTX 4090 with 24 GiB", false),
            ("2.0 TiB at /, 1.0 TiB free", true),
            ("64 GiB of memory; for jobs that need most of it", false),
            ("16 processors; for jobs that use all of them", false),
        ];
        assert_eq!(reasons, expected);
    }
}
