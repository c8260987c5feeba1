//! Lines that end, stop or change jobs elsewhere: which jobs are meant counts, and a line that cannot say it here
//! leads to one that only shows them.

use c2_shared::selection::state_called;

use crate::command::foreign_families::To;
use crate::command::{Word, foreign_flags, foreign_time, habits, resolve};

/// Signals that end a process, those that stop it, and the one by which it continues.
const ENDING: [&str; 13] = ["", "TERM", "KILL", "INT", "QUIT", "HUP", "ABRT", "1", "2", "3", "6", "9", "15"];
const STOPPING: [&str; 6] = ["STOP", "TSTP", "TTIN", "TTOU", "19", "20"];
const CONTINUING: [&str; 2] = ["CONT", "18"];

/// What a signal does to a job; nothing if jobs here know it not.
fn effect(signal: &str) -> Option<&'static str> {
    let signal = signal.to_uppercase();
    let signal = signal.strip_prefix("SIG").unwrap_or(&signal);
    let effects = [("cancel", &ENDING[..]), ("hold", &STOPPING), ("release", &CONTINUING)];
    effects.into_iter().find(|(_, signals)| signals.contains(&signal)).map(|(effect, _)| effect)
}

/// All jobs to which something can be done.
fn all(effect: &str) -> &'static str {
    match effect {
        "hold" => "@queued",
        "release" => "@held",
        _ => resolve::ALL,
    }
}

pub(crate) fn line(line: &str, words: &[Word]) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    match verb.text.as_str() {
        "kill" | "pkill" | "killall" | "skill" => signalled(line, verb.text == "kill", rest),
        "scancel" | "qdel" | "bkill" | "canceljob" => cancelled(line, &verb.text, rest),
        "scontrol" if rest.first().is_some_and(|word| word.text == "update") => Some(updated(&rest[1..])),
        "tsp" | "ts" => swapped(rest),
        _ => None,
    }
}

/// A line of kill, or of those that find processes by their names.
fn signalled(line: &str, by_id: bool, rest: &[Word]) -> Option<String> {
    let (mut signal, mut jobs, mut at) = (String::new(), Vec::new(), 0);
    while let Some(word) = rest.get(at) {
        at += 1;
        let text = word.text.as_str();
        let flag = text.strip_prefix('-').filter(|flag| !flag.is_empty() && !word.is_quoted());
        match flag {
            None => jobs.push(named(line, word)),
            Some("-") => {}
            Some("s" | "n" | "-signal") => {
                signal = rest.get(at)?.text.clone();
                at += 1;
            }
            Some("u" | "U" | "g" | "G" | "t" | "P" | "o" | "y" | "F" | "-uid" | "-user") if !by_id => at += 1,
            Some(flag) if flag.starts_with("-signal=") => signal = flag["-signal=".len()..].to_owned(),
            // A process group, or all processes, which no number of a job is.
            Some(flag) if by_id && flag.parse::<u32>().is_ok() && (!signal.is_empty() || rest.len() == 1) => {
                return Some("jobs".to_owned());
            }
            Some(flag) if flag.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()) => {
                signal = flag.to_owned();
            }
            Some("l" | "L") => return Some("jobs".to_owned()),
            Some(_) => {}
        }
    }
    let is_all = |job: &String| ["all", "*"].contains(&job.as_str());
    match effect(&signal) {
        _ if jobs.is_empty() => (!by_id || !rest.is_empty()).then(|| "jobs".to_owned()),
        _ if jobs.iter().any(|job| job.contains("$(") || job.contains('`')) => Some("jobs".to_owned()),
        None => Some(format!("job {}", jobs[0])),
        Some(effect) if jobs.iter().any(is_all) => Some(format!("{effect} {}", all(effect))),
        Some(effect) => Some(format!("{effect} {}", jobs.join(" "))),
    }
}

fn named(line: &str, word: &Word) -> String {
    let number = habits::job(&word.text).filter(|_| word.text.contains(['%', '#', '/']));
    number.map_or_else(|| line[word.span.clone()].to_owned(), str::to_owned)
}

/// What a line of a batch system names.
#[derive(Debug, Default)]
struct Chosen {
    jobs: Vec<String>,
    is_all: bool,
    /// Flags of `jobs` that show the same, and what is written to choose it elsewhere.
    filters: Vec<(String, Option<String>)>,
    signal: String,
}

impl Chosen {
    fn take(&mut self, verb: &str, name: &str, value: &str) -> Option<()> {
        let is_slurm = verb == "scancel";
        match name {
            "-t" | "--state" if is_slurm => {
                let states = value.split(',').map(state).collect::<Option<Vec<_>>>()?;
                let all = states.iter().map(|state| format!("@{state}")).collect::<Vec<_>>().join(" ");
                // Several cannot be shown at once.
                let shown = if states.len() == 1 { format!("--state={}", states[0]) } else { String::new() };
                self.filters.push((shown, Some(all)));
            }
            "-p" | "--partition" if is_slurm => {
                self.filters.push((format!("--group={value}"), Some(format!("@{value}"))));
            }
            "-q" if !is_slurm => self.filters.push((format!("--group={value}"), Some(format!("@{value}")))),
            "-n" | "--name" | "--jobname" if is_slurm => {
                self.filters.push((format!("--name={value}"), Some(value.to_owned())));
            }
            "-J" => self.filters.push((format!("--name={value}"), Some(value.to_owned()))),
            "-w" | "--nodelist" | "-m" => self.filters.push((format!("--worker={value}"), None)),
            "-s" | "--signal" => self.signal = value.to_owned(),
            "-u" | "--user" => self.is_all = true,
            _ => {}
        }
        Some(())
    }
}

