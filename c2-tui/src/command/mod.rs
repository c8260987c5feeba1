//! What an operator can say: one grammar, one executor, one kind of result.
//!
//! A line goes `lex -> parse -> Command -> execute -> Outcome`. Nothing here prints or knows a
//! screen; the faces of the console do. Each verb is a file with its arguments and its `run`.

pub(crate) mod command_error;
pub(crate) mod context;
pub(crate) mod outcome;

pub(crate) mod lex;
pub(crate) mod parse;

pub(crate) mod console;
pub(crate) mod grammar;
pub(crate) mod job_name;
pub(crate) mod table;

mod await_job;
mod files;
pub(crate) mod mistake;
mod moment;
mod per_job;
mod quoting;
mod resolve;
mod safe_dir;
mod transfer;
mod upload;

pub(crate) mod batch;
pub(crate) mod cancel;
pub(crate) mod cleanup;
pub(crate) mod doctor;
pub(crate) mod follow;
pub(crate) mod get_files;
pub(crate) mod groups;
pub(crate) mod help;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod log;
pub(crate) mod output;
pub(crate) mod pdsh;
pub(crate) mod split;
pub(crate) mod steer;
pub(crate) mod submit;
pub(crate) mod tags;
pub(crate) mod verify_ssh;
pub(crate) mod wait;
pub(crate) mod worker;

pub(crate) use command_error::{CommandError, Kind};
pub(crate) use console::{Console, Theme};
pub(crate) use context::Context;
pub(crate) use grammar::{Command, Impact, Targets, Verb, execute};
pub(crate) use lex::{LexError, Word, said, scan};
pub(crate) use outcome::{Data, Outcome};
pub(crate) use parse::{Entered, parse};
pub use table::{CommandInfo, commands};
pub(crate) use table::{FlagInfo, Operand};
pub(crate) use table::{find, nearest};
