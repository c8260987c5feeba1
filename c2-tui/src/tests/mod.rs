//! What tests of several modules share: a home that they show, and the pictures of it; and what the console must be
//! able to do as a whole, in numbers.

pub(crate) mod demo;
mod promises;
mod screenshots;
