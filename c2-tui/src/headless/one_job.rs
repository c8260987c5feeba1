//! `c2-tui run`: a command as a job, as if it ran here.
//!
//! Whoever stops this program means the job, so an interrupt and a closed pipe cancel it. Where that is not
//! certain, as when c2d is gone, the last words say so.

use std::io;
use std::time::Duration;

use c2_shared::api::jobs::JobRow;
use c2_shared::client::Client;
use c2_shared::id::JobId;
use c2_shared::job::Outcome as JobOutcome;

use super::{Printer, Surroundings};
use crate::arguments::RunFlags;
use crate::command::{CommandError, Context, Data, Kind, Outcome, execute, followed, submitting};
use crate::exit;
use crate::render;

/// How long a submit that is under way may take to say which job is to be cancelled, and the cancel itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of a shell that does not find the command.
const NOT_FOUND: i32 = 127;

/// Runs one job to its end; gives the exit status.
pub(crate) async fn run_job(client: Client, flags: RunFlags, printer: Printer) -> i32 {
    let Surroundings { context, mut broken, _listening, .. } = Surroundings::new(client, printer);
    let words = flags.words.clone();
    let job = match submit(&context, flags).await {
        Ok(job) => job,
        Err(error) => return fail(printer, &error),
    };
    let ended = tokio::select! {
        biased;
        Some(error) = broken.recv() => Err(Stopped::Unread(error)),
        ended = followed(&context, job) => ended.map_err(Stopped::Because),
    };
    match ended {
        Ok(row) => {
            let status = row.outcome.as_ref().map_or(exit::OK, JobOutcome::exit_status);
            say_end(&context, &row, status, &words);
            exit::of(&Ok(Outcome { data: Data::Followed(Vec::new()), exit: status }))
        }
        Err(Stopped::Because(error)) if error.kind == Kind::Interrupted => {
            cancel(&context, job).await;
            exit::INTERRUPTED
        }
        Err(Stopped::Because(error)) => fail(printer, &error),
        Err(Stopped::Unread(error)) => {
            cancel(&context, job).await;
            printer.cannot_write(&error)
        }
    }
}

/// Why it was not followed to its end.
enum Stopped {
    Because(CommandError),
    /// Nobody takes what it writes.
    Unread(io::Error),
}

/// Submits the job. An interrupt waits for the answer, so that the job can be cancelled.
async fn submit(context: &Context, flags: RunFlags) -> Result<JobId, CommandError> {
    let quoted = shlex::try_join(flags.words.iter().map(String::as_str));
    let command = quoted.map_err(|_| CommandError::usage("an argument holds a NUL", "leave it out"))?;
    // One dash alone would be a script on standard input.
    let command = if command == "-" { "'-'".to_owned() } else { command };
    let submitting = execute(context, submitting(command, flags.job));
    tokio::pin!(submitting);
    let outcome = tokio::select! {
        biased;
        outcome = &mut submitting => outcome,
        () = context.interrupted() => tokio::time::timeout(PATIENCE, submitting).await.unwrap_or_else(|_| {
            let hint = "c2d may have accepted the job all the same; `c2-tui --exec jobs` shows what there is";
            Err(CommandError::new(Kind::Interrupted, "interrupted").hint(hint))
        }),
    };
    match outcome?.data {
        Data::Submitted(job, _) => {
            context.progress(&format!("Submitted job {job}"));
            Ok(job)
        }
        _ => Err(CommandError::new(Kind::Refused, "c2d did not say which job this is")),
    }
}

fn say_end(context: &Context, row: &JobRow, status: i32, words: &[String]) {
    if status != exit::OK {
        context.progress(&format!("c2-tui: {}", render::verdict(row)));
    }
    if let [line] = words
        && status == NOT_FOUND
        && line.contains(' ')
    {
        context.progress("  hint: for a line of the shell write: c2-tui run -- sh -c 'LINE'");
    }
}

async fn cancel(context: &Context, job: JobId) {
    let said = match tokio::time::timeout(PATIENCE, context.client.cancel(job)).await {
        Ok(Ok(_)) => format!("cancelled {job}"),
        Ok(Err(error)) => format!("c2-tui: cannot cancel {job}: {error}"),
        Err(_) => format!("c2-tui: c2d does not answer, so {job} may still run; cancel it with: cancel {job}"),
    };
    context.progress(&said);
}

fn fail(printer: Printer, error: &CommandError) -> i32 {
    printer.error(error, None);
    exit::status(error.kind)
}
