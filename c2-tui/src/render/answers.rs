//! Short answers to commands that change something, and what is not sent yet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use c2_shared::api::jobs::JobStateResponse;
use c2_shared::api::many::RefusedJob;
use c2_shared::api::workers::{DetectResponse, TagStatus, WorkerRow};
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState};

use crate::render::look::{Look, Style};
use crate::render::table::{Cell, GAP, Table, flexible, numbers, words, wrapped};
use crate::render::workers::{joined, tags};
use crate::render::{jobs, resources, sanitize};
use c2_shared::checkup::{Check, State};
use unicode_width::UnicodeWidthStr as _;

/// Jobs that are listed one by one; more would not be read.
const LISTED_MAX: usize = 100;
/// A sentence has so much room, however narrow the screen is.
const SENTENCE_MIN: usize = 24;

pub(crate) fn groups(look: &Look, groups: &BTreeMap<String, BTreeSet<IpAddr>>) -> String {
    if groups.is_empty() {
        return "no worker is in a group\n`assign WORKER GROUP` puts one into a group\n".to_owned();
    }
    let mut table = Table::new([words("GROUP"), numbers("WORKERS"), flexible("WHICH")]);
    for (group, workers) in groups {
        let which = joined(workers.iter().map(ToString::to_string));
        table.row([Cell::from(group), Cell::from(workers.len().to_string()), Cell::from(which)]);
    }
    table.render(look)
}

pub(crate) fn examined(look: &Look, checks: &[Check]) -> String {
    let state = |check: &Check| {
        let style = match check.state {
            State::Ok => Style::Good,
            State::Warn => Style::Waiting,
            State::Fail => Style::Bad,
        };
        Cell::styled(check.state.to_string(), style)
    };
    let mut table = Table::new([words("STATE"), words("WHAT"), flexible("HOW IT IS"), flexible("WHAT TO DO")]);
    for check in checks {
        table.row([state(check), Cell::from(&check.what), Cell::from(&check.words), Cell::from(&check.advice)]);
    }
    if table.fits(look) {
        return table.render(look);
    }
    // Both are sentences, of which no part may be missing.
    let before = checks.iter().map(|check| check.what.width()).max().unwrap_or(0) + "STATE  ".len() + GAP.len();
    let room = usize::from(look.width).saturating_sub(before).max(SENTENCE_MIN);
    let mut narrow = Table::new([words("STATE"), words("WHAT"), words("HOW IT IS, AND WHAT TO DO")]);
    for check in checks {
        let lines = [&check.words, &check.advice].into_iter().filter(|text| !text.is_empty());
        for (number, line) in lines.flat_map(|text| wrapped(text, room)).enumerate() {
            let first = number == 0;
            let of_first = if first { [state(check), Cell::from(&check.what)] } else { Default::default() };
            let [state, what] = of_first;
            narrow.row([state, what, Cell::from(line)]);
        }
    }
    narrow.render(look)
}

/// What a worker has by now.
pub(crate) fn resources(row: &WorkerRow) -> String {
    let all = joined([format!("slots {}/{}", row.slots_used, row.slots), resources::all(row)]);
    sanitize::cell(&format!("{} has {all}", row.ip)) + "\n"
}

pub(crate) fn worker(row: &WorkerRow) -> String {
    let list = |items: String| if items.is_empty() { "none".to_owned() } else { items };
    let text =
        format!("{} is {}, groups: {}, tags: {}", row.ip, row.status, list(joined(&row.groups)), list(tags(row)));
    sanitize::cell(&text) + "\n"
}

pub(crate) fn tag_status(look: &Look, all: &[TagStatus]) -> String {
    let mut table = Table::new([words("WORKER"), words("TAG"), words("HELD BY")]);
    let mut without = String::new();
    for status in all {
        // Of a single worker nobody need be told which.
        let ip = if all.len() > 1 { status.ip.to_string() } else { String::new() };
        for (tag, holder) in &status.tags {
            let holder = holder.map_or_else(|| "-".to_owned(), |attempt| attempt.job.to_string());
            table.row([Cell::from(&ip), Cell::from(tag), Cell::from(holder)]);
        }
        if status.tags.is_empty() {
            without.push_str(&format!(
                "{} offers no tag\n`detect-tags {0}` suggests some, `set-tags {0} TAG,TAG` sets them\n",
                status.ip
            ));
        }
    }
    if table.is_empty() { without } else { table.render(look) + &without }
}

