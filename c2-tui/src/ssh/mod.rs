//! Commands on workers over ssh: who is called how, what they said, and what came of it.
//!
//! `plan` and `fold` are pure; `run`, `copy` and `check` own processes. Each worker gets a pdsh of its own:
//! one for all of them writes the lines of all to one pipe, where a worker that ends its output
//! without a line end, or with a NUL, would have the next worker's lines and verdict counted as
//! its own.

pub(crate) mod advice;
pub(crate) mod check;
pub(crate) mod copy;
pub(crate) mod enrol;
pub(crate) mod fold;
pub(crate) mod group;
pub(crate) mod install;
pub(crate) mod learn;
pub(crate) mod pack;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod settings;
