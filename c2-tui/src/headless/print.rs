//! The one place that prints: results to standard output, everything else to standard error.

use std::io::{self, IsTerminal as _, Write};

use c2_shared::advice;
use c2_shared::api::jobs::Stream;
use serde::Serialize;

use crate::command::context::Wrote;
use crate::command::{CommandError, Data, Outcome};
use crate::exit;
use crate::headless::meter::Meter;
use crate::render;
use crate::ssh::run::Heard;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    json: bool,
    /// Columns of the terminal; `u16::MAX` where there is none, so that a pipe gets everything.
    width: u16,
    colour: bool,
    /// Whether a terminal would obey what a job wrote.
    out_is_terminal: bool,
    err_is_terminal: bool,
}

#[derive(Serialize)]
struct JsonError<'a> {
    code: serde_json::Value,
    message: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    details: &'a [String],
    hint: Option<&'a str>,
}

impl Printer {
    /// Looks at the terminal and the environment.
    pub(crate) fn new(json: bool) -> Self {
        let out_is_terminal = io::stdout().is_terminal();
        let width = rustix::termios::tcgetwinsize(io::stdout()).map_or(u16::MAX, |size| size.ws_col);
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        // One that does not say what it is, or that it can do nothing, shows escape sequences as they are.
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        Self {
            json,
            // A terminal that does not know its width says 0.
            width: if width == 0 { u16::MAX } else { width },
            colour: out_is_terminal && !no_colour && !is_dumb,
            out_is_terminal,
            err_is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Whether each command gives one document.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints what a command gave, or why it gave nothing.
    pub(crate) fn result(&self, result: &Result<Outcome, CommandError>, origin: Option<&str>) -> io::Result<()> {
        match result {
            Ok(outcome) => self.outcome(outcome),
            Err(error) => {
                self.error(error, origin);
                Ok(())
            }
        }
    }

    /// Prints how far a command has come.
    pub(crate) fn progress(&self, line: &str) {
        if !self.json {
            say(&format!("{}\n", render::cell(line)));
        }
    }

    /// What shows how far files have come.
    pub(super) fn meter(&self) -> Meter {
        Meter::new(self.json)
    }

    /// Prints what a followed job wrote, to the stream that it wrote to.
    pub(crate) fn wrote(&self, wrote: &Wrote<'_>) -> io::Result<()> {
        match wrote.stream {
            // Standard output is for the one document then.
            _ if self.json => Ok(()),
            Stream::Stdout => write(&mut io::stdout().lock(), wrote.bytes, self.out_is_terminal),
            Stream::Stderr => write(&mut io::stderr().lock(), wrote.bytes, self.err_is_terminal),
        }
    }

    /// Prints what a command over ssh gave, each line behind its worker.
    pub(crate) fn heard(&self, heard: &Heard<'_>) -> io::Result<()> {
        match heard {
            Heard::Begins(_) => Ok(()),
            _ if self.json => Ok(()),
            Heard::Line { ip, stream: Stream::Stdout, line } => {
                say_line(&mut io::stdout().lock(), &render::from_worker(*ip, line, self.out_is_terminal, self.colour))
            }
            Heard::Line { ip, line, .. } => {
                say_line(&mut io::stderr().lock(), &render::from_worker(*ip, line, self.err_is_terminal, false))
            }
            Heard::Ended(run) if run.verdict.is_success() => Ok(()),
            Heard::Ended(run) => {
                self.progress(&render::how_it_ended(run));
                Ok(())
            }
        }
    }

    pub(crate) fn error(&self, error: &CommandError, origin: Option<&str>) {
        if self.json {
            let code = error.code.and_then(|code| serde_json::to_value(code).ok());
            let document = JsonError {
                code: code.unwrap_or_else(|| error.kind.word().into()),
                message: &error.message,
                details: &error.details,
                hint: error.hint.as_deref(),
            };
            say(&format!("{}\n", serde_json::to_string(&document).expect("three texts are JSON")));
            return;
        }
        let place = origin.map(|origin| format!("{origin}: ")).unwrap_or_default();
        let details: Vec<String> = error.details.iter().map(|detail| render::cell(detail)).collect();
        let hint = error.hint.as_deref().map(render::cell);
        let message = render::cell(&format!("{place}{}", error.message));
        say(&advice::words("c2-tui", &message, &details, hint.as_deref()));
    }

    /// Says that standard output takes nothing, unless its reader just left; gives the exit status.
    pub(crate) fn cannot_write(&self, error: &io::Error) -> i32 {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return exit::NO_READER;
        }
        self.error(&CommandError::refused(format!("cannot write the output: {error}"), "see where it goes to"), None);
        exit::FAILED
    }

    fn outcome(&self, outcome: &Outcome) -> io::Result<()> {
        if self.json {
            let document = render::json(outcome);
            let document = if self.out_is_terminal { render::cell(&document) } else { document };
            return show(&format!("{document}\n"));
        }
        match &outcome.data {
            // What it wrote was shown as it came.
            Data::Ended { job, .. } => {
                if outcome.exit != exit::OK {
                    self.progress(&format!("c2-tui: {}", render::verdict(&job.row)));
                }
                Ok(())
            }
            // Each job's end, said apart from what they wrote.
            Data::Followed(rows) => {
                rows.iter().for_each(|row| self.progress(&render::verdict(row)));
                Ok(())
            }
            // Verdicts were said as they came.
            Data::Ran(ran) => {
                show(&render::outputs(ran, self.width, self.colour))?;
                self.progress(&render::counts(&ran.runs));
                Ok(())
            }
            _ => show(&render::text(outcome, self.width, self.colour)),
        }
    }
}

/// Prints a text to standard output.
pub(crate) fn show(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a text to standard error; there is nobody to be told if that fails.
fn say(text: &str) {
    let _unwritten = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes what a job wrote: to the byte, or harmless for a terminal.
fn write(to: &mut impl Write, bytes: &[u8], is_terminal: bool) -> io::Result<()> {
    if is_terminal {
        to.write_all(render::block(bytes).as_bytes())?;
    } else {
        to.write_all(bytes)?;
    }
    to.flush()
}

fn say_line(to: &mut impl Write, line: &str) -> io::Result<()> {
    to.write_all(line.as_bytes())?;
    to.flush()
}
