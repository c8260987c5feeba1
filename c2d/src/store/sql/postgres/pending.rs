//! Statements of a transaction that were not sent yet, put together so that each text goes to the server
//! once for many rows.
//!
//! Most statements are about one job, which their first value names. Those about different jobs may change
//! places, those about the same one never do; and what is about something else keeps its place among all.
//! A tag passes from one job to another: what takes locks and what frees them keep their order as well.

use std::collections::HashMap;

use crate::store::sql::postgres::statement::{Shape, shape};
use crate::store::sql::{Params, ValueRef};

/// So many rows or bytes are sent together at most, and no more are kept.
const ROWS_MAX: usize = 4_096;
const BYTES_MAX: usize = 4 << 20;

/// So many changes are one statement at most: each row is looked for in its array.
const CHANGES_MAX: usize = 512;

/// What waits to be sent.
#[derive(Debug, Default)]
pub(super) struct Pending {
    groups: Vec<Group>,
    /// The last group of each text.
    of_text: HashMap<String, usize>,
    /// The last group that is about a job.
    of_job: HashMap<i64, usize>,
    /// The last group that is about locks.
    of_locks: usize,
    /// No later statement goes into a group before this one.
    floor: usize,
    rows: usize,
    bytes: usize,
}

/// Statements of one text.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) sql: String,
    /// Each of them has a row that it changes.
    pub(super) must_change: bool,
    pub(super) rows: Vec<Vec<Kept>>,
}

/// A value that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Kept {
    pub(super) fn value(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Int(n) => ValueRef::Int(*n),
            Self::Text(text) => ValueRef::Text(text),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }
    }
}

impl From<ValueRef<'_>> for Kept {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Int(n) => Self::Int(n),
            ValueRef::Text(text) => Self::Text(text.to_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_owned()),
        }
    }
}

impl Pending {
    /// Adds a statement; answers whether there is enough to send.
    pub(super) fn add(&mut self, sql: &str, params: &impl Params, must_change: bool) -> bool {
        let mut row = Vec::new();
        params.each(&mut |value| {
            self.bytes += match value {
                ValueRef::Null | ValueRef::Int(_) => 8,
                ValueRef::Text(text) => text.len(),
                ValueRef::Blob(bytes) => bytes.len(),
            };
            row.push(value.into());
        });
        self.rows += 1;
        let shape = shape(sql);
        let place = self.place(sql, shape, job(shape, &row));
        match self.groups.get_mut(place) {
            Some(group) => group.rows.push(row),
            None => self.groups.push(Group { sql: sql.to_owned(), must_change, rows: vec![row] }),
        }
        self.rows >= ROWS_MAX || self.bytes >= BYTES_MAX
    }

    /// The group of a statement, which may be a new one.
    fn place(&mut self, sql: &str, shape: Shape, job: Option<i64>) -> usize {
        let next = self.groups.len();
        let known = self.of_text.get(sql).copied().filter(|group| *group >= self.floor);
        let Some(job) = job else {
            self.floor = next + 1;
            return next;
        };
        let is_lock = sql.contains(" lock ");
        // Two changes of the same row are two statements.
        let fits = |group: usize| match self.of_job.get(&job) {
            Some(last) if *last == group => shape == Shape::Insert,
            Some(last) => *last < group,
            None => true,
        };
        let is_full = |group: usize| shape == Shape::Change && self.groups[group].rows.len() >= CHANGES_MAX;
        let joins = |group: usize| shape != Shape::Alone && fits(group) && !is_full(group);
        let stays = known.filter(|group| joins(*group) && (!is_lock || *group >= self.of_locks));
        let place = stays.unwrap_or(next);
        if stays.is_none() {
            self.of_text.insert(sql.to_owned(), place);
        }
        self.of_job.insert(job, place);
        if is_lock {
            self.of_locks = place;
        }
        place
    }

