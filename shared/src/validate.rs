//! The rules of a job specification, the same for every reader and without state.
//!
//! The console checks before it sends, c2d before it stores, the agent before it runs, all by
//! this one function. Groups, dependencies and workers are the scheduler's business.

use std::collections::BTreeSet;

use crate::glob;
use crate::job::{Dependency, DependsOn, JobSpec, JobState, needs};
use crate::limits::{
    BEGIN_MS_MAX, COMMAND_BYTES_MAX, ENV_BYTES_MAX, ENV_ENTRY_BYTES_MAX, INLINE_BYTES_MAX, LIST_LEN_MAX,
    NAME_CHARS_MAX, RETRIES_MAX, TEXT_CHARS_MAX, TIMEOUT_S_MAX, WORD_CHARS_MAX,
};

/// A field that breaks a rule: what is wrong and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// The field's name in [`JobSpec`], or of another input.
    pub field: &'static str,
    /// What is wrong, naming the value.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

type Checked = Result<(), Invalid>;

fn invalid<T>(field: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid { field, message: message.into(), hint: hint.into() })
}

/// Checks a job specification.
///
/// # Errors
/// The first field that breaks a rule.
pub fn spec(spec: &JobSpec) -> Checked {
    command(&spec.command)?;
    if let Some(name) = &spec.name {
        self::name(name)?;
    }
    if let Some(group) = &spec.group {
        self::group(group)?;
    }
    short_list("tags", spec.tags.len())?;
    for (i, tag) in spec.tags.iter().enumerate() {
        word("tags", tag)?;
        if spec.tags[..i].contains(tag) {
            return invalid("tags", format!("tag {tag:?} is asked for twice"), "name each tag once");
        }
    }
    short_list("depends", spec.depends.len())?;
    short_list("with_files_of", spec.with_files_of.len())?;
    let depends = |name: &&String| spec.depends.iter().any(|dependency| dependency.on.to_string() == **name);
    if let Some(name) = spec.with_files_of.iter().find(|name| !depends(name)) {
        let message = format!("{name:?} is none of its dependencies, so its files may not be there");
        return invalid("with_files_of", message, "name it in depends, too");
    }
    files(spec)?;
    environment(spec)?;
    if let Some(batch) = &spec.batch {
        word("batch", batch)?;
    }
    if spec.timeout_s.is_some_and(|s| s == 0 || s > TIMEOUT_S_MAX) {
        return invalid("timeout_s", "timeout must be between one second and a year", "for no timeout leave it out");
    }
    if spec.begin_at.is_some_and(|ms| ms > BEGIN_MS_MAX) {
        return invalid("begin_at", "it would begin after the year 2200", "choose an earlier time, or leave it out");
    }
    if spec.retries > RETRIES_MAX {
        return invalid("retries", format!("{} retries are too many", spec.retries), format!("at most {RETRIES_MAX}"));
    }
    if spec.retry_delay_s.is_some_and(|s| s > TIMEOUT_S_MAX) {
        return invalid("retry_delay_s", "the retry delay is longer than a year", "choose one like 30s or 5m");
    }
    if let Some(text) = &spec.umask {
        umask(text)?;
    }
    short_list("exclude", spec.exclude.len())?;
    short_list("workers", spec.workers.len())?;
    for (field, words) in [("shares", &spec.shares), ("notify", &spec.notify)] {
        short_list(field, words.len())?;
        words.iter().try_for_each(|text| word(field, text))?;
    }
    if spec.expires_s.is_some_and(|s| s == 0 || s > TIMEOUT_S_MAX) {
        return invalid("expires_s", "it must expire after one second to a year", "to wait for ever leave it out");
    }
    places(spec)?;
    needs::check(spec)?;
    if spec.idempotency_key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 256) {
        return invalid("idempotency_key", "idempotency key must have 1 to 256 bytes", "use a UUID or a file name");
    }
    Ok(())
}

