//! What people bring from other tools: verbs and flags of Slurm, PBS, task-spooler, pueue, kubectl and
//! shells, each with what does the same here.
//!
//! A verb's line is given in full, with the words that were typed in their place, so that one step
//! leads to it.

use crate::command::Word;

/// How a foreign verb is written here; `{}` is the rest of the line, `{q}` the rest in quotes, `{l}`
/// the whole of it.
const VERBS: [(&[&str], &str); 49] = [
    (&["sh", "bash", "python", "python3", "make", "sleep", "echo", "nvidia-smi"], "submit {l}"),
    (&["sbatch", "qsub", "bsub", "condor_submit"], "submit --script={}"),
    (&["srun", "salloc", "run", "parallel"], "submit {q} --wait"),
    (&["tsp", "ts", "add", "enqueue", "nohup"], "submit {q}"),
    (&["at"], "submit \"COMMAND\" --begin=18:00"),
    (&["squeue", "qstat", "bjobs", "ps", "ls", "task", "tasks", "ll", "dir", "pods"], "jobs"),
    (&["sinfo", "pbsnodes", "bhosts", "nodes", "node", "workers", "machines", "hosts", "agents"], "list"),
    (&["worker", "machine", "host"], "info {}"),
    (&["scancel", "qdel", "bkill", "kill", "rm", "remove", "delete", "stop", "abort", "del", "terminate"], "cancel {}"),
    (&["sacct", "history", "results", "qhist"], "log"),
    (&["logs", "cat", "stdout", "peek", "bpeek"], "output {}"),
    (&["stderr"], "output {} --stderr"),
    (&["tail", "attach", "sattach", "stream"], "follow {}"),
    (&["status", "queue", "stat", "stats", "state", "queue-state"], "queue-status"),
    (&["describe", "show", "inspect", "details"], "job {}"),
    (&["restart", "rerun", "requeue", "resubmit", "again", "redo"], "retry {}"),
    (&["qhold", "stash", "suspend", "bstop"], "hold {}"),
    (&["qrls", "unhold", "bresume", "start"], "release {}"),
    (&["download", "fetch", "getfiles", "get_files", "files", "get"], "get-files {}"),
    (&["exec", "ssh", "pssh", "clush", "ansible", "all"], "pdsh {}"),
    (&["cordon"], "drain {}"),
    (&["undrain", "uncordon", "enable"], "resume {}"),
    (&["disable"], "drain {}"),
    (&["tags", "tag"], "get-tags {}"),
    (&["set_resources", "set-resource", "resources", "limits"], "set-resources {}"),
    (&["settags", "set_tags", "set-tag", "label"], "set-tags {}"),
    (&["cleanup", "clean", "gc", "prune"], "cleanup-workspaces @all"),
    (&["man", "usage", "?", "h", "commands"], "help"),
    (&["unassign-group"], "unassign {}"),
    (&["assign-group"], "assign {}"),
    (&["group"], "groups"),
    (&["forget"], "remove-worker {}"),
    (&["check", "diagnose", "health", "ping"], "doctor"),
    (&["verify", "check-ssh", "ssh-check"], "verify-ssh @all"),
    (&["explain", "reason"], "why {}"),
    (&["array", "foreach", "map", "xargs"], "split {}"),
    (&["submit-batch", "import", "load", "apply", "create"], "batch {}"),
    (&["block", "freeze", "halt"], "pause"),
    (&["continue", "unfreeze", "go"], "unpause"),
    (&["bye", "logout", "leave-console", ":q", "q", "q!", "wq"], "quit"),
    (&["jobinfo", "job-info"], "job {}"),
    (&["follow-output"], "follow {}"),
    (&["await", "join-jobs", "swait"], "wait {}"),
    (&["cancel-all", "killall"], "cancel @queued @running"),
    (&["info-worker"], "info {}"),
    (&["qalter", "bmod", "alter", "modify", "edit", "update", "reprioritize"], "change {} --priority=N"),
    (&["urgent", "promote", "front", "first", "btop"], "top {}"),
    (&["demote", "defer", "bbot"], "bottom {}"),
    (&["cron", "crontab", "timer", "repeat"], "schedule NAME \"0 3 * * *\" \"COMMAND\""),
];

