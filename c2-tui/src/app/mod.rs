//! The console's pure core: what it knows ([`model`]), what reaches it ([`msg`]), what it asks for
//! ([`effect`]), and the one function between them ([`update()`]).
//!
//! No task, no client, no file, no clock: time is an argument and every deed is an effect that the
//! runner carries out. Beside std and the shared words only pure crates are used here: key types,
//! the text area as a line buffer, regular expressions and Unicode tables.

pub mod effect;
pub mod model;
pub mod msg;

pub mod keymap;
pub mod update;

pub mod layout;
pub mod line;
pub mod overlay;
pub mod page;
pub mod pager;
pub mod pages;
pub mod panes;
pub mod preferences;
pub mod runs;
pub mod store;
pub mod table;
pub mod toast;
pub mod watch;

pub mod glyphs;
pub mod text;

#[cfg(test)]
pub mod demo;

pub use effect::Effect;
pub use model::{Model, Settings};
pub use msg::{Msg, Now};
pub use preferences::Preferences;
pub use update::update;
