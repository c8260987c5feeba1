//! Carrying out effects that take time: commands, fetches, files. Each runs as a task of its own
//! and answers with a message; none can hold up a key.

use std::collections::BTreeMap;
use std::sync::Arc;

use c2_shared::api::figures::{StatsQuery, TimelineQuery};
use c2_shared::api::jobs::LogQuery;
use c2_shared::api::why::Explanation;
use c2_shared::client::Client;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::history::HistoryFile;
use super::outputs::Writer;
use crate::app::Msg;
use crate::app::cache::WaitKey;
use crate::app::figures::{Asked, Figures};
use crate::app::live::Shown;
use crate::app::report::{Fault, Report, RunId};
use crate::command::context::Told;
use crate::command::{self, Command, CommandError, Context, Data, Entered, Outcome, resolve};
use crate::ssh::run::Heard;
use crate::{exit, render};

/// Fetches at once; when pages follow a job that changes fast, the others wait.
const FETCHES_MAX: usize = 4;
/// Ended jobs that are asked for at once, so that no answer holds up a key, and how many times.
const ENDED_PART: usize = 1_000;
const ENDED_PARTS_MAX: usize = 10;
/// Names of a folder that are looked at for completion.
const NAMES_MAX: usize = 2_000;

pub(super) struct Effects {
    /// The client that was found last.
    client: watch::Receiver<Client>,
    history: HistoryFile,
    to: mpsc::Sender<Msg>,
    runs: BTreeMap<RunId, AbortHandle>,
    interrupts: BTreeMap<RunId, watch::Sender<bool>>,
    fetches: Arc<Semaphore>,
}

impl Effects {
    pub(super) fn new(client: watch::Receiver<Client>, history: HistoryFile, to: mpsc::Sender<Msg>) -> Self {
        Self {
            client,
            history,
            to,
            runs: BTreeMap::new(),
            interrupts: BTreeMap::new(),
            fetches: Arc::new(Semaphore::new(FETCHES_MAX)),
        }
    }

    fn context(&self) -> Context {
        Context::new(self.client.borrow().clone(), true)
    }

    /// Surroundings in which what a run says meanwhile is told.
    fn noting(&self, run: RunId) -> Context {
        let to = self.to.clone();
        self.context().with_listener(move |told| {
            if let Told::Progress(line) = told {
                // Where so much waits already, what came of it says enough.
                let _full = to.try_send(Msg::Noted { run, line: line.to_owned() });
            }
        })
    }

    pub(super) fn execute(&mut self, tasks: &mut JoinSet<()>, run: RunId, line: Entered, width: u16) {
        let (context, to) = (self.noting(run), self.to.clone());
        let task = tasks.spawn(async move {
            let report = report(&context, line.command, width).await;
            let _nobody_listens = to.send(Msg::Finished { run, report }).await;
        });
        self.runs.insert(run, task);
    }

    /// Executes a line whose lines go to the writer as they come.
    pub(super) fn watch(&mut self, tasks: &mut JoinSet<()>, run: RunId, line: Entered, writer: Writer, width: u16) {
        let (interrupt, interrupted) = watch::channel(false);
        let (writer, to) = (Arc::new(writer), self.to.clone());
        let told_to = Arc::clone(&writer);
        let context = self.context().with_interrupt(interrupted).with_listener(move |told| match told {
            Told::Heard(heard) => on_heard(&told_to, heard),
            Told::Wrote(wrote) => told_to.write(wrote.bytes),
            Told::Progress(line) => told_to.write(dim(line).as_bytes()),
            Told::Transfer { .. } => {}
        });
        let task = tasks.spawn(async move {
            let report = watched(&context, line.command, width, &writer).await;
            let _nobody_listens = to.send(Msg::Finished { run, report }).await;
        });
        self.interrupts.insert(run, interrupt);
        self.runs.insert(run, task);
    }

    pub(super) fn interrupt(&self, run: RunId) {
        if let Some(interrupt) = self.interrupts.get(&run) {
            interrupt.send_replace(true);
        }
    }

