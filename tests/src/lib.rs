//! The harness of the end-to-end tests and benches: real programs, real sockets, temporary folders.
//!
//! [`scenario`] gives a test a running c2d; the test adds agents, runs console commands and kills
//! what it likes. Nothing is faked here: what needs no process is tested in its own crate.

pub mod cluster;
pub mod local;
pub mod wait;

pub mod http;
pub mod transcript;

mod agent;
mod leftovers;
mod process;
mod programs;

pub use cluster::{Cluster, scenario};
pub use leftovers::is_alive;
pub use process::Output;
pub use wait::eventually;
