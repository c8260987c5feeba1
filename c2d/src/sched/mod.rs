//! The scheduler: which job runs where and when, as a pure state machine.
//!
//! It knows no clock, no disk and no network. Events and the present time go in; decisions come
//! out; [`Scheduler::next_deadline`] says when it must be asked again even if nothing happens.
//! Handlers (in `on_*`) read the state and write decisions, and `evolve` is the only place where a
//! decision changes the state, so that what is stored and what is remembered are the same thing.
//! What was merely heard of a worker (its `workers::Presence`) is no decision and no state to
//! keep: after a restart nothing was heard.

pub mod decision;
pub mod event;
pub(crate) mod measure;
pub(crate) mod note;
pub mod reject;

mod evolve;
pub mod fit;
mod scheduler;

mod batches;
mod blame;
mod identity;
mod on_job;
mod on_many;
mod on_notice;
mod on_schedule;
mod on_time;
mod on_worker;
mod reconcile;
mod rest;
mod suspicion;
mod verdict;
mod wake;
mod wish;

mod graph;
mod locks;
mod place;
mod reserve;
mod staging;

mod jobs;
mod queues;
mod registry;
mod workers;

mod ahead;
mod check;
mod explain;
mod foresee;
pub mod view;

#[cfg(test)]
mod tests;

pub use ahead::Ahead;
pub use batches::BatchLimited;
pub use decision::{Decision, Saved};
pub use event::{Event, Now};
pub use explain::Explained;
pub use foresee::{Among, Foreseen, Outlook};
pub use measure::Measure;
pub use note::{Note, Who};
pub use on_many::{Change, EachAnswer, JobsChanged, JobsMoved, OfJob, QueueEnd, ToEach, Which};
pub use reject::Reject;
pub use scheduler::{Scheduler, Touched, Turn};
pub use view::Figures;
pub use view::{JobView, WorkerView};
