//! From the command line to the exit status: which face the console shows, and where c2d is.

use std::ffi::OsString;
use std::io::IsTerminal as _;

use c2_shared::home;

use crate::arguments::{Arguments, Asked, Other};
use crate::command::{CommandError, Kind};
use crate::headless::{self, Printer};
use crate::local::Local;
use crate::{connect, event_loop, exit, local, login, mcp, settings, shell_completion, zone};

/// Runs the program with its command line, the name first; answers the exit status.
pub fn run(command_line: impl IntoIterator<Item = OsString>) -> i32 {
    let command_line: Vec<OsString> = command_line.into_iter().collect();
    // A caller that asked for JSON gets it, also where the rest of the arguments cannot be read.
    let json = command_line.iter().skip(1).take_while(|word| *word != "--").any(|word| word == "--json");
    match Arguments::read(command_line) {
        Ok(Asked::Run(arguments)) => start(&arguments),
        Ok(Asked::Show(text)) => shown(&text, json),
        Err(error) => fail(&error, json),
    }
}

fn start(arguments: &Arguments) -> i32 {
    // A line for a script is over before threads have started; the screen has to take keys whatever else is done.
    let mut builder = if arguments.sources().is_empty() {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2);
        builder
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error =
                CommandError::refused(format!("cannot start: {error}"), "see the limits of this user: ulimit -a");
            return fail(&error, arguments.json);
        }
    };
    let status = runtime.block_on(serve(arguments));
    // A thread may still wait for a line of standard input; nobody waits for it.
    runtime.shutdown_background();
    status.unwrap_or_else(|error| {
        let message = arguments.origins.told(&error.message, None);
        fail(&CommandError { message, ..error }, arguments.json)
    })
}

async fn serve(arguments: &Arguments) -> Result<i32, CommandError> {
    match &arguments.other {
        None => {}
        Some(Other::Login { line, name }) => return Ok(said(&login::with(line, name.clone()).await?)),
        Some(Other::Logout) => return Ok(said(&login::logout()?)),
        Some(Other::StopLocal { data_dir, now }) => {
            let folder = data_dir.as_deref().map(home::expand);
            return Ok(said(&local::stop_left(folder.as_deref(), *now).await?));
        }
        Some(Other::Config { place, json }) => {
            return Ok(shown(&settings::list(place, &arguments.origins, *json)?, *json));
        }
        Some(Other::Complete { place, line, bash }) => {
            return Ok(shown(&shell_completion::offers(line, bash.as_deref(), place).await, false));
        }
        Some(Other::Mcp { place, allow_changes }) => {
            return mcp::serve(connect::client(&place.place())?, *allow_changes).await;
        }
        Some(Other::Run(run)) => {
            let client = connect::client(&run.place.place())?;
            return Ok(headless::run_job(client, (**run).clone(), Printer::new(false)).await);
        }
    }
    let printer = Printer::new(arguments.json);
    if let Some(error) = zone::unknown() {
        printer.error(&error, None);
    }
    let sources = arguments.sources();
    if sources.is_empty() && !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        return Err(CommandError::usage("the full screen needs a terminal", "run commands with `c2-tui --exec list`"));
    }
    if sources.is_empty() && std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        let hint = "run commands with `c2-tui --exec list`, or set TERM to what the terminal is";
        return Err(CommandError::usage("the full screen needs more than TERM=dumb can show", hint));
    }
    let local = if arguments.local {
        Some(Local::start(arguments.place.place().data_dir.as_deref(), arguments.workspace_root.as_deref()).await?)
    } else {
        None
    };
    let (client, place) = match &local {
        Some(local) => (local.client().clone(), local.place()),
        None => (connect::client(&arguments.place.place())?, arguments.place.place()),
    };
    if let Some(started) = local.as_ref().and_then(Local::announcement) {
        printer.progress(&started);
    }
    let status = if sources.is_empty() {
        let mut settings = event_loop::settings(client.server(), &place);
        settings.readonly = arguments.readonly;
        settings.ascii |= arguments.ascii;
        let ran = event_loop::run(client, place, settings).await;
        ran.map_err(|error| CommandError::new(Kind::Refused, error.to_string()))?
    } else {
        headless::run(client, sources, arguments.keep_going, printer).await
    };
    if let Some(local) = local
        && let Some(left) = local.leave(arguments.keep).await
    {
        printer.progress(&left);
    }
    Ok(status)
}

fn said(line: &str) -> i32 {
    shown(&format!("{line}\n"), false)
}

/// Prints a text and nothing else; the exit status says whether it arrived.
fn shown(text: &str, json: bool) -> i32 {
    headless::show(text).map_or_else(|error| Printer::new(json).cannot_write(&error), |()| exit::OK)
}

fn fail(error: &CommandError, json: bool) -> i32 {
    Printer::new(json).error(error, None);
    exit::status(error.kind)
}
