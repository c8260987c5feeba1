//! What is told of a job on its page beside the facts of its row: the whole command, the jobs that it
//! waits for, its attempts and its files.

use c2_shared::api::jobs::{AttemptRow, JobInfo};
use c2_shared::job::{Dependency, DependsOn};
use c2_shared::time;

use crate::app::cache::Sight;
use crate::app::page::Loaded;
use crate::app::panes::tone;
use crate::app::table::Tone;
use crate::app::text;

/// A line, with a label where another matter begins.
pub(crate) type Detail = (&'static str, String, Tone);

/// All there is to tell, in lines of so many cells.
pub(crate) fn of(info: &Loaded, sight: &Sight<'_>, cells: usize) -> Vec<Detail> {
    match info {
        Loaded::Waiting => vec![("", "asking c2d".to_owned(), Tone::Dim)],
        Loaded::Failed(fault) => vec![("", text::sanitize(&fault.words()), Tone::Bad)],
        Loaded::Here(job) => of_job(job, sight, cells),
    }
}

fn of_job(job: &JobInfo, sight: &Sight<'_>, cells: usize) -> Vec<Detail> {
    let command = text::lines(&job.spec.command);
    let command = command.iter().flat_map(|line| text::folded(line, cells)).map(|line| (line.to_owned(), Tone::Plain));
    let mut details = labelled("command", command);
    let last = job.spec.depends.len().saturating_sub(1);
    let after = job.spec.depends.iter().enumerate();
    details.extend(labelled("after", after.map(|(at, dependency)| dependency_line(dependency, at == last, sight))));
    details.extend(labelled("attempts", job.attempts.iter().map(|attempt| attempt_line(attempt, sight))));
    let uploads: Vec<&str> = job.spec.upload.iter().map(|upload| upload.path.as_str()).collect();
    let files = [("gets", uploads.join(", ")), ("leaves", job.spec.download.join(", "))];
    let files = files.into_iter().filter(|(_, names)| !names.is_empty());
    let files = files.map(|(word, names)| (format!("{word} {}", text::sanitize(&names)), Tone::Plain));
    details.extend(labelled("files", files));
    details
}

/// The label in front of the first line.
fn labelled(label: &'static str, lines: impl Iterator<Item = (String, Tone)>) -> Vec<Detail> {
    lines.enumerate().map(|(at, (line, tone))| (if at == 0 { label } else { "" }, line, tone)).collect()
}

/// A job that this one waits for, as the end of a branch.
fn dependency_line(dependency: &Dependency, is_last: bool, sight: &Sight<'_>) -> (String, Tone) {
    let branch = sight.glyphs.tree[usize::from(is_last)];
    let named = text::sanitize(&dependency.to_string());
    let job = match &dependency.on {
        DependsOn::Job(id) => sight.cache.jobs.get(id),
        DependsOn::Name(_) => None,
    };
    match job {
        Some(job) => {
            let (state, name) = (job.row.state, job.row.name.as_deref().map(text::sanitize).unwrap_or_default());
            let words = format!("{branch} {} {named}  {name}  {state}", sight.glyphs.state(state));
            (words.replace("    ", "  "), tone(state))
        }
        None => (format!("{branch} {named}"), Tone::Dim),
    }
}

fn attempt_line(attempt: &AttemptRow, sight: &Sight<'_>) -> (String, Tone) {
    let (ended, tone) = match (attempt.ended_ms, &attempt.outcome) {
        (Some(_), Some(outcome)) => {
            let ran = attempt.ran_ms().map_or_else(|| "?".to_owned(), time::span);
            (format!("{outcome} after {ran}"), tone(outcome.state()))
        }
        _ => ("running".to_owned(), Tone::Busy),
    };
    let words = format!("{}  on {} {} {}", attempt.number, attempt.worker, sight.glyphs.dot, text::sanitize(&ended));
    (words, tone)
}
