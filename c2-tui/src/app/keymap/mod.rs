//! The keys: one table of context, chords, action, words and priority.
//!
//! Dispatch, the hint bar, the help and the documentation all read [`TABLE`]; no key is looked at
//! anywhere else, but for the printable text that goes into a line.

mod action;
mod chord;
mod table;

pub(crate) use action::Action;
pub(crate) use chord::name;
pub(crate) use table::TABLE;

/// Where a key has its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Context {
    Everywhere,
    Line,
    Menu,
    Search,
    Filter,
    Pane,
    Table,
    Chips,
    Jobs,
    JobRows,
    Workers,
    Pager,
    Ask,
    Rows,
    Groups,
    Timeline,
    Schedules,
    Job,
    Output,
    Watch,
    Running,
    Result,
    Finder,
    Question,
    Count,
    Proposal,
}

/// A key with its meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    pub(crate) context: Context,
    /// Names of keys as [`name`] makes them, separated by blanks; any of them.
    pub(crate) chords: &'static str,
    pub(crate) action: Action,
    pub(crate) words: &'static str,
    /// Place in the hint bar, 1 first; 0 never.
    pub(crate) hint: u8,
}

impl Context {
    /// All contexts in the order of the help.
    pub(crate) const ALL: [Self; 26] = [
        Self::Line,
        Self::Menu,
        Self::Search,
        Self::Filter,
        Self::Chips,
        Self::Jobs,
        Self::JobRows,
        Self::Workers,
        Self::Table,
        Self::Rows,
        Self::Groups,
        Self::Timeline,
        Self::Schedules,
        Self::Job,
        Self::Output,
        Self::Watch,
        Self::Running,
        Self::Result,
        Self::Pager,
        Self::Ask,
        Self::Pane,
        Self::Finder,
        Self::Question,
        Self::Count,
        Self::Proposal,
        Self::Everywhere,
    ];

    /// Its head in the help.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Line => "the !> line",
            Self::Menu => "completions",
            Self::Search => "search in history",
            Self::Filter => "filter",
            Self::Pane => "outside of text",
            Self::Table => "tables",
            Self::Chips => "the jobs pane",
            Self::Jobs => "jobs",
            Self::JobRows => "rows of jobs",
            Self::Workers => "rows of workers",
            Self::Rows => "pages of rows",
            Self::Groups => "failures by cause",
            Self::Timeline => "the timeline",
            Self::Schedules => "schedules",
            Self::Job => "the page of a job",
            Self::Output => "a job and its output",
            Self::Watch => "a command beside the line",
            Self::Running => "a command that still runs",
            Self::Result => "the result of a command",
            Self::Pager => "results, pages and outputs",
            Self::Ask => "patterns and file names",
            Self::Finder => "lists of keys and commands",
            Self::Question => "questions",
            Self::Count => "questions about many",
            Self::Proposal => "what a letter would do",
        }
    }
}

impl Binding {
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.chords.split(' ')
    }
}

/// Finds what a key does in the first of the contexts that knows it.
pub(crate) fn find(contexts: &[Context], key: &str) -> Option<Action> {
    let bound = |context: &Context| TABLE.iter().find(|b| b.context == *context && b.keys().any(|k| k == key));
    contexts.iter().find_map(bound).map(|b| b.action)
}

/// The most useful keys of the contexts, best first. A key that a nearer context took for itself
/// is not shown for a farther one.
pub(crate) fn hints(contexts: &[Context], max: usize, offers: impl Fn(Action) -> bool) -> Vec<&'static Binding> {
    let mine = |b: &&Binding| b.keys().next().and_then(|key| owner(contexts, key)) == Some(b.context);
    let mut found: Vec<_> = TABLE.iter().filter(|b| b.hint > 0 && offers(b.action)).filter(mine).collect();
    found.sort_by_key(|b| b.hint);
    // Two keys for one thing: the other one has room for something else.
    let mut named = Vec::new();
    found.retain(|b| {
        let is_new = !named.contains(&b.words);
        named.push(b.words);
        is_new
    });
    found.truncate(max);
    found
}

/// The first of the contexts that knows a key.
fn owner(contexts: &[Context], key: &str) -> Option<Context> {
    let knows = |context: &Context| TABLE.iter().any(|b| b.context == *context && b.keys().any(|k| k == key));
    contexts.iter().copied().find(knows)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_has_two_meanings_in_one_context() {
        let mut seen = BTreeSet::new();
        for binding in TABLE {
            for key in binding.keys() {
                assert!(seen.insert((binding.context, key)), "{key} twice in {:?}", binding.context);
            }
        }
    }

    #[test]
    fn nothing_is_hinted_at_twice() {
        for contexts in [&[Context::Pager, Context::Pane][..], &[Context::Groups, Context::Rows, Context::Pane]] {
            let words: Vec<&str> = hints(contexts, 20, |_| true).iter().map(|b| b.words).collect();
            let different: BTreeSet<&str> = words.iter().copied().collect();
            assert_eq!(words.len(), different.len(), "{words:?}");
        }
    }

    /// Whether a key of this name would otherwise write text.
    fn printable(name: &str) -> bool {
        name == "Space" || name.chars().count() == 1
    }

    #[test]
    fn no_global_key_shadows_readline() {
        let line: BTreeSet<_> = TABLE.iter().filter(|b| b.context == Context::Line).flat_map(Binding::keys).collect();
        for binding in TABLE.iter().filter(|b| b.context == Context::Everywhere) {
            for key in binding.keys() {
                assert!(!line.contains(key), "{key} is a key of the line");
                assert!(!printable(key), "{key} would swallow text");
            }
        }
    }

    #[test]
    fn every_context_says_how_to_leave() {
        for context in [
            Context::Menu,
            Context::Ask,
            Context::Pager,
            Context::Search,
            Context::Filter,
            Context::Finder,
            Context::Question,
            Context::Count,
            Context::Proposal,
            Context::Pane,
        ] {
            let leaves = ["Esc", "q"].iter().any(|key| find(&[context], key).is_some());
            assert!(leaves, "{context:?}");
        }
    }
}
