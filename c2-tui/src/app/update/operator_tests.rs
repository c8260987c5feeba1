//! What an hour at the console found wrong: what is said must be so, and what is meant must be what is done.

use c2_shared::api::jobs::JobRow;
use c2_shared::id::JobId;
use c2_shared::job::{JobState, Needs};
use c2_shared::time::Mono;
use c2_shared::worker::WorkerStatus;

use crate::app::focus::Focus;
use crate::app::keymap;
use crate::app::overlay::{Overlay, Question};
use crate::app::panes::Pane;
use crate::app::report::{Fault, Report, RunId};
use crate::app::table::Grid as _;
use crate::app::{Effect, Model, Msg, update};
use crate::tests::demo::{NOW, at, busy, change, console, ip, job, jobs, press, send, snapshot, workers};

fn question(model: &Model) -> &Question {
    match &model.overlay {
        Some(Overlay::Question(question)) => question,
        other => panic!("{other:?}"),
    }
}

fn lines(effects: &[Effect]) -> Vec<String> {
    let line = |effect: &Effect| match effect {
        Effect::Execute { line, .. } => vec![line.text.clone()],
        Effect::ExecuteAll { lines, .. } => lines.iter().map(|line| line.text.clone()).collect(),
        _ => Vec::new(),
    };
    effects.iter().flat_map(line).collect()
}

/// A job that asks for these.
fn asking(n: u64, group: Option<&str>, tags: &[&str]) -> JobRow {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    JobRow { group: group.map(str::to_owned), tags, ..job(n, JobState::Queued) }
}

/// One that takes more than a slot.
fn needing(n: u64) -> JobRow {
    let needs = Needs { cpus: 8, memory_bytes: 2 << 30, ..Needs::default() };
    JobRow { needs, ..asking(n, None, &[]) }
}

#[test]
fn a_row_of_the_queue_leads_to_its_jobs_and_no_others() {
    let mut model = console(120, 40);
    send(&mut model, Msg::Connected);
    let rows = vec![
        asking(1, None, &[]),
        asking(2, None, &["gpu"]),
        asking(3, None, &["gpu2"]),
        asking(4, Some("lab"), &["gpu"]),
        asking(5, Some("lab2"), &["gpu", "disk"]),
        asking(6, None, &[]),
        needing(7),
        needing(8),
        JobRow { workers: vec!["10.0.0.11".to_owned()], ..asking(9, None, &[]) },
    ];
    send(&mut model, snapshot(workers(), rows));
    let wanted = [
        ("state:=queued group:=- tags:=- needs:=-", vec![1, 6]),
        ("state:=queued group:=- tags:=gpu needs:=-", vec![2]),
        ("state:=queued group:=- tags:=gpu2 needs:=-", vec![3]),
        ("state:=queued group:=lab tags:=gpu needs:=-", vec![4]),
        ("state:=queued group:=lab2 tags:=gpu,disk needs:=-", vec![5]),
        ("state:=queued group:=- tags:=- needs:=cpus=8,memory=2G", vec![7, 8]),
        ("state:=queued group:=- tags:=- needs:=worker=10.0.0.11", vec![9]),
    ];
    for (at, (filter, ids)) in wanted.into_iter().enumerate() {
        press(&mut model, &["Alt-3", "g"]);
        (0..at).for_each(|_| drop(press(&mut model, &["j"])));
        press(&mut model, &["Enter"]);
        let found: Vec<u64> = model.panes.jobs.ids().iter().map(|id| id.0).collect();
        assert_eq!((model.panes.jobs.filter().text(), found), (filter, ids));
    }
}

#[test]
fn a_number_that_is_wrong_is_said_to_be_wrong_and_the_question_stays() {
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "*", "c"]);
    assert_eq!(question(&model).count, Some(21));
    press(&mut model, &["1", "2", "Enter"]);
    assert_eq!((question(&model).wrong.as_deref(), question(&model).typed.as_str()), (Some("12"), ""));
    press(&mut model, &["Enter"]);
    assert_eq!(question(&model).wrong.as_deref(), Some(""), "nor does nothing close it silently");
    press(&mut model, &["2"]);
    assert_eq!(question(&model).wrong, None);
    assert_eq!(lines(&press(&mut model, &["1", "Enter"])).len(), 21);
    press(&mut model, &["*", "c", "Esc"]);
    assert!(model.overlay.is_none());
}

