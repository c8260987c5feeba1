//! Runs the full screen: owns the terminal, the channels, the timers and the effects.
//!
//! One task holds the model. It waits for a signal, an event of the terminal, a message of another
//! task or a point in time, handles all that has come, and draws if something that can be seen has
//! changed: at once after a pause, otherwise at most every 16 ms. With nothing to show it sleeps.

mod burst;
mod effects;
mod history;
mod input;
mod logfile;
mod outputs;
mod preferences;
mod signals;
mod split;
pub(crate) mod spool;
mod terminal;

use std::io;
use std::time::Duration;

use c2_shared::client::Client;
use c2_shared::config::state_home;
use c2_shared::time::Mono;
use crossterm::event::Event;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use self::burst::Part;
use self::effects::Effects;
use self::history::HistoryFile;
use self::input::Translator;
use self::outputs::Outputs;
use self::preferences::Keeper;
use self::signals::{Signals, Told};
use self::terminal::Screen;
use crate::app::{Effect, Model, Msg, Settings, update};
use crate::clock::{self, Clock};
use crate::connect::{self, Place};
use crate::feed;
use crate::ui::{self, HitMap};

/// Between two frames: sixty a second are more than an eye needs.
const FRAME_MS: u64 = 16;
/// Between two looks whether the terminal is still there.
const WATCH: Duration = Duration::from_secs(1);
/// Messages that wait between the tasks and the loop.
const QUEUE_LEN: usize = 1_024;
/// Reads of the terminal that wait.
const READS_LEN: usize = 4;
/// Messages handled before a frame is due again.
const BATCH_MAX: usize = 512;

/// Why the full screen could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The terminal does not work as one.
    #[error("the terminal failed: {0}")]
    Terminal(#[from] io::Error),
}

/// Runs the full screen until the operator leaves; answers the exit status. `client` is what was
/// found at `place`; there it is looked for again when it does not serve.
pub(crate) async fn run(client: Client, place: Place, settings: Settings) -> Result<i32, RunError> {
    let folder = state_home().join("c2-tui");
    let log = logfile::begin(&folder);
    let mut tasks = JoinSet::new();
    let (events_to, events) = mpsc::channel(READS_LEN);
    let (to, messages) = mpsc::channel(QUEUE_LEN);
    let (retry, retries) = mpsc::channel(1);
    let clock = Clock::start();
    let signals = Signals::listen()?;
    let (keeper, chosen, trouble) = Keeper::start(&folder, to.clone());
    let screen = Screen::take(chosen.mouse, log.as_ref().ok().cloned())?;
    let reader = input::read(&mut tasks, events_to.clone());
    let (clients, client) = watch::channel(client);
    let effects = Effects::new(client.clone(), HistoryFile::in_folder(&folder), to.clone());
    let outputs = Outputs::new(client, folder.join("outputs"), to.clone());
    effects.load_history(&mut tasks);
    let log = log.err().map(|error| format!("there is no log: {error}"));
    for trouble in log.into_iter().chain(trouble) {
        let _full = to.try_send(Msg::Notice(trouble));
    }
    tasks.spawn(feed::run(place, clients, clock, to, retries));
    let mut model = Model::new(settings);
    chosen.apply(&mut model);
    let mut event_loop = EventLoop {
        model,
        screen,
        clock,
        effects,
        outputs,
        keeper,
        tasks,
        retry,
        events,
        events_to,
        messages,
        reader,
        translator: Translator::default(),
        hits: HitMap::default(),
        drawn: None,
        ended: None,
    };
    let ended = event_loop.serve(signals).await;
    // The terminal is given back before anything may take time.
    drop(event_loop.screen);
    event_loop.keeper.end().await;
    Ok(ended?)
}

