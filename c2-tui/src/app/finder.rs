//! A list to find something in by typing: the keys, everything that can be done, or what can be done
//! with a row.
//!
//! What is typed need not be a part of what is found: its letters in their order are enough.

use c2_shared::hint;

use crate::app::keymap::{Action, Binding, Context, TABLE};
use crate::command::{CommandInfo, commands};

/// The list, what was typed, and the entry that is chosen.
#[derive(Clone, Debug)]
pub(crate) struct Finder {
    pub(crate) kind: Kind,
    entries: Vec<Entry>,
    pub(crate) needle: String,
    pub(crate) at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All keys, those of the present context first.
    Keys,
    /// What the keys of the present context do, and all commands.
    Everything,
    /// What can be done with the rows that have the keys.
    Actions,
}

/// Something that can be found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    Head(&'static str),
    Key(&'static Binding),
    Command(&'static CommandInfo),
}

impl Kind {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Everything => "all commands",
            Self::Actions => "actions",
        }
    }
}

impl Entry {
    /// What is typed for it: its name, or its first key.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Head(title) => title,
            Self::Key(binding) => binding.chords,
            Self::Command(command) => &command.name,
        }
    }

    /// Its name with room between several keys.
    pub(crate) fn keys(&self) -> String {
        self.name().replace(' ', "  ")
    }

    const fn action(&self) -> Option<Action> {
        match self {
            Self::Key(binding) => Some(binding.action),
            Self::Head(_) | Self::Command(_) => None,
        }
    }

    /// What it does.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Head(_) => "",
            Self::Key(binding) => binding.words,
            Self::Command(command) => &command.summary,
        }
    }

    /// How well it fits what was typed, in small letters: the less, the better.
    fn rank(&self, needle: &str) -> Option<u8> {
        let (name, words) = (self.name().to_lowercase(), self.words().to_lowercase());
        let title = if let Self::Key(_) = self { &words } else { &name };
        match () {
            () if matches!(self, Self::Head(_)) => None,
            () if title.starts_with(needle) => Some(0),
            () if title.contains(needle) || name == needle => Some(1),
            () if words.contains(needle) => Some(2),
            () if are_in_order(needle, title) => Some(3),
            // A slip of the finger, as in `drian`.
            () if hint::nearest(needle, [title.as_str()]).is_some() => Some(4),
            () => None,
        }
    }
}

/// Whether a text has these letters in their order.
fn are_in_order(letters: &str, text: &str) -> bool {
    let mut rest = text.chars();
    letters.chars().all(|letter| rest.any(|c| c == letter))
}

impl Finder {
    fn new(kind: Kind, entries: Vec<Entry>) -> Self {
        Self { kind, entries, needle: String::new(), at: 0 }
    }

    /// The keys, those of the present contexts first.
    pub(crate) fn keys(present: &[Context], offers: impl Fn(Action) -> bool) -> Self {
        let is_offered = |entry: &Entry| entry.action().is_none_or(&offers);
        let others = Context::ALL.into_iter().filter(|context| !present.contains(context));
        let with_head =
            |context: Context| std::iter::once(Entry::Head(context.title())).chain(bound(context).filter(&is_offered));
        Self::new(Kind::Keys, present.iter().copied().chain(others).flat_map(with_head).collect())
    }

    /// What the present keys do beside moving and editing, and all commands.
    pub(crate) fn everything(present: &[Context], offers: impl Fn(Action) -> bool) -> Self {
        let does = |entry: &Entry| match entry {
            Entry::Key(binding) => !matches!(binding.action, Action::Edit(_) | Action::Step(_) | Action::Palette),
            Entry::Head(_) | Entry::Command(_) => true,
        };
        let is_offered = |entry: &Entry| entry.action().is_none_or(&offers);
        let keys = present.iter().copied().flat_map(bound).filter(does).filter(is_offered);
        Self::new(Kind::Everything, keys.chain(commands().iter().map(Entry::Command)).collect())
    }

    /// What can be done with the rows that have the keys.
    pub(crate) fn actions(present: &[Context], offers: impl Fn(Action) -> bool) -> Self {
        let of_rows = [Context::Jobs, Context::JobRows, Context::Workers];
        let shown = of_rows.into_iter().filter(|context| present.contains(context));
        let is_other = |entry: &Entry| entry.name() != "." && entry.action().is_none_or(&offers);
        Self::new(Kind::Actions, shown.flat_map(bound).filter(is_other).collect())
    }

    /// What fits what was typed, the best first; everything in its order while nothing was.
    pub(crate) fn found(&self) -> Vec<Entry> {
        if self.needle.is_empty() {
            return self.entries.clone();
        }
        let needle = self.needle.to_lowercase();
        let ranked = self.entries.iter().filter_map(|entry| Some((entry.rank(&needle)?, *entry)));
        let mut ranked: Vec<(u8, Entry)> = ranked.collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Cells of the longest name.
    pub(crate) fn widest(&self) -> usize {
        let names = self.entries.iter().filter(|entry| !matches!(entry, Entry::Head(_)));
        names.map(|entry| entry.keys().len()).max().unwrap_or(0)
    }

    pub(crate) fn chosen(&self) -> Option<Entry> {
        self.found().get(self.at).copied()
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        self.needle.push_str(text);
        self.at = 0;
    }

    pub(crate) fn rub(&mut self) {
        self.needle.pop();
        self.at = 0;
    }
}

fn bound(context: Context) -> impl Iterator<Item = Entry> {
    TABLE.iter().filter(move |binding| binding.context == context).map(Entry::Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(finder: &Finder) -> Vec<&'static str> {
        finder.found().iter().map(Entry::name).collect()
    }

    #[test]
    fn the_help_is_the_table_and_nothing_else() {
        let shown = |b: &Binding| (b.context, b.chords);
        let listed = Finder::keys(&[Context::Line, Context::Everywhere], |_| true).found();
        let keys = listed.iter().filter_map(|entry| if let Entry::Key(b) = entry { Some(shown(b)) } else { None });
        let (mut listed, mut table): (Vec<_>, Vec<_>) = (keys.collect(), TABLE.iter().map(shown).collect());
        listed.sort_unstable();
        table.sort_unstable();
        assert_eq!(listed, table);
    }

    #[test]
    fn commands_and_keys_are_found_by_letters_in_their_order() {
        let present = [Context::Jobs, Context::JobRows, Context::Table, Context::Pane, Context::Everywhere];
        let mut all = Finder::everything(&present, |_| true);
        let table = [
            ("cancel", "c"),
            ("hold", "h"),
            ("qstat", "queue-status"),
            ("prvw", "p"),
            ("drian", "drain"),
            ("cancle", "c"),
        ];
        for (typed, first) in table {
            (all.needle, all.at) = (typed.to_owned(), 0);
            let found = names(&all);
            assert_eq!(found.first(), Some(&first), "{typed}: {found:?}");
        }
        all.needle = "cancel".to_owned();
        assert_eq!(names(&all)[..2], ["c", "cancel"], "the key and the command");
        all.needle = "xyzzy".to_owned();
        assert!(all.found().is_empty() && all.chosen().is_none());
    }
}
