//! Whole scripts as jobs: from a file, or from standard input.
//!
//! A script goes along as a file of the job and is run by the program that its first line names, so
//! that it finds itself under its own name in its own folder. What has no such line, or names a shell
//! that `/bin/sh` stands in for, and comes from standard input, is the command itself.

use c2_shared::bytes64::Bytes64;
use c2_shared::job::{JobSpec, Upload};

use crate::command::draft::Draft;
use crate::command::job_flags::{JobFlags, item};
use crate::command::text::{self, at_home};
use crate::command::{CommandError, batch, files};

/// What a script from standard input is called in the job's folder.
const NAME: &str = "script";
/// Bytes of the first line that are looked at, as many as Linux looks at.
const FIRST_LINE_MAX: usize = 256;

/// The job that runs a command or a script file; one called `-` comes by standard input.
pub(crate) async fn draft(
    command: Option<String>,
    script: Option<String>,
    flags: JobFlags,
    interactive: bool,
) -> Result<Draft, CommandError> {
    if script.as_ref().or(command.as_ref()).is_some_and(|word| word == "-") {
        return of_input(flags, interactive).await;
    }
    Ok(Draft { flags, base: batch::of_command(command.unwrap_or_default()), script })
}

/// Makes a job that runs a script file of this machine.
pub(crate) async fn attach(file: &str, flags: &mut JobFlags, base: &mut JobSpec) -> Result<(), CommandError> {
    let path = at_home(file)?.into_owned();
    let looked = tokio::task::spawn_blocking(move || first_line(&path)).await;
    let beginning = looked.expect("reading a file does not panic")?;
    let interpreter = interpreter(&beginning);
    check(file, &beginning, &interpreter)?;
    let name = file.rsplit('/').next().unwrap_or(file).to_owned();
    flags.upload.push(format!("{}:{}", item(file), item(&name)));
    base.command = running(&interpreter, &name);
    Ok(())
}

/// The job that runs what comes by standard input.
async fn of_input(flags: JobFlags, interactive: bool) -> Result<Draft, CommandError> {
    if interactive {
        let hint = "put the command in quotes, or name a file: submit --script=FILE";
        return Err(CommandError::usage("there is no standard input here", hint));
    }
    let command = text::read("-", interactive).await?;
    let command = command.trim_end().to_owned();
    if !command.starts_with("#!") || interpreter(command.as_bytes()) == ["/bin/sh"] {
        return Ok(Draft { flags, base: batch::of_command(command), script: None });
    }
    let mut base = batch::of_command(running(&interpreter(command.as_bytes()), NAME));
    let content = Some(Bytes64(format!("{command}\n").into_bytes()));
    base.upload.push(Upload { path: NAME.to_owned(), content, ..Upload::default() });
    Ok(Draft { flags, base, script: None })
}

/// The command that runs a script by its program.
fn running(interpreter: &[String], name: &str) -> String {
    let script = format!("./{name}");
    let words = interpreter.iter().map(String::as_str).chain([script.as_str()]);
    let command = shlex::try_join(words).expect("a first line and a file name have no NUL");
    format!("exec {command}")
}

fn first_line(path: &str) -> Result<Vec<u8>, CommandError> {
    use std::io::Read as _;
    files::look(path)?;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(FIRST_LINE_MAX as u64).read_to_end(&mut bytes));
    read.map_err(|error| files::unreadable(path, &error))?;
    Ok(bytes)
}

/// The mark that some editors put before the first character.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Refuses a script of a shell with what editors of other systems add, which a shell takes for parts of its words.
fn check(file: &str, beginning: &[u8], interpreter: &[String]) -> Result<(), CommandError> {
    let program = |word: &String| word.rsplit('/').next().unwrap_or(word).to_owned();
    let of_shell = interpreter.iter().map(program).any(|name| name.ends_with("sh"));
    let line = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_whole = line.len() < beginning.len();
    let refused = |what: &str, hint: String| Err(CommandError::refused(format!("{file:?} {what}"), hint));
    match () {
        () if !of_shell => Ok(()),
        () if beginning.starts_with(MARK) => {
            let hint = format!("take it off: sed -i '1s/^\\xEF\\xBB\\xBF//' {file}");
            refused("begins with a byte order mark, which a shell takes for a part of its first word", hint)
        }
        () if is_whole && line.ends_with(b"\r") => {
            let hint = format!("take them off: sed -i 's/\\r$//' {file}");
            refused("has carriage returns at the ends of its lines, which a shell takes for parts of its words", hint)
        }
        () => Ok(()),
    }
}

/// The program of a script and its one argument, as Linux reads them; /bin/sh where none is named.
fn interpreter(script: &[u8]) -> Vec<String> {
    let script = script.strip_prefix(MARK).unwrap_or(script);
    let line = script.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let Some(words) = line.strip_prefix("#!").map(str::trim).filter(|words| !words.is_empty() && !words.contains('\0'))
    else {
        return vec!["/bin/sh".to_owned()];
    };
    let (program, argument) = words.split_once([' ', '\t']).unwrap_or((words, ""));
    [program, argument.trim()].into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_run_by_what_its_first_line_names() {
        let table = [
            ("echo hi\n", "exec /bin/sh ./job.py"),
            ("#!/bin/bash\n[[ a ]]\n", "exec /bin/bash ./job.py"),
            ("#!/usr/bin/env python3\nprint()", "exec /usr/bin/env python3 ./job.py"),
            ("#! /usr/bin/env -S python3 -u\r\n", "exec /usr/bin/env '-S python3 -u' ./job.py"),
            ("#!\n", "exec /bin/sh ./job.py"),
            ("", "exec /bin/sh ./job.py"),
        ];
        for (script, command) in table {
            assert_eq!(running(&interpreter(script.as_bytes()), "job.py"), command, "{script:?}");
        }
        assert_eq!(running(&["/bin/sh".to_owned()], "a b$.sh"), "exec /bin/sh './a b$.sh'");
    }

    #[test]
    fn what_other_editors_add_is_refused_where_a_shell_would_stumble() {
        let table = [
            ("\u{feff}echo hi\n", Some("begins with a byte order mark")),
            ("\u{feff}#!/bin/bash\necho hi\n", Some("begins with a byte order mark")),
            ("\u{feff}#!/usr/bin/env python3\nprint()\n", None),
            ("#!/usr/bin/env bash\r\necho hi\r\n", Some("has carriage returns")),
            ("echo hi\r\necho\r\n", Some("has carriage returns")),
            ("#!/usr/bin/env python3\r\nprint()\r\n", None),
            ("printf 'a\rb\n'\n", None),
            ("echo hi\n", None),
        ];
        for (script, expected) in table {
            let said = check("x.sh", script.as_bytes(), &interpreter(script.as_bytes())).err().map(|e| e.message);
            assert_eq!(said.is_some(), expected.is_some(), "{script:?}: {said:?}");
            assert!(said.unwrap_or_default().contains(expected.unwrap_or_default()), "{script:?}");
        }
        assert_eq!(interpreter("\u{feff}#!/usr/bin/env python3\n".as_bytes()), ["/usr/bin/env", "python3"]);
    }
}
