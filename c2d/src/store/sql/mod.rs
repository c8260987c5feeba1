//! The seam between the store and its engines: connections, transactions, values and rows.
//!
//! The store has one set of statements. Each is written so that both engines understand it; what they
//! cannot agree on stands here and nowhere else: how values are bound and read, how a transaction
//! begins, and what kind of failure an error is.

mod connection;
mod error;
pub(super) mod postgres;
mod row;
mod sqlite;
mod value;

pub(super) use connection::{Connection, Transaction};
pub use error::SqlError;
pub use postgres::{Target, TargetError};
pub(super) use row::Row;
pub(super) use value::{FromColumn, Params, ToColumn, Value, ValueRef, params};
