//! Lines of other tools, of shells and of newcomers, each whole, with the line that does the same here: for what
//! their verbs alone do not say.
//!
//! They are data. In a pattern `JOB` is a job (`3`, `%3`, `job/3`), `N` begins with a digit, `X` and `Y` are any word,
//! `*` is the rest, `?` a rest that means nothing here, and `a|b` either word. Flags that a pattern does not name are
//! passed over.

use c2_shared::selection::state_called;

use crate::command::{Word, foreign};

/// The first that fits counts.
const LINES: &[(&str, &str)] = &[
    // Shells.
    ("jobs -l|-p|-r|-s", "jobs"),
    ("kill JOB", "cancel {JOB}"),
    ("kill -s|-n X JOB", "cancel {JOB}"),
    ("fg JOB", "follow {JOB}"),
    ("fg", "follow last"),
    ("bg JOB", "release {JOB}"),
    ("bg", "release last"),
    ("disown ?", "jobs"),
    ("watch -n X *", "{*}"),
    ("watch *", "{*}"),
    ("cd X", "submit \"COMMAND\" --cwd={X}"),
    ("top|htop|w|who", "list"),
    ("whoami|date|hostname|pwd|id|lscpu|lsblk|lsof|env|du|dmesg|ip ?", "pdsh @all {l}"),
    ("mpirun|mpiexec|ffmpeg|gcc|cargo|npm|java|perl|ruby|Rscript|sh|bash *", "submit {l}"),
    ("version|--version|-v|-V|about", "c2-tui --version, in a shell"),
    ("exit|quit|logout X", "quit"),
    ("shutdown|reboot|poweroff X", "pdsh {X} {0}"),
    ("wakeup X", "wake {X}"),
    ("cat|less|more JOB", "output {JOB}"),
    ("tail|head -n X JOB", "output {JOB}"),
    ("nice|renice X JOB", "change {JOB} --priority={X}"),
    ("nice|priority JOB X", "change {JOB} --priority={X}"),
    ("nice|priority JOB", "change {JOB} --priority=N"),
    ("rename JOB X", "change {JOB} --name={X}"),
    ("move JOB top|first|up", "top {JOB}"),
    ("move JOB bottom|last|down", "bottom {JOB}"),
    ("seq X Y", "submit \"COMMAND\" --array={X}-{Y}"),
    // at and cron.
    ("atq", "jobs"),
    ("at -l", "jobs"),
    ("atrm JOB", "cancel {JOB}"),
    ("at now + X minute|minutes|min ?", "submit \"COMMAND\" --begin=+{X}m"),
    ("at now + X hour|hours ?", "submit \"COMMAND\" --begin=+{X}h"),
    ("at now + X day|days ?", "submit \"COMMAND\" --begin=+{X}d"),
    ("at N *", "submit {q} --begin={X}"),
    ("at N", "submit \"COMMAND\" --begin={X}"),
    ("crontab -l", "schedule list"),
    ("crontab -r", "schedule remove NAME"),
    ("every N *", "schedule NAME \"every {X}\" {q}"),
    // Slurm and PBS.
    ("squeue|qstat|sacct|sstat|bjobs -j|-f|-l JOB", "job {JOB}"),
    ("qstat|sstat|bjobs JOB", "job {JOB}"),
    ("squeue|qstat -p|-q X", "jobs --group={X}"),
    ("squeue|sprio|qselect ?", "jobs"),
    ("scancel|qdel|bkill -u|--user X", "cancel @queued @running"),
    ("scancel|qdel|bkill --me|-a", "cancel @queued @running"),
    ("scancel|qdel|bkill|kill|stop all|0|*", "cancel @queued @running"),
    ("scancel -n|--name X", "cancel {X}"),
    ("scancel --state=PENDING|--state=pending", "cancel @queued"),
    ("scancel -t X", "cancel @queued"),
    ("sinfo|pbsnodes|qhost|bhosts ?", "list"),
    ("scontrol show node|nodes", "list"),
    ("scontrol show job|jobs", "jobs"),
    ("scontrol update ?", "change JOB --priority=N"),
    ("scontrol resume JOB", "release {JOB}"),
    ("sbcast X ?", "copy {X} @all:DIR"),
    ("qmod -sj JOB", "hold {JOB}"),
    ("qmod -usj JOB", "release {JOB}"),
    ("qrerun JOB", "retry {JOB}"),
    ("qrun|qorder JOB ?", "top {JOB}"),
    // task-spooler and pueue.
    ("tsp|ts", "jobs"),
    ("tsp|ts -S X", "c2-agent --slots={X}, where the agent is started"),
    ("tsp|ts -K", "cancel @queued @running"),
    ("tsp|ts -p JOB", "job {JOB}"),
    ("tsp|ts -o JOB", "output {JOB}"),
    ("tsp|ts -q|-R|-B", "jobs"),
    ("tsp|ts -V", "c2-tui --version, in a shell"),
    ("tsp|ts -h", "help"),
    ("pueue", "jobs"),
    ("pueue parallel X", "c2-agent --slots={X}, where the agent is started"),
    ("pueue parallel", "list"),
    ("pueue pause JOB", "hold {JOB}"),
    ("pueue start|resume", "unpause"),
    ("pueue log", "log"),
    ("pueue clean|reset", "cancel @queued @running"),
    ("pueue kill --all|-a", "cancel @running"),
    ("pueue switch JOB ?", "top {JOB}"),
    ("pueue group add X", "assign WORKER {X}"),
    ("pueue wait", "wait @queued @running"),
    ("pueue restart --all-failed|-a", "retry @failed"),
    // kubectl, nomad, docker, systemctl.
    ("kubectl get all", "jobs"),
    ("kubectl get events ?", "log"),
    ("kubectl delete pods|jobs|pod|job --all", "cancel @queued @running"),
    ("kubectl cluster-info|scale ?", "list"),
    ("kubectl taint node|nodes X ?", "drain {X}"),
    ("kubectl label node|nodes X ?", "set-tags {X} TAG"),
    ("kubectl rollout restart JOB", "retry {JOB}"),
    ("nomad run|plan X", "batch {X}"),
    ("nomad node drain X", "drain {X}"),
    ("nomad job history JOB", "job {JOB}"),
    ("docker|podman pause JOB", "hold {JOB}"),
    ("docker|podman unpause|start JOB", "release {JOB}"),
    ("docker|podman logs --tail|-n X JOB", "output {JOB}"),
    ("docker|podman stats", "list"),
    ("docker|podman top JOB", "job {JOB}"),
    ("systemctl start JOB", "release {JOB}"),
    ("systemctl stop|kill JOB", "cancel {JOB}"),
    ("systemctl restart JOB", "retry {JOB}"),
    ("systemctl status JOB", "job {JOB}"),
    ("systemctl list-units|list-jobs ?", "jobs"),
    // ssh and what runs over it.
    ("ssh-copy-id|ssh-keyscan X", "verify-ssh {X}"),
    ("sftp X", "copy FILE {X}:DIR"),
    ("pscp|prsync|pdcp -w X Y *", "copy {Y} {X}:{*}"),
    ("ansible X -m ping", "verify-ssh @{X}"),
    ("ansible X -a *", "pdsh @{X} {*}"),
    ("pdsh -g X *", "pdsh @{X} {*}"),
    ("pdsh -a *", "pdsh @all {*}"),
    ("pdsh|clush -w X *", "pdsh {X} {*}"),
    ("pdsh -R ssh -w X *", "pdsh {X} {*}"),
    ("upload X", "copy {X} TARGET:DIR"),
    // Nouns and verbs in another order.
    ("new|create|add job|task *", "submit {q}"),
    ("start job|task JOB", "release {JOB}"),
    ("delete|remove|kill|stop|abort job|task JOB", "cancel {JOB}"),
    ("show|list|ls|get|display jobs|job|tasks", "jobs"),
    ("show|list|ls|get|display workers|nodes|machines|hosts|agents ?", "list"),
    ("show|list|ls|get|display queue|status", "queue-status"),
    ("show|list|ls|get|display groups", "groups"),
    ("show|list|ls|get|display log|history|results", "log"),
    ("show|list|ls|get|display schedules", "schedule list"),
    ("show|get|display job|task JOB", "job {JOB}"),
    ("show|get|display output|stdout|logs|log JOB", "output {JOB}"),
    ("show|get|display worker|node X", "info {X}"),
    ("job|jobs|task status|show|info|get JOB", "job {JOB}"),
    ("job|jobs|task cancel|kill|stop|delete|rm JOB", "cancel {JOB}"),
    ("job|jobs|task output|logs|log|cat JOB", "output {JOB}"),
    ("job|jobs|task retry|restart JOB", "retry {JOB}"),
    ("job|jobs|task hold|suspend JOB", "hold {JOB}"),
    ("job|jobs|task release|resume JOB", "release {JOB}"),
    ("job JOB output|stdout|logs|log", "output {JOB}"),
    ("job JOB cancel|kill|stop", "cancel {JOB}"),
    ("job|jobs|task submit|run|add *", "submit {q}"),
    ("jobs list|all|ls", "jobs --all"),
    ("jobs -a", "jobs --all"),
    ("jobs -n X", "jobs --limit={X}"),
    ("jobs JOB", "job {JOB}"),
    ("jobs -s STATE", "jobs --state={STATE}"),
    ("jobs STATE", "jobs --state={STATE}"),
    ("log STATE", "log --state={STATE}"),
    ("log all", "log 1000"),
    ("log -n X", "log {X}"),
    ("output --job|-j JOB", "output {JOB}"),
    ("output JOB -f", "output {JOB} --follow"),
    ("output -f JOB", "output {JOB} --follow"),
    ("worker|node|workers|nodes list|ls|status", "list"),
    ("worker|node drain|cordon X", "drain {X}"),
    ("worker|node resume|uncordon X", "resume {X}"),
    ("worker|node remove|rm|delete X", "remove-worker {X}"),
    ("worker|node X drain", "drain {X}"),
    ("worker|node X resume", "resume {X}"),
    ("group add|assign X Y", "assign {X} {Y}"),
    ("group remove|rm|delete X Y", "unassign {X} {Y}"),
    ("groups ?", "groups"),
    ("add-to-group X Y", "assign {X} {Y}"),
    ("tag X *", "set-tags {X} {*}"),
    ("untag X ?", "set-tags {X} TAG"),
    ("cancel -a|--all", "cancel @queued @running"),
    ("cancel -f|--force JOB", "cancel {JOB}"),
    ("hold --all|-a", "hold @queued"),
    ("release --all|-a", "release @held"),
    ("wait --all|-a", "wait @queued @running"),
    ("retry --all|-a|--failed", "retry @failed"),
    ("drain|resume --all|-a", "{0} @all"),
    ("pause JOB", "hold {JOB}"),
    ("unpause|resume JOB", "release {JOB}"),
    ("pause X", "drain {X}"),
    ("unpause X", "resume {X}"),
    ("submit --file|-f|--job X", "submit --script={X}"),
    ("submit -- *", "submit {q}"),
    // It waits for nothing, and says no more than the id, unless it is asked to.
    ("submit X --background|--bg|--detach|--async|--no-wait|--quiet|--silent|-q|--nohup|-b", "submit {X}"),
    ("jobs --running", "jobs --state=running"),
    ("jobs --queued|--pending", "jobs --state=queued"),
    ("jobs --failed|--errors", "jobs --state=failed"),
    ("jobs --held", "jobs --state=held"),
    ("log --since|--from|--after X", "log 1000"),
    ("array N *", "submit {q} --array={X}"),
    ("batch < X", "batch {X}"),
    ("batch --file|-f X", "batch {X}"),
    ("get-files JOB --dir|-o|-d|--output|--to X", "get-files {JOB} {X}"),
    ("pull JOB", "get-files {JOB}"),
    ("pull JOB X", "get-files {JOB} {X}"),
];

