//! The HTTP interface: one gate for everything, then thin handlers that speak to the engine and to
//! the history. It touches no file of the store and decides nothing.

mod audit;
mod connection;
mod error;
mod gate;
mod throttle;

mod extract;
mod role;
mod sse;

mod batch;
mod blobs;
mod clamp;
mod cleanup;
mod docs;
mod events;
mod files;
mod find_worker;
mod follow;
mod groups;
mod jobs;
mod metrics;
mod output;
mod poll_body;
mod steer;
mod submit;
mod tags;
mod tokens;
mod workers;

mod mount;
mod router;
mod serve;

#[cfg(test)]
mod tests;

pub(crate) use audit::{Audit, FILE as AUDIT_FILE};
pub use mount::Unserved;
pub use router::{App, router};
pub use serve::serve;
pub(crate) use serve::stopped;
