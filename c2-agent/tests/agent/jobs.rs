//! What a job gets and what becomes of it, on the real agent with real processes.

use c2_shared::api::output::Output;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobSpec, Outcome, Upload};

use crate::stage::{Stage, shell, wait_for};

#[test]
fn outcomes_and_output() {
    let stage = Stage::new(&[]);
    let table = [
        ("echo hello; echo oops >&2", Outcome::Exit { code: 0 }, "hello\n", "oops\n"),
        ("exit 3", Outcome::Exit { code: 3 }, "", ""),
        ("printf x; kill -KILL $$", Outcome::Signal { signal: 9 }, "x", ""),
        ("kill -TERM $$", Outcome::Signal { signal: 15 }, "", ""),
        ("pwd | sed 's|.*/||'; umask", Outcome::Exit { code: 0 }, "job-5\n0077\n", ""),
        ("cat; test ! -t 1", Outcome::Exit { code: 0 }, "", ""),
        ("exec ls /proc/self/fd", Outcome::Exit { code: 0 }, "0\n1\n2\n3\n", ""),
        (
            "echo $C2_JOB_ID $C2_ATTEMPT $C2_WORKER $TERM",
            Outcome::Exit { code: 0 },
            "job-8 job-8.1 127.0.0.1 dumb\n",
            "",
        ),
        ("echo $SECRET_OF_THE_AGENT$CUDA_VISIBLE_DEVICES", Outcome::Exit { code: 0 }, "\n", ""),
        ("tr '\\0' ' ' </proc/$$/cmdline | grep -c secret", Outcome::Exit { code: 1 }, "0\n", ""),
        ("env | grep -c C2_COMMAND", Outcome::Exit { code: 1 }, "0\n", ""),
        ("echo $0; alias a='echo b'\na", Outcome::Exit { code: 0 }, "job-12\nb\n", ""),
        ("# only a comment", Outcome::Exit { code: 0 }, "", ""),
        ("cat <<END\n$C2_JOB_ID \\$x\nEND", Outcome::Exit { code: 0 }, "job-14 $x\n", ""),
    ];
    for ((command, outcome, stdout, stderr), job) in table.into_iter().zip(1..) {
        let result = stage.run(job, command);
        assert_eq!(
            (result.outcome, result.stdout, result.stderr, result.swept),
            (outcome, Output::whole(stdout), Output::whole(stderr), 0),
            "{command}"
        );
        assert!(result.ended_ms >= result.started_ms && result.started_ms > 0);
    }
    assert_eq!(stage.workspaces(), [""; 0], "empty workspaces are removed");
    assert!(stage.runners().len() <= 2);
}

#[test]
fn what_a_shell_says_names_the_job_and_no_file() {
    let stage = Stage::new(&[]);
    let wrong = ["[[ a ]] && no-such-program", "no-such-program", "echo \"", "echo (", "set -u; echo $nothing"];
    for (number, shell_of_job) in (1..).zip(wrong.into_iter().flat_map(|text| [(text, None), (text, Some("bash"))])) {
        let (text, other) = shell_of_job;
        let spec = JobSpec { shell: other.map(str::to_owned), ..shell(text) };
        let attempt = stage.c2d.submit(number, &[], spec);
        let result = stage.c2d.result(attempt);
        let said = result.stderr.head.lossy();
        assert_ne!(result.outcome, Outcome::Exit { code: 0 }, "{text}");
        assert!(
            said.starts_with(&format!("job-{number}: ")) && !said.contains("/proc/"),
            "{text} in {other:?}: {said}"
        );
        assert!(other.is_none() || !said.contains("C2_COMMAND"), "{said}");
    }
    // What does not fit into an environment is read from a file.
    let text = "x".repeat(c2_shared::limits::COMMAND_BYTES_MAX - 64);
    let result = stage.run(100, &format!("x={text}; echo $0 ${{#x}}; env | grep -c C2_COMMAND"));
    assert_eq!(result.stdout, Output::whole(format!("job-100 {}\n0\n", text.len())));
}

