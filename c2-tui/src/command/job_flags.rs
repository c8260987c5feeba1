//! Everything that can be said of a job beside its command, as text: flags of a line and fields of a
//! file are read here alike.
//!
//! The texts are kept until a job is made of them, because `split` fills in the lines of its file
//! first.

use std::collections::{BTreeMap, BTreeSet};

use c2_shared::job::{JobSpec, OnLost};
use c2_shared::target;
use c2_shared::time::parse_duration_s;
use clap::Args;

use crate::command::need_flags::NeedFlags;
use crate::command::{CommandError, foreign_flags, moment};

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct JobFlags {
    /// Only on workers of this group
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Locks to hold on the worker while it runs, like `gpu:0,disk`; `gpu` is any free `gpu:N`
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// A human-readable name, by which other commands find the job too
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// End it after this run time, like `90`, `5m` or `2h30m`
    #[arg(long, value_name = "DUR")]
    pub(crate) timeout: Option<String>,
    /// Start after these jobs succeeded; `any:JOB` after any end, `notok:JOB` after an end without success
    #[arg(long, value_name = "JOB", value_delimiter = ',')]
    pub(crate) depends: Vec<String>,
    /// Run on the worker that ran the dependencies
    #[arg(long)]
    pub(crate) same_machine: bool,
    /// Higher runs first
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) priority: Option<String>,
    /// How often to try again after a failure
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<String>,
    /// Rest before the first retry, 1s without it; it doubles each time, up to a minute
    #[arg(long, value_name = "DUR")]
    pub(crate) retry_delay: Option<String>,
    /// Wait for an operator's release before it starts
    #[arg(long)]
    pub(crate) hold: bool,
    /// Not before this time, like `18:00`, `+2h30m` or `2030-01-31T08:00`
    #[arg(long, alias = "begin-at", value_name = "TIME")]
    pub(crate) begin: Option<String>,
    /// An environment variable of the job
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) env: Vec<String>,
    /// A file for its standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) stdin_file: Option<String>,
    /// A file to place in the job's folder, as FILE or FILE:PATH-THERE; several with commas
    #[arg(long, value_name = "FILE")]
    pub(crate) upload: Vec<String>,
    /// Files to fetch from the job's folder after its end, like `out/*.png`; several with commas
    #[arg(long, value_name = "GLOB")]
    pub(crate) download: Vec<String>,
    /// Workers that must not run it, with commas and ranges like `10.0.0.[11-13]`
    #[arg(long, value_name = "WORKER")]
    pub(crate) exclude: Vec<String>,
    /// What happens when its worker is lost while it runs
    #[arg(long, value_name = "WHAT", value_parser = ["requeue", "fail", "wait"])]
    pub(crate) on_lost: Option<String>,
    /// Permissions that files of the job do not get, like `022`; without it only its own user has any
    #[arg(long, value_name = "MODE")]
    pub(crate) umask: Option<String>,
    /// Only on this worker, or on one of these, with commas and ranges; a worker that is away is waited for
    #[arg(long, value_name = "WORKER")]
    pub(crate) worker: Vec<String>,
    /// End it as `expired` if it has not started after this time, from its submit or from --begin
    #[arg(long, value_name = "DUR")]
    pub(crate) expires: Option<String>,
    /// Run in this folder of the worker, a full path or ~/DIR; its own folder is then $C2_WORKSPACE
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<String>,
    /// The shell that reads the command, by name or path; /bin/sh without it
    #[arg(long, value_name = "SHELL")]
    pub(crate) shell: Option<String>,
    /// Place the files that these jobs left in its folder; it depends on them
    #[arg(long, value_name = "JOB", value_delimiter = ',')]
    pub(crate) with_files_of: Vec<String>,
    /// Only where the agent has this shared folder; $C2_SHARE_NAME says where it is
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) share: Vec<String>,
    /// Report its end to this notification
    #[arg(long, value_name = "NOTIFICATION", value_delimiter = ',')]
    pub(crate) notify: Vec<String>,
    /// The batch that it belongs to; `@batch:NAME` then means all of them
    #[arg(long, value_name = "BATCH")]
    pub(crate) batch: Option<String>,
    #[command(flatten)]
    pub(crate) needs: NeedFlags,
}

