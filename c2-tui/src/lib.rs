//! The console of C2: one command layer with two faces, full screen for people and headless for
//! scripts.
//!
//! `command` reads and runs lines, `render` turns what they gave into text or JSON, and the faces
//! only carry these to a terminal or a pipe. The full screen is `app`, a pure core, drawn by `ui`,
//! fed by `feed`, and run by `event_loop`.

mod clock;
mod start;

mod arguments;
mod connect;
mod exit;
mod lanes;
mod local;
mod login;
mod settings;
mod zone;

mod command;
mod render;
mod ssh;

mod headless;
mod mcp;

mod app;
mod ui;

mod event_loop;
mod feed;

mod shell_completion;

pub mod for_tests;

#[cfg(test)]
mod tests;

pub use start::run;
