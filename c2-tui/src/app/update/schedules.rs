//! What the keys of the page of schedules do with one of them: the lines that could be typed.

use super::guard;
use crate::app::Effect;
use crate::app::keymap::Action;
use crate::app::model::Model;
use crate::app::table::Opens;
use crate::app::toast::Kind;
use crate::command::{self, Entered, Verb};

pub(super) fn carry_out(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    if let Some(line) = line_of(model, action) {
        guard::run(model, line, false, effects);
    }
}

/// The line of an action on the schedule that is selected.
pub(super) fn line_of(model: &mut Model, action: Action) -> Option<Entered> {
    let Some(Opens::Schedule(name)) = model.opens() else {
        model.toasts.say(Kind::Plain, "no schedule is selected", model.now);
        return None;
    };
    let is_paused = model.cache.schedules.get(&name).is_some_and(|schedule| schedule.row.paused);
    let word = match action {
        Action::SchedulePause if is_paused => "resume",
        Action::SchedulePause => "pause",
        Action::ScheduleRun => "run",
        Action::ScheduleRemove => "remove",
        _ => return None,
    };
    entered(word, &name)
}

fn entered(action: &str, name: &str) -> Option<Entered> {
    let text = format!("schedule {action} {name}");
    let Ok(Verb::Command(command)) = command::parse(&text) else { return None };
    Some(Entered { text, command })
}

/// Shows a schedule in full.
pub(super) fn show(model: &mut Model, name: &str, effects: &mut Vec<Effect>) {
    if let Some(line) = entered("show", name) {
        guard::run(model, line, false, effects);
    }
}

#[cfg(test)]
mod tests {
    use crate::app::figures::{Asked, Figures};
    use crate::app::listing::Listed;
    use crate::app::overlay::Overlay;
    use crate::app::page::Page;
    use crate::app::report::{Fault, Report};
    use crate::app::update::figures_tests::schedules;
    use crate::app::{Effect, Model, Msg, update};
    use crate::tests::demo::{at, busy, press, send};

    fn asks(effects: &[Effect]) -> bool {
        effects.contains(&Effect::Ask(Asked::Schedules))
    }

    fn line(effects: &[Effect]) -> Option<String> {
        effects.iter().find_map(|e| if let Effect::Execute { line, .. } = e { Some(line.text.clone()) } else { None })
    }

    fn names(model: &Model) -> Vec<String> {
        let grid = model.grid(model.focus).expect("a table");
        let cell = |at| grid.cell(at, 0, &model.sight()).map(|cell| cell.text);
        (0..grid.len()).filter_map(cell).collect()
    }

    #[test]
    fn they_are_asked_for_only_while_they_are_in_sight() {
        let mut model = busy(120, 36);
        assert!(!asks(&update(&mut model, Msg::Tick, at(60_000))));
        assert!(asks(&press(&mut model, &["F8"])));
        assert!(!asks(&press(&mut model, &[":", "F8"])), "once, and one page");
        assert_eq!(model.pages.len(), 1);
        send(&mut model, schedules());
        assert_eq!(names(&model), ["poll", "backup", "report", "weekly"], "what comes next; what is paused last");
        assert!(asks(&update(&mut model, Msg::Tick, at(10_000))), "other consoles change them, too");
        press(&mut model, &["q"]);
        assert!(!asks(&update(&mut model, Msg::Tick, at(60_000))), "out of sight");
    }

    #[test]
    fn keys_do_what_lines_do_and_removing_asks() {
        let mut model = busy(120, 36);
        press(&mut model, &["F8"]);
        assert_eq!(line(&press(&mut model, &["p"])), None, "nothing is told yet");
        send(&mut model, schedules());
        let end = |model: &mut Model, effects: &[Effect]| {
            let run = effects.iter().find_map(|e| if let Effect::Execute { run, .. } = e { Some(*run) } else { None });
            send(model, Msg::Finished { run: run.expect("a line runs"), report: Report::default() })
        };
        let effects = press(&mut model, &["p", "Enter"]);
        assert_eq!(line(&effects).as_deref(), Some("schedule pause poll"));
        assert!(asks(&end(&mut model, &effects)), "it is other than before");
        let effects = press(&mut model, &["G", "p", "Enter"]);
        assert_eq!(line(&effects).as_deref(), Some("schedule resume weekly"));
        end(&mut model, &effects);
        let effects = press(&mut model, &["r", "Enter"]);
        assert_eq!(line(&effects).as_deref(), Some("schedule run weekly"));
        end(&mut model, &effects);
        let effects = press(&mut model, &["Enter"]);
        assert_eq!(line(&effects).as_deref(), Some("schedule show weekly"));
        end(&mut model, &effects);
        assert_eq!(line(&press(&mut model, &["x"])), None);
        assert!(
            matches!(&model.overlay, Some(Overlay::Question(question)) if question.lines == ["schedule remove weekly"])
        );
        assert_eq!(line(&press(&mut model, &["y"])).as_deref(), Some("schedule remove weekly"));
    }

    #[test]
    fn a_console_that_may_only_look_changes_none() {
        let mut model = busy(120, 36);
        model.settings.readonly = true;
        press(&mut model, &["F8"]);
        send(&mut model, schedules());
        for key in ["p", "r", "x"] {
            assert_eq!((line(&press(&mut model, &[key, key])), model.overlay.is_none()), (None, true), "{key}");
        }
        assert!(line(&press(&mut model, &["Enter"])).is_some(), "it may look");
    }

    #[test]
    fn an_older_c2d_is_told_of() {
        let mut model = busy(120, 36);
        press(&mut model, &["F8"]);
        let fault = Fault { message: "no such endpoint".to_owned(), hint: None };
        send(&mut model, Msg::Figures(Figures::Failed(Asked::Schedules, fault)));
        let has_failed = |model: &Model| matches!(model.pages.last(), Some(Page::List(list)) if list.of == Listed::Schedules && list.fault.is_some());
        assert!(has_failed(&model));
        send(&mut model, schedules());
        assert!(!has_failed(&model));
    }
}
