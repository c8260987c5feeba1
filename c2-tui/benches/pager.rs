//! How long the pager makes anybody wait on an output of 1 GB in ten million lines: opening at the
//! end, a page up, a frame's worth of settling, and a search through all of it in slices.
//!
//! The file is made when this runs as a bench; as a test it is a small one.

use std::hint::black_box;
use std::io::{BufWriter, Write as _};

use c2_tui::app::pager::{CHUNKS_MAX, Command, Pager};
use c2_tui::app::table::Step;
use c2_tui::runner::spool::Spool;
use criterion::{BatchSize, Criterion};

/// Lines of about a hundred bytes each.
const LINES: u64 = 10_000_000;
const LINES_AS_TEST: u64 = 50_000;

fn main() {
    let as_bench = std::env::args().any(|argument| argument == "--bench");
    let spool = output(if as_bench { LINES } else { LINES_AS_TEST });
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    criterion.bench_function("open at the end", |b| {
        b.iter(|| black_box(opened(&spool)));
    });
    criterion.bench_function("page up", |b| {
        b.iter_batched_ref(
            || opened(&spool),
            |pager| press(pager, &spool, Command::Step(Step::PageUp)),
            BatchSize::LargeInput,
        );
    });
    criterion.bench_function("search all of it", |b| {
        b.iter_batched_ref(|| opened(&spool), |pager| search(pager, &spool), BatchSize::LargeInput);
    });
    criterion.bench_function("one slice of a search", |b| {
        b.iter_batched_ref(
            || {
                let mut pager = opened(&spool);
                pager.command(Command::SearchBack);
                pager.type_text("nowhere in there");
                pager.settle();
                let chunks = spool.chunks(&pager.wanted()).expect("the spool can be read");
                (pager, chunks)
            },
            |(pager, chunks)| {
                pager.take(std::mem::take(chunks));
                pager.settle();
            },
            BatchSize::LargeInput,
        );
    });
    criterion.final_summary();
}

fn output(lines: u64) -> Spool {
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
    Spool::of(file.into_inner().expect("it can be written")).expect("it has a length")
}

/// Hands over what the pager asks for, as the runner does.
fn serve(pager: &mut Pager, spool: &Spool) {
    loop {
        pager.settle();
        let wanted = pager.wanted();
        if wanted.is_empty() && !pager.is_hungry() {
            return;
        }
        pager.take(spool.chunks(&wanted).expect("the spool can be read"));
    }
}

fn opened(spool: &Spool) -> Pager {
    let mut pager = Pager::window();
    pager.set_size(200, 50);
    pager.grow(spool.len(), 0);
    serve(&mut pager, spool);
    assert!(pager.is_at_end() && pager.rows().len() == 50);
    pager
}

fn press(pager: &mut Pager, spool: &Spool, command: Command) {
    pager.command(command);
    serve(pager, spool);
    assert!(pager.document().held() <= CHUNKS_MAX, "memory is bounded");
}

fn search(pager: &mut Pager, spool: &Spool) {
    pager.command(Command::SearchBack);
    pager.type_text("needle");
    pager.accept();
    serve(pager, spool);
    assert!(pager.document().held() <= CHUNKS_MAX, "memory is bounded");
}
