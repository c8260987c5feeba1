//! The kinds of rules, and how each looks at a file.

use regex::Regex;

use crate::tidy::imports::{absolute, imports};
use crate::tidy::source::Source;

/// A rule: where it holds, what it asks, why, and examples on both sides of it.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// Folders (`c2d/src/`), ends of names (`*.rs`) or whole paths.
    pub(crate) files: &'static [&'static str],
    pub(crate) check: Check,
    pub(crate) why: &'static str,
    /// Files that break it, as path and text; `~` is taken out, so that this file is none of them.
    pub(crate) bad: &'static [(&'static str, &'static str)],
    pub(crate) good: (&'static str, &'static str),
}

/// What a rule asks of a file.
pub(crate) enum Check {
    /// No line of code matches; comments and tests do not count.
    CodeNever(&'static str),
    /// No line matches, wherever it stands. `~` is taken out of the pattern first.
    TextNever(&'static str),
    /// Each `use` begins with one of these paths.
    ImportsOnly(&'static [&'static str]),
    /// So many lines before the tests.
    CodeLinesAtMost(usize),
    /// So many lines in all.
    LinesAtMost(usize),
    /// The first line begins so.
    Opens(&'static str),
    /// The path does not match.
    PathNever(&'static str),
    /// The first part of the path is one of these.
    TopLevelOnly(&'static [&'static str]),
}

/// A place that breaks a rule.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Rule {
    pub(crate) fn applies_to(&self, path: &str) -> bool {
        self.files.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some(end) => path.ends_with(end),
            None if pattern.ends_with('/') => path.starts_with(pattern),
            None => path == *pattern,
        })
    }

    pub(crate) fn findings(&self, source: &Source) -> impl Iterator<Item = Finding> {
        let whole: Vec<&str> = source.text.lines().collect();
        let found = match &self.check {
            Check::CodeNever(pattern) => matching(&source.code(), pattern),
            Check::TextNever(pattern) => matching(&whole, &pattern.replace('~', "")),
            Check::ImportsOnly(allowed) => foreign(source, allowed),
            Check::CodeLinesAtMost(limit) => too_long(source.lines_without_tests().len(), *limit),
            Check::LinesAtMost(limit) => too_long(whole.len(), *limit),
            Check::Opens(start) => {
                let first = whole.first().copied().unwrap_or_default();
                finding_if(!first.starts_with(start), 1, || format!("begins with {first:?}, not with {start:?}"))
            }
            Check::PathNever(pattern) => matching(&[&source.path], pattern),
            Check::TopLevelOnly(allowed) => {
                let top = source.path.split('/').next().unwrap_or_default();
                finding_if(!allowed.contains(&top), 1, || format!("{top:?} does not belong to the top level"))
            }
        };
        found.into_iter()
    }
}

fn matching(lines: &[&str], pattern: &str) -> Vec<Finding> {
    let pattern = Regex::new(pattern).expect("patterns stand in the table and are tried by their examples");
    let numbered = lines.iter().enumerate();
    numbered
        .filter_map(|(at, line)| {
            let found = pattern.find(line)?;
            Some(Finding { line: at + 1, what: format!("{:?}", found.as_str().trim()) })
        })
        .collect()
}

fn foreign(source: &Source, allowed: &[&str]) -> Vec<Finding> {
    let code = source.code();
    let own: Vec<&str> = code.iter().filter_map(|line| declared_module(line)).collect();
    let inside = |path: &str, front: &str| {
        path.strip_prefix(front).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    imports(&code)
        .into_iter()
        .map(|(line, path)| (line, absolute(&source.path, &path)))
        // The variants of an enum in scope are imported by its bare name.
        .filter(|(_, path)| !path.starts_with(|c: char| c.is_uppercase()))
        .filter(|(_, path)| !allowed.iter().chain(&own).any(|front| inside(path, front)))
        .map(|(line, path)| Finding { line, what: format!("imports {path}") })
        .collect()
}

fn declared_module(line: &str) -> Option<&str> {
    let after = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
    after.strip_prefix("mod ")?.split([';', ' ']).next()
}

fn too_long(lines: usize, limit: usize) -> Vec<Finding> {
    finding_if(lines > limit, limit + 1, || format!("{lines} lines, at most {limit}"))
}

fn finding_if(found: bool, line: usize, what: impl FnOnce() -> String) -> Vec<Finding> {
    if found { vec![Finding { line, what: what() }] } else { Vec::new() }
}
