//! Mounted disks and their free space.

use std::path::Path;

use c2_shared::worker::Disk;
use rustix::fs::StatVfsMountFlags;
use sysinfo::{DiskRefreshKind, Disks};

/// Disks more than which nobody reads through, as on machines with many bind mounts.
const DISKS_MAX: usize = 32;

/// Bytes that may still be written to the file system of a folder; none if that cannot be told. Where
/// no file can be made, because it is read-only or has no inodes left, there is no space either.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    let closed = stat.f_flag.contains(StatVfsMountFlags::RDONLY) || (stat.f_files > 0 && stat.f_favail == 0);
    Some(if closed { 0 } else { stat.f_bavail.saturating_mul(stat.f_frsize) })
}

/// The mounted disks in the order of their mount points.
pub(crate) fn mounted() -> Vec<Disk> {
    let only_space = DiskRefreshKind::nothing().with_storage();
    let Ok(found) = Disks::new_with_refreshed_list_specifics(only_space) else { return Vec::new() };
    let mut disks: Vec<Disk> = found
        .iter()
        .map(|disk| Disk {
            mount: disk.mount_point().display().to_string(),
            total_bytes: disk.total_space(),
            free_bytes: disk.available_space(),
        })
        .filter(|disk| disk.total_bytes > 0)
        .collect();
    disks.sort_by(|a, b| a.mount.cmp(&b.mount));
    disks.truncate(DISKS_MAX);
    disks
}
