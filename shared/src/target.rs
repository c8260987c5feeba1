//! Which workers are meant: the one parser for `@all`, `@group`, addresses, names, lists, ranges
//! (`10.0.0.[11-13]`) and exclusions (`!10.0.0.12`).
//!
//! A target is read here and resolved against a list of workers here; nothing else splits such
//! texts, so that the console, pdsh and the API always mean the same machines. [`find`] decides for
//! all of them which worker a single word means.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

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
    Range(Vec<IpAddr>),
    Word(String),
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
        for part in text.split(',').map(str::trim) {
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
        let mut meant = BTreeSet::new();
        for part in &self.include {
            meant.extend(part.matching(workers)?);
        }
        for part in &self.exclude {
            for ip in part.matching(workers)? {
                meant.remove(&ip);
            }
        }
        if meant.is_empty() && !workers.is_empty() {
            return Err(TargetError::Empty(text.to_owned()));
        }
        Ok(workers.iter().map(|w| w.ip).filter(|ip| meant.contains(ip)).collect())
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, TargetError> {
        let syntax = || TargetError::Syntax(text.to_owned());
        if let Some(group) = text.strip_prefix('@') {
            validate::word("group", group).map_err(|_| syntax())?;
            return Ok(if group == "all" { Self::All } else { Self::Group(group.to_owned()) });
        }
        if text.contains('[') {
            return range(text).map(Self::Range).ok_or_else(syntax);
        }
        if text.parse::<IpAddr>().is_err() {
            validate::word("worker", text).map_err(|_| syntax())?;
        }
        Ok(Self::Word(text.to_owned()))
    }

    fn matching(&self, workers: &[Candidate<'_>]) -> Result<Vec<IpAddr>, TargetError> {
        match self {
            Self::All => Ok(workers.iter().map(|w| w.ip).collect()),
            Self::Group(group) => {
                let members: Vec<_> = workers.iter().filter(|w| w.groups.contains(group)).map(|w| w.ip).collect();
                if members.is_empty() { Err(TargetError::UnknownGroup(group.clone())) } else { Ok(members) }
            }
            Self::Range(addresses) => {
                let known: BTreeSet<IpAddr> = workers.iter().map(|w| w.ip).collect();
                match addresses.iter().find(|ip| !known.contains(ip)) {
                    Some(stranger) => Err(TargetError::UnknownWorker(stranger.to_string())),
                    None => Ok(addresses.clone()),
                }
            }
            Self::Word(word) => find(word, workers).map(|ip| vec![ip]),
        }
    }
}

fn listed(addresses: &[IpAddr]) -> String {
    let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    addresses.join(", ")
}

/// Expands an IPv4 address whose parts may be `[a-b]`, in order.
fn range(text: &str) -> Option<Vec<IpAddr>> {
    let mut expanded = vec![Vec::<u8>::new()];
    let octets: Vec<&str> = text.split('.').collect();
    if octets.len() != 4 {
        return None;
    }
    for octet in octets {
        let (low, high): (u8, u8) = match octet.strip_prefix('[').and_then(|o| o.strip_suffix(']')) {
            Some(inner) => {
                let (low, high) = inner.split_once('-')?;
                (low.parse().ok()?, high.parse().ok()?)
            }
            None => (octet.parse().ok()?, octet.parse().ok()?),
        };
        if low > high || expanded.len() * (usize::from(high - low) + 1) > RANGE_LEN_MAX {
            return None;
        }
        expanded = expanded
            .iter()
            .flat_map(|head| (low..=high).map(move |next| [head.as_slice(), &[next]].concat()))
            .collect();
    }
    expanded
        .into_iter()
        .map(|o| Some(IpAddr::V4(Ipv4Addr::new(*o.first()?, *o.get(1)?, *o.get(2)?, *o.get(3)?))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[u8]) {
        let gpu = BTreeSet::from(["gpu".to_owned()]);
        let none = BTreeSet::new();
        let worker =
            |last, hostname, groups| Candidate { ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), hostname, groups };
        let workers = [worker(11, "atlas", &gpu), worker(12, "Borealis.Home.Lan", &none), worker(13, "pi", &gpu)];
        let found = Target::parse(text).and_then(|t| t.resolve(text, &workers));
        let expected: Vec<IpAddr> = expected.iter().map(|last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, *last))).collect();
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
        check("@all,!pi", &[11, 12]);
        check("!@gpu", &[12]);
        check("@gpu,@all,10.0.0.11", &[11, 12, 13]);
    }

    #[test]
    fn one_word_means_one_worker() {
        let none = BTreeSet::new();
        let at = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
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
