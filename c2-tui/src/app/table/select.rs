//! Moving through a table: the selected row, the marks, and which part is on the screen.

use std::ops::Range;

use c2_shared::id::{JobId, WorkerId};

use super::{Cell, Filter, Head, Opens, Row, Sight, Sort, Table};

/// A way to move the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Up,
    Down,
    /// By half a screen.
    HalfUp,
    /// By half a screen.
    HalfDown,
    PageUp,
    PageDown,
    First,
    Last,
}

impl Step {
    /// The position after the step, from `at` among `len` with `page` on a screen.
    pub(crate) fn from(self, at: usize, len: usize, page: usize) -> usize {
        let page = page.max(1);
        let to = match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => at + 1,
            Self::HalfUp => at.saturating_sub(page.div_ceil(2)),
            Self::HalfDown => at + page.div_ceil(2),
            Self::PageUp => at.saturating_sub(page),
            Self::PageDown => at + page,
            Self::First => 0,
            Self::Last => len,
        };
        to.min(len.saturating_sub(1))
    }
}

/// What can be done with a table whatever its rows are.
pub(crate) trait Grid<S>: std::fmt::Debug {
    /// The same once more.
    fn boxed(&self) -> Box<dyn Grid<S>>;
    fn step(&mut self, step: Step);
    /// Selects the row at a position.
    fn go_to(&mut self, at: usize);
    /// Moves the screen, and the selection only as far as it must stay in sight.
    fn scroll(&mut self, rows: i16);
    /// Tells how many rows fit on the screen.
    fn set_height(&mut self, height: usize);
    /// Selects the row under the cursor, when the table gets the focus.
    fn wake(&mut self);
    /// When the table loses the focus: at its first row it goes on showing whatever comes first.
    fn rest(&mut self);
    /// Marks the selected row, or takes its mark away, and goes to the next one.
    fn toggle_mark(&mut self);
    /// Marks the selected row, moves, and marks the row that it came to.
    fn mark_and_step(&mut self, step: Step);
    /// Marks all rows that pass the filter.
    fn mark_all(&mut self);
    /// Takes all marks away.
    fn unmark_all(&mut self);
    fn filter(&self) -> &Filter;
    /// Rows that pass the filter.
    fn len(&self) -> usize;
    /// Rows that it is about, filtered or not.
    fn in_scope(&self) -> usize;
    /// The positions that are on the screen.
    fn visible(&self) -> Range<usize>;
    fn height(&self) -> usize;
    /// The position that the selected row has, or had.
    fn cursor(&self) -> usize;
    fn is_selected(&self, at: usize) -> bool;
    fn is_marked(&self, at: usize) -> bool;
    fn is_of_jobs(&self) -> bool;
    fn marked(&self) -> usize;
    /// Marked rows that the filter does not let pass.
    fn hidden_marks(&self) -> usize;
    /// The heads of its columns, in the order of the screen.
    fn heads(&self) -> Vec<Head>;
    /// Cells of the widest text in a column that is to stay whole.
    fn widest(&self, column: usize, cache: &S) -> Option<u16>;
    /// Whether any row has something in a column.
    fn uses(&self, column: usize, cache: &S) -> bool;
    /// The cell of a row in a column.
    fn cell(&self, at: usize, column: usize, sight: &Sight<'_, S>) -> Option<Cell>;
    /// What the selected row leads to.
    fn opens(&self, cache: &S) -> Option<Opens>;
    /// What the columns may have cut of the selected row.
    fn detail(&self, cache: &S) -> Option<String>;
    /// The jobs that an action is about: the marked ones, otherwise the selected one.
    fn jobs(&self, cache: &S) -> Vec<JobId>;
    /// The same of workers.
    fn workers(&self) -> Vec<WorkerId>;
    fn set_filter(&mut self, text: &str, cache: &S);
    fn sort(&self) -> Sort;
    /// Sorts so, if there is such a column.
    fn set_sort(&mut self, sort: Sort, cache: &S);
    /// Sorts by a column; by the present one, the other way round.
    fn sort_by(&mut self, column: usize, cache: &S);
    /// Sorts by the column so many places away from the present one.
    fn sort_beside(&mut self, places: isize, cache: &S);
    /// Sorts the other way round.
    fn sort_turned(&mut self, cache: &S);
    /// Orders all rows anew.
    fn rebuild(&mut self, cache: &S);
}

impl<S> Clone for Box<dyn Grid<S>> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}

