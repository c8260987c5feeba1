//! Outcomes as text for people and as JSON for programs. Pure: whoever calls it prints.

mod jobs;
mod json;
mod look;
mod neutral;
mod table;
mod text;
mod workers;

pub use json::json;
pub use neutral::{block, cell};
pub use text::{text, verdict};