/// A flag whose value is not what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlagError {
    /// As the usage writes it: `--timeout <DUR>`.
    pub(crate) flag: &'static str,
    pub(crate) value: String,
    /// What is wrong with the value, which it quotes.
    pub(crate) why: String,
}

impl FlagError {
    /// The same for a line, with the usage of its command.
    pub(crate) fn in_line(self, usage: &str) -> CommandError {
        CommandError::usage(format!("{}: {}", self.flag, self.why), format!("usage: {usage}"))
    }
}

impl From<FlagError> for CommandError {
    fn from(error: FlagError) -> Self {
        let name = error.flag.split(' ').next().unwrap_or_default();
        Self::usage(format!("{name}: {}", error.why), format!("`help submit` explains {name}"))
    }
}

/// What a filled-in value is to a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    /// Paths, with commas between them.
    Paths,
    /// Patterns, with commas between them.
    Patterns,
}

impl JobFlags {
    /// A job with what the flags say of it, but for its dependencies and local files. What they do
    /// not say is as in `base`.
    pub(crate) fn spec(&self, base: JobSpec) -> Result<JobSpec, FlagError> {
        let variables = self.env.iter().map(|text| variable(text)).collect::<Result<BTreeMap<_, _>, _>>()?;
        let patterns: Vec<String> = self.download.iter().flat_map(|text| items(text)).collect();
        let base = self.needs.over(base)?;
        Ok(JobSpec {
            name: self.name.clone().or(base.name),
            group: self.group.clone().or(base.group),
            tags: or(&self.tags, base.tags),
            same_machine: self.same_machine || base.same_machine,
            download: or(&patterns, base.download),
            env: if variables.is_empty() { base.env } else { variables },
            timeout_s: read("--timeout <DUR>", self.timeout.as_ref(), duration)?.or(base.timeout_s),
            retries: read("--retries <N>", self.retries.as_ref(), number)?.unwrap_or(base.retries),
            retry_delay_s: read("--retry-delay <DUR>", self.retry_delay.as_ref(), duration)?.or(base.retry_delay_s),
            priority: read("--priority <N>", self.priority.as_ref(), number)?.unwrap_or(base.priority),
            hold: self.hold || base.hold,
            begin_at: read("--begin <TIME>", self.begin.as_ref(), moment::parse_ms)?.or(base.begin_at),
            on_lost: read("--on-lost <WHAT>", self.on_lost.as_ref(), on_lost)?.unwrap_or(base.on_lost),
            exclude: or(&workers(&self.exclude), base.exclude),
            umask: self.umask.clone().or(base.umask),
            workers: or(&workers(&self.worker), base.workers),
            expires_s: read("--expires <DUR>", self.expires.as_ref(), duration)?.or(base.expires_s),
            cwd: self.cwd.clone().or(base.cwd),
            shell: self.shell.clone().or(base.shell),
            shares: or(&self.share, base.shares),
            notify: or(&self.notify, base.notify),
            batch: self.batch.clone().or(base.batch),
            ..base
        })
    }

    /// All texts that are said, each with the name of its flag.
    fn said(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let one = [
            ("group", &self.group),
            ("name", &self.name),
            ("timeout", &self.timeout),
            ("priority", &self.priority),
            ("retries", &self.retries),
            ("retry-delay", &self.retry_delay),
            ("begin", &self.begin),
            ("stdin-file", &self.stdin_file),
            ("on-lost", &self.on_lost),
            ("umask", &self.umask),
            ("expires", &self.expires),
            ("cwd", &self.cwd),
            ("shell", &self.shell),
            ("batch", &self.batch),
        ];
        let many = [
            ("tags", &self.tags),
            ("depends", &self.depends),
            ("env", &self.env),
            ("upload", &self.upload),
            ("download", &self.download),
            ("exclude", &self.exclude),
            ("worker", &self.worker),
            ("with-files-of", &self.with_files_of),
            ("share", &self.share),
            ("notify", &self.notify),
        ];
        let one = one.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        let many = many.into_iter().flat_map(|(name, texts)| texts.iter().map(move |text| (name, text)));
        one.chain(many).chain(self.needs.said())
    }

