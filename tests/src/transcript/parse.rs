//! Reads a transcript file.

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail, ensure};

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// What there is before the first command.
    pub scene: Vec<Scene>,
    /// The commands in their order.
    pub steps: Vec<Step>,
}

/// Something that a transcript begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scene {
    /// An agent at this address.
    Agent(IpAddr),
    /// c2d does not run.
    NoDaemon,
    /// The console has the token of a worker.
    WorkerToken,
    /// The console has a token that c2d never made.
    StrangeToken,
    /// A file in the console's folder, with this as its next line.
    File { name: String, line: String },
    /// A program that the jobs find, a shell script of one line.
    Program { name: String, script: String },
}

/// A command and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its place in the file, from 1.
    pub line: usize,
    /// The command.
    pub command: String,
    /// Lines with their marks, as [`super::written`] writes them.
    pub expected: Vec<String>,
}

/// Reads a transcript.
///
/// # Errors
/// When a line is none of the forms of the format, or there is no command.
pub fn parse(text: &str) -> Result<Transcript> {
    let mut transcript = Transcript::default();
    for (number, line) in text.lines().enumerate() {
        read_line(&mut transcript, number + 1, line.trim_end())
            .with_context(|| format!("line {}: {line:?}", number + 1))?;
    }
    ensure!(!transcript.steps.is_empty(), "a transcript without a command");
    Ok(transcript)
}

fn read_line(transcript: &mut Transcript, number: usize, line: &str) -> Result<()> {
    let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
    match mark {
        "" | "#" => {}
        "with" => {
            ensure!(transcript.steps.is_empty(), "the scene is set before the first command");
            transcript.scene.push(scene(rest)?);
        }
        "$" => {
            transcript.steps.push(Step { line: number, command: rest.to_owned(), expected: Vec::new() });
        }
        ">" | "!" | "?" | "..." => {
            let step = transcript.steps.last_mut().context("an answer before the first command")?;
            step.expected.push(line.to_owned());
        }
        _ => bail!("begins with none of # with $ > ! ? ..."),
    }
    Ok(())
}

fn scene(words: &str) -> Result<Scene> {
    let (what, rest) = words.split_once(' ').unwrap_or((words, ""));
    Ok(match (what, rest) {
        ("agent", ip) => Scene::Agent(ip.parse()?),
        ("no", "daemon") => Scene::NoDaemon,
        ("worker", "token") => Scene::WorkerToken,
        ("strange", "token") => Scene::StrangeToken,
        ("file", file) => {
            let (name, line) = file.split_once(' ').context("with file NAME LINE")?;
            Scene::File { name: name.to_owned(), line: line.to_owned() }
        }
        ("program", program) => {
            let (name, script) = program.split_once(' ').context("with program NAME SCRIPT")?;
            Scene::Program { name: name.to_owned(), script: script.to_owned() }
        }
        _ => bail!("unknown scene"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read() {
        let text = "# note\nwith agent 127.0.0.2\n\n$ job 7\n> a\n...\n! b\n? 1\n$ \n? 2\n";
        let transcript = parse(text).unwrap();
        assert_eq!(transcript.scene, [Scene::Agent("127.0.0.2".parse().unwrap())]);
        let expected = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(
            transcript.steps,
            [
                Step { line: 4, command: "job 7".into(), expected: expected(&["> a", "...", "! b", "? 1"]) },
                Step { line: 9, command: String::new(), expected: expected(&["? 2"]) },
            ]
        );
    }

    #[test]
    fn mistakes_are_found() {
        for bad in ["", "# only a note", "> early\n$ x", "$ x\nstray", "$ x\nwith no daemon", "with magic\n$ x"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
