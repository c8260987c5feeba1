//! What people bring from other tools: verbs and flags of Slurm, PBS, task-spooler, pueue, kubectl and
//! shells, each with what does the same here.
//!
//! A verb's line is given in full, with the words that were typed in their place, so that one step
//! leads to it. The flags of batch systems are those of `foreign_flags`.

use crate::command::{Word, foreign_flags, habits, lex};

/// How a foreign verb is written here; `{}` is the rest of the line, `{f}` its first word that is no flag, `{q}`
/// the rest in quotes, `{p}` the same with a place for inputs, `{l}` the whole of the line.
const VERBS: &[(&[&str], &str)] = &[
    (&["sh", "bash", "python", "python3", "make", "sleep", "echo", "nvidia-smi"], "submit {l}"),
    (&["for", "while", "until", "if", "case", "select", "function"], "submit {l}"),
    (&["sbatch", "qsub", "condor_submit"], "submit --script={f}"),
    (&["srun", "salloc", "run", "time"], "submit {q} --wait"),
    (&["systemctl", "service", "journalctl", "uptime", "df", "free", "uname", "apt", "apt-get"], "pdsh @all {l}"),
    (&["tsp", "ts", "add", "enqueue", "nohup", "bsub"], "submit {q}"),
    (&["login", "logout"], "c2-tui {l}, in a shell"),
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
    (&["scp", "rsync", "rcp", "cp", "sftp", "push", "put"], "copy {}"),
    (&["pdcp", "rpdcp"], "copy FILE TARGET:DIR"),
    (&["cordon"], "drain {}"),
    (&["undrain", "uncordon", "enable"], "resume {}"),
    (&["wol", "wakeonlan", "wake-on-lan", "etherwake", "power-on"], "wake {}"),
    (&["disable"], "drain {}"),
    (&["tags", "tag"], "get-tags {}"),
    (&["set_resources", "set-resource", "resources", "limits"], "set-resources {}"),
    (&["settags", "set_tags", "set-tag", "label"], "set-tags {}"),
    (&["cleanup", "clean", "gc", "prune"], "cleanup-workspaces @all"),
    (&["man", "usage", "?", "h", "commands"], "help {}"),
    (&["unassign-group"], "unassign {}"),
    (&["assign-group"], "assign {}"),
    (&["group"], "groups"),
    (&["forget"], "remove-worker {}"),
    (&["check", "diagnose", "health", "ping"], "doctor"),
    (&["verify", "check-ssh", "ssh-check"], "verify-ssh @all"),
    (&["add-host", "add-node", "add-machine", "new-worker"], "add-worker USER@HOST"),
    (&["explain", "reason"], "why {}"),
    (&["array", "foreach", "map"], "split {}"),
    (&["parallel", "xargs"], "split {p} FILE"),
    (&["submit-batch", "import", "load", "apply", "create"], "batch {}"),
    (&["block", "freeze", "halt"], "pause"),
    (&["continue", "unfreeze", "go"], "unpause"),
    (&["bye", "leave-console", ":q", "q", "q!", "wq"], "quit"),
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

/// What does the work of a foreign flag.
const FLAGS: &[(&[&str], &str)] = &[
    (&["-J", "-N", "--job-name", "--label", "-L", "--comment", "--title", "--description"], "--name=NAME"),
    (&["-l"], "--cpus=N, --memory=SIZE, --gpus=N or --timeout=DUR, or --name=NAME for a label"),
    (&["-p", "-q", "--partition", "--queue", "-g", "--pool"], "--group=GROUP"),
    (&["-d", "--dependency", "--after", "--needs", "-a"], "--depends=JOB"),
    (&["-t", "--time", "--timelimit", "--time-limit", "--walltime"], "--timeout=DUR"),
    (&["-G", "--gpu", "--gres", "--gpus-per-node", "--gpus-per-task", "--ngpus"], "--gpus=N"),
    (&["--gpu-memory", "--gpu-mem", "--mem-per-gpu", "--gpumem"], "--vram=SIZE"),
    (&["-D", "--chdir", "--workdir", "--working-directory", "--dir", "--directory"], "--cwd=DIR"),
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
    (&["--foreach", "--sweep"], "split \"COMMAND {x}\" --sweep=x=1-10"),
    (&["--array", "--count", "--times", "--each"], "--array=1-100, of submit"),
    (&["--max-jobs", "--concurrency", "--parallel", "-j", "--jobs", "--limit"], "--max-running=N, of a --batch=NAME"),
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
    (&["-n", "--test", "--test-only", "--preview", "--check"], "--dry-run"),
    (
        &["--mail", "--mail-type", "--mail-user", "--email", "--notify-on", "--on-failure", "--on-fail"],
        "--notify=NAME, of a rule of `notify add`",
    ),
    (&["--docker", "--image", "--container", "--podman"], "\"podman run IMAGE COMMAND\", as the command"),
    (&["--exclusive"], "--cpus=N, all that the worker has"),
    (
        &["--output", "--stdout", "--stderr", "--error", "--log"],
        "--download=GLOB for files; `output JOB` shows what it writes",
    ),
    (&["--on-loss", "--if-lost"], "--on-lost=WHAT"),
    (&["--separate", "-0", "--null-data", "--print0"], "--null, of split"),
    (
        &["--tz", "--time-zone", "--zone"],
        "--timezone=ZONE, of schedule; a time has its zone behind it: --begin=\"18:00 Europe/Berlin\"",
    ),
    (&["--url", "--webhook", "--target", "--send-to"], "--to=TARGET"),
    (&["--event", "--events", "--when"], "--on=failed"),
];

/// Prompts of shells and of other consoles, which come with a line that is copied.
const PROMPTS: [&str; 7] = [">", "$", "%", "»", "❯", ">>>", "C2>"];

/// Programs whose name stands in front of a verb.
const PROGRAMS: [&str; 11] =
    ["hq", "pueue", "kubectl", "c2-tui", "c2", "slurm", "scontrol", "docker", "podman", "nomad", "sudo"];

/// What those programs call jobs, and what they call workers.
const NOUNS: [(&[&str], bool); 2] = [
    (&["job", "jobs", "pod", "pods", "task", "tasks", "alloc", "container", "containers"], false),
    (&["node", "nodes", "worker", "workers"], true),
];

/// What is done with a noun that stands first, as in `hq job list`: with jobs, and with workers.
const ACTIONS: [(&[&str], &str, &str); 6] = [
    (&["list", "ls"], "jobs", "list"),
    (&["cancel", "stop", "kill", "delete", "rm"], "cancel", "remove-worker"),
    (&["info", "show", "status", "inspect", "describe", "summary"], "job", "info"),
    (&["logs", "log", "cat", "output"], "output", "info"),
    (&["run", "plan"], "batch", "add-worker"),
    (&["wait"], "wait", "info"),
];

/// What flags of task-spooler do, which has no verbs.
const SPOOLER: [(&str, &str); 10] = [
    ("-l", "jobs"),
    ("-k", "cancel {}"),
    ("-r", "cancel {}"),
    ("-c", "output {}"),
    ("-t", "follow {}"),
    ("-w", "wait {}"),
    ("-u", "top {}"),
    ("-i", "job {}"),
    ("-s", "job {}"),
    ("-C", "log"),
];

/// The line that means here what a foreign verb means there.
pub(crate) fn line(line: &str, words: &[Word]) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    let verb_text = verb.text.as_str();
    if PROMPTS.contains(&verb_text) {
        return again(&line[rest.first()?.span.start..]);
    }
    // `kubectl get pods` has its verb in the noun.
    let is_verb = |word: &Word| super::find(&word.text).is_some() || form(&word.text).is_some();
    if let Some(ours) = habits::line(line, words) {
        return Some(ours);
    }
    let leads = PROGRAMS.contains(&verb_text) || verb_text == "get" && rest.first().is_some_and(is_verb);
    if leads && let Some(next) = rest.first() {
        return behind_program(line, verb, next, rest);
    }
    let spooler = rest.first().filter(|_| ["tsp", "ts"].contains(&verb_text));
    let spooler = spooler.and_then(|flag| SPOOLER.iter().find(|(name, _)| *name == flag.text));
    let form = spooler.map_or_else(|| form(verb_text), |(_, form)| Some(*form))?;
    let rest = match rest {
        [first, behind @ ..] if first.text == "--" => behind,
        all => all,
    };
    let wrapped = rest.iter().find_map(|word| word.text.strip_prefix("--wrap="));
    if let Some(command) = wrapped.filter(|_| form.contains("{f}")) {
        return Some(format!("submit {}", quoted(command)));
    }
    let is_whole = rest.first().is_some_and(Word::is_quoted) && !rest.iter().any(|word| word.text.starts_with(":::"));
    let form = if form.contains("{p}") && is_whole { "split {}" } else { form };
    let of_shell = ["{q}", "{p}", "{f}"].iter().any(|place| form.contains(place));
    let read = if of_shell { foreign_flags::read(verb_text, rest, form.contains("{f}")) } else { Default::default() };
    let rest = if of_shell { before_inputs(read.command) } else { rest };
    let span = rest.first().zip(rest.last()).map(|(first, last)| line[first.span.start..last.span.end].to_owned());
    let quoted = match (rest, &span) {
        ([one], Some(span)) if one.is_quoted() => span.clone(),
        (_, Some(span)) => quoted(span),
        (_, None) => "\"COMMAND\"".to_owned(),
    };
    // Flags of another tool mean nothing to verbs that take jobs or workers.
    let takes_words = ["submit", "pdsh", "split"].iter().any(|verb| form.starts_with(verb));
    let plain = || {
        let words = rest.iter().filter(|word| !word.text.starts_with('-')).map(|word| &line[word.span.clone()]);
        Some(words.collect::<Vec<_>>().join(" ")).filter(|words| !words.is_empty())
    };
    let rest = match form {
        "pdsh {}" => on_worker(line, rest),
        _ if takes_words => span,
        _ => plain(),
    };
    // Without words of its own the line shows those of the usage.
    let rest = rest.unwrap_or_else(|| operands(form).to_owned());
    let all = line[verb.span.start..].trim();
    let all = if form.starts_with("c2-tui") { all.to_owned() } else { self::quoted(all) };
    let script = read.operand.map_or("FILE", |word| &line[word.span.clone()]);
    let placed = if quoted.contains("{}") {
        quoted.clone()
    } else {
        format!("{} {{}}{}", &quoted[..quoted.len() - 1], &quoted[..1])
    };
    // Each place is filled once: what is typed may have places of its own.
    let mut filled = String::new();
    let mut left = form;
    while let Some((before, (place, behind))) = left.split_once('{').and_then(|(a, b)| Some((a, b.split_once('}')?))) {
        filled.push_str(before);
        filled.push_str(match place {
            "l" => &all,
            "q" => &quoted,
            "p" => &placed,
            "f" => script,
            _ => &rest,
        });
        left = behind;
    }
    let inputs = read.file.or_else(|| inputs_of(line, words));
    let left = inputs.filter(|_| form.contains("{p}")).map_or_else(|| left.to_owned(), |file| format!(" {file}"));
    Some((filled + &left + &read.flags).trim().to_owned())
}

