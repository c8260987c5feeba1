//! Tables over `update`: keys and messages in, the model and the effects out.

use c2_shared::id::JobId;
use c2_shared::job::JobState;

use crate::app::cache::JobScope;
use crate::app::focus::Focus;
use crate::app::live::Shown;
use crate::app::msg::{Gesture, Target};
use crate::app::overlay::Overlay;
use crate::app::page::Page;
use crate::app::pager::Pager;
use crate::app::panes::Pane;
use crate::app::report::{DocumentId, Fault, Report, RunId};
use crate::app::table::Grid as _;
use crate::app::{Effect, Model, Msg, Preferences, update};
use crate::command::Theme;
use crate::tests::demo::{self, NOW, busy, change, console, press, send};

const JOBS: Focus = Focus::Pane(Pane::Jobs);

fn selected(model: &Model) -> Option<u64> {
    model.panes.jobs.selected().map(|id| id.0)
}

fn run_of(effects: &[Effect]) -> RunId {
    let runs = effects.iter().find_map(|e| match e {
        Effect::Execute { run, .. } | Effect::ExecuteAll { run, .. } => Some(*run),
        _ => None,
    });
    runs.expect("something runs")
}

#[test]
fn stray_typing_edits_the_line_and_triggers_nothing() {
    let mut model = busy(80, 24);
    assert_eq!(model.focus, Focus::Line);
    assert_eq!(press(&mut model, &["qcz/?*rm -rf"]), []);
    assert_eq!(model.line.editor.text(), "qcz/?*rm -rf");
    assert!(model.overlay.is_none());
}

#[test]
fn copied_prompts_and_comments_are_no_part_of_a_line() {
    let enter = |line: &str| {
        let mut model = busy(80, 24);
        let effects = press(&mut model, &[line, "Enter"]);
        (model, effects)
    };
    let (_, effects) = enter("!> jobs --all   # it's all of them");
    assert!(
        effects.iter().any(|e| matches!(e, Effect::Execute { line, .. } if line.text == "jobs --all")),
        "{effects:?}"
    );
    assert_eq!(enter("# nothing").1, []);
    assert_eq!(enter("!> ").1, []);
    assert!(enter("!> quit # bye").1.contains(&Effect::Quit));
    // A question is asked as without the prompt.
    assert!(matches!(enter("!> cancel 1").0.overlay, Some(Overlay::Question(_))));
}

#[test]
fn completion_knows_prompts_and_comments() {
    for (typed, expected) in [("!> subm", "!> submit "), ("jobs # subm", "jobs # subm"), ("!>", "!>")] {
        let mut model = busy(80, 24);
        press(&mut model, &[typed, "Tab"]);
        assert_eq!(model.line.editor.text(), expected);
    }
}

#[test]
fn the_focus_moves() {
    let table: [(&[&str], Focus); 9] = [
        (&["Alt-1"], Focus::Pane(Pane::Workers)),
        (&["Alt-2"], JOBS),
        (&["Alt-4"], Focus::Pane(Pane::Log)),
        (&["Tab"], Focus::Pane(Pane::Workers)),
        (&["Tab", "Tab"], JOBS),
        (&["Shift-Tab"], Focus::Pane(Pane::Log)),
        (&["Alt-2", "Esc"], Focus::Line),
        (&["Alt-2", ":"], Focus::Line),
        (&["Alt-2", "Alt-3", "i"], Focus::Line),
    ];
    for (keys, focus) in table {
        let mut model = busy(80, 24);
        press(&mut model, keys);
        assert_eq!(model.focus, focus, "{keys:?}");
    }
}

