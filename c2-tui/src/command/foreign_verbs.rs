//! Verbs and flags of other tools, with what does the same here, as data.

/// How a foreign verb is written here; `{}` is the rest of the line, `{f}` its first word that is no flag, `{q}`
/// the rest in quotes, `{p}` the same with a place for inputs, `{l}` the whole of the line.
pub(super) const VERBS: &[(&[&str], &str)] = &[
    (&["sh", "bash", "python", "python3", "make", "sleep", "echo", "nvidia-smi"], "submit {l}"),
    (&["for", "while", "until", "if", "case", "select", "function"], "submit {l}"),
    (&["sbatch", "qsub", "condor_submit"], "submit --script={f}"),
    (&["srun", "salloc", "run"], "submit {q} --wait"),
    (&["time"], "submit {q} --wait"),
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
    (&["cleanup", "clean", "gc", "prune"], "cleanup-workspaces {}"),
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
    (&["cancel-all"], "cancel @queued @running"),
    (&["info-worker"], "info {}"),
    (&["qalter", "bmod", "alter", "modify", "edit", "update", "reprioritize"], "change {} --priority=N"),
    (&["urgent", "promote", "front", "first", "btop"], "top {}"),
    (&["demote", "defer", "bbot"], "bottom {}"),
    (&["cron", "crontab", "timer", "repeat"], "schedule NAME \"0 3 * * *\" \"COMMAND\""),
];

/// What does the work of a foreign flag.
pub(super) const FLAGS: &[(&[&str], &str)] = &[
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

/// Of programs that run on all machines those that may change one: the words by which they only look, if they need
/// any, and those by which they do not.
pub(super) const LOOKING: [(&[&str], &[&str], &[&str]); 4] = [
    (&["systemctl"], &["status", "is-", "show", "cat", "list-"], &[]),
    (&["service"], &["status", "--status-all"], &[]),
    (&["apt", "apt-get"], &["list", "search", "show", "policy", "--simulate", "--dry-run"], &[]),
    (&["journalctl"], &[], &["--rotate", "--vacuum", "--flush", "--sync", "--relinquish"]),
];

/// Prompts of shells and of other consoles, which come with a line that is copied.
pub(super) const PROMPTS: [&str; 7] = [">", "$", "%", "»", "❯", ">>>", "C2>"];

/// Programs whose name stands in front of a verb.
pub(super) const PROGRAMS: [&str; 11] =
    ["hq", "pueue", "kubectl", "c2-tui", "c2", "slurm", "scontrol", "docker", "podman", "nomad", "sudo"];

/// What those programs call jobs, and what they call workers.
pub(super) const NOUNS: [(&[&str], bool); 2] = [
    (&["job", "jobs", "pod", "pods", "task", "tasks", "alloc", "container", "containers"], false),
    (&["node", "nodes", "worker", "workers"], true),
];

/// Flags of those programs that have a value and name nothing.
pub(super) const VALUED: [&str; 8] =
    ["-o", "--output", "-n", "--namespace", "-l", "--selector", "--context", "--field-selector"];

/// What is done with a noun that stands first, as in `hq job list`: with jobs, and with workers.
pub(super) const ACTIONS: [(&[&str], &str, &str); 7] = [
    (&["list", "ls"], "jobs", "list"),
    (&["cancel", "stop", "kill"], "cancel", "drain"),
    (&["delete", "rm", "remove"], "cancel", "remove-worker"),
    (&["info", "show", "status", "inspect", "describe", "summary"], "job", "info"),
    (&["logs", "log", "cat", "output"], "output", "info"),
    (&["run", "plan"], "batch", "add-worker"),
    (&["wait"], "wait", "info"),
];

/// What flags of task-spooler do, which has no verbs.
pub(super) const SPOOLER: [(&str, &str); 10] = [
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