/// A line of scancel, qdel or bkill.
fn cancelled(line: &str, verb: &str, rest: &[Word]) -> Option<String> {
    const VALUED: [&str; 22] = [
        "-t",
        "--state",
        "-p",
        "--partition",
        "-q",
        "--qos",
        "-n",
        "--name",
        "--jobname",
        "-J",
        "-w",
        "--nodelist",
        "-m",
        "-s",
        "--signal",
        "-u",
        "--user",
        "-A",
        "--account",
        "-M",
        "-R",
        "-W",
    ];
    let (mut chosen, mut at) = (Chosen::default(), 0);
    while let Some(word) = rest.get(at) {
        at += 1;
        let text = word.text.as_str();
        if !text.starts_with('-') || text.len() == 1 {
            match text {
                "all" | "*" => chosen.is_all = true,
                "0" if verb == "bkill" => chosen.is_all = true,
                _ => chosen.jobs.push(line[word.span.clone()].split("[]").next().unwrap_or_default().to_owned()),
            }
            continue;
        }
        let long = text.split_once('=').filter(|_| text.starts_with("--"));
        let short = text.split_at_checked(2).filter(|(_, value)| !text.starts_with("--") && !value.is_empty());
        let inline = long.or(short.filter(|(name, _)| VALUED.contains(name)));
        match inline {
            Some((name, value)) => chosen.take(verb, name, value)?,
            None if ["--me", "-a"].contains(&text) => chosen.is_all = true,
            None if VALUED.contains(&text) => {
                let value = rest.get(at).map_or("", |value| &line[value.span.clone()]);
                at += 1;
                chosen.take(verb, text, value)?;
            }
            None => {}
        }
    }
    let Chosen { jobs, is_all, filters, signal } = chosen;
    let shown = || filters.iter().fold("jobs".to_owned(), |line, (flag, _)| format!("{line} {flag}").trim().to_owned());
    let effect = effect(&signal);
    Some(match (effect, jobs.as_slice(), filters.as_slice()) {
        (None, [first, ..], _) => format!("job {first}"),
        (None, [], _) => shown(),
        (Some(effect), [], []) if is_all => format!("{effect} {}", all(effect)),
        (Some(_), [], []) => return None,
        (Some(effect), [], [(_, Some(elsewhere))]) => format!("{effect} {elsewhere}"),
        (Some(effect), jobs, []) => format!("{effect} {}", jobs.join(" ")),
        (Some(_), ..) => shown(),
    })
}

/// A state by the letters of Slurm.
fn state(text: &str) -> Option<&'static str> {
    match text.to_uppercase().as_str() {
        "PD" | "PENDING" => Some("queued"),
        "R" | "RUNNING" => Some("running"),
        "S" | "SUSPENDED" => Some("held"),
        "CG" | "COMPLETING" => Some("cancelling"),
        _ => state_called(text).map(|state| state.word()),
    }
}

/// What `scontrol update` changes of a node or of jobs, in the flags of `change`.
fn updated(words: &[Word]) -> String {
    const FLAGS: [(&[&str], To); 11] = [
        (&["timelimit"], To::Limit),
        (&["priority"], To::Flag("priority")),
        (&["nice"], To::Flag("priority")),
        (&["jobname", "name"], To::Flag("name")),
        (&["partition", "partitionname"], To::Flag("group")),
        (&["numcpus", "numtasks", "mincpusnode"], To::Flag("cpus")),
        (&["minmemorynode", "minmemorycpu"], To::Memory),
        (&["dependency"], To::After),
        (&["reqnodelist", "nodelist"], To::Flag("worker")),
        (&["excnodelist"], To::Flag("exclude")),
        (&["starttime", "eligibletime"], To::Begin),
    ];
    let said: Vec<(String, &str)> = words
        .iter()
        .filter_map(|word| word.text.split_once('='))
        .map(|(key, value)| (key.to_lowercase(), value))
        .collect();
    let value = |keys: &[&str]| said.iter().find(|(key, _)| keys.contains(&key.as_str())).map(|(_, value)| *value);
    if let Some(node) = value(&["nodename", "node", "nodes"]) {
        return match value(&["state"]).unwrap_or_default().to_lowercase().as_str() {
            "drain" | "draining" | "down" | "fail" | "maint" | "future" => format!("drain {node}"),
            "resume" | "idle" | "undrain" => format!("resume {node}"),
            _ => format!("info {node}"),
        };
    }
    let mut flags = Vec::new();
    for (key, value) in &said {
        let Some((_, to)) = FLAGS.iter().find(|(keys, _)| keys.contains(&key.as_str())) else { continue };
        match (key.as_str(), value.strip_prefix('+')) {
            // The less of one is the more of the other.
            ("nice", _) => flags.push("--priority=N".to_owned()),
            ("timelimit", Some(more)) => {
                flags.extend(foreign_time::limit(more, 1).map(|span| format!("--timeout=+{span}")));
            }
            _ => flags.extend(foreign_flags::ours(*to, value)),
        }
    }
    if flags.is_empty() {
        flags.push("--priority=N".to_owned());
    }
    let jobs = value(&["jobid", "job"]).or_else(|| {
        words.iter().map(|word| word.text.as_str()).find(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b','))
    });
    format!("change {} {}", jobs.unwrap_or("JOB"), flags.join(" "))
}

/// Task-spooler swaps two jobs; here the second goes before all.
fn swapped(rest: &[Word]) -> Option<String> {
    let [flag, pair] = rest else { return None };
    let (_, second) = pair.text.split_once('-').filter(|_| flag.text == "-U")?;
    Some(format!("top {second}"))
}
