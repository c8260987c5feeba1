//! What pages and the preview say of workers and jobs.

use c2_shared::api::events::{Change, Event};
use c2_shared::api::jobs::JobRow;
use c2_shared::job::JobState;
use c2_shared::worker::GpuProcess;

use super::tests::{screen, with};
use crate::app::{Model, Msg, update};
use crate::tests::demo::{self, press, send};

#[test]
fn the_page_of_a_worker_names_all_its_tags() {
    let text = screen(&with(&["Alt-1", "Enter"])(120, 36));
    assert!(text.contains("○disk ●gpu:0 ○gpu:1"), "{text}");
}

/// A bar for each graphics processor, its memory, and what uses it.
#[test]
fn each_gpu_says_who_uses_it() {
    let mut model = with(&["Alt-1", "Enter"])(120, 36);
    let line = |model: &Model, gpu: &str| {
        let text = screen(model);
        let found = text.lines().find(|line| line.contains(&format!(" {gpu} "))).map(str::to_owned);
        found.unwrap_or_default()
    };
    assert!(line(&model, "gpu0").contains(" 87%  20/24G   job-4  train"), "{}", line(&model, "gpu0"));
    assert!(line(&model, "gpu1").contains("  3%  1/24G    free"), "{}", line(&model, "gpu1"));
    let mut atlas = demo::workers().remove(0);
    let process = GpuProcess { gpu: 1, pid: 4711, name: "quake\u{1b}[2J".to_owned(), memory_bytes: 1 << 30 };
    atlas.load.gpu_processes = vec![process];
    send(&mut model, Msg::Event(Event::Change(Box::new(Change { workers: vec![atlas], ..Change::default() }))));
    let said = line(&model, "gpu1");
    assert!(said.contains("quake") && said.contains("(process 4711), which is no job"), "{said}");
}

/// What a letter would do is known by the name of the job, which stays whole.
#[test]
fn a_proposal_names_the_job() {
    let mut model = with(&["Alt-2"])(80, 24);
    let named = JobRow { name: Some("nightly-backup".to_owned()), ..demo::job(60, JobState::Failed) };
    let named = JobRow { command: "restic backup /srv --exclude cache --tag nightly --verbose".to_owned(), ..named };
    send(&mut model, demo::change(vec![named]));
    press(&mut model, &["a", "a", "a", "g", "r"]);
    let last = screen(&model).lines().last().unwrap_or_default().to_owned();
    assert!(last.contains("retry job-60 failed nightly-backup restic") && last.contains("Enter does it"), "{last}");
}

#[test]
fn an_empty_preview_says_why() {
    let mut model = with(&["Alt-2", "/", "state:queued", "Enter", "p"])(120, 36);
    update(&mut model, Msg::Tick, demo::at(1_000));
    assert!(screen(&model).contains("it has not started"), "{}", screen(&model));
}
