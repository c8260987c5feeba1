//! Main memory.

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// All memory, in bytes.
pub(crate) fn total() -> u64 {
    used_and_total().1
}

/// Memory in use and all memory, in bytes.
pub(crate) fn used_and_total() -> (u64, u64) {
    let only_memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    System::new_with_specifics(only_memory).map_or((0, 0), |system| (system.used_memory(), system.total_memory()))
}
