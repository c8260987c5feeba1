//! What keys do with rows: act on the marked ones or the selected one, follow them, put them into the
//! line, or explain one.

use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::JobState;

use super::{output, overlay, run, schedules};
use crate::app::Effect;
use crate::app::cache::Cache;
use crate::app::keymap::Action;
use crate::app::layout;
use crate::app::live::Shown;
use crate::app::model::Model;
use crate::app::overlay::{Overlay, Question, Then};
use crate::app::proposal::Proposal;
use crate::app::row_verb::RowVerb;
use crate::app::table::{Grid, Opens};
use crate::app::toast::Kind;
use crate::command::job_name::JobName;
use crate::command::operands::OneJob;
use crate::command::{self, Command, Entered, Verb};

/// Rows of this number and more are asked about even where nothing ends.
const ASK_FROM: usize = 11;

pub(super) fn carry_out(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Row(verb) => act(model, verb, effects),
        Action::Why => why(model, effects),
        Action::Follow => follow(model, effects),
        Action::EditAgain | Action::Assign | Action::Tags => {
            if let Some((_, then)) = begun(model, action) {
                overlay::answer(model, then, effects);
            }
        }
        Action::Notify => notify(model),
        Action::Copy => copy(model, effects),
        _ => {}
    }
}

fn act(model: &mut Model, verb: RowVerb, effects: &mut Vec<Effect>) {
    if let Some((names, _)) = meant_or_asked(model, verb) {
        run::rows(model, verb, &names, effects);
    }
}

/// A letter that changes something: shows what it would do, or asks, or says why nothing.
pub(super) fn propose(model: &mut Model, action: Action, letter: char) {
    let proposed = match action {
        Action::Row(verb) => meant_or_asked(model, verb).map(|(names, titles)| {
            let words = match titles.as_slice() {
                [title] => format!("{} {}", verb.word(), title.replace("  ", " ")),
                _ if verb.is_of_jobs() => format!("{} {} jobs", verb.word(), names.len()),
                _ => format!("{} {} workers", verb.word(), names.len()),
            };
            (words, Then::Rows(verb, names))
        }),
        _ if is_refused(model) => None,
        Action::EditAgain | Action::Assign | Action::Tags => begun(model, action),
        _ => schedules::line_of(model, action).map(|line| (line.text.clone(), Then::Run(Box::new(line)))),
    };
    let Some((words, then)) = proposed else { return };
    if layout::screen(model).below.is_none() {
        model.toasts.say(Kind::Plain, format!("{words}? Enter does it"), model.now);
    }
    model.proposal = Some(Proposal { letter, words, then });
}

fn is_refused(model: &mut Model) -> bool {
    if model.settings.readonly {
        model.toasts.say(Kind::Bad, "this console is read-only", model.now);
    }
    model.settings.readonly
}

/// The rows that a verb is meant for, as the line names them and with their titles; nothing where there are
/// none, or where there is a question about them now.
fn meant_or_asked(model: &mut Model, verb: RowVerb) -> Option<(Vec<String>, Vec<String>)> {
    if is_refused(model) {
        return None;
    }
    let (names, titles): (Vec<_>, Vec<_>) = rows(model, verb).into_iter().unzip();
    if names.is_empty() {
        let text = format!("{} acts on {}", verb.word(), verb.acts_on());
        model.toasts.say(Kind::Plain, text, model.now);
        return None;
    }
    let hidden = model.grid(model.focus).map_or(0, Grid::hidden_marks);
    if verb.destroys() || names.len() >= ASK_FROM || hidden > 0 {
        let note = (hidden > 0).then(|| format!("{hidden} of the marked rows are hidden by the filter"));
        model.overlay = Some(Overlay::Question(Question::rows(verb, names, titles).with_note(note)));
        return None;
    }
    Some((names, titles))
}

/// The chosen rows that a verb can act on: how the line names each, and what it is.
fn rows(model: &Model, verb: RowVerb) -> Vec<(String, String)> {
    if verb.is_of_jobs() {
        let row = |id: JobId| match model.cache.jobs.get(&id) {
            Some(job) => (id, job.row.state, job.title.as_str()),
            // Of those that failed alike some are older than what the console keeps.
            None => (id, JobState::Failed, ""),
        };
        let fitting = model.chosen_jobs().into_iter().map(row).filter(|(_, state, _)| verb.fits_job(*state));
        return fitting.map(|(id, state, title)| (id.to_string(), format!("{id}  {state}  {title}"))).collect();
    }
    let workers = model.chosen_workers().into_iter().filter_map(|id| model.cache.workers.get(&id));
    let fitting = workers.filter(|worker| verb.fits_worker(worker.row.status));
    fitting.map(|w| (name_of(&model.cache, &w.row.worker_id), format!("{}  {}", w.row.ip, w.hostname))).collect()
}

