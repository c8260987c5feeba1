//! The console of C2: one command layer with two faces, full screen for people and headless for
//! scripts.
//!
//! `command` reads and runs lines, `render` turns what they gave into text or JSON, and the faces
//! only carry these to a terminal or a pipe. The full screen is `app`, a pure core, drawn by `ui`,
//! fed by `feed`, and run by `runner`.

pub mod arguments;
mod clock;
pub mod connect;
pub mod exit;
pub mod local;
pub mod login;
pub mod zone;

pub mod command;
pub mod render;
pub mod ssh;

pub mod headless;

pub mod app;
pub mod ui;

pub mod feed;
pub mod runner;

#[cfg(test)]
mod screenshots;