    /// Whether it has no more rows and bytes than these.
    pub(super) const fn is_within(&self, rows: usize, bytes: usize) -> bool {
        self.rows <= rows && self.bytes <= bytes
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All groups, in their order; nothing waits then.
    pub(super) fn take(&mut self) -> Vec<Group> {
        std::mem::take(self).groups
    }
}

/// The job that a statement is about; none if it is about something else.
fn job(shape: Shape, row: &[Kept]) -> Option<i64> {
    let number = |value: &Kept| if let Kept::Int(n) = value { Some(*n) } else { None };
    match shape {
        // New rows stand in nobody's way, wherever they say whose they are.
        Shape::Insert => row.iter().find_map(number),
        Shape::Change | Shape::Alone => row.first().and_then(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADD: &str = "INSERT INTO job VALUES (?1, ?2)";
    const SET: &str = "UPDATE job SET state = ?2 WHERE id = ?1";
    const TAKE: &str = "INSERT INTO lock VALUES (?1, ?2)";
    const FREE: &str = "DELETE FROM lock WHERE job = ?1 AND number = ?2";
    const WORD: &str = "DELETE FROM meta WHERE name = ?1";
    const ODD: &str = "DELETE FROM output WHERE job = ?1 AND number > (SELECT ?2)";

    /// The statements in the order in which they were added, against the groups that are sent.
    #[track_caller]
    fn check(added: &[(&str, i64)], expected: &[(&str, &[i64])]) {
        let mut pending = Pending::default();
        for (sql, job) in added {
            if *sql == WORD {
                pending.add(sql, &["word"], false);
            } else {
                pending.add(sql, &(*job, 7_i64), false);
            }
        }
        let sent = pending.take();
        let jobs = |group: &Group| {
            let number = |row: &Vec<Kept>| if let Kept::Int(n) = row[0] { n } else { 0 };
            group.rows.iter().map(number).collect::<Vec<_>>()
        };
        let sent: Vec<(&str, Vec<i64>)> = sent.iter().map(|group| (group.sql.as_str(), jobs(group))).collect();
        let expected: Vec<(&str, Vec<i64>)> = expected.iter().map(|(sql, jobs)| (*sql, jobs.to_vec())).collect();
        assert_eq!(sent, expected);
    }

    #[test]
    fn what_is_about_different_jobs_goes_together() {
        check(&[(ADD, 1), (SET, 1), (ADD, 2), (SET, 2)], &[(ADD, &[1, 2]), (SET, &[1, 2])]);
        check(&[(ADD, 1), (ADD, 1), (ADD, 2)], &[(ADD, &[1, 1, 2])]);
    }

    #[test]
    fn what_is_about_one_job_keeps_its_order() {
        check(&[(SET, 1), (SET, 2), (SET, 1)], &[(SET, &[1, 2]), (SET, &[1])]);
        check(&[(SET, 1), (ADD, 2), (SET, 2)], &[(SET, &[1]), (ADD, &[2]), (SET, &[2])]);
        check(&[(ODD, 1), (ODD, 2), (SET, 1)], &[(ODD, &[1]), (ODD, &[2]), (SET, &[1])]);
    }

    #[test]
    fn a_tag_that_passes_on_is_free_before_it_is_taken() {
        check(&[(TAKE, 1), (FREE, 2), (TAKE, 3)], &[(TAKE, &[1]), (FREE, &[2]), (TAKE, &[3])]);
        check(&[(FREE, 1), (FREE, 2), (TAKE, 3), (TAKE, 4)], &[(FREE, &[1, 2]), (TAKE, &[3, 4])]);
    }

    #[test]
    fn what_is_about_something_else_keeps_its_place() {
        check(&[(SET, 1), (WORD, 0), (SET, 2)], &[(SET, &[1]), (WORD, &[0]), (SET, &[2])]);
    }

    #[test]
    fn a_batch_is_sent_in_pieces() {
        let mut pending = Pending::default();
        let full = (0..).find(|n| pending.add(ADD, &(*n, 7_i64), true)).unwrap();
        assert_eq!(full, i64::try_from(ROWS_MAX).unwrap() - 1);
        pending.take();
        assert!(pending.add(WORD, &["x".repeat(BYTES_MAX)], false));
    }
}
