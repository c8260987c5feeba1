//! Whether a job fits on a worker beside what is there: one rule over all that it takes, and what is short by
//! the same rule where it does not fit.
//!
//! Graphics processors are one pool: a tag `gpu:N` that a job asks for is one of those that it takes by number,
//! and whoever takes one by number holds its tag. One that is held is nobody else's. Jobs that ask for memory on
//! a card and for no card share one: so much of it is theirs, and nobody holds it while one of them runs.

use std::collections::{BTreeMap, BTreeSet};

use c2_shared::id::AttemptId;
use c2_shared::job::{Needs, Placement};
use c2_shared::resources::{Capacity, Card};
use c2_shared::worker::Load;

use crate::sched::locks;

/// What an attempt holds of its worker beside a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Tags, those of its graphics processors too.
    pub tags: Vec<String>,
    pub takes: Needs,
    /// The graphics processor of which it takes a part.
    pub card: Option<u32>,
}

impl Share {
    /// Its tags, and that of the card which it shares, for whoever starts it.
    pub fn visible(&self) -> Vec<String> {
        self.tags.iter().cloned().chain(self.card.map(tag_of)).collect()
    }
}

/// What attempts hold of a worker together: an index over its grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) cpus: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) needs: BTreeMap<String, u64>,
    /// Which attempt holds each tag in use.
    pub(crate) locks: BTreeMap<String, AttemptId>,
    /// Parts of cards.
    shared: BTreeMap<u32, BTreeMap<AttemptId, u64>>,
}

impl Held {
    pub(crate) fn add(&mut self, attempt: AttemptId, share: &Share) {
        for tag in &share.tags {
            let other = self.locks.insert(tag.clone(), attempt);
            assert!(other.is_none(), "{tag} is held twice");
        }
        self.cpus += u64::from(share.takes.cpus);
        self.memory_bytes += share.takes.memory_bytes;
        for (name, amount) in &share.takes.needs {
            *self.needs.entry(name.clone()).or_default() += amount;
        }
        if let Some(card) = share.card {
            self.shared.entry(card).or_default().insert(attempt, share.takes.vram_bytes);
        }
    }

    pub(crate) fn remove(&mut self, attempt: AttemptId, share: &Share) {
        self.locks.retain(|tag, _| !share.tags.contains(tag));
        self.cpus -= u64::from(share.takes.cpus);
        self.memory_bytes -= share.takes.memory_bytes;
        for (name, amount) in &share.takes.needs {
            let held = self.needs.get_mut(name).expect("what is held was added");
            *held -= amount;
            if *held == 0 {
                self.needs.remove(name);
            }
        }
        if let Some(card) = share.card {
            let parts = self.shared.get_mut(&card).expect("a part of a card was added");
            parts.remove(&attempt);
            if parts.is_empty() {
                self.shared.remove(&card);
            }
        }
    }

    /// Memory of a card that is theirs in parts.
    pub(crate) fn shared_bytes(&self, card: u32) -> u64 {
        self.shared.get(&card).map_or(0, |parts| parts.values().sum())
    }

    /// Who holds a tag, or parts of its card.
    pub(crate) fn holders(&self, tag: &str) -> Vec<AttemptId> {
        let parts = card_of(tag).and_then(|card| self.shared.get(&card)).into_iter().flat_map(BTreeMap::keys);
        self.locks.get(tag).into_iter().chain(parts).copied().collect()
    }

    fn is_free(&self, tag: &str) -> bool {
        !self.locks.contains_key(tag) && card_of(tag).is_none_or(|card| !self.shared.contains_key(&card))
    }
}

/// Less of a card's memory is what its driver takes, which differs a little from card to card.
const IN_USE_BYTES: u64 = 1 << 30;

/// A worker as far as room on it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room<'a> {
    pub(crate) has: &'a Capacity,
    /// The tags that it offers.
    pub(crate) tags: &'a BTreeSet<String>,
    pub(crate) held: &'a Held,
    /// What it said last of its cards.
    pub(crate) load: &'a Load,
}

