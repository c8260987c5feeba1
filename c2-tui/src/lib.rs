//! The console of C2: one command layer with two faces, full screen for people and headless for
//! scripts.
//!
//! `command` reads and runs lines, `render` turns what they gave into text or JSON, and the faces
//! only carry these to a terminal or a pipe.

pub mod arguments;
pub mod connect;
pub mod exit;
pub mod local;

pub mod command;
pub mod render;

pub mod headless;