#[test]
fn leaving() {
    let table: [(&[&str], bool); 7] = [
        (&["Ctrl-C"], false),
        (&["Ctrl-C", "Ctrl-C"], true),
        (&["Ctrl-D"], true),
        (&["x", "Ctrl-D"], false),
        (&["quit", "Enter"], true),
        (&["q"], false),
        (&["Alt-1", "Ctrl-C"], false),
    ];
    for (keys, quits) in table {
        let mut model = busy(80, 24);
        assert_eq!(press(&mut model, keys).contains(&Effect::Quit), quits, "{keys:?}");
    }
}

#[test]
fn ctrl_c_stops_what_runs() {
    let mut model = busy(80, 24);
    let run = run_of(&press(&mut model, &["wait 4", "Enter"]));
    press(&mut model, &["list", "Enter"]);
    assert_eq!(model.runs.waiting.len(), 1);
    assert_eq!(press(&mut model, &["Ctrl-C"]), [Effect::Abort(run)]);
    assert!(model.runs.present.is_none() && model.runs.waiting.is_empty());
    send(&mut model, Msg::Finished { run, report: Report::default() });
    assert!(model.result.is_none(), "a late answer is nobody's");
}

#[test]
fn what_takes_long_shows_that_it_runs() {
    let mut model = busy(80, 24);
    press(&mut model, &["wait 4", "Enter"]);
    assert_eq!(model.running_ms(), None, "less would only flicker");
    assert_eq!(model.next_wake(), Some(NOW.mono.after_ms(120)));
    update(&mut model, Msg::Tick, demo::at(1_500));
    assert_eq!(model.running_ms(), Some(1_500));
    update(&mut model, Msg::Key(demo::keys("Ctrl-C")[0]), demo::at(1_600));
    assert_eq!((model.running_ms(), model.runs.status), (None, Some(130)));
}

#[test]
fn lines_run_one_after_the_other() {
    let mut model = busy(80, 24);
    let first = press(&mut model, &["jobs", "Enter"]);
    assert!(first.contains(&Effect::Remember("jobs".to_owned())));
    let run = run_of(&first);
    assert_eq!(press(&mut model, &["list", "Enter"]), [Effect::Remember("list".to_owned())]);
    let report = Report { text: "no jobs\n".to_owned(), ..Report::default() };
    let next = send(&mut model, Msg::Finished { run, report });
    assert!(matches!(&next[..], [Effect::Execute { line, .. }] if line.text == "list"), "{next:?}");
    let result = model.result.as_ref().expect("a result");
    assert_eq!((result.title.as_str(), result.text.lines().len(), result.status), ("jobs", 1, 0));
    press(&mut model, &["Esc"]);
    assert!(model.result.is_none());
}

#[test]
fn a_blank_keeps_a_line_out_of_history() {
    let mut model = busy(80, 24);
    assert!(matches!(&press(&mut model, &[" jobs", "Enter"])[..], [Effect::Execute { .. }]));
    press(&mut model, &["Up"]);
    assert_eq!(model.line.editor.text(), "");
}

#[test]
fn the_selection_follows_its_row() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-2", "Down", "Down", "Down"]);
    assert_eq!(selected(&model), Some(7));
    send(&mut model, change(vec![demo::job(4, JobState::Succeeded)]));
    assert_eq!((selected(&model), model.panes.jobs.cursor()), (Some(7), 2), "one above it is gone");
    press(&mut model, &["R"]);
    assert_eq!(selected(&model), Some(7), "sorted the other way");
    press(&mut model, &["/", "group:gpu", "Enter"]);
    assert_eq!(selected(&model), Some(7), "filtered");
    press(&mut model, &["Esc"]);
    assert_eq!((model.focus, selected(&model)), (JOBS, Some(7)), "Esc clears the filter first");
}

#[test]
fn a_vanished_row_hands_on_to_its_neighbour() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-2", "Down"]);
    assert_eq!(selected(&model), Some(5));
    send(&mut model, change(vec![demo::job(5, JobState::Failed)]));
    assert_eq!(selected(&model), Some(6));
    press(&mut model, &["G"]);
    assert_eq!(selected(&model), Some(8), "what is blocked comes last");
    send(&mut model, change(vec![demo::job(8, JobState::Failed)]));
    assert_eq!(selected(&model), Some(9), "the last one hands on upwards");
}

