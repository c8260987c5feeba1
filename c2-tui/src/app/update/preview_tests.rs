//! Tables over what a job writes: on its page, and beside its table.

use c2_shared::api::jobs::Stream;
use c2_shared::id::JobId;
use c2_shared::job::JobState;

use super::output_tests::serve;
use crate::app::details;
use crate::app::layout;
use crate::app::live::Shown;
use crate::app::msg::News;
use crate::app::page::Page;
use crate::app::pager::{Pager, Row};
use crate::app::report::{DocumentId, Fault, Report};
use crate::app::{Effect, Model, Msg, update};
use crate::tests::demo::{self, NOW, at, busy, press, send};

fn opened(effects: &[Effect]) -> Vec<u64> {
    effects.iter().filter_map(|e| if let Effect::OpenOutput { job, .. } = e { Some(job.0) } else { None }).collect()
}

fn rows(text: Option<&Pager>) -> Vec<String> {
    let rows = text.map(Pager::rows).unwrap_or_default();
    rows.iter().map(Row::text).collect()
}

fn previewed(model: &Model) -> Option<&Pager> {
    model.preview.as_ref()?.live.as_ref().map(|live| &live.text)
}

#[test]
fn the_preview_follows_the_selection_once_it_rests() {
    let mut model = busy(140, 40);
    assert_eq!(opened(&press(&mut model, &["Alt-2", "p"])), [4], "the first one at once");
    assert_eq!(press(&mut model, &["Down", "Down"]), [], "jobs that are passed by are not opened");
    assert_eq!(model.next_wake(), Some(NOW.mono.after_ms(150)));
    let effects = update(&mut model, Msg::Tick, at(150));
    assert_eq!((opened(&effects), effects.contains(&Effect::CloseOutput(DocumentId(1)))), (vec![6], true));
    serve(&mut model, &effects, "epoch 1\nepoch 2\n");
    assert_eq!(rows(previewed(&model)), ["epoch 1", "epoch 2"]);
    press(&mut model, &["Esc"]);
    assert_eq!(rows(previewed(&model)).len(), 2, "it stays when the keys go elsewhere");
    assert_eq!(press(&mut model, &["Alt-2", "p"]), [Effect::CloseOutput(DocumentId(2))]);
}

#[test]
fn the_output_of_any_job_opens_in_the_viewer() {
    for (line, job, shown) in [
        ("output 900", 900, Shown::One(Stream::Stdout)),
        ("output 900 --follow --both", 900, Shown::Both),
        ("output 2", 2, Shown::One(Stream::Stdout)),
        ("output train --both", 4, Shown::Both),
        ("output last --stderr", 24, Shown::One(Stream::Stderr)),
    ] {
        let mut model = busy(120, 40);
        let effects = press(&mut model, &[line, "Enter"]);
        let opened = Effect::OpenOutput { document: DocumentId(1), job: JobId(job), shown };
        assert!(effects.contains(&opened), "{line}: {effects:?}");
        assert_eq!(model.runs.calls.back().map(|call| call.line.as_str()), Some(line));
    }
    for line in ["output 2 --attempt=1", "output nobody", "output nobody --follow"] {
        let mut model = busy(120, 40);
        let effects = press(&mut model, &[line, "Enter"]);
        let run = effects.iter().find_map(|e| if let Effect::Execute { run, .. } = e { Some(*run) } else { None });
        let run = run.unwrap_or_else(|| panic!("{line}: c2d knows which job is meant, or what is wrong"));
        let report = Report { opens: Some((JobId(901), Shown::Both)), ..Report::default() };
        let effects = send(&mut model, Msg::Finished { run, report });
        assert!(effects.contains(&Effect::Fetch(JobId(901))), "what its title says is not known here");
        assert!(effects.iter().any(|e| matches!(e, Effect::OpenOutput { job: JobId(901), .. })), "{effects:?}");
        let row = demo::job(901, JobState::Failed);
        send(&mut model, Msg::Fetched { job: row.job_id, info: Ok(demo::info(row)) });
        assert!(model.cache.jobs.contains_key(&JobId(901)));
    }
}

