//! What stands between a line and its run: a console that may only look, and a question before
//! something is destroyed.

use c2_shared::id::JobId;
use c2_shared::target::{Candidate, Target};

use super::run;
use crate::app::Effect;
use crate::app::model::Model;
use crate::app::overlay::{Overlay, Question};
use crate::app::toast::Kind;
use crate::command::job_name::{JobName, JobNames};
use crate::command::{self, Command, Entered, Impact, Operand, Targets, Verb, scan};
use c2_shared::selection::Common;

/// Stands behind a machine that ssh may reach and c2d does not know.
const STRANGER: &str = "  is no worker";

/// Runs a line of the command layer, or asks first.
pub(super) fn run(model: &mut Model, line: Entered, asked: bool, effects: &mut Vec<Effect>) {
    let line = if line.command.impact() == Impact::ReadOnly { line } else { with_last_job(model, line) };
    let impact = line.command.impact();
    if model.settings.readonly && impact != Impact::ReadOnly {
        return model.toasts.say(Kind::Bad, "this console is read-only", model.now);
    }
    if impact == Impact::Destructive && !asked && !line.command.is_confirmed() {
        let targets = targets(model, line.command.targets());
        // What is done over ssh on one worker is what its terminal would be used for.
        let stranger = targets.iter().any(|target| target.ends_with(STRANGER));
        if !matches!(line.command, Command::Pdsh(_) | Command::Copy(_)) || targets.len() > 1 || stranger {
            model.overlay = Some(Overlay::Question(Question::line(line, targets)));
            return;
        }
    }
    run::run(model, line, effects);
}

/// The same line with the id of the job that `last` means on this screen: what is asked about, or reported, is then
/// what is done, whatever is submitted meanwhile.
fn with_last_job(model: &Model, line: Entered) -> Entered {
    let operand = command::find(&line.verb()).and_then(|command| command.argument(0).map(|first| first.operand));
    let (Some(Operand::Job), Some(last)) = (operand, model.cache.jobs.keys().next_back()) else { return line };
    let mut text = line.text.clone();
    for word in scan(&line.text).0.iter().skip(1).rev().filter(|word| word.text == "last") {
        text.replace_range(word.span.clone(), &last.to_string());
    }
    match command::parse(&text) {
        Ok(Verb::Command(command)) => Entered { text, command },
        Ok(Verb::Console(_)) | Err(_) => line,
    }
}

/// What is meant, as far as this console knows it.
fn targets(model: &Model, targets: Targets<'_>) -> Vec<String> {
    match targets {
        Targets::None => Vec::new(),
        Targets::Jobs(names) => names.iter().flat_map(|names| jobs(model, names)).collect(),
        Targets::Workers(target) => workers(model, target),
    }
}

fn jobs(model: &Model, names: &JobNames) -> Vec<String> {
    let alive = || model.cache.jobs.values().filter(|job| !job.row.state.is_terminal());
    let newest = match names {
        JobNames::One(JobName::Named(name)) => {
            alive().filter(|job| job.row.name.as_ref() == Some(name)).map(|job| job.row.job_id).max()
        }
        _ => None,
    };
    let alive = alive();
    let meant = alive.filter(|job| match names {
        JobNames::One(JobName::Id(id)) => job.row.job_id == *id,
        JobNames::One(JobName::Named(_)) => newest == Some(job.row.job_id),
        JobNames::One(JobName::Last) => false,
        JobNames::Range(first, last) => within(job.row.job_id, *first, *last),
        JobNames::All(selection) => {
            let fits = match &selection.common {
                Common::State(state) => state.means(&job.row),
                Common::Batch(batch) => job.row.batch.as_ref() == Some(batch),
                Common::Group(group) => job.row.group.as_ref() == Some(group),
            };
            fits && within(job.row.job_id, selection.first, selection.last)
        }
    });
    meant.map(|job| format!("{}  {}  {}", job.row.job_id, job.row.state, job.title)).collect()
}

fn within(id: JobId, first: JobId, last: JobId) -> bool {
    (first..=last).contains(&id)
}

fn workers(model: &Model, word: &str) -> Vec<String> {
    let known: Vec<Candidate<'_>> = model.cache.workers.values().map(|worker| Candidate::of(&worker.row)).collect();
    let found = Target::parse(word).and_then(|target| target.machines(word, &known)).unwrap_or_default();
    let workers = found.workers.iter().map(|worker| format!("{}  {}", worker.ip, worker.hostname));
    workers.chain(found.strangers.iter().map(|stranger| format!("{stranger}{STRANGER}"))).collect()
}
