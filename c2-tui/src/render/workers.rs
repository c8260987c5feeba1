//! Workers as text.

use c2_shared::api::workers::{RemoveResponse, WorkerInfo, WorkerList, WorkerRow};
use c2_shared::limits::WAKE_TRIES;
use c2_shared::time::span;
use c2_shared::worker::{WorkerStatus, yields_to};

use crate::command::outcome::UpgradedWorker;
use crate::render::look::{Look, bytes};
use crate::render::table::{Cell, Table, fields, flexible, numbers, words};
use crate::render::{resources, sanitize};

pub(crate) fn list(look: &Look, list: &WorkerList) -> String {
    if list.workers.is_empty() {
        return "no worker has registered yet\n\
                start `c2-agent` on each machine, or one here with `c2-tui --local`\n"
            .to_owned();
    }
    // Most homes ask for slots and tags only.
    let taken = list.workers.iter().any(|worker| !resources::taken(worker).is_empty());
    let mut columns = vec![
        words("WORKER"),
        flexible("HOST"),
        words("STATUS"),
        numbers("SLOTS"),
        numbers("CPU"),
        numbers("MEMORY"),
        flexible("GROUPS"),
        flexible("TAGS"),
        numbers("HEARD"),
    ];
    if taken {
        columns.insert(8, flexible("TAKEN"));
    }
    let mut table = Table::new(columns);
    for worker in &list.workers {
        let mut cells = vec![
            Cell::from(worker.ip.to_string()),
            Cell::from(&worker.hostname),
            Cell::styled(worker.status.to_string(), worker.status),
            Cell::from(slots(worker)),
            Cell::from(format!("{:.0}%", worker.load.cpu_percent)),
            Cell::from(memory(worker)),
            Cell::from(joined(&worker.groups)),
            Cell::from(tags(worker)),
            Cell::from(worker.silent_ms.map_or_else(|| "?".to_owned(), span)),
        ];
        if taken {
            cells.insert(8, Cell::from(resources::taken(worker)));
        }
        table.row(cells);
    }
    let faults = list.workers.iter().filter_map(|worker| {
        let problem = problem(worker)?;
        Some(format!("{} {}\n", worker.ip, sanitize::cell(problem.strip_prefix("it ").unwrap_or(&problem))))
    });
    let faults: String = faults.collect();
    table.render(look) + &faults
}

/// What would be lost with a worker.
pub(crate) fn to_lose(info: &WorkerInfo) -> String {
    let row = &info.row;
    let attempts = joined(info.attempts.iter().map(ToString::to_string));
    let held: Vec<&str> = row.tags.iter().filter(|(_, holder)| holder.is_some()).map(|(tag, _)| tag.as_str()).collect();
    let mut text = format!("{} ({}), id {}, is {}\n", row.ip, sanitize::cell(&row.hostname), row.worker_id, row.status);
    if !attempts.is_empty() {
        text.push_str(&format!(
            "  it has {attempts}: they run elsewhere or end, as each asked; late results are void\n"
        ));
    }
    if !held.is_empty() {
        text.push_str(&format!("  they hold {}, which is free then\n", joined(held)));
    }
    if row.status.is_reachable() {
        text.push_str(
            "nothing was changed, as it is heard; one that had its address before goes by its id: see `list`\n",
        );
    } else if row.past_lease {
        text.push_str("nothing was changed; if that machine is gone, the same with --yes\n");
    } else {
        text.push_str("nothing was changed; it may come back: it counts as gone a minute after it was last heard\n");
    }
    text
}

pub(crate) fn removed(answer: &RemoveResponse) -> String {
    let lost = joined(answer.lost.iter().map(ToString::to_string));
    let lost = if lost.is_empty() { String::new() } else { format!("; lost with it: {lost}") };
    format!("{} is forgotten{lost}\n", answer.ip)
}

/// What is wrong with a worker, in one line.
pub(crate) fn problem(row: &WorkerRow) -> Option<String> {
    if let Some(at) = row.copied_at {
        return Some(format!("a machine at {at} uses its identity; on that one: c2-agent reset-identity"));
    }
    if let Some(reason) = &row.status_reason {
        let words =
            if row.status == WorkerStatus::Quarantined { "it cannot start jobs" } else { "it could not start a job" };
        return Some(format!("{words}: {reason}"));
    }
    if !row.load.yields_to.is_empty() {
        let to = yields_to(&row.load.yields_to);
        return Some(format!("it {to}: nothing new starts there, and what runs stands still"));
    }
    if row.suspect {
        return Some(format!("it fails at once what succeeds elsewhere; see `log --worker={} --state=failed`", row.ip));
    }
    if row.wakes_failed >= WAKE_TRIES {
        return Some(format!("its machine was woken {} times and not heard; `wake` tries again", row.wakes_failed));
    }
    row.passed_on.then(|| format!("another worker has its address by now; its own id is {}", row.worker_id.short()))
}

