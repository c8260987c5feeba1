//! Tables over lines and Enter: what asks, what a read-only console lets through, what stays in the
//! line, and what Tab offers on the way.

use std::collections::VecDeque;

use c2_shared::api::notifications::{NotificationList, NotificationRow};
use c2_shared::api::schedules::ScheduleList;
use c2_shared::job::JobState;
use c2_shared::worker::WorkerStatus;

use crate::app::figures::{Asked, Figures};
use crate::app::focus::Focus;
use crate::app::overlay::Overlay;
use crate::app::report::Report;
use crate::app::{Effect, Model, Msg};
use crate::tests::demo::{self, busy, change, press, send};

fn entered(line: &str) -> (Model, Vec<Effect>) {
    let mut model = busy(80, 24);
    let effects = press(&mut model, &[line, "Enter"]);
    (model, effects)
}

fn runs(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Execute { .. } | Effect::Watch { .. }))
}

/// The title of the question that a line asks, and how many targets it shows.
fn question(line: &str) -> Option<(String, usize)> {
    let (model, effects) = entered(line);
    match model.overlay {
        Some(Overlay::Question(question)) => {
            assert!(!runs(&effects), "{line}: nothing is done yet");
            Some((question.title, question.lines.len() - 1))
        }
        _ => None,
    }
}

#[test]
fn however_a_line_is_written_it_asks_as_what_it_means() {
    let same = [
        &["cancel 4", "\"cancel\" 4", "can\\cel 4", "'cancel' \"4\"", " :cancel job-4 # now", "!> cancel train"][..],
        &["pdsh @all x", "pdsh --timeout 5 @all x", "pdsh --timeout=5 --fold \"@all\" -- x", "'pdsh' @all 'x y'"],
        &["cleanup-workspaces @all", "cleanup-workspaces -- @all"],
        &["unassign 10.0.0.11 gpu", "\"unassign\" 10.0.0.11 gpu"],
        &["cancel 'cancel last'", "cancel \"cancel last\"", "cancel cancel\\ last"],
        &["cancel last", "cancel \"last\""],
    ];
    for lines in same {
        let plain = question(lines[0]);
        assert!(plain.is_some(), "{lines:?}");
        for line in lines {
            assert_eq!(question(line), plain, "{line}");
        }
    }
    assert_eq!(question("cancel 4-6"), Some(("cancel: all 3 of these?".to_owned(), 3)));
    assert_eq!(question("pdsh 10.0.0.11 cancel 4"), None, "one machine");
    assert_eq!(question("copy notes 10.0.0.11:/srv"), None, "one machine");
    assert!(question("copy notes @all:/srv").is_some());
    assert_eq!(question("copy @all:/srv/notes here"), None, "they keep what they have");
    assert_eq!(question("submit 'cancel 4'"), None, "the words of a job");
}

#[test]
fn a_read_only_console_goes_by_what_a_line_does() {
    let table = [
        ("list", true),
        ("pdsh --help", true),
        ("copy notes @all:/srv --dry-run", true),
        ("batch jobs.txt --dry-run", true),
        ("split 'echo {}' in.txt --dry-run", true),
        ("verify-ssh @all --learn", true),
        ("detect-tags atlas", true),
        ("theme dark", false),
        ("batch jobs.txt", false),
        ("split 'echo {}' in.txt", false),
        ("verify-ssh @all --learn --yes", false),
        ("detect-tags atlas --apply", false),
        ("submit true", false),
        ("\"cancel\" 4", false),
        ("pdsh 10.0.0.11 uptime", false),
        ("copy notes 10.0.0.11:/srv", false),
    ];
    for (line, expected) in table {
        let mut model = busy(80, 24);
        model.settings.readonly = true;
        assert_eq!(runs(&press(&mut model, &[line, "Enter"])), expected, "{line}");
        assert!(model.overlay.is_none(), "{line} asks nothing");
    }
}

#[test]
fn a_line_that_is_not_understood_stays_to_be_corrected() {
    let table = [
        ("submit \"echo", "the quote \" at column 8 is not closed", "add a closing \""),
        ("lsit", "unknown command \"lsit\"", "did you mean \"list\"?"),
        ("cancel 9-3", "<JOB>...: the range \"9-3\" ends before it begins", "usage: cancel [OPTIONS] <JOB>..."),
        ("theme pink", "\"pink\" does not fit <THEME>", "known: terminal, dark, light, contrast"),
        ("runs x", "[N]: \"x\" is not a whole number", "usage: runs [N]"),
    ];
    for (line, message, hint) in table {
        let (mut model, effects) = entered(line);
        assert_eq!(effects, [], "{line}: no request, and no history");
        assert_eq!((model.line.editor.text(), model.focus), (line, Focus::Line));
        let result = model.result.as_ref().expect("it says what is wrong");
        assert_eq!(
            (result.text.lines(), result.status),
            (vec![message.to_owned(), format!("hint: {hint}")], 2),
            "{line}"
        );
        press(&mut model, &["Ctrl-U", "list"]);
        assert!(runs(&press(&mut model, &["Enter"])), "another one runs");
    }
    let (mut model, _) = entered("submit \"echo");
    assert!(runs(&press(&mut model, &["\"", "Enter"])), "corrected");
    assert_eq!(model.line.editor.text(), "");
}

