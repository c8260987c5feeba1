//! The command line of c2d: its flags, and the subcommands that are small.
//!
//! What is done to the data folder stands in [`crate::upkeep`].

pub mod install;
pub mod options;
pub mod settings;
pub mod tokens;
