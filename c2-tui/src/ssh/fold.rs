//! Puts equal outputs together, the most common first, and says how each other one differs. Pure.

use std::net::IpAddr;

use crate::ssh::run::{HostRun, Verdict};

/// Lines of each side beyond which outputs are not compared line by line.
const DIFF_LINES_MAX: usize = 1_000;

/// Workers that gave the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) workers: Vec<IpAddr>,
    /// How the command ended there.
    pub(crate) verdict: Verdict,
    pub(crate) lines: Vec<String>,
    /// How it differs from the most common output; nothing for that itself, or when too long.
    pub(crate) diff: Option<Vec<Change>>,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A line of the most common output that is missing.
    Missing(String),
    /// A line that only this output has.
    Extra(String),
}

/// Folds what workers wrote: standard output, then standard error.
pub(crate) fn fold(runs: &[HostRun]) -> Vec<Fold> {
    let mut folds: Vec<Fold> = Vec::new();
    for run in runs {
        let lines: Vec<String> = run.stdout.iter().chain(&run.stderr).cloned().collect();
        match folds.iter_mut().find(|fold| fold.verdict == run.verdict && fold.lines == lines) {
            Some(fold) => fold.workers.push(run.ip),
            None => folds.push(Fold { workers: vec![run.ip], verdict: run.verdict.clone(), lines, diff: None }),
        }
    }
    // Stable: among equals the first worker's comes first.
    folds.sort_by_key(|fold| std::cmp::Reverse(fold.workers.len()));
    if let Some((common, others)) = folds.split_first_mut()
        && common.workers.len() > 1
    {
        for other in others {
            other.diff = diff(&common.lines, &other.lines);
        }
    }
    folds
}

/// The least change of lines from one text to another, by the longest common subsequence.
fn diff(from: &[String], to: &[String]) -> Option<Vec<Change>> {
    if from.len() > DIFF_LINES_MAX || to.len() > DIFF_LINES_MAX {
        return None;
    }
    let width = to.len() + 1;
    // The length of the longest common rest of from[i..] and to[j..].
    let mut rest = vec![0_u16; (from.len() + 1) * width];
    for i in (0..from.len()).rev() {
        for j in (0..to.len()).rev() {
            rest[i * width + j] = if from[i] == to[j] {
                rest[(i + 1) * width + j + 1] + 1
            } else {
                rest[(i + 1) * width + j].max(rest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut changes) = (0, 0, Vec::new());
    while i < from.len() || j < to.len() {
        if i < from.len() && j < to.len() && from[i] == to[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == to.len() || i < from.len() && rest[(i + 1) * width + j] >= rest[i * width + j + 1] {
            changes.push(Change::Missing(from[i].clone()));
            i += 1;
        } else {
            changes.push(Change::Extra(to[j].clone()));
            j += 1;
        }
    }
    Some(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(last: u8, text: &str) -> HostRun {
        HostRun {
            ip: IpAddr::from([10, 0, 0, last]),
            hostname: String::new(),
            verdict: Verdict::Exited { exit: 0 },
            stdout: text.lines().map(str::to_owned).collect(),
            stderr: Vec::new(),
            lines_dropped: 0,
            copied: None,
        }
    }

    #[test]
    fn the_most_common_comes_first_and_outliers_are_compared_with_it() {
        let folds = fold(&[run(1, "a\nx\nc"), run(2, "a\nb\nc"), run(3, "a\nb\nc"), run(4, "")]);
        let workers = |fold: &Fold| fold.workers.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            folds.iter().map(workers).collect::<Vec<_>>(),
            [vec!["10.0.0.2", "10.0.0.3"], vec!["10.0.0.1"], vec!["10.0.0.4"]]
        );
        assert_eq!(folds[0].diff, None);
        assert_eq!(folds[1].diff, Some(vec![Change::Missing("b".into()), Change::Extra("x".into())]));
        assert_eq!(folds[2].diff.as_ref().map(Vec::len), Some(3));
    }

    #[test]
    fn what_ended_differently_is_not_equal() {
        let failed = |last| HostRun { verdict: Verdict::Exited { exit: 2 }, ..run(last, "") };
        let folds = fold(&[run(1, ""), failed(2), failed(3)]);
        let ends: Vec<_> = folds.iter().map(|fold| (fold.workers.len(), fold.verdict.status())).collect();
        assert_eq!(ends, [(2, 2), (1, 0)]);
    }

    #[test]
    fn where_all_differ_nothing_is_the_common_one() {
        assert!(fold(&[run(1, "a"), run(2, "b")]).iter().all(|fold| fold.diff.is_none()));
        assert!(fold(&[]).is_empty());
    }
}
