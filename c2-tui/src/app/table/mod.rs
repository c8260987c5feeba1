//! Tables: rows by id under columns, filtered, sorted, selected and marked.
//!
//! A table holds only ids in their order; the rows stay in the cache. That makes the selection and
//! the marks survive whatever happens to the rows, and lets one change among 50,000 rows cost a
//! binary search instead of a sort.

mod column;
mod filter;
mod select;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use c2_shared::id::{JobId, WorkerId};

pub(crate) use column::{Align, Cell, Column, Cut, Head, Room, Sight, Tone};
pub(crate) use filter::{Filter, NO_WORD};
pub(crate) use select::{Grid, Step};

pub(crate) trait Row: Sized + 'static {
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
    /// The text that filters search: as written, and in lower case.
    fn searched<'a>(&'a self, cache: &'a Self::Cache) -> (&'a str, &'a str);
    fn opens(&self) -> Opens;
    /// What its columns may have cut, in full.
    fn detail(&self, _: &Self::Cache) -> Option<String> {
        None
    }
    /// The text by which the column of this name is ordered, where it is one.
    fn ordered_by<'a>(&'a self, _cache: &'a Self::Cache, _column: &str) -> Option<&'a str> {
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

/// Rows by id, as the cache holds them.
pub(crate) type Rows<R> = BTreeMap<<R as Row>::Id, R>;

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
    order: Vec<R::Id>,
    in_scope: usize,
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

/// What stands first in the text of each row, behind what they have in common, as numbers in the same
/// order: to compare these does not ask the memory for each text anew. Nought where there is no text.
fn leads<R: Row>(rows: &[&R], column: &str, cache: &R::Cache) -> Vec<u64> {
    let Some(first) = rows.first().and_then(|row| row.ordered_by(cache, column)) else { return vec![0; rows.len()] };
    let texts: Vec<&str> = rows.iter().map(|row| row.ordered_by(cache, column).unwrap_or_default()).collect();
    let shared = |a: &[u8], b: &str| a.iter().zip(b.as_bytes()).take_while(|(a, b)| a == b).count();
    let common = texts.iter().fold(first.len(), |len, text| shared(&first.as_bytes()[..len], text));
    let lead = |text: &str| {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(&text.as_bytes()[common..]).for_each(|(byte, letter)| *byte = *letter);
        u64::from_be_bytes(bytes)
    };
    texts.into_iter().map(lead).collect()
}

impl<R: Row> Table<R> {
    pub(crate) fn new(columns: &'static [Column<R>], scope: R::Scope, column: usize, descending: bool) -> Self {
        Self {
            columns,
            scope,
            sort: Sort { column, descending },
            filter: Filter::default(),
            order: Vec::new(),
            in_scope: 0,
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

    /// Ids of all rows that pass the filter, in their order.
    #[cfg(test)]
    pub(crate) fn ids(&self) -> &[R::Id] {
        &self.order
    }

    /// Selects a row, if it is among those that pass the filter.
    pub(crate) fn select(&mut self, id: &R::Id) {
        if let Some(at) = self.order.iter().position(|one| one == id) {
            self.go_to(at);
        }
    }

    /// Changes what the table is about.
    pub(crate) fn set_scope(&mut self, scope: R::Scope, cache: &R::Cache) {
        self.scope = scope;
        self.rebuild(cache);
    }

    fn order_anew(&mut self, cache: &R::Cache) {
        let rows = R::rows(cache);
        let mut found: Vec<&R> = Vec::new();
        self.in_scope = 0;
        for row in rows.values().filter(|r| r.within(&self.scope)) {
            self.in_scope += 1;
            if self.filter.keeps(row, cache, self.columns) {
                found.push(row);
            }
        }
        let leads = leads(&found, self.columns[self.sort.column].name, cache);
        let mut found: Vec<(u64, &R)> = leads.into_iter().zip(found).collect();
        found.sort_unstable_by(|(lead_a, a), (lead_b, b)| {
            let order = lead_a.cmp(lead_b);
            if self.sort.descending { order.reverse() } else { order }.then_with(|| self.compare(a, b))
        });
        self.order = found.into_iter().map(|(_, row)| row.id()).collect();
        self.marks.retain(|id| rows.contains_key(id));
        self.find_selected();
    }

    /// Takes a row out, before the cache forgets or replaces it.
    pub(crate) fn leave(&mut self, row: &R, cache: &R::Cache) {
        let rows = R::rows(cache);
        if row.within(&self.scope) {
            self.in_scope -= 1;
            if let Ok(at) = self.position(row, rows) {
                self.order.remove(at);
            }
        }
    }

    /// Puts a row in, after the cache took it.
    pub(crate) fn enter(&mut self, row: &R, cache: &R::Cache) {
        let rows = R::rows(cache);
        if row.within(&self.scope) {
            self.in_scope += 1;
            if self.filter.keeps(row, cache, self.columns)
                && let Err(at) = self.position(row, rows)
            {
                self.order.insert(at, row.id());
            }
        }
    }

    /// Where a row is, or would be.
    fn position(&self, row: &R, rows: &Rows<R>) -> Result<usize, usize> {
        self.order.binary_search_by(|id| match rows.get(id) {
            Some(other) => self.compare(other, row),
            None => id.cmp(&row.id()),
        })
    }

    fn compare(&self, a: &R, b: &R) -> Ordering {
        let order = (self.columns[self.sort.column].order)(a, b);
        let order = if self.sort.descending { order.reverse() } else { order };
        order.then_with(|| a.id().cmp(&b.id()))
    }
}
