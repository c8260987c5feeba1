//! The console's pure core: what it knows ([`model`]), what reaches it ([`msg`]), what it asks for
//! ([`effect`]), and the one function between them ([`update()`]).
//!
//! No task, no client, no file, no clock: time is an argument, and whatever is to be done is an effect
//! that the event loop carries out. Beside std and the shared words only pure crates are used here:
//! key types, the text area as a line buffer, regular expressions and Unicode tables.

pub(crate) mod effect;
pub(crate) mod focus;
pub(crate) mod model;
pub(crate) mod msg;
pub(crate) mod now;
pub(crate) mod report;

pub(crate) mod keymap;
pub(crate) mod update;

pub(crate) mod cache;
pub(crate) mod details;
pub(crate) mod figures;
pub(crate) mod finder;
pub(crate) mod layout;
pub(crate) mod line;
pub(crate) mod listing;
pub(crate) mod live;
mod offers;
pub(crate) mod overlay;
pub(crate) mod page;
pub(crate) mod pager;
pub(crate) mod pages;
pub(crate) mod panes;
pub(crate) mod preferences;
pub(crate) mod progress;
pub(crate) mod proposal;
pub(crate) mod row_verb;
pub(crate) mod runs;
pub(crate) mod table;
pub(crate) mod timeline;
pub(crate) mod toast;
mod wake;
pub(crate) mod watch;

pub(crate) mod glyphs;
pub(crate) mod text;

pub(crate) use effect::Effect;
pub(crate) use model::{Model, Settings};
pub(crate) use msg::Msg;
pub(crate) use now::Now;
pub(crate) use preferences::Preferences;
pub(crate) use update::update;
