//! What fits beside what: a table of workers, of what is held there and of what is asked for.

use std::collections::BTreeSet;

use c2_shared::api::why::Obstacle;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Placement;
use c2_shared::resources::{Capacity, Card, parse_size};
use c2_shared::worker::{GpuMemory, GpuProcess, Load};

use super::lab::{Lab, id, placed};
use crate::sched::fit::{self, Held, Room, Share, Short};
use crate::sched::workers::Grant;

/// Each line is `WORKER | HELD; HELD | ASKED => ANSWER => WHY`. Words without `=` are tags; what is short reads
/// `NAME NEEDED: FREE of TOTAL`, and behind it stands what `why` says: also who is in the way, jobs by their numbers and
/// foreign processes by their cards and memory.
const TABLE: &str = include_str!("fit.txt");

fn size(text: &str) -> u64 {
    parse_size(text).unwrap_or_else(|error| panic!("{error}"))
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split_whitespace().map(|word| word.split_once('=').unwrap_or((word, "")))
}

/// What a job asks for, or holds of a card.
fn asked(text: &str) -> (Placement, Option<u32>) {
    let (mut placement, mut card) = (Placement::default(), None);
    for (name, amount) in pairs(text) {
        let takes = &mut placement.takes;
        match name {
            _ if amount.is_empty() => placement.tags.push(name.to_owned()),
            "cpus" => takes.cpus = amount.parse().unwrap(),
            "gpus" => takes.gpus = amount.parse().unwrap(),
            "memory" => takes.memory_bytes = size(amount),
            "vram" => takes.vram_bytes = size(amount),
            "card" => card = Some(amount.parse().unwrap()),
            name => drop(takes.needs.insert(name.to_owned(), amount.parse().unwrap())),
        }
    }
    (placement, card)
}

fn worker(text: &str) -> (Capacity, BTreeSet<String>, Load) {
    let (mut has, mut tags, mut load) = (Capacity::default(), BTreeSet::new(), Load::default());
    for (name, amount) in pairs(text) {
        match name {
            _ if amount.is_empty() => drop(tags.insert(name.to_owned())),
            "cpus" => has.cpus = amount.parse().unwrap(),
            "memory" => has.memory_bytes = size(amount),
            "gpus" => {
                let card = |(index, amount): (u32, &str)| Card { index, vram_bytes: size(amount) };
                has.gpus = (0..).zip(amount.split(',')).map(card).collect();
            }
            "used" => {
                let memory = |used| GpuMemory { used_bytes: size(used), total_bytes: u64::MAX };
                load.gpu_memory = amount.split(',').map(memory).collect();
            }
            "foreign" => {
                let (gpu, bytes) = amount.split_once(':').unwrap();
                let (gpu, memory_bytes) = (gpu.parse().unwrap(), size(bytes));
                load.gpu_processes.push(GpuProcess { gpu, memory_bytes, ..GpuProcess::default() });
            }
            name => drop(has.needs.insert(name.to_owned(), amount.parse().unwrap())),
        }
    }
    (has, tags, load)
}

fn answer(line: &str) -> String {
    let [on, holding, wanted] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let ((has, tags, load), mut held) = (worker(on), Held::default());
    for (number, text) in (1..).zip(holding.split(';').filter(|text| !text.trim().is_empty())) {
        let (Placement { tags, takes, .. }, card) = asked(text);
        held.add(AttemptId { job: JobId(number), number: 1 }, &Share { tags, takes, card });
    }
    let (placement, _) = asked(wanted);
    let room = Room { has: &has, tags: &tags, held: &held, load: &load };
    let (found, short) = (fit::fit(&placement, room), fit::shortages(&placement, room));
    assert_eq!(found.is_some(), short.is_empty(), "{line}: {found:?}, {short:?}");
    let Some(share) = found else { return short.iter().map(words).collect::<Vec<_>>().join("; ") };
    assert!(room.admits(&share), "{line}: {share:?}");
    let card = share.card.map(|card| format!("card={card}"));
    ["fits".to_owned()].into_iter().chain(share.tags).chain(card).collect::<Vec<_>>().join(" ")
}

fn words(short: &Short<'_>) -> String {
    match short {
        Short::Tag { tag, holders } if holders.is_empty() => format!("no {tag}"),
        Short::Tag { tag, holders } => {
            let holders: Vec<String> = holders.iter().map(|holder| holder.job.0.to_string()).collect();
            format!("{tag} held by {}", holders.join(" "))
        }
        Short::Amount { name, needed, total, free } => {
            let [needed, free, total] = [needed, free, total].map(|n| c2_shared::resources::written(name, *n));
            format!("{name} {needed}: {free} of {total}")
        }
    }
}

/// What the scheduler answers who asks it why such a job waits.
fn why(line: &str) -> String {
    let [on, holding, wanted] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let mut lab = Lab::new(&[2]);
    let (has, tags, load) = worker(on);
    let (asks, _) = asked(wanted);
    let job = lab.submit(vec![placed(|placement| *placement = asks)]).unwrap()[0];
    let there = lab.s.workers.get_mut(&id(2)).unwrap();
    (there.has, there.record.tags, there.presence.load) = (has, tags, load);
    for (number, text) in (1..).zip(holding.split(';').filter(|text| !text.trim().is_empty())) {
        let (Placement { tags, takes, .. }, card) = asked(text);
        let (share, attempt) = (Share { tags, takes, card }, AttemptId { job: JobId(number), number: 1 });
        there.held.add(attempt, &share);
        there.grants.insert(attempt, Grant { share, ..Grant::default() });
    }
    let explained = lab.s.explain(lab.now, job).unwrap();
    lab.decided.clear();
    assert_eq!(explained.reasons, [], "{line}");
    let obstacles = &explained.workers[0].obstacles;
    if obstacles.is_empty() { "nothing".to_owned() } else { obstacles.iter().map(said).collect::<Vec<_>>().join("; ") }
}

fn said(obstacle: &Obstacle) -> String {
    let by = |holders: &[AttemptId]| holders.iter().map(|holder| format!(" {}", holder.job.0)).collect::<String>();
    match obstacle {
        Obstacle::NoTag { tag } => format!("no {tag}"),
        Obstacle::TagHeld { tag, holders } => format!("{tag} held by{}", by(holders)),
        Obstacle::Short { resource, needed, total, free, holders, foreign } => {
            let [needed, free, total] = [needed, free, total].map(|n| c2_shared::resources::written(resource, *n));
            let held = if holders.is_empty() { String::new() } else { format!(", held by{}", by(holders)) };
            let processes = foreign
                .iter()
                .map(|one| format!(", beside {}:{}", one.gpu, c2_shared::resources::written("vram", one.memory_bytes)));
            format!("{resource} {needed}: {free} of {total}{held}{}", processes.collect::<String>())
        }
        other => panic!("{other:?} is not in the table"),
    }
}

#[test]
fn jobs_fit_beside_what_is_there() {
    let lines: Vec<&str> = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let found = lines.iter().map(|line| {
        let asked = line.split(" => ").next().unwrap();
        format!("{asked} => {} => {}", answer(asked), why(asked))
    });
    let found: Vec<String> = found.collect();
    assert_eq!(found.join("\n"), lines.join("\n"));
    assert!(lines.len() >= 100, "{} lines", lines.len());
}