#[test]
fn last_and_a_name_are_asked_about_as_the_job_that_they_mean() {
    let mut model = busy(120, 40);
    press(&mut model, &["cancel last", "Enter"]);
    assert_eq!(question(&model).lines, ["cancel job-24", "  job-24  queued  echo 24"]);
    send(&mut model, change(vec![job(25, JobState::Queued)]));
    assert_eq!(lines(&press(&mut model, &["y"])), ["cancel job-24"], "whatever was submitted meanwhile");
    let run = RunId(1);
    send(&mut model, Msg::Finished { run, report: Report::default() });
    assert_eq!(lines(&press(&mut model, &["hold last", "Enter"])), ["hold job-25"], "and what is not asked about");
    let named = |n| JobRow { name: Some("etl".to_owned()), ..job(n, JobState::Queued) };
    send(&mut model, change(vec![named(30), named(31)]));
    press(&mut model, &["cancel etl", "Enter"]);
    assert_eq!(question(&model).lines, ["cancel etl", "  job-31  queued  etl  echo 31"], "the newest one");
}

#[test]
fn ages_go_on_while_c2d_is_away_and_a_restart_of_c2d_forgets_nothing_that_was_heard() {
    let mut model = busy(120, 40);
    let heard = |model: &Model, row: usize, ms: u64| {
        let mut sight = model.sight();
        sight.now = at(ms);
        let heads = model.panes.workers.heads();
        let column = heads.iter().position(|head| head.name == "heard").unwrap();
        model.panes.workers.cell(row, column, &sight).unwrap().text
    };
    assert_eq!((heard(&model, 0, 60_000), heard(&model, 3, 60_000)), ("now".to_owned(), "13m34s".to_owned()));
    let fault = Fault::default();
    send(&mut model, Msg::Disconnected { fault, retry_at: Mono(0), lasts: false });
    assert_eq!((heard(&model, 0, 60_000), heard(&model, 3, 60_000)), ("1m00s".to_owned(), "13m34s".to_owned()));
    let mut restarted = workers();
    restarted.iter_mut().for_each(|row| (row.silent_ms, row.status) = (None, WorkerStatus::Offline));
    let msg = snapshot(restarted.clone(), jobs());
    update(&mut model, Msg::Connected, at(90_000));
    update(&mut model, msg.clone(), at(90_000));
    assert_eq!(heard(&model, 0, 90_000), "1m31s", "this console heard of it before");
    let mut fresh = console(120, 40);
    send(&mut fresh, Msg::Connected);
    send(&mut fresh, msg);
    assert_eq!(heard(&fresh, 0, 0), "not yet");
    press(&mut fresh, &["Alt-1"]);
    let detail = fresh.panes.workers.detail(&fresh.cache).unwrap();
    assert!(detail.contains("not heard since c2d was started"), "{detail}");
}

#[test]
fn jobs_on_silent_workers_are_no_running_ones() {
    let mut model = busy(120, 40);
    let mut rows = jobs();
    rows.iter_mut().filter(|row| row.worker == Some(ip(13))).for_each(|row| row.unreachable = true);
    send(&mut model, change(rows));
    assert_eq!((model.cache.running(), model.cache.queue.unreachable), (2, 1));
    press(&mut model, &["Alt-2", "/", "unreachable", "Enter"]);
    assert_eq!(model.panes.jobs.ids(), [JobId(6)]);
}

