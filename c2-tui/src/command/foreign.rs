//! What people bring from other tools: verbs and flags of Slurm, PBS, task-spooler, pueue, kubectl and
//! shells, each with what does the same here.
//!
//! A verb's line is given in full, with the words that were typed in their place, so that one step
//! leads to it.

use crate::command::Word;

/// How a foreign verb is written here; `{}` is the rest of the line, `{q}` the rest in quotes.
const VERBS: [(&[&str], &str); 43] = [
    (&["sbatch", "qsub", "bsub", "condor_submit"], "submit --script={}"),
    (&["srun", "salloc", "run", "parallel"], "submit {q} --wait"),
    (&["tsp", "ts", "add", "enqueue", "queue", "at", "nohup", "sh", "bash"], "submit {q}"),
    (&["squeue", "qstat", "bjobs", "ps", "ls", "task", "tasks", "ll", "dir", "pods"], "jobs"),
    (&["sinfo", "pbsnodes", "bhosts", "nodes", "node", "workers", "machines", "hosts", "agents"], "list"),
    (&["worker", "machine", "host"], "info {}"),
    (&["scancel", "qdel", "bkill", "kill", "rm", "remove", "delete", "stop", "abort", "del", "terminate"], "cancel {}"),
    (&["sacct", "history", "results", "qhist"], "log"),
    (&["logs", "cat", "stdout", "peek", "bpeek"], "output {}"),
    (&["stderr"], "output {} --stderr"),
    (&["tail", "attach", "watch", "sattach", "stream"], "follow {}"),
    (&["status", "stat", "stats", "state", "queue-state"], "queue-status"),
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
    (&["settags", "set_tags", "set-tag", "label"], "set-tags {}"),
    (&["cleanup", "clean", "gc", "prune"], "cleanup-workspaces @all"),
    (&["reset"], "cancel @queued @running"),
    (&["man", "usage", "?", "h", "commands"], "help"),
    (&["unassign-group", "leave"], "unassign {}"),
    (&["assign-group", "join"], "assign {}"),
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
    (&["jobinfo", "job-info", "scontrol"], "job {}"),
    (&["follow-output"], "follow {}"),
    (&["await", "join-jobs", "swait"], "wait {}"),
    (&["cancel-all", "killall"], "cancel @queued @running"),
    (&["info-worker"], "info {}"),
];

/// What does the work of a foreign flag of jobs.
const FLAGS: [(&[&str], &str); 27] = [
    (&["-J", "-N", "--job-name", "--label", "-l", "-L"], "--name=NAME"),
    (&["-p", "-q", "--partition", "--queue", "-g", "--pool"], "--group=GROUP"),
    (&["-d", "-W", "--dependency", "--after", "--needs", "-a", "--depend"], "--depends=JOB"),
    (&["-t", "--time", "--timelimit", "--time-limit", "--walltime", "--limit"], "--timeout=DUR"),
    (&["-G", "--gpus", "--gpu", "--gres"], "--tags=gpu"),
    (&["-D", "--chdir", "--cwd", "--workdir", "--working-directory", "-w"], "submit \"cd DIR && COMMAND\""),
    (&["-e", "--export", "-v", "-V", "--environment", "--set-env"], "--env=KEY=VALUE"),
    (&["--nice", "--prio", "-o"], "--priority=N"),
    (&["-x", "--not"], "--exclude=WORKER"),
    (&["-H", "--held", "--stashed", "--pause", "--paused"], "--hold"),
    (&["-i", "--input", "--stdin"], "--stdin-file=FILE"),
    (&["--file", "--files", "-f", "--copy", "--send", "--in"], "--upload=FILE"),
    (&["--output-file", "--fetch", "--result", "--results", "--out", "--get"], "--download=GLOB"),
    (&["--delay", "--at", "--start", "--start-time", "--not-before"], "--begin=TIME"),
    (&["--retry", "--requeue", "--max-retries", "--restarts", "-r"], "--retries=N"),
    (&["--array", "--foreach", "--sweep"], "split \"COMMAND {}\" FILE"),
    (&["--every", "--cron", "--repeat", "--interval"], "cron with c2-tui --exec 'submit \"COMMAND\"'"),
    (&["-s", "--sync", "--block", "--follow", "--foreground"], "--wait"),
    (&["--tag", "--lock", "--locks", "--license", "--licenses"], "--tags=TAG"),
    (&["--constraint", "-C", "--nodelist", "--worker", "--node", "--host", "--on", "--machine"], "--group=GROUP"),
    (&["--key", "--id", "--dedupe", "--unique"], "--idempotency-key=KEY"),
    (&["--backoff", "--retry-wait", "--retry-after"], "--retry-delay=DUR"),
    (&["--same-node", "--same-worker", "--affinity"], "--same-machine"),
    (&["--mask"], "--umask=MODE"),
    (&["-n", "--test", "--test-only", "--preview", "--check"], "--dry-run, of batch and split"),
    (&["--on-loss", "--if-lost"], "--on-lost=WHAT"),
    (&["--separate", "-0", "--null-data", "--print0"], "--null, of split"),
];

/// The line that means here what a foreign verb means there.
pub(crate) fn line(line: &str, words: &[Word]) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    let (_, form) = VERBS.iter().find(|(verbs, _)| verbs.contains(&verb.text.as_str()))?;
    let span = rest.first().zip(rest.last()).map(|(first, last)| &line[first.span.start..last.span.end]);
    let quoted = match (rest, span) {
        ([one], Some(span)) if one.is_quoted() => span.to_owned(),
        (_, Some(span)) => quoted(span),
        (_, None) => "\"COMMAND\"".to_owned(),
    };
    // Whoever only wants to see how it is done gets the words of the usage.
    let rest = span.unwrap_or(match *form {
        form if form.starts_with("pdsh") => "@all COMMAND",
        form if form.starts_with("submit --script") || form.starts_with("batch") => "FILE",
        form if form.starts_with("split") => "\"COMMAND {}\" FILE",
        form if form.contains("tags") || form.contains("info") || form.contains("drain") => "WORKER",
        form if form.starts_with("resume") || form.starts_with("remove") => "WORKER",
        _ => "JOB",
    });
    Some(form.replace("{q}", &quoted).replace("{}", rest))
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
