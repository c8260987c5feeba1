//! Simulated histories, many seeds. `C2_SIM_SEEDS=N` sets how many, `C2_SIM_SEED=S` runs one.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

use c2_tests::pair;
use c2_tests::sim::{PaperDisk, Report, StoreDisk, World};

crate::tests![
    no_history_breaks_a_promise,
    the_same_seed_is_the_same_history,
    the_real_store_keeps_what_the_paper_one_does,
    a_store_on_a_server_keeps_the_same,
];

/// Histories on a server, unless it is said how many.
const ON_A_SERVER: u64 = 6;
/// Steps with faults in each history.
const STEPS: u64 = 400;

fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("C2_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("C2_SIM_SEEDS").unwrap_or(1_000),
    }
}

fn no_history_breaks_a_promise() {
    let next = AtomicU64::new(seeds().start);
    let histories = || {
        let mut sums = [0; 14];
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| seeds().contains(seed)) {
            let run = || World::new(seed, PaperDisk::default()).run(STEPS).0;
            let report = std::panic::catch_unwind(run)
                .unwrap_or_else(|_| panic!("seed {seed} failed: C2_SIM_SEED={seed} repeats it"));
            let Report { jobs, runs, crashes, scheduled, missed, ahead, recalls, wakes, .. } = report;
            let Report { overlaps: [skipped, queued, cancelled], late_words, expired, several_ahead: several, .. } =
                report;
            let (jobs, runs) = (jobs as u64, runs as u64);
            let more = [
                jobs, runs, crashes, scheduled, missed, ahead, recalls, wakes, skipped, queued, cancelled, late_words,
                expired, several,
            ];
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum += more;
            }
        }
        sums
    };
    let threads = available_parallelism().map_or(1, NonZero::get);
    let sums = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(histories)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect::<Vec<_>>()
    });
    let all = |place: usize| sums.iter().map(|sums| sums[place]).sum::<u64>();
    assert!((0..3).all(|place| all(place) > 0), "the histories were empty");
    // One history alone may have no schedule.
    let many = seeds().count() > 1;
    assert!(!many || all(3) > 0 && all(4) > 0, "no schedule ran, or none missed a run");
    assert!(!many || all(7) > 0, "no machine was woken");
    let rare = (8..14).map(all).collect::<Vec<_>>();
    assert!(
        seeds().count() < 300 || rare.iter().all(|n| *n > 0),
        "runs left out, queued, cancelled for; late words; expired; several ahead: {rare:?}"
    );
    // Few of them come back, so a handful of histories may have none.
    let enough = seeds().count() < 500 || all(5) > all(6) && all(6) > 0;
    assert!(enough, "{} jobs were given ahead, {} came back", all(5), all(6));
}

fn the_same_seed_is_the_same_history() {
    for seed in [1, 7, 42] {
        let run = || World::new(seed, PaperDisk::default()).run(STEPS).0;
        assert_eq!(run(), run(), "seed {seed}");
    }
}

fn the_real_store_keeps_what_the_paper_one_does() {
    for seed in 0..8 {
        let (on_paper, _) = World::new(seed, PaperDisk::default()).run(STEPS);
        let (on_disk, store) = World::new(seed, StoreDisk::new()).run(STEPS);
        assert_eq!(on_disk, on_paper, "seed {seed}: the same history");
        assert_eq!(store.log_lines(), on_disk.jobs, "seed {seed}: I11");
    }
}

fn a_store_on_a_server_keeps_the_same() {
    let Some(socket) = pair::server() else { return };
    let all = std::env::var("C2_SIM_SEEDS").is_ok() || std::env::var("C2_SIM_SEED").is_ok();
    let seeds = if all { seeds() } else { 0..ON_A_SERVER };
    for seed in seeds {
        let (on_paper, _) = World::new(seed, PaperDisk::default()).run(STEPS);
        let disk = StoreDisk::on_postgres(&socket, &format!("seed{seed}"));
        let (on_server, store) = World::new(seed, disk).run(STEPS);
        assert_eq!(on_server, on_paper, "seed {seed}: the same history");
        assert_eq!(store.log_lines(), on_server.jobs, "seed {seed}: I11");
    }
}