#[test]
fn the_log_stays_at_the_newest_line_once_the_cursor_is_there() {
    let ended = |n: u64| JobRow { ended_ms: Some(NOW.wall_ms + n), ..job(n, JobState::Succeeded) };
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-4", "g"]);
    let newest = |model: &Model| (model.panes.log.selected(), model.panes.log.visible().start);
    send(&mut model, change((40..80).map(ended).collect()));
    assert_eq!(newest(&model), (Some(JobId(79)), 0));
    press(&mut model, &["j"]);
    send(&mut model, change(vec![ended(90)]));
    assert_eq!(model.panes.log.selected(), Some(JobId(78)), "elsewhere the selection stays with its row");
    press(&mut model, &["R", "G"]);
    send(&mut model, change(vec![ended(95)]));
    assert_eq!(model.panes.log.selected(), Some(JobId(95)), "also where the newest one is the last");
    press(&mut model, &["Alt-2", "g"]);
    let before = model.panes.jobs.selected();
    send(&mut model, change(vec![job(1, JobState::Running)]));
    assert_eq!(model.panes.jobs.selected(), before, "but not in other tables");
}

#[test]
fn marks_that_the_filter_hides_are_asked_about() {
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "/", "state:queued", "Enter", "g", "Space", "Space", "/", "eval", "Enter"]);
    assert_eq!((model.panes.jobs.marked(), model.panes.jobs.hidden_marks()), (2, 1));
    press(&mut model, &["h"]);
    assert!(model.proposal.is_none(), "no letter is enough");
    let question = question(&model);
    assert_eq!(question.lines[0], "1 of the marked rows are hidden by the filter", "{question:?}");
    assert_eq!(lines(&press(&mut model, &["y"])), ["hold job-7", "hold job-10"]);
    press(&mut model, &["Esc", "Space", "Space"]);
    assert_eq!(model.panes.jobs.hidden_marks(), 0);
    press(&mut model, &["h"]);
    assert!(model.proposal.is_some());
}

#[test]
fn what_a_command_has_to_say_is_shown_with_what_came_of_it() {
    let mut model = busy(120, 40);
    press(&mut model, &["submit \"true\" --tags=fpga", "Enter"]);
    let run = RunId(1);
    let note = "job-25: no worker offers tag \"fpga\"".to_owned();
    send(&mut model, Msg::Noted { run, line: note.clone() });
    assert_eq!(model.toasts.all().count(), 0, "what ends at once says it only once");
    send(
        &mut model,
        Msg::Finished { run, report: Report { text: "Submitted job job-25\n".to_owned(), ..Report::default() } },
    );
    let shown = model.result.as_ref().map(|result| result.text.lines()).unwrap_or_default();
    assert_eq!(shown, ["Submitted job job-25".to_owned(), format!("note: {note}")]);
    press(&mut model, &["wait last", "Enter"]);
    let run = model.runs.present.as_ref().map(|present| present.run).unwrap();
    update(&mut model, Msg::Noted { run, line: "waiting: it is held".to_owned() }, at(5_000));
    assert_eq!(
        model.toasts.all().last().map(|toast| toast.text.as_str()),
        Some("waiting: it is held"),
        "what lasts says it"
    );
    assert_eq!(model.focus, Focus::Line);
    assert_eq!(model.pane, Pane::Jobs);
}

#[test]
fn a_console_that_may_only_look_offers_nothing_that_it_forbids() {
    let offered = |model: &mut Model, key: &str| {
        press(model, &[key]);
        let Some(Overlay::Finder(finder)) = &model.overlay else { panic!("{key}") };
        finder.found().iter().map(crate::app::finder::Entry::words).collect::<Vec<_>>()
    };
    for place in ["Alt-1", "Alt-2"] {
        let mut model = busy(120, 40);
        model.settings.readonly = true;
        press(&mut model, &[place]);
        let hints = keymap::hints(&model.contexts(), 9, |action| model.offers(action));
        assert!(hints.iter().all(|hint| !hint.action.changes()), "{place}: {hints:?}");
        for key in [".", "F2", "F1"] {
            let words = offered(&mut model, key);
            for forbidden in ["drain", "retry", "put into a group", "edit, and submit again"] {
                assert!(!words.contains(&forbidden), "{place} {key}: {forbidden}");
            }
            press(&mut model, &["Esc"]);
        }
    }
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-1"]);
    assert!(offered(&mut model, ".").contains(&"drain"), "others are offered it");
}

