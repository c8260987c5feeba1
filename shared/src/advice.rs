//! What a person can do about an error, and the one form in which a program says why it ended.

use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};

use crate::exit;

/// An error about which somebody can do something.
pub trait Advice: Error {
    /// What to do about it.
    fn hint(&self) -> Option<String>;

    /// The exit status of a program that ends by it.
    fn status(&self) -> u8 {
        exit::FAILED
    }

    /// The argument of the program that it is about, by its name there, where the words do not quote its value.
    fn argument(&self) -> Option<&'static str> {
        None
    }
}

impl Advice for io::Error {
    fn hint(&self) -> Option<String> {
        let hint = match self.kind() {
            io::ErrorKind::AddrInUse => "another program uses this port, perhaps another c2d; choose one with --port",
            io::ErrorKind::AddrNotAvailable => "this machine does not have that address; give its own with --host",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Standard output takes nothing.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the output")]
pub struct Unwritten(#[from] io::Error);

impl Advice for Unwritten {
    fn hint(&self) -> Option<String> {
        Some("see where it goes to".to_owned())
    }

    fn status(&self) -> u8 {
        if self.0.kind() == io::ErrorKind::BrokenPipe { exit::NO_READER } else { exit::FAILED }
    }
}

/// Prints a text to standard output, all of it.
///
/// # Errors
/// When it cannot be written, as on a full disk.
pub fn print(text: &str) -> Result<(), Unwritten> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Reads a line of standard input; a person at a terminal is told what is waited for.
///
/// # Errors
/// When there is nothing to be read.
pub fn ask(what: &str) -> io::Result<String> {
    if io::stdin().is_terminal() {
        writeln!(io::stderr(), "{what}:")?;
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}

/// What ended a program, once nothing is left to be done but to say it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    argument: Option<&'static str>,
    /// The exit status.
    pub status: u8,
}

impl Failure {
    /// The last words of `program`; none where a reader left who had seen enough.
    #[must_use]
    pub fn words(&self, program: &str) -> String {
        if self.status == exit::NO_READER {
            return String::new();
        }
        words(program, &self.message, &[], self.hint.as_deref())
    }
}

impl Failure {
    /// The same with another message, made of this one and the argument that it is about.
    #[must_use]
    pub fn saying(self, message: impl FnOnce(&str, Option<&str>) -> String) -> Self {
        Self { message: message(&self.message, self.argument), ..self }
    }
}

impl<E: Advice> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { message: with_causes(&error), hint: error.hint(), argument: error.argument(), status: error.status() }
    }
}

/// An error and what caused it, in one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (**cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// How the programs of C2 say that something failed.
#[must_use]
pub fn words(program: &str, message: &str, details: &[String], hint: Option<&str>) -> String {
    let details = details.iter().map(|detail| format!("  {detail}\n"));
    let hint = hint.map(|hint| format!("  hint: {hint}\n"));
    details.chain(hint).fold(format!("{program}: {message}\n"), |text, line| text + &line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot listen")]
    struct Deaf(#[source] io::Error);

    impl Advice for Deaf {
        fn hint(&self) -> Option<String> {
            self.0.hint()
        }
    }

    #[test]
    fn a_failure_says_its_causes_and_what_to_do() {
        let failure = Failure::from(Deaf(io::Error::new(io::ErrorKind::AddrInUse, "in use")));
        let hint = "another program uses this port, perhaps another c2d; choose one with --port";
        assert_eq!(failure.words("c2d"), format!("c2d: cannot listen: in use\n  hint: {hint}\n"));
        assert_eq!(failure.status, exit::FAILED);
        assert_eq!(words("c2d", "no", &["a".to_owned()], None), "c2d: no\n  a\n");
    }
}
