//! Tables over figures of the past: what is asked of c2d and when, the timeline, failures by cause, and
//! how far jobs are.

use c2_shared::api::figures::{FailureGroup, OutcomeCount, Span, Stats, Timeline};
use c2_shared::api::schedules::{Missed, Overlap, Run, ScheduleList, ScheduleRow};
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState, Outcome};

use super::output_tests::serve;
use crate::app::figures::{Asked, Figures};
use crate::app::focus::Focus;
use crate::app::msg::{Gesture, Target};
use crate::app::overlay::Overlay;
use crate::app::page::Page;
use crate::app::report::Fault;
use crate::app::table::Grid as _;
use crate::app::{Effect, Model, Msg, update};
use crate::tests::demo::{self, NOW, at, busy, change, press, send};

fn asked(effects: &[Effect]) -> Vec<Asked> {
    effects.iter().filter_map(|effect| if let Effect::Ask(asked) = effect { Some(*asked) } else { None }).collect()
}

fn lines(effects: &[Effect]) -> Vec<String> {
    let all = effects.iter().filter_map(|e| if let Effect::ExecuteAll { lines, .. } = e { Some(lines) } else { None });
    all.flatten().map(|line| line.text.clone()).collect()
}

fn timeline(model: &Model) -> &crate::app::timeline::Timeline {
    match model.pages.last() {
        Some(Page::Timeline(timeline)) => timeline,
        other => panic!("{other:?}"),
    }
}

/// The quarter of an hour of the made-up cluster.
pub(crate) fn day() -> Msg {
    let ran = |job: u64, worker: u8, state, from: u64, to: Option<u64>, name: Option<&str>| Span {
        lost: false,
        job_id: JobId(job),
        attempt: 1,
        name: name.map(str::to_owned),
        worker: demo::ip(worker),
        worker_id: Some(demo::id(worker)),
        started_ms: NOW.wall_ms - from * 1_000,
        ended_ms: to.map(|to| NOW.wall_ms - to * 1_000),
        state,
    };
    let spans = vec![
        ran(1, 11, JobState::Succeeded, 1_100, Some(620), Some("prepare")),
        ran(2, 11, JobState::Failed, 600, Some(480), Some("etl")),
        ran(3, 12, JobState::Cancelled, 500, Some(300), None),
        ran(4, 11, JobState::Running, 480, None, Some("train")),
        ran(5, 11, JobState::Running, 300, None, None),
        ran(6, 13, JobState::Running, 30, None, None),
    ];
    let told = Timeline { from_ms: NOW.wall_ms - 900_000, to_ms: NOW.wall_ms, spans };
    Msg::Figures(Figures::Timeline(told))
}

/// Why jobs failed in the made-up cluster; many of them are older than what the console knows.
pub(crate) fn failures() -> Msg {
    let count = |outcome: &Outcome, jobs| OutcomeCount { outcome: outcome.clone(), jobs };
    let group = |line: &str, outcome, ids: &[u64]| FailureGroup {
        line: line.to_owned(),
        outcomes: match &outcome {
            Outcome::Exit { code: 1 } => vec![count(&outcome, ids.len() - 2), count(&Outcome::Timeout, 2)],
            other => vec![count(other, ids.len())],
        },
        outcome,
        job_ids: ids.iter().copied().map(JobId).collect(),
    };
    let many: Vec<u64> = (900..912).rev().collect();
    let failures = vec![
        group("FileNotFoundError: /data/*.csv", Outcome::Exit { code: 1 }, &many),
        group("cannot open frame *", Outcome::Exit { code: 2 }, &[2, 890]),
        group("", Outcome::Signal { signal: 9 }, &[880]),
    ];
    Msg::Figures(Figures::Stats(Stats { failures, ..Stats::default() }))
}

/// Schedules of the made-up cluster: one of each kind.
pub(crate) fn schedules() -> Msg {
    let runs = |outcomes: &[Option<JobState>]| {
        let run = |(at, state): (usize, &Option<JobState>)| Run {
            at_ms: NOW.wall_ms - 900_000 * (at as u64 + 1),
            job_id: state.map(|_| JobId(40 - at as u64)),
            state: *state,
            skipped: state.is_none().then(|| "an earlier run has not ended".to_owned()),
            since_ms: None,
            missed: 0,
        };
        outcomes.iter().enumerate().map(run).collect::<Vec<_>>()
    };
    let row = |name: &str, cron: &str, command: &str, next_s: u64, runs| ScheduleRow {
        name: name.to_owned(),
        cron: cron.to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        overlap: Overlap::Skip,
        missed: Missed::Once,
        paused: false,
        next_ms: Some(NOW.wall_ms + next_s * 1_000),
        last: None,
        spec: JobSpec { command: command.to_owned(), ..JobSpec::default() },
        runs,
    };
    use JobState::{Failed, Running, Succeeded};
    let mut backup = row("backup", "0 3 * * *", "restic backup /srv", 36_000, runs(&[Some(Succeeded); 9]));
    backup.runs[0].missed = 3;
    let poll = [None, Some(Running), Some(Failed), Some(Succeeded), Some(Succeeded)];
    let mut weekly = row("weekly", "@weekly", "./tidy.sh", 0, Vec::new());
    (weekly.paused, weekly.next_ms) = (true, None);
    let schedules = vec![
        backup,
        row("poll", "every 15m", "python poll.py --all", 90, runs(&poll)),
        row("report", "0 8 * * 1", "make report", 260_000, runs(&[Some(Failed), Some(Failed)])),
        weekly,
    ];
    Msg::Figures(Figures::Schedules(ScheduleList { schedules }))
}

