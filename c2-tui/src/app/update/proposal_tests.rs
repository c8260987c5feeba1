//! Tables over letters in panes and pages: none changes anything alone, and no word that is typed there acts
//! by its letters, however slowly it comes.

use c2_shared::job::JobState;

use crate::app::focus::Focus;
use crate::app::overlay::Overlay;
use crate::app::{Effect, Model, Msg, Now, update};
use crate::command::{self, Impact};
use crate::tests::demo::{self, NOW, busy, keys, press, send};

use super::figures_tests;

/// Places in which letters have a meaning, and the keys that lead there.
const PLACES: [&[&str]; 11] = [
    &["Alt-1"],
    &["Alt-2"],
    &["Alt-3"],
    &["Alt-4"],
    &["Alt-1", "Enter"],
    &["Alt-2", "Enter"],
    &["Alt-2", "Enter", "Enter"],
    &["Alt-4", "Enter"],
    &["F6"],
    &["F7"],
    &["F8"],
];

fn at_place(place: &[&str]) -> Model {
    let mut model = busy(120, 40);
    press(&mut model, place);
    send(&mut model, figures_tests::schedules());
    model
}

/// Types letters with a pause between them, in which all comes that was asked for.
fn type_slowly(model: &mut Model, text: &str, gap_ms: u64) -> Vec<Effect> {
    let mut effects = Vec::new();
    for (n, key) in (1..).zip(keys(text)) {
        let now = Now { mono: NOW.mono.after_ms(n * gap_ms), wall_ms: NOW.wall_ms + n * gap_ms };
        for effect in update(model, Msg::Key(key), now) {
            if let Effect::Fetch(job) = effect {
                let info = Ok(demo::info(demo::job(job.0, JobState::Running)));
                update(model, Msg::Fetched { job, info }, now);
            }
            effects.push(effect);
        }
    }
    effects
}

/// Whether effects change anything but the screen.
fn changes(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Execute { line, .. } | Effect::Watch { line, .. } => line.command.impact() != Impact::ReadOnly,
        Effect::ExecuteAll { .. } | Effect::Save { .. } | Effect::Quit => true,
        _ => false,
    })
}

#[test]
fn no_verb_that_is_typed_acts_by_its_letters() {
    for place in PLACES {
        for verb in command::commands().iter().map(|command| command.name.as_str()) {
            for gap_ms in [100, 300, 900] {
                let mut model = at_place(place);
                let effects = type_slowly(&mut model, verb, gap_ms);
                assert!(!changes(&effects), "{verb} in {place:?}: {effects:?}");
                assert!(model.proposal.is_none() || verb.len() < 2, "{verb} in {place:?}");
                assert!(!matches!(model.overlay, Some(Overlay::Question(_))), "{verb} in {place:?}");
            }
        }
    }
}

#[test]
fn verbs_land_in_the_line_with_all_their_letters() {
    let table: [(&[&str], &[&str]); 4] = [
        (
            &["Alt-2"],
            &["retry", "release", "hold", "unassign", "cancel", "change", "why", "submit", "jobs", "help", "messages"],
        ),
        (&["Alt-1"], &["drain", "unassign", "resume", "doctor", "groups", "timeline", "get-files", "list"]),
        (&["Alt-4", "Enter"], &["retry", "cancel", "submit", "split", "schedule"]),
        (&["F7"], &["list", "retry"]),
    ];
    for (place, verbs) in table {
        for verb in verbs {
            for gap_ms in [100, 300, 900] {
                let mut model = at_place(place);
                type_slowly(&mut model, &format!("{verb} x"), gap_ms);
                let said = (model.focus, model.line.editor.text());
                assert_eq!(said, (Focus::Line, format!("{verb} x").as_str()), "{place:?}");
            }
        }
    }
}

