//! What an operator can say: one grammar, one executor, one kind of result.
//!
//! A line goes `lex -> parse -> Command -> execute -> Outcome`. Nothing here prints or knows a
//! screen; the faces of the console do. Each verb is a file with its arguments and its `run`.

pub mod complaint;
pub mod context;
pub mod outcome;

pub mod lex;
pub mod parse;

pub mod console;
pub mod grammar;
pub mod job_name;
pub mod table;

mod ending;
mod files;
mod folder;
pub(crate) mod mistake;
mod moment;
mod quoting;
mod resolve;
mod send;
mod several;
mod upload;

pub mod batch;
pub mod cancel;
pub mod cleanup;
pub mod doctor;
pub mod follow;
pub mod get_files;
pub mod groups;
pub mod help;
pub mod job;
pub mod jobs;
pub mod log;
pub mod output;
pub mod pdsh;
pub mod split;
pub mod steer;
pub mod submit;
pub mod tags;
pub mod verify_ssh;
pub mod wait;
pub mod worker;

pub use complaint::{Complaint, Kind};
pub use console::{Console, Theme};
pub use context::Context;
pub use grammar::{Command, Impact, Targets, Verb, execute};
pub use lex::{LexError, Word, said, scan};
pub use outcome::{Data, Outcome};
pub use parse::{Entered, parse};
pub use table::{CommandInfo, FlagInfo, Operand, commands};
pub(crate) use table::{find, nearest};
