//! What an operator can say: one grammar, one executor, one kind of result.
//!
//! A line goes `lex -> parse -> Command -> execute -> Outcome`. Nothing here prints or knows a
//! screen; the faces of the console do. Each verb is a file with its arguments and its `run`.

pub(crate) mod command_error;
mod commas;
pub(crate) mod context;
pub(crate) mod outcome;

mod joined;
pub(crate) mod lex;
pub(crate) mod parse;

pub(crate) mod console;
pub(crate) mod grammar;
pub(crate) mod job_name;
pub(crate) mod table;

mod add_worker;
pub(crate) mod again;
mod await_job;
mod draft;
mod examples;
pub(crate) mod files;
mod flags_first;
pub(crate) mod foreign;
mod foreign_flags;
pub(crate) mod job_flags;
mod json_job;
mod machines;
mod many;
pub(crate) mod mistake;
mod moment;
pub(crate) mod need_flags;
pub(crate) mod operands;
mod placeholders;
mod progress;
mod quoting;
pub(crate) mod resolve;
mod safe_dir;
mod script;
mod sweep;
mod targets;
pub(crate) mod text;
mod transfer;
mod upload;

mod assign;
pub(crate) mod batch;
mod batches;
pub(crate) mod cancel;
mod change;
mod cleanup_workspaces;
mod copy;
mod deferred;
mod detect_tags;
mod doctor;
mod drain;
mod follow;
mod get_files;
mod get_tags;
mod groups;
mod habits;
mod help;
mod info;
mod job;
mod jobs;
mod list;
mod log;
pub(crate) mod notify;
mod output;
mod pause;
mod pdsh;
mod plan;
mod queue_status;
mod remove_worker;
mod resume;
mod retry;
pub(crate) mod schedule;
mod set_resources;
mod set_tags;
mod split;
mod stats;
mod submit;
mod timeline;
mod unassign;
mod upgrade_workers;
mod verify_ssh;
mod wait;
mod wake;
mod whole;
mod why;

pub(crate) use command_error::{CommandError, Kind};
pub(crate) use console::{Console, Theme};
pub(crate) use context::Context;
pub(crate) use grammar::{Command, Impact, Targets, Verb, execute};
pub(crate) use joined::Joined;
pub(crate) use lex::{LexError, Word, said, scan};
pub(crate) use outcome::{Data, Outcome};
pub(crate) use output::Output;
pub(crate) use parse::{Entered, parse};
pub(crate) use submit::{followed, submitting};
pub use table::{CommandInfo, commands};
pub(crate) use table::{FlagInfo, Operand};
pub(crate) use table::{find, nearest};
