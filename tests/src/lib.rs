//! The harness of the tests and benches: real programs in temporary folders, and a simulated world.
//!
//! [`scenario`] gives a test a running c2d; the test adds agents, runs console commands and kills
//! what it likes. [`sim`] drives the scheduler through histories that no real clock could.

pub mod booted;
pub mod cluster;
pub mod fuzz;
pub mod home;
pub mod line;
pub mod local;
pub mod machine;
pub mod network;
mod outputs;
pub mod pair;
pub mod replicated;
pub mod slurm;
pub mod ssh;
pub mod terminal;
pub mod usage;
pub mod wait;

pub mod http;
pub mod transcript;

pub mod sim;

mod agent;
mod leftovers;
#[expect(clippy::unwrap_used, clippy::print_stderr, reason = "it is a part of the tests of the store as well")]
#[path = "../../c2d/src/store/tests/postgres_server.rs"]
mod postgres_server;
mod process;
pub mod programs;

pub use cluster::{Cluster, Which, scenario};
pub use leftovers::{groups_of, is_alive, marked, variable};
pub use process::Output;
pub use programs::Program;
pub use wait::{eventually, now};
