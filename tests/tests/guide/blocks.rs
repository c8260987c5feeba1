//! Each block is read by whatever will read it: the grammar, bash, a command line, a configuration.

use std::io::Write as _;
use std::process::{Command, Stdio};

use c2_shared::config::{AgentConfig, Checked, ServerConfig, load};
use clap::CommandFactory as _;
use serde::de::DeserializeOwned;

use super::{Block, pages};

crate::tests![every_block_is_of_a_known_kind, lines_are_understood, shell_lines_are_understood, documents_are_read];

fn every_block_is_of_a_known_kind() {
    let blocks: Vec<Block> = pages().iter().flat_map(super::Page::blocks).collect();
    for block in &blocks {
        let known = ["console", "sh", "json", "python", "make", "text"].contains(&block.kinds[0].as_str());
        assert!(known, "{}: {:?} is no kind of block", block.place, block.kinds);
        assert!(block.kinds[0] != "console" || block.lines().next().is_some(), "{}: no line has `!> `", block.place);
    }
    let of = |kind: &str| blocks.iter().filter(|block| block.kinds[0] == kind).count();
    assert!(of("console") > 30 && of("sh") > 10 && of("json") > 2, "pages were found");
}

fn lines_are_understood() {
    for block in pages().iter().flat_map(|page| page.blocks_of("console")) {
        for line in block.lines() {
            let read = c2_tui::for_tests::parse(line);
            assert!(read.is_ok(), "{}: {line}: {read:?}", block.place);
        }
    }
}

/// bash reads all; a line that begins with one of the programs is a command line of it.
fn shell_lines_are_understood() {
    let mut seen = 0;
    for block in pages().iter().flat_map(|page| page.blocks_of("sh")) {
        let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        bash.stdin.take().unwrap().write_all(block.text.as_bytes()).unwrap();
        let read = bash.wait_with_output().unwrap();
        assert!(read.status.success(), "{}: {}", block.place, String::from_utf8_lossy(&read.stderr));
        for line in block.text.replace("\\\n", " ").lines() {
            for command in line.split("&&").flat_map(|part| part.split("$(").map(str::to_owned)) {
                seen += usize::from(command_line(command.trim(), &block.place));
            }
        }
    }
    assert!(seen > 20, "only {seen} lines of the programs were found");
}

/// Whether it is one of ours; then its program understands it.
fn command_line(line: &str, place: &str) -> bool {
    // A comment, the end of `$(..)` and a file that takes the output are none of its words.
    let end = [" #", ")", " >"].iter().filter_map(|mark| line.find(mark)).min().unwrap_or(line.len());
    let words: Vec<String> = line[..end].split_whitespace().map(str::to_owned).collect();
    let name = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
    let Some(at) = words.iter().position(|word| ["c2d", "c2-agent", "c2-tui"].contains(&name(word).as_str())) else {
        return false;
    };
    // `systemctl enable c2d` names a unit, `cargo build` a folder.
    let before = ["sudo", "-u", "-H", "c2", "c2-jobs"];
    if !words[..at].iter().all(|word| before.contains(&word.as_str())) {
        return false;
    }
    let program = match name(&words[at]).as_str() {
        "c2d" => c2d::cli::options::Cli::command(),
        "c2-agent" => c2_agent::Cli::command(),
        _ => c2_tui::for_tests::Arguments::command(),
    };
    // Quoted words may have blanks; bash splits them.
    let split =
        Command::new("bash").args(["-c", &format!("printf '%s\\0' {}", words[at..].join(" "))]).output().unwrap();
    let words = String::from_utf8(split.stdout).unwrap();
    let read = program.try_get_matches_from(words.trim_end_matches('\0').split('\0'));
    let is_shown = |error: &clap::Error| !error.use_stderr();
    assert!(read.as_ref().err().is_none_or(is_shown), "{place}: {line}: {}", read.unwrap_err());
    true
}

fn documents_are_read() {
    for block in pages().iter().flat_map(|page| page.blocks_of("json")) {
        let read = serde_json::from_str::<serde_json::Value>(&block.text);
        assert!(read.is_ok(), "{}: {read:?}", block.place);
        if block.has("c2d") {
            configuration::<ServerConfig>(&block);
        }
        if block.has("agent") {
            configuration::<AgentConfig>(&block);
        }
    }
}

fn configuration<T: DeserializeOwned + Checked>(block: &Block) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    std::fs::write(&file, &block.text).unwrap();
    if let Err(error) = load::<T>(&file) {
        panic!("{}: {error}", block.place);
    }
}
