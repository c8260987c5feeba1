//! The order of rows under a column, and how many of them are put into it at once.
//!
//! What is compared is taken out of each row once and stands beside it as a number: a row is somewhere in the
//! memory, and most of its way through a sort would be waiting for it.

use std::cmp::{Ordering, Reverse};

use super::rows::Entry;
use super::{Row, Sort};

/// By what the rows of a column are ordered.
#[derive(Debug)]
pub(crate) enum Order<R> {
    Number(fn(&R) -> u64),
    Text(for<'a> fn(&'a R) -> &'a str),
    /// For kinds of which there are few, or that are alike in most rows.
    By(fn(&R, &R) -> Ordering),
}

/// Bytes of a text that are compared at once; the last of the eight says how many there are.
const LEAD: usize = 7;
/// More than these follow.
const LONGER: u64 = LEAD as u64 + 1;

impl<R: Row> Order<R> {
    pub(super) fn compare(&self, a: &R, b: &R) -> Ordering {
        match self {
            Self::Number(of) => of(a).cmp(&of(b)),
            Self::Text(of) => of(a).cmp(of(b)),
            Self::By(compare) => compare(a, b),
        }
    }

    /// Puts rows into the order; equal ones are in that of their ids, either way.
    pub(super) fn sort(&self, found: Vec<(&R, Entry<R::Id>)>, sort: Sort) -> Vec<Entry<R::Id>> {
        match self {
            Self::Number(of) => {
                let mut rows: Vec<_> = found.into_iter().map(|(row, entry)| (of(row), entry)).collect();
                by_number(&mut rows, |(number, entry)| (*number, &entry.id), sort.descending);
                rows.into_iter().map(|(_, entry)| entry).collect()
            }
            Self::Text(of) => {
                let rows = found.into_iter().map(|(row, entry)| (0, of(row).as_bytes(), entry)).collect();
                by_text(rows, sort.descending)
            }
            Self::By(compare) => {
                let mut rows = found;
                rows.sort_unstable_by(|(a, a_entry), (b, b_entry)| {
                    let order = compare(a, b);
                    let order = if sort.descending { order.reverse() } else { order };
                    order.then_with(|| a_entry.id.cmp(&b_entry.id))
                });
                rows.into_iter().map(|(_, entry)| entry).collect()
            }
        }
    }
}

fn by_number<T, I: Ord>(rows: &mut [T], key: impl Fn(&T) -> (u64, &I), descending: bool) {
    if descending {
        rows.sort_unstable_by(|a, b| {
            let (a, b) = (key(a), key(b));
            (Reverse(a.0), a.1).cmp(&(Reverse(b.0), b.1))
        });
    } else {
        rows.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
    }
}

/// Sorts by what stands first in the texts, behind what all of them have in common; those that are equal in that,
/// by what follows.
fn by_text<I: Ord>(mut rows: Vec<(u64, &[u8], Entry<I>)>, descending: bool) -> Vec<Entry<I>> {
    let mut open = vec![(0, rows.len())];
    while let Some((start, end)) = open.pop() {
        let run = &mut rows[start..end];
        let Some(first) = run.first().map(|(_, text, _)| *text) else { continue };
        let shared = |len: usize, text: &[u8]| first[..len].iter().zip(text).take_while(|(a, b)| a == b).count();
        let common = run.iter().fold(first.len(), |len, (_, text, _)| shared(len, text));
        for (number, text, _) in &mut *run {
            let lead = &text[common..];
            let (lead, rest) = lead.split_at(lead.len().min(LEAD));
            let mut bytes = [0; 8];
            bytes[..lead.len()].copy_from_slice(lead);
            *number = u64::from_be_bytes(bytes) + if rest.is_empty() { lead.len() as u64 } else { LONGER };
            *text = rest;
        }
        by_number(run, |(number, _, entry)| (*number, &entry.id), descending);
        let mut at = start;
        for equal in run.chunk_by(|a, b| a.0 == b.0) {
            if equal.len() > 1 && equal[0].0 & 0xff == LONGER {
                open.push((at, at + equal.len()));
            }
            at += equal.len();
        }
    }
    rows.into_iter().map(|(.., entry)| entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_ordered_as_they_compare() {
        let ends = ["", "\0", "\0\0", "a", "a\0", "ab", "abcdefg", "abcdefg\0", "abcdefgh", "abcdefghabcdefgh", "z"];
        let long = "train --input ".to_owned();
        let texts: Vec<String> =
            ends.iter().flat_map(|end| ["", "b", &long].map(|start| start.to_owned() + end)).collect();
        let texts: Vec<String> = texts.iter().chain(&texts).cloned().collect();
        for descending in [false, true] {
            let rows = || texts.iter().enumerate().map(|(id, text)| (0, text.as_bytes(), Entry { id, slot: 0 }));
            let found: Vec<usize> = by_text(rows().collect(), descending).into_iter().map(|entry| entry.id).collect();
            let mut wanted: Vec<usize> = (0..texts.len()).collect();
            wanted.sort_by(|a, b| {
                let order = texts[*a].cmp(&texts[*b]);
                if descending { order.reverse() } else { order }
            });
            assert_eq!(found, wanted);
        }
        assert!(by_text(Vec::<(u64, &[u8], Entry<u8>)>::new(), false).is_empty());
    }
}
