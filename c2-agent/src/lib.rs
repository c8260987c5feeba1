//! The agent of C2: takes jobs from c2d and runs them on this machine.
//!
//! [`slots`] decides, [`agent`] carries out, `link` speaks with c2d, [`supervise`] runs jobs in
//! processes that outlive the agent. `transfer` brings files to jobs and away from them. `main` reads the command line and nothing else.

pub mod doctor;
pub mod install;
pub mod join;
pub mod options;
pub mod signals;

pub mod agent;
mod clock;
mod link;
mod live;
pub mod slots;
mod spool;
mod state;

pub mod supervise;
mod trash;
mod workspace;

mod cache;
mod cleanup;
mod collect;
mod transfer;

mod detect;

pub use state::StateError;
pub use workspace::RootError;
