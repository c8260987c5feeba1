//! The lines of a script, read when they are due: standard input may be somebody typing.

use std::collections::VecDeque;
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};

use crate::command::{CommandError, Joined, said, text};

/// Where commands come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Line(String),
    /// A file with one command a line.
    File(PathBuf),
    /// Standard input with one command a line.
    Input,
}

/// A line that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Where it begins, as `FILE:LINE`; nothing for a line of the command line.
    pub(crate) origin: Option<String>,
    pub(crate) line: String,
}

/// What is still to be run.
#[derive(Debug)]
pub(crate) struct Script {
    sources: VecDeque<Source>,
    /// Lines that were read already.
    steps: VecDeque<Step>,
    /// What was read of standard input so far.
    input: Lines,
}

/// The lines of one source, put together where a command has several.
#[derive(Debug, Default)]
struct Lines {
    /// The source, for the places of its lines.
    name: Option<String>,
    joined: Joined,
    read: usize,
    /// Where the command began that goes on.
    begun: Option<usize>,
}

impl Lines {
    fn of(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }

    fn push(&mut self, line: &str) -> Option<Step> {
        self.read += 1;
        let begun = *self.begun.get_or_insert(self.read);
        let whole = self.joined.push(line)?;
        self.begun = None;
        self.step(begun, &whole)
    }

    /// What was begun and did not end: the error is the reader's to tell.
    fn rest(&mut self) -> Option<Step> {
        let (rest, begun) = (self.joined.rest()?, self.begun.take()?);
        self.step(begun, &rest)
    }

    /// A command as a step, unless it is blank or a comment.
    fn step(&self, number: usize, line: &str) -> Option<Step> {
        let origin = self.name.as_ref().map(|name| format!("{name}:{number}"));
        (!said(line).is_empty()).then(|| Step { origin, line: line.trim_start().to_owned() })
    }

    fn all(mut self, text: &str) -> VecDeque<Step> {
        let mut steps: VecDeque<Step> = text.lines().filter_map(|line| self.push(line)).collect();
        steps.extend(self.rest());
        steps
    }
}

impl Script {
    pub(crate) fn new(sources: impl Into<VecDeque<Source>>) -> Self {
        Self { sources: sources.into(), steps: VecDeque::new(), input: Lines::of("standard input") }
    }

    /// The next line; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Step, CommandError>> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Some(Ok(step));
            }
            if self.sources.front()? == &Source::Input {
                match read_line().await {
                    Ok(Some(line)) => {
                        let line = if self.input.read == 0 { line.trim_start_matches('\u{feff}') } else { &line };
                        self.steps.extend(self.input.push(line.trim_end_matches(['\n', '\r'])));
                    }
                    Ok(None) => {
                        self.sources.pop_front();
                        self.steps.extend(self.input.rest());
                    }
                    Err(error) => {
                        self.sources.pop_front();
                        let message = format!("cannot read standard input: {error}");
                        return Some(Err(CommandError::refused(message, "commands are lines of UTF-8 text")));
                    }
                }
                continue;
            }
            match self.sources.pop_front()? {
                Source::File(path) => match read_file(&path) {
                    Ok(steps) => self.steps = steps,
                    Err(error) => return Some(Err(error)),
                },
                // An empty one is a variable that was not set rather than nothing to do.
                Source::Line(line) if line.trim().is_empty() => return Some(Ok(Step { origin: None, line })),
                Source::Line(line) => self.steps = Lines::default().all(&line),
                Source::Input => {}
            }
        }
    }
}

fn read_file(path: &Path) -> Result<VecDeque<Step>, CommandError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        CommandError::usage(
            format!("cannot read the script {name:?}: {error}"),
            "a script is a text file with one command a line",
        )
    })?;
    Ok(Lines::of(&name).all(&text::of_lines(&name, bytes, "save it as UTF-8")?))
}

/// Reads a line on a thread that may block; the console leaves without waiting for it.
async fn read_line() -> io::Result<Option<String>> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        let count = io::stdin().lock().read_line(&mut line)?;
        Ok((count > 0).then_some(line))
    });
    read.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(sources: Vec<Source>) -> Vec<String> {
        let mut script = Script::new(sources);
        let mut seen = Vec::new();
        while let Some(step) = script.next().await {
            seen.push(match step {
                Ok(Step { origin: Some(origin), line }) => format!("{}|{line}", origin.rsplit('/').next().unwrap()),
                Ok(Step { origin: None, line }) => line,
                Err(error) => error.message,
            });
        }
        seen
    }

    #[tokio::test]
    async fn files_lose_blank_lines_and_comments() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.c2");
        std::fs::write(&path, "# first\n\nlist\r\n  jobs  # all\n#\nsubmit \"#x\"\n!>\n!> # note\n").unwrap();
        let lines_of = ["# a line", "!>", "!> list", "#x"].map(|line| Source::Line(line.to_owned()));
        let sources = [&lines_of[..], &[Source::File(path), Source::Line(String::new())]].concat();
        let expected = ["!> list", "a.c2:3|list", "a.c2:4|jobs  # all", "a.c2:6|submit \"#x\"", ""];
        assert_eq!(lines(sources).await, expected);
    }

    #[tokio::test]
    async fn a_command_may_have_several_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.c2");
        let text =
            "\u{feff}list\r\nsubmit true \\\r\n  --name=z\n\nsubmit \"echo a\n\n# b\" --wait\n# don't\njobs\nlog 'x\n";
        std::fs::write(&path, text).unwrap();
        let expected = [
            "b.c2:1|list",
            "b.c2:2|submit true \\\n  --name=z",
            "b.c2:5|submit \"echo a\n\n# b\" --wait",
            "b.c2:9|jobs",
            "b.c2:10|log 'x",
            "list",
            "jobs",
        ];
        assert_eq!(
            lines(vec![Source::File(path), Source::Line("list\n\njobs # x".to_owned())]).await[..6],
            expected[..6]
        );
        assert_eq!(lines(vec![Source::Line("list\n\njobs".to_owned())]).await, expected[5..]);
    }

    #[tokio::test]
    async fn a_missing_file_is_said() {
        let seen = lines(vec![Source::File("/nowhere/x".into()), Source::Line("list".to_owned())]).await;
        assert_eq!(seen, ["cannot read the script \"/nowhere/x\": No such file or directory (os error 2)", "list"]);
    }
}
