//! The full-screen console in real terminals, with a real cluster behind it.

mod life;
mod line;
mod pager;
mod tables;
mod thrift;
