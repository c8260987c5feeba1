//! Outcomes as text for people and as JSON for programs. Pure: the caller prints.

mod answers;
mod batches;
pub(crate) mod figures;
mod files;
mod jobs;
mod json;
mod look;
mod notifications;
mod resources;
mod sanitize;
mod schedules;
mod ssh;
mod table;
mod text;
mod why;
mod workers;

#[cfg(test)]
mod tests;

pub(crate) use batches::progress;
pub(crate) use json::json;
pub(crate) use sanitize::{block, cell, overwritten};
pub(crate) use ssh::{counts, folds, from_worker, how_it_ended, outputs};
pub(crate) use text::{LIMIT, gap};
pub(crate) use text::{begins, text, verdict};
pub(crate) use why::waiting;
