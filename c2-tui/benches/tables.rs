//! How long 50,000 jobs make anybody wait: a filter, a sort, a changed row, and a frame of 200x50.
//!
//! As a test the same is done with a thousand jobs.

use std::hint::black_box;

use c2_shared::api::events::{Change, Event, Snapshot};
use c2_shared::api::jobs::{JobRow, QueueStatus};
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_shared::time::Mono;
use c2_tui::app::table::Grid as _;
use c2_tui::app::{Model, Msg, Now, Settings, update};
use c2_tui::ui;
use criterion::Criterion;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const JOBS: u64 = 50_000;
const JOBS_AS_TEST: u64 = 1_000;
const NOW: Now = Now { mono: Mono(1_000_000), wall_ms: 1_700_057_000_000 };
/// The column of the job's text.
const TEXT: usize = 2;

fn main() {
    let as_bench = std::env::args().any(|argument| argument == "--bench");
    let mut model = console(if as_bench { JOBS } else { JOBS_AS_TEST });
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut texts = ["number 4", "!77", "state:queued number 77", "re:number\\s\\d*77"].iter().cycle();
    criterion.bench_function("filter", |b| {
        b.iter(|| {
            let text = texts.next().expect("a cycle");
            model.panes.jobs.set_filter(text, &model.store);
            assert!(!model.panes.jobs.is_empty(), "{text} keeps something");
        });
    });
    model.panes.jobs.set_filter("", &model.store);
    criterion.bench_function("sort by text, and back", |b| {
        b.iter(|| {
            model.panes.jobs.sort_by(TEXT, &model.store);
            model.panes.jobs.sort_by(0, &model.store);
        });
    });
    criterion.bench_function("a changed row", |b| {
        let mut n = 0;
        b.iter(|| {
            n = n % JOBS_AS_TEST + 1;
            let state = if n % 2 == 0 { JobState::Queued } else { JobState::Held };
            let change = Change { jobs: vec![job(n, state)], ..Change::default() };
            black_box(update(&mut model, Msg::Event(Event::Change(Box::new(change))), NOW));
        });
    });
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).expect("a screen in memory");
    criterion.bench_function("a key in a line of 64 kB, and its frame", |b| {
        let mut model = console(JOBS_AS_TEST);
        update(&mut model, Msg::Paste("submit ".to_owned() + &"x".repeat(65_536)), NOW);
        let mut terminal = Terminal::new(TestBackend::new(200, 50)).expect("a screen in memory");
        b.iter(|| {
            for code in [KeyCode::Char('y'), KeyCode::Backspace] {
                update(&mut model, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)), NOW);
                terminal.draw(|frame| drop(black_box(ui::draw(&model, frame)))).expect("a screen in memory");
            }
        });
    });
    criterion.bench_function("frame of 200x50", |b| {
        b.iter(|| terminal.draw(|frame| drop(black_box(ui::draw(&model, frame)))).map(drop).expect("it takes all"));
    });
    criterion.final_summary();
}

/// A console of 200x50 that knows so many waiting jobs.
fn console(jobs: u64) -> Model {
    let mut model = Model::new(Settings::default());
    update(&mut model, Msg::Resize { width: 200, height: 50 }, NOW);
    update(&mut model, Msg::Connected, NOW);
    let jobs: Vec<JobRow> = (1..=jobs).map(|n| job(n, JobState::Queued)).collect();
    let queue = QueueStatus { queued: jobs.len(), active: jobs.len(), ..QueueStatus::default() };
    let snapshot = Snapshot { workers: Vec::new(), jobs, queue };
    update(&mut model, Msg::Event(Event::Snapshot(Box::new(snapshot))), NOW);
    model
}

fn job(n: u64, state: JobState) -> JobRow {
    // Not in the order of the ids, or there would be nothing to sort.
    let number = n.wrapping_mul(0x9e37_79b9) % 1_000_003;
    JobRow {
        job_id: JobId(n),
        name: None,
        state,
        command: format!("process --input /data/set/{n}.dat --number {number}"),
        group: n.is_multiple_of(3).then(|| "gpu".to_owned()),
        tags: Vec::new(),
        priority: 0,
        worker: None,
        attempt: 0,
        cancelling: false,
        unreachable: false,
        submitted_ms: NOW.wall_ms - n,
        started_ms: None,
        ended_ms: None,
        outcome: None,
    }
}