/// What is short, and by how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Short<'a> {
    /// A tag that it does not offer, or that others hold.
    Tag { tag: &'a str, holders: Vec<AttemptId> },
    /// Of something that is counted.
    Amount { name: &'a str, needed: u64, total: u64, free: u64 },
}

/// What a job would hold, if it fits.
pub(crate) fn fit(asked: &Placement, room: Room<'_>) -> Option<Share> {
    let takes = &asked.takes;
    if amounts(takes, room).any(|(_, needed, total, held)| needed > total.saturating_sub(held)) {
        return None;
    }
    let mut tags = locks::choose(&asked.tags, room.tags, |tag| room.can_take(tag, takes.vram_bytes))?;
    let missing = (takes.gpus as usize).saturating_sub(cards_among(&tags).count());
    if missing > 0 {
        let is_free = |tag: &String| !tags.contains(tag) && room.can_take(tag, takes.vram_bytes);
        let mut free: Vec<&Card> = room.has.gpus.iter().filter(|card| is_free(&tag_of(card.index))).collect();
        if free.len() < missing {
            return None;
        }
        // A card that somebody else works on is taken last.
        free.sort_by_key(|card| card.vram_bytes.saturating_sub(room.vram_free(card)) / IN_USE_BYTES);
        free.truncate(missing);
        free.sort_by_key(|card| card.index);
        tags.extend(free.into_iter().map(|card| tag_of(card.index)));
    }
    let card = match takes.vram_bytes > 0 && cards_among(&tags).next().is_none() {
        true => Some(room.has.gpus.iter().find(|card| room.has_part(card, takes.vram_bytes))?.index),
        false => None,
    };
    Some(Share { tags, takes: takes.clone(), card })
}

/// Why [`fit`] finds no room; empty exactly if it finds some.
pub(crate) fn shortages<'a>(asked: &'a Placement, room: Room<'a>) -> Vec<Short<'a>> {
    let takes = &asked.takes;
    let of_amount = |(name, needed, total, held): (&'a str, u64, u64, u64)| {
        let free = total.saturating_sub(held);
        (needed > free).then_some(Short::Amount { name, needed, total, free })
    };
    let mut short: Vec<Short<'_>> = amounts(takes, room).filter_map(of_amount).collect();
    let lacking = locks::lacking(&asked.tags, room.tags, |tag| room.held.is_free(tag), |tag| room.held.holders(tag));
    let has_tags = lacking.is_empty();
    short.extend(lacking.into_iter().map(|(tag, holders)| Short::Tag { tag, holders }));
    if takes.gpus == 0 && takes.vram_bytes == 0 || !has_tags {
        return short;
    }
    let gpus = Placement {
        takes: Needs { gpus: takes.gpus, vram_bytes: takes.vram_bytes, ..Needs::default() },
        ..asked.clone()
    };
    if fit(&gpus, room).is_none() {
        short.push(room.short_of_cards(asked));
    }
    short
}

/// Whether a job fits on a worker when nothing else is there.
pub(crate) fn could_fit(asked: &Placement, room: Room<'_>) -> bool {
    fit(asked, Room { held: &Held::default(), load: &Load::default(), ..room }).is_some()
}

/// What is counted: its name, what a job takes of it, what there is, what is held.
fn amounts<'a>(takes: &'a Needs, room: Room<'a>) -> impl Iterator<Item = (&'a str, u64, u64, u64)> {
    let (has, held) = (room.has, room.held);
    let own = [
        ("cpus", u64::from(takes.cpus), u64::from(has.cpus), held.cpus),
        ("memory", takes.memory_bytes, has.memory_bytes, held.memory_bytes),
    ];
    let of = |amounts: &BTreeMap<String, u64>, name: &String| amounts.get(name).copied().unwrap_or(0);
    let named = takes
        .needs
        .iter()
        .map(move |(name, needed)| (name.as_str(), *needed, of(&has.needs, name), of(&held.needs, name)));
    own.into_iter().filter(|(_, needed, ..)| *needed > 0).chain(named)
}

