//! What benches and the tests of other packages reach of the console's inside.

use std::fs::File;
use std::io;
use std::ops::Range;

use c2_shared::api::events::{Change, Event, Snapshot};
use c2_shared::api::figures::{FailureGroup, Stats, Timeline};
use c2_shared::api::jobs::{JobRow, QueueStatus};
use c2_shared::job::JobSpec;
use c2_shared::time::Mono;
use c2_shared::validate;
use clap::CommandFactory as _;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;

pub use crate::arguments::Arguments;
pub use crate::command::{CommandInfo, commands};

use crate::app::figures::Figures;
use crate::app::msg::News;
use crate::app::pager::{CHUNKS_MAX, Chunk, Command, Pager, count_lines};
use crate::app::table::{Grid as _, Step};
use crate::app::{Model, Msg, Now, Settings, update};
use crate::command::grammar::Grammar;
use crate::command::job_flags::JobFlags;
use crate::command::{self, CommandError, batch, lex};
use crate::event_loop::spool::Spool;
use crate::ui;

/// The grammar of lines.
pub fn grammar() -> clap::Command {
    Grammar::command()
}

/// Where the words of a line are; none where it has no words.
pub fn words(line: &str) -> Option<Vec<Range<usize>>> {
    lex::lex(line).ok().map(|words| words.into_iter().map(|word| word.span).collect())
}

/// Reads a line of the console, or says what is wrong with it.
pub fn parse(line: &str) -> Result<(), String> {
    command::parse(line).map(drop).map_err(|error| error.message)
}

/// What to do about a line that is not understood.
pub fn hint(line: &str) -> Option<String> {
    command::parse(line).err().and_then(|error| error.hint)
}

/// Reads the jobs of a batch file, or says what is wrong with it.
pub fn batch(text: &str) -> Result<Vec<JobSpec>, String> {
    let jobs = batch::jobs(text, &JobFlags::default()).into_iter();
    jobs.map(|(_, draft)| {
        let draft = draft?;
        let spec = draft.flags.spec(draft.base).map_err(|error| CommandError::from(error).message)?;
        validate::new_spec(&spec).map_err(|invalid| invalid.message)?;
        Ok(spec)
    })
    .collect()
}

/// All pieces and lines that are shown of what a job wrote.
pub fn shown(bytes: &[u8], width: usize, height: usize) -> Vec<String> {
    let mut pager = Pager::new(bytes);
    pager.set_size(width, height);
    for _ in 0..64 {
        pager.settle();
    }
    let pieces = pager.rows().iter().flat_map(|row| &row.pieces).map(|piece| piece.text.clone());
    pieces.chain(pager.lines()).collect()
}

/// A long output in a file.
#[derive(Debug)]
pub struct Output(Spool);

/// An output with the pager that shows its end.
#[derive(Debug)]
pub struct Reading {
    spool: Spool,
    pager: Pager,
    chunks: Vec<Chunk>,
}

impl Output {
    pub fn of(file: File) -> io::Result<Self> {
        Spool::of(file).map(Self)
    }

    pub fn open(&self) -> Reading {
        let mut pager = Pager::window();
        pager.set_size(200, 50);
        pager.grow(self.0.len(), 0);
        let mut reading = Reading { spool: self.0.clone(), pager, chunks: Vec::new() };
        reading.serve();
        assert!(reading.pager.is_at_end() && reading.pager.rows().len() == 50);
        reading
    }
}

impl Reading {
    pub fn page_up(&mut self) {
        self.pager.command(Command::Step(Step::PageUp));
        self.serve();
    }

    /// Searches upwards, through all of it where nothing is found.
    pub fn search(&mut self, text: &str) {
        self.pager.command(Command::SearchBack);
        self.pager.type_text(text);
        self.pager.accept();
        self.serve();
    }

    /// Goes as far with a search as what is in memory.
    pub fn begin_search(&mut self, text: &str) {
        self.pager.command(Command::SearchBack);
        self.pager.type_text(text);
        self.pager.settle();
        self.chunks = self.spool.chunks(&self.pager.wanted()).expect("the spool can be read");
    }

    /// Takes the next part that the search asked for.
    pub fn search_on(&mut self) {
        self.pager.take(std::mem::take(&mut self.chunks));
        self.pager.settle();
    }

