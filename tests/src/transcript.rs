//! Transcripts: what somebody types at the console and what they see, as a text file.
//!
//! ```text
//! # An unknown job is refused.        a note, for the reader
//! with agent 127.0.0.2                what there is beside c2d
//! with program task echo done         a program that jobs find, a shell script
//! $ job 7                             runs `c2-tui --exec "job 7"`
//! > what it prints                    a line of standard output
//! ! what it says of a failure         a line of standard error
//! ? 1                                 the exit status, where it is not 0
//! ```
//!
//! `<number>`, `<span>`, `<time>` and `<any>` stand for what differs from run to run, a line of
//! just `...` for any number of lines. Columns are compared without their padding, so that a wider
//! word elsewhere in a table does not matter.

mod parse;
mod pattern;

pub use parse::{Scene, Step, Transcript, parse};
pub use pattern::matches;

use crate::process::Output;

/// Writes an output in the form of a transcript, to be compared and to be pasted.
#[must_use]
pub fn written(output: &Output) -> Vec<String> {
    let lines = |mark: &str, text: &str| {
        text.lines().map(|line| format!("{mark} {line}").trim_end().to_owned()).collect::<Vec<_>>()
    };
    let mut written = lines(">", &output.stdout);
    written.extend(lines("!", &output.stderr));
    if output.status != 0 {
        written.push(format!("? {}", output.status));
    }
    written
}