/// What does the work of a foreign flag of jobs.
const FLAGS: [(&[&str], &str); 36] = [
    (&["-J", "-N", "--job-name", "--label", "-L"], "--name=NAME"),
    (&["-l"], "--cpus=N, --memory=SIZE, --gpus=N or --timeout=DUR, or --name=NAME for a label"),
    (&["-p", "-q", "--partition", "--queue", "-g", "--pool"], "--group=GROUP"),
    (&["-d", "--dependency", "--after", "--needs", "-a"], "--depends=JOB"),
    (&["-t", "--time", "--timelimit", "--time-limit", "--walltime"], "--timeout=DUR"),
    (&["-G", "--gpu", "--gres", "--gpus-per-node", "--gpus-per-task", "--ngpus"], "--gpus=N"),
    (&["--gpu-memory", "--gpu-mem", "--mem-per-gpu", "--gpumem"], "--vram=SIZE"),
    (&["-D", "--chdir", "--workdir", "--working-directory"], "--cwd=DIR"),
    (&["-e", "--export", "-v", "-V", "--environment", "--set-env"], "--env=KEY=VALUE"),
    (&["--nice", "--prio"], "--priority=N"),
    (&["-o"], "--priority=N, or --download=GLOB for a file"),
    (&["-x", "--not"], "--exclude=WORKER"),
    (&["-H", "--held", "--stashed", "--pause", "--paused"], "--hold"),
    (&["-i", "--input", "--stdin"], "--stdin-file=FILE"),
    (&["--file", "--files", "-f", "--copy", "--send", "--in"], "--upload=FILE"),
    (&["--output-file", "--fetch", "--result", "--results", "--out", "--get"], "--download=GLOB"),
    (&["--delay", "--at", "--start", "--start-time", "--not-before"], "--begin=TIME"),
    (&["--retry", "--requeue", "--max-retries", "--restarts", "-r"], "--retries=N"),
    (&["--array", "--foreach", "--sweep"], "split \"COMMAND {}\" FILE"),
    (&["--every", "--cron", "--repeat", "--interval"], "schedule NAME \"every 15m\" \"COMMAND\""),
    (&["-s", "-w", "-W", "--sync", "--block", "--follow", "--foreground"], "--wait"),
    (&["--tag", "--lock", "--locks"], "--tags=TAG"),
    (&["--constraint", "-C"], "--group=GROUP"),
    (&["--nodelist", "--node", "--host", "--on", "--machine", "--workers"], "--worker=WORKER"),
    (&["--ttl", "--deadline", "--expire", "--expiry"], "--expires=DUR"),
    (&["--key", "--id", "--dedupe", "--unique"], "--idempotency-key=KEY"),
    (&["--backoff", "--retry-wait", "--retry-after"], "--retry-delay=DUR"),
    (&["--same-node", "--same-worker", "--affinity"], "--same-machine"),
    (&["--mask"], "--umask=MODE"),
    (&["--mem", "-M", "--ram", "--mem-per-node", "--mem-per-cpu", "-m"], "--memory=SIZE"),
    (&["--cpus-per-task", "-c", "--cpu", "--cores", "--ntasks", "--threads", "--ncpus"], "--cpus=N"),
    (&["--license", "--licenses", "--resource", "--resources"], "--need=NAME=N"),
    (&["--interpreter", "--bash"], "--shell=SHELL"),
    (&["-n", "--test", "--test-only", "--preview", "--check"], "--dry-run, of batch and split"),
    (&["--on-loss", "--if-lost"], "--on-lost=WHAT"),
    (&["--separate", "-0", "--null-data", "--print0"], "--null, of split"),
];

/// Programs whose name stands in front of a verb.
const PROGRAMS: [&str; 6] = ["pueue", "c2-tui", "c2", "slurm", "docker", "sudo"];

/// The line that means here what a foreign verb means there.
pub(crate) fn line(line: &str, words: &[Word]) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    if let Some(next) = rest.first().filter(|_| PROGRAMS.contains(&verb.text.as_str())) {
        let behind = &line[next.span.start..];
        return if super::find(&next.text).is_some() { Some(behind.to_owned()) } else { self::line(line, rest) };
    }
    let (_, form) = VERBS.iter().find(|(verbs, _)| verbs.contains(&verb.text.as_str()))?;
    let rest = match rest {
        [first, behind @ ..] if first.text == "--" => behind,
        all => all,
    };
    let span = rest.first().zip(rest.last()).map(|(first, last)| line[first.span.start..last.span.end].to_owned());
    let quoted = match (rest, &span) {
        ([one], Some(span)) if one.is_quoted() => span.clone(),
        (_, Some(span)) => quoted(span),
        (_, None) => "\"COMMAND\"".to_owned(),
    };
    // Flags of another tool mean nothing to verbs that take jobs or workers.
    let takes_words = ["submit", "pdsh", "split", "batch"].iter().any(|verb| form.starts_with(verb));
    let plain = || {
        let words = rest.iter().filter(|word| !word.text.starts_with('-')).map(|word| &line[word.span.clone()]);
        Some(words.collect::<Vec<_>>().join(" ")).filter(|words| !words.is_empty())
    };
    let rest = if takes_words { span } else { plain() };
    // Without words of its own the line shows those of the usage.
    let rest = rest.unwrap_or_else(|| operands(form).to_owned());
    Some(
        form.replace("{l}", &self::quoted(line[verb.span.start..].trim())).replace("{q}", &quoted).replace("{}", &rest),
    )
}

/// What stands behind a verb of ours.
fn operands(form: &str) -> &'static str {
    match form.split(' ').next().unwrap_or_default() {
        "pdsh" => "@all COMMAND",
        "submit" | "batch" => "FILE",
        "split" => "\"COMMAND {}\" FILE",
        "set-tags" => "WORKER TAG",
        "set-resources" => "WORKER cpus=N",
        "get-tags" | "info" | "drain" | "resume" | "remove-worker" => "WORKER",
        "assign" | "unassign" => "WORKER GROUP",
        _ => "JOB",
    }
}

/// What a foreign flag of jobs is here.
pub(crate) fn flag(name: &str) -> Option<&'static str> {
    FLAGS.iter().find(|(names, _)| names.contains(&name)).map(|(_, flag)| *flag)
}

/// Shell text as one word of a line.
pub(crate) fn quoted(text: &str) -> String {
    if text.contains('"') || text.contains('$') || text.contains('`') || text.contains('\\') {
        format!("'{}'", text.replace('\'', "'\\''"))
    } else {
        format!("\"{text}\"")
    }
}
