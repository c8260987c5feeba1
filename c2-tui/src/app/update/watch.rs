//! Commands beside the line: beginning, showing, stopping, coming back to them.

use super::{pages, result};
use crate::app::Effect;
use crate::app::focus::Focus;
use crate::app::model::Model;
use crate::app::page::Page;
use crate::app::pager::Pager;
use crate::app::report::{Report, RunId};
use crate::app::toast::Kind;
use crate::app::watch::{State, Watch};
use crate::command::Entered;

/// Starts a line in a view of its own.
pub(super) fn begin(model: &mut Model, line: Entered, effects: &mut Vec<Effect>) {
    let run = model.runs.name();
    model.last_document.0 += 1;
    let document = model.last_document;
    model.documents.insert(document);
    effects.push(Effect::Watch { run, document, line: line.clone() });
    pages::push(model, Page::Watch(Box::new(Watch::new(run, document, line, model.now.mono))));
}

/// A run ended; false if it is none of those beside the line.
pub(super) fn on_finished(model: &mut Model, run: RunId, report: &Report) -> bool {
    let now = model.now;
    let is_seen = matches!(model.pages.last(), Some(Page::Watch(watch)) if watch.run == run);
    let Some(watch) = all(model).find(|watch| watch.run == run && watch.is_running()) else { return false };
    watch.state = State::Ended { status: report.status, after_ms: now.mono.since_ms(watch.since) };
    watch.live.end(format!("exit {}", report.status));
    watch.fold = report.fold.as_ref().map(|text| Pager::new(text.as_bytes()));
    watch.folded |= watch.fold.is_some() && watch.line.command.folds();
    let line = watch.line.text.clone();
    let words = format!("{line:?} ended: exit {}", report.status);
    model.runs.status = Some(report.status);
    model.runs.note(now.wall_ms, line, report.status);
    if !is_seen {
        let kind = if report.status == 0 { Kind::Good } else { Kind::Bad };
        model.toasts.say(kind, format!("{words}; `runs {}` shows it", run.0), now);
    }
    true
}

/// Ctrl-C on the view of a run: the first stops waiting and keeps what came, the second kills.
/// False where there is nothing to stop.
pub(super) fn interrupt(model: &mut Model, effects: &mut Vec<Effect>) -> bool {
    let now = model.now;
    let Some(Page::Watch(watch)) = model.pages.last_mut().filter(|_| model.focus == Focus::Page) else { return false };
    match watch.state {
        State::Runs => {
            watch.state = State::Stops;
            effects.push(Effect::Interrupt(watch.run));
        }
        State::Stops => {
            watch.state = State::Ended { status: 130, after_ms: now.mono.since_ms(watch.since) };
            watch.live.end("killed".to_owned());
            let (run, line) = (watch.run, watch.line.text.clone());
            effects.push(Effect::Abort(run));
            model.runs.status = Some(130);
            model.runs.note(now.wall_ms, line, 130);
        }
        State::Ended { .. } => return false,
    }
    true
}

/// Equal outputs together, or line by line again.
pub(super) fn fold(model: &mut Model) {
    let Some(Page::Watch(watch)) = model.pages.last_mut() else { return };
    if watch.tally.workers == 0 {
        return model.toasts.say(Kind::Plain, "only what several workers gave can be folded", model.now);
    }
    watch.folded = !watch.folded;
    if watch.folded && watch.fold.is_none() && watch.is_running() {
        model.toasts.say(Kind::Plain, "it is folded when the last worker is done", model.now);
    }
}

/// `runs`: back to the only one, or the list of all; `runs N`: back to that one.
pub(super) fn runs(model: &mut Model, which: Option<u64>) {
    let at = match which {
        None if model.watches.len() == 1 => Some(0),
        None => None,
        Some(number) => {
            let named = model.watches.iter().position(|w| w.run == RunId(number));
            if named.is_none() {
                return model.toasts.say(Kind::Bad, format!("no run is called {number}: `runs` lists them"), model.now);
            }
            named
        }
    };
    if let Some(at) = at {
        let watch = model.watches.remove(at);
        return pages::push(model, Page::Watch(Box::new(watch)));
    }
    if model.watches.is_empty() {
        return model.toasts.say(Kind::Plain, "nothing runs beside the line", model.now);
    }
    let now = model.now.mono;
    let line = |watch: &Watch| format!("{:>4}  {:<24}  {}", watch.run.0, watch.words(now), watch.line.text);
    let lines: Vec<String> = model.watches.iter().map(line).collect();
    result::show(model, "runs".to_owned(), &lines, 0);
}

/// The runs beside the line, whether their view is open or not.
pub(super) fn all(model: &mut Model) -> impl Iterator<Item = &mut Watch> {
    let open = model.pages.iter_mut().filter_map(|page| if let Page::Watch(w) = page { Some(&mut **w) } else { None });
    open.chain(&mut model.watches)
}

