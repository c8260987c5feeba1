//! The endpoints of c2d, each one value: its method and path, whose tokens will do, what goes in, what
//! comes out, and the refusals of its own.
//!
//! The client calls by these values, c2d mounts its handlers on them and checks the roles that they
//! name, and documentation and tests go through [`ALL`]. Handlers are no part of them.

mod form;
mod list;
mod parties;

#[cfg(feature = "schema")]
pub use form::Shape;
pub use form::{Endpoint, Method, Operation, PathValues, Raw, Wire};
pub use list::*;