#[test]
fn a_job_of_a_newer_c2d_is_handed_back_and_others_run() {
    let stage = Stage::new(&[]);
    let newer = stage.c2d.change(|book| {
        let attempt = AttemptId { job: JobId(1), number: 1 };
        book.newer.insert(attempt);
        attempt
    });
    stage.c2d.submit(1, &[], shell("echo must not run"));
    assert_eq!(stage.run(2, "echo runs").stdout, Output::whole("runs\n"));
    let reason = "this agent is too old for it: unknown field \"of_tomorrow\"".to_owned();
    assert_eq!(stage.c2d.result(newer).outcome, Outcome::Setup { reason });
}

#[test]
fn input_environment_tags_and_files() {
    let stage = Stage::new(&[]);
    let file = |path: &str, mode| Upload {
        path: path.to_owned(),
        content: Some(Bytes64(b"#!/bin/sh\necho ran\n".to_vec())),
        mode,
        ..Upload::default()
    };
    let spec = JobSpec {
        stdin: Some(Bytes64(b"in put\n".to_vec())),
        env: [("MODEL".to_owned(), "a b".to_owned()), ("TERM".to_owned(), "mine".to_owned())].into(),
        upload: vec![file("run.sh", Some(0o755)), file("data/in/a", None)],
        ..shell(
            "cat; echo $MODEL $TERM $C2_TAGS $CUDA_VISIBLE_DEVICES; ./run.sh; stat -c %a data data/in/a; echo $TMPDIR",
        )
    };
    let attempt = stage.c2d.submit(1, &["gpu:1", "disk"], spec);
    let result = stage.c2d.result(attempt);
    let workspace = stage.root().join("job-1");
    let expected = format!("in put\na b mine gpu:1,disk 1\nran\n700\n600\n{}\n", workspace.display());
    assert_eq!((result.outcome, result.stdout.head.lossy()), (Outcome::Exit { code: 0 }, expected));
    assert!(workspace.join("data/in/a").exists(), "a workspace with files stays");
}

#[test]
fn hostile_jobs_are_refused() {
    let stage = Stage::new(&[]);
    let bad = |path: &str| Upload { path: path.to_owned(), content: Some(Bytes64::default()), ..Upload::default() };
    let blob = Upload { path: "x".to_owned(), sha256: Some(c2_shared::blob::BlobId([0xaa; 32])), ..Upload::default() };
    let uploads = ["/etc/x", "../x", "a/../../x", "a//b", "", ".", "a\\b"].map(bad).into_iter().chain([blob]);
    for (upload, job) in uploads.zip(1..) {
        let path = upload.path.clone();
        let attempt = stage.c2d.submit(job, &[], JobSpec { upload: vec![upload], ..shell("echo never") });
        let result = stage.c2d.result(attempt);
        assert!(matches!(result.outcome, Outcome::Setup { .. }), "{path:?}: {:?}", result.outcome);
        assert_eq!(result.stdout, Output::default());
    }
    let attempt = stage.c2d.submit(20, &[], JobSpec { upload: vec![bad("a"), bad("a/b")], ..shell("echo never") });
    let result = stage.c2d.result(attempt);
    assert_eq!(result.outcome, Outcome::Exit { code: 125 }, "files that exclude each other are the job's own fault");
    let said = result.stderr.head.lossy();
    assert!(said.starts_with("c2: ") && said.contains("a/b"), "{said}");
    assert_eq!(result.stdout, Output::default());
}

#[test]
fn endless_output_is_capped_and_timed_out() {
    let stage = Stage::new(&[]);
    let result = stage.run(1, "head -c 10000000 /dev/zero; echo end");
    assert_eq!(result.stdout.total_bytes(), 10_000_004);
    let blob = result.stdout.blob.expect("it is long");
    // This c2d wants one MiB, of which a quarter is from the beginning.
    assert_eq!((blob.size, blob.dropped_at), (1 << 20, 1 << 18));
    stage.c2d.change(|book| assert!(book.blobs[&blob.sha256.to_string()].ends_with(b"\0end\n")));

    let attempt = stage.c2d.submit(2, &[], JobSpec { timeout_s: Some(1), ..shell("yes") });
    let result = stage.c2d.result(attempt);
    assert_eq!(result.outcome, Outcome::Timeout);
    assert!(result.stdout.dropped > 0);
    assert!(stage.survivors().is_empty());
}

