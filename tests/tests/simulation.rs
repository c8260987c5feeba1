//! Simulated histories, many seeds. `C2_SIM_SEEDS=N` sets how many, `C2_SIM_SEED=S` runs one.

use c2_tests::sim::{PaperDisk, SqliteDisk, World};

crate::tests![
    no_history_breaks_a_promise,
    the_same_seed_is_the_same_history,
    the_real_store_keeps_what_the_paper_one_does,
];

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
    let (mut jobs, mut runs, mut crashes, mut scheduled, mut missed) = (0, 0, 0, 0, 0);
    for seed in seeds() {
        let run = || World::new(seed, PaperDisk::default()).run(STEPS).0;
        let report = std::panic::catch_unwind(run)
            .unwrap_or_else(|_| panic!("seed {seed} failed: C2_SIM_SEED={seed} repeats it"));
        jobs += report.jobs;
        runs += report.runs;
        crashes += report.crashes;
        scheduled += report.scheduled;
        missed += report.missed;
    }
    assert!(jobs > 0 && runs > 0 && crashes > 0, "the histories were empty");
    // One history alone may have no schedule.
    assert!(seeds().count() == 1 || scheduled > 0 && missed > 0, "no schedule ran, or none missed a run");
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
        let (on_disk, store) = World::new(seed, SqliteDisk::new()).run(STEPS);
        assert_eq!(on_disk, on_paper, "seed {seed}: the same history");
        assert_eq!(store.log_lines(), on_disk.jobs, "seed {seed}: I11");
    }
}