#[test]
fn the_past_is_asked_for_only_while_it_is_in_sight() {
    let quarter = Asked::Timeline { since_s: 900 };
    for (key, wanted) in [("F7", quarter), ("F6", Asked::Stats)] {
        let mut model = busy(120, 36);
        assert_eq!(asked(&press(&mut model, &[key])), [wanted]);
        assert_eq!(asked(&press(&mut model, &[":", key])), [], "once, and one page");
        assert_eq!((model.pages.len(), model.focus), (1, Focus::Page), "to which the key leads back");
        send(&mut model, day());
        send(&mut model, failures());
        assert_eq!(asked(&update(&mut model, Msg::Tick, at(60_000))), [], "nothing has changed");
        let mut model = busy(120, 36);
        press(&mut model, &[key]);
        assert_eq!(asked(&send(&mut model, change(vec![demo::job(5, JobState::Failed)]))), [], "not with each change");
        assert_eq!(model.next_wake(), Some(NOW.mono.after_ms(1_000)));
        assert_eq!(asked(&update(&mut model, Msg::Tick, at(3_000))), [wanted]);
        press(&mut model, &["Alt-2"]);
        let later = update(&mut model, change(vec![demo::job(6, JobState::Failed)]), at(9_000));
        assert_eq!(asked(&later), [], "it is out of sight");
    }
    let mut model = busy(120, 36);
    assert_eq!(asked(&press(&mut model, &["timeline --since=1h", "Enter"])), [Asked::Timeline { since_s: 3_600 }]);
    assert_eq!((model.runs.calls.len(), model.focus), (1, Focus::Page));
    let mut lost = demo::console(120, 36);
    assert_eq!(asked(&press(&mut lost, &["F7"])), [], "not of a c2d that is not there");
    assert_eq!(asked(&send(&mut lost, Msg::Connected)), [quarter]);
}

#[test]
fn a_run_stays_selected_and_opens_its_job() {
    let mut model = busy(120, 36);
    press(&mut model, &["F7"]);
    send(&mut model, day());
    let selected = |model: &Model| timeline(model).selected().map(|job| job.0);
    // Four slots of each of three workers that are there, whether anything ran in them or not.
    assert_eq!((timeline(&model).lanes(), selected(&model)), (12, Some(4)), "what runs, in the first slot");
    for (key, job) in [
        ("Left", Some(2)),
        ("Left", Some(1)),
        ("Left", Some(1)),
        ("Right", Some(2)),
        ("Down", Some(5)),
        ("Down", None),
        ("Up", Some(5)),
        ("g", Some(2)),
        ("G", None),
    ] {
        press(&mut model, &[key]);
        assert_eq!(selected(&model), job, "{key}");
    }
    assert_eq!(timeline(&model).lane(), 11);
    send(&mut model, day());
    assert_eq!(timeline(&model).lane(), 11, "what is told again moves nothing");
    send(&mut model, Msg::Mouse { gesture: Gesture::Press, target: Target::Span(2) });
    assert_eq!((selected(&model), timeline(&model).lane()), (Some(3), 4));
    send(&mut model, Msg::Mouse { gesture: Gesture::Wheel(1), target: Target::Span(2) });
    assert_eq!(timeline(&model).lane(), 5);
    press(&mut model, &["Up"]);
    let effects = press(&mut model, &["Enter"]);
    assert!(effects.contains(&Effect::Fetch(JobId(3))), "{effects:?}");
    press(&mut model, &["q"]);
    assert_eq!(selected(&model), Some(3), "back to the same run");
    press(&mut model, &["g", "c"]);
    assert!(matches!(&model.overlay, Some(Overlay::Question(question)) if question.lines[0].starts_with("job-4 ")));
    let mut model = busy(120, 36);
    press(&mut model, &["Alt-2", "Down", "F7"]);
    send(&mut model, day());
    assert_eq!(selected(&model), Some(5), "the job that was selected in the table");
    press(&mut model, &["x"]);
    assert_eq!(model.line.editor.text(), "x", "a letter that means nothing here is text");
}