/// Ends each line that is run, until none is left; answers them in their order.
fn run_to_the_end(model: &mut Model, effects: Vec<Effect>) -> Vec<String> {
    let mut ran = Vec::new();
    let mut effects = VecDeque::from(effects);
    while let Some(effect) = effects.pop_front() {
        if let Effect::Execute { run, line } = effect {
            ran.push(line.text);
            effects.extend(send(model, Msg::Finished { run, report: Report::default() }));
        }
    }
    ran
}

/// Pasted lines one after the other: the texts of those that were run, each of which ends well.
fn run_pasted(model: &mut Model, text: &str) -> Vec<String> {
    send(model, Msg::Paste(text.to_owned()));
    let effects = press(model, &["y"]);
    run_to_the_end(model, effects)
}

#[test]
fn pasted_lines_run_but_for_those_that_are_not_understood() {
    let mut model = busy(80, 24);
    assert_eq!(run_pasted(&mut model, "lsit\n# a comment\nlist\njobs\n"), ["list", "jobs"]);
    let calls: Vec<_> = model.runs.calls.iter().map(|call| (call.line.as_str(), call.status)).collect();
    assert_eq!(calls, [("lsit", 2), ("list", 0), ("jobs", 0)]);
    let result = model.result.as_ref().unwrap();
    assert_eq!((result.title.as_str(), result.status), ("3 lines", 2), "what failed is seen at the end");
    assert!(model.toasts.all().any(|toast| toast.text == "1 of 3 lines failed"));
}

#[test]
fn pasted_lines_that_destroy_ask_as_typed_ones_do() {
    for (answer, run, left) in [("y", &["list", "cancel 4", "jobs"][..], ""), ("n", &["list"], "1 of the pasted lines")]
    {
        let mut model = busy(80, 24);
        assert_eq!(run_pasted(&mut model, "list\ncancel 4\njobs\n"), ["list"]);
        let Some(Overlay::Question(question)) = &model.overlay else { panic!("it asks") };
        assert!(question.lines.iter().any(|line| line.contains("job-4  running")), "{question:?}");
        let effects = press(&mut model, &[answer]);
        let ran = [vec!["list".to_owned()], run_to_the_end(&mut model, effects)].concat();
        assert_eq!(ran, run);
        assert!(left.is_empty() || model.toasts.all().any(|toast| toast.text.starts_with(left)));
        assert!(model.runs.pasted.is_none());
    }
}

#[test]
fn a_line_that_is_too_long_is_not_cut() {
    let mut model = busy(80, 24);
    send(&mut model, Msg::Paste("submit".to_owned()));
    send(&mut model, Msg::Paste("x".repeat(60_000)));
    assert_eq!(model.line.editor.text(), "submit", "half of it would be another command");
    assert!(model.toasts.all().any(|toast| toast.text.starts_with("a line takes 60000 characters")));
    send(&mut model, Msg::Paste("x".repeat(59_994)));
    assert_eq!(model.line.editor.text().len(), 60_000);
}

#[test]
fn pasted_lines_of_one_command_stay_together() {
    let table = [
        ("submit \"echo a\nqueue-status\necho b\" --name=mid\n", "run this command of 3 lines?", 1),
        ("submit true \\\n  --name=bsl\n", "run this command of 2 lines?", 1),
        ("list\nsubmit 'a\nb'\n", "run 2 commands?", 2),
    ];
    for (pasted, title, commands) in table {
        let mut model = busy(80, 24);
        send(&mut model, Msg::Paste(pasted.to_owned()));
        assert!(matches!(&model.overlay, Some(Overlay::Question(q)) if q.title == title), "{pasted}");
        let effects = press(&mut model, &["y"]);
        assert_eq!(run_to_the_end(&mut model, effects).len(), commands, "{pasted}");
        assert!(model.runs.calls.iter().all(|call| call.status == 0), "nothing was refused: {pasted}");
    }
    let mut model = busy(80, 24);
    send(&mut model, Msg::Paste("submit \"echo a\nqueue-status\n".to_owned()));
    assert_eq!(press(&mut model, &["y"]), [], "the quote is not closed, so nothing runs");
}

#[test]
fn tab_offers_files_and_machines_to_copy() {
    for (typed, completed) in [
        ("copy bor", "copy borealis:"),
        ("copy notes.t", "copy notes.txt "),
        ("copy notes.txt borealis:no", "copy notes.txt borealis:no"),
    ] {
        let mut model = busy(80, 24);
        let effects = press(&mut model, &[typed, "Tab"]);
        assert_eq!(effects, [Effect::ListFolder(String::new())], "{typed}");
        send(&mut model, Msg::Folder { folder: String::new(), names: vec!["notes.txt".to_owned()] });
        assert_eq!(model.line.editor.text(), completed, "{typed}");
    }
}

