//! The program of agents as a file: which version it is, and for which processors.
//!
//! Both are read out of the file, and nothing of it is run: what lies in a folder need not be for this machine.

use std::io::{self, Read};

use memchr::memmem;

/// What stands before the version in the program of an agent.
pub const VERSION_MARK: &str = "c2-agent-version=";
/// What stands behind it.
pub const VERSION_END: char = ';';

/// The longest version.
const VERSION_LEN_MAX: usize = 32;
/// Bytes that are looked through at once.
const PIECE_BYTES: usize = 1 << 20;
/// So much of a piece is looked at again with the next, in case a version stands over the border.
const OVERLAP: usize = VERSION_MARK.len() + VERSION_LEN_MAX + 1;

/// How a program for Linux begins, with the number of its processors at bytes 18 and 19.
const ELF: [u8; 4] = [0x7f, b'E', b'L', b'F'];
/// The processors that are known, by their numbers there.
const ARCHITECTURES: [(u16, &str); 3] = [(0x3e, "x86_64"), (0xb7, "aarch64"), (0xf3, "riscv64")];

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The version of the agent in it.
    pub version: String,
    /// For which processors it is.
    pub architecture: &'static str,
}

impl Program {
    /// Reads what a file is; none where it is no program of an agent.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(mut file: impl Read) -> io::Result<Option<Self>> {
        let (mut window, mut architecture) = (Vec::new(), None);
        loop {
            let before = window.len();
            let read = file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut window)?;
            if before == 0 {
                architecture = architecture_of(&window);
            }
            let Some(architecture) = architecture.filter(|_| read > 0) else { return Ok(None) };
            if let Some(version) = version_in(&window) {
                return Ok(Some(Self { version, architecture }));
            }
            window.drain(..window.len().saturating_sub(OVERLAP));
        }
    }
}

fn architecture_of(head: &[u8]) -> Option<&'static str> {
    let number = u16::from_le_bytes(head.get(18..20)?.try_into().ok()?);
    let known = ARCHITECTURES.iter().find(|(known, _)| *known == number)?;
    head.starts_with(&ELF).then_some(known.1)
}

/// The first text behind a mark that is a version: the mark alone also stands in programs that look for it.
fn version_in(bytes: &[u8]) -> Option<String> {
    memmem::find_iter(bytes, VERSION_MARK.as_bytes()).find_map(|at| {
        let behind = &bytes[at + VERSION_MARK.len()..];
        let end = behind.iter().take(VERSION_LEN_MAX + 1).position(|byte| char::from(*byte) == VERSION_END)?;
        let version = std::str::from_utf8(&behind[..end]).ok()?;
        numbers(version).map(|_| version.to_owned())
    })
}

/// Whether a version is later than another. What is no version is later than none.
#[must_use]
pub fn is_newer(version: &str, than: &str) -> bool {
    match (numbers(version), numbers(than)) {
        (Some(version), Some(than)) => version > than,
        _ => false,
    }
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let numbers: Result<Vec<u64>, _> = version.split('.').map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u8, rest: &[u8]) -> Vec<u8> {
        let head = [&ELF[..], &[0; 14], &[machine, 0]].concat();
        [&head, rest].concat()
    }

    #[test]
    fn a_program_says_what_it_is() {
        let of = |version: &str, architecture| Some(Program { version: version.to_owned(), architecture });
        let far = [vec![0; PIECE_BYTES - 30], b"c2-agent-version=0.2.0;".to_vec(), vec![0; 99]].concat();
        let table = [
            (elf(0x3e, b"..c2-agent-version=0.2.0;.."), of("0.2.0", "x86_64")),
            (elf(0xb7, b"c2-agent-version=c2-agent-version=10.0.12;"), of("10.0.12", "aarch64")),
            (elf(0x3e, &far), of("0.2.0", "x86_64")),
            (elf(0x3e, b"c2-agent-version=0.2;c2-agent-version=0.2.0"), None),
            (elf(0x3e, b""), None),
            (elf(0x28, b"c2-agent-version=0.2.0;"), None),
            (b"#!/bin/sh\n# c2-agent-version=0.2.0;".to_vec(), None),
            (Vec::new(), None),
        ];
        for (bytes, expected) in table {
            assert_eq!(Program::read(&bytes[..]).unwrap(), expected, "{} bytes", bytes.len());
        }
    }

    #[test]
    fn versions_are_numbers() {
        for (version, than, expected) in [
            ("0.10.0", "0.9.9", true),
            ("0.2.0", "0.2.0", false),
            ("0.1.9", "0.2.0", false),
            ("next", "0.2.0", false),
            ("0.2.0", "", false),
        ] {
            assert_eq!(is_newer(version, than), expected, "{version} {than}");
        }
    }
}
