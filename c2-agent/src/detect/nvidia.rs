//! NVIDIA graphics processors, as `nvidia-smi` tells them. A machine without it has none.

use std::process::Stdio;
use std::time::Duration;

use c2_shared::worker::{Gpu, GpuProcess};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::gpu::Found;

/// Time for `nvidia-smi` to answer; without its persistence daemon it wakes the cards up first.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The cards. Whatever goes wrong reads as no graphics processors.
pub(super) async fn read() -> Vec<Found> {
    const CARDS: &str = "--query-gpu=index,name,uuid,memory.total,utilization.gpu,memory.used";
    parse(&ask("nvidia-smi", CARDS).await)
}

/// The processes that compute on these cards.
pub(super) async fn processes(cards: &[Found]) -> Vec<GpuProcess> {
    const PROCESSES: &str = "--query-compute-apps=gpu_uuid,pid,process_name,used_memory";
    if cards.iter().all(|card| card.gpu.uuid.starts_with("GPU-")) {
        parse_processes(&ask("nvidia-smi", PROCESSES).await, cards)
    } else {
        Vec::new()
    }
}

/// What the program prints; nothing if it fails. One that hangs is waited for, once it was told to end: a driver
/// that hangs lets none of its callers go, and there must not be ever more of them.
async fn ask(program: &str, query: &str) -> String {
    let started = Command::new(program)
        .args([query, "--format=csv,noheader,nounits"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return String::new(),
        Err(error) => {
            tracing::warn!("cannot ask {program} for graphics processors: {error}");
            return String::new();
        }
    };
    let mut output = child.stdout.take().expect("its output was asked to be a pipe");
    let mut said = Vec::new();
    if tokio::time::timeout(TIMEOUT, output.read_to_end(&mut said)).await.is_err() {
        tracing::warn!("{program} did not answer within {} s", TIMEOUT.as_secs());
        said.clear();
    }
    // It may have closed its output and go on.
    if tokio::time::timeout(Duration::from_millis(if said.is_empty() { 0 } else { 1_000 }), child.wait()).await.is_err()
    {
        let _gone = child.start_kill();
        let _waited = child.wait().await;
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// Reads the table: index, name, uuid, memory in MiB, use in percent, memory in use. Lines of another
/// form, as when the driver fails, are left out; a figure that the card does not tell reads as 0.
fn parse(table: &str) -> Vec<Found> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [index, name, uuid, memory, percent, used] = fields[..] else { return None };
        let bytes = |mib: &str| mib.parse::<u64>().unwrap_or(0).saturating_mul(1024 * 1024);
        let gpu = Gpu {
            index: index.parse().ok()?,
            name: name.to_owned(),
            uuid: uuid.to_owned(),
            memory_bytes: bytes(memory),
        };
        Some(Found { gpu, percent: percent.parse().unwrap_or(0.0), memory_used_bytes: bytes(used) })
    };
    let mut found: Vec<Found> = table.lines().filter_map(line).collect();
    found.sort_by_key(|found| found.gpu.index);
    found
}

/// Reads the table: uuid of the card, process, its program, its memory in MiB.
fn parse_processes(table: &str, cards: &[Found]) -> Vec<GpuProcess> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [uuid, pid, name, mib] = fields[..] else { return None };
        let card = cards.iter().find(|card| card.gpu.uuid == uuid)?;
        Some(GpuProcess {
            gpu: card.gpu.index,
            pid: pid.parse().ok()?,
            // A whole path says no more than its end.
            name: name.rsplit('/').next().unwrap_or(name).to_owned(),
            memory_bytes: mib.parse::<u64>().unwrap_or(0).saturating_mul(1024 * 1024),
        })
    };
    table.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(index: u32, memory_mib: u64, percent: f32) -> Found {
        let gpu = Gpu {
            index,
            name: "NVIDIA GeForce RTX 3090".to_owned(),
            uuid: format!("GPU-{index}"),
            memory_bytes: memory_mib * 1024 * 1024,
        };
        Found { gpu, percent, memory_used_bytes: memory_mib / 2 * 1024 * 1024 }
    }

    fn check(table: &str, expected: &[Found]) {
        assert_eq!(parse(table), expected, "{table}");
    }

    #[test]
    fn tables() {
        let row = |index: u32| format!("{index}, NVIDIA GeForce RTX 3090, GPU-{index}, 24576, {index}, 12288\n");
        check("", &[]);
        check(&row(0), &[found(0, 24_576, 0.0)]);
        let eight: String = (0..8).rev().map(row).collect();
        let all: Vec<Found> = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
            .into_iter()
            .zip(0..)
            .map(|(percent, index)| found(index, 24_576, percent))
            .collect();
        check(&eight, &all);
        check("1, NVIDIA GeForce RTX 3090, GPU-1, [N/A], [Not Supported], [N/A]\n", &[found(1, 0, 0.0)]);
        check("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", &[]);
        check("No devices were found\n", &[]);
        check("x, y, z, 1, 2, 3\n", &[]);
    }

    #[tokio::test]
    async fn a_missing_program_means_none() {
        assert_eq!(ask("/nonexistent/nvidia-smi", "x").await, "");
    }

    #[tokio::test]
    async fn a_program_that_says_something_else_means_none() {
        assert_eq!(parse(&ask("echo", "x").await), []);
    }

    #[test]
    fn processes_are_told_by_their_cards() {
        let cards = [found(0, 24_576, 0.0), found(3, 24_576, 0.0)];
        let table =
            "GPU-3, 4711, /usr/lib/blender/blender, 6144\nGPU-9, 1, x, 1\nGPU-0, 12, python3, [N/A]\nno table\n";
        let process = |gpu, pid, name: &str, memory_bytes| GpuProcess { gpu, pid, name: name.to_owned(), memory_bytes };
        let expected = [process(3, 4711, "blender", 6 << 30), process(0, 12, "python3", 0)];
        assert_eq!(parse_processes(table, &cards), expected);
    }
}