    /// Executes lines one after the other, whatever becomes of each.
    pub(super) fn execute_all(&mut self, tasks: &mut JoinSet<()>, run: RunId, lines: Vec<Entered>, width: u16) {
        let (context, to) = (self.noting(run), self.to.clone());
        let task = tasks.spawn(async move {
            for line in lines {
                let report = report(&context, line.command, width).await;
                if to.send(Msg::Bulk { run, one: Some((line.text, report)) }).await.is_err() {
                    return;
                }
            }
            let _nobody_listens = to.send(Msg::Bulk { run, one: None }).await;
        });
        self.runs.insert(run, task);
    }

    pub(super) fn abort(&mut self, run: RunId) {
        if let Some(task) = self.runs.remove(&run) {
            task.abort();
        }
    }

    /// Forgets runs that have ended.
    pub(super) fn tidy(&mut self) {
        self.runs.retain(|_, task| !task.is_finished());
        self.interrupts.retain(|run, _| self.runs.contains_key(run));
    }

    pub(super) fn fetch(&self, tasks: &mut JoinSet<()>, job: JobId) {
        let (client, to, fetches) = (self.client.borrow().clone(), self.to.clone(), Arc::clone(&self.fetches));
        tasks.spawn(async move {
            let Ok(_permit) = fetches.acquire().await else { return };
            let answer = client.job(job, 0).await;
            let info =
                answer.map(|answer| Box::new(answer.job)).map_err(|error| Fault::from(CommandError::from(error)));
            let _nobody_listens = to.send(Msg::Fetched { job, info }).await;
        });
    }

    /// Asks why a job waits.
    pub(super) fn why(&self, tasks: &mut JoinSet<()>, wait: WaitKey, job: JobId) {
        let (client, to, fetches) = (self.client.borrow().clone(), self.to.clone(), Arc::clone(&self.fetches));
        tasks.spawn(async move {
            let Ok(_permit) = fetches.acquire().await else { return };
            let next = || "next to start".to_owned();
            let waits = |why: &Explanation| why.job.state == wait.state;
            let why = client.why(job).await.ok().filter(waits);
            let words = why.map(|why| render::waiting(&why).unwrap_or_else(next));
            let _nobody_listens = to.send(Msg::Why { wait, job, words }).await;
        });
    }

    /// Fetches ended jobs in parts, the latest first, as many as are kept.
    pub(super) fn fetch_ended(&self, tasks: &mut JoinSet<()>, state: Option<JobState>) {
        let (client, to) = (self.client.borrow().clone(), self.to.clone());
        tasks.spawn(async move {
            let mut before = None;
            for _ in 0..ENDED_PARTS_MAX {
                let query = LogQuery { lines: Some(ENDED_PART), before, state, ..LogQuery::default() };
                let results = match client.log(&query).await {
                    Ok(log) => log.results,
                    Err(error) => {
                        tracing::info!(%error, "older jobs cannot be fetched");
                        return;
                    }
                };
                before = results.first().map(|entry| entry.seq);
                let is_last = results.len() < ENDED_PART;
                let rows = results.into_iter().map(|entry| entry.job).collect();
                if to.send(Msg::Rows(rows)).await.is_err() || is_last {
                    return;
                }
            }
        });
    }

    /// Asks for figures of the past.
    pub(super) fn ask(&self, tasks: &mut JoinSet<()>, asked: Asked) {
        let (client, to) = (self.client.borrow().clone(), self.to.clone());
        tasks.spawn(async move {
            let told = match asked {
                Asked::Stats => client.stats(&StatsQuery::default()).await.map(Figures::Stats),
                Asked::Schedules => client.schedules().await.map(Figures::Schedules),
                Asked::Notifications => client.notifications().await.map(Figures::Notifications),
                Asked::Timeline { since_s } => {
                    client.timeline(&TimelineQuery { since_s: Some(since_s) }).await.map(Figures::Timeline)
                }
            };
            let figures = told.unwrap_or_else(|error| Figures::Failed(asked, CommandError::from(error).into()));
            let _nobody_listens = to.send(Msg::Figures(figures)).await;
        });
    }