/// Checks a specification that is submitted now. What was accepted earlier keeps to [`spec`] alone, so
/// that a rule made since takes nothing from anybody.
///
/// # Errors
/// The first field that breaks a rule.
pub fn new_spec(spec: &JobSpec) -> Checked {
    self::spec(spec)?;
    if let Some(name) = &spec.name {
        free_name(name)?;
    }
    let shell = spec.shell.as_deref().unwrap_or_default();
    let program = shell.rsplit('/').next().unwrap_or(shell).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if ["python", "node", "perl", "ruby", "lua", "php", "awk"].contains(&program) {
        let hint = "take sh, bash, zsh or the like; a script of another language is sent with: submit --script=FILE";
        return invalid("shell", format!("{shell:?} is no shell"), hint);
    }
    workers("workers", &spec.workers, "for the workers of a group write --group=GROUP")?;
    workers("exclude", &spec.exclude, "name each worker that it must not run on")?;
    if let Some((key, _)) = spec.env.iter().find(|(key, value)| key.len() + value.len() + 2 > ENV_ENTRY_BYTES_MAX) {
        let message =
            format!("the variable {key} is longer than {ENV_ENTRY_BYTES_MAX} bytes, which no program is given");
        return invalid("env", message, "put large values into an uploaded file");
    }
    let paths: BTreeSet<&str> = spec.upload.iter().map(|upload| upload.path.as_str()).collect();
    let is_folder = |path: &&str| path.match_indices('/').any(|(at, _)| paths.contains(&path[..at]));
    if let Some(path) = paths.iter().find(|path| is_folder(path)) {
        let message = format!("{path:?} lies below another uploaded file");
        return invalid("upload", message, "a path is a file or a folder; give one of them another name");
    }
    for pattern in &spec.download {
        glob::check(pattern).map_err(|(message, hint)| Invalid { field: "download", message, hint })?;
    }
    Ok(())
}

/// Refuses words that can be no worker's name, address or id, such as groups and ranges.
fn workers(field: &'static str, words: &[String], hint: &str) -> Checked {
    let is_none = |text: &str| {
        text.is_empty() || text.len() > TEXT_CHARS_MAX || text.contains(['@', '!', '[', ']', ',', ' ', '*', '/'])
    };
    match words.iter().find(|text| is_none(text)) {
        Some(text) => invalid(field, format!("{text:?} in {field} can be no worker"), hint),
        None => Ok(()),
    }
}

/// Refuses a name that would be read as something else wherever jobs are named.
fn free_name(text: &str) -> Checked {
    // However it is spelt: `JOB-3` and `#3` are never meant as names.
    let lower = text.to_lowercase();
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let id = |text: &str| number(text.trim_start_matches('#').trim_start_matches("job-"));
    let ids = |text: &str| id(text) || text.rsplit_once('-').is_some_and(|(first, last)| id(first) && id(last));
    let range = lower.split(',').all(ids);
    let state = JobState::ALL.into_iter().any(|state| state.word() == lower) || lower == "last" || lower == "all";
    let Ok(Dependency { on, .. }) = text.parse();
    // `any:x` is a condition and a job, and behind `@` stands what jobs have in common.
    let condition = on != DependsOn::Name(text.to_owned());
    let flag = text.starts_with('-');
    if range || state || condition || flag || text.contains('@') {
        let hint =
            "ids, ranges like 3-9, flags, states, @words and conditions like any:x are taken; add a letter or two";
        return invalid("name", format!("the name {text:?} means something else already"), hint);
    }
    Ok(())
}

/// Folders and programs of the worker.
fn places(spec: &JobSpec) -> Checked {
    let plain = |text: &str| text.len() <= 4_096 && !text.chars().any(char::is_control);
    let home = |text: &str| text == "~" || text.starts_with("~/");
    if let Some(cwd) = spec.cwd.as_ref().filter(|cwd| !plain(cwd) || !(cwd.starts_with('/') || home(cwd))) {
        let hint = "write the full path of a folder on the worker, or one like ~/data";
        return invalid("cwd", format!("{cwd:?} is not the full path of a folder"), hint);
    }
    let is_name = |shell: &str| !shell.is_empty() && !shell.contains(['/', ' ']) && !shell.starts_with('-');
    if let Some(shell) =
        spec.shell.as_ref().filter(|shell| !plain(shell) || !(shell.starts_with('/') || is_name(shell)))
    {
        let hint = "write its name, like bash, or its full path on the worker";
        return invalid("shell", format!("{shell:?} is not a shell"), hint);
    }
    Ok(())
}

fn umask(text: &str) -> Checked {
    let octal = matches!(text.len(), 1..=4) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    if !octal || u32::from_str_radix(text, 8).is_ok_and(|mask| mask > 0o777) {
        return invalid("umask", format!("{text:?} is not a umask"), "write it in octal, like 022 or 077");
    }
    Ok(())
}