#[test]
fn tables_follow_changes_as_if_they_were_made_anew() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-2", "o", "R"]);
    let states = [JobState::Running, JobState::Blocked, JobState::Queued, JobState::Failed, JobState::Held];
    let mut rounds = states.into_iter().cycle();
    for round in 0..40_u64 {
        let rows = (0..3).zip(rounds.clone()).map(|(n, state)| demo::job((round * 7 + n * 5) % 60 + 1, state));
        send(&mut model, change(rows.collect()));
        rounds.next();
        let followed = model.panes.clone();
        model.panes.rebuild(&model.cache);
        for (a, b) in [(&followed.jobs, &model.panes.jobs), (&followed.log, &model.panes.log)] {
            let ids = |t: &crate::app::table::Table<_>| t.ids().to_vec();
            assert_eq!((ids(a), a.in_scope()), (ids(b), b.in_scope()), "round {round}");
        }
    }
}

#[test]
fn marks() {
    let table: [(&[&str], &[u64]); 6] = [
        (&["Space"], &[4]),
        (&["Space", "Space"], &[4, 5]),
        (&["Space", "Up", "Space"], &[]),
        (&["Shift-Down", "Shift-Down"], &[4, 5, 6]),
        (&["/", "state:running", "Enter", "*"], &[4, 5, 6]),
        (&["*", "\\"], &[]),
    ];
    for (keys, marked) in table {
        let mut model = busy(80, 24);
        press(&mut model, &["Alt-2"]);
        press(&mut model, keys);
        assert_eq!(model.panes.jobs.marks().map(|id| id.0).collect::<Vec<_>>(), marked, "{keys:?}");
    }
}

#[test]
fn filters() {
    let table = [
        ("train", 1),
        ("TRAIN", 0),
        ("!echo", 5),
        ("re:^job-1\\d", 10),
        ("state:running", 3),
        ("state:queued group:gpu", 1),
        ("!state:queued", 5),
        ("tags:gpu:0", 2),
        ("re:(x", 21),
        ("state:", 21),
        ("nosuch:thing", 0),
        ("job:train", 1),
    ];
    for (text, count) in table {
        let mut model = busy(80, 24);
        press(&mut model, &["Alt-2", "/", text]);
        assert_eq!(model.panes.jobs.len(), count, "{text}");
        assert_eq!(model.panes.jobs.filter().error().is_some(), text == "re:(x", "{text}");
    }
}

#[test]
fn cancelling_asks_first() {
    let mut model = busy(80, 24);
    let no: [&[&str]; 5] = [&["n"], &["Esc"], &["Enter"], &["c"], &["Ctrl-C"]];
    for keys in no {
        press(&mut model, &["Alt-2", "c"]);
        assert!(matches!(model.overlay, Some(Overlay::Question(_))));
        assert_eq!(press(&mut model, keys), [], "{keys:?}");
        model.overlay = None;
    }
    press(&mut model, &["Alt-2", "c"]);
    let effects = press(&mut model, &["y"]);
    assert!(
        matches!(&effects[..], [Effect::ExecuteAll { lines, .. }] if lines.len() == 1 && lines[0].text == "cancel job-4"),
        "{effects:?}"
    );
}

#[test]
fn lines_that_destroy_ask_first() {
    let mut model = busy(80, 24);
    for line in ["cancel job-4", "cleanup-workspaces @all"] {
        model.line.editor.insert(line);
        assert_eq!(press(&mut model, &["Enter"]), [Effect::Remember(line.to_owned())], "{line}: nothing is done yet");
        let Some(Overlay::Question(question)) = &model.overlay else { panic!("{line} does not ask") };
        assert_eq!(question.lines[0], line);
        assert!(question.lines.len() > 1, "{line}: its targets are shown: {question:?}");
        assert_eq!(press(&mut model, &["n"]), [], "{line}");
        assert!(model.overlay.is_none());
    }
    model.line.editor.insert("cancel job-4");
    press(&mut model, &["Enter"]);
    assert!(matches!(&press(&mut model, &["y"])[..], [Effect::Execute { line, .. }] if line.text == "cancel job-4"));
}