    /// All texts that are said.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &String> {
        self.said().map(|(_, text)| text)
    }

    /// The names of all flags that are said.
    pub(crate) fn given(&self) -> BTreeSet<&'static str> {
        let switches = [("same-machine", self.same_machine), ("hold", self.hold)];
        let switches = switches.into_iter().filter_map(|(name, is_said)| is_said.then_some(name));
        self.said().map(|(name, _)| name).chain(switches).collect()
    }

    /// The same with each text replaced.
    pub(crate) fn filled(&self, fill: impl Fn(&str, Holds) -> String) -> Self {
        let one = |text: &Option<String>| text.as_ref().map(|text| fill(text, Holds::Text));
        let many = |texts: &[String], holds| texts.iter().map(|text| fill(text, holds)).collect();
        Self {
            group: one(&self.group),
            tags: many(&self.tags, Holds::Text),
            name: one(&self.name),
            timeout: one(&self.timeout),
            depends: many(&self.depends, Holds::Text),
            same_machine: self.same_machine,
            priority: one(&self.priority),
            retries: one(&self.retries),
            retry_delay: one(&self.retry_delay),
            hold: self.hold,
            begin: one(&self.begin),
            env: many(&self.env, Holds::Text),
            stdin_file: one(&self.stdin_file),
            upload: many(&self.upload, Holds::Paths),
            download: many(&self.download, Holds::Patterns),
            exclude: many(&self.exclude, Holds::Text),
            on_lost: one(&self.on_lost),
            umask: one(&self.umask),
            worker: many(&self.worker, Holds::Text),
            expires: one(&self.expires),
            cwd: one(&self.cwd),
            shell: one(&self.shell),
            with_files_of: many(&self.with_files_of, Holds::Text),
            share: many(&self.share, Holds::Text),
            notify: many(&self.notify, Holds::Text),
            batch: one(&self.batch),
            needs: self.needs.filled(&fill),
        }
    }
}

/// The workers of all lists, with ranges as targets have them.
fn workers(texts: &[String]) -> Vec<String> {
    texts.iter().flat_map(|text| target::listed(text)).collect()
}

fn or(said: &[String], otherwise: Vec<String>) -> Vec<String> {
    if said.is_empty() { otherwise } else { said.to_vec() }
}

pub(crate) fn read<T>(
    flag: &'static str,
    text: Option<&String>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, FlagError> {
    text.map(|text| parse(text).map_err(|why| FlagError { flag, value: text.clone(), why })).transpose()
}

fn duration(text: &str) -> Result<u64, String> {
    parse_duration_s(text).map_err(|error| match foreign_flags::limit(text, 1).filter(|_| text.contains(':')) {
        Some(ours) => format!("{error}; write it as {ours}"),
        None => error.to_string(),
    })
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| match text.trim_start_matches('-') {
        digits if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() > 9 => {
            format!("{text} is too large")
        }
        _ => format!("{text:?} is not a whole number"),
    })
}

fn on_lost(text: &str) -> Result<OnLost, String> {
    match text {
        "requeue" => Ok(OnLost::Requeue),
        "fail" => Ok(OnLost::Fail),
        "wait" => Ok(OnLost::Wait),
        _ => Err(format!("{text:?} is not one of requeue, fail, wait")),
    }
}

