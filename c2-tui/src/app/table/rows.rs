//! Rows by id, as the cache holds them, with what they are searched by.
//!
//! Each row has a slot, which stays its own as long as it is there. Tables remember it, so that they come to a
//! row and its text without looking for its id, and find neighbours in the memory side by side.

use std::collections::BTreeMap;
use std::ops::Index;

use super::Row;
use super::texts::Texts;

#[derive(Clone, Debug)]
pub(crate) struct Rows<R: Row> {
    slots: BTreeMap<R::Id, usize>,
    rows: Vec<Option<R>>,
    texts: Texts,
    free: Vec<usize>,
}

/// A row as tables remember it.
#[derive(Clone, Debug)]
pub(super) struct Entry<I> {
    pub(super) id: I,
    pub(super) slot: usize,
}

impl<R: Row> Rows<R> {
    /// Takes a row; answers the one of the same id that it replaces.
    pub(crate) fn insert(&mut self, row: R) -> Option<R> {
        let slot = *self.slots.entry(row.id()).or_insert_with(|| self.free.pop().unwrap_or(self.rows.len()));
        if slot == self.rows.len() {
            self.rows.push(None);
        }
        self.texts.put(slot, &row.searched());
        self.rows[slot].replace(row)
    }

    pub(crate) fn remove(&mut self, id: &R::Id) -> Option<R> {
        let slot = self.slots.remove(id)?;
        self.free.push(slot);
        self.texts.drop(slot);
        self.rows[slot].take()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn get(&self, id: &R::Id) -> Option<&R> {
        self.at(*self.slots.get(id)?)
    }

    /// The row, to change in it what no filter searches.
    pub(crate) fn get_mut(&mut self, id: &R::Id) -> Option<&mut R> {
        self.rows[*self.slots.get(id)?].as_mut()
    }

    pub(crate) fn contains_key(&self, id: &R::Id) -> bool {
        self.slots.contains_key(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// In the order of their ids.
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &R::Id> {
        self.slots.keys()
    }

    /// In the order of their ids.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.slots.values().filter_map(|slot| self.at(*slot))
    }

    /// All of them with their slots, as they lie in the memory.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, &R)> {
        self.rows.iter().enumerate().filter_map(|(slot, row)| Some((slot, row.as_ref()?)))
    }

    pub(super) fn entry(&self, id: &R::Id) -> Option<Entry<R::Id>> {
        Some(Entry { id: id.clone(), slot: *self.slots.get(id)? })
    }

    pub(super) fn at(&self, slot: usize) -> Option<&R> {
        self.rows.get(slot)?.as_ref()
    }

    /// What the row of a slot is searched by: as written, and in lower case.
    pub(super) fn searched(&self, slot: usize) -> (&str, &str) {
        self.texts.get(slot)
    }
}

impl<R: Row> Default for Rows<R> {
    fn default() -> Self {
        Self { slots: BTreeMap::new(), rows: Vec::new(), texts: Texts::default(), free: Vec::new() }
    }
}

impl<R: Row> FromIterator<R> for Rows<R> {
    fn from_iter<I: IntoIterator<Item = R>>(all: I) -> Self {
        let mut rows = Self::default();
        for row in all {
            rows.insert(row);
        }
        rows
    }
}

impl<R: Row> Index<&R::Id> for Rows<R> {
    type Output = R;

    fn index(&self, id: &R::Id) -> &R {
        self.get(id).expect("who names a row knows that it is there")
    }
}
