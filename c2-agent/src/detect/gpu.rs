//! NVIDIA graphics processors, as `nvidia-smi` tells them. A machine without it has none.

use std::process::Stdio;
use std::time::Duration;

use c2_shared::worker::{Gpu, GpuMemory};
use tokio::process::Command;

/// Time for `nvidia-smi` to answer; without its persistence daemon it wakes the cards up first.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A graphics processor and how busy it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) gpu: Gpu,
    pub(crate) percent: f32,
    memory_used_bytes: u64,
}

impl Found {
    pub(crate) const fn memory(&self) -> GpuMemory {
        GpuMemory { used_bytes: self.memory_used_bytes, total_bytes: self.gpu.memory_bytes }
    }
}

/// Asks `nvidia-smi`. Whatever goes wrong reads as no graphics processors.
pub(crate) async fn read() -> Vec<Found> {
    ask("nvidia-smi").await
}

async fn ask(program: &str) -> Vec<Found> {
    let asked = Command::new(program)
        .args(["--query-gpu=index,name,uuid,memory.total,utilization.gpu,memory.used", "--format=csv,noheader,nounits"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(TIMEOUT, asked).await {
        Ok(Ok(output)) => parse(&String::from_utf8_lossy(&output.stdout)),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Ok(Err(error)) => {
            tracing::warn!("cannot ask {program} for graphics processors: {error}");
            Vec::new()
        }
        Err(_) => {
            tracing::warn!("{program} did not answer within {} s", TIMEOUT.as_secs());
            Vec::new()
        }
    }
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
        assert_eq!(ask("/nonexistent/nvidia-smi").await, []);
    }

    #[tokio::test]
    async fn a_program_that_says_something_else_means_none() {
        assert_eq!(ask("echo").await, []);
    }
}
