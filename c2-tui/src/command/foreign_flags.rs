//! The flags with which other tools are given a command, as flags of `submit`: `sbatch -p gpu job.sh` is
//! `submit --script=job.sh --group=gpu`.
//!
//! What means nothing here is left out: where output goes, mail, accounts.

use crate::command::draft::condition_elsewhere;
use crate::command::foreign::quoted;
use crate::command::foreign_families::{FAMILIES, To};
pub(crate) use crate::command::foreign_time::limit;
use crate::command::{Word, find, foreign_time};

/// A line of another tool, read.
#[derive(Debug, Default)]
pub(crate) struct Read<'a> {
    /// Its flags as ours, each with a blank before it.
    pub(crate) flags: String,
    /// The command, behind them.
    pub(crate) command: &'a [Word],
    /// The first word that is no flag and no value of one.
    pub(crate) operand: Option<&'a Word>,
    /// What stands behind it in the same way: arguments of a script.
    pub(crate) arguments: Vec<&'a Word>,
    /// The file that has the inputs.
    pub(crate) file: Option<String>,
    /// A command that is the value of a flag.
    pub(crate) wrap: Option<String>,
    /// Whether what would be a script is a command.
    pub(crate) is_command: bool,
}

/// What a flag of a family is; long ones may be shortened, as there.
fn known(verb: &str, name: &str) -> Option<To> {
    let (_, family) = FAMILIES.iter().find(|(verbs, _)| verbs.contains(&verb))?;
    let exact = family.iter().find(|(names, _)| names.contains(&name));
    let is_short = |(names, _): &&(&[&str], To)| names.iter().any(|long| long.starts_with(name));
    let short = || family.iter().find(is_short).filter(|_| name.starts_with("--") && name.len() > 4);
    exact.or_else(short).map(|(_, to)| *to)
}

/// Reads the words behind a verb. The flags of a script may stand behind it, too.
pub(crate) fn read<'a>(verb: &str, words: &'a [Word], of_script: bool) -> Read<'a> {
    let own = find(verb);
    let (mut read, mut at, mut flags, mut begin) = (Read::default(), 0, Vec::new(), None);
    while let Some(word) = words.get(at) {
        at += 1;
        if word.text == "--" {
            read.is_command = of_script;
            begin = Some(at);
            break;
        }
        if !word.text.starts_with('-') || word.is_quoted() && !word.text.contains('=') {
            begin = begin.or(Some(at - 1));
            match read.operand {
                Some(_) => read.arguments.push(word),
                None => read.operand = Some(word),
            }
            if of_script && !read.is_command {
                continue;
            }
            break;
        }
        let (name, inline) = parts(&word.text);
        let next = words.get(at).map(|next| next.text.as_str());
        if let Some(flag) = own.and_then(|own| own.flag(name)) {
            let value = inline.or_else(|| next.filter(|_| flag.value.is_some()).inspect(|_| at += 1));
            flags.extend(match value {
                Some(value) => ours(To::Flag(flag.name.trim_start_matches('-')), value),
                None => vec![name.to_owned()],
            });
            continue;
        }
        let known = known(verb, name);
        let value = match known {
            Some(To::Switch(_)) => None,
            Some(To::Slots) => {
                at += 2;
                words.get(at - 1).map(|word| word.text.as_str())
            }
            Some(_) => inline.or_else(|| next.inspect(|_| at += 1)),
            // Of those that are unknown some have a number beside them.
            None if inline.is_none() && next.is_some_and(|next| next.parse::<f64>().is_ok()) => {
                at += 1;
                None
            }
            None => None,
        };
        match known {
            Some(To::Flag("file")) => read.file = value.map(str::to_owned),
            Some(To::Wrap) => read.wrap = value.map(str::to_owned),
            Some(To::IsCommand) => read.is_command = value.is_some_and(|value| value.starts_with('y')),
            Some(to) => flags.extend(ours(to, value.unwrap_or_default())),
            None => {}
        }
    }
    read.command = begin.and_then(|at| words.get(at..)).unwrap_or_default();
    read.flags = flags.iter().map(|flag| format!(" {flag}")).collect();
    read
}

/// A flag's name and the value that stands in the same word, as in `--time=60` and `-n4`.
fn parts(word: &str) -> (&str, Option<&str>) {
    if let Some((name, value)) = word.split_once('=').filter(|_| word.starts_with("--")) {
        return (name, Some(value));
    }
    match word.split_at_checked(2) {
        Some((name, value)) if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => (name, Some(value)),
        _ => (word, None),
    }
}

