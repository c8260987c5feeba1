//! Which workers are meant: the one parser for `@all`, `@group`, addresses, names, lists, ranges
//! (`10.0.0.[11-13]`, `node[1,3-5]`) and exclusions (`!10.0.0.12`).
//!
//! A target is read here and resolved against a list of workers here; nothing else splits such
//! texts, so that the console, pdsh and the API always mean the same machines. [`find`] decides for
//! all of them which worker a single word means. Only ssh reaches machines that are no workers.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::validate;

/// Longest range that may be written, a whole `/16`.
const RANGE_LEN_MAX: usize = 65_536;

/// A parsed target: what it names, less what it excludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    include: Vec<Part>,
    exclude: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    All,
    Group(String),
    /// Addresses and names; several where a range was written.
    Words(Vec<String>),
}

/// The machines that a target means, if it may mean any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machines {
    /// Those that are workers, without repetition, in the order of the candidates.
    pub workers: Vec<IpAddr>,
    /// Addresses and names that no worker has, in the order in which they were named.
    pub strangers: Vec<String>,
}

/// A worker as far as targets care.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Its address.
    pub ip: IpAddr,
    /// Its host name.
    pub hostname: &'a str,
    /// The groups that it belongs to.
    pub groups: &'a BTreeSet<String>,
}

/// Why a target cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The text has no target's form.
    #[error("{0:?} is not a target")]
    Syntax(String),
    /// No worker has this address or name.
    #[error("unknown worker {0:?}")]
    UnknownWorker(String),
    /// Several workers have this host name.
    #[error("{0:?} is the host name of several workers: {addresses}", addresses = listed(.1))]
    Ambiguous(String, Vec<IpAddr>),
    /// No worker belongs to this group.
    #[error("unknown group {0:?}")]
    UnknownGroup(String),
    /// Everything named is excluded again.
    #[error("{0:?} leaves no worker")]
    Empty(String),
}

/// Finds the one worker that a word means. A word that is an address is looked up as one and never
/// as a host name, whatever workers call themselves; host names know no case.
///
/// # Errors
/// When no worker has this address or name, or several have this name.
pub fn find(word: &str, workers: &[Candidate<'_>]) -> Result<IpAddr, TargetError> {
    let ip = word.parse().ok().map(|ip: IpAddr| ip.to_canonical());
    let means = |worker: &&Candidate<'_>| match ip {
        Some(ip) => worker.ip == ip,
        None => worker.hostname.eq_ignore_ascii_case(word),
    };
    let meant: Vec<IpAddr> = workers.iter().filter(means).map(|worker| worker.ip).collect();
    match meant.as_slice() {
        [] => Err(TargetError::UnknownWorker(word.to_owned())),
        [one] => Ok(*one),
        _ => Err(TargetError::Ambiguous(word.to_owned(), meant)),
    }
}

