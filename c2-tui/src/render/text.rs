//! An outcome as text, and the verdict on a job in one line.

use c2_shared::api::jobs::{JobRow, Stream};
use c2_shared::client::Gap;
use c2_shared::job::JobState;
use jiff::tz::TimeZone;

use crate::command::batch::submitted;
use crate::command::{Data, Outcome};
use crate::render::look::Look;
use crate::render::{answers, batches, figures, files, jobs, notifications, sanitize, schedules, ssh, why, workers};

/// An outcome as lines of text, cut to `width` columns where a table would be wider. Foreign text
/// in it is harmless for a terminal.
pub(crate) fn text(outcome: &Outcome, width: u16, colour: bool) -> String {
    data(&Look { width, colour, zone: TimeZone::system }, &outcome.data)
}

pub(super) fn data(look: &Look, data: &Data) -> String {
    match data {
        Data::Workers(list) => workers::list(look, list),
        Data::Worker(info) => workers::info(look, info),
        Data::Jobs { list, active_only, filtered } => jobs::list(look, list, *active_only, *filtered),
        Data::Job(info) => jobs::info(look, info),
        Data::Submitted(job, _) => format!("Submitted job {job}\n"),
        Data::Ended { output, .. } => sanitize::block(&output.render()),
        Data::Waited(rows) | Data::Followed(rows) => rows.iter().map(|row| verdict(row) + "\n").collect(),
        Data::Cancelled { cancelled, refused } => answers::each(cancelled, refused, "cancelled", ended_early),
        Data::Output { output, .. } => sanitize::block(&output.render()),
        Data::Files(jobs) => files::fetched(look, jobs),
        Data::Cleaned(workers) => files::cleaned(workers),
        Data::Upgraded(workers) => workers::upgraded(workers),
        Data::Ran(ran) => ssh::ran(look, ran),
        Data::CopyPlanned(plan) => ssh::planned(look, plan),
        Data::Verified(verified) => ssh::verified(look, verified),
        Data::Added(machines) => ssh::added(look, machines),
        Data::Queue(queue) => jobs::queue(look, queue),
        Data::Batches(list) => batches::list(look, list),
        Data::Batch(row) => batches::show(look, row),
        Data::Schedules(list) => schedules::list(look, list),
        Data::Schedule(row) => schedules::show(look, row),
        Data::ScheduleForeseen { outlook, is_new } => schedules::foreseen(look, outlook, *is_new),
        Data::ScheduleGone(answer) => format!("removed schedule {}\n", sanitize::cell(&answer.gone)),
        Data::Notifications(list) => notifications::list(look, list),
        Data::Notification(row) => notifications::show(look, row),
        Data::NotificationGone(answer) => format!("removed notification {}\n", sanitize::cell(&answer.gone)),
        Data::NotificationTested(answer) => notifications::tested(answer),
        Data::Stats(stats) => figures::stats(look, stats),
        Data::Timeline(timeline) => figures::timeline(look, timeline),
        Data::Log { log, filtered } => jobs::log(look, log, *filtered),
        Data::Examined(checks) => answers::examined(look, checks),
        Data::Groups(list) => answers::groups(look, list),
        Data::WorkerChanged(row) => answers::worker(row),
        Data::Resources(row) => answers::resources(row),
        Data::ResourcesOfAll(rows) => rows.iter().map(answers::resources).collect(),
        Data::WorkersChanged(rows) => rows.iter().map(answers::worker).collect(),
        Data::WorkerToLose(info) => workers::to_lose(info),
        Data::WorkerRemoved(answer) => workers::removed(answer),
        Data::Tags(status) => answers::tag_status(look, std::slice::from_ref(status)),
        Data::TagsOfAll(all) => answers::tag_status(look, all),
        Data::Detected(answer) => answers::detected(look, answer),
        Data::Changed { changed, refused } => answers::each(changed, refused, "changed", answers::stands),
        Data::Retried { ended, again } => answers::retried(ended, again),
        Data::Paused(answer) if answer.paused => "queue paused; running jobs continue\n".to_owned(),
        Data::Paused(_) => "queue resumed\n".to_owned(),
        Data::Why(explanation) => why::why(look, explanation),
        Data::SubmittedAll(ids, _) => submitted(ids) + "\n",
        Data::Previewed(jobs) => answers::preview(look, jobs),
        Data::Text { text, .. } => text.clone(),
    }
}

/// What became of a job, in one line: `job-3 failed: exit 3`.
pub(crate) fn verdict(row: &JobRow) -> String {
    let text = match row.state {
        JobState::Succeeded => format!("{} succeeded", row.job_id),
        JobState::Cancelled => format!("{} was cancelled", row.job_id),
        JobState::Failed => format!("{} failed: {}", row.job_id, jobs::outcome(row)),
        JobState::Blocked | JobState::Held | JobState::Queued | JobState::Running => {
            format!("{} is still {}", row.job_id, row.state)
        }
    };
    sanitize::cell(&text)
}

/// When jobs begin that asked for a time, in the zone in which that was read.
pub(crate) fn begins(at_ms: u64, now_ms: u64) -> String {
    let look = Look { width: u16::MAX, colour: false, zone: TimeZone::system };
    let time = look.moment(at_ms);
    if at_ms > now_ms { format!("begins at {time}") } else { format!("begins at once, as {time} has passed") }
}

/// A gap in a stream, in one line.
pub(crate) fn gap(gap: &Gap) -> String {
    let stream = if gap.stream == Stream::Stdout { "stdout" } else { "stderr" };
    let why = if gap.reason.is_empty() { LIMIT } else { &gap.reason };
    format!("{} bytes of {stream} are missing after byte {}: {why}", gap.bytes, gap.at)
}

/// How much of an output is kept. c2d says how much to its agents, and not to us.
pub(crate) const LIMIT: &str =
    "of a stream longer than output_keep_bytes of c2d (64 MiB by default) only the beginning and the end are kept";

fn ended_early(job: &str, state: JobState) -> String {
    match state {
        JobState::Running => format!("stopping {job}\n"),
        state => format!("{job} {state}\n"),
    }
}