#[cfg(test)]
mod tests {
    use super::pages::ENDED_MAX;
    use super::*;
    use crate::app::msg::{Msg, News};
    use crate::app::report::DocumentId;
    use crate::app::watch::Tally;
    use crate::tests::demo::{busy, press, send};

    fn begun(model: &mut Model, line: &str) -> RunId {
        if model.focus != Focus::Line {
            press(model, &[":"]);
        }
        let effects = press(model, &[line, "Enter"]);
        match effects.iter().find(|effect| matches!(effect, Effect::Watch { .. })) {
            Some(Effect::Watch { run, line: began, .. }) if began.text == line => *run,
            _ => panic!("{effects:?}"),
        }
    }

    fn end(model: &mut Model, run: RunId, status: i32) -> Vec<Effect> {
        let report = Report { status, fold: Some("--- 2 workers: a,b".to_owned()), ..Report::default() };
        send(model, Msg::Finished { run, report })
    }

    fn shown(model: &Model) -> Option<&Watch> {
        if let Some(Page::Watch(watch)) = model.pages.last() { Some(watch) } else { None }
    }

    #[test]
    fn ctrl_c_first_keeps_what_came_and_then_kills_and_never_quits_at_once() {
        let mut model = busy(120, 40);
        let run = begun(&mut model, "pdsh 10.0.0.11 uptime");
        assert_eq!(press(&mut model, &["Ctrl-C"]), [Effect::Interrupt(run)]);
        assert_eq!(press(&mut model, &["Ctrl-C"]), [Effect::Abort(run)]);
        assert!(matches!(shown(&model), Some(Watch { state: State::Ended { status: 130, .. }, .. })));
        assert_eq!(press(&mut model, &["Ctrl-C"]), [], "nothing runs here any more");
    }

    #[test]
    fn what_has_ended_follows_nothing() {
        let mut model = busy(120, 40);
        let run = begun(&mut model, "pdsh 10.0.0.11 uptime");
        let tally = Tally { workers: 1, ..Tally::default() };
        send(&mut model, Msg::Output { document: DocumentId(1), news: News::Tally(tally) });
        let words = |model: &Model| shown(model).map(|watch| watch.text().state().join(" ")).unwrap_or_default();
        assert_eq!(words(&model), "following");
        end(&mut model, run, 0);
        assert_eq!(words(&model), "ended, exit 0");
        press(&mut model, &["c"]);
        assert_eq!(words(&model), "", "nor do its outputs together");
        press(&mut model, &["c", "g", "G"]);
        assert!(!words(&model).contains("follow"), "{}", words(&model));
    }

    #[test]
    fn a_run_goes_on_without_its_view_and_says_when_it_ends() {
        let mut model = busy(120, 40);
        let first = begun(&mut model, "follow 7");
        press(&mut model, &["q"]);
        let second = begun(&mut model, "pdsh 10.0.0.11 uptime");
        assert_ne!(first, second);
        let tally = Tally { workers: 3, done: 1, ..Tally::default() };
        send(&mut model, Msg::Output { document: DocumentId(2), news: News::Tally(tally) });
        press(&mut model, &["Alt-2"]);
        assert_eq!((model.pages.len(), model.watches.len()), (0, 2));
        assert_eq!(end(&mut model, second, 1), []);
        let said: Vec<&str> = model.toasts.all().map(|toast| toast.text.as_str()).collect();
        assert!(said.iter().any(|text| text.contains("ended: exit 1")), "{said:?}");
        press(&mut model, &[":runs", "Enter"]);
        assert!(model.result.is_some(), "both are listed");
        press(&mut model, &[&format!(":runs {}", second.0), "Enter"]);
        assert_eq!(shown(&model).map(|watch| (watch.run, watch.tally)), Some((second, tally)));
        press(&mut model, &["c"]);
        assert_eq!(shown(&model).map(|watch| watch.text().lines()), Some(vec!["--- 2 workers: a,b".to_owned()]));
    }

    #[test]
    fn folding_early_is_remembered_and_only_so_many_ended_runs_are_kept() {
        let mut model = busy(120, 40);
        let run = begun(&mut model, "pdsh 10.0.0.11 uptime");
        send(
            &mut model,
            Msg::Output { document: DocumentId(1), news: News::Tally(Tally { workers: 2, ..Tally::default() }) },
        );
        press(&mut model, &["c"]);
        end(&mut model, run, 0);
        assert!(shown(&model).is_some_and(|watch| watch.folded && watch.fold.is_some()));
        let alive = begun(&mut model, "follow 1");
        for _ in 0..2 * ENDED_MAX {
            let run = begun(&mut model, "pdsh 10.0.0.11 uptime");
            end(&mut model, run, 0);
        }
        let effects = press(&mut model, &["Alt-2"]);
        assert_eq!(model.watches.len(), ENDED_MAX + 1);
        assert!(model.watches.iter().any(|watch| watch.run == alive), "what runs is never forgotten");
        assert!(effects.iter().any(|effect| matches!(effect, Effect::CloseOutput(_))), "{effects:?}");
    }
}
