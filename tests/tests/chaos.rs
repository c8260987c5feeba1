//! A short storm of each kind; `c2-chaos` goes on for as long as it is told.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use c2_tests::machine;

crate::tests![
    programs_and_machines_that_die_lose_nothing,
    clocks_that_jump_lose_nothing,
    a_log_of_the_database_that_is_cut_off_loses_its_end_and_nothing_else,
    calls_that_write_and_fail_or_never_return_lose_nothing,
];

/// One at a time: each takes all of the machine.
static TURN: Mutex<()> = Mutex::new(());

fn nothing_breaks(words: &[&str]) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let output =
        Command::new(env!("CARGO_BIN_EXE_c2-chaos")).args(words).output().expect("c2-chaos is built with this test");
    assert!(output.status.success(), "c2-chaos {words:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn on_the_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

fn programs_and_machines_that_die_lose_nothing() {
    nothing_breaks(&["storm", "15", "7"]);
}

fn clocks_that_jump_lose_nothing() {
    if machine::has("clocks that jump", machine::faketime().is_some(), "apt-get install faketime") {
        nothing_breaks(&["clocks", "15", "7"]);
    }
}

fn a_log_of_the_database_that_is_cut_off_loses_its_end_and_nothing_else() {
    nothing_breaks(&["cuts", "20"]);
}

fn calls_that_write_and_fail_or_never_return_lose_nothing() {
    if machine::has("calls that fail", on_the_path("strace"), "apt-get install strace") {
        nothing_breaks(&["syscalls", "2"]);
    }
}
