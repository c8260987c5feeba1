//! The time as the core is told it.

use c2_shared::time::Mono;

/// The present, as the event loop's clock read it when the message arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Now {
    /// For deciding: intervals, double presses, expiry.
    pub(crate) mono: Mono,
    /// For showing: unix milliseconds.
    pub(crate) wall_ms: u64,
}