    /// Hands over what the pager asks for, as the event loop does.
    fn serve(&mut self) {
        loop {
            self.pager.settle();
            let wanted = self.pager.wanted();
            if wanted.is_empty() && !self.pager.is_hungry() {
                break;
            }
            self.pager.take(self.spool.chunks(&wanted).expect("the spool can be read"));
        }
        assert!(self.pager.document().held() <= CHUNKS_MAX, "memory is bounded");
    }
}

#[test]
fn a_gigabyte_opens_at_its_end_with_little_memory() {
    use std::os::unix::fs::FileExt as _;

    // A file with a hole: only its last lines take room on the disk.
    let file = tempfile::tempfile().expect("a temporary file");
    let lines: String = (1..=10_000).map(|n| format!("line {n}\n")).collect();
    file.write_all_at(lines.as_bytes(), (1 << 30) - lines.len() as u64).expect("there is room for it");
    let mut reading = Output::of(file).expect("it has a length").open();
    let last = |reading: &Reading| -> String {
        let row = reading.pager.rows().last().map(|row| row.text());
        row.unwrap_or_default()
    };
    assert_eq!(last(&reading), "line 10000");
    reading.page_up();
    assert_eq!(last(&reading), "line 9950");
    reading.search("line 17");
    assert!(reading.pager.document().held() <= CHUNKS_MAX);
}

/// The full screen without a terminal.
#[derive(Clone, Debug)]
pub struct Console {
    model: Model,
    now: Now,
}

impl Console {
    /// One of this size that knows these jobs, at a time in unix milliseconds.
    pub fn new(width: u16, height: u16, jobs: Vec<JobRow>, wall_ms: u64) -> Self {
        let now = Now { mono: Mono(1_000_000), wall_ms };
        let mut console = Self { model: Model::new(Settings::default()), now };
        let queue = QueueStatus { queued: jobs.len(), active: jobs.len(), ..QueueStatus::default() };
        let snapshot = Snapshot { workers: Vec::new(), jobs, queue };
        console.send(Msg::Resize { width, height });
        console.send(Msg::Connected);
        console.send(Msg::Event(Event::Snapshot(Box::new(snapshot))));
        console
    }

    /// Filters the jobs; answers how many pass.
    pub fn filter(&mut self, text: &str) -> usize {
        self.model.panes.jobs.set_filter(text, &self.model.cache);
        self.model.panes.jobs.len()
    }

    pub fn sort_by(&mut self, column: usize) {
        self.model.panes.jobs.sort_by(column, &self.model.cache);
    }

    pub fn change(&mut self, job: JobRow) {
        self.send(Msg::Event(Event::Change(Box::new(Change { jobs: vec![job], ..Change::default() }))));
    }

    /// Shows beside the jobs what the selected one wrote.
    pub fn preview(&mut self, text: &[u8]) {
        self.send(Msg::Key(KeyEvent::new(KeyCode::Char('2'), KeyModifiers::ALT)));
        self.press(KeyCode::Char('p'));
        let document = self.model.last_document;
        let chunk = Chunk { block: 0, start: 0, bytes: text.to_vec() };
        let counts = vec![count_lines(text)];
        let all = [News::Grown(text.len() as u64), News::Counted { from: 0, counts }, News::Chunks(vec![chunk])];
        all.into_iter().for_each(|news| self.send(Msg::Output { document, news }));
    }

    /// Opens the timeline, or has c2d tell it anew.
    pub fn timeline(&mut self, timeline: Timeline) {
        self.press(KeyCode::F(7));
        self.send(Msg::Figures(Figures::Timeline(timeline)));
    }

    /// Opens the page of failures, or has c2d tell them anew.
    pub fn failures(&mut self, failures: Vec<FailureGroup>) {
        self.press(KeyCode::F(6));
        self.send(Msg::Figures(Figures::Stats(Stats { failures, ..Stats::default() })));
    }

    pub fn paste(&mut self, text: String) {
        self.send(Msg::Paste(text));
    }

    pub fn press(&mut self, key: KeyCode) {
        self.send(Msg::Key(KeyEvent::new(key, KeyModifiers::NONE)));
    }

    pub fn draw(&self, frame: &mut Frame<'_>) {
        ui::draw(&self.model, frame);
    }

    fn send(&mut self, msg: Msg) {
        update(&mut self.model, msg, self.now);
    }
}
