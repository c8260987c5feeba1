//! Which workers are meant: the one parser for `@all`, `@group`, addresses, names, lists, ranges
//! (`10.0.0.[11-13]`) and exclusions (`!10.0.0.12`).
//!
//! A target is read here and resolved against a list of workers here; nothing else splits such
//! texts, so that the console, pdsh and the API always mean the same machines. [`find`] decides for
//! all of them which worker a single word means.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use crate::api::workers::WorkerRow;
use crate::id::WorkerId;
use crate::validate;
use crate::worker::WorkerStatus;

/// Fewer characters are no beginning of an id.
const ID_PREFIX_MIN: usize = 4;
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
    /// Its id.
    pub id: &'a WorkerId,
    /// Its address.
    pub ip: IpAddr,
    /// Its host name.
    pub hostname: &'a str,
    /// The groups that it belongs to.
    pub groups: &'a BTreeSet<String>,
    /// Whether it is heard now.
    pub online: bool,
    /// For how long it was silent; none if it was never heard since c2d started.
    pub silent_ms: Option<u64>,
    /// Another worker has its address by now.
    pub passed_on: bool,
}

/// Why a target cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The text has no target's form.
    #[error("{0:?} is not a target")]
    Syntax(String),
    /// No worker has this address, name or id.
    #[error("unknown worker {0:?}")]
    UnknownWorker(String),
    /// Several workers are meant, which are these.
    #[error("{0:?} means several workers: {workers}", workers = .1.join(", "))]
    Ambiguous(String, Vec<String>),
    /// No worker belongs to this group.
    #[error("unknown group {0:?}")]
    UnknownGroup(String),
    /// Everything named is excluded again.
    #[error("{0:?} leaves no worker")]
    Empty(String),
}

/// Finds the one worker that a word means.
///
/// A word that is an address is looked up as one and never as a name, whatever workers call themselves; it
/// means who was last heard there. Any other word is a host name, which knows no case, or an id, or else
/// the beginning of an id.
///
/// # Errors
/// When the word means no worker, or several.
pub fn find<'a, 'w>(word: &str, workers: &'w [Candidate<'a>]) -> Result<&'w Candidate<'a>, TargetError> {
    let meant = match word.parse().map(|ip: IpAddr| ip.to_canonical()) {
        Ok(ip) => last_heard_at(ip, workers),
        Err(_) => named(word, workers),
    };
    match meant.as_slice() {
        [] => Err(TargetError::UnknownWorker(word.to_owned())),
        [one] => Ok(one),
        several => Err(TargetError::Ambiguous(word.to_owned(), several.iter().map(|one| one.in_words()).collect())),
    }
}

/// Who was last heard at an address: whoever is heard there now, or else the last one that was.
fn last_heard_at<'a, 'w>(ip: IpAddr, workers: &'w [Candidate<'a>]) -> Vec<&'w Candidate<'a>> {
    let mut there: Vec<_> = workers.iter().filter(|worker| worker.ip == ip).collect();
    if there.iter().any(|worker| worker.online) {
        there.retain(|worker| worker.online);
        return there;
    }
    if there.iter().any(|worker| !worker.passed_on) {
        there.retain(|worker| !worker.passed_on);
    }
    if let Some(least_ms) = there.iter().filter_map(|worker| worker.silent_ms).min() {
        there.retain(|worker| worker.silent_ms == Some(least_ms));
    }
    there
}

fn named<'a, 'w>(word: &str, workers: &'w [Candidate<'a>]) -> Vec<&'w Candidate<'a>> {
    let called = |worker: &&Candidate<'_>| worker.hostname.eq_ignore_ascii_case(word) || worker.id.as_str() == word;
    let meant: Vec<_> = workers.iter().filter(called).collect();
    if !meant.is_empty() || word.len() < ID_PREFIX_MIN {
        return meant;
    }
    workers.iter().filter(|worker| worker.id.as_str().starts_with(word)).collect()
}

impl<'a> Candidate<'a> {
    /// A worker as its row shows it.
    #[must_use]
    pub fn of(row: &'a WorkerRow) -> Self {
        Self {
            id: &row.worker_id,
            ip: row.ip,
            hostname: &row.hostname,
            groups: &row.groups,
            online: row.status != WorkerStatus::Offline,
            silent_ms: row.silent_ms,
            passed_on: row.passed_on,
        }
    }

