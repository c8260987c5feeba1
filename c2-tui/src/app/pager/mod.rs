//! Text that scrolls: results, pages, outputs, with the keys of `less`.
//!
//! A [`Pager`] shows a [`Document`]. Whatever it cannot answer yet, because lines must be read or
//! searched first, waits as a pending motion and is tried again when they came; so no key waits for
//! a file. Reading is the event loop's business: [`Pager::wanted`] says which blocks are needed.

mod chunk;
mod command;
mod document;
mod gaps;
mod keys;
mod look;
mod pattern;
mod prompt;
mod rich;
mod row;
mod rows;
mod search;
mod sieve;
mod status;
mod view;
mod walk;
mod wrap;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod window_tests;

pub(crate) use chunk::{BLOCK, Chunk, blocks, count_lines, settled, start};
pub(crate) use command::{Command, Wish};
pub(crate) use document::CHUNKS_MAX;
#[cfg(test)]
pub(crate) use document::Document;
pub(crate) use look::{Ink, Look};
pub(crate) use prompt::Ask;
pub(crate) use rich::printable;
pub(crate) use row::{Mark, Row};
pub(crate) use view::Pager;
