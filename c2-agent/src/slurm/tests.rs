//! What a node runs, tried with the shell of this machine, and who has the right to it.

use std::fs;
use std::path::Path;
use std::process::Command;

use c2_shared::id::JobId;
use c2_shared::job::JobSpec;

use super::*;
use crate::slurm::script::{Parts, script};

fn attempt() -> AttemptId {
    AttemptId { job: JobId(7), number: 2 }
}

fn start(command: &str) -> Start {
    let spec = JobSpec { command: command.to_owned(), ..JobSpec::default() };
    Start {
        attempt: attempt(),
        worker: [127, 0, 0, 1].into(),
        tags: Vec::new(),
        spec,
        variables: std::collections::BTreeMap::new(),
        lease_ms: None,
        output_keep_bytes: 1,
        resumes: false,
    }
}

/// A root with a name that a shell must not take apart, and an attempt in it.
fn prepared(root: &Path, command: &str, stdin: Option<&str>) -> Control {
    let folder = root.join("it's a $(folder)");
    fs::create_dir_all(&folder).unwrap();
    let control = Control::of(&folder, attempt());
    let parts = Parts {
        control: control.path(),
        folder: &folder,
        shell: "/bin/sh",
        name: "job-7",
        umask: "027",
        has_stdin: stdin.is_some(),
    };
    let mut stdin = stdin.map(str::as_bytes);
    let content = stdin.as_mut().map(|content| content as &mut dyn std::io::Read);
    control.make(&start(command), &script(&parts), content).unwrap();
    control
}

fn run(control: &Control) -> Option<i32> {
    let script = control.path().join("script");
    Command::new("/bin/sh").arg(script).env("SLURM_JOB_ID", "41").current_dir("/").status().unwrap().code()
}

fn output(control: &Control, stream: &str) -> String {
    fs::read_to_string(control.path().join(stream)).unwrap()
}

#[test]
fn a_command_runs_once_and_says_how_it_ended() {
    let root = tempfile::tempdir().unwrap();
    let control =
        prepared(root.path(), "cat; echo err >&2; umask; basename \"$PWD\"; echo \"$0 $#\"; exit 3", Some("in\n"));
    assert!(!control.is_claimed() && control.status().is_none());
    assert_eq!(run(&control), Some(0));
    assert_eq!(output(&control, "stdout"), "in\n0027\nit's a $(folder)\njob-7 0\n");
    assert_eq!(output(&control, "stderr"), "err\n");
    assert_eq!((control.status(), control.taken_by().as_deref()), (Some(3), Some("41")));
    // Slurm runs it again, after a failure of its own.
    fs::write(control.path().join("stdout"), "kept").unwrap();
    assert_eq!(run(&control), Some(0));
    assert_eq!(output(&control, "stdout"), "kept");
}

#[test]
fn what_was_called_off_never_begins() {
    let root = tempfile::tempdir().unwrap();
    let control = prepared(root.path(), "echo ran", None);
    assert!(control.claim().unwrap());
    assert!(!control.claim().unwrap(), "only one ever has the right to it");
    assert_eq!(run(&control), Some(0));
    assert!(!control.path().join("stdout").exists() && control.status().is_none());
    // Nor when all of it is gone.
    let script = fs::read_to_string(control.path().join("script")).unwrap();
    control.remove().unwrap();
    let status = Command::new("/bin/sh").args(["-c", &script]).current_dir("/").status().unwrap();
    assert_eq!(status.code(), Some(script::BLIND));
}

#[test]
fn a_signal_ends_the_command_and_is_told() {
    let root = tempfile::tempdir().unwrap();
    let control = prepared(root.path(), "kill -TERM $$; sleep 5", None);
    run(&control);
    assert_eq!(control.status(), Some(128 + 15));
}

#[test]
fn what_is_followed_again_is_what_was_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let control = prepared(root.path(), "true", None);
    let workspaces = control.path().parent().unwrap();
    assert_eq!(resumed(workspaces, attempt()), Some(Start { resumes: true, ..start("true") }));
    control.conclude(&c2_shared::job::Outcome::Exit { code: 1 }).unwrap();
    assert_eq!(control.outcome(), Some(c2_shared::job::Outcome::Exit { code: 1 }));
    sweep(workspaces, |_| true);
    assert!(control.path().exists());
    sweep(workspaces, |_| false);
    assert_eq!(resumed(workspaces, attempt()), None);
}

#[test]
fn what_a_job_needs_is_asked_of_slurm() {
    let spec = JobSpec { cpus: 4, memory_bytes: (3 << 20) + 1, gpus: 1, ..start("x").spec };
    let slurm = Slurm { partition: Some("gpu".to_owned()) };
    let asked = slurm.request(&Start { spec, ..start("x") });
    for wanted in ["--partition=gpu", "--cpus-per-task=4", "--mem=4M", "--gpus=1", "--no-requeue"] {
        assert!(asked.iter().any(|given| given == wanted), "{wanted} in {asked:?}");
    }
    let plain = Slurm { partition: None }.request(&start("x"));
    assert!(!plain.iter().any(|given| given.contains("mem") || given.contains("partition")), "{plain:?}");
    assert_eq!(name("0123456789abcdef", attempt()), "c2-01234567-job-7.2");
}
