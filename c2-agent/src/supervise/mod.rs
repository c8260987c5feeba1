//! Running jobs: processes that outlive the agent, one for each slot, and the agent's end of them.
//!
//! `runner` is the process behind a slot, with `job`, `launch`, `capture`, `peer` as its
//! parts. `runners` is what the agent sees of them; `recover` cleans up after one that died, with
//! `children` and `group` to find what it left. Both ends speak `wire`.

mod capture;
mod children;
mod group;
mod job;
mod launch;
mod link;
mod peer;
mod proc;
pub(crate) mod recover;
pub(crate) mod runner;
pub(crate) mod runners;
pub(crate) mod synthetic;
pub(crate) mod wire;

pub(crate) use launch::agent_mark;
pub(crate) use proc::is_marked;
pub(crate) use runner::run;
