//! PostgreSQL: the same statements, spoken over a connection.
//!
//! A connection that broke is never taken up again in the middle of something: nobody knows then what
//! the server did. Those that only read connect again at their next question.

mod at_once;
mod bytes;
mod client;
mod pending;
mod schema;
mod session;
mod statement;
mod target;
mod tls;
mod value;

pub(super) use bytes::{FILES_BYTES, JOB_BYTES, ROWS_BYTES};
pub(in crate::store) use client::Postgres;
#[cfg(test)]
pub(in crate::store) use schema::columns;
pub(in crate::store) use schema::settle;
pub use target::{Target, TargetError};
pub(super) use value::read;
