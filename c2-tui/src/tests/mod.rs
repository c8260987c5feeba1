//! What tests of several modules share: a home that they show, and the pictures of it.

pub(crate) mod demo;
mod screenshots;
