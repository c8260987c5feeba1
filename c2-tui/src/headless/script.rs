//! The lines of a script, read when they are due: standard input may be somebody typing.

use std::collections::VecDeque;
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};

use crate::command::{CommandError, said};

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
    /// Where it stands, as `FILE:LINE`; nothing for a line of the command line.
    pub(crate) origin: Option<String>,
    pub(crate) line: String,
}

/// What is still to be run.
#[derive(Debug)]
pub(crate) struct Script {
    sources: VecDeque<Source>,
    /// Lines of a file that was opened.
    steps: VecDeque<Step>,
    /// Lines read from standard input so far.
    input_lines: usize,
}

impl Script {
    pub(crate) fn new(sources: impl Into<VecDeque<Source>>) -> Self {
        Self { sources: sources.into(), steps: VecDeque::new(), input_lines: 0 }
    }

    /// The next line; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Step, CommandError>> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Some(Ok(step));
            }
            match self.sources.front()? {
                Source::Input => match read_line().await {
                    Ok(Some(line)) => {
                        self.input_lines += 1;
                        self.steps.extend(step("standard input", self.input_lines, &line));
                    }
                    Ok(None) => drop(self.sources.pop_front()),
                    Err(error) => {
                        self.sources.pop_front();
                        let message = format!("cannot read standard input: {error}");
                        return Some(Err(CommandError::refused(message, "commands are lines of UTF-8 text")));
                    }
                },
                Source::Line(_) | Source::File(_) => match self.sources.pop_front()? {
                    Source::File(path) => match read_file(&path) {
                        Ok(steps) => self.steps = steps,
                        Err(error) => return Some(Err(error)),
                    },
                    // An empty one is a variable that was not set rather than nothing to do.
                    Source::Line(line) if line.trim().is_empty() || !said(&line).is_empty() => {
                        return Some(Ok(Step { origin: None, line }));
                    }
                    Source::Line(_) => {}
                    Source::Input => {}
                },
            }
        }
    }
}

fn read_file(path: &Path) -> Result<VecDeque<Step>, CommandError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        CommandError::usage(
            format!("cannot read the script {name:?}: {error}"),
            "a script is a text file with one command a line",
        )
    })?;
    Ok(text.lines().enumerate().filter_map(|(i, line)| step(&name, i + 1, line)).collect())
}

/// A line as a step, unless it is blank or a comment.
fn step(name: &str, number: usize, line: &str) -> Option<Step> {
    let line = line.trim();
    (!said(line).is_empty()).then(|| Step { origin: Some(format!("{name}:{number}")), line: line.to_owned() })
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
    async fn a_missing_file_is_said() {
        let seen = lines(vec![Source::File("/nowhere/x".into()), Source::Line("list".to_owned())]).await;
        assert_eq!(seen, ["cannot read the script \"/nowhere/x\": No such file or directory (os error 2)", "list"]);
    }
}