/// Settings from the surroundings: NO_COLOR, a locale without UTF-8, the time zone.
pub(crate) fn settings(server: &str, place: &Place) -> Settings {
    let said = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(said);
    let utf8 = |locale: String| locale.to_ascii_lowercase().replace('-', "").contains("utf8");
    Settings {
        server: server.to_owned(),
        call: place.call(server),
        data_dir: place.data_dir.as_deref().map(connect::quoted),
        // The console of Linux has few letters beside those of ASCII.
        ascii: !locale.is_none_or(utf8) || said("TERM").is_some_and(|term| term == "linux"),
        no_color: said("NO_COLOR").is_some(),
        utc_offset_s: clock::here().offset().seconds(),
        ..Settings::default()
    }
}

enum Woken {
    Signal(Told),
    Watch,
    Frame,
    Events(Vec<Event>),
    Message(Msg),
    Time,
    Task(Result<(), tokio::task::JoinError>),
}

struct EventLoop {
    model: Model,
    screen: Screen,
    clock: Clock,
    effects: Effects,
    outputs: Outputs,
    keeper: Keeper,
    tasks: JoinSet<()>,
    retry: mpsc::Sender<()>,
    events: mpsc::Receiver<Vec<Event>>,
    events_to: mpsc::Sender<Vec<Event>>,
    messages: mpsc::Receiver<Msg>,
    reader: AbortHandle,
    translator: Translator,
    hits: HitMap,
    /// The generation that was drawn last, and when.
    drawn: Option<(u64, Mono)>,
    ended: Option<i32>,
}

