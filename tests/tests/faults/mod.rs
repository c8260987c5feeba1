//! What machines and networks do to C2, and what jobs do to their machine; with the real programs
//! and the real lease of a minute.

pub(crate) mod broken;
pub(crate) mod clients;
pub(crate) mod clocks;
pub(crate) mod disks;
pub(crate) mod doors;
pub(crate) mod full_disk;
pub(crate) mod greatest;
pub(crate) mod hostile;
pub(crate) mod jobs_log;
pub(crate) mod leaders;
pub(crate) mod logs;
pub(crate) mod machine;
pub(crate) mod memory;
pub(crate) mod migrate;
pub(crate) mod network;
pub(crate) mod pause;
pub(crate) mod refusals;
pub(crate) mod reinstalled;
pub(crate) mod slurm;
mod ticks;
