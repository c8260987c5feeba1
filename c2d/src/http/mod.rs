//! The HTTP interface: one gate for everything, then thin handlers that speak to the engine and to
//! the history. It touches no file of the store and decides nothing.

mod connection;
mod doors;
mod error;
mod gate;
mod throttle;
mod timed;
mod unread;

mod extract;
mod handler;
mod role;
mod sse;

mod assign;
mod batch;
mod batches;
mod blobs;
mod cancel;
mod change;
mod check;
mod clamp;
mod cleanup;
mod contents;
mod detect_tags;
mod docs;
mod drain;
mod events;
mod exposition;
mod files;
mod find_worker;
mod follow;
mod get_tags;
mod health;
mod hold;
mod info;
mod job;
mod jobs;
mod kept;
mod list;
mod log;
mod many;
mod metrics;
mod notify;
mod old_workspaces;
mod output;
mod pause;
mod poll_body;
mod queue_status;
mod remove_worker;
mod results;
mod retry;
mod schedule;
mod set_resources;
mod set_tags;
mod so_far;
mod stats;
mod submit;
mod timeline;
mod tokens;
mod upgrade;
mod wake;
mod why;
mod wishes;
mod workers;

mod mount;
mod router;
mod serve;
mod socket;
pub(crate) mod standby;

#[cfg(test)]
mod tests;

pub(crate) use kept::end_of;
pub use mount::Unserved;
pub use router::{App, router};
pub(crate) use serve::serve;
pub(crate) use serve::{serve_standby, stopped};
pub(crate) use socket::Socket;

/// The modules with handlers; each says which endpoints it serves.
const HANDLERS: &[mount::Mount] = &mount::of! {
    assign batch batches blobs cancel change check cleanup detect_tags docs drain events files find_worker follow get_tags
    health hold info job jobs list log many metrics notify old_workspaces output pause queue_status remove_worker retry schedule
    set_resources set_tags stats submit timeline tokens upgrade wake why workers
};
