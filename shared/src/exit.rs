//! Exit statuses that c2d and its agent have in common, and on which the units of systemd rely.

/// Done.
pub const DONE: u8 = 0;
/// It failed; another try may succeed.
pub const FAILED: u8 = 1;
/// A mistake on the command line or in the configuration: every other start fails the same way.
pub const CONFIGURATION: u8 = 2;
/// The agent has no token that c2d takes, or is a copy of another: an operator must act. This is `EX_CONFIG` of sysexits.h.
pub const NOT_A_WORKER: u8 = 78;
