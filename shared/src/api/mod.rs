//! The wire: endpoints, requests, answers and events of c2d's HTTP interface.
//!
//! Types here are a promise to other programs. Requests refuse unknown fields, so that a typing
//! mistake never passes silently; answers may grow, so readers of them must not.

pub mod batches;
pub mod endpoint;
pub mod error;
pub mod events;
pub mod figures;
pub mod files;
pub mod jobs;
pub mod live;
pub mod many;
pub mod metrics;
pub mod notifications;
pub mod output;
mod ran;
pub mod schedules;
pub mod tokens;
pub mod upgrade;
pub mod why;
pub mod work;
pub mod workers;

/// What need not be written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}
