//! Which workers are meant: the one parser for `@all`, `@group`, addresses, names, lists, ranges
//! (`10.0.0.[11-13]`, `node[1,3-5]`) and exclusions (`!10.0.0.12`).
//!
//! A target is read here and resolved against a list of workers here; nothing else splits such
//! texts, so that the console, pdsh and the API always mean the same machines. [`find`] decides for
//! all of them which worker a single word means. Only ssh reaches machines that are no workers.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::api::workers::WorkerRow;
use crate::id::WorkerId;
use crate::validate;

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
    /// Addresses and names; several where a range was written.
    Words(Vec<String>),
}

/// The machines that a target means, if it may mean any.
#[derive(Clone, Debug, Default)]
pub struct Machines<'w, 'a> {
    /// Those that are workers, without repetition, in the order of the candidates.
    pub workers: Vec<&'w Candidate<'a>>,
    /// Addresses and names that no worker has, in the order in which they were named.
    pub strangers: Vec<String>,
}

/// What a part of a target names.
#[derive(Default)]
struct Found<'a> {
    workers: Vec<&'a WorkerId>,
    strangers: Vec<String>,
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
        several => Err(TargetError::Ambiguous(word.to_owned(), in_words(several))),
    }
}

/// The worker last heard at an address: the one that is heard there now, or else the last one that was.
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
            online: row.status.is_reachable(),
            silent_ms: row.silent_ms,
            passed_on: row.passed_on,
        }
    }
}

/// Workers of which one is to be chosen, with as much of their ids as tells them apart.
fn in_words(several: &[&Candidate<'_>]) -> Vec<String> {
    let begin = |id: &'_ WorkerId, len: usize| match id.as_str().get(..len) {
        Some(begin) if !id.is_address() => begin.to_owned(),
        _ => id.to_string(),
    };
    let cut = |len| several.iter().map(|one| begin(one.id, len)).collect::<BTreeSet<_>>().len();
    let longest = several.iter().map(|one| one.id.as_str().len()).max().unwrap_or(0);
    let len = (SHORT_ID_LEN..longest).find(|len| cut(*len) == several.len()).unwrap_or(longest);
    several.iter().map(|one| format!("{} ({}, id {})", one.ip, one.hostname, begin(one.id, len))).collect()
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
    pub fn machines<'a, 'w>(&self, text: &str, workers: &'w [Candidate<'a>]) -> Result<Machines<'w, 'a>, TargetError> {
        let (mut meant, mut strangers) = (BTreeSet::new(), Vec::new());
        for part in &self.include {
            let found = part.matching(workers)?;
            meant.extend(found.workers);
            strangers.extend(found.strangers);
        }
        for part in &self.exclude {
            let found = part.matching(workers)?;
            for id in found.workers {
                meant.remove(id);
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
        Ok(Machines { workers: workers.iter().filter(|worker| meant.contains(worker.id)).collect(), strangers })
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

    fn matching<'a>(&self, workers: &[Candidate<'a>]) -> Result<Found<'a>, TargetError> {
        let mut found = Found::default();
        match self {
            Self::All => found.workers = workers.iter().map(|w| w.id).collect(),
            Self::Group(group) => {
                found.workers = workers.iter().filter(|w| w.groups.contains(group)).map(|w| w.id).collect();
                if found.workers.is_empty() {
                    return Err(TargetError::UnknownGroup(group.clone()));
                }
            }
            Self::Words(words) => {
                for word in words {
                    match find(word, workers) {
                        Ok(worker) => found.workers.push(worker.id),
                        Err(TargetError::UnknownWorker(stranger)) => found.strangers.push(stranger),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(found)
    }
}

/// The words of a list of workers, with its ranges written out. What is no range stays as it is.
#[must_use]
pub fn listed(text: &str) -> Vec<String> {
    let all = parts(text).into_iter().map(str::trim);
    all.flat_map(|part| expanded(part).unwrap_or_else(|| vec![part.to_owned()])).collect()
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

/// How an identity is shown where there is little space; it may have digits alone.
const SHORT_ID_LEN: usize = 8;

/// Whether a word is an address, a part of an identity, or could be a host name. What looks like an address must be one.
fn is_word(word: &str) -> bool {
    let is_number = word.bytes().all(|b| b.is_ascii_digit());
    let like_address =
        word.chars().all(|c| c.is_ascii_digit() || c == '.') && !(is_number && word.len() >= SHORT_ID_LEN);
    word.parse::<IpAddr>().is_ok() || (!like_address && validate::word("worker", word).is_ok())
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
        IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, last))
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
        assert!(Target::parse("85817716").is_ok(), "an identity as it is shown");
        assert!(Target::parse("8581771").is_err() && Target::parse("8581.7716").is_err());
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
    fn what_is_ambiguous_is_told_apart() {
        let workers = [
            known("nas-work-1", 11, "nas"),
            known("nas-work", 12, "nas"),
            known("addr:10.0.0.13", 13, "nas"),
            known("0a1b2c3d4e5f", 14, "vm"),
            known("1a1b2c3d4e5f", 15, "vm"),
        ];
        let workers = candidates(&workers);
        let told = |word| find(word, &workers).unwrap_err().to_string();
        let ids = "10.0.0.11 (nas, id nas-work-), 10.0.0.12 (nas, id nas-work), 10.0.0.13 (nas, id addr:10.0.0.13)";
        assert_eq!(told("nas"), format!("\"nas\" means several workers: {ids}"));
        assert_eq!(find("nas-work-", &workers).unwrap().ip, at(11));
        assert!(told("vm").ends_with("10.0.0.14 (vm, id 0a1b2c3d), 10.0.0.15 (vm, id 1a1b2c3d)"));
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
    fn a_list_of_workers_has_ranges_too() {
        let table: [(&str, &[&str]); 4] = [
            ("nas", &["nas"]),
            ("10.0.0.[11,13], vm", &["10.0.0.11", "10.0.0.13", "vm"]),
            ("node[1,3-4],pi", &["node1", "node3", "node4", "pi"]),
            ("a[,@gpu", &["a[,@gpu"]),
        ];
        for (text, expected) in table {
            assert_eq!(listed(text), expected, "{text}");
        }
    }

    #[test]
    fn strangers_are_told_apart() {
        let workers = [known("aaaa1", 11, "pi"), known("bbbb1", 12, "")];
        let workers = candidates(&workers);
        let table: [(&str, &[u8], &[&str]); 6] = [
            ("10.0.0.[11,13],nas", &[11], &["10.0.0.13", "nas"]),
            ("@all,10.0.0.99", &[11, 12], &["10.0.0.99"]),
            ("nas,nas", &[], &["nas"]),
            ("nas[1-3],!nas2", &[], &["nas1", "nas3"]),
            ("10.0.0.[11,13],!10.0.0.13", &[11], &[]),
            ("fd00::1", &[], &["fd00::1"]),
        ];
        for (text, known, strangers) in table {
            let found = Target::parse(text).unwrap().machines(text, &workers).unwrap();
            let workers: Vec<IpAddr> = found.workers.iter().map(|worker| worker.ip).collect();
            assert_eq!(workers, known.iter().map(|last| at(*last)).collect::<Vec<_>>(), "{text}");
            assert_eq!(found.strangers, strangers, "{text}");
        }
        let excluded = Target::parse("@all,!nas").unwrap().machines("@all,!nas", &workers);
        assert_eq!(excluded.unwrap_err(), TargetError::UnknownWorker("nas".to_owned()));
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
