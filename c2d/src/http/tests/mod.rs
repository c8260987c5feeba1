//! The API over real connections: the gate, roles, errors, and a job's way through it.

mod access;
mod announced;
mod audit;
mod batch;
mod batches;
mod blobs;
mod bounds;
mod contents;
mod docs;
mod durations;
mod elsewhere;
mod events;
mod hold;
mod lab;
mod many;
mod metrics;
mod notify;
mod notify_order;
mod operators;
mod outputs;
mod schedules;
mod unread;
mod walk;