    pub(super) fn load_history(&self, tasks: &mut JoinSet<()>) {
        let (history, to) = (self.history.clone(), self.to.clone());
        tasks.spawn_blocking(move || {
            let msg = match history.load() {
                Ok(lines) => Msg::History(lines),
                Err(error) => Msg::Notice(format!("the history cannot be read: {error}")),
            };
            let _nobody_listens = to.blocking_send(msg);
        });
    }

    pub(super) fn remember(&self, tasks: &mut JoinSet<()>, line: String) {
        let (history, to) = (self.history.clone(), self.to.clone());
        tasks.spawn_blocking(move || {
            if let Err(error) = history.append(&line) {
                let _nobody_listens = to.blocking_send(Msg::Notice(format!("the history cannot be kept: {error}")));
            }
        });
    }

    pub(super) fn list_folder(&self, tasks: &mut JoinSet<()>, folder: String) {
        let to = self.to.clone();
        tasks.spawn_blocking(move || {
            let names = names(&folder);
            let _nobody_listens = to.blocking_send(Msg::Folder { folder, names });
        });
    }
}

/// Runs one line and puts what came of it into words.
async fn report(context: &Context, command: Command, width: u16) -> Report {
    if let Command::Output(asked) = &command
        && asked.attempt.is_none()
    {
        return match resolve::job(context, &asked.job).await {
            Ok(job) => Report { opens: Some((job, Shown::of(asked))), ..Report::default() },
            Err(error) => Report { status: exit::status(error.kind), fault: Some(error.into()), ..Report::default() },
        };
    }
    let attempt = if let Command::Output(asked) = &command { asked.attempt } else { None };
    let result = command::execute(context, command).await;
    let status = exit::of(&result);
    match result {
        // Of an attempt that is over nothing more comes; it is read as every other output.
        Ok(Outcome { data: Data::Output { job, output, .. }, .. }) => {
            let page = Some((format!("{job} attempt {}", attempt.unwrap_or_default()), output.render()));
            Report { page, status, ..Report::default() }
        }
        Ok(outcome) => Report { text: words(&outcome, width), status, ..Report::default() },
        Err(error) => Report { fault: Some(error.into()), status, ..Report::default() },
    }
}

/// Runs a line whose lines are written as they come; its last words are written as well.
async fn watched(context: &Context, command: Command, width: u16, writer: &Writer) -> Report {
    let result = command::execute(context, command).await;
    let mut report = Report { status: exit::of(&result), ..Report::default() };
    match result {
        // The verdicts were written as they came.
        Ok(Outcome { data: Data::Ran(ran), .. }) => {
            writer.write(format!("{}\n", render::counts(&ran.runs)).as_bytes());
            report.fold = Some(render::folds(&ran.runs, width, true));
        }
        Ok(outcome) => writer.write(words(&outcome, width).as_bytes()),
        Err(error) => {
            let Fault { message, hint } = error.into();
            let hint = hint.map_or_else(String::new, |hint| dim(&format!("hint: {hint}")));
            writer.write(format!("{}\n{hint}", render::block(message.as_bytes())).as_bytes());
        }
    }
    report
}

/// What a command over ssh gives, as lines.
fn on_heard(writer: &Writer, heard: &Heard<'_>) {
    match heard {
        Heard::Begins(workers) => writer.expect(*workers),
        Heard::Line { ip, line, .. } => writer.write(render::from_worker(*ip, line, true, true).as_bytes()),
        Heard::Ended(run) => {
            writer.count(&run.verdict);
            writer.write(dim(&render::how_it_ended(run)).as_bytes());
        }
    }
}

/// A line that is not what a command wrote.
fn dim(line: &str) -> String {
    format!("\x1b[2m{}\x1b[0m\n", render::cell(line))
}

fn words(outcome: &Outcome, width: u16) -> String {
    render::text(outcome, width, false)
}

/// The names in a folder, folders with a slash behind them; nothing where it cannot be read.
fn names(folder: &str) -> Vec<String> {
    let place = if folder.is_empty() { "." } else { folder };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let name = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let folder = entry.path().is_dir();
        Some(if folder { name + "/" } else { name })
    };
    let mut names: Vec<String> = entries.filter_map(Result::ok).filter_map(name).take(NAMES_MAX).collect();
    names.sort_unstable();
    names
}
