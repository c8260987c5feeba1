//! Lines that belong together: those that a backslash or an open quote joins, and commands of a shell over several lines.

use crate::command::lex::{Ended, follow, said};
use crate::command::whole::{self, Unfinished};

/// Puts lines together that belong together, and follows their quotes once.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    text: String,
    quote: Option<char>,
    going: bool,
}

impl Joined {
    /// Takes the next line, without its end; answers the whole text once nothing in it is open.
    pub(crate) fn push(&mut self, line: &str) -> Option<String> {
        if self.going {
            self.text.push('\n');
        }
        self.going = (self.going || !said(line).is_empty()) && self.is_open_after(line);
        self.text.push_str(line);
        self.going |= goes_on(&self.text);
        if self.going { None } else { Some(std::mem::take(self).text) }
    }

    /// What was taken and is still open; nothing if nothing is.
    pub(crate) fn rest(&mut self) -> Option<String> {
        self.going.then(|| std::mem::take(self).text)
    }

    fn is_open_after(&mut self, line: &str) -> bool {
        match follow(line, &mut self.quote) {
            Ended::Comment(_) => false,
            Ended::Joined => true,
            Ended::Whole => self.quote.is_some(),
        }
    }
}

/// Whether a text is the beginning of a command of a shell, which is none of a console: what belongs to it must not
/// be taken for lines of their own, so it is refused as a whole.
fn goes_on(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    if whole::OPENING.contains(&first) {
        return !whole::open(text).is_empty();
    }
    match whole::unfinished(text) {
        Some(Unfinished::HereDocument) => true,
        unfinished => first.starts_with('(') && unfinished.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_of_a_shell_stays_together() {
        let split = |text: &str| {
            let mut joined = Joined::default();
            let mut lines: Vec<String> = text.lines().filter_map(|line| joined.push(line)).collect();
            lines.extend(joined.rest());
            lines
        };
        for whole in [
            "for i in 1 2; do\n  submit \"run $i\"\ndone",
            "for i in 1 2\ndo\nsubmit x\ndone",
            "while read -r f; do\n  submit \"convert $f\"\ndone < files",
            "if true; then\nsubmit a\nelse\nsubmit b\nfi",
            "(cd /srv\nlist)",
            "cat <<EOF\nlist\nEOF",
            "cat <<'EF' >x\nit's\nEF",
            "cat <<-END\n\tlist\n\tEND",
            "while read a; do\n  echo 'done' \"; done\" # done\ndone",
            "for i in `ls`; do\nsubmit ${i%.x}\ndone",
            "for i in 1 2; do\nsubmit x",
        ] {
            assert_eq!(split(whole), [whole]);
            let behind = split(&format!("{whole}\nlist"));
            assert!(behind.len() == 2 && behind[1] == "list" || behind.len() == 1, "{behind:?}");
        }
        assert_eq!(split("jobs\nlist\nsubmit \"for i in 1; do x; done\"").len(), 3);
        assert_eq!(split("for i in 1 2; do submit x; done\nlist").len(), 2);
        assert_eq!(split("submit for\nlist").len(), 2);
    }

    #[test]
    fn lines_that_belong_together_are_joined() {
        let table: [(&[&str], &[&str]); 8] = [
            (&["list", "jobs"], &["list", "jobs"]),
            (&["submit x \\", "  --wait", "list"], &["submit x \\\n  --wait", "list"]),
            (&["submit \"a", "b\" --wait", "list"], &["submit \"a\nb\" --wait", "list"]),
            (&["submit 'a\\", "b' # don't", "# it's"], &["submit 'a\\\nb' # don't", "# it's"]),
            (&["submit x # a \\", "list"], &["submit x # a \\", "list"]),
            (&["submit x\\\\", "list"], &["submit x\\\\", "list"]),
            (&["!> submit 'a", "# b'"], &["!> submit 'a\n# b'"]),
            (&["submit \"a", "b"], &["submit \"a\nb"]),
        ];
        for (lines, expected) in table {
            let mut joined = Joined::default();
            let mut seen: Vec<String> = lines.iter().filter_map(|line| joined.push(line)).collect();
            seen.extend(joined.rest());
            assert_eq!(seen, expected, "{lines:?}");
        }
    }
}