/// A line with the name of a program in front of the verb.
fn behind_program(line: &str, program: &Word, next: &Word, rest: &[Word]) -> Option<String> {
    if let Some(at) = rest.iter().position(|word| word.text == "--exec") {
        let inner = rest.get(at + 1)?;
        let inner = if inner.is_quoted() { &inner.text } else { &line[inner.span.start..] };
        return again(inner);
    }
    match (program.text.as_str(), next.text.as_str()) {
        ("docker" | "podman", "run" | "exec" | "build" | "compose") => {
            Some(format!("submit {}", quoted(line[program.span.start..].trim())))
        }
        ("pueue", "enqueue") => Some(format!("release {}", line[next.span.end..].trim())),
        ("pueue", "log") => self::line(line, rest),
        _ => of_nouns(line, rest).or_else(|| again(&line[next.span.start..])),
    }
}

/// A line with a noun of a program, as in `hq job list` and `kubectl describe pod/3`, without the program.
fn of_nouns(line: &str, words: &[Word]) -> Option<String> {
    let noun = |word: &str| NOUNS.iter().find(|(nouns, _)| nouns.contains(&word)).map(|(_, are_workers)| *are_workers);
    let text = |word: &Word| {
        let text = &line[word.span.clone()];
        text.split_once('/').filter(|(before, _)| noun(before).is_some()).map_or(text, |(_, name)| name).to_owned()
    };
    let operands =
        |words: &[Word]| -> Vec<String> { words.iter().filter(|word| !word.text.starts_with('-')).map(text).collect() };
    let [first, behind @ ..] = words else { return None };
    let second = behind.first();
    if let (Some(are_workers), Some(action)) = (noun(&first.text), second)
        && let Some((_, job, worker)) = ACTIONS.iter().find(|(words, ..)| words.contains(&action.text.as_str()))
    {
        let operands = operands(&behind[1..]);
        let verb = if are_workers { worker } else { job };
        let verb = if *verb == "info" && operands.is_empty() { "list" } else { verb };
        return Some([&[(*verb).to_owned()], &operands[..operands.len().min(1)]].concat().join(" "));
    }
    // `node drain nas`
    if let (Some(_), Some(action)) = (noun(&first.text), second)
        && (super::find(&action.text).is_some() || form(&action.text).is_some())
    {
        return again(&line[action.span.start..]);
    }
    let (at, are_workers) = behind.iter().enumerate().find_map(|(at, word)| {
        let prefix = word.text.split_once('/').map_or(word.text.as_str(), |(before, _)| before);
        Some((at, noun(prefix)?))
    })?;
    let named = behind[at].text.contains('/');
    let operands = operands(&behind[if named { at } else { at + 1 }..]);
    match (first.text.as_str(), are_workers) {
        ("top", true) => Some("list".to_owned()),
        ("get", _) if operands.is_empty() => None,
        ("get" | "show" | "describe", true) => Some(format!("info {}", operands.join(" "))),
        ("get" | "show" | "describe", false) => Some(format!("job {}", operands.join(" "))),
        _ if operands.is_empty() => None,
        (verb, _) => again(&format!("{verb} {}", operands.join(" "))),
    }
}