#[test]
fn what_a_job_leaves_behind_is_ended_and_counted() {
    let stage = Stage::new(&[]);
    let result = stage.run(1, "echo before; sleep 300 & sleep 301 & exit 4");
    assert_eq!((result.outcome, result.swept), (Outcome::Exit { code: 4 }, 2));
    assert_eq!(result.stdout, Output::whole("before\n"));
    assert!(result.ended_ms - result.started_ms < 2_000, "its open output did not delay the result");

    let stubborn = "setsid sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.05; done' & read x; exit 0";
    let result = stage.run(2, &format!("mkfifo up; ({stubborn}) <up & exec 3>up; sleep 0.1; kill -KILL $$"));
    assert_eq!(result.outcome, Outcome::Signal { signal: 9 });
    assert!(result.swept > 0);
    assert!(stage.survivors().is_empty());
}

#[test]
fn a_cancelled_daemon_dies_whatever_it_tries() {
    let stage = Stage::new(&[]);
    let daemon = "trap '' TERM HUP INT; (setsid sh -c 'trap \"\" TERM HUP; echo $$ >pid; while :; do sleep 1; done' &) & wait; sleep 300";
    let attempt = stage.c2d.submit(1, &[], shell(daemon));
    stage.read(&stage.root().join("job-1/pid"));
    assert!(stage.survivors().len() >= 2);
    stage.c2d.change(|book| book.kills.insert(attempt));
    assert_eq!(stage.c2d.result(attempt).outcome, Outcome::Cancelled);
    assert!(stage.survivors().is_empty());
    assert_eq!(stage.run(2, "echo next").stdout, Output::whole("next\n"), "the slot is free again");
}

#[test]
fn a_fork_storm_is_ended() {
    let stage = Stage::new(&[]);
    // A chain of processes each of which only lives to start the next, and a growing crowd.
    let chain = "echo 'trap \"\" TERM; sh ./c &' >c; sh ./c; echo up >pid; ";
    let crowd = "trap '' TERM; i=0; while :; do i=$((i+1)); sleep 300 & [ $i -lt 300 ] || { i=0; sleep 0.1; }; done";
    let attempt = stage.c2d.submit(1, &[], shell(&format!("{chain}{crowd}")));
    stage.read(&stage.root().join("job-1/pid"));
    stage.c2d.change(|book| book.kills.insert(attempt));
    assert_eq!(stage.c2d.result(attempt).outcome, Outcome::Cancelled);
    assert!(stage.survivors().is_empty());
}

#[test]
fn a_cancel_is_heard_politely_first() {
    let stage = Stage::new(&["--cancel-grace-ms=20000"]);
    let polite = "trap 'echo bye; exit 0' TERM; echo up >pid; while :; do sleep 0.05; done";
    let attempt = stage.c2d.submit(1, &[], shell(polite));
    stage.read(&stage.root().join("job-1/pid"));
    stage.c2d.change(|book| book.kills.insert(attempt));
    let result = stage.c2d.result(attempt);
    assert_eq!((result.outcome, result.stdout), (Outcome::Cancelled, Output::whole("bye\n")));
}

#[test]
fn a_second_attempt_gets_a_workspace_of_its_own() {
    let stage = Stage::new(&[]);
    stage.run(1, "echo old >file");
    let mut again = stage.c2d.change(|book| book.jobs.values().next().cloned().unwrap());
    again.attempt.number = 2;
    again.spec = shell("ls");
    stage.c2d.change(|book| book.jobs.insert(again.attempt, again.clone()));
    assert_eq!(stage.c2d.result(again.attempt).stdout, Output::default());
    wait_for("the old workspace stays", || stage.workspaces().is_empty());
}

#[test]
fn jobs_go_before_their_runner_when_memory_is_short() {
    let stage = Stage::new(&[]);
    let said = stage.run(1, "cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj").stdout;
    let said = String::from_utf8(said.head.0).unwrap();
    let (job, runner) = said.trim().split_once('\n').unwrap();
    assert_eq!(job, "500");
    assert!(runner.parse::<i32>().unwrap() < 500, "{said}");
}
