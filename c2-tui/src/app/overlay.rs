//! What lies over the screen: the keys, all commands, or a question.

use c2_shared::id::JobId;

use crate::app::keymap::{Binding, Context, TABLE};
use crate::app::msg::Saved;
use crate::command::{CommandInfo, Entered, commands};

/// The one thing over the screen.
#[derive(Clone, Debug)]
pub(crate) enum Overlay {
    /// The keys: those of the present context first.
    Help {
        entries: Vec<HelpLine>,
        /// The first one on the screen.
        top: usize,
    },
    /// All commands that contain what is typed.
    Palette {
        needle: String,
        at: usize,
    },
    Question(Question),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum HelpLine {
    Head(&'static str),
    Key(&'static Binding),
    Gap,
}

/// Asks before something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) title: String,
    /// What it is about, one line each.
    pub(crate) lines: Vec<String>,
    /// The number that must be typed; without it `y` does.
    pub(crate) count: Option<usize>,
    pub(crate) typed: String,
    pub(crate) then: Then,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Cancel(Vec<JobId>),
    Run(Box<Entered>),
    /// Run these lines, which were pasted.
    RunAll(Vec<String>),
    /// Write to this file, which exists.
    Save(Saved, String),
    Quit,
}

/// Targets named in a question about a line; the rest are counted.
const TARGETS_MAX: usize = 8;
/// From this many targets on their number must be typed.
const COUNT_FROM: usize = 11;

impl Question {
    pub(crate) fn cancel(jobs: Vec<JobId>, titles: Vec<String>) -> Self {
        let n = jobs.len();
        let title = if n == 1 { "cancel this job?".to_owned() } else { format!("cancel {n} jobs?") };
        let count = (n >= COUNT_FROM).then_some(n);
        Self { title, lines: titles, count, typed: String::new(), then: Then::Cancel(jobs) }
    }

    /// Asks whether to run a line that destroys something.
    pub(crate) fn line(line: Entered, targets: Vec<String>) -> Self {
        let (n, verb) = (targets.len(), line.verb());
        let title = match n {
            0 => format!("{verb}: sure?"),
            1 => format!("{verb}: this one?"),
            _ => format!("{verb}: all {n} of these?"),
        };
        let mut lines = vec![line.text.clone()];
        lines.extend(targets.into_iter().take(TARGETS_MAX).map(|target| format!("  {target}")));
        if n > TARGETS_MAX {
            lines.push(format!("  and {} more", n - TARGETS_MAX));
        }
        let count = (n >= COUNT_FROM).then_some(n);
        Self { title, lines, count, typed: String::new(), then: Then::Run(Box::new(line)) }
    }

    pub(crate) fn run(lines: Vec<String>) -> Self {
        let title = format!("run {} lines?", lines.len());
        Self { title, lines: lines.clone(), count: None, typed: String::new(), then: Then::RunAll(lines) }
    }

    /// Asks whether to leave while these lines run.
    pub(crate) fn quit(lines: Vec<String>) -> Self {
        let title = match lines.len() {
            1 => "quit? this still runs".to_owned(),
            n => format!("quit? {n} commands still run"),
        };
        Self { title, lines, count: None, typed: String::new(), then: Then::Quit }
    }

    pub(crate) fn overwrite(what: Saved, path: String) -> Self {
        let lines = vec![path.clone()];
        Self {
            title: "overwrite this file?".to_owned(),
            lines,
            count: None,
            typed: String::new(),
            then: Then::Save(what, path),
        }
    }

    /// Whether what was typed is the number that is asked for.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.count.is_some_and(|n| self.typed == n.to_string())
    }
}

impl Overlay {
    /// The keys, those of the present contexts first.
    pub(crate) fn help(present: &[Context]) -> Self {
        let others = Context::ALL.into_iter().filter(|c| !present.contains(c));
        let mut entries = Vec::new();
        for context in present.iter().copied().chain(others) {
            if !entries.is_empty() {
                entries.push(HelpLine::Gap);
            }
            entries.push(HelpLine::Head(context.title()));
            entries.extend(TABLE.iter().filter(|b| b.context == context).map(HelpLine::Key));
        }
        Self::Help { entries, top: 0 }
    }
}

/// The commands that contain what is typed, those that begin with it first.
pub(crate) fn matching(needle: &str) -> Vec<&'static CommandInfo> {
    let needle = needle.to_lowercase();
    let fits = |c: &&CommandInfo| c.name.contains(&needle) || c.summary.to_lowercase().contains(&needle);
    let mut found: Vec<&CommandInfo> = commands().iter().filter(fits).collect();
    found.sort_by_key(|c| (!c.name.starts_with(&needle), !c.name.contains(&needle), c.name.as_str()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_is_the_table_and_nothing_else() {
        let Overlay::Help { entries, .. } = Overlay::help(&[Context::Line, Context::Everywhere]) else {
            unreachable!("help makes help")
        };
        let shown = |b: &Binding| (b.context, b.chords);
        let mut listed: Vec<_> =
            entries.iter().filter_map(|e| if let HelpLine::Key(b) = e { Some(shown(b)) } else { None }).collect();
        let mut table: Vec<_> = TABLE.iter().map(shown).collect();
        listed.sort_unstable();
        table.sort_unstable();
        assert_eq!(listed, table);
    }

    #[test]
    fn many_targets_must_be_counted() {
        let jobs = |n| (1..=n).map(JobId).collect::<Vec<_>>();
        assert_eq!(Question::cancel(jobs(10), Vec::new()).count, None);
        let mut many = Question::cancel(jobs(11), Vec::new());
        assert!(!many.is_confirmed());
        many.typed = "11".to_owned();
        assert!(many.is_confirmed());
    }
}