/// What a flag is here.
pub(super) fn ours(to: To, value: &str) -> Vec<String> {
    let flag = |name: &str, value: &str| {
        let plain = |c: char| c.is_alphanumeric() || "-_./:,=@+%".contains(c);
        let value = if value.chars().all(plain) { value.to_owned() } else { quoted(value) };
        format!("--{name}={value}")
    };
    match to {
        To::Switch(name) => vec![format!("--{name}")],
        _ if value.is_empty() => Vec::new(),
        To::Flag(name) => vec![flag(name, value)],
        To::Limit => limit(value, 1).map(|span| flag("timeout", &span)).into_iter().collect(),
        To::HoursMinutes => limit(value, 60).map(|span| flag("timeout", &span)).into_iter().collect(),
        To::Memory => vec![flag("memory", &memory(value))],
        To::Gpus => vec![flag("gpus", value.rsplit(':').next().filter(|n| n.parse::<u32>().is_ok()).unwrap_or("1"))],
        To::After => after(value).map(|jobs| flag("depends", &jobs)).into_iter().collect(),
        To::Ended => vec![flag("depends", &ended(value).unwrap_or_else(|| "JOB".to_owned()))],
        To::Number(name) if value.parse::<u32>().is_ok_and(|number| number > 0) => vec![flag(name, value)],
        To::Hosts => {
            let hosts = value.split(',').map(|host| host.rsplit('/').next().unwrap_or_default());
            let hosts: Vec<&str> = hosts.filter(|host| !matches!(*host, "" | ":")).collect();
            if hosts.is_empty() { Vec::new() } else { vec![flag("worker", &hosts.join(","))] }
        }
        To::Slots => vec![flag("cpus", value)],
        To::Delay => vec![flag("begin", &format!("+{}", value.trim_start_matches('+')))],
        To::Array => match value.split_once('%') {
            Some((numbers, most)) => {
                vec![flag("array", numbers), "--batch=NAME".to_owned(), flag("max-running", most)]
            }
            None => vec![flag("array", value)],
        },
        To::Begin => foreign_time::begin(value).map(|begin| flag("begin", &begin)).into_iter().collect(),
        To::Variables => value.split(',').filter(|text| text.contains('=')).map(|text| flag("env", text)).collect(),
        To::Licences => value.split(',').map(|text| flag("need", &licence(text))).collect(),
        To::Resources => resources(value),
        To::Nothing | To::Number(_) | To::Wrap | To::IsCommand => Vec::new(),
    }
}

/// The jobs of `afterok:1:2,afterany:3`; what waits for no job is left out.
fn after(value: &str) -> Option<String> {
    let jobs = value.trim_start_matches("depend=").split([',', '?']).filter(|text| *text != "singleton");
    let jobs: Vec<String> = jobs.map(|text| condition_elsewhere(text).unwrap_or_else(|| text.to_owned())).collect();
    (!jobs.is_empty()).then(|| jobs.join(","))
}

/// The jobs of `done(1) && ended(2)`. One of several is more than can be said here.
fn ended(value: &str) -> Option<String> {
    let one = |text: &str| {
        let text = text.trim();
        let Some((word, job)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else {
            return Some(text.to_owned());
        };
        let job = job.split(',').next().unwrap_or_default().trim_matches(['"', '\'', ' ']);
        match word.trim() {
            "done" => Some(job.to_owned()),
            "ended" | "started" => Some(format!("any:{job}")),
            "exit" => Some(format!("notok:{job}")),
            _ => None,
        }
    };
    let jobs = value.split("&&").map(one).collect::<Option<Vec<_>>>()?;
    (!value.contains("||") && !value.contains('!')).then(|| jobs.join(","))
}

/// `matlab:2` or `matlab`, as what is needed here.
fn licence(text: &str) -> String {
    let (name, count) = text.split_once([':', '=']).unwrap_or((text, "1"));
    format!("{name}={count}")
}

/// The resources of a list. The parts of a time have colons between them, as the resources themselves may have.
fn resources(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split([',', ':']) {
        match parts.last_mut() {
            Some(last) if !part.contains('=') => *last = format!("{last}:{part}"),
            _ => parts.push(part.to_owned()),
        }
    }
    let one = |part: &String| {
        let (name, value) = part.split_once('=')?;
        match name {
            "walltime" | "h_rt" if value.contains(':') => limit(value, 1).map(|span| format!("--timeout={span}")),
            "walltime" | "h_rt" => Some(format!("--timeout={value}")),
            "mem" | "vmem" | "h_vmem" => Some(format!("--memory={}", memory(value))),
            "ncpus" | "ppn" => Some(format!("--cpus={value}")),
            "ngpus" | "gpu" => Some(format!("--gpus={value}")),
            _ => None,
        }
    };
    parts.iter().filter_map(one).collect()
}

/// A size as it is written here.
fn memory(text: &str) -> String {
    let size = text.trim_end_matches(['b', 'B', 'i']).to_uppercase();
    if size.ends_with(|c: char| c.is_ascii_digit()) { format!("{size}M") } else { size }
}
