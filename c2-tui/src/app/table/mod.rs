//! Tables: rows by id under columns, filtered, sorted, selected and marked.
//!
//! A table holds only ids in their order; the rows stay in the cache. That makes the selection and
//! the marks survive whatever happens to the rows, and lets one change among 50,000 rows cost a
//! binary search instead of a sort. A filter only picks from what is in order already.

mod column;
mod filter;
mod order;
mod rows;
mod select;
mod texts;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::net::IpAddr;

use c2_shared::id::{JobId, WorkerId};

use self::rows::Entry;

pub(crate) use column::{Align, Cell, Column, Cut, Head, Room, Sight, Tone};
pub(crate) use filter::{Filter, NO_WORD};
pub(crate) use order::Order;
pub(crate) use rows::Rows;
pub(crate) use select::{Grid, Step};

pub(crate) trait Row: Clone + std::fmt::Debug + 'static {
    /// Names the row; ties in the order are broken by it.
    type Id: Clone + Ord + std::fmt::Debug;
    /// Which rows the table is about, before any filter.
    type Scope: Clone + PartialEq + std::fmt::Debug;

    /// What holds the rows of all kinds.
    type Cache: std::fmt::Debug;

    /// Whether they are jobs, on which there are actions.
    const ARE_JOBS: bool = false;

    fn rows(cache: &Self::Cache) -> &Rows<Self>;
    fn id(&self) -> Self::Id;
    fn within(&self, scope: &Self::Scope) -> bool;
    /// The text that filters search.
    fn searched(&self) -> String;
    fn opens(&self) -> Opens;
    /// What its columns may have cut, in full.
    fn detail(&self, _: &Self::Cache) -> Option<String> {
        None
    }
    /// Whether any row has something in the column of this name; one that has not gives its room away.
    fn uses(_cache: &Self::Cache, _column: &str) -> bool {
        true
    }
    /// Cells of the widest text in the column of this name, if it is to stay whole.
    fn widest(_cache: &Self::Cache, _column: &str) -> Option<u16> {
        None
    }
    /// The worker that a row of this name is.
    fn worker(_: Self::Id) -> Option<WorkerId> {
        None
    }
    /// The jobs that the row is or stands for.
    fn jobs(&self) -> Vec<JobId> {
        Vec::new()
    }
}

/// What opens when a row is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    Worker(WorkerId, IpAddr),
    Job(JobId),
    /// Jobs that failed with this line.
    Alike(String, Vec<JobId>),
    /// The schedule of this name.
    Schedule(String),
    /// The active jobs that pass this filter.
    Jobs(String),
}

/// By which column, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) column: usize,
    pub(crate) descending: bool,
}

/// The order, selection and marks of the rows of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Table<R: Row> {
    columns: &'static [Column<R>],
    scope: R::Scope,
    sort: Sort,
    filter: Filter,
    /// All rows that it is about, in their order.
    ranked: Vec<Entry<R::Id>>,
    /// Those of them that pass the filter, if there is one.
    passed: Vec<Entry<R::Id>>,
    selected: Option<R::Id>,
    cursor: usize,
    top: usize,
    height: usize,
    marks: BTreeSet<R::Id>,
    /// The column by which the newest row is at an end.
    newest_by: Option<usize>,
    /// Whether the selection stays at the newest row.
    is_pinned: bool,
}

impl<R: Row> Table<R> {
    pub(crate) fn new(columns: &'static [Column<R>], scope: R::Scope, column: usize, descending: bool) -> Self {
        Self {
            columns,
            scope,
            sort: Sort { column, descending },
            filter: Filter::default(),
            ranked: Vec::new(),
            passed: Vec::new(),
            selected: None,
            cursor: 0,
            top: 0,
            height: 1,
            marks: BTreeSet::new(),
            newest_by: None,
            is_pinned: false,
        }
    }

    /// The same, whose selection stays at the newest row once it is there.
    pub(crate) fn sticking(mut self) -> Self {
        self.newest_by = Some(self.sort.column);
        self
    }

    pub(crate) const fn scope(&self) -> &R::Scope {
        &self.scope
    }

    /// All rows that pass the filter, in their order.
    fn order(&self) -> &[Entry<R::Id>] {
        if self.filter.lets_all_pass() { &self.ranked } else { &self.passed }
    }

    /// Their ids.
    #[cfg(test)]
    pub(crate) fn ids(&self) -> Vec<R::Id> {
        self.order().iter().map(|entry| entry.id.clone()).collect()
    }

    /// Selects a row, if it is among those that pass the filter.
    pub(crate) fn select(&mut self, id: &R::Id) {
        if let Some(at) = self.order().iter().position(|one| one.id == *id) {
            self.go_to(at);
        }
    }

    /// Changes what the table is about.
    pub(crate) fn set_scope(&mut self, scope: R::Scope, cache: &R::Cache) {
        self.scope = scope;
        self.rebuild(cache);
    }

    fn rank(&mut self, cache: &R::Cache) {
        let found = R::rows(cache).entries().filter(|(_, row)| row.within(&self.scope));
        let found = found.map(|(slot, row)| (row, Entry { id: row.id(), slot })).collect();
        self.ranked = self.columns[self.sort.column].order.sort(found, self.sort);
        self.marks.retain(|id| R::rows(cache).contains_key(id));
        self.sift(cache);
    }

    /// Picks what passes the filter.
    fn sift(&mut self, cache: &R::Cache) {
        let has_filter = !self.filter.lets_all_pass();
        let passes = |entry: &&Entry<R::Id>| has_filter && self.filter.keeps(R::rows(cache), entry.slot, self.columns);
        self.passed = self.ranked.iter().filter(passes).cloned().collect();
        self.find_selected();
    }

    /// Takes a row out, before the cache forgets or replaces it.
    pub(crate) fn leave(&mut self, row: &R, cache: &R::Cache) {
        let rows = R::rows(cache);
        if let Ok(at) = self.position(&self.ranked, row, rows) {
            self.ranked.remove(at);
        }
        if let Ok(at) = self.position(&self.passed, row, rows) {
            self.passed.remove(at);
        }
    }

    /// Puts a row in, after the cache took it.
    pub(crate) fn enter(&mut self, row: &R, cache: &R::Cache) {
        let rows = R::rows(cache);
        let Some(entry) = rows.entry(&row.id()).filter(|_| row.within(&self.scope)) else { return };
        if !self.filter.lets_all_pass()
            && self.filter.keeps(rows, entry.slot, self.columns)
            && let Err(at) = self.position(&self.passed, row, rows)
        {
            self.passed.insert(at, entry.clone());
        }
        if let Err(at) = self.position(&self.ranked, row, rows) {
            self.ranked.insert(at, entry);
        }
    }

    /// Where a row is in a list, or would be.
    fn position(&self, list: &[Entry<R::Id>], row: &R, rows: &Rows<R>) -> Result<usize, usize> {
        list.binary_search_by(|entry| match rows.at(entry.slot) {
            Some(other) => self.compare(other, row),
            None => entry.id.cmp(&row.id()),
        })
    }

    fn compare(&self, a: &R, b: &R) -> Ordering {
        let order = self.columns[self.sort.column].order.compare(a, b);
        let order = if self.sort.descending { order.reverse() } else { order };
        order.then_with(|| a.id().cmp(&b.id()))
    }
}
