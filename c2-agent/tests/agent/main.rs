//! The real agent with real processes, against a c2d that does what a test says.
#![cfg(test)]

mod files;
mod jobs;
mod place;
mod stage;
mod survival;
