//! Running jobs: processes that outlive the agent, one for each slot, and the agent's end of them.
//!
//! `runner` is the process behind a slot, with `job`, `launch`, `capture`, `peer` as its parts; `enclosure` is the
//! control group of its jobs, `meter` what they use, `standstill` how they are frozen; `elsewhere` starts those that a
//! cluster runs. `runners` is what the agent
//! sees of them; `recover` cleans up after one that died, with `children` to find what it left. Both ends speak
//! `wire`.

mod capture;
mod children;
mod elsewhere;
mod enclosure;
mod error;
mod job;
mod launch;
mod link;
mod meter;
pub(crate) mod news;
mod oom;
mod peer;
mod pipe;
pub(crate) mod proc;
mod reap;
pub(crate) mod recover;
pub(crate) mod runner;
pub(crate) mod runners;
mod standstill;
pub(crate) mod synthetic;
pub(crate) mod wire;

pub(crate) use launch::{AGENT_VARIABLE, agent_mark};
pub(crate) use proc::{Process, holding, is_marked, read_stat};
pub(crate) use runner::run;