#[test]
fn a_letter_shows_what_it_would_do_and_does_it_when_it_is_confirmed() {
    let jobs: &[&str] = &["Alt-2", "/", "state:held", "Enter"];
    let proposed = |keys: &[&str]| {
        let mut model = busy(120, 40);
        let effects = press(&mut model, &[jobs, keys].concat());
        (changes(&effects), model)
    };
    let (acted, model) = proposed(&["u"]);
    assert!(!acted && model.overlay.is_none());
    assert_eq!(model.proposal.as_ref().map(|p| p.words.as_str()), Some("release job-9 held sudo apt upgrade -y"));
    for (keys, acts) in [
        (&["u", "Enter"][..], true),
        (&["u", "Esc"], false),
        (&["u", "Ctrl-C"], false),
        (&["u", "Down", "Enter"], false),
        (&["u", "F1"], false),
    ] {
        let (acted, model) = proposed(keys);
        assert_eq!((acted, model.proposal.is_none()), (acts, true), "{keys:?}");
    }
    for again in ["u", "y"] {
        let (acted, mut model) = proposed(&["u", again, again]);
        assert_eq!((acted, model.proposal.is_some()), (false, true), "{again} may be a letter of a word");
        assert!(model.toasts.all().any(|toast| toast.text.contains("Enter does it")), "but it is said what does it");
        assert!(changes(&press(&mut model, &["Enter"])));
    }
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "/", "state:queued", "Enter", "h"]);
    assert!(model.proposal.is_some());
    let effects = press(&mut model, &["n"]);
    assert!(model.proposal.is_none() && model.line.editor.text().is_empty(), "no is no");
    assert!(!changes(&effects) && model.focus != Focus::Line);
    let (_, mut model) = proposed(&["u"]);
    send(&mut model, Msg::Burst("nassign 1 gpu".to_owned()));
    assert_eq!((model.focus, model.line.editor.text()), (Focus::Line, "unassign 1 gpu"));
    let (_, mut model) = proposed(&["u", "Ctrl-C"]);
    assert_eq!(press(&mut model, &["Ctrl-C"]), [], "the first one only left it");
    let (_, model) = proposed(&["u", "x"]);
    assert_eq!(model.line.editor.text(), "ux", "nothing that was typed is lost");
}

#[test]
fn what_was_proposed_is_done_whatever_is_selected_by_then() {
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "/", "state:held", "Enter", "u"]);
    send(&mut model, demo::change(vec![demo::job(40, JobState::Held)]));
    let effects = press(&mut model, &["Enter"]);
    let lines = effects.iter().find_map(|e| if let Effect::ExecuteAll { lines, .. } = e { Some(lines) } else { None });
    assert_eq!(lines.map(|lines| lines[0].text.as_str()), Some("release job-9"));
}

#[test]
fn what_the_letters_of_a_word_changed_on_the_screen_is_taken_back() {
    let table: [(&[&str], &str); 9] = [
        (&["Alt-1"], "messages"),
        (&["Alt-2"], "assign"),
        (&["Alt-2"], "pdsh"),
        (&["Alt-2"], "why"),
        (&["Alt-2"], "notify"),
        (&["Alt-2"], "follow"),
        (&["Alt-3"], "output"),
        (&["Alt-2", "Enter"], "help"),
        (&["Alt-2", "Enter"], "messages"),
    ];
    let looks = |model: &Model| {
        let scope = model.panes.jobs.scope().clone();
        let sorts = crate::app::panes::Pane::ALL.map(|pane| model.panes.grid(pane).sort());
        let seen = (model.pages.len(), model.mouse, model.zoom, model.preview.is_some(), model.result.is_some());
        (seen, scope, sorts, model.watched.clone(), model.runs.present.is_some(), model.overlay.is_some())
    };
    for (place, word) in table {
        for gap_ms in [100, 900] {
            let mut model = at_place(place);
            let before = looks(&model);
            type_slowly(&mut model, &format!("{word} x"), gap_ms);
            assert_eq!(looks(&model), before, "{word} in {place:?}");
            assert_eq!(model.line.editor.text(), format!("{word} x"), "{place:?}");
        }
    }
}

#[test]
fn a_job_that_comes_to_be_edited_takes_the_place_of_nothing_that_was_typed() {
    let mut model = busy(120, 40);
    press(&mut model, &["Alt-2", "e", "Enter", ":", "list"]);
    let row = demo::job(4, JobState::Running);
    send(&mut model, Msg::Fetched { job: row.job_id, info: Ok(demo::info(row)) });
    assert_eq!(model.line.editor.text(), "list");
}