/// What a pattern found in a line.
#[derive(Debug, Default)]
struct Found<'a> {
    verb: &'a str,
    job: Option<&'a str>,
    words: Vec<&'a str>,
    state: &'static str,
    rest: &'a [Word],
}

/// The line that means here what a whole line means elsewhere.
pub(crate) fn line(line: &str, words: &[Word]) -> Option<String> {
    let (found, ours) = LINES.iter().find_map(|(pattern, ours)| Some((fits(pattern, line, words)?, ours)))?;
    let raw = |words: &[Word]| words.first().zip(words.last()).map(|(a, b)| line[a.span.start..b.span.end].to_owned());
    let rest = raw(found.rest).unwrap_or_default();
    let quoted = match found.rest {
        [one] if one.is_quoted() => rest.clone(),
        _ => foreign::quoted(&rest),
    };
    let whole = foreign::quoted(&raw(words).unwrap_or_default());
    let word = |at: usize| found.words.get(at).copied().unwrap_or_default();
    let values = [
        ("{JOB}", found.job.unwrap_or_default()),
        ("{X}", word(0)),
        ("{Y}", word(1)),
        ("{STATE}", found.state),
        ("{0}", found.verb),
        ("{l}", &whole),
        ("{q}", &quoted),
        ("{*}", &rest),
    ];
    let (mut filled, mut left) = (String::new(), *ours);
    while let Some(at) = left.find('{') {
        let (place, value) = values.iter().find(|(place, _)| left[at..].starts_with(place))?;
        filled.push_str(&left[..at]);
        filled.push_str(value);
        left = &left[at + place.len()..];
    }
    Some(filled + left)
}

