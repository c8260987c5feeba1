//! The exit status of the console: the only place where outcomes and errors become numbers.

use c2_shared::exit;

use crate::command::{CommandError, Kind, Outcome};

/// Done.
pub(crate) const OK: i32 = exit::DONE as i32;
/// c2d refused it, or it failed.
pub(crate) const FAILED: i32 = exit::FAILED as i32;
/// The operator interrupted it.
pub(crate) const INTERRUPTED: i32 = exit::INTERRUPTED as i32;
/// Nobody reads standard output any more.
pub(crate) const NO_READER: i32 = exit::NO_READER as i32;

/// The exit status of a kind of failure.
pub(crate) const fn status(kind: Kind) -> i32 {
    (match kind {
        Kind::Usage => exit::CONFIGURATION,
        Kind::Refused => exit::FAILED,
        Kind::Unreachable => exit::UNREACHABLE,
        Kind::Unauthorized => exit::UNAUTHORIZED,
        Kind::Interrupted => exit::INTERRUPTED,
    }) as i32
}

/// The exit status after a command; that of a job that was waited for is the job's own.
pub(crate) fn of(result: &Result<Outcome, CommandError>) -> i32 {
    match result {
        // The system keeps the lowest eight bits, and a failure must not turn into a success there.
        Ok(outcome) if outcome.exit != OK && outcome.exit & 0xff == 0 => FAILED,
        Ok(outcome) => outcome.exit & 0xff,
        Err(error) => status(error.kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Data;

    #[test]
    fn statuses() {
        let table = [(0, 0), (3, 3), (137, 137), (255, 255), (256, 1), (-1, 255), (i32::MIN, 1)];
        for (exit, expected) in table {
            assert_eq!(
                of(&Ok(Outcome { data: Data::Text { name: "help", text: String::new() }, exit })),
                expected,
                "{exit}"
            );
        }
        let kinds = [
            (Kind::Usage, 2),
            (Kind::Refused, 1),
            (Kind::Unreachable, 3),
            (Kind::Unauthorized, 4),
            (Kind::Interrupted, 130),
        ];
        for (kind, expected) in kinds {
            assert_eq!(of(&Err(CommandError::new(kind, "x"))), expected, "{kind:?}");
        }
    }
}