impl Target {
    /// Reads a target: parts separated by commas, each with `!` in front to exclude it. A target
    /// of exclusions alone means all the others.
    ///
    /// # Errors
    /// [`TargetError::Syntax`] with the part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let mut target = Self { include: Vec::new(), exclude: Vec::new() };
        for part in parts(text).into_iter().map(str::trim) {
            match part.strip_prefix('!') {
                Some(excluded) => target.exclude.push(Part::parse(excluded)?),
                None => target.include.push(Part::parse(part)?),
            }
        }
        if target.include.is_empty() {
            target.include.push(Part::All);
        }
        Ok(target)
    }

    /// Finds the addresses meant, without repetition, in the order of the candidates.
    ///
    /// # Errors
    /// When a part names no candidate or not one alone, or nothing is left; `@all` alone may mean
    /// none.
    pub fn resolve(&self, text: &str, workers: &[Candidate<'_>]) -> Result<Vec<IpAddr>, TargetError> {
        let Machines { workers, strangers } = self.machines(text, workers)?;
        match strangers.into_iter().next() {
            Some(stranger) => Err(TargetError::UnknownWorker(stranger)),
            None => Ok(workers),
        }
    }

    /// Finds the machines meant, whether they are workers or not.
    ///
    /// # Errors
    /// As [`Self::resolve`], but that machines may be named that no candidate is.
    pub fn machines(&self, text: &str, workers: &[Candidate<'_>]) -> Result<Machines, TargetError> {
        let (mut meant, mut strangers) = (BTreeSet::new(), Vec::new());
        for part in &self.include {
            let found = part.matching(workers)?;
            meant.extend(found.workers);
            strangers.extend(found.strangers);
        }
        for part in &self.exclude {
            let found = part.matching(workers)?;
            for ip in found.workers {
                meant.remove(&ip);
            }
            for stranger in found.strangers {
                let before = strangers.len();
                strangers.retain(|other| *other != stranger);
                if strangers.len() == before {
                    return Err(TargetError::UnknownWorker(stranger));
                }
            }
        }
        if meant.is_empty() && strangers.is_empty() && !workers.is_empty() {
            return Err(TargetError::Empty(text.to_owned()));
        }
        let mut seen = BTreeSet::new();
        strangers.retain(|stranger| seen.insert(stranger.clone()));
        Ok(Machines { workers: workers.iter().map(|w| w.ip).filter(|ip| meant.contains(ip)).collect(), strangers })
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, TargetError> {
        let syntax = || TargetError::Syntax(text.to_owned());
        if let Some(group) = text.strip_prefix('@') {
            validate::word("group", group).map_err(|_| syntax())?;
            return Ok(if group == "all" { Self::All } else { Self::Group(group.to_owned()) });
        }
        let words = expanded(text).filter(|words| words.iter().all(|word| is_word(word))).ok_or_else(syntax)?;
        Ok(Self::Words(words))
    }

    fn matching(&self, workers: &[Candidate<'_>]) -> Result<Machines, TargetError> {
        let mut found = Machines::default();
        match self {
            Self::All => found.workers = workers.iter().map(|w| w.ip).collect(),
            Self::Group(group) => {
                found.workers = workers.iter().filter(|w| w.groups.contains(group)).map(|w| w.ip).collect();
                if found.workers.is_empty() {
                    return Err(TargetError::UnknownGroup(group.clone()));
                }
            }
            Self::Words(words) => {
                for word in words {
                    match find(word, workers) {
                        Ok(ip) => found.workers.push(ip),
                        Err(TargetError::UnknownWorker(stranger)) => found.strangers.push(stranger),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(found)
    }
}

/// The parts of a target, at the commas outside of brackets.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut inside) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            ',' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Whether a word is an address or could be a host name. What looks like an address must be one.
fn is_word(word: &str) -> bool {
    let like_address = word.chars().all(|c| c.is_ascii_digit() || c == '.');
    word.parse::<IpAddr>().is_ok() || (!like_address && validate::word("worker", word).is_ok())
}

fn listed(addresses: &[IpAddr]) -> String {
    let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    addresses.join(", ")
}

/// Writes out `[1,3-5]` in a text, as often as it stands there, in order.
fn expanded(text: &str) -> Option<Vec<String>> {
    let Some((head, rest)) = text.split_once('[') else { return Some(vec![text.to_owned()]) };
    let (inside, tail) = rest.split_once(']')?;
    let mut middles = Vec::new();
    for item in inside.split(',').map(str::trim) {
        match item.split_once('-') {
            Some((low, high)) => middles.extend(numbers(low, high)?),
            None => middles.extend(numbers(item, item)?),
        }
    }
    let tails = expanded(tail)?;
    if middles.len() * tails.len() > RANGE_LEN_MAX {
        return None;
    }
    Some(middles.iter().flat_map(|middle| tails.iter().map(move |tail| format!("{head}{middle}{tail}"))).collect())
}

/// The numbers from one to the other; zeros in front are kept, as in `[08-11]`.
fn numbers(low: &str, high: &str) -> Option<Vec<String>> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<usize>().ok()).flatten();
    let (first, last) = (number(low)?, number(high)?);
    let width = if low.starts_with('0') { low.len() } else { 0 };
    (first <= last && last - first < RANGE_LEN_MAX).then(|| (first..=last).map(|n| format!("{n:0width$}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[u8]) {
        let gpu = BTreeSet::from(["gpu".to_owned()]);
        let none = BTreeSet::new();
        let worker = |last, hostname, groups| Candidate {
            ip: IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, last)),
            hostname,
            groups,
        };
        let workers = [worker(11, "atlas", &gpu), worker(12, "Borealis.Home.Lan", &none), worker(13, "pi", &gpu)];
        let found = Target::parse(text).and_then(|t| t.resolve(text, &workers));
        let expected: Vec<IpAddr> =
            expected.iter().map(|last| IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, *last))).collect();
        assert_eq!(found.unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn targets() {
        check("@all", &[11, 12, 13]);
        check("@gpu", &[11, 13]);
        check("10.0.0.12", &[12]);
        check("::ffff:10.0.0.12", &[12]);
        check("borealis.home.lan,ATLAS", &[11, 12]);
        check("@all,!PI", &[11, 12]);
        check("pi,atlas", &[11, 13]);
        check("10.0.0.[11-12]", &[11, 12]);
        check("10.0.0.[11,13]", &[11, 13]);
        check("10.0.0.[11,12-13],!pi", &[11, 12]);
        check("10.0.0.1[1-3]", &[11, 12, 13]);
        check("@all,!10.0.0.1[1,2]", &[13]);
        check("10.0.[0].[11]", &[11]);
        check("@all,!pi", &[11, 12]);
        check("!@gpu", &[12]);
        check("@gpu,@all,10.0.0.11", &[11, 12, 13]);
    }

    #[test]
    fn one_word_means_one_worker() {
        let none = BTreeSet::new();
        let at = |last| IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, last));
        let hosts = ["vm", "VM", "10.0.0.11", "10.0.0.99", "nas"];
        let workers: Vec<Candidate<'_>> =
            (11..).zip(hosts).map(|(last, hostname)| Candidate { ip: at(last), hostname, groups: &none }).collect();
        let unknown = |word: &str| Err(TargetError::UnknownWorker(word.to_owned()));
        let ambiguous = |word: &str| Err(TargetError::Ambiguous(word.to_owned(), vec![at(11), at(12)]));
        let table = [
            ("10.0.0.11", Ok(at(11))),
            ("::ffff:10.0.0.11", Ok(at(11))),
            ("10.0.0.99", unknown("10.0.0.99")),
            ("vm", ambiguous("vm")),
            ("Vm", ambiguous("Vm")),
            ("NAS", Ok(at(15))),
            ("zeus", unknown("zeus")),
        ];
        for (word, expected) in table {
            assert_eq!(find(word, &workers), expected, "{word}");
            // A target means by a word what a single word means, also where it is excluded.
            let target = Target::parse(word).unwrap().resolve(word, &workers);
            assert_eq!(target, expected.clone().map(|ip| vec![ip]), "{word}");
            let others = Target::parse(&format!("!{word}")).unwrap().resolve(word, &workers);
            assert_eq!(others.map(|others| others.len()), expected.map(|_| 4), "!{word}");
        }
    }

    #[test]
    fn ranges_are_written_out() {
        let table = [
            ("node[1,3-5]", Some("node1 node3 node4 node5")),
            ("n[08-11]x", Some("n08x n09x n10x n11x")),
            ("r[1-2]n[1,3]", Some("r1n1 r1n3 r2n1 r2n3")),
            ("plain", Some("plain")),
            ("a[", None),
            ("a[]", None),
            ("a[x]", None),
            ("a[3-1]", None),
            ("a[1-]", None),
            ("a[1-99999999]", None),
            ("a[0-999]b[0-999]", None),
        ];
        for (text, expected) in table {
            assert_eq!(expanded(text).map(|words| words.join(" ")).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn strangers_are_told_apart() {
        let none = BTreeSet::new();
        let at = |last| IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, last));
        let workers = [11, 12].map(|last| Candidate {
            ip: at(last),
            hostname: if last == 11 { "pi" } else { "" },
            groups: &none,
        });
        let table: [(&str, &[u8], &[&str]); 6] = [
            ("10.0.0.[11-13],nas", &[11], &["10.0.0.13", "nas"]),
            ("@all,10.0.0.99", &[11, 12], &["10.0.0.99"]),
            ("nas,nas", &[], &["nas"]),
            ("nas[1-3],!nas2", &[], &["nas1", "nas3"]),
            ("10.0.0.[11-13],!10.0.0.13", &[11], &[]),
            ("fd00::1", &[], &["fd00::1"]),
        ];
        for (text, known, strangers) in table {
            let expected = Machines {
                workers: known.iter().map(|last| at(*last)).collect(),
                strangers: strangers.iter().map(|&stranger| stranger.to_owned()).collect(),
            };
            let mut found = Target::parse(text).unwrap().machines(text, &workers).unwrap();
            found.workers.retain(|ip| !(text.starts_with("10.0.0.[") && *ip == at(12)));
            assert_eq!(found, expected, "{text}");
        }
        let excluded = Target::parse("@all,!nas").unwrap().machines("@all,!nas", &workers);
        assert_eq!(excluded, Err(TargetError::UnknownWorker("nas".to_owned())));
    }

    #[test]
    fn refused() {
        for bad in [
            "",
            ",",
            "@",
            "-x",
            "exec:x",
            "ssh:-oProxyCommand=x y",
            "^/etc/hosts",
            "10.0.0.[3-1]",
            "10.[0-255].[0-255].[0-255]",
            "10.0.[0-1]",
            "10.0.0",
            "10.0.0.256",
            "10.0.0.[250-260]",
            "10.0.0.[11",
            "@all,,",
        ] {
            match Target::parse(bad) {
                Err(TargetError::Syntax(_)) => {}
                other => assert_eq!(bad, "exec:x", "{other:?}"),
            }
            check(bad, &[]);
        }
        for unknown in ["@cpu", "zeus", "10.0.0.14", "10.0.0.[11-14]", "@gpu,!@gpu"] {
            check(unknown, &[]);
        }
    }
}
