//! The seeded simulation: a whole cluster with its faults in virtual time, a second for a thousand
//! histories.
//!
//! The scheduler is the real one. Around it are modelled: a disk that keeps what was committed, a
//! network that loses, doubles, delays and reorders, agents that follow the protocol, machines
//! that reboot, operators. The oracle looks at what really ran on the machines, which no scheduler
//! sees, and at every invariant after every event. The same seed gives the same history, bit for
//! bit; a failing seed is printed.

mod agent;
mod disk;
mod given;
mod oracle;
mod random;
mod report;
mod store_disk;
mod timetable;
mod world;

pub use disk::{Disk, PaperDisk};
pub use random::Random;
pub use report::Report;
pub use store_disk::StoreDisk;
pub use world::World;
