//! What several endpoints have in common: whose tokens will do, what stands in the way, and media types.

use crate::api::error::ErrorCode::{self, Ambiguous, Conflict, DiskFull, Gone, NotFound, QueueFull};
use crate::token::Role::{self, Join, Operator, Viewer, Worker};

pub(super) const ANYONE: &[Role] = &[];
pub(super) const OPERATORS: &[Role] = &[Operator];
/// Who may look at things.
pub(super) const READERS: &[Role] = &[Operator, Viewer];
/// Who may send files, and who may receive them.
pub(super) const SENDERS: &[Role] = &[Operator, Worker];
pub(super) const RECEIVERS: &[Role] = &[Operator, Viewer, Worker];
pub(super) const WORKERS: &[Role] = &[Worker];
pub(super) const INVITED: &[Role] = &[Join];

/// What can stand in the way of new jobs, and of those that are made from ended ones.
pub(super) const SUBMIT_REFUSALS: &[ErrorCode] = &[NotFound, Conflict, Ambiguous, QueueFull, DiskFull];
pub(super) const RETRY_REFUSALS: &[ErrorCode] = &[NotFound, Conflict, Ambiguous, Gone, QueueFull, DiskFull];
/// There is no such group or batch.
pub(super) const NO_JOBS: &[ErrorCode] = &[NotFound];
pub(super) const BYTES: &str = "application/octet-stream";
pub(super) const EVENT_STREAM: &str = "text/event-stream";
