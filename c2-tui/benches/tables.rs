//! How long 50,000 jobs make anybody wait: a filter, a sort, a changed row, and a frame of 200x50.
//!
//! As a test the same is done with a thousand jobs.

use std::hint::black_box;

use c2_shared::api::jobs::JobRow;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_tui::for_tests::Console;
use criterion::Criterion;
use crossterm::event::KeyCode;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const JOBS: u64 = 50_000;
const JOBS_AS_TEST: u64 = 1_000;
const NOW_MS: u64 = 1_700_057_000_000;
/// The column of the job's text.
const TEXT: usize = 2;

fn main() {
    let as_bench = std::env::args().any(|argument| argument == "--bench");
    let mut console = knowing(if as_bench { JOBS } else { JOBS_AS_TEST });
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut texts = ["number 4", "!77", "state:queued number 77", "re:number\\s\\d*77"].iter().cycle();
    criterion.bench_function("filter", |b| {
        b.iter(|| {
            let text = texts.next().expect("a cycle");
            assert!(console.filter(text) > 0, "{text} keeps something");
        });
    });
    console.filter("");
    criterion.bench_function("sort by text, and back", |b| {
        b.iter(|| {
            console.sort_by(TEXT);
            console.sort_by(0);
        });
    });
    criterion.bench_function("a changed row", |b| {
        let mut n = 0;
        b.iter(|| {
            n = n % JOBS_AS_TEST + 1;
            console.change(job(n, if n % 2 == 0 { JobState::Queued } else { JobState::Held }));
        });
    });
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).expect("a screen in memory");
    criterion.bench_function("a key in a line of 64 kB, and its frame", |b| {
        let mut console = knowing(JOBS_AS_TEST);
        console.paste("submit ".to_owned() + &"x".repeat(65_536));
        let mut terminal = Terminal::new(TestBackend::new(200, 50)).expect("a screen in memory");
        b.iter(|| {
            for code in [KeyCode::Char('y'), KeyCode::Backspace] {
                console.press(code);
                terminal.draw(|frame| console.draw(black_box(frame))).expect("a screen in memory");
            }
        });
    });
    criterion.bench_function("frame of 200x50", |b| {
        b.iter(|| terminal.draw(|frame| console.draw(black_box(frame))).map(drop).expect("it takes all"));
    });
    criterion.final_summary();
}

/// A console of 200x50 that knows so many waiting jobs.
fn knowing(jobs: u64) -> Console {
    Console::new(200, 50, (1..=jobs).map(|n| job(n, JobState::Queued)).collect(), NOW_MS)
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
        worker_id: None,
        attempt: 0,
        cancelling: false,
        unreachable: false,
        delivering: false,
        submitted_ms: NOW_MS - n,
        started_ms: None,
        ended_ms: None,
        took_ms: None,
        outcome: None,
    }
}