impl Room<'_> {
    /// Whether a job may hold a tag, with so much memory free if it is a card.
    fn can_take(&self, tag: &str, vram_bytes: u64) -> bool {
        let card = || card_of(tag).and_then(|index| self.has.gpus.iter().find(|card| card.index == index));
        self.held.is_free(tag)
            && (vram_bytes == 0
                || card_of(tag).is_none()
                || card().is_some_and(|card| self.vram_free(card) >= vram_bytes))
    }

    /// Whether a card that nobody holds has so much memory for one more.
    fn has_part(&self, card: &Card, vram_bytes: u64) -> bool {
        !self.held.locks.contains_key(&tag_of(card.index)) && self.vram_free(card) >= vram_bytes
    }

    /// Memory of a card that is neither promised to jobs nor in use. What jobs use is what they were promised,
    /// so only what others use counts beside it; where the driver does not tell them apart, the larger of the
    /// two does.
    fn vram_free(&self, card: &Card) -> u64 {
        let shared = self.held.shared_bytes(card.index);
        let foreign = self.load.gpu_processes.iter().filter(|process| process.gpu == card.index);
        let foreign: u64 = foreign.map(|process| process.memory_bytes).fold(0, u64::saturating_add);
        let place = usize::try_from(card.index).unwrap_or(usize::MAX);
        let used = self.load.gpu_memory.get(place).map_or(0, |memory| memory.used_bytes);
        card.vram_bytes.saturating_sub(shared.saturating_add(foreign).max(used))
    }

    /// What is short of cards, when [`fit`] found too few.
    fn short_of_cards<'a>(&self, Placement { tags, takes, .. }: &Placement) -> Short<'a> {
        let cards = &self.has.gpus;
        let named = cards_among(tags).filter_map(|index| cards.iter().find(|card| card.index == index));
        if let Some(card) = named.into_iter().find(|card| self.vram_free(card) < takes.vram_bytes) {
            let (total, free) = (card.vram_bytes, self.vram_free(card));
            return Short::Amount { name: "vram", needed: takes.vram_bytes, total, free };
        }
        let wanted = (takes.gpus as usize).max(1);
        // The memory of that card which is the last to be needed, the largest first.
        let last = |of: &dyn Fn(&Card) -> u64| {
            let mut all: Vec<u64> = cards.iter().map(of).collect();
            all.sort_unstable_by(|a, b| b.cmp(a));
            all.get(wanted - 1).copied().unwrap_or(0)
        };
        let total = last(&|card| card.vram_bytes);
        let is_free = |card: &Card| match takes.gpus {
            0 => !self.held.locks.contains_key(&tag_of(card.index)),
            _ => self.held.is_free(&tag_of(card.index)),
        };
        let free_cards = cards.iter().filter(|card| is_free(card)).count();
        if takes.gpus > 0 && (cards.len() < wanted || (free_cards < wanted && takes.vram_bytes <= total)) {
            let total = cards.len() as u64;
            return Short::Amount { name: "gpus", needed: u64::from(takes.gpus), total, free: free_cards as u64 };
        }
        let free = last(&|card| if is_free(card) { self.vram_free(card) } else { 0 });
        Short::Amount { name: "vram", needed: takes.vram_bytes, total, free }
    }

    /// Whether what a share says is there and free: the promise that is checked at each assignment.
    pub(crate) fn admits(&self, share: &Share) -> bool {
        let fits = |(_, needed, total, held): (&str, u64, u64, u64)| needed <= total.saturating_sub(held);
        let part = |index: u32| {
            let card = self.has.gpus.iter().find(|card| card.index == index);
            let bytes = self.held.shared_bytes(index).saturating_add(share.takes.vram_bytes);
            !self.held.locks.contains_key(&tag_of(index)) && card.is_some_and(|card| bytes <= card.vram_bytes)
        };
        amounts(&share.takes, *self).all(fits)
            && share.tags.iter().all(|tag| self.held.is_free(tag))
            && share.card.is_none_or(part)
    }
}

/// The tag of a graphics processor.
fn tag_of(card: u32) -> String {
    format!("gpu:{card}")
}

/// The graphics processor that a tag is, if it is one.
pub(crate) fn card_of(tag: &str) -> Option<u32> {
    let index = tag.strip_prefix("gpu:")?;
    // Written in one way, so that no two tags are the same card.
    let is_plain = index.bytes().all(|byte| byte.is_ascii_digit()) && (index == "0" || !index.starts_with('0'));
    index.parse().ok().filter(|_| is_plain)
}

/// The graphics processors among tags.
pub(crate) fn cards_among<'a>(tags: impl IntoIterator<Item = &'a String>) -> impl Iterator<Item = u32> {
    tags.into_iter().filter_map(|tag| card_of(tag))
}
