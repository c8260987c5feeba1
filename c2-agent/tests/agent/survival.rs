//! Agents, runners and c2d that die: jobs go on, results arrive once, nothing is left behind.

use c2_shared::api::output::Output;
use c2_shared::job::{JobSpec, OnLost, Outcome};
use rustix::process::Signal;

use crate::stage::{Stage, kill, shell, wait_for};

/// Counts its starts, says that it is up, and goes on when the file `go` appears.
const PATIENT: &str = "echo start >>starts; echo up >up; while ! test -e go; do sleep 0.02; done; echo done; exit 3";

fn up(stage: &Stage, job: u64) {
    stage.read(&stage.root().join(format!("job-{job}/up")));
}

fn go(stage: &Stage, job: u64) {
    std::fs::write(stage.root().join(format!("job-{job}/go")), "").unwrap();
}

fn starts(stage: &Stage, job: u64) -> String {
    std::fs::read_to_string(stage.root().join(format!("job-{job}/starts"))).unwrap()
}

fn cwd(pid: i32) -> String {
    std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default().display().to_string()
}

#[test]
fn a_killed_agent_is_replaced_and_the_job_goes_on() {
    let mut stage = Stage::new(&[]);
    let running = stage.c2d.submit(1, &[], shell(PATIENT));
    let ending = stage.c2d.submit(2, &[], shell(PATIENT));
    up(&stage, 1);
    up(&stage, 2);
    stage.stop(Signal::KILL);
    go(&stage, 2);
    wait_for("job-2 goes on", || stage.survivors().len() <= 2);
    stage.start();
    let result = stage.c2d.result(ending);
    assert_eq!((result.outcome, result.stdout), (Outcome::Exit { code: 3 }, Output::whole("done\n")));
    stage.c2d.wait("job-1 is not taken over", |book| book.poll.running == [running]);
    go(&stage, 1);
    assert_eq!(stage.c2d.result(running).outcome, Outcome::Exit { code: 3 });
    assert_eq!((starts(&stage, 1), starts(&stage, 2)), ("start\n".to_owned(), "start\n".to_owned()));
    stage.c2d.wait("everything is told", |book| book.poll.running.is_empty() && book.poll.unsent.is_empty());
}

#[test]
fn a_stopped_agent_leaves_its_jobs_alone() {
    let mut stage = Stage::new(&[]);
    let attempt = stage.c2d.submit(1, &[], shell(PATIENT));
    up(&stage, 1);
    assert_eq!(stage.stop(Signal::TERM), Some(0));
    assert!(!stage.survivors().is_empty());
    stage.start();
    go(&stage, 1);
    assert_eq!(stage.c2d.result(attempt).outcome, Outcome::Exit { code: 3 });
}

#[test]
fn a_killed_runner_loses_its_job_and_nothing_survives() {
    let stage = Stage::new(&[]);
    let attempt = stage.c2d.submit(1, &[], shell(&format!("setsid sleep 300 & {PATIENT}")));
    up(&stage, 1);
    stage.runners().into_iter().for_each(kill);
    assert_eq!(stage.c2d.result(attempt).outcome, Outcome::Lost);
    assert!(stage.survivors().is_empty());
    assert_eq!(stage.run(2, "echo next").stdout, Output::whole("next\n"), "the slot works again");
}

#[test]
fn a_job_that_died_with_everything_is_reported_lost() {
    let mut stage = Stage::new(&[]);
    let attempt = stage.c2d.submit(1, &[], shell(PATIENT));
    up(&stage, 1);
    stage.stop(Signal::KILL);
    stage.runners().into_iter().for_each(kill);
    assert!(!stage.survivors().is_empty());
    stage.start();
    assert_eq!(stage.c2d.result(attempt).outcome, Outcome::Lost);
    assert!(stage.survivors().is_empty());
    assert_eq!(starts(&stage, 1), "start\n");
}

#[test]
fn an_undelivered_result_survives_everything() {
    let mut stage = Stage::new(&[]);
    let attempt = stage.c2d.submit(1, &[], shell(PATIENT));
    up(&stage, 1);
    stage.c2d.change(|book| book.silent = true);
    go(&stage, 1);
    let kept = stage.state().join("spool/job-1.1.json");
    wait_for("the result is not kept", || kept.exists());
    stage.stop(Signal::KILL);
    stage.runners().into_iter().for_each(kill);
    stage.c2d.change(|book| book.silent = false);
    stage.start();
    let result = stage.c2d.result(attempt);
    assert_eq!((result.outcome, result.stdout), (Outcome::Exit { code: 3 }, Output::whole("done\n")));
    wait_for("the result is kept for ever", || !kept.exists());
}

