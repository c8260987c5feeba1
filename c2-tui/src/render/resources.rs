//! What workers have for jobs to take, and what of it is taken.

use c2_shared::api::workers::WorkerRow;
use c2_shared::resources::size;

use crate::render::workers::joined;

/// All of it, each with what is taken.
pub(crate) fn all(row: &WorkerRow) -> String {
    let (has, taken) = (&row.capacity, &row.taken);
    let count = |name: &str, taken: u64, has: u64| (taken > 0 || has > 0).then(|| format!("{name} {taken}/{has}"));
    let vram: Vec<u64> = has.gpus.iter().map(|card| card.vram_bytes).collect();
    let own = [
        count("cpus", taken.cpus.into(), has.cpus.into()),
        (taken.memory_bytes > 0 || has.memory_bytes > 0)
            .then(|| format!("memory {}/{}", size(taken.memory_bytes), about(has.memory_bytes))),
        count("gpus", taken.gpus.into(), vram.len() as u64),
        vram.iter().any(|bytes| *bytes > 0).then(|| {
            let shared =
                if taken.vram_bytes > 0 { format!(" ({} shared)", size(taken.vram_bytes)) } else { String::new() };
            format!("vram {}{shared}", joined(vram.iter().map(|bytes| about(*bytes))))
        }),
    ];
    joined(own.into_iter().flatten().chain(named(row)))
}

/// What is taken, and what operators count: nothing where nobody asks for any of it.
pub(crate) fn taken(row: &WorkerRow) -> String {
    let (has, taken) = (&row.capacity, &row.taken);
    let count = |name: &str, taken: u32, has: u64| (taken > 0).then(|| format!("{name} {taken}/{has}"));
    let memory = || format!("memory {}/{}", size(taken.memory_bytes), about(has.memory_bytes));
    let own = [
        count("cpus", taken.cpus, has.cpus.into()),
        (taken.memory_bytes > 0).then(memory),
        count("gpus", taken.gpus, has.gpus.len() as u64),
        (taken.vram_bytes > 0).then(|| format!("vram {} shared", size(taken.vram_bytes))),
    ];
    joined(own.into_iter().flatten().chain(named(row)))
}

fn named(row: &WorkerRow) -> impl Iterator<Item = String> {
    let held = |name: &String| row.taken.needs.get(name).copied().unwrap_or(0);
    row.capacity.needs.iter().map(move |(name, has)| format!("{name} {}/{has}", held(name)))
}

/// A size that was measured and not chosen, in the unit that people would use.
pub(crate) fn about(bytes: u64) -> String {
    let whole = |shift: u32| bytes >> shift;
    match bytes {
        _ if bytes.trailing_zeros() >= 30 => size(bytes),
        _ if whole(30) >= 10 => format!("{}G", whole(30)),
        _ if whole(20) >= 10 => format!("{}M", whole(20)),
        _ => size(bytes),
    }
}