#[test]
fn many_cancels_need_their_number_and_are_counted() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-2", "*", "c", "y"]);
    assert!(model.overlay.is_some(), "y is not enough");
    let effects = press(&mut model, &["2", "1", "Enter"]);
    let run = run_of(&effects);
    let fault = Some(Fault { message: "job-5 has ended".to_owned(), hint: None });
    send(&mut model, Msg::Bulk { run, one: Some(("cancel job-4".to_owned(), Report::default())) });
    send(&mut model, Msg::Bulk { run, one: Some(("cancel job-5".to_owned(), Report { fault, ..Report::default() })) });
    send(&mut model, Msg::Bulk { run, one: None });
    let said: Vec<&str> = model.toasts.all().map(|t| t.text.as_str()).collect();
    assert_eq!(said, ["cancelled 1, failed 1"]);
    assert_eq!(
        model.result.as_ref().map(|result| result.text.lines()).unwrap_or_default(),
        ["cancel job-5", "job-5 has ended"]
    );
}

#[test]
fn a_read_only_console_cancels_nothing() {
    let mut model = busy(80, 24);
    model.settings.readonly = true;
    press(&mut model, &["Alt-2", "c"]);
    assert!(model.overlay.is_none());
}

#[test]
fn opening_and_coming_back() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-1", "Enter"]);
    assert_eq!(model.focus, Focus::Page);
    let opened = |n| Effect::OpenOutput { document: DocumentId(n), job: JobId(4), shown: Shown::Both };
    assert_eq!(press(&mut model, &["Enter"]), [Effect::Fetch(JobId(4)), opened(1)], "what runs comes first");
    assert_eq!(model.pages.len(), 2);
    let row = demo::job(4, JobState::Running);
    send(&mut model, Msg::Fetched { job: row.job_id, info: Ok(demo::info(row)) });
    let effects = press(&mut model, &["Enter"]);
    assert_eq!(effects, [opened(2)]);
    assert_eq!(model.pages.iter().map(Page::title).collect::<Vec<_>>(), ["10.0.0.11", "job-4", "output"]);
    let effects = send(&mut model, change(vec![demo::job(4, JobState::Succeeded)]));
    assert_eq!(effects, [Effect::Fetch(JobId(4))]);
    assert_eq!(press(&mut model, &["Esc"]), [Effect::CloseOutput(DocumentId(2))]);
    assert_eq!(press(&mut model, &["Esc"]), [Effect::CloseOutput(DocumentId(1))]);
    press(&mut model, &["Esc"]);
    assert_eq!((model.focus, model.pages.len()), (Focus::Pane(Pane::Workers), 0));
}

#[test]
fn from_what_waits_to_the_jobs_that_do() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-3", "Down", "Down", "Enter"]);
    assert_eq!((model.focus, model.panes.jobs.len()), (JOBS, 1));
    assert_eq!(selected(&model), Some(7));
}

#[test]
fn chips() {
    let mut model = busy(80, 24);
    press(&mut model, &["Alt-2"]);
    let scopes: Vec<JobScope> = (0..5)
        .map(|_| {
            press(&mut model, &["a"]);
            model.panes.jobs.scope().clone()
        })
        .collect();
    assert_eq!(scopes, [JobScope::Running, JobScope::Done, JobScope::Failed, JobScope::All, JobScope::Active]);
}