#[test]
fn failures_that_are_alike_are_retried_together() {
    let mut model = busy(120, 36);
    send(&mut model, change(vec![demo::job(5, JobState::Failed)]));
    press(&mut model, &["F6"]);
    assert!(model.failures.is_empty(), "whoever looks has seen them");
    send(&mut model, failures());
    press(&mut model, &["r"]);
    assert!(matches!(&model.overlay, Some(Overlay::Question(question)) if question.title == "retry 12 jobs?"));
    let effects = press(&mut model, &["y"]);
    assert_eq!((lines(&effects).len(), lines(&effects)[0].as_str()), (12, "retry job-911"), "also those of long ago");
    press(&mut model, &["Down"]);
    assert_eq!(lines(&press(&mut model, &["r", "Enter"])), ["retry job-2", "retry job-890"]);
    let effects = press(&mut model, &["Enter"]);
    assert_eq!(model.pages.len(), 2, "the jobs of a group are a page");
    assert_eq!(effects, [Effect::Fetch(JobId(890))], "what is not here is fetched");
    let rows = |model: &Model| model.grid(Focus::Page).map(|grid| (grid.len(), grid.is_of_jobs()));
    assert_eq!(rows(&model), Some((1, true)), "those known here");
    let row = demo::job(890, JobState::Failed);
    send(&mut model, Msg::Fetched { job: row.job_id, info: Ok(demo::info(row)) });
    assert_eq!(rows(&model), Some((2, true)), "all that were counted");
    press(&mut model, &["q"]);
    send(&mut model, failures());
    let cell = |model: &Model| model.grid(Focus::Page).and_then(|grid| grid.cell(grid.cursor(), 2, &model.sight()));
    assert_eq!(
        cell(&model).map(|cell| cell.text).as_deref(),
        Some("cannot open frame *"),
        "the same group is selected"
    );
    press(&mut model, &["*", "r"]);
    assert!(matches!(&model.overlay, Some(Overlay::Question(question)) if question.title == "retry 15 jobs?"));
}

#[test]
fn an_older_c2d_is_told_of_where_the_past_is_in_sight() {
    let fault = Fault { message: "no such endpoint".to_owned(), hint: None };
    let mut model = busy(120, 36);
    press(&mut model, &["F7"]);
    send(&mut model, Msg::Figures(Figures::Failed(Asked::Stats, fault.clone())));
    assert_eq!(timeline(&model).fault, None);
    send(&mut model, Msg::Figures(Figures::Failed(Asked::Timeline { since_s: 900 }, fault.clone())));
    assert_eq!(timeline(&model).fault, Some(fault));
    send(&mut model, day());
    assert_eq!(timeline(&model).fault, None);
}

#[test]
fn what_a_job_writes_says_how_far_it_is() {
    let left = |model: &Model| model.panes.jobs.cell(0, 9, &model.sight()).map(|cell| cell.text).unwrap_or_default();
    let mut model = busy(140, 40);
    let effects = press(&mut model, &["Alt-2", "p"]);
    assert_eq!(left(&model), "");
    serve(&mut model, &effects, "epoch 27/60 45%\nloss 0.93\n");
    // It runs for 4m56s, so 55 of 45 parts of that are left.
    assert_eq!(left(&model), "■■□□ 45% ~6m01s");
    let mut model = busy(140, 40);
    let effects = press(&mut model, &["Alt-2", "Enter"]);
    serve(&mut model, &effects, "frame 240/240\n");
    assert_eq!(left(&model), "■■■■ 100% ~0s", "its page says it as well");
    send(&mut model, change(vec![demo::job(4, JobState::Succeeded)]));
    assert!(model.cache.progress.is_empty(), "what has ended is not under way");
    let mut model = busy(140, 40);
    let effects = press(&mut model, &["Alt-2", "Enter"]);
    serve(&mut model, &effects, "frame 120/240\n");
    press(&mut model, &["q"]);
    assert_eq!(left(&model), "", "what is out of sight may be farther by now");
}

#[test]
fn lost_attempts_are_runs_of_their_own() {
    let mut model = busy(120, 36);
    press(&mut model, &["F7"]);
    let Msg::Figures(Figures::Timeline(mut told)) = day() else { panic!("a timeline") };
    let of_train = told.spans.iter().find(|span| span.job_id == JobId(4)).unwrap().clone();
    let lost = Span { lost: true, state: JobState::Failed, ..of_train.clone() };
    let started_ms = NOW.wall_ms - 200_000;
    told.spans[3] = Span { ended_ms: Some(NOW.wall_ms - 210_000), ..lost };
    told.spans.push(Span { attempt: 2, started_ms, ..of_train });
    send(&mut model, Msg::Figures(Figures::Timeline(told)));
    press(&mut model, &["g"]);
    let selected = |model: &Model| timeline(model).span().map(|span| (span.job_id.0, span.attempt, span.lost));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..9 {
        seen.extend(selected(&model));
        press(&mut model, &["Left"]);
    }
    for _ in 0..9 {
        seen.extend(selected(&model));
        press(&mut model, &["Right"]);
    }
    assert!(seen.contains(&(4, 1, true)) && seen.contains(&(4, 2, false)), "{seen:?}");
}
