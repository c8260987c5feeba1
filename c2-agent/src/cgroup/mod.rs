//! Control groups: where this agent may make some, and one of them.
//!
//! Both versions are folders of small files, and nothing else is used of them here. `base` finds the place below
//! which the service manager lets the agent make groups; `group` is one of these, with its limits and
//! its freezer, `figures` what is counted for it; `standing` says in words whether limits are kept.

mod base;
mod figures;
mod group;
mod standing;

pub(crate) use base::Base;
pub(crate) use figures::Figures;
pub(crate) use group::{Group, Limits};
pub(crate) use standing::standing;
