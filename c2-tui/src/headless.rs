//! The face for scripts: runs lines one after the other and stops at the first that fails.
//!
//! What was asked for goes to standard output, everything else to standard error; see `print`.

mod meter;
mod one_job;
mod print;
mod script;

use std::io;
use std::time::Duration;

use c2_shared::client::Client;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::command::context::Told;
use crate::command::{self, Command, CommandError, Console, Context, Kind, Outcome, Verb};
use crate::exit;

pub(crate) use one_job::run_job;
pub(crate) use print::{Printer, show};
pub(crate) use script::Source;

use meter::Meter;
use script::{Script, Step};

/// How long a command that was interrupted may take to say more about it.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Runs all lines of the sources.
///
/// Gives the exit status: that of the first line that failed, else 0.
pub(crate) async fn run(client: Client, sources: Vec<Source>, keep_going: bool, printer: Printer) -> i32 {
    let Surroundings { context, meter, mut broken, _listening } = Surroundings::new(client, printer);
    let mut script = Script::new(sources);
    let mut status = exit::OK;
    loop {
        let step = tokio::select! {
            step = script.next() => step,
            () = context.interrupted() => return exit::INTERRUPTED,
        };
        let (origin, result) = match step {
            None => return status,
            Some(Err(error)) => (None, Err(error)),
            Some(Ok(Step { origin, line })) => match command::parse(&line) {
                Ok(Verb::Console(Console::Quit)) => return status,
                Ok(Verb::Console(_)) => (origin, Err(only_on_screen(&line))),
                Ok(Verb::Command(command)) => tokio::select! {
                    biased;
                    Some(error) = broken.recv() => return printer.cannot_write(&error),
                    result = perform(&context, command) => (origin, result),
                },
                Err(error) => (origin, Err(error)),
            },
        };
        meter.clear();
        let failed = exit::of(&result);
        if let Err(error) = printer.result(&result, origin.as_deref()) {
            return printer.cannot_write(&error);
        }
        if status == exit::OK {
            status = failed;
        }
        if failed == exit::INTERRUPTED || failed != exit::OK && !keep_going {
            return status;
        }
    }
}

/// What commands run in here: what they tell is printed, and signals interrupt them.
struct Surroundings {
    context: Context,
    meter: Meter,
    /// Why what a command told could not be printed.
    broken: mpsc::Receiver<io::Error>,
    _listening: JoinSet<()>,
}

impl Surroundings {
    fn new(client: Client, printer: Printer) -> Self {
        let (interrupt, interrupted) = watch::channel(false);
        let mut listening = JoinSet::new();
        // Set up before the first command runs. Where that fails, signals end the program by themselves.
        if let (Ok(int), Ok(term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
            listening.spawn(listen(int, term, interrupt));
        }
        let (broke, broken) = mpsc::channel(1);
        let meter = printer.meter();
        let shown = meter.clone();
        let context = Context::new(client, false).writing_through(!printer.is_json()).with_interrupt(interrupted);
        let context = context.with_listener(move |told| {
            let written = match told {
                Told::Progress(line) => {
                    printer.progress(line);
                    Ok(())
                }
                Told::Transfer { label, done, total } => {
                    shown.show(label, done, total);
                    Ok(())
                }
                Told::Wrote(wrote) => printer.wrote(&wrote),
                Told::Heard(heard) => printer.heard(heard),
            };
            // One error is enough to end with.
            drop(written.map_err(|error| broke.try_send(error)));
        });
        Self { context, meter, broken, _listening: listening }
    }
}

fn only_on_screen(line: &str) -> CommandError {
    let message = format!("{:?} is for the full screen, which a script does not have", line.trim());
    CommandError::usage(message, "start `c2-tui` without --exec and --file")
}

/// Runs a command until its end or an interrupt. Commands that wait see the interrupt themselves
/// and say more about it, hence the order.
async fn perform(context: &Context, command: Command) -> Result<Outcome, CommandError> {
    let performing = command::execute(context, command);
    tokio::pin!(performing);
    tokio::select! {
        biased;
        result = &mut performing => return result,
        () = context.interrupted() => {}
    }
    // Both are woken one after the other, and the command perhaps last.
    tokio::time::timeout(LAST_WORDS, performing).await.unwrap_or_else(|_| {
        Err(CommandError::new(Kind::Interrupted, "interrupted")
            .hint("c2d may have done it all the same; `jobs` shows what there is"))
    })
}

/// Interrupts at the first SIGINT or SIGTERM.
async fn listen(mut int: Signal, mut term: Signal, interrupt: watch::Sender<bool>) {
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
    interrupt.send_replace(true);
}