/// Checks a group or tag name: 1 to 64 letters, digits, `_`, `.`, `:`, `-`, and not only a dash in
/// front, so that it is never taken for a flag.
///
/// # Errors
/// When the name has another form.
pub fn word(field: &'static str, text: &str) -> Checked {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    // In a path a dot alone is a folder.
    let dots = matches!(text, "." | "..");
    if text.is_empty() || text.len() > WORD_CHARS_MAX || text.starts_with('-') || dots || !text.chars().all(fine) {
        let kind = field.trim_end_matches('s');
        return invalid(
            field,
            format!("{kind} {text:?} is not a plain word"),
            "use 1 to 64 letters, digits, _ . : or -",
        );
    }
    Ok(())
}

/// The group of a job, which is one.
fn group(text: &str) -> Checked {
    let hint = match text.strip_prefix('@') {
        Some(name) if word("group", name).is_ok() => format!("leave the @ out: {name}"),
        _ if text.contains(',') => "a job has one group; name workers in place of it, or assign them to a group".into(),
        _ => return word("group", text),
    };
    invalid("group", format!("group {text:?} is not a plain word"), hint)
}

/// Words that say what to do with a schedule or a notification, and so name none.
pub const ACTIONS: [&str; 9] = ["add", "change", "list", "show", "remove", "pause", "resume", "run", "test"];

/// Checks the name of a schedule or a notification: a plain word that is no [action](ACTIONS).
///
/// # Errors
/// When the name has another form, or is taken.
pub fn own_name(text: &str) -> Checked {
    word("name", text)?;
    if ACTIONS.contains(&text) {
        return invalid("name", format!("the name {text:?} means something else already"), "add a letter or two");
    }
    Ok(())
}

/// Checks a path relative to a workspace: up to 16 plain components, nothing absolute, no `..`.
///
/// # Errors
/// When the path could lead elsewhere, or could not be written by every receiver.
pub fn relative_path(field: &'static str, path: &str) -> Checked {
    let hint = "use a path below the workspace, like data/input.txt";
    let plain = |part: &str| {
        !part.is_empty()
            && part.len() <= 255
            && part != "."
            && part != ".."
            && !part.contains('\\')
            && !part.chars().any(char::is_control)
    };
    if !path.split('/').all(plain) || path.split('/').count() > 16 {
        return invalid(field, format!("{path:?} is not a path below the workspace"), hint);
    }
    if path.split('/').next() == Some(".c2") {
        return invalid(field, format!("{path:?} lies in the folder that C2 keeps for itself"), hint);
    }
    Ok(())
}

fn command(text: &str) -> Checked {
    if text.trim().is_empty() {
        return invalid("command", "the command is empty", "give a shell command, like submit \"echo hello\"");
    }
    if text.len() > COMMAND_BYTES_MAX {
        let message = format!("the command has {} bytes, {COMMAND_BYTES_MAX} are allowed", text.len());
        return invalid("command", message, "put it into a script and add --upload");
    }
    if text.contains('\0') {
        return invalid("command", "the command contains a NUL byte", "a shell cannot read it; remove it");
    }
    Ok(())
}

fn name(text: &str) -> Checked {
    if text.trim() != text
        || text.is_empty()
        || text.chars().count() > NAME_CHARS_MAX
        || text.chars().any(char::is_control)
    {
        return invalid(
            "name",
            format!("{text:?} cannot be a name"),
            "use 1 to 128 printable characters without spaces around them",
        );
    }
    let taken = text.parse::<crate::id::JobId>().is_ok()
        || text.starts_with('@')
        || text.bytes().all(|b| b.is_ascii_digit())
        || text == "last";
    if taken {
        return invalid(
            "name",
            format!("the name {text:?} means something else already"),
            "job-N, numbers, `last` and @words are taken",
        );
    }
    Ok(())
}

fn files(spec: &JobSpec) -> Checked {
    short_list("upload", spec.upload.len())?;
    short_list("download", spec.download.len())?;
    if spec.stdin.is_some() && spec.stdin_sha256.is_some() {
        return invalid("stdin_sha256", "standard input is given twice", "give stdin or stdin_sha256");
    }
    for (i, upload) in spec.upload.iter().enumerate() {
        relative_path("upload", &upload.path)?;
        if spec.upload[..i].iter().any(|other| other.path == upload.path) {
            return invalid("upload", format!("two files for {:?}", upload.path), "give each file its own path");
        }
        if upload.content.is_some() == upload.sha256.is_some() {
            let message = format!("{:?} needs content or sha256", upload.path);
            return invalid("upload", message, "give exactly one of the two");
        }
    }
    let inline = spec.inline_bytes();
    if inline > INLINE_BYTES_MAX {
        let message = format!("{inline} bytes of files inside the request, {INLINE_BYTES_MAX} are allowed");
        return invalid("upload", message, "upload the larger files as blobs and name them by sha256");
    }
    for glob in &spec.download {
        let bad =
            glob.is_empty() || glob.len() > 4_096 || glob.starts_with('/') || glob.split('/').any(|part| part == "..");
        if bad || glob.chars().any(char::is_control) {
            return invalid(
                "download",
                format!("{glob:?} is not a pattern below the workspace"),
                "use a glob like out/*.png",
            );
        }
    }
    Ok(())
}