#[test]
fn hints_are_of_what_can_be_done_with_the_job() {
    let hints = |keys: &[&str]| {
        let mut model = busy(120, 40);
        press(&mut model, keys);
        let hints = keymap::hints(&model.contexts(), 20, |action| model.offers(action));
        let of = |word| hints.iter().any(|hint| hint.words == word);
        (of("cancel"), of("retry"), of("why it waits"))
    };
    assert_eq!(hints(&["Alt-2", "g"]), (true, false, true), "it runs");
    assert_eq!(hints(&["Alt-4", "g"]), (false, true, false), "it has ended");
    assert_eq!(hints(&["Alt-4", "g", "Enter"]), (false, true, false), "so on its page");
    assert_eq!(hints(&["Alt-2", "g", "Enter"]), (true, false, true));
}

#[test]
fn calls_and_hints_say_which_c2d() {
    let mut model = busy(120, 40);
    model.settings.call = "c2-tui --data-dir '/srv/my c2'".to_owned();
    model.settings.data_dir = Some("'/srv/my c2'".to_owned());
    press(&mut model, &["list", "Enter"]);
    send(&mut model, Msg::Finished { run: RunId(1), report: Report::default() });
    press(&mut model, &["calls", "Enter"]);
    let lines = model.pager(Focus::Page).map(crate::app::pager::Pager::lines).unwrap_or_default();
    assert_eq!(lines, ["14:03:20    0  c2-tui --data-dir '/srv/my c2' --exec list"]);
    assert_eq!(model.spelled("c2d invite"), "c2d --data-dir '/srv/my c2' invite");
    assert_eq!(model.spelled("c2-agent join LINE"), "c2-agent join LINE");
}

#[test]
fn a_search_through_history_says_when_nothing_more_fits() {
    let mut model = busy(120, 40);
    send(&mut model, Msg::History(["list", "submit ./Train.sh", "jobs"].map(str::to_owned).to_vec()));
    let missing = |model: &Model| model.line.search.as_ref().map(|search| search.is_missing);
    press(&mut model, &["Ctrl-R", "train"]);
    assert_eq!((missing(&model), model.line.editor.text()), (Some(false), "submit ./Train.sh"));
    press(&mut model, &["x"]);
    assert_eq!(missing(&model), Some(true), "what is shown was found before");
    press(&mut model, &["Backspace"]);
    assert_eq!(missing(&model), Some(false));
    press(&mut model, &["Ctrl-R"]);
    assert_eq!(missing(&model), Some(true), "there is no earlier one");
    press(&mut model, &["Esc"]);
    assert_eq!(model.line.editor.text(), "");
}

#[test]
fn the_output_of_an_attempt_is_a_page_at_its_end() {
    let mut model = busy(120, 40);
    let effects = press(&mut model, &["output 5 --attempt=1", "Enter"]);
    assert_eq!(lines(&effects), ["output 5 --attempt=1"]);
    let text: String = (1..=200).map(|n| format!("line {n}\n")).collect();
    let page = Some(("job-5 attempt 1".to_owned(), text.into_bytes()));
    send(&mut model, Msg::Finished { run: RunId(1), report: Report { page, ..Report::default() } });
    assert_eq!((model.focus, model.result.is_none()), (Focus::Page, true));
    let pager = model.pager(Focus::Page).unwrap();
    assert!(pager.is_at_end() && pager.place().contains("/200"), "{}", pager.place());
    assert_eq!(model.pages.last().map(crate::app::page::Page::title).as_deref(), Some("job-5 attempt 1"));
}

#[test]
fn yes_removes_a_schedule_without_a_question() {
    let mut model = busy(120, 40);
    press(&mut model, &["schedule remove nightly", "Enter"]);
    assert!(model.overlay.is_some());
    press(&mut model, &["n"]);
    assert_eq!(
        lines(&press(&mut model, &["schedule remove nightly --yes", "Enter"])),
        ["schedule remove nightly --yes"]
    );
}