    fn in_words(&self) -> String {
        format!("{} ({}, id {})", self.ip, self.hostname, self.id.short())
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

    /// Finds the workers meant, without repetition, in the order of the candidates.
    ///
    /// # Errors
    /// When a part names no candidate or not one alone, or nothing is left; `@all` alone may mean
    /// none.
    pub fn resolve<'a, 'w>(
        &self,
        text: &str,
        workers: &'w [Candidate<'a>],
    ) -> Result<Vec<&'w Candidate<'a>>, TargetError> {
        let mut meant = BTreeSet::new();
        for part in &self.include {
            meant.extend(part.matching(workers)?);
        }
        for part in &self.exclude {
            for id in part.matching(workers)? {
                meant.remove(id);
            }
        }
        if meant.is_empty() && !workers.is_empty() {
            return Err(TargetError::Empty(text.to_owned()));
        }
        Ok(workers.iter().filter(|worker| meant.contains(worker.id)).collect())
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

    fn matching<'a>(&self, workers: &[Candidate<'a>]) -> Result<Vec<&'a WorkerId>, TargetError> {
        match self {
            Self::All => Ok(workers.iter().map(|w| w.id).collect()),
            Self::Group(group) => {
                let members: Vec<_> = workers.iter().filter(|w| w.groups.contains(group)).map(|w| w.id).collect();
                if members.is_empty() { Err(TargetError::UnknownGroup(group.clone())) } else { Ok(members) }
            }
            Self::Range(addresses) => addresses.iter().map(|ip| Ok(find(&ip.to_string(), workers)?.id)).collect(),
            Self::Word(word) => Ok(vec![find(word, workers)?.id]),
        }
    }
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

    /// A worker at 10.0.0.LAST, online.
    struct Known {
        id: WorkerId,
        last: u8,
        hostname: &'static str,
        groups: BTreeSet<String>,
        online: bool,
        silent_ms: Option<u64>,
        passed_on: bool,
    }

    fn known(id: &str, last: u8, hostname: &'static str) -> Known {
        let (id, groups) = (WorkerId::from(id), BTreeSet::new());
        Known { id, last, hostname, groups, online: true, silent_ms: Some(0), passed_on: false }
    }

    fn away(silent_ms: Option<u64>, passed_on: bool, known: Known) -> Known {
        Known { online: false, silent_ms, passed_on, ..known }
    }

    fn at(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
    }

    fn candidates(known: &[Known]) -> Vec<Candidate<'_>> {
        let mut list = Vec::new();
        for Known { id, last, hostname, groups, online, silent_ms, passed_on } in known {
            let (online, silent_ms, passed_on) = (*online, *silent_ms, *passed_on);
            list.push(Candidate { id, ip: at(*last), hostname, groups, online, silent_ms, passed_on });
        }
        list
    }

    fn check(text: &str, expected: &[u8]) {
        let gpu = BTreeSet::from(["gpu".to_owned()]);
        let workers = [
            Known { groups: gpu.clone(), ..known("aaaa1", 11, "atlas") },
            known("bbbb1", 12, "Borealis.Home.Lan"),
            Known { groups: gpu, ..known("cccc1", 13, "pi") },
        ];
        let workers = candidates(&workers);
        let found = Target::parse(text).and_then(|t| t.resolve(text, &workers));
        let found: Vec<IpAddr> = found.unwrap_or_default().iter().map(|worker| worker.ip).collect();
        let expected: Vec<IpAddr> = expected.iter().map(|last| at(*last)).collect();
        assert_eq!(found, expected, "{text}");
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
        let workers = [
            known("0a1b2c3d", 11, "vm"),
            known("0a1b9999", 12, "VM"),
            known("3fffffff", 13, "10.0.0.11"),
            known("4fffffff", 14, "10.0.0.99"),
            known("5fffffff", 15, "nas"),
            // A name that is the id of another.
            known("6fffffff", 16, "5fffffff"),
            known("addr:10.0.0.17", 17, "0a1b"),
            // Who was at an address, and who is.
            away(Some(90_000), false, known("7fffffff", 18, "old")),
            known("8fffffff", 18, "new"),
            away(Some(90_000), false, known("9fffffff", 19, "older")),
            away(Some(80_000), false, known("afffffff", 19, "newer")),
            away(None, true, known("bfffffff", 20, "first")),
            away(None, false, known("cfffffff", 20, "second")),
            away(None, false, known("dfffffff", 21, "twin")),
            away(None, false, known("efffffff", 21, "other")),
            known("one-of-two", 22, "left"),
            known("two-of-two", 22, "right"),
        ];
        let workers = candidates(&workers);
        let table = [
            ("10.0.0.11", Ok("0a1b2c3d")),
            ("::ffff:10.0.0.11", Ok("0a1b2c3d")),
            ("10.0.0.99", Err(0)),
            ("vm", Err(2)),
            ("Vm", Err(2)),
            ("NAS", Ok("5fffffff")),
            ("zeus", Err(0)),
            ("0a1b2", Ok("0a1b2c3d")),
            ("0a1b", Ok("addr:10.0.0.17")),
            ("0a1", Err(0)),
            ("3fff", Ok("3fffffff")),
            ("5fffffff", Err(2)),
            ("5ffff", Ok("5fffffff")),
            ("10.0.0.18", Ok("8fffffff")),
            ("10.0.0.19", Ok("afffffff")),
            ("10.0.0.20", Ok("cfffffff")),
            ("10.0.0.21", Err(2)),
            ("10.0.0.22", Err(2)),
        ];
        for (word, expected) in table {
            let found = find(word, &workers).map(|worker| worker.id.as_str());
            let said = found.clone().map_err(|error| match error {
                TargetError::Ambiguous(_, several) => several.len(),
                _ => 0,
            });
            assert_eq!(said, expected, "{word}: {found:?}");
            // A target means by a word what a single word means, also where it is excluded.
            let target = Target::parse(word).unwrap().resolve(word, &workers);
            let target = target.map(|meant| meant.iter().map(|worker| worker.id.as_str()).collect::<Vec<_>>());
            assert_eq!(target, found.clone().map(|id| vec![id]), "{word}");
            let others = Target::parse(&format!("!{word}")).unwrap().resolve(word, &workers);
            assert_eq!(others.map(|others| others.len()), found.map(|_| workers.len() - 1), "!{word}");
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
