//! The console of C2: full screen for people, headless for scripts.

pub mod app;
pub mod ui;
