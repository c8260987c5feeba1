//! The API over real connections: the gate, roles, errors, and a job's way through it.

mod access;
mod blobs;
mod events;
mod lab;
mod walk;
