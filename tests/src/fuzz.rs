//! What must hold whatever comes in: the console's lines, targets, batch files, what goes over the
//! wire, and what jobs write. Each property takes any bytes and panics when something does not hold.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use c2_shared::api::batches::BatchRequest;
use c2_shared::api::work::{PollRequest, RegisterRequest, ResultRequest};
use c2_shared::id::WorkerId;
use c2_shared::job::JobSpec;
use c2_shared::pass::Pass;
use c2_shared::target::{Candidate, Target};
use c2_shared::validate;
use c2_tui::for_tests;

/// A property with its name and inputs that mean something, from which others are made.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// Takes any bytes.
    pub check: fn(&[u8]),
    /// Where to begin.
    pub seeds: &'static [&'static str],
}

/// All properties.
pub const PROPERTIES: [Property; 5] = [
    Property {
        name: "line",
        check: line,
        seeds: &[
            "submit \"python train.py\" --group gpu --tags gpu:0,disk --depends 3,job-4:any --retries 2 --timeout 2h",
            "pdsh 10.0.0.[11-13],!atlas --fold --timeout 5 'echo \"a b\"'",
            "copy 'a b' ./c:d 10.0.0.[11-13],[fd00::1],!atlas:~/x",
            "cancel 3-9 @failed last name",
            "set-tags 10.0.0.11 gpu:0 gpu:1; # comment",
            ":log 50 --state failed --worker pi\\ ",
            "submit --upload=a:b,c --download=*.png -- x",
        ],
    },
    Property {
        name: "target",
        check: target,
        seeds: &["@all", "@gpu,!10.0.0.11", "10.0.0.[11-13,20]", "atlas,pi,!@cpu", "10.0.0.[1-999999999]", "fe80::1"],
    },
    Property {
        name: "batch",
        check: batch_file,
        seeds: &[
            "echo one\n# a comment\n\n{\"command\": \"echo two\", \"group\": \"gpu\", \"depends\": [1]}\n",
            "[\"echo a\", {\"command\": \"b\", \"tags\": [\"x\"], \"timeout\": \"2h\", \"env\": {\"A\": \"1\"}}]",
            "{\"command\": \"x\", \"uploads\": [{\"path\": \"a\", \"content\": \"aGVsbG8=\"}]}",
        ],
    },
    Property {
        name: "wire",
        check: wire,
        seeds: &[
            "{\"command\": \"x\", \"priority\": 3, \"same_machine\": \"job-1\", \"exclude\": [\"10.0.0.1\"]}",
            "{\"jobs\": [{\"command\": \"x\", \"depends\": [\"n1\"]}], \"key\": \"k\"}",
            "{\"hostname\": \"pi\", \"worker_id\": \"w\", \"boot_id\": \"b\", \"slots\": 4, \"version\": \"0.1.0\"}",
            "{\"slots_free\": 3, \"running\": [\"job-1/2\"], \"load\": {\"cpu_percent\": 3.5}}",
            "{\"attempt\": \"job-1/1\", \"outcome\": {\"kind\": \"exit\", \"code\": 0}, \"stdout\": {\"head\": \"YQ==\"}}",
            "c2j1.SECRET.FINGERPRINT@10.0.0.6:30814",
        ],
    },
    Property {
        name: "ansi",
        check: ansi,
        seeds: &[
            "\x1b[1;31mred\x1b[0m \x1b[38;5;200mpink\x1b[48;2;1;2;3m true\x1b[m\n",
            "\x1b]8;;http://x\x07link\x1b]8;;\x07\t\ttab\r\x1b[2Kover\x08\x08xx\n",
            "\x1bPq#0;2;0;0;0\x1b\\ \x1b]52;c;aGVsbG8=\x07 \u{9b}31m \u{202e}rtl e\u{301} \u{1f468}\u{200d}\u{1f469} 漢字\n",
        ],
    },
];

/// A line is understood or refused, never lost; its words lie where they say.
pub fn line(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(words) = for_tests::words(&text) {
        let mut last = 0;
        for word in &words {
            assert!(last <= word.start && word.start < word.end, "{words:?}");
            assert!(text.get(word.clone()).is_some(), "{words:?} in {text:?}");
            last = word.end;
        }
    }
    if let Err(message) = for_tests::parse(&text) {
        assert!(!message.trim().is_empty(), "{text:?} is refused without a word");
    }
}

