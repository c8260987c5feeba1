//! What the program says without a c2d: versions, help, refusals of its command line.
#![cfg(test)]

use std::process::Command;

fn check(args: &[&str], status: i32, stdout: &str, stderr: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_c2-agent")).args(args).output().unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{args:?}: {told}");
    assert!(said.contains(stdout), "{args:?}: {said}");
    for words in stderr {
        assert!(told.contains(words), "{args:?}: {told}");
    }
}

#[test]
fn the_command_line() {
    let version = format!("c2-agent {}", env!("CARGO_PKG_VERSION"));
    check(&["--version"], 0, &version, &[]);
    check(&["--help"], 0, "--workspace-root", &[]);
    check(&["--bogus"], 2, "", &["--bogus"]);
    check(&["--slots=0"], 2, "", &["c2-agent: 0 slots cannot be run", "hint: give --slots a number from 1 to 1024"]);
    check(&["--server=http://nas"], 2, "", &["c2-agent: \"http://nas\" is not an address of c2d", "hint: write HOST"]);
    check(&["--token-file=/nonexistent"], 78, "", &["c2-agent: cannot use", "hint: let this machine join"]);
    check(&["--config=/nonexistent"], 2, "", &["c2-agent: cannot read the configuration", "hint: "]);
    // A flag of the agent before a command would mean nothing there.
    check(&["--state-dir=/nonexistent", "join", "LINE"], 2, "", &["'join'", "--state-dir"]);
    let run_slot = ["run-slot", "--state-dir=/nonexistent", "--slot=0", "--workspace-root=/nonexistent"];
    check(&run_slot, 1, "", &["c2-agent: run-slot got no socket"]);
}