pub(crate) fn info(look: &Look, info: &WorkerInfo) -> String {
    let (row, hardware) = (&info.row, &info.hardware);
    let mut pairs = vec![
        ("worker", row.ip.to_string()),
        ("host", row.hostname.clone()),
        ("status", row.status.to_string()),
        ("id", row.worker_id.to_string()),
        ("mac", row.mac.map(|mac| mac.to_string()).unwrap_or_default()),
        ("problem", problem(row).unwrap_or_default()),
        ("heard", row.silent_ms.map_or_else(|| "not since c2d started".to_owned(), |ms| format!("{} ago", span(ms)))),
        ("slots", format!("{} used", slots(row))),
        ("running", joined(info.running.iter().map(ToString::to_string))),
        ("groups", joined(&row.groups)),
        ("tags", tags(row)),
        ("load", format!("cpu {:.0}%, average {:.2}, memory {}", row.load.cpu_percent, row.load.load_1m, memory(row))),
        ("workspaces", workspaces(row)),
        ("kept", kept(hardware.workspace_days)),
        ("shares", joined(&row.load.shares)),
        ("via", hardware.via.clone().unwrap_or_default()),
        ("resources", resources::all(row)),
        ("system", joined_with(" ", [&hardware.os, &hardware.arch])),
        ("cpu", format!("{} x {}", hardware.cpu_cores, hardware.cpu_model)),
        ("memory", bytes(hardware.memory_bytes)),
    ];
    if hardware.runs_as_root {
        pairs.push(("user", "root: jobs may do anything on it".to_owned()));
    }
    pairs.extend(hardware.gpus.iter().map(|gpu| {
        let at = usize::try_from(gpu.index).unwrap_or(usize::MAX);
        let used = row.load.gpu_percent.get(at).map(|percent| format!(", {percent:.0}% used")).unwrap_or_default();
        let taken = row.load.gpu_memory.get(at).map(|memory| format!("{} of ", bytes(memory.used_bytes)));
        let taken = taken.unwrap_or_default();
        ("gpu", format!("{}: {}, {taken}{}{used}", gpu.index, gpu.name, bytes(gpu.memory_bytes)))
    }));
    pairs.extend(hardware.disks.iter().map(|disk| {
        ("disk", format!("{}: {} free of {}", disk.mount, bytes(disk.free_bytes), bytes(disk.total_bytes)))
    }));
    pairs.push(("agent", row.version.clone()));
    fields(look, &pairs)
}

fn slots(worker: &WorkerRow) -> String {
    format!("{}/{}", worker.slots_used, worker.slots)
}

fn memory(worker: &WorkerRow) -> String {
    let load = &worker.load;
    // In integers: a percentage needs no more.
    let percent = load.memory_used_bytes.saturating_mul(100).checked_div(load.memory_total_bytes);
    percent.map_or_else(String::new, |percent| format!("{percent}%"))
}

/// How long folders of ended jobs stay.
fn kept(days: Option<u64>) -> String {
    match days {
        None => String::new(),
        Some(0) => "folders of ended jobs stay".to_owned(),
        Some(days) => format!("folders of ended jobs stay {days} days, or until the disk is short"),
    }
}

/// The space that is left where jobs run.
fn workspaces(worker: &WorkerRow) -> String {
    let free = worker.load.disk_free_bytes.map(|free| format!("{} free", bytes(free))).unwrap_or_default();
    if worker.load.disk_full { format!("{free}: too little for new jobs") } else { free }
}

/// The tags, those that are held with the holder's job.
pub(crate) fn tags(worker: &WorkerRow) -> String {
    joined(worker.tags.iter().map(|(tag, holder)| match holder {
        Some(attempt) => format!("{tag}={}", attempt.job),
        None => tag.clone(),
    }))
}

/// A list as one text.
pub(crate) fn joined(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    joined_with(", ", items)
}

fn joined_with(separator: &str, items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    items
        .into_iter()
        .map(|item| item.as_ref().to_owned())
        .filter(|item| !item.is_empty())
        .collect::<Vec<_>>()
        .join(separator)
}

/// What became of the programs of agents.
pub(crate) fn upgraded(workers: &[UpgradedWorker]) -> String {
    let one = |worker: &UpgradedWorker| {
        let ip = worker.ip;
        match (&worker.from, &worker.to) {
            (Some(from), Some(to)) if from == to => format!("{ip}: {} already\n", sanitize::cell(to)),
            (Some(from), Some(to)) => {
                format!("{ip}: upgraded from {} to {}\n", sanitize::cell(from), sanitize::cell(to))
            }
            _ => {
                let reason = worker.refused.as_deref().unwrap_or_default();
                let hint = worker.hint.as_ref().map(|hint| format!("  hint: {}\n", sanitize::cell(hint)));
                format!("{ip}: not upgraded: {}\n{}", sanitize::cell(reason), hint.unwrap_or_default())
            }
        }
    };
    workers.iter().map(one).collect()
}