#[test]
fn a_preview_that_is_not_in_sight_asks_for_nothing() {
    let mut model = busy(140, 40);
    press(&mut model, &["Alt-2", "p"]);
    let effects = press(&mut model, &["Enter"]);
    assert!(effects.contains(&Effect::CloseOutput(DocumentId(1))), "{effects:?}: the page shows the same");
    assert_eq!(opened(&press(&mut model, &["Esc"])), [4], "back to the table, and to what was beside it");
    assert!(send(&mut model, Msg::Resize { width: 50, height: 40 }).contains(&Effect::CloseOutput(DocumentId(3))));
    let mut model = busy(50, 24);
    assert_eq!(press(&mut model, &["Alt-2", "p"]), []);
    assert!(model.toasts.all().last().is_some_and(|toast| toast.text.contains("no room")), "it says why");
}

#[test]
fn a_job_page_shows_what_is_written_from_the_first_byte() {
    let mut model = busy(120, 40);
    let effects = press(&mut model, &["Alt-2", "Enter"]);
    assert_eq!((opened(&effects), effects.contains(&Effect::Fetch(JobId(4)))), (vec![4], true));
    serve(&mut model, &effects, "epoch 1\n");
    assert_eq!(rows(model.pages.last().and_then(Page::text)), ["epoch 1"], "before the rest is here");
    let effects = press(&mut model, &["o"]);
    assert!(matches!(effects[0], Effect::OpenOutput { shown: Shown::One(Stream::Stdout), .. }), "{effects:?}");
    send(&mut model, Msg::Output { document: DocumentId(2), news: News::Open });
    assert_eq!(model.pages.len(), 1, "the other stream stands in the same place");
}

/// The details of the page of job-8, which waits for others.
fn told(model: &Model, cells: usize) -> Vec<String> {
    let Some(Page::Job { info, .. }) = model.pages.last() else { panic!("no page of a job") };
    details::of(info, &model.sight(), cells).into_iter().map(|(label, text, _)| format!("{label}|{text}")).collect()
}

#[test]
fn a_job_page_tells_the_whole_command_and_what_it_waits_for() {
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "Enter"]);
    assert_eq!(told(&model, 40), ["|asking c2d"]);
    let mut info = demo::info(demo::job(4, JobState::Running));
    info.spec.command = "cd /src && make\nmake install PREFIX=/opt".to_owned();
    info.spec.depends = ["job-3", "any:job-7", "job-900"].map(|on| on.parse().unwrap()).to_vec();
    info.spec.download = vec!["*.log".to_owned()];
    send(&mut model, Msg::Fetched { job: JobId(4), info: Ok(info) });
    let wanted = [
        "command|cd /src && make",
        "|make install PREFIX=",
        "|/opt",
        "after|├ ⊘ job-3  cancelled",
        "|├ ○ any:job-7  queued",
        "|└ job-900",
        "attempts|1  on 10.0.0.11 · running",
        "files|leaves *.log",
    ];
    assert_eq!(told(&model, 20), wanted);
    // Where it has no room the page says how to read all of it.
    send(&mut model, Msg::Resize { width: 80, height: 24 });
    let (page, area) = (model.pages.last().unwrap(), layout::screen(&model).page.unwrap());
    let shown = layout::page_details(&model, page, area);
    assert_eq!((shown.len(), shown.last().map(|(_, text, _)| text.as_str())), (6, Some("v shows all")));
    press(&mut model, &["v"]);
    assert_eq!(rows(model.pages.last().and_then(Page::text))[0], "command   cd /src && make");
    press(&mut model, &["q"]);
    let fault = Fault { message: "gone".to_owned(), hint: None };
    send(&mut model, Msg::Fetched { job: JobId(4), info: Err(fault) });
    assert_eq!(told(&model, 40), ["|gone"]);
}