impl<R: Row> Table<R> {
    #[cfg(test)]
    pub(crate) fn selected(&self) -> Option<R::Id> {
        self.selected.clone()
    }

    /// Ids of the rows in sight.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &R::Id> {
        self.order()[self.visible()].iter().map(|entry| &entry.id)
    }

    /// The id at a position.
    fn id_at(&self, at: usize) -> Option<R::Id> {
        self.order().get(at).map(|entry| entry.id.clone())
    }

    pub(crate) fn marks(&self) -> impl Iterator<Item = R::Id> {
        self.marks.iter().cloned()
    }

    pub(crate) fn has_mark(&self, id: &R::Id) -> bool {
        self.marks.contains(id)
    }

    /// The rows that an action is about: the marked ones, otherwise the selected one.
    pub(crate) fn chosen(&self) -> Vec<R::Id> {
        if self.marks.is_empty() {
            self.selected.iter().cloned().collect()
        } else {
            self.marks.iter().cloned().collect()
        }
    }

    /// After the rows changed: follows the selected row, or hands the selection on to its
    /// neighbour when it is gone.
    pub(crate) fn find_selected(&mut self) {
        if self.is_pinned && self.selected.is_some() {
            self.cursor = self.newest().unwrap_or(self.cursor).min(self.order().len().saturating_sub(1));
            self.selected = self.id_at(self.cursor);
            return self.keep_in_sight();
        }
        match self.selected.as_ref().map(|id| self.order().iter().position(|one| one.id == *id)) {
            Some(Some(at)) => {
                // The row stays where it is on the screen, even if others came or went above it.
                let above = self.cursor.saturating_sub(self.top);
                self.top = at.saturating_sub(above);
                self.cursor = at;
            }
            Some(None) => {
                self.cursor = self.cursor.min(self.order().len().saturating_sub(1));
                self.selected = self.id_at(self.cursor);
            }
            None => self.cursor = self.cursor.min(self.order().len().saturating_sub(1)),
        }
        self.keep_in_sight();
    }

    /// Where the newest row is, where they are in the order of their ages.
    fn newest(&self) -> Option<usize> {
        let is_by_age = self.newest_by == Some(self.sort.column);
        is_by_age.then(|| if self.sort.descending { 0 } else { self.order().len().saturating_sub(1) })
    }

    fn keep_in_sight(&mut self) {
        let last_top = self.order().len().saturating_sub(self.height);
        let lowest = (self.cursor + 1).saturating_sub(self.height);
        self.top = self.top.clamp(lowest, self.cursor.max(lowest)).min(last_top);
    }
}

impl<R: Row> Grid<R::Cache> for Table<R> {
    fn boxed(&self) -> Box<dyn Grid<R::Cache>> {
        Box::new(self.clone())
    }

    fn step(&mut self, step: Step) {
        self.go_to(step.from(self.cursor, self.order().len(), self.height));
    }

    fn go_to(&mut self, at: usize) {
        self.cursor = at.min(self.order().len().saturating_sub(1));
        self.selected = self.id_at(self.cursor);
        self.is_pinned = self.newest() == Some(self.cursor);
        self.keep_in_sight();
    }

    fn scroll(&mut self, rows: i16) {
        let last_top = self.order().len().saturating_sub(self.height);
        self.top = self.top.saturating_add_signed(rows.into()).min(last_top);
        let bottom = (self.top + self.height).min(self.order().len()).saturating_sub(1);
        self.cursor = self.cursor.clamp(self.top.min(bottom), bottom);
        if self.selected.is_some() {
            self.selected = self.id_at(self.cursor);
        }
        self.is_pinned = self.newest() == Some(self.cursor);
    }

    fn set_height(&mut self, height: usize) {
        self.height = height.max(1);
        self.keep_in_sight();
    }

    fn wake(&mut self) {
        self.go_to(self.cursor);
    }

    fn rest(&mut self) {
        if self.cursor == 0 {
            self.selected = None;
        }
    }