#[test]
fn a_paste_of_several_lines_asks() {
    let mut model = busy(80, 24);
    send(&mut model, Msg::Paste("list\r\njobs\r\n\r\n".to_owned()));
    assert!(matches!(&model.overlay, Some(Overlay::Question(q)) if q.title == "run 2 lines?"));
    let effects = press(&mut model, &["y"]);
    assert!(matches!(&effects[..], [Effect::Execute { line, .. }] if line.text == "list"));
    assert_eq!(model.runs.pasted.as_ref().map(|pasted| pasted.lines.len()), Some(1), "one after the other");
    send(&mut model, Msg::Paste("one line\n".to_owned()));
    assert_eq!(model.line.editor.text(), "one line");
}

#[test]
fn completion() {
    let table = [
        ("canc", "cancel "),
        ("info 10.0.0.1", "info 10.0.0.1"),
        ("info at", "info atlas "),
        ("submit x --gr", "submit x --group="),
        ("submit x --group=g", "submit x --group=gpu "),
        ("submit x --tags=disk,gpu:", "submit x --tags=disk,gpu:"),
        ("submit x --ho", "submit x --hold "),
        ("cancel job-24", "cancel job-24 "),
        ("cancel 24 job-23", "cancel 24 job-23 "),
        ("zzz", "zzz"),
    ];
    for (typed, expected) in table {
        let mut model = busy(80, 24);
        press(&mut model, &[typed, "Tab"]);
        assert_eq!(model.line.editor.text(), expected, "{typed}");
    }
}

#[test]
fn the_menu() {
    let mut model = busy(80, 24);
    press(&mut model, &["info ", "Tab"]);
    assert!(model.line.menu.is_some());
    press(&mut model, &["Tab", "Tab", "Enter"]);
    assert_eq!((model.line.editor.text(), model.line.menu.is_none()), ("info 10.0.0.12 ", true));
    press(&mut model, &["Ctrl-U", "info ", "Tab", "x"]);
    assert_eq!((model.line.editor.text(), model.line.menu.is_none()), ("info x", true));
}

#[test]
fn history_and_suggestion() {
    let mut model = console(80, 24);
    send(&mut model, Msg::History(["list", "submit a", "jobs"].map(str::to_owned).to_vec()));
    press(&mut model, &["sub"]);
    assert_eq!(model.line.ghost(), Some("mit a"));
    press(&mut model, &["Right"]);
    assert_eq!(model.line.editor.text(), "submit a");
    press(&mut model, &["Ctrl-U", "Up", "Up"]);
    assert_eq!(model.line.editor.text(), "submit a");
    press(&mut model, &["Down", "Down"]);
    assert_eq!(model.line.editor.text(), "", "the draft comes back");
    press(&mut model, &["draft", "Ctrl-R", "li"]);
    assert_eq!(model.line.editor.text(), "list");
    press(&mut model, &["Esc"]);
    assert_eq!(model.line.editor.text(), "draft");
    press(&mut model, &["Ctrl-R", "li", "Tab"]);
    assert_eq!((model.line.editor.text(), model.line.search.is_none()), ("list", true));
}

#[test]
fn with_nothing_that_ages_the_console_sleeps() {
    let mut model = console(80, 24);
    send(&mut model, Msg::Connected);
    let online = demo::workers().into_iter().take(2).collect();
    send(&mut model, demo::snapshot(online, vec![demo::job(1, JobState::Succeeded)]));
    assert_eq!(model.next_wake(), None);
    send(&mut model, change(vec![demo::job(2, JobState::Running)]));
    assert!(model.next_wake().is_some_and(|at| at <= NOW.mono.after_ms(1_000)), "a running job ages");
}

