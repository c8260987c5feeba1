//! The full-screen console in real terminals, with a real cluster behind it.

pub(crate) mod finding;
pub(crate) mod harm;
pub(crate) mod life;
pub(crate) mod line;
pub(crate) mod pager;
pub(crate) mod tables;
pub(crate) mod thrift;
pub(crate) mod typed;