/// A line that may be ours, or is another's itself.
fn again(line: &str) -> Option<String> {
    let words = lex::scan(line).0;
    let own = super::find(&words.first()?.text).is_some();
    if own { Some(line.to_owned()) } else { self::line(line, &words) }
}

/// A worker and the command for it, without flags in front of either.
fn on_worker(line: &str, words: &[Word]) -> Option<String> {
    let (mut target, mut flags) = (0, String::new());
    // Of ssh's own flags those count that say who logs in where; some others have a value, too.
    while let Some(flag) = words.get(target).filter(|word| word.text.starts_with('-')) {
        let value = words.get(target + 1).map(|word| &line[word.span.clone()]);
        let name = match flag.text.as_str() {
            "-p" => Some("port"),
            "-l" => Some("user"),
            _ => None,
        };
        flags.extend(name.zip(value).map(|(name, value)| format!("--{name}={value} ")));
        target += if name.is_some() || ["-i", "-o", "-F", "-J"].contains(&flag.text.as_str()) { 2 } else { 1 };
    }
    let named = words.get(target)?;
    let behind = &words[target + 1..];
    let command = behind.iter().position(|word| !word.text.starts_with('-')).map(|at| &behind[at..]);
    let command = command.and_then(|words| Some(line[words.first()?.span.start..words.last()?.span.end].to_owned()));
    let command = command.unwrap_or_else(|| "COMMAND".to_owned());
    let machine = &line[named.span.clone()];
    match machine.split_once('@').filter(|(user, _)| !user.is_empty()) {
        Some((user, host)) => Some(format!("{flags}--user={user} {host} {command}")),
        None => Some(format!("{flags}{machine} {command}")),
    }
}

