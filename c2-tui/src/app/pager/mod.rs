//! Text that scrolls: results, pages, outputs, with the keys of `less`.
//!
//! A [`Pager`] shows a [`Document`]. Whatever it cannot answer yet, because lines must be read or
//! searched first, waits as a pending motion and is tried again when they came; so no key waits for
//! a file. Reading is the runner's business: [`Pager::wanted`] says which blocks are needed.

mod chunk;
mod document;
mod gaps;
mod keys;
mod pattern;
mod prompt;
mod rich;
mod rows;
mod search;
mod status;
mod view;
mod walk;

#[cfg(test)]
mod tests;

pub use chunk::{BLOCK, Chunk, block_of, blocks, count_lines, settled, start};
pub use document::{CHUNKS_MAX, Document, Missing};
pub use gaps::missing;
pub use keys::{Command, Wish};
pub use pattern::Pattern;
pub use prompt::{Ask, Prompt};
pub use rich::{Ink, Look, to_text};
pub use rows::{Mark, Row, ShownCell};
pub use view::Pager;
