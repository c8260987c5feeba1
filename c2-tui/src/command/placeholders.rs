//! What stands for something else in a command and its flags: the placeholders of GNU parallel for a line of a
//! file, and names for the values of a sweep.
//!
//! What they stand for is quoted for the shell, so that a file name with a space, or worse, stays one word;
//! where quotes of the command would undo that, the command is refused. Flags take it as it is.

use crate::command::job_flags::{Holds, item};
use crate::command::{CommandError, quoting};

/// What can stand in a text, longest first where one begins like another.
#[derive(Clone, Debug)]
pub(crate) struct Marks(Vec<(String, Part)>);

/// What placeholders stand for in one job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    /// A line of the file.
    pub(crate) line: String,
    /// Its number.
    pub(crate) number: usize,
    /// The values of the names, in their order.
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    WithoutExtension,
    Name,
    Folder,
    Stem,
    Number,
    /// The value of the name in this place.
    Value(usize),
}

enum Piece<'a> {
    Text(&'a str),
    Part(Part),
}

impl Marks {
    /// Those of a line of a file.
    pub(crate) fn of_lines() -> Self {
        let marks = [
            ("{//}", Part::Folder),
            ("{/.}", Part::Stem),
            ("{/}", Part::Name),
            ("{.}", Part::WithoutExtension),
            ("{#}", Part::Number),
            ("{}", Part::Whole),
        ];
        Self(marks.map(|(mark, part)| (mark.to_owned(), part)).into())
    }

    /// Those of values with names.
    pub(crate) fn named(names: impl IntoIterator<Item = String>) -> Self {
        let mark = |(place, name)| (format!("{{{name}}}"), Part::Value(place));
        Self(names.into_iter().enumerate().map(mark).collect())
    }

    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether something would be put into a text.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        self.pieces(text).any(|piece| matches!(piece, Piece::Part(_)))
    }

    /// Refuses a command with a placeholder where its value would not stay one word.
    pub(crate) fn placed_well(&self, command: &str) -> Result<(), CommandError> {
        let marks: Vec<&str> = self.0.iter().map(|(mark, _)| mark.as_str()).collect();
        let Some((at, mark, place)) = quoting::misplaced(command, &marks) else { return Ok(()) };
        let column = command[..at].chars().count() + 1;
        let itself = mark.replace('{', "\\{").replace('}', "\\}");
        let hint = match place {
            // `${#}` is the shell's own.
            quoting::Place::Dollar => format!("for these characters themselves write ${itself}"),
            quoting::Place::Comment => format!("leave it out of the comment, or write {itself} there"),
            _ => format!("write {mark} without quotes, it is quoted for you; or begin with x={mark}; and write \"$x\""),
        };
        Err(CommandError::usage(format!("{mark:?} at column {column} of the command stands {}", place.words()), hint))
    }

    /// A text as texts and placeholders. A placeholder whose braces have backslashes is text.
    fn pieces<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Piece<'a>> {
        let mut rest = text;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            if let Some((mark, part)) = self.0.iter().find(|(mark, _)| rest.starts_with(mark)) {
                rest = &rest[mark.len()..];
                return Some(Piece::Part(*part));
            }
            if let Some((mark, len)) = self.literal(rest) {
                rest = &rest[len..];
                return Some(Piece::Text(mark));
            }
            let is_text = |at: &usize| {
                let rest = &rest[*at..];
                self.literal(rest).is_none() && !self.0.iter().any(|(mark, _)| rest.starts_with(mark))
            };
            let ends = rest.match_indices(['{', '\\']).map(|(at, _)| at).find(|at| !is_text(at)).unwrap_or(rest.len());
            let (text, behind) = rest.split_at(ends);
            rest = behind;
            Some(Piece::Text(text))
        })
    }

    /// A placeholder that is meant literally, as `\{/.\}`, and how long that is.
    fn literal(&self, text: &str) -> Option<(&str, usize)> {
        let inside = text.strip_prefix("\\{")?;
        let (mark, _) = self.0.iter().find(|(mark, _)| {
            let within = &mark[1..mark.len() - 1];
            inside.strip_prefix(within).is_some_and(|rest| rest.starts_with("\\}"))
        })?;
        Some((mark, mark.len() + 2))
    }

    /// A flag's text with the input in it.
    pub(crate) fn filled(&self, text: &str, input: &Input, holds: Holds) -> String {
        let value = |part: Part| {
            let value = part.of(input);
            match holds {
                Holds::Text => value,
                Holds::Paths => item(&value),
                Holds::Patterns => plain_pattern(&value),
            }
        };
        self.pieces(text)
            .map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Part(part) => value(part),
            })
            .collect()
    }

    /// A command with the input in it, quoted for the shell.
    pub(crate) fn fill(&self, command: &str, input: &Input, raw: bool) -> Result<String, String> {
        let mut filled = String::new();
        let mut pieces = self.pieces(command).peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Part(part) if raw => filled.push_str(&part.of(input)),
                Piece::Part(part) => {
                    let value = part.of(input);
                    let quoted = shlex::try_quote(&value).map_err(|_| "a command cannot contain a NUL".to_owned())?;
                    let redirected = matches!(pieces.peek(), Some(Piece::Text(text)) if text.starts_with(['<', '>']));
                    // `2>file` redirects and `~name` is a home folder, though the words alone are harmless.
                    if quoted == value && (redirected || filled.ends_with('~')) {
                        filled.push_str(&format!("'{value}'"));
                    } else {
                        filled.push_str(&quoted);
                    }
                }
            }
        }
        Ok(filled)
    }
}

impl Input {
    #[cfg(test)]
    pub(crate) fn line(line: &str, number: usize) -> Self {
        Self { line: line.to_owned(), number, values: Vec::new() }
    }
}

impl Part {
    fn of(self, Input { line, number, values }: &Input) -> String {
        let (folder, name) = line.rsplit_once('/').map_or((None, line.as_str()), |(folder, name)| (Some(folder), name));
        // A leading dot hides a file and begins no extension.
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
        match self {
            Self::Whole => line.clone(),
            Self::WithoutExtension => line[..line.len() - name.len() + stem.len()].to_owned(),
            Self::Name => name.to_owned(),
            Self::Folder => match folder {
                None => ".".to_owned(),
                Some("") => "/".to_owned(),
                Some(folder) => folder.to_owned(),
            },
            Self::Stem => stem.to_owned(),
            Self::Number => number.to_string(),
            Self::Value(place) => values[place].clone(),
        }
    }
}

/// A name as a pattern that means it alone.
fn plain_pattern(name: &str) -> String {
    let mut pattern = String::new();
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | ',') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