/// Whether a pattern is that of a line, and what stands in its places.
fn fits<'a>(pattern: &str, line: &'a str, words: &'a [Word]) -> Option<Found<'a>> {
    let mut found = Found { verb: &words.first()?.text, ..Found::default() };
    let mut at = 0;
    for token in pattern.split(' ') {
        let is_named = |word: &str| token.split('|').any(|name| name.eq_ignore_ascii_case(word));
        if matches!(token, "?" | "*") {
            found.rest = &words[at..];
            let is_there = token == "?" || !found.rest.is_empty();
            return is_there.then_some(found);
        }
        while words.get(at).is_some_and(|word| is_flag(word) && !is_named(&word.text)) && !token.starts_with('-') {
            at += 1;
        }
        let word = words.get(at)?;
        match token {
            "JOB" => found.job = Some(found.job.unwrap_or(job(&word.text)?)),
            "STATE" => found.state = state_called(&word.text)?.word(),
            "N" if !word.text.starts_with(|c: char| c.is_ascii_digit()) => return None,
            "X" | "Y" | "N" => found.words.push(&line[word.span.clone()]),
            _ if is_named(&word.text) => {}
            _ => return None,
        }
        at += 1;
    }
    let is_all = if pattern.contains(' ') { words[at..].iter().all(is_flag) } else { words.len() == 1 };
    is_all.then_some(found)
}

fn is_flag(word: &Word) -> bool {
    word.text.starts_with('-') && word.text.len() > 1 && !word.is_quoted()
}

/// A job as shells and clusters write it, without what stands around its number.
fn job(text: &str) -> Option<&str> {
    let number = text.rsplit(['/', '%', '#']).next()?.trim_start_matches("job-");
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(number)
}