fn environment(spec: &JobSpec) -> Checked {
    let mut bytes = 0;
    for (key, value) in &spec.env {
        bytes += key.len() + value.len() + 2;
        let head = key.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if !head || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return invalid(
                "env",
                format!("{key:?} cannot be an environment variable"),
                "use letters, digits and _, as in MODEL=small",
            );
        }
        if value.contains('\0') {
            let message = format!("the value of {key} contains a NUL byte, with which no program is given it");
            return invalid("env", message, "remove it, or put the value into an uploaded file");
        }
        if key.starts_with("C2_") {
            return invalid(
                "env",
                format!("{key:?} is set by C2 itself"),
                "choose a name that does not begin with C2_",
            );
        }
    }
    if bytes > ENV_BYTES_MAX {
        return invalid(
            "env",
            format!("the environment has {bytes} bytes, {ENV_BYTES_MAX} are allowed"),
            "put large values into an uploaded file",
        );
    }
    Ok(())
}

fn short_list(field: &'static str, len: usize) -> Checked {
    if len > LIST_LEN_MAX {
        return invalid(field, format!("{field} has {len} entries"), format!("at most {LIST_LEN_MAX}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes64::Bytes64;
    use crate::job::Upload;

    fn check(change: impl FnOnce(&mut JobSpec), expected: Option<&str>) {
        let mut job = JobSpec { command: "true".to_owned(), ..JobSpec::default() };
        change(&mut job);
        assert_eq!(spec(&job).err().map(|e| e.field), expected, "{job:?}");
    }

    #[test]
    fn rules() {
        check(|_| (), None);
        check(|j| j.command = " \t\n".into(), Some("command"));
        check(|j| j.command = "a\0b".into(), Some("command"));
        check(|j| j.command = "x".repeat(COMMAND_BYTES_MAX + 1), Some("command"));
        check(|j| j.cwd = Some("/data/a b".into()), None);
        check(|j| j.cwd = Some("~/data".into()), None);
        check(|j| j.cwd = Some("data".into()), Some("cwd"));
        check(|j| j.cwd = Some("~root/x".into()), Some("cwd"));
        check(|j| j.cwd = Some("/a\nb".into()), Some("cwd"));
        check(|j| j.shell = Some("bash".into()), None);
        check(|j| j.shell = Some("/usr/bin/fish".into()), None);
        check(|j| j.shell = Some("bin/sh".into()), Some("shell"));
        check(|j| j.shell = Some("-c".into()), Some("shell"));
        check(|j| j.expires_s = Some(0), Some("expires_s"));
        check(|j| j.name = Some("nightly build".into()), None);
        check(|j| j.name = Some("job-3".into()), Some("name"));
        check(|j| j.name = Some("12".into()), Some("name"));
        check(|j| j.name = Some("@x".into()), Some("name"));
        check(|j| j.group = Some("gpu".into()), None);
        check(|j| j.group = Some("-gpu".into()), Some("group"));
        check(|j| j.tags = vec!["gpu:0".into(), "disk".into()], None);
        check(|j| j.tags = vec!["disk".into(), "disk".into()], Some("tags"));
        check(|j| j.tags = vec!["a b".into()], Some("tags"));
        check(|j| j.same_machine = true, None);
        check(|j| j.retry_delay_s = Some(3_600), None);
        check(|j| j.retry_delay_s = Some(u64::MAX), Some("retry_delay_s"));
        for (umask, fine) in
            [("022", true), ("0", true), ("0077", true), ("777", true), ("", false), ("8", false), ("1000", false)]
        {
            let spec =
                JobSpec { umask: Some(umask.to_owned()), ..JobSpec { command: "x".into(), ..JobSpec::default() } };
            assert_eq!(spec_is_fine(&spec), fine, "{umask}");
        }
        check(|j| j.timeout_s = Some(0), Some("timeout_s"));
        check(|j| j.begin_at = Some(BEGIN_MS_MAX), None);
        for never in [BEGIN_MS_MAX + 1, 1 << 62, 1 << 63, u64::MAX] {
            check(|j| j.begin_at = Some(never), Some("begin_at"));
        }
        check(|j| drop(j.env.insert("MODEL".into(), "small".into())), None);
        check(|j| drop(j.env.insert("1X".into(), String::new())), Some("env"));
        let nul = JobSpec { command: "x".into(), env: [("MODEL".into(), "a\0b".into())].into(), ..JobSpec::default() };
        assert!(spec(&nul).unwrap_err().message.starts_with("the value of MODEL "));
        check(|j| drop(j.env.insert("C2_JOB_ID".into(), String::new())), Some("env"));
        check(|j| j.download = vec!["*.png".into()], None);
        check(|j| j.download = vec!["../*".into()], Some("download"));
        check(|j| j.idempotency_key = Some(String::new()), Some("idempotency_key"));
    }

    fn spec_is_fine(job: &JobSpec) -> bool {
        spec(job).is_ok()
    }

    #[test]
    fn what_is_new_has_rules_that_what_is_old_has_not() {
        let taken = [
            "1-5",
            "1,2",
            "3-9,12",
            "job-1,job-3",
            "job-1-5",
            "failed",
            "queued",
            "a@failed",
            "any:x",
            "notok:3",
            "ok:x",
            "-x",
        ];
        for name in taken {
            let job = JobSpec { command: "x".into(), name: Some(name.into()), ..JobSpec::default() };
            assert!(spec(&job).is_ok() && new_spec(&job).is_err(), "{name}");
        }
        for name in ["nightly", "a,b", "1,x", "v1-5", "2026-01-31", "a:b", "job-x", "failed-2", "x1-5"] {
            let job = JobSpec { command: "x".into(), name: Some(name.into()), ..JobSpec::default() };
            assert_eq!(new_spec(&job), Ok(()), "{name}");
        }
        for (len, fine) in [(TEXT_CHARS_MAX, true), (TEXT_CHARS_MAX + 1, false)] {
            let word = || vec!["b".repeat(len)];
            let job = JobSpec { command: "x".into(), ..JobSpec::default() };
            assert_eq!(new_spec(&JobSpec { workers: word(), ..job.clone() }).is_ok(), fine, "{len}");
            assert_eq!(new_spec(&JobSpec { exclude: word(), ..job }).is_ok(), fine, "{len}");
        }
        for (pattern, fine) in [("a[1].txt", true), ("[", false), ("*.{png,jpg}", false), ("\\[", true)] {
            let job = JobSpec { command: "x".into(), download: vec![pattern.into()], ..JobSpec::default() };
            assert!(spec(&job).is_ok(), "{pattern}");
            assert_eq!(new_spec(&job).is_ok(), fine, "{pattern}");
        }
    }

    #[test]
    fn uploads() {
        let upload = |path: &str| Upload { path: path.into(), content: Some(Bytes64(vec![1])), ..Upload::default() };
        check(|j| j.upload = vec![upload("data/a.txt")], None);
        for bad in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", "a\nb", ".c2/x", "./a"] {
            check(|j| j.upload = vec![upload(bad)], Some("upload"));
        }
        check(|j| j.upload = vec![upload("a"), upload("a")], Some("upload"));
        check(|j| j.upload = vec![Upload { path: "a".into(), ..Upload::default() }], Some("upload"));
        for (paths, fine) in
            [(["a", "a/b"], false), (["a/b/c", "a/b"], false), (["a.b", "a"], true), (["ab/c", "a"], true)]
        {
            let job = JobSpec { command: "x".into(), upload: paths.map(upload).to_vec(), ..JobSpec::default() };
            assert_eq!(new_spec(&job).is_ok(), fine, "{paths:?}");
        }
        let (content, sha256) = (Some(Bytes64(vec![1])), Some(crate::blob::BlobId::of(b"a")));
        check(|j| j.upload = vec![Upload { path: "a".into(), sha256, ..Upload::default() }], None);
        check(|j| j.upload = vec![Upload { content: content.clone(), sha256, ..upload("a") }], Some("upload"));
        check(|j| j.stdin_sha256 = sha256, None);
        check(|j| (j.stdin, j.stdin_sha256) = (content, sha256), Some("stdin_sha256"));
    }
}
