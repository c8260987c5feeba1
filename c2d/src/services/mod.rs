//! What runs beside the engine: questions to workers and their answers, notifications, invitations that
//! are announced, and the removal of blobs that nobody uses. None of it is durable.

pub(crate) mod announcer;
pub mod blob_gc;
pub mod live_output;
mod mailbox;
pub(crate) mod mdns;
pub(crate) mod messenger;
pub(crate) mod programs;
pub mod waker;
pub(crate) mod witness;
pub mod worker_requests;
