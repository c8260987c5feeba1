//! Files that jobs leave, and the cleaning of workspaces, as far as a c2d without blobs shows them.

use c2_shared::api::files::Needed;
use c2_shared::api::output::Output;
use c2_shared::api::work::Directive;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, Outcome};
use rustix::process::Signal;

use crate::stage::{Stage, shell, wait_for};

#[test]
fn a_cleaning_removes_what_is_over_and_nothing_else() {
    let stage = Stage::new(&[]);
    assert_eq!(stage.run(1, "echo left >file").outcome, Outcome::Exit { code: 0 });
    let running = stage.c2d.submit(2, &[], shell("echo up >up; while ! test -e go; do sleep 0.02; done"));
    stage.read(&stage.root().join("job-2/up"));
    assert_eq!(stage.run(3, "echo needed >file").outcome, Outcome::Exit { code: 0 });
    let keep = vec![Needed { job_id: JobId(3), by: JobId(4) }];
    stage.c2d.change(|book| book.directives = vec![Directive::Cleanup { id: 5, keep }]);
    stage.c2d.wait("no report", |book| !book.cleaned.is_empty());
    let report = stage.c2d.change(|book| book.cleaned[0].clone());
    assert_eq!((report.id, report.cleaned.removed), (5, vec!["job-1".to_owned()]));
    let kept: Vec<_> = report.cleaned.kept.iter().map(|kept| (kept.name.as_str(), kept.reason.as_str())).collect();
    assert_eq!(kept, [("job-2", "its job has not ended"), ("job-3", "job-4 depends on it")]);
    assert!(!stage.root().join("job-1").exists());
    std::fs::write(stage.root().join("job-2/go"), "").unwrap();
    assert_eq!(stage.c2d.result(running).outcome, Outcome::Exit { code: 0 });
}

#[test]
fn a_result_waits_for_its_files_across_restarts_of_the_agent() {
    let mut stage = Stage::new(&[]);
    let spec = JobSpec {
        download: vec!["out".to_owned()],
        ..shell("echo up >up; while ! test -e go; do sleep 0.02; done; echo x >out")
    };
    let attempt = stage.c2d.submit(1, &[], spec);
    stage.read(&stage.root().join("job-1/up"));
    stage.c2d.change(|book| book.silent = true);
    std::fs::write(stage.root().join("job-1/go"), "").unwrap();
    let spooled = stage.state().join("spool/job-1.1.json");
    wait_for("it is not on disk", || spooled.exists());
    stage.stop(Signal::KILL);
    assert!(stage.c2d.change(|book| book.results.is_empty()));
    stage.c2d.change(|book| (book.silent, book.no_blobs) = (false, true));
    stage.start();
    let result = stage.c2d.result(attempt);
    assert_eq!(result.outcome, Outcome::Exit { code: 0 });
    // This c2d takes no blobs, which costs the file and not the result.
    assert_eq!((result.files.len(), result.problems.len()), (0, 1), "{result:?}");
    wait_for("it is still on disk", || !spooled.exists());
}

#[test]
fn long_outputs_are_delivered_by_themselves_across_restarts_of_the_agent() {
    let mut stage = Stage::new(&[]);
    let command = "echo up >up; while ! test -e go; do sleep 0.02; done; seq 1 100000; echo short >&2";
    let attempt = stage.c2d.submit(1, &[], shell(command));
    stage.read(&stage.root().join("job-1/up"));
    stage.c2d.change(|book| book.silent = true);
    std::fs::write(stage.root().join("job-1/go"), "").unwrap();
    let spooled = stage.state().join("spool/job-1.1.json");
    wait_for("it is not on disk", || spooled.exists());
    stage.stop(Signal::KILL);
    stage.c2d.change(|book| book.silent = false);
    stage.start();
    let result = stage.c2d.result(attempt);
    let blob = result.stdout.blob.expect("it is long");
    let whole: String = (1..=100_000).map(|n| format!("{n}\n")).collect();
    stage.c2d.change(|book| assert!(book.blobs[&blob.sha256.to_string()] == whole.as_bytes()));
    assert_eq!((blob.size, result.stdout.dropped, result.stderr), (whole.len() as u64, 0, Output::whole("short\n")));
    assert!(result.digest.is_some());
    wait_for("it is still on disk", || std::fs::read_dir(stage.state().join("outputs")).unwrap().count() == 0);
}

#[test]
fn a_slot_is_free_while_what_its_job_left_is_delivered() {
    let stage = Stage::new(&["--slots=1"]);
    let first = stage.c2d.submit(1, &[], shell("echo up >up; while ! test -e go; do sleep 0.02; done; seq 1 100000"));
    stage.read(&stage.root().join("job-1/up"));
    stage.c2d.change(|book| book.slow_blobs = true);
    std::fs::write(stage.root().join("job-1/go"), "").unwrap();
    stage.c2d.wait("it is not said to have ended", |book| book.poll.ended.iter().any(|e| e.attempt == first));
    assert_eq!(stage.run(2, "echo hi").stdout, Output::whole("hi\n"));
    stage.c2d.change(|book| {
        assert!(book.poll.running.contains(&first) && !book.results.contains_key(&first));
        book.slow_blobs = false;
    });
    assert!(stage.c2d.result(first).stdout.blob.is_some());
}

#[test]
fn a_cancelled_job_does_not_wait_for_its_files() {
    let stage = Stage::new(&[]);
    let spec = JobSpec { download: vec!["**".to_owned()], ..shell("echo up >up; sleep 300") };
    let attempt = stage.c2d.submit(1, &[], spec);
    stage.read(&stage.root().join("job-1/up"));
    stage.c2d.change(|book| book.kills.insert(attempt));
    let result = stage.c2d.result(attempt);
    assert_eq!((result.outcome, result.files.len(), result.problems.len()), (Outcome::Cancelled, 0, 0));
}
