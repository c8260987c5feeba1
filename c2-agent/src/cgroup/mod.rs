//! Control groups: where this agent may make some, and one of them.
//!
//! Both versions are folders of small files, and nothing else is used of them here. `base` finds the place below
//! which the service manager lets the agent make groups; `group` is one of these, with its limits, its figures
//! and its freezer; `standing` says in words whether limits are kept.

mod base;
mod group;
mod standing;

pub(crate) use base::Base;
pub(crate) use group::{Group, Limits, Peak};
pub(crate) use standing::standing;