pub(crate) fn detected(look: &Look, answer: &DetectResponse) -> String {
    if answer.suggestions.is_empty() {
        return format!("nothing in {} suggests a tag\n", answer.ip);
    }
    let mut table = Table::new([words("TAG"), words("OFFERED"), flexible("WHY")]);
    for suggestion in &answer.suggestions {
        let offered = if suggestion.offered || answer.applied { "yes" } else { "no" };
        table.row([Cell::from(&suggestion.tag), Cell::from(offered), Cell::from(&suggestion.reason)]);
    }
    let mut text = table.render(look);
    if !answer.applied && answer.suggestions.iter().any(|suggestion| !suggestion.offered) {
        text.push_str(&format!("`detect-tags {} --apply` adds them\n", answer.ip));
    }
    text
}

/// Lines for that many jobs at most; of more, those that stand alike are counted.
const EACH_MAX: usize = 20;

/// What became of each of some jobs.
pub(crate) fn each(
    done: &[JobStateResponse],
    refused: &[RefusedJob],
    participle: &str,
    line: fn(&str, JobState) -> String,
) -> String {
    let counted = |jobs: usize| if jobs == 1 { "1 job".to_owned() } else { format!("{jobs} jobs") };
    let mut text = String::new();
    if done.len() <= EACH_MAX {
        text.extend(done.iter().map(|job| line(&job.job_id.to_string(), job.state)));
    } else {
        let states = JobState::ALL.map(|state| (state, done.iter().filter(|job| job.state == state).count()));
        text.extend(states.into_iter().filter(|(_, jobs)| *jobs > 0).map(|(state, jobs)| line(&counted(jobs), state)));
    }
    let not =
        refused.iter().take(EACH_MAX).map(|job| format!("not {participle}: {}\n", sanitize::cell(&job.error.message)));
    text.extend(not);
    if refused.len() > EACH_MAX {
        text.push_str(&format!("not {participle}: {} more\n", refused.len() - EACH_MAX));
    }
    text
}

pub(crate) fn stands(job: &str, state: JobState) -> String {
    let verb = if job.ends_with(" jobs") { "are" } else { "is" };
    format!("{job} {verb} {state}\n")
}

/// Ended jobs with those that were submitted in their place.
pub(crate) fn retried(ended: &[JobId], again: &[JobId]) -> String {
    if let ([_, .., _], [first, .., last]) = (ended, again)
        && again.len() > LISTED_MAX
    {
        return format!("{} jobs run again, as {first} to {last}\n", again.len());
    }
    ended.iter().zip(again).map(|(ended, again)| format!("{ended} runs again as {again}\n")).collect()
}

pub(crate) fn preview(look: &Look, jobs: &[JobSpec]) -> String {
    let mut table = Table::new([
        numbers("#"),
        flexible("NAME"),
        words("GROUP"),
        flexible("TAGS"),
        flexible("DEPENDS"),
        numbers("PRIORITY"),
        words("BEGINS"),
        flexible("WITH"),
        flexible("COMMAND"),
    ]);
    for (i, job) in jobs.iter().enumerate() {
        let own = ["command", "group", "tags", "depends", "priority", "begin at"];
        let others = jobs::asked(look, job).into_iter().filter(|(name, text)| !own.contains(name) && !text.is_empty());
        table.row([
            Cell::from((i + 1).to_string()),
            Cell::from(job.name.as_deref().unwrap_or_default()),
            Cell::from(job.group.as_deref().unwrap_or_default()),
            Cell::from(joined(&job.tags)),
            Cell::from(joined(job.depends.iter().map(ToString::to_string))),
            Cell::from(if job.priority == 0 { String::new() } else { job.priority.to_string() }),
            Cell::from(job.begin_at.map(|ms| look.moment(ms)).unwrap_or_default()),
            Cell::from(joined(others.map(|(name, text)| format!("{name} {text}")))),
            Cell::from(&job.command),
        ]);
    }
    let count = if jobs.len() == 1 { "1 job".to_owned() } else { format!("{} jobs", jobs.len()) };
    format!("{}{count} would be submitted\n", table.render(look))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn no_word_of_a_check_is_missing_on_a_narrow_screen() {
        let check = Check {
            state: State::Warn,
            what: "10.0.0.12".to_owned(),
            words: "it was not heard for 16m31s, and 3 jobs wait for it".to_owned(),
            advice: "check that it is on and c2-agent runs there".to_owned(),
        };
        let look = |width| Look { width, colour: false, zone: || TimeZone::UTC };
        assert_eq!(examined(&look(200), std::slice::from_ref(&check)).lines().count(), 2);
        let narrow = examined(&look(60), &[check]);
        assert!(narrow.lines().all(|line| line.len() <= 60), "{narrow}");
        let words: Vec<&str> = narrow.split_whitespace().collect();
        assert!(words.join(" ").ends_with("3 jobs wait for it check that it is on and c2-agent runs there"));
    }
}
