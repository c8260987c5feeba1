//! The words that the three programs of C2 share: ids, limits, job specifications, wire types,
//! configuration, targets, and (feature `client`) the one typed HTTP client. With the feature `schema`
//! the wire types describe themselves as JSON schemas; `arguments` and `logging` are for programs.
//!
//! Everything here is plain data and pure functions; no clock, no task and, outside the client and the packets of
//! [`wake`], no network. What only one program needs stands in that program.
#![warn(missing_docs)]

pub mod blob;
pub mod id;
pub mod limits;
pub mod time;

pub mod glob;
pub mod job;
pub mod json;
pub mod plain;
pub mod resources;
pub mod target;
pub mod validate;
pub mod wake;
pub mod worker;

pub mod advice;
pub mod api;
pub mod bytes64;
pub mod checkup;
pub mod closed;
pub mod exit;
pub mod hint;
pub mod home;
pub mod install;
pub mod order;
pub mod selection;

pub mod backoff;
pub mod config;
pub mod settings;

pub mod fingerprint;
pub mod join_code;
pub mod pass;
pub mod program;
pub mod secret_file;
pub mod server_address;
pub mod token;

#[cfg(feature = "arguments")]
pub mod arguments;

#[cfg(feature = "client")]
pub mod client;

#[cfg(feature = "logging")]
pub mod logging;
#[cfg(feature = "logging")]
pub mod service;

#[cfg(feature = "schema")]
mod schema;
