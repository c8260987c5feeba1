//! A job as the line that submits it again, to be edited first.

use c2_shared::job::{JobSpec, OnLost};

use crate::command::job_flags::item;
use crate::command::need_flags;

/// The line, and what of the job is not in it, as it does not lie on this machine.
pub(crate) fn line_of(spec: &JobSpec, now_ms: u64) -> (String, Vec<&'static str>) {
    let mut words = vec!["submit".to_owned(), quoted(&spec.command)];
    let mut flag = |name: &str, value: String| words.push(quoted(&format!("--{name}={value}")));
    let commas = |all: &[String]| all.join(",");
    spec.name.iter().for_each(|name| flag("name", name.clone()));
    spec.group.iter().for_each(|group| flag("group", group.clone()));
    if !spec.tags.is_empty() {
        flag("tags", commas(&spec.tags));
    }
    if !spec.depends.is_empty() {
        flag("depends", spec.depends.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    }
    if !spec.download.is_empty() {
        flag("download", spec.download.iter().map(|pattern| item(pattern)).collect::<Vec<_>>().join(","));
    }
    spec.env.iter().for_each(|(key, value)| flag("env", format!("{key}={value}")));
    spec.timeout_s.iter().for_each(|seconds| flag("timeout", format!("{seconds}s")));
    if spec.retries > 0 {
        flag("retries", spec.retries.to_string());
    }
    spec.retry_delay_s.iter().for_each(|seconds| flag("retry-delay", format!("{seconds}s")));
    if spec.priority != 0 {
        flag("priority", spec.priority.to_string());
    }
    let rest_ms = spec.begin_at.unwrap_or(0).saturating_sub(now_ms);
    if rest_ms > 0 {
        flag("begin", format!("+{}s", rest_ms.div_ceil(1_000)));
    }
    match spec.on_lost {
        OnLost::Requeue => {}
        OnLost::Fail => flag("on-lost", "fail".to_owned()),
        OnLost::Wait => flag("on-lost", "wait".to_owned()),
    }
    if !spec.exclude.is_empty() {
        flag("exclude", commas(&spec.exclude));
    }
    spec.umask.iter().for_each(|umask| flag("umask", umask.clone()));
    if !spec.workers.is_empty() {
        flag("worker", commas(&spec.workers));
    }
    spec.expires_s.iter().for_each(|seconds| flag("expires", format!("{seconds}s")));
    spec.cwd.iter().for_each(|cwd| flag("cwd", cwd.clone()));
    spec.shell.iter().for_each(|shell| flag("shell", shell.clone()));
    spec.batch.iter().for_each(|batch| flag("batch", batch.clone()));
    spec.array_index.iter().for_each(|index| flag("array", index.to_string()));
    for (name, words) in [("with-files-of", &spec.with_files_of), ("share", &spec.shares), ("notify", &spec.notify)] {
        if !words.is_empty() {
            flag(name, commas(words));
        }
    }
    words.extend(need_flags::flags(&spec.takes()).map(|flag| quoted(&flag)));
    for (name, is_set) in [("--same-machine", spec.same_machine), ("--hold", spec.hold)] {
        if is_set {
            words.push(name.to_owned());
        }
    }
    let input = spec.stdin.is_some() || spec.stdin_sha256.is_some();
    let left_out = [("its standard input", input), ("the files it was given", !spec.upload.is_empty())];
    (words.join(" "), left_out.into_iter().filter(|(_, is_set)| *is_set).map(|(words, _)| words).collect())
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Verb, parse};

    #[test]
    fn the_line_submits_the_same_job() {
        let spec = JobSpec {
            command: "echo \"it's\" > 'a b' # no comment".to_owned(),
            name: Some("two words".to_owned()),
            group: Some("gpu".to_owned()),
            tags: vec!["gpu:0".to_owned(), "disk".to_owned()],
            same_machine: true,
            download: vec!["a,b".to_owned(), "out/*.png".to_owned()],
            env: [("A".to_owned(), "1 2".to_owned()), ("B".to_owned(), String::new())].into(),
            timeout_s: Some(90),
            retries: 3,
            retry_delay_s: Some(5),
            priority: -7,
            hold: true,
            on_lost: OnLost::Wait,
            exclude: vec!["10.0.0.9".to_owned(), "pi".to_owned()],
            umask: Some("022".to_owned()),
            workers: vec!["vm".to_owned(), "10.0.0.8".to_owned()],
            expires_s: Some(600),
            cwd: Some("/data/a b".to_owned()),
            shell: Some("bash".to_owned()),
            batch: Some("night".to_owned()),
            cpus: 4,
            memory_bytes: 3 << 29,
            gpus: 2,
            vram_bytes: 1_000,
            needs: [("license".to_owned(), 1)].into(),
            ..JobSpec::default()
        };
        for spec in [spec, JobSpec { command: "true".to_owned(), ..JobSpec::default() }] {
            let (line, left_out) = line_of(&spec, 0);
            let Ok(Verb::Command(Command::Submit(submit))) = parse(&line) else { panic!("{line}") };
            let base = JobSpec { command: submit.command.clone().unwrap(), ..JobSpec::default() };
            assert_eq!(submit.flags.spec(base), Ok(spec), "{line}");
            assert!(left_out.is_empty());
        }
    }

    #[test]
    fn what_lies_elsewhere_is_named() {
        let spec = JobSpec {
            command: "true".to_owned(),
            stdin: Some(c2_shared::bytes64::Bytes64(Vec::new())),
            ..JobSpec::default()
        };
        assert_eq!(line_of(&spec, 0).1, ["its standard input"]);
        let spec = JobSpec { begin_at: Some(61_500), depends: vec!["any:job-3".parse().unwrap()], ..spec };
        assert!(
            line_of(&spec, 1_000).0.contains("'--depends=any:job-3' '--begin=+61s'"),
            "{:?}",
            line_of(&spec, 1_000)
        );
    }
}