fn variable(text: &str) -> Result<(String, String), FlagError> {
    let (key, value) = text.split_once('=').ok_or_else(|| FlagError {
        flag: "--env <KEY=VALUE>",
        value: text.to_owned(),
        why: format!("{text:?}: write it as KEY=VALUE"),
    })?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The parts of a list, at its commas. One that stands in brackets or braces separates nothing, and
/// `\,` is a comma of a name.
pub(crate) fn items(text: &str) -> Vec<String> {
    let (mut items, mut item, mut depth) = (Vec::new(), String::new(), 0_usize);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next_if_eq(&',').is_some() => item.push(','),
            '\\' => {
                item.push(c);
                item.extend(chars.next());
            }
            ',' if depth == 0 => {
                items.push(std::mem::take(&mut item));
                while chars.next_if_eq(&' ').is_some() {}
            }
            _ => {
                match c {
                    '[' | '{' => depth += 1,
                    ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                item.push(c);
            }
        }
    }
    // What looked like brackets was none.
    if depth > 0 && text.contains(',') && !text.contains('\\') {
        return text.split(',').map(str::to_owned).collect();
    }
    items.push(item);
    items
}

/// A name as one item of a list.
pub(crate) fn item(name: &str) -> String {
    name.replace(',', "\\,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate() {
        let table: [(&str, &[&str]); 10] = [
            ("a, b,  c d", &["a", "b", "c d"]),
            ("a", &["a"]),
            ("a,b", &["a", "b"]),
            ("*.png,*.jpg", &["*.png", "*.jpg"]),
            ("a\\,b,c", &["a,b", "c"]),
            ("[a,b].txt,c", &["[a,b].txt", "c"]),
            ("*.{png,jpg}", &["*.{png,jpg}"]),
            ("\\*\\[,b", &["\\*\\[", "b"]),
            ("a[,b", &["a[", "b"]),
            ("", &[""]),
        ];
        for (text, expected) in table {
            assert_eq!(items(text), expected, "{text}");
        }
        for name in ["a,b", "a", ",", "a, b,"] {
            assert_eq!(items(&item(name)), [name]);
        }
    }

    #[test]
    fn a_wrong_value_is_named_with_its_flag() {
        type Edit = fn(&mut JobFlags);
        let wrong: [(Edit, &str); 6] = [
            (|f| f.timeout = Some("soon".into()), "\"soon\" is not a duration like 90, 90s, 5m or 2h30m"),
            (|f| f.retries = Some("-1".into()), "\"-1\" is not a whole number"),
            (|f| f.priority = Some("high".into()), "\"high\" is not a whole number"),
            (|f| f.env = vec!["A".into()], "\"A\": write it as KEY=VALUE"),
            (|f| f.on_lost = Some("x".into()), "\"x\" is not one of requeue, fail, wait"),
            (|f| f.retry_delay = Some("1x".into()), "\"1x\" is not a duration like 90, 90s, 5m or 2h30m"),
        ];
        for (edit, why) in wrong {
            let mut flags = JobFlags::default();
            edit(&mut flags);
            assert_eq!(flags.spec(JobSpec::default()).unwrap_err().why, why);
        }
    }

    #[test]
    fn each_text_is_filled_and_counted() {
        let text = || Some("x".to_owned());
        let many = || vec!["x".to_owned()];
        let flags = JobFlags {
            group: text(),
            tags: many(),
            name: text(),
            timeout: text(),
            depends: many(),
            same_machine: true,
            priority: text(),
            retries: text(),
            retry_delay: text(),
            hold: true,
            begin: text(),
            env: many(),
            stdin_file: text(),
            upload: many(),
            download: many(),
            exclude: many(),
            on_lost: text(),
            umask: text(),
            worker: many(),
            expires: text(),
            cwd: text(),
            shell: text(),
            with_files_of: many(),
            share: many(),
            notify: many(),
            batch: text(),
            needs: NeedFlags { cpus: text(), memory: text(), gpus: text(), vram: text(), need: many() },
        };
        assert_eq!(flags.texts().count(), 29);
        assert_eq!(flags.given().len(), 31);
        assert!(flags.filled(|_, _| "y".to_owned()).texts().all(|text| text == "y"));
    }
}
