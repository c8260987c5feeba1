//! The agent of C2: takes jobs from c2d and runs them on this machine.
//!
//! `slots` decides, `agent` carries out, `connection` speaks with c2d, `supervise` runs jobs in
//! processes that outlive the agent. `transfer` brings files to jobs and away from them.

mod choice;
mod cli;
mod options;

mod doctor;
mod find;
mod init;
mod install;
mod join;
mod settings;
mod signals;

mod agent;
mod clock;
mod connection;
mod identity;
mod live;
mod outputs;
mod self_test;
mod slots;
mod spool;
mod state;

mod cgroup;
mod folder;
mod slurm;
mod supervise;
mod trash;
mod workspace;

mod cache;
mod cleanup;
mod collect;
mod housekeeping;
mod transfer;

mod detect;
mod neighbours;

mod upgrade;

pub use cli::Help;
pub use init::first_process;
pub use options::Cli;
