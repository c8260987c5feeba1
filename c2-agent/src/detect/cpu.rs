//! Processors: model, count, use.

use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// Measures use between one look and the next.
#[derive(Debug)]
pub(crate) struct Meter {
    system: Option<System>,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self { system: System::new_with_specifics(with_cpu(CpuRefreshKind::nothing().with_usage())).ok() }
    }

    /// Use of all processors together since the last look, 0 to 100.
    pub(crate) fn percent(&mut self) -> f32 {
        let Some(system) = &mut self.system else { return 0.0 };
        system.refresh_cpu_usage();
        system.global_cpu_usage()
    }
}

/// The model name of the first processor.
pub(crate) fn model() -> String {
    let system = System::new_with_specifics(with_cpu(CpuRefreshKind::nothing())).ok();
    let brand = system.as_ref().and_then(|system| system.cpus().first()).map(|cpu| cpu.brand().trim().to_owned());
    brand.unwrap_or_default()
}

/// Processors that this process may use.
pub(crate) fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

/// Processes and threads that this machine can have at once.
pub(crate) fn pids() -> u64 {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?.trim().parse().ok();
    ["pid_max", "threads-max"].into_iter().filter_map(read).min().unwrap_or(u64::MAX)
}

/// Load average of the last minute.
pub(crate) fn load_1m() -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a load average needs no more digits than f32 has")]
    System::load_average().map_or(0.0, |load| load.one as f32)
}

fn with_cpu(kind: CpuRefreshKind) -> RefreshKind {
    RefreshKind::nothing().with_cpu(kind)
}
