//! The coordinator of C2: it keeps the queue, decides what runs where, and answers over HTTP.

pub mod sched;

pub mod clock;
pub mod engine;
mod standby;
pub mod store;
pub mod upkeep;

pub mod access;
mod audit;
pub mod authority;
mod calendar;
mod figures;
mod hash_chain;
mod histogram;
pub mod http;
pub mod memory;
mod net;
mod process;
mod rotation;
pub mod rows;
pub mod services;
mod suggest_tags;
mod tally;
pub mod timetable;

pub mod cli;
pub mod run;
