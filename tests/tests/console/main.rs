//! The full-screen console in real terminals, with a real cluster behind it.

mod finding;
mod life;
mod line;
mod pager;
mod tables;
mod thrift;
