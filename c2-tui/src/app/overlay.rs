//! What lies over the screen: a list to find something in, or a question.

use c2_shared::id::JobId;

use crate::app::finder::Finder;
use crate::app::msg::Saved;
use crate::app::row_verb::RowVerb;
use crate::command::{Entered, Joined};

/// The one thing over the screen.
#[derive(Clone, Debug)]
pub(crate) enum Overlay {
    Finder(Finder),
    Question(Question),
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
    /// What was typed in place of the number.
    pub(crate) wrong: Option<String>,
    pub(crate) then: Then,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Rows(RowVerb, Vec<String>),
    Run(Box<Entered>),
    /// Begin a line with this text.
    Begin(String),
    /// Fetch this job, to edit it and submit it again.
    Edit(JobId),
    /// Run the lines of this text, which was pasted.
    RunAll(String),
    /// Write to this file, which exists.
    Save(Saved, String),
    Quit,
}

/// Targets named in a question about a line; the rest are counted.
const TARGETS_MAX: usize = 8;
/// From this many targets on their number must be typed.
const COUNT_FROM: usize = 11;

impl Question {
    /// Asks whether to do something with these rows.
    pub(crate) fn rows(verb: RowVerb, names: Vec<String>, mut titles: Vec<String>) -> Self {
        let (n, word) = (names.len(), verb.word());
        let what = if verb.is_of_jobs() { "job" } else { "worker" };
        let title = if n == 1 { format!("{word} this {what}?") } else { format!("{word} {n} {what}s?") };
        if n > TARGETS_MAX {
            titles.truncate(TARGETS_MAX);
            titles.push(format!("and {} more", n - TARGETS_MAX));
        }
        let count = (n >= COUNT_FROM && verb.destroys()).then_some(n);
        Self { title, lines: titles, count, typed: String::new(), wrong: None, then: Then::Rows(verb, names) }
    }

    /// The same, with something that is to be known first.
    pub(crate) fn with_note(mut self, note: Option<String>) -> Self {
        note.into_iter().for_each(|note| self.lines.insert(0, note));
        self
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
        Self { title, lines, count, typed: String::new(), wrong: None, then: Then::Run(Box::new(line)) }
    }

    /// Asks whether to run the lines of a text.
    pub(crate) fn run(text: String) -> Self {
        let said = said_lines(&text);
        let lines: Vec<String> = said.iter().flat_map(|line| line.lines()).map(str::to_owned).collect();
        let title = match said.len() {
            1 => format!("run this command of {} lines?", lines.len()),
            n if n < lines.len() => format!("run {n} commands?"),
            n => format!("run {n} lines?"),
        };
        Self { title, lines, count: None, typed: String::new(), wrong: None, then: Then::RunAll(text) }
    }

    /// Asks whether to leave while these lines run.
    pub(crate) fn quit(lines: Vec<String>) -> Self {
        let title = match lines.len() {
            1 => "quit? this still runs".to_owned(),
            n => format!("quit? {n} commands still run"),
        };
        Self { title, lines, count: None, typed: String::new(), wrong: None, then: Then::Quit }
    }

    pub(crate) fn overwrite(what: Saved, path: String) -> Self {
        let lines = vec![path.clone()];
        Self {
            title: "overwrite this file?".to_owned(),
            lines,
            count: None,
            typed: String::new(),
            wrong: None,
            then: Then::Save(what, path),
        }
    }

    /// The number is said once more: what was typed is another one.
    pub(crate) fn refuse(&mut self) {
        self.wrong = Some(std::mem::take(&mut self.typed));
    }

    /// Whether what was typed is the number that is asked for.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.count.is_some_and(|n| self.typed == n.to_string())
    }
}

/// The lines of a text that are not blank; one that is left open goes on in the next.
pub(crate) fn said_lines(text: &str) -> Vec<String> {
    let mut joined = Joined::default();
    let mut said: Vec<String> = text.lines().filter_map(|line| joined.push(line)).collect();
    said.extend(joined.rest());
    let lines = said.iter().map(|line| line.trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_targets_must_be_counted() {
        let names = |n: u64| (1..=n).map(|id| format!("job-{id}")).collect::<Vec<_>>();
        assert_eq!(Question::rows(RowVerb::Cancel, names(10), names(10)).count, None);
        assert_eq!(Question::rows(RowVerb::Retry, names(11), names(11)).count, None, "nothing ends by it");
        let mut many = Question::rows(RowVerb::Cancel, names(11), names(11));
        assert_eq!(many.lines.last().map(String::as_str), Some("and 3 more"));
        assert!(!many.is_confirmed());
        many.typed = "11".to_owned();
        assert!(many.is_confirmed());
    }
}