    fn toggle_mark(&mut self) {
        if let Some(id) = self.selected.clone()
            && !self.marks.remove(&id)
        {
            self.marks.insert(id);
        }
        self.step(Step::Down);
    }

    fn mark_and_step(&mut self, step: Step) {
        self.marks.extend(self.selected.clone());
        self.step(step);
        self.marks.extend(self.selected.clone());
    }

    fn mark_all(&mut self) {
        let all: Vec<R::Id> = self.order().iter().map(|entry| entry.id.clone()).collect();
        self.marks.extend(all);
    }

    fn unmark_all(&mut self) {
        self.marks.clear();
    }

    fn filter(&self) -> &Filter {
        &self.filter
    }

    fn len(&self) -> usize {
        self.order().len()
    }

    fn in_scope(&self) -> usize {
        self.ranked.len()
    }

    fn visible(&self) -> Range<usize> {
        self.top.min(self.order().len())..(self.top + self.height).min(self.order().len())
    }

    fn height(&self) -> usize {
        self.height
    }

    fn cursor(&self) -> usize {
        self.cursor
    }

    fn is_selected(&self, at: usize) -> bool {
        self.selected.is_some() && self.selected.as_ref() == self.order().get(at).map(|entry| &entry.id)
    }

    fn is_marked(&self, at: usize) -> bool {
        self.order().get(at).is_some_and(|entry| self.marks.contains(&entry.id))
    }

    fn is_of_jobs(&self) -> bool {
        R::ARE_JOBS
    }

    fn marked(&self) -> usize {
        self.marks.len()
    }

    fn hidden_marks(&self) -> usize {
        let shown = || self.order().iter().filter(|entry| self.marks.contains(&entry.id)).count();
        if self.marks.is_empty() { 0 } else { self.marks.len() - shown() }
    }

    fn heads(&self) -> Vec<Head> {
        self.columns.iter().map(Head::from).collect()
    }

    fn widest(&self, column: usize, cache: &R::Cache) -> Option<u16> {
        R::widest(cache, self.columns.get(column)?.name)
    }

    fn uses(&self, column: usize, cache: &R::Cache) -> bool {
        self.columns.get(column).is_some_and(|column| R::uses(cache, column.name))
    }

    fn cell(&self, at: usize, column: usize, sight: &Sight<'_, R::Cache>) -> Option<Cell> {
        let row = R::rows(sight.cache).at(self.order().get(at)?.slot)?;
        Some((self.columns.get(column)?.cell)(row, sight))
    }

    fn opens(&self, cache: &R::Cache) -> Option<Opens> {
        R::rows(cache).get(self.selected.as_ref()?).map(R::opens)
    }

    fn detail(&self, cache: &R::Cache) -> Option<String> {
        R::rows(cache).get(self.selected.as_ref()?)?.detail(cache)
    }

    fn jobs(&self, cache: &R::Cache) -> Vec<JobId> {
        self.chosen().iter().filter_map(|id| R::rows(cache).get(id)).flat_map(R::jobs).collect()
    }

    fn workers(&self) -> Vec<WorkerId> {
        self.chosen().into_iter().filter_map(R::worker).collect()
    }

    fn set_filter(&mut self, text: &str, cache: &R::Cache) {
        let names: Vec<&str> = self.columns.iter().map(|c| c.name).collect();
        self.filter = Filter::parse(text, &names);
        self.sift(cache);
    }

    fn sort(&self) -> Sort {
        self.sort
    }

    fn set_sort(&mut self, sort: Sort, cache: &R::Cache) {
        if sort.column < self.columns.len() {
            self.sort = sort;
            self.rebuild(cache);
        }
    }

    fn sort_by(&mut self, column: usize, cache: &R::Cache) {
        let descending = column == self.sort.column && !self.sort.descending;
        self.set_sort(Sort { column, descending }, cache);
    }

    fn sort_beside(&mut self, places: isize, cache: &R::Cache) {
        let len = self.columns.len();
        self.sort_by((self.sort.column + len).saturating_add_signed(places) % len, cache);
    }

    fn sort_turned(&mut self, cache: &R::Cache) {
        self.sort_by(self.sort.column, cache);
    }

    fn rebuild(&mut self, cache: &R::Cache) {
        self.rank(cache);
    }
}