#[test]
fn a_silent_c2d_ends_jobs_that_others_may_have_got() {
    let stage = Stage::new(&["--fence-ms=1500"]);
    let requeued = stage.c2d.submit(1, &[], shell(PATIENT));
    let waiting = stage.c2d.submit(2, &[], JobSpec { on_lost: OnLost::Wait, ..shell(PATIENT) });
    up(&stage, 1);
    up(&stage, 2);
    stage.c2d.change(|book| book.silent = true);
    wait_for("job-1 goes on", || !stage.survivors().iter().any(|pid| cwd(*pid).contains("job-1")));
    assert!(stage.survivors().iter().any(|pid| cwd(*pid).contains("job-2")), "it waits for c2d");
    stage.c2d.change(|book| book.silent = false);
    assert_eq!(stage.c2d.result(requeued).outcome, Outcome::Lost);
    go(&stage, 2);
    assert_eq!(stage.c2d.result(waiting).outcome, Outcome::Exit { code: 3 });
}

#[test]
fn runners_do_not_stay_alone_for_ever() {
    let mut stage = Stage::new(&["--alone-ms=100"]);
    stage.run(1, "true");
    stage.c2d.wait("the result is owed", |book| book.poll.unsent.is_empty() && book.polls > 2);
    assert_eq!(stage.runners().len(), 1);
    stage.stop(Signal::TERM);
    wait_for("the runner stays", || stage.runners().is_empty());
    stage.start();
    assert_eq!(stage.run(2, "echo again").stdout, Output::whole("again\n"));
}

#[test]
fn fewer_slots_need_fewer_runners() {
    let mut stage = Stage::new(&[]);
    let jobs = [1, 2].map(|job| stage.c2d.submit(job, &[], shell(PATIENT)));
    up(&stage, 1);
    up(&stage, 2);
    stage.stop(Signal::TERM);
    stage.flags.push("--slots=1".to_owned());
    stage.start();
    go(&stage, 1);
    go(&stage, 2);
    for attempt in jobs {
        assert_eq!(stage.c2d.result(attempt).outcome, Outcome::Exit { code: 3 });
    }
    wait_for("the second runner stays", || stage.runners().len() == 1);
}

#[test]
fn a_runner_whose_result_nobody_takes_sleeps() {
    let mut stage = Stage::new(&["--alone-ms=1"]);
    stage.c2d.submit(1, &[], shell(PATIENT));
    up(&stage, 1);
    stage.stop(Signal::KILL);
    go(&stage, 1);
    wait_for("the job goes on", || stage.survivors().is_empty());
    let runner = stage.runners()[0];
    let mut asleep = 0;
    wait_for("it does not sleep", || {
        let stat = std::fs::read_to_string(format!("/proc/{runner}/stat")).unwrap();
        asleep = if stat.contains(") S ") { asleep + 1 } else { 0 };
        asleep == 20
    });
}

#[test]
fn a_runner_that_does_not_answer_is_ended_with_all_that_it_runs() {
    let stage = Stage::new(&["--deaf-ms=1200"]);
    let attempt = stage.c2d.submit(1, &[], shell(&format!("env -i setsid sleep 300 & {PATIENT}")));
    up(&stage, 1);
    let runner = stage.runners()[0];
    rustix::process::kill_process(rustix::process::Pid::from_raw(runner).unwrap(), Signal::STOP).unwrap();
    assert_eq!(stage.c2d.result(attempt).outcome, Outcome::Lost);
    assert!(stage.survivors().is_empty() && !stage.runners().contains(&runner));
    assert_eq!(in_workspace(&stage, 1), Vec::<i32>::new(), "what wiped its environment is gone, too");
    assert_eq!(stage.run(2, "echo next").stdout, Output::whole("next\n"), "the slot works again");
}

#[test]
fn a_runner_that_does_not_greet_the_next_agent_is_ended_with_all_that_it_runs() {
    let mut stage = Stage::new(&["--deaf-ms=1200"]);
    let attempt = stage.c2d.submit(1, &[], shell(&format!("env -i setsid sleep 300 & {PATIENT}")));
    up(&stage, 1);
    wait_for("nothing hides", || in_workspace(&stage, 1).len() >= 2);
    let runner = stage.runners()[0];
    stage.stop(Signal::KILL);
    rustix::process::kill_process(rustix::process::Pid::from_raw(runner).unwrap(), Signal::STOP).unwrap();
    stage.start();
    assert_eq!(stage.c2d.result(attempt).outcome, Outcome::Lost);
    assert!(stage.survivors().is_empty() && !stage.runners().contains(&runner));
    assert_eq!(in_workspace(&stage, 1), Vec::<i32>::new());
    assert_eq!(stage.run(2, "echo next").stdout, Output::whole("next\n"), "the slot works again");
}

#[test]
fn what_hides_from_its_marks_does_not_survive_its_runner() {
    let stage = Stage::new(&[]);
    let attempt = stage.c2d.submit(1, &[], shell(&format!("env -i setsid sleep 300 & {PATIENT}")));
    up(&stage, 1);
    wait_for("nothing hides", || in_workspace(&stage, 1).len() >= 2);
    stage.runners().into_iter().for_each(kill);
    assert_eq!(stage.c2d.result(attempt).outcome, Outcome::Lost);
    assert_eq!(in_workspace(&stage, 1), Vec::<i32>::new());
}

/// Processes that work in the workspace of a job.
fn in_workspace(stage: &Stage, job: u64) -> Vec<i32> {
    let folder = stage.root().join(format!("job-{job}")).display().to_string();
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| cwd(*pid).contains(&folder))
        .collect()
}