/// A target means workers that exist, each once.
pub fn target(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let groups: BTreeSet<String> = ["gpu".to_owned()].into();
    let none = BTreeSet::new();
    let ip = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
    let ids: Vec<WorkerId> = ["0123abcd", "0123cdef", "addr:10.0.0.13"].map(WorkerId::from).into();
    let known = [(11, "atlas", &groups), (12, "pi", &none), (13, "@all", &groups)];
    let workers = ids.iter().zip(known).map(|(id, (last, hostname, groups))| Candidate {
        id,
        ip: ip(last),
        hostname,
        groups,
        online: last != 12,
        silent_ms: Some(0),
        passed_on: false,
    });
    let workers: Vec<Candidate<'_>> = workers.collect();
    let Ok(target) = Target::parse(&text) else { return };
    if let Ok(found) = target.resolve(&text, &workers) {
        let each: BTreeSet<&WorkerId> = found.iter().map(|worker| worker.id).collect();
        assert_eq!(each.len(), found.len(), "{text:?} names somebody twice");
        assert!(each.iter().all(|id| ids.contains(id)), "{text:?}: {found:?}");
    }
}

/// A batch file gives jobs that c2d would take as they are, or says what is wrong.
pub fn batch_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match for_tests::batch(&text) {
        Ok(jobs) => jobs.iter().for_each(|job| validate::spec(job).expect("a job that was read is a job")),
        Err(message) => assert!(!message.is_empty(), "{text:?}"),
    }
}

/// What was read is written so that it is read as the same.
pub fn wire(bytes: &[u8]) {
    fn again<T: serde::Serialize + serde::de::DeserializeOwned>(bytes: &[u8]) {
        let Ok(read) = serde_json::from_slice::<T>(bytes) else { return };
        let written = serde_json::to_string(&read).expect("what was read can be written");
        let read: T = serde_json::from_str(&written).expect("what was written is read again");
        assert_eq!(serde_json::to_string(&read).expect("it was written before"), written);
    }
    again::<JobSpec>(bytes);
    again::<BatchRequest>(bytes);
    again::<RegisterRequest>(bytes);
    again::<PollRequest>(bytes);
    again::<ResultRequest>(bytes);
    if let Ok(spec) = serde_json::from_slice::<JobSpec>(bytes) {
        let _judged = validate::spec(&spec);
    }
    if let Ok(pass) = String::from_utf8_lossy(bytes).parse::<Pass>() {
        let exposed = pass.expose();
        let again: Pass = exposed.parse().expect("what was exposed is read again");
        assert_eq!(again.expose(), exposed);
    }
}

/// Nothing that a job writes works on the terminal: cells hold no control characters.
pub fn ansi(bytes: &[u8]) {
    for (width, height) in [(1, 1), (7, 3), (80, 24)] {
        for text in for_tests::shown(bytes, width, height) {
            assert!(!text.chars().any(char::is_control), "{text:?} of {bytes:?}");
        }
    }
}

/// Makes inputs of seeds: cut, spliced, repeated, flipped, with bytes that mean much in between.
#[derive(Debug)]
pub struct Mutator {
    random: u64,
}

/// What breaks readers.
const WORDS: [&[u8]; 24] = [
    b"\"",
    b"'",
    b"\\",
    b"\0",
    b"\n",
    b"\r",
    b"\x1b[",
    b"\x1b]",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"{",
    b"[",
    b"]",
    b"}",
    b":",
    b",",
    b"--",
    b"!",
    b"@",
    b"-9223372036854775809",
    b"1e999",
    b"\xe2\x80\x8d",
    b"99999999999999999999",
];

impl Mutator {
    /// A stream of inputs.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { random: seed | 1 }
    }

    fn below(&mut self, bound: usize) -> usize {
        // xorshift64*: good enough to choose places.
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let number = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or(0) % bound.max(1)
    }

    /// The next input.
    pub fn input(&mut self, seeds: &[&str]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].as_bytes().to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len() + 1);
            match self.below(6) {
                0 => bytes.truncate(at),
                1 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                2 => drop(bytes.splice(at..at, WORDS[self.below(WORDS.len())].iter().copied())),
                3 => {
                    let other = seeds[self.below(seeds.len())].as_bytes();
                    let from = self.below(other.len());
                    bytes.splice(at..at, other[from..].iter().copied());
                }
                4 => {
                    let to = at + self.below(bytes.len() - at + 1);
                    let part = bytes[at..to].repeat(1 + self.below(4));
                    bytes.splice(at..at, part);
                }
                _ => {
                    let to = at + self.below(bytes.len() - at + 1);
                    bytes.drain(at..to);
                }
            }
        }
        bytes
    }
}
