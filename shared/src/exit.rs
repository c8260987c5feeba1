//! Exit statuses that mean the same after each program of C2, and on which the units of systemd rely.

/// All of them in words, for the help of `c2d` and `c2-agent`.
pub const HELP: &str = "Exit status: 0 done; 1 refused or failed; 2 a mistake on the command line or in the configuration; 3 c2d cannot \
     be reached; 4 not authorised; 78 an agent without a valid token or with a copied state folder; 141 the output \
     pipe was closed.";
/// Done.
pub const DONE: u8 = 0;
/// It was refused or failed; another try may succeed.
pub const FAILED: u8 = 1;
/// A mistake on the command line or in the configuration: every other start fails the same way.
pub const CONFIGURATION: u8 = 2;
/// There is no c2d to be reached.
pub const UNREACHABLE: u8 = 3;
/// c2d does not accept the token, or there is none to be used.
pub const UNAUTHORIZED: u8 = 4;
/// The agent has no token that c2d takes, or is a copy of another: an operator must act. This is `EX_CONFIG` of sysexits.h.
pub const NOT_A_WORKER: u8 = 78;
/// Somebody interrupted it, as with SIGINT.
pub const INTERRUPTED: u8 = 130;
/// Nobody reads standard output any more, as with SIGPIPE.
pub const NO_READER: u8 = 141;
