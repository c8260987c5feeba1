//! What Tab offers: commands, flags, and what the present command wants at this place.
//!
//! The candidates come from what the console holds already, never from the network. Which kind of
//! argument is wanted is read from the command's usage.

use super::tokens;
use crate::app::catalog::{Catalog, Flag, Wants};
use crate::app::store::Store;
use crate::command::said;

/// Entries in a menu; more would not be read.
const CHOICES_MAX: usize = 200;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is put into the line.
    pub text: String,
    /// What it is, in a few words.
    pub words: String,
}

/// Entries for a part of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// First byte of the part.
    pub start: usize,
    /// Byte behind the part.
    pub end: usize,
    /// What fits, without repetition.
    pub choices: Vec<Choice>,
}

/// Where candidates come from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The commands.
    pub catalog: &'a Catalog,
    /// Workers and jobs.
    pub store: &'a Store,
    /// A local folder that was listed, with its names.
    pub folder: Option<(&'a str, &'a [String])>,
}

impl Completion {
    /// The longest beginning that all choices share.
    #[must_use]
    pub fn common(&self) -> &str {
        let Some(first) = self.choices.first() else { return "" };
        let shared =
            |a: &str, b: &str| a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
        let len = self.choices.iter().map(|c| shared(&first.text, &c.text)).min().unwrap_or(0);
        &first.text[..len]
    }

    /// The folder that must be listed before `word` can be completed as a path.
    #[must_use]
    pub fn folder_of(word: &str) -> &str {
        &word[..word.rfind('/').map_or(0, |at| at + 1)]
    }
}

/// Finds what fits at the caret, and whether a folder must be listed first.
#[must_use]
pub fn complete(line: &str, caret: usize, source: Source<'_>) -> (Completion, Option<String>) {
    let before = &line[..caret];
    let said = said(before);
    if said.end < caret || (said.is_empty() && !before.is_empty() && !before.ends_with(char::is_whitespace)) {
        // In a comment, or directly behind a prompt.
        return (Completion { start: caret, end: caret, choices: Vec::new() }, None);
    }
    let tokens = tokens(before);
    let fresh =
        before.is_empty() || (before.ends_with(char::is_whitespace) && tokens.last().is_none_or(|t| t.open.is_none()));
    let place = if fresh { tokens.len() } else { tokens.len() - 1 };
    let (start, word) = match tokens.last().filter(|_| !fresh) {
        Some(token) => (token.start, token.word.as_str()),
        None => (caret, ""),
    };
    let (from, typed, wants) =
        wanted(&tokens.iter().map(|t| t.word.as_str()).collect::<Vec<_>>(), place, word, source.catalog);
    let start = start + from;
    let mut folder = None;
    let mut choices = match wants {
        Wants::Nothing => Vec::new(),
        Wants::Verb => source.catalog.verbs().map(|v| choice(&v.name, &v.summary)).collect(),
        Wants::Flag(verb) => source.catalog.flags(&verb).map(flag).collect(),
        Wants::OneOf(values) => values.iter().map(|value| choice(value, "")).collect(),
        Wants::Worker => workers(source.store, false),
        Wants::Target => workers(source.store, true),
        Wants::Group => groups(source.store, ""),
        Wants::Tag => tags(source.store),
        Wants::Job => jobs(source.store, typed),
        Wants::Path => {
            let wanted = Completion::folder_of(typed);
            match source.folder.filter(|(listed, _)| *listed == wanted) {
                Some((_, names)) => names.iter().map(|name| choice(&format!("{wanted}{name}"), "")).collect(),
                None => {
                    folder = Some(wanted.to_owned());
                    Vec::new()
                }
            }
        }
    };
    choices.retain(|c| c.text.starts_with(typed));
    choices.truncate(CHOICES_MAX);
    (Completion { start, end: caret, choices }, folder)
}

/// What is wanted at a place: how many bytes of the word stay, what of it was typed, and the kind.
fn wanted<'a>(words: &[&str], place: usize, word: &'a str, catalog: &Catalog) -> (usize, &'a str, Wants) {
    if place == 0 {
        return (0, word, Wants::Verb);
    }
    let verb = words.first().copied().unwrap_or_default();
    if let Some((flag, value)) = word.split_once('=').filter(|(flag, _)| flag.starts_with("--")) {
        let (skip, last) = value.rfind(',').map_or((0, value), |at| (at + 1, &value[at + 1..]));
        let known = catalog.flags(verb).find(|f| f.name == flag).map(|f| f.values.clone()).unwrap_or_default();
        let wants = if known.is_empty() { Wants::of(flag) } else { Wants::OneOf(known) };
        return (flag.len() + 1 + skip, last, wants);
    }
    if word.starts_with('-') {
        return (0, word, Wants::Flag(verb.to_owned()));
    }
    let operands = words[1..place].iter().filter(|w| !w.starts_with('-')).count();
    (0, word, catalog.verb(verb).map_or(Wants::Nothing, |v| v.wants(operands)))
}

fn choice(text: &str, words: &str) -> Choice {
    Choice { text: text.to_owned(), words: words.to_owned() }
}

fn flag(flag: &Flag) -> Choice {
    let sign = if flag.takes { "=" } else { "" };
    Choice { text: format!("{}{sign}", flag.name), words: flag.words.clone() }
}

fn workers(store: &Store, groups_too: bool) -> Vec<Choice> {
    let mut found = Vec::new();
    if groups_too {
        found.push(choice("@all", &format!("{} workers", store.workers.len())));
        found.extend(groups(store, "@"));
    }
    for worker in store.workers.values() {
        let about = format!("{} {}", worker.hostname, worker.row.status);
        found.push(Choice { text: worker.row.ip.to_string(), words: about });
    }
    for worker in store.workers.values().filter(|w| !w.hostname.is_empty()) {
        found.push(choice(&worker.hostname, &format!("{} {}", worker.row.ip, worker.row.status)));
    }
    found
}

fn groups(store: &Store, sign: &str) -> Vec<Choice> {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for group in store.workers.values().flat_map(|w| &w.row.groups) {
        *counts.entry(group).or_default() += 1;
    }
    counts.into_iter().map(|(group, n)| choice(&format!("{sign}{group}"), &format!("group of {n}"))).collect()
}

fn tags(store: &Store) -> Vec<Choice> {
    let mut counts = std::collections::BTreeMap::<&str, (usize, usize)>::new();
    for (tag, held) in store.workers.values().flat_map(|w| &w.row.tags) {
        let entry = counts.entry(tag).or_default();
        entry.0 += 1;
        entry.1 += usize::from(held.is_none());
    }
    counts.into_iter().map(|(tag, (all, free))| choice(tag, &format!("{free} of {all} free"))).collect()
}

/// Jobs that begin as typed, the newest first.
fn jobs(store: &Store, typed: &str) -> Vec<Choice> {
    let fitting = store.jobs.values().rev().filter(|j| j.row.job_id.to_string().starts_with(typed));
    let words = |j: &crate::app::store::Job| format!("{}  {}", j.row.state, j.title);
    fitting.take(CHOICES_MAX).map(|j| Choice { text: j.row.job_id.to_string(), words: words(j) }).collect()
}
