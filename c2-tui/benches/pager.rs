//! How long the pager makes anybody wait on an output of 1 GB in ten million lines: opening at the
//! end, a page up, a frame's worth of settling, and a search through all of it in slices.
//!
//! The file is made when this runs as a bench; as a test it is a small one.

use std::hint::black_box;
use std::io::{BufWriter, Write as _};

use c2_tui::for_tests::Output;
use criterion::{BatchSize, Criterion};

/// Lines of about a hundred bytes each.
const LINES: u64 = 10_000_000;
const LINES_AS_TEST: u64 = 50_000;

fn main() {
    let as_bench = std::env::args().any(|argument| argument == "--bench");
    let output = output(if as_bench { LINES } else { LINES_AS_TEST });
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    criterion.bench_function("open at the end", |b| b.iter(|| black_box(output.open())));
    criterion.bench_function("page up", |b| {
        b.iter_batched_ref(|| output.open(), |reading| reading.page_up(), BatchSize::LargeInput);
    });
    criterion.bench_function("search all of it", |b| {
        b.iter_batched_ref(|| output.open(), |reading| reading.search("needle"), BatchSize::LargeInput);
    });
    criterion.bench_function("one slice of a search", |b| {
        b.iter_batched_ref(
            || {
                let mut reading = output.open();
                reading.begin_search("nowhere in there");
                reading
            },
            |reading| reading.search_on(),
            BatchSize::LargeInput,
        );
    });
    criterion.final_summary();
}

fn output(lines: u64) -> Output {
    let mut file = BufWriter::with_capacity(1 << 20, tempfile::tempfile().expect("a temporary file"));
    for n in 0..lines {
        let word = if n % 1_000_003 == 17 { "needle" } else { "thread" };
        writeln!(
            file,
            "2026-01-01T00:00:00Z \x1b[32mINFO\x1b[0m step {n:>10} {word} loss 0.{:06} of the run in this place",
            n % 999_983
        )
        .expect("there is room for the file");
    }
    Output::of(file.into_inner().expect("it can be written")).expect("it has a length")
}