/// The file behind `::::` of parallel.
fn inputs_of(line: &str, words: &[Word]) -> Option<String> {
    let at = words.iter().position(|word| word.text == "::::")?;
    words.get(at + 1).map(|word| line[word.span.clone()].to_owned())
}

fn form(verb: &str) -> Option<&'static str> {
    match verb {
        // Of pueue it is what a job wrote, and here that has another name.
        "log" => Some("output {}"),
        _ => VERBS.iter().find(|(verbs, _)| verbs.contains(&verb)).map(|(_, form)| *form),
    }
}

/// A command without the inputs of parallel, and without the sign that has a shell run it in the background.
fn before_inputs(words: &[Word]) -> &[Word] {
    let end = words.iter().position(|word| word.text.starts_with(":::") || word.text == "&");
    &words[..end.unwrap_or(words.len())]
}

/// What stands behind a verb of ours.
fn operands(form: &str) -> &'static str {
    match form.split(' ').next().unwrap_or_default() {
        "pdsh" => "@all COMMAND",
        "help" | "c2-tui" => "",
        "copy" => "FILE TARGET:DIR",
        "submit" | "batch" => "FILE",
        "split" => "\"COMMAND {}\" FILE",
        "set-tags" => "WORKER TAG",
        "set-resources" => "WORKER cpus=N",
        "get-tags" | "info" | "drain" | "resume" | "wake" | "remove-worker" => "WORKER",
        "assign" | "unassign" => "WORKER GROUP",
        _ => "JOB",
    }
}

/// What a foreign flag is here; most are of jobs.
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
