//! The flags with which other tools are given a command, as flags of `submit`: `sbatch -p gpu job.sh` is
//! `submit --script=job.sh --group=gpu`.
//!
//! What means nothing here is left out: where output goes, mail, accounts.

use crate::command::Word;
use crate::command::draft::condition_elsewhere;
use crate::command::foreign::quoted;

/// What becomes of a flag and its value.
#[derive(Clone, Copy, Debug)]
enum To {
    /// The flag of this name, with the value as it is.
    Flag(&'static str),
    /// A flag without a value, as there.
    Switch(&'static str),
    /// A time limit in minutes, or as `[D-][H:]M:S`.
    Limit,
    /// A time limit as `[H:]M`.
    HoursMinutes,
    /// A size; a bare number counts MiB.
    Memory,
    /// A number of GPUs, as in `gpu:a100:2`.
    Gpus,
    /// Jobs and conditions, as in `afterok:1:2`.
    After,
    /// A span from now.
    Delay,
    /// Numbers of an array, perhaps with how many run at once: `1-10%2`.
    Array,
    /// A time, also as `now+1hour`.
    Begin,
    /// Variables, as in `ALL,A=1`.
    Variables,
    /// Licences, as in `matlab:2`.
    Licences,
    /// A list of resources, as in `walltime=1:00:00,mem=4gb`.
    Resources,
    /// Nothing, with its value.
    Nothing,
}

type Flags = &'static [(&'static [&'static str], To)];

/// The flags of each family of tools, by the verbs that take a command.
const FAMILIES: [(&[&str], Flags); 6] = [
    (
        &["sbatch", "srun", "salloc"],
        &[
            (&["-J", "--job-name"], To::Flag("name")),
            (&["-p", "--partition"], To::Flag("group")),
            (&["-t", "--time"], To::Limit),
            (&["-c", "--cpus-per-task", "-n", "--ntasks"], To::Flag("cpus")),
            (&["--mem"], To::Memory),
            (&["-G", "--gpus", "--gres", "--gpus-per-node"], To::Gpus),
            (&["-w", "--nodelist"], To::Flag("worker")),
            (&["-x", "--exclude"], To::Flag("exclude")),
            (&["-D", "--chdir"], To::Flag("cwd")),
            (&["-d", "--dependency"], To::After),
            (&["-a", "--array"], To::Array),
            (&["-b", "--begin"], To::Begin),
            (&["--export"], To::Variables),
            (&["-L", "--licenses"], To::Licences),
            (&["--requeue"], To::Switch("retries=1")),
            (&["-W", "--wait"], To::Switch("wait")),
            (&["--test-only"], To::Switch("dry-run")),
            (&["-H", "--hold"], To::Switch("hold")),
            (&["-N", "--nodes", "-o", "--output", "-e", "--error", "-A", "--account", "-q", "--qos"], To::Nothing),
            (&["--mail-user", "--mail-type", "--nice", "--ntasks-per-node", "-C", "--constraint"], To::Nothing),
        ],
    ),
    (
        &["qsub", "condor_submit"],
        &[
            (&["-N"], To::Flag("name")),
            (&["-q"], To::Flag("group")),
            (&["-t", "-J"], To::Array),
            (&["-v"], To::Variables),
            (&["-h"], To::Switch("hold")),
            (&["-p"], To::Flag("priority")),
            (&["-d", "-wd"], To::Flag("cwd")),
            (&["-W", "-hold_jid"], To::After),
            (&["-l"], To::Resources),
            (&["-o", "-e", "-A", "-M", "-m", "-P", "-S", "-pe", "-b", "-sync", "-r", "-j"], To::Nothing),
        ],
    ),
    (
        &["bsub"],
        &[
            (&["-J"], To::Flag("name")),
            (&["-q"], To::Flag("group")),
            (&["-n"], To::Flag("cpus")),
            (&["-W"], To::HoursMinutes),
            (&["-m"], To::Flag("worker")),
            (&["-H"], To::Switch("hold")),
            (&["-K", "-I"], To::Switch("wait")),
            (&["-o", "-e", "-P", "-R", "-M", "-w"], To::Nothing),
        ],
    ),
    (
        &["tsp", "ts"],
        &[
            (&["-L"], To::Flag("name")),
            (&["-D"], To::Flag("depends")),
            (&["-N"], To::Flag("cpus")),
            (&["-G"], To::Flag("gpus")),
            (&["-f"], To::Switch("wait")),
            (&["-d"], To::Switch("depends=last")),
        ],
    ),
    (
        &["add"],
        &[
            (&["-l", "--label"], To::Flag("name")),
            (&["-g", "--group"], To::Flag("group")),
            (&["-a", "--after"], To::Flag("depends")),
            (&["-o", "--priority"], To::Flag("priority")),
            (&["-w", "--working-directory"], To::Flag("cwd")),
            (&["-d", "--delay"], To::Delay),
            (&["-s", "--stashed"], To::Switch("hold")),
            (&["-f", "--follow"], To::Switch("wait")),
        ],
    ),
    (
        &["parallel", "xargs"],
        &[
            (&["-j", "--jobs", "-P", "-n", "-L", "-I", "--max-procs"], To::Nothing),
            (&["-a", "--arg-file"], To::Flag("file")),
        ],
    ),
];

/// A line of another tool, read.
#[derive(Debug, Default)]
pub(crate) struct Read<'a> {
    /// Its flags as ours, each with a blank before it.
    pub(crate) flags: String,
    /// The command, behind them.
    pub(crate) command: &'a [Word],
    /// The first word that is no flag and no value of one.
    pub(crate) operand: Option<&'a Word>,
    /// The file that has the inputs.
    pub(crate) file: Option<String>,
}

/// Reads the words behind a verb. The flags of a script may stand behind it, too.
pub(crate) fn read<'a>(verb: &str, words: &'a [Word], of_script: bool) -> Read<'a> {
    let family = FAMILIES.iter().find(|(verbs, _)| verbs.contains(&verb)).map_or(&[][..], |(_, flags)| flags);
    let (mut read, mut at, mut flags) = (Read::default(), 0, Vec::new());
    while let Some(word) = words.get(at) {
        at += 1;
        if word.text == "--" && !of_script {
            break;
        }
        if !word.text.starts_with('-') || word.is_quoted() && !word.text.contains('=') {
            read.operand = read.operand.or(Some(word));
            if of_script {
                continue;
            }
            at -= 1;
            break;
        }
        let (name, inline) = parts(&word.text);
        let known = family.iter().find(|(names, _)| names.contains(&name)).map(|(_, to)| *to);
        let next = words.get(at).map(|next| next.text.as_str());
        let value = match known {
            Some(To::Switch(_)) => None,
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
            Some(to) => flags.extend(ours(to, value.unwrap_or_default())),
            None => {}
        }
    }
    read.command = words.get(at..).unwrap_or_default();
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
fn ours(to: To, value: &str) -> Vec<String> {
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
        To::After => {
            let jobs = value.trim_start_matches("depend=").split(',');
            let jobs: Vec<String> =
                jobs.map(|text| condition_elsewhere(text).unwrap_or_else(|| text.to_owned())).collect();
            vec![flag("depends", &jobs.join(","))]
        }
        To::Delay => vec![flag("begin", &format!("+{}", value.trim_start_matches('+')))],
        To::Array => match value.split_once('%') {
            Some((numbers, most)) => {
                vec![flag("array", numbers), "--batch=NAME".to_owned(), flag("max-running", most)]
            }
            None => vec![flag("array", value)],
        },
        To::Begin => match value.strip_prefix("now") {
            Some("") => Vec::new(),
            Some(span) => vec![flag("begin", &shortened(span))],
            None => vec![flag("begin", value)],
        },
        To::Variables => value.split(',').filter(|text| text.contains('=')).map(|text| flag("env", text)).collect(),
        To::Licences => value.split(',').map(|text| flag("need", &licence(text))).collect(),
        To::Resources => resources(value),
        To::Nothing => Vec::new(),
    }
}

/// A span with the unit in one letter: `+1hour` is `+1h`.
fn shortened(span: &str) -> String {
    let end = span.find(|c: char| c.is_ascii_alphabetic()).map_or(span.len(), |at| at + 1);
    span[..end].to_owned()
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

/// A time limit as it is written here; the last part counts so many seconds, a number alone minutes.
pub(crate) fn limit(text: &str, last_s: u64) -> Option<String> {
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let parts: Vec<u64> = clock.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let seconds = match parts.as_slice() {
        [minutes] => minutes * 60,
        parts => {
            parts.iter().try_fold(0_u64, |sum, part| sum.checked_mul(60)?.checked_add(*part))?.checked_mul(last_s)?
        }
    };
    let seconds = days.parse::<u64>().ok()?.checked_mul(86_400)?.checked_add(seconds)?;
    Some(match seconds {
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    })
}

/// A size as it is written here.
fn memory(text: &str) -> String {
    let size = text.trim_end_matches(['b', 'B', 'i']).to_uppercase();
    if size.ends_with(|c: char| c.is_ascii_digit()) { format!("{size}M") } else { size }
}
