//! What becomes of the jobs of a file before they are sent: what this machine finds wrong, and what c2d says to them.

use std::collections::BTreeMap;

use c2_shared::api::batches::JobNote;

use crate::command::batch::{ALL, Mistake, Placed, TOLD_MAX, of_c2d, refused, with_hint};
use crate::command::draft::{self, Draft, Names, Planned};
use crate::command::{CommandError, Context, Kind};

/// What this machine makes of the jobs of a file.
#[derive(Default)]
pub(super) struct Plan {
    /// Where each job stands.
    pub(super) places: Vec<String>,
    /// In the place of a job that is wrong stands one of its name.
    pub(super) planned: Vec<Planned>,
    /// What is wrong, by the number of its job.
    pub(super) mistakes: BTreeMap<usize, Mistake>,
}

impl Plan {
    /// The key that makes the request harmless to repeat: a job that is alone may bring it.
    pub(super) fn key(&mut self, whole: Option<String>) -> Option<String> {
        let alone = self.planned.len() == 1 && whole.is_none();
        for (number, job) in self.planned.iter_mut().enumerate() {
            let Some(own) = job.spec.idempotency_key.take() else { continue };
            if alone {
                return Some(own);
            }
            let hint = "give one for the whole batch: --idempotency-key=KEY".to_owned();
            let words = with_hint("a job of a batch has no idempotency key of its own".to_owned(), Some(hint));
            self.mistakes.entry(number).or_insert(Mistake { place: self.places[number].clone(), words });
        }
        whole
    }
}

/// Looks up and checks everything that this machine can.
pub(super) async fn plan(context: &Context, read: Vec<Placed<Result<Draft, String>>>) -> Result<Plan, CommandError> {
    let drafts: Vec<Draft> = read.iter().filter_map(|(_, draft)| draft.as_ref().ok().cloned()).collect();
    let mut names = Names::of(&drafts);
    let mut all = Plan::default();
    for (number, (place, draft)) in read.into_iter().enumerate() {
        let name = draft.as_ref().ok().and_then(|draft| draft.flags.name.clone());
        let plan = match draft {
            Ok(draft) => draft.plan(context, &mut names).await,
            Err(words) => Err(CommandError::new(Kind::Refused, words)),
        };
        match plan {
            Ok(job) => all.planned.push(job),
            Err(error) if matches!(error.kind, Kind::Refused | Kind::Usage) => {
                let words = with_hint(error.message, error.hint);
                all.mistakes.insert(number, Mistake { place: place.clone(), words });
                all.planned.push(Planned::nothing(name));
            }
            Err(error) => return Err(error),
        }
        all.places.push(place);
    }
    Ok(all)
}

/// Asks c2d what it says to the jobs: what it refuses is an error, with what was found wrong here; what
/// else it knows is told.
pub(super) async fn foretell(context: &Context, plan: &mut Plan, file: &str) -> Result<(), CommandError> {
    let Plan { places, planned, mistakes } = plan;
    let answer = draft::check(context, planned.iter().map(|job| job.spec.clone()).collect()).await?;
    let place = |job: Option<usize>| {
        let known = job.and_then(|job| places.get(job)).cloned();
        known.unwrap_or_else(|| ALL.to_owned())
    };
    let found_here = !mistakes.is_empty();
    let common = answer.problems.first().map(|problem| of_c2d(&problem.error)).filter(|_| !found_here);
    let mut of_all = Vec::new();
    for problem in answer.problems {
        let words = with_hint(problem.error.message, problem.error.hint);
        let mistake = Mistake { place: place(problem.job), words };
        match problem.job {
            Some(job) => drop(mistakes.entry(job).or_insert(mistake)),
            None => of_all.push(mistake),
        }
    }
    of_all.extend(std::mem::take(mistakes).into_values());
    let mistakes = of_all;
    if let [first, others @ ..] = mistakes.as_slice() {
        // What is wrong with every job is wrong with a flag that all of them have.
        let same = !others.is_empty() && others.iter().all(|other| other.words == first.words);
        let all = same && mistakes.len() == planned.len();
        return Err(common.filter(|_| all).unwrap_or_else(|| refused(file, &mistakes)));
    }
    tell(context, places, &answer.notes);
    Ok(())
}

/// Tells what keeps jobs from running.
pub(super) fn tell(context: &Context, places: &[String], notes: &[JobNote]) {
    for note in notes.iter().take(TOLD_MAX) {
        let more = if note.jobs > 1 { format!(" and {} more", note.jobs - 1) } else { String::new() };
        let place = places.get(note.job).map_or(ALL, String::as_str);
        context.progress(&format!("{place}{more}: {}", note.message));
    }
    let more = notes.len().saturating_sub(TOLD_MAX);
    if more > 0 {
        context.progress(&format!("and {more} more notes like these"));
    }
}

/// Says when jobs begin, each time once.
pub(super) fn say_beginnings(context: &Context, planned: &[Planned]) {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    planned.iter().filter_map(Planned::beginning).for_each(|words| *times.entry(words).or_default() += 1);
    for (words, jobs) in times.into_iter().take(TOLD_MAX) {
        context.progress(&format!("{}: {words}", if jobs == 1 { "1 job".to_owned() } else { format!("{jobs} jobs") }));
    }
}
