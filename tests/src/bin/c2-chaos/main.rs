//! Breaks the real programs for as long as it is told and then looks, from the outside, whether
//! anything that was promised is broken. Prints one JSON line; ends with an error when it is.
//!
//! `c2-chaos storm [SECONDS] [--seed N] [--postgres]`: c2d and four agents under load, killed, stopped and cut off
//! from power at random, alone and together; with everything in PostgreSQL there are two c2d, and sessions end as well.
//! `c2-chaos clocks [SECONDS] [--seed N]`: the same while their clocks jump by years; needs libfaketime.
//! `c2-chaos home [SECONDS] [--seed N]`: c2d and four agents in a network of their own, whose addresses
//! change, whose lines and disks break and are mended, and whose programs are killed; needs root.
//! `c2-chaos cuts [CUTS]`: c2d is killed under load, and the log of its database is cut off anywhere.
//! `c2-chaos syscalls [CALLS]`: c2d is killed at each of its first calls that write, and each of them
//! fails with an I/O error and with a full disk; needs strace.

mod clock;
mod cuts;
mod home;
mod load;
mod lone;
mod oracle;
mod storm;
mod syscalls;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let told = match run(&words) {
        Ok(result) => writeln!(std::io::stdout().lock(), "{result}"),
        Err(error) => writeln!(std::io::stderr().lock(), "error: {error:#}").and(Err(std::io::ErrorKind::Other.into())),
    };
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(words: &[String]) -> Result<Value> {
    let on_postgres = words.iter().any(|word| word == "--postgres");
    let words: Vec<String> = words.iter().filter(|word| *word != "--postgres").cloned().collect();
    let (words, flag) = match words.iter().position(|word| word == "--seed") {
        Some(at) => (&words[..at], words.get(at + 1)),
        None => (&words[..], None),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let number = |at: usize, default: u64| words.get(at).map_or(Ok(default), |word| word.parse().context("a number"));
    let seed = flag.map_or_else(|| number(2, 1), |word| word.parse().context("a seed"))?;
    match words.first().map(String::as_str) {
        Some(which @ ("storm" | "clocks")) => {
            let clocks = (which == "clocks").then(clock::Clocks::new).transpose()?;
            let socket = on_postgres.then(|| c2_tests::pair::server().context("PostgreSQL is not installed"));
            let length = Duration::from_secs(number(1, 600)?);
            runtime.block_on(storm::storm(length, seed, clocks, socket.transpose()?))
        }
        Some("home") => home::home(Duration::from_secs(number(1, 600)?), seed),
        Some("cuts") => runtime.block_on(cuts::cuts(number(1, 200)?)),
        Some("syscalls") => runtime.block_on(syscalls::syscalls(number(1, 40)?)),
        _ => bail!(
            "usage: c2-chaos storm|clocks|home [SECONDS] [--seed N] [--postgres] | cuts [CUTS] | syscalls [CALLS]"
        ),
    }
}
