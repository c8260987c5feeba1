//! The full-screen console in real terminals, with a real cluster behind it.

mod life;
mod line;
mod tables;
mod thrift;
