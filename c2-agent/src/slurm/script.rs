//! What runs on a node.

use std::fmt::Write as _;
use std::path::Path;

/// Exit status of a node that does not see the folder.
pub(super) const BLIND: i32 = 75;

/// What a script is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    /// The attempt's own folder.
    pub(crate) control: &'a Path,
    /// Where the command runs.
    pub(crate) folder: &'a Path,
    /// What runs it.
    pub(crate) shell: &'a str,
    /// What the shell calls itself in its messages.
    pub(crate) name: &'a str,
    /// The mask of its new files.
    pub(crate) umask: &'a str,
    /// It has an input.
    pub(crate) has_stdin: bool,
}

/// The script of an attempt, for any shell that is one.
pub(crate) fn script(parts: &Parts<'_>) -> String {
    let Parts { control, folder, shell, name, umask, has_stdin } = *parts;
    let command = quoted(&format!(". {}", quoted(&control.join("command").to_string_lossy())));
    let [control, folder] = [control, folder].map(|path| quoted(&path.to_string_lossy()));
    let [shell, name, umask] = [shell, name, umask].map(quoted);
    let stdin = if has_stdin { "stdin" } else { "/dev/null" };
    let mut text =
        String::from("#!/bin/sh\n# One attempt at a job of C2. It runs once, however often it is started.\n");
    // An output that cannot be written must not look like an empty one, so it comes before the command.
    let _ = write!(
        text,
        "cd {control} 2>/dev/null || exit {BLIND}\n\
         mkdir claim 2>/dev/null || exit 0\n\
         echo \"$SLURM_JOB_ID\" > claim/job\n\
         trap : TERM INT HUP\n\
         umask 077\n\
         exec < {stdin} > stdout 2> stderr || exit {BLIND}\n\
         (\n\
         umask {umask}\n\
         cd {folder} || exit 125\n\
         exec {shell} -c {command} {name}\n\
         )\n\
         echo $? > status.new && mv status.new status\n"
    );
    text
}

/// A word of a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