/// How the line names a worker: by its address, unless another one was heard there too.
pub(super) fn name_of(cache: &Cache, id: &WorkerId) -> String {
    let Some(worker) = cache.workers.get(id) else { return id.to_string() };
    let there = cache.workers.values().filter(|other| other.row.ip == worker.row.ip).count();
    if there == 1 { worker.row.ip.to_string() } else { id.to_string() }
}

/// About the row, not the marks: an explanation is read one at a time.
fn why(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.selected_job() {
        Some(job) => {
            let command = Command::Why(OneJob { job: JobName::Id(job) });
            run::run(model, Entered { text: format!("why {job}"), command }, effects);
        }
        None => model.toasts.say(Kind::Plain, "no job is selected", model.now),
    }
}

/// One job in the viewer; several side by side.
fn follow(model: &mut Model, effects: &mut Vec<Effect>) {
    let jobs = model.chosen_jobs();
    match jobs.as_slice() {
        [] => model.toasts.say(Kind::Plain, "no job is selected", model.now),
        [job] => output::open(model, *job, Shown::default(), effects),
        jobs => {
            let names: Vec<String> = jobs.iter().map(ToString::to_string).collect();
            let text = format!("follow {}", names.join(" "));
            if let Ok(Verb::Command(command)) = command::parse(&text) {
                run::run(model, Entered { text, command }, effects);
            }
        }
    }
}

/// Tells it when the chosen jobs have ended, or no longer.
fn notify(model: &mut Model) {
    let jobs = model.chosen_jobs().into_iter().filter_map(|id| model.cache.jobs.get(&id));
    let active: Vec<JobId> = jobs.filter(|job| !job.row.state.is_terminal()).map(|job| job.row.job_id).collect();
    let (n, are_all) = (active.len(), active.iter().all(|job| model.watched.contains(job)));
    let text = match active.as_slice() {
        [] => "notify is for jobs that have not ended".to_owned(),
        [job] if are_all => format!("the end of {job} will not ring"),
        [job] => format!("the end of {job} will ring"),
        _ if are_all => format!("the ends of {n} jobs will not ring"),
        _ => format!("the end of each of {n} jobs will ring"),
    };
    for job in active {
        if are_all {
            model.watched.remove(&job);
        } else {
            model.watched.insert(job);
        }
    }
    model.toasts.say(Kind::Plain, text, model.now);
}

/// Fetches the job in full; then [`super::edit`] puts it into the line.
/// The line that a letter begins, in words and as what begins it: about the selected job, the marked workers, or the
/// selected one with the tags that it has.
fn begun(model: &mut Model, action: Action) -> Option<(String, Then)> {
    let verb = match action {
        Action::EditAgain => match model.selected_job() {
            Some(job) => return Some((format!("edit {job} and submit it again"), Then::Edit(job))),
            None => {
                model.toasts.say(Kind::Plain, "no job is selected", model.now);
                return None;
            }
        },
        Action::Assign => "assign",
        _ => "set-tags",
    };
    let workers = model.chosen_workers();
    let text = match workers.as_slice() {
        [] => {
            model.toasts.say(Kind::Plain, "no worker is selected", model.now);
            return None;
        }
        [id] => {
            let name = name_of(&model.cache, id);
            let tags = model.cache.workers.get(id).map(|w| w.row.tags.keys().cloned().collect::<Vec<_>>());
            let tags = tags.filter(|_| action == Action::Tags).unwrap_or_default().join(",");
            format!("{verb} {name} {tags}")
        }
        _ => format!("{verb} @marked "),
    };
    Some((format!("begin the line {:?}", text.trim_end()), Then::Begin(text)))
}

/// What names the row; in an empty pane, what it says is to be typed.
fn copy(model: &mut Model, effects: &mut Vec<Effect>) {
    let jobs = model.chosen_jobs();
    let text = match (model.opens(), model.focus) {
        (Some(Opens::Worker(_, ip)), _) => ip.to_string(),
        (None, crate::app::focus::Focus::Pane(pane)) if model.panes.grid(pane).in_scope() == 0 => {
            pane.view().nothing(&model.panes).1.first().map_or_else(String::new, |(text, _)| model.spelled(text))
        }
        _ => jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    };
    if !text.is_empty() {
        effects.push(Effect::Copy(text));
        model.toasts.say(Kind::Good, "copied", model.now);
    }
}