impl EventLoop {
    async fn serve(&mut self, mut signals: Signals) -> io::Result<i32> {
        let mut watch = interval(WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Skip);
        self.follow_size()?;
        self.draw()?;
        loop {
            if let Some(status) = self.ended {
                return Ok(status);
            }
            match self.wait(&mut signals, &mut watch).await {
                Woken::Signal(Told::End(number)) => return Ok(128 + number),
                Woken::Signal(Told::Stop) => self.suspend()?,
                Woken::Signal(Told::Continue) => self.go_on()?,
                Woken::Signal(Told::Resized) => self.follow_size()?,
                Woken::Watch if signals::terminal_gone() => return Ok(128 + rustix::process::Signal::HUP.as_raw()),
                Woken::Watch => self.effects.tidy(),
                Woken::Frame => self.draw()?,
                Woken::Events(first) => self.on_events(first)?,
                Woken::Message(first) => self.on_messages(first)?,
                Woken::Time => self.handle(Msg::Tick)?,
                Woken::Task(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Woken::Task(_) => {}
            }
        }
    }

    /// Waits for whatever comes first. A frame that is due goes before new events, so that a flood
    /// of them cannot freeze the screen.
    async fn wait(&mut self, signals: &mut Signals, watch: &mut tokio::time::Interval) -> Woken {
        let frame = match self.drawn {
            _ if self.screen.is_lent() => None,
            None => Some(Mono(0)),
            Some((generation, at)) => (generation != self.model.generation).then(|| at.after_ms(FRAME_MS)),
        };
        let frame_at = self.clock.instant(frame.unwrap_or_default());
        let wake = if frame.is_none() { self.model.next_wake() } else { None };
        let wake_at = self.clock.instant(wake.unwrap_or_default());
        tokio::select! {
            biased;
            told = signals.next() => Woken::Signal(told),
            () = sleep_until(frame_at), if frame.is_some() => Woken::Frame,
            _ = watch.tick() => Woken::Watch,
            Some(events) = self.events.recv() => Woken::Events(events),
            Some(message) = self.messages.recv() => Woken::Message(message),
            Some(ended) = self.tasks.join_next() => Woken::Task(ended),
            () = sleep_until(wake_at), if wake.is_some() => Woken::Time,
        }
    }

    fn on_events(&mut self, first: Vec<Event>) -> io::Result<()> {
        let now = self.clock.now().mono;
        let events = input::waiting(first, &mut self.events);
        for part in self.translator.parts(&events, now) {
            if matches!(part, Part::Event(Event::Resize(..))) {
                // The size is asked for again: by now it may be another one.
                self.follow_size()?;
            } else if let Some(msg) = self.translator.msg(part, &self.hits, now) {
                self.handle(msg)?;
            }
        }
        Ok(())
    }

    fn on_messages(&mut self, first: Msg) -> io::Result<()> {
        self.handle(first)?;
        for _ in 1..BATCH_MAX {
            match self.messages.try_recv() {
                Ok(msg) => self.handle(msg)?,
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn handle(&mut self, msg: Msg) -> io::Result<()> {
        for effect in update(&mut self.model, msg, self.clock.now()) {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<()> {
        let width = self.model.size.0.saturating_sub(4);
        match effect {
            Effect::Execute { run, line } => self.effects.execute(&mut self.tasks, run, line, width),
            Effect::ExecuteAll { run, lines } => self.effects.execute_all(&mut self.tasks, run, lines, width),
            Effect::Watch { run, document, line } => {
                let writer = self.outputs.open_run(&mut self.tasks, document);
                self.effects.watch(&mut self.tasks, run, line, writer, width);
            }
            Effect::Interrupt(run) => self.effects.interrupt(run),
            Effect::Abort(run) => self.effects.abort(run),
            Effect::Fetch(job) => self.effects.fetch(&mut self.tasks, job),
            Effect::FetchEnded(state) => self.effects.fetch_ended(&mut self.tasks, state),
            Effect::Why { wait, job } => self.effects.why(&mut self.tasks, wait, job),
            Effect::Ask(asked) => self.effects.ask(&mut self.tasks, asked),
            Effect::Keep(chosen) => self.keeper.keep(chosen),
            Effect::Remember(line) => self.effects.remember(&mut self.tasks, line),
            Effect::ListFolder(folder) => self.effects.list_folder(&mut self.tasks, folder),
            Effect::OpenOutput { document, job, shown } => self.outputs.open(&mut self.tasks, document, job, shown),
            Effect::ReadBlocks { document, blocks } => self.outputs.read(document, blocks),
            Effect::CloseOutput(document) => self.outputs.close(document),
            Effect::Save { what, path, overwrite } => self.outputs.save(&mut self.tasks, what, path, overwrite),
            Effect::RetryNow => {
                // Full means that it was asked for already.
                let _asked = self.retry.try_send(());
            }
            Effect::Copy(text) => self.screen.copy(&text)?,
            Effect::Ring(text) => self.screen.ring(&text)?,
            Effect::CaptureMouse(capture) => self.screen.capture_mouse(capture)?,
            Effect::Repaint => {
                self.screen.renew()?;
                self.drawn = None;
            }
            Effect::Suspend => self.suspend()?,
            Effect::Quit => self.ended = Some(0),
        }
        Ok(())
    }

    /// Tells the core the terminal's size, if it is not the one that it knows.
    fn follow_size(&mut self) -> io::Result<()> {
        let (width, height) = terminal::size();
        // While the shell has the screen nothing is drawn on it.
        if !self.screen.is_lent() && (width, height) != self.model.size {
            self.screen.renew()?;
            self.handle(Msg::Resize { width, height })?;
        }
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        self.screen.set_title(ui::title(&self.model))?;
        let (model, hits) = (&self.model, &mut self.hits);
        self.screen.draw(|frame| *hits = ui::draw(model, frame))?;
        self.drawn = Some((self.model.generation, self.clock.now().mono));
        Ok(())
    }

    /// Gives the terminal to the shell, until `fg` sends the signal to go on. The reader ends before,
    /// because it would take the shell's keys.
    fn suspend(&mut self) -> io::Result<()> {
        self.reader.abort();
        self.screen.lend();
        if signals::stop_here() { Ok(()) } else { self.go_on() }
    }

    /// After a stop, be it of its own or another's, the terminal is taken once: keys that are typed
    /// while it is given back and taken a second time would be the terminal's, not the console's.
    fn go_on(&mut self) -> io::Result<()> {
        if self.screen.is_lent() {
            self.reader = input::read(&mut self.tasks, self.events_to.clone());
        }
        self.screen.retake()?;
        self.drawn = None;
        self.follow_size()
    }
}