#[test]
fn a_result_makes_room_for_a_page_and_goes_with_its_cause() {
    let height = |model: &Model| crate::app::layout::screen(model).result.map(|area| area.height);
    let mut model = busy(80, 24);
    let run = run_of(&press(&mut model, &["jobs", "Enter"]));
    send(&mut model, Msg::Finished { run, report: Report { text: "a\nb\n".to_owned(), ..Report::default() } });
    assert_eq!(height(&model), Some(4));
    press(&mut model, &["Alt-2", "Enter"]);
    assert_eq!(height(&model), Some(1), "its title stays");
    press(&mut model, &["Tab"]);
    assert_eq!((model.focus, height(&model)), (Focus::Result, Some(4)));
    for (status, stays) in [(3, false), (4, false), (1, true)] {
        let mut model = busy(80, 24);
        let run = run_of(&press(&mut model, &["jobs", "Enter"]));
        let fault = Some(Fault { message: "cannot reach c2d".to_owned(), hint: None });
        send(&mut model, Msg::Finished { run, report: Report { fault, status, ..Report::default() } });
        assert!(model.result.is_some());
        send(&mut model, Msg::Connected);
        assert_eq!(model.result.is_some(), stays, "{status}");
    }
}

#[test]
fn the_mouse() {
    let mut model = busy(80, 24);
    let click = |model: &mut Model, target| send(model, Msg::Mouse { gesture: Gesture::Press, target });
    click(&mut model, Target::Row(JOBS, 3));
    assert_eq!((model.focus, selected(&model)), (JOBS, Some(7)));
    click(&mut model, Target::Head(JOBS, 1));
    assert!(model.panes.jobs.sort().descending);
    click(&mut model, Target::Chip(4));
    assert_eq!(*model.panes.jobs.scope(), JobScope::All);
    send(&mut model, Msg::Mouse { gesture: Gesture::Wheel(3), target: Target::Area(JOBS) });
    assert!(model.panes.jobs.visible().start > 0);
    let effects = send(&mut model, Msg::Mouse { gesture: Gesture::Double, target: Target::Row(JOBS, 0) });
    assert_eq!((effects.len(), model.focus), (2, Focus::Page));
    press(&mut model, &["Esc"]);
    let effects = press(&mut model, &["m"]);
    assert_eq!(effects, [Effect::CaptureMouse(false), Effect::Keep(Preferences::of(&model))]);
}

#[test]
fn each_choice_is_kept_when_it_is_made_and_not_again() {
    let mut model = busy(120, 40);
    for keys in [&["Alt-2", ">"][..], &["R"], &["m"], &[":theme light", "Enter"]] {
        let effects = press(&mut model, keys);
        let kept = Effect::Keep(Preferences::of(&model));
        assert!(effects.contains(&kept), "{keys:?}: {effects:?}");
    }
    let kept = Preferences::of(&model);
    assert!(kept.sorts[1].descending && !kept.mouse && kept.sizes.side == 4 && kept.theme == Theme::Light, "{kept:?}");
    assert_eq!(send(&mut model, change(vec![demo::job(3, JobState::Running)])), []);
}

#[test]
fn what_was_run_can_be_read_again_as_a_script() {
    let mut model = busy(120, 40);
    let effects = press(&mut model, &["submit \"echo it's\"", "Enter"]);
    send(&mut model, Msg::Finished { run: run_of(&effects), report: Report { status: 1, ..Report::default() } });
    press(&mut model, &[":calls", "Enter"]);
    let lines = model.pages.last().and_then(Page::text).map(Pager::lines).unwrap_or_default();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let call = r#"  1  c2-tui --server 10.0.0.6:30814 --exec "submit \"echo it's\"""#;
    assert!(lines[0].ends_with(call), "{lines:?}");
}

#[test]
fn themes_and_messages() {
    let mut model = busy(80, 24);
    press(&mut model, &["theme light", "Enter"]);
    assert_eq!(model.settings.theme, Theme::Light);
    press(&mut model, &["theme pink", "Enter", "Ctrl-U", ":messages", "Enter"]);
    assert_eq!(model.focus, Focus::Page);
    press(&mut model, &["Esc"]);
    assert_eq!(model.focus, Focus::Line);
}