#[test]
fn tab_asks_for_the_names_of_schedules_and_notifications() {
    let row = |name: &str| NotificationRow {
        name: name.to_owned(),
        on: [].into(),
        to: "ntfy:x".to_owned(),
        group: None,
        job_name: None,
        schedule: None,
        missing: None,
        trouble: None,
        failures: 0,
    };
    let told = Figures::Notifications(NotificationList { notifications: vec![row("phone"), row("desk")] });
    for (typed, completed) in [
        ("notify change ph", "notify change phone "),
        ("submit x --notify=de", "submit x --notify=desk "),
        ("submit x --notify=phone,de", "submit x --notify=phone,desk "),
        ("notify remove x", "notify remove x"),
    ] {
        let mut model = busy(80, 24);
        assert_eq!(press(&mut model, &[typed, "Tab"]), [Effect::Ask(Asked::Notifications)], "{typed}");
        send(&mut model, Msg::Figures(told.clone()));
        assert_eq!(model.line.editor.text(), completed, "{typed}");
        // What comes later and was not asked for changes nothing.
        send(&mut model, Msg::Figures(told.clone()));
        assert_eq!(model.line.editor.text(), completed, "{typed}");
    }
    let mut model = busy(80, 24);
    assert_eq!(press(&mut model, &["schedule change b", "Tab"]), [Effect::Ask(Asked::Schedules)]);
    press(&mut model, &["x"]);
    send(&mut model, Msg::Figures(Figures::Schedules(ScheduleList::default())));
    assert_eq!(model.line.editor.text(), "schedule change bx");
    let mut model = busy(80, 24);
    assert_eq!(press(&mut model, &["schedule cha", "Tab"]), []);
    assert_eq!(model.line.editor.text(), "schedule change ");
}

#[test]
fn tab_offers_what_the_grammar_wants_there() {
    let table = [
        ("pdsh @all --fo", "pdsh @all --fold "),
        ("pdsh --timeout 5 bor", "pdsh --timeout 5 borealis "),
        // Behind its first word all belongs to the remote command.
        ("pdsh @all ls --fo", "pdsh @all ls --fo"),
        ("pdsh @all -- --fo", "pdsh @all -- --fo"),
        ("submit x --group g", "submit x --group gpu "),
        ("submit x --depends=4,job-2", "submit x --depends=4,job-2"),
        ("submit x --depends=4,job-24", "submit x --depends=4,job-24 "),
        ("output tr", "output train "),
        ("submit x --on-lost f", "submit x --on-lost fail "),
        ("theme li", "theme light "),
        ("help subm", "help submit "),
        ("recon", "reconnect "),
    ];
    for (typed, expected) in table {
        let mut model = busy(80, 24);
        press(&mut model, &[typed, "Tab"]);
        assert_eq!(model.line.editor.text(), expected, "{typed}");
    }
}

/// The first entries that Tab offers behind a verb.
fn offered(model: &mut Model, typed: &str) -> Vec<String> {
    press(model, &["Ctrl-U", typed, "Tab"]);
    let choices = model.line.menu.as_ref().map(|menu| menu.completion.choices.clone()).unwrap_or_default();
    choices.into_iter().map(|choice| choice.text).collect()
}

#[test]
fn what_a_verb_can_act_on_comes_first() {
    let mut model = busy(80, 24);
    let mut workers = demo::workers();
    workers[1].status = WorkerStatus::Quarantined;
    send(&mut model, demo::snapshot(workers, demo::jobs()));
    let first = |model: &mut Model, typed: &str| offered(model, typed).into_iter().find(|text| !text.starts_with('@'));
    assert_eq!(first(&mut model, "drain ").as_deref(), Some("10.0.0.11"));
    let resumed: Vec<String> =
        offered(&mut model, "resume ").into_iter().filter(|text| text.starts_with("10.")).collect();
    assert_eq!(resumed, ["10.0.0.12", "10.0.0.13", "10.0.0.14", "10.0.0.11"], "the quarantined ones among them");
    assert_eq!(first(&mut model, "cancel ").as_deref(), Some("job-6"));
    assert_eq!(offered(&mut model, "retry "), ["job-2", "job-3", "job-1"]);
}

#[test]
fn completion_knows_what_jobs_have_in_common() {
    let mut model = busy(80, 24);
    let mut job = demo::job(900, JobState::Queued);
    job.batch = Some("night".to_owned());
    send(&mut model, change(vec![job]));
    for (typed, expected) in
        [("cancel @ba", "cancel @batch:night "), ("retry @f", "retry @failed "), ("retry @ba", "retry @ba")]
    {
        press(&mut model, &["Ctrl-U", typed, "Tab"]);
        assert_eq!(model.line.editor.text(), expected, "{typed}");
    }
}
