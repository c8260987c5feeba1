//! How long 50,000 jobs make anybody wait: a filter, a sort, a changed row, and a frame of 200x50, alone
//! and with the preview, the timeline or the failures by cause in sight.
//!
//! As a test the same is done with a thousand jobs.

use std::hint::black_box;
use std::net::IpAddr;

use c2_shared::api::figures::{FailureGroup, Span, Timeline};
use c2_shared::api::jobs::JobRow;
use c2_shared::id::JobId;
use c2_shared::job::{JobState, Needs, Outcome};
use c2_tui::for_tests::Console;
use criterion::{BatchSize, Criterion};
use crossterm::event::KeyCode;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const JOBS: u64 = 50_000;
const JOBS_AS_TEST: u64 = 1_000;
const NOW_MS: u64 = 1_700_057_000_000;
/// A search for two words, for what lacks one, in a column, and for an expression.
const FILTERS: [&str; 5] = ["number 4", "!77", "state:queued", "state:queued number 77", "re:number\\s\\d*77"];
/// The column of the job's text.
const TEXT: usize = 2;

fn main() {
    let as_bench = std::env::args().any(|argument| argument == "--bench");
    let mut console = knowing(if as_bench { JOBS } else { JOBS_AS_TEST });
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    for text in FILTERS {
        criterion.bench_function(&format!("filter {text}"), |b| {
            b.iter(|| assert!(console.filter(text) > 0, "{text} keeps something"));
        });
    }
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
    shown(&mut criterion, &console);
    cold(&mut criterion, &mut console);
    criterion.final_summary();
}

/// The same with what the second edition of the console shows.
fn shown(criterion: &mut Criterion, console: &Console) {
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).expect("a screen in memory");
    let mut frame = |criterion: &mut Criterion, name: &str, console: &Console| {
        criterion.bench_function(name, |b| {
            b.iter(|| terminal.draw(|frame| console.draw(black_box(frame))).map(drop).expect("it takes all"));
        });
    };
    let mut previewing = console.clone();
    let lines: String = (1..=500).map(|n| format!("epoch {n}/1000  loss 0.{n:03}\n")).collect();
    previewing.preview(lines.as_bytes());
    frame(criterion, "frame with the preview", &previewing);
    criterion.bench_function("a changed row beside the preview", |b| {
        let mut n = 0;
        b.iter(|| {
            n = n % JOBS_AS_TEST + 1;
            previewing.change(job(n, if n % 2 == 0 { JobState::Queued } else { JobState::Held }));
        });
    });
    let mut timed = console.clone();
    timed.timeline(timeline());
    frame(criterion, "frame with a timeline of 2,000 runs", &timed);
    criterion.bench_function("a timeline of 2,000 runs is told", |b| b.iter(|| timed.timeline(timeline())));
    criterion.bench_function("a changed row below the timeline", |b| {
        b.iter(|| timed.change(job(7, JobState::Held)));
    });
    let mut failing = console.clone();
    failing.failures(failures());
    frame(criterion, "frame with failures by cause", &failing);
    criterion.bench_function("failures by cause are told", |b| b.iter(|| failing.failures(failures())));
}

/// The first of each after two others had the processor's caches for themselves, each with 64 MB.
fn cold(criterion: &mut Criterion, console: &mut Console) {
    const WALKED: usize = 64 << 20;
    let memory = vec![1_u8; 2 * WALKED];
    let walk = |part: &[u8]| part.iter().step_by(64).map(|byte| u64::from(*byte)).sum::<u64>();
    let spoil = || {
        std::thread::scope(|scope| {
            for part in memory.chunks(WALKED) {
                scope.spawn(move || black_box(walk(part)));
            }
        });
    };
    for text in FILTERS {
        criterion.bench_function(&format!("filter {text} on a cold cache"), |b| {
            b.iter_batched(spoil, |()| console.filter(text), BatchSize::PerIteration);
        });
    }
    console.filter("");
    criterion.bench_function("sort by text on a cold cache", |b| {
        b.iter_batched(spoil, |()| console.sort_by(TEXT), BatchSize::PerIteration);
    });
    console.sort_by(0);
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).expect("a screen in memory");
    criterion.bench_function("frame on a cold cache", |b| {
        let draw = |()| terminal.draw(|frame| console.draw(black_box(frame))).map(drop).expect("it takes all");
        b.iter_batched(spoil, draw, BatchSize::PerIteration);
    });
}

fn timeline() -> Timeline {
    let span = |n: u64| Span {
        lost: false,
        job_id: JobId(n),
        attempt: 1,
        name: Some(format!("train-{n}")),
        worker: IpAddr::from([10, 0, 0, u8::try_from(n % 100).unwrap_or(0)]),
        worker_id: Some(format!("{:08x}", n % 100).into()),
        started_ms: NOW_MS - 900_000 + n * 400,
        ended_ms: (n < 1_900).then_some(NOW_MS - 900_000 + n * 400 + 60_000),
        state: if n < 1_900 { JobState::Succeeded } else { JobState::Running },
    };
    Timeline { from_ms: NOW_MS - 900_000, to_ms: NOW_MS, spans: (1..=2_000).map(span).collect() }
}

fn failures() -> Vec<FailureGroup> {
    let group = |n: u64| FailureGroup {
        outcomes: Vec::new(),
        line: format!("FileNotFoundError: /data/{}/*.csv", n % 7),
        outcome: Outcome::Exit { code: i32::try_from(n).unwrap_or(1) },
        job_ids: vec![JobId(n)],
    };
    (1..=100).map(group).collect()
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
        batch: None,
        tags: Vec::new(),
        needs: Needs::default(),
        workers: Vec::new(),
        begin_at: None,
        priority: 0,
        worker: None,
        worker_id: None,
        attempt: 0,
        cancelling: false,
        unreachable: false,
        delivering: false,
        frozen: false,
        submitted_ms: NOW_MS - n,
        started_ms: None,
        ended_ms: None,
        took_ms: None,
        peak_bytes: None,
        cpu_ms: None,
        outcome: None,
    }
}
