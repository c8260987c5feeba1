//! Waits for the end of a job, over any number of polls and restarts of c2d.
//!
//! A job outlives the connection that asks for it and c2d itself, so a waiting command gives up
//! only when c2d stays away for longer than a restart takes. While nothing runs, it says why.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use c2_shared::api::error::ErrorCode;
use c2_shared::api::jobs::{JobInfo, JobRow};
use c2_shared::backoff::Backoff;
use c2_shared::client::{Accepted, ClientError};
use c2_shared::id::JobId;
use c2_shared::job::{JobState, Outcome};

use crate::command::{CommandError, Context, Kind};
use crate::render;

/// Seconds for which one poll is held by c2d; short enough that a dead connection is noticed.
pub(crate) const POLL_S: u64 = 20;
/// How long a job may take to start before its reason is asked for, so that it is said within a second.
const PATIENCE: Duration = Duration::from_millis(800);
/// How often the reason of a job that waits is asked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Failures in a row after which c2d is given up: 1 + 2 + 4 + 8 + 10 + 10 s of waiting between them.
pub(crate) const FAILURES_MAX: usize = 6;

/// The exit status of a wait whose time was over before the jobs, as of `timeout(1)`.
const TIME_OVER: i32 = 124;

/// The exit status of a command that waited for jobs: that of the first, in the order named, that
/// did not succeed.
pub(crate) fn exit_status(rows: &[JobRow]) -> i32 {
    let statuses = rows.iter().map(|row| row.outcome.as_ref().map_or(TIME_OVER, Outcome::exit_status));
    statuses.into_iter().find(|status| *status != 0).unwrap_or(0)
}

/// That a command was interrupted which watched jobs; they go on.
pub(crate) fn stopped(doing: &str, again: &str, jobs: &[JobId]) -> CommandError {
    let (names, said) = (ranges(jobs), format!("stopped {doing}"));
    let (said, them) = match jobs.len() {
        1 => (format!("{said}; {names} continues"), "it"),
        many => (format!("{said}; {many} jobs continue: {names}"), "them"),
    };
    let again = again.replace("{}", &names);
    CommandError::new(Kind::Interrupted, said).hint(format!("{again}, `cancel {names}` ends {them}"))
}

/// Jobs as a line names them: in the order of their ids, those with ids in a row as a range.
fn ranges(jobs: &[JobId]) -> String {
    let mut runs: Vec<(JobId, JobId)> = Vec::new();
    for job in jobs.iter().collect::<BTreeSet<_>>() {
        match runs.last_mut() {
            Some((_, last)) if last.0 + 1 == job.0 => *last = *job,
            _ => runs.push((*job, *job)),
        }
    }
    let written = |(first, last): &(JobId, JobId)| match first == last {
        true => first.to_string(),
        false => format!("{}-{}", first.0, last.0),
    };
    runs.iter().map(written).collect::<Vec<_>>().join(",")
}

/// A command that waits for jobs, one after the other.
pub(crate) struct Waiting<'a> {
    context: &'a Context,
    /// All of them; when one is waited for, those before it have ended.
    jobs: &'a [JobId],
    /// The reason that was said last.
    said: Option<String>,
}

impl<'a> Waiting<'a> {
    pub(crate) const fn new(context: &'a Context, jobs: &'a [JobId]) -> Self {
        Self { context, jobs, said: None }
    }

    /// Waits until the job has ended.
    ///
    /// With `known` false, c2d has not answered yet, so its absence is said at once; otherwise it
    /// is taken for a restart first. An interrupt leaves the job alone.
    pub(crate) async fn end_of(&mut self, job: JobId, known: bool) -> Result<JobInfo, CommandError> {
        self.end_by(job, end(self.context, job, known)).await
    }

    /// The same of a job whose submit waits.
    pub(crate) async fn end_of_accepted(&mut self, accepted: Accepted) -> Result<JobInfo, CommandError> {
        let (context, job) = (self.context, accepted.job);
        let waits = async {
            match accepted.end().await {
                Ok(answer) if answer.done => Ok(answer.job),
                // Its time is over, or the connection broke.
                _ => end(context, job, true).await,
            }
        };
        self.end_by(job, waits).await
    }

    /// Waits for a job by this request, and says which files it did not leave.
    async fn end_by(
        &mut self,
        job: JobId,
        wait: impl Future<Output = Result<JobInfo, CommandError>>,
    ) -> Result<JobInfo, CommandError> {
        let ended = self.saying_why(job, wait).await?;
        say_missing(self.context, &ended).await?;
        Ok(ended)
    }

    /// Waits for something, and says meanwhile why this job does not run.
    pub(crate) async fn saying_why<T>(
        &mut self,
        job: JobId,
        wait: impl Future<Output = Result<T, CommandError>>,
    ) -> Result<T, CommandError> {
        let context = self.context;
        tokio::select! {
            waited = wait => waited,
            never = self.say_why(job) => match never {},
            () = context.interrupted() => {
                let left = self.jobs.iter().position(|other| *other == job).map_or(&[][..], |at| &self.jobs[at..]);
                Err(stopped("waiting", "`wait {}` waits on", left))
            }
        }
    }

    /// Says why the job does not run, once for each reason.
    pub(crate) async fn say_why(&mut self, job: JobId) -> Infallible {
        let mut pause = PATIENCE;
        loop {
            tokio::time::sleep(pause).await;
            pause = LOOK_AGAIN;
            // Whether c2d is there at all is for the poll to say.
            let Ok(why) = self.context.client.why(job).await else { continue };
            if why.job.state == JobState::Running && why.silence.is_none() {
                // Its worker may fall silent.
                (self.said, pause) = (None, Duration::from_secs(POLL_S));
            } else if let Some(reason) = render::waiting(&why).filter(|reason| self.said.as_ref() != Some(reason)) {
                let which = if self.jobs.len() > 1 { format!(" for {job}") } else { String::new() };
                self.context.progress(&format!("waiting{which}: {reason}"));
                self.said = Some(reason);
            }
        }
    }
}

/// Says which files a job was to leave and did not.
async fn say_missing(context: &Context, ended: &JobInfo) -> Result<(), CommandError> {
    let JobInfo { row, spec, .. } = ended;
    if spec.download.is_empty() || row.started_ms.is_none() || row.state == JobState::Cancelled {
        return Ok(());
    }
    for problem in context.client.job_files(row.job_id, false).await?.problems {
        context.progress(&format!("{}: {problem}", row.job_id));
    }
    Ok(())
}

/// Asks for a job until it has ended.
pub(crate) async fn end(context: &Context, job: JobId, mut known: bool) -> Result<JobInfo, CommandError> {
    let mut backoff = Backoff::default();
    loop {
        // The first question is answered at once, so that c2d is known before anything takes long.
        match context.client.job(job, if known { POLL_S } else { 0 }).await {
            Ok(answer) if answer.done => return Ok(answer.job),
            Ok(_) => {
                known = true;
                backoff.reset();
            }
            Err(error) if known && may_pass(&error) && backoff.failures() < FAILURES_MAX => {
                let wait = backoff.next(0.0);
                context.progress(&format!("{error}; trying again in {} s", wait.as_secs()));
                tokio::time::sleep(wait).await;
            }
            Err(error) => return Err(CommandError::from(error)),
        }
    }
}

/// Whether a failure is one that a restart of c2d shows.
pub(crate) fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } | ClientError::Timeout { .. } => true,
        ClientError::Refused { body, .. } => {
            matches!(body.code, ErrorCode::Busy | ErrorCode::StoreFailed | ErrorCode::Standby)
        }
        ClientError::Untrusted { .. }
        | ClientError::Stranger { .. }
        | ClientError::Nameless { .. }
        | ClientError::Protocol { .. } => false,
    }
}

/// A limit in seconds as a duration, or as good as for ever.
pub(crate) fn limit(seconds: Option<u64>) -> Duration {
    Duration::from_secs(seconds.unwrap_or(u64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_named_as_a_line_takes_them() {
        let table: [(&[u64], &str, &str); 4] = [
            (&[7], "stopped waiting; job-7 continues", "`wait job-7` waits on, `cancel job-7` ends it"),
            (&[7, 8, 9], "stopped waiting; 3 jobs continue: 7-9", "`wait 7-9` waits on, `cancel 7-9` ends them"),
            (
                &[9, 3, 4],
                "stopped waiting; 3 jobs continue: 3-4,job-9",
                "`wait 3-4,job-9` waits on, `cancel 3-4,job-9` ends them",
            ),
            (
                &[4, 6],
                "stopped waiting; 2 jobs continue: job-4,job-6",
                "`wait job-4,job-6` waits on, `cancel job-4,job-6` ends them",
            ),
        ];
        for (jobs, said, hint) in table {
            let jobs: Vec<JobId> = jobs.iter().copied().map(JobId).collect();
            let error = stopped("waiting", "`wait {}` waits on", &jobs);
            assert_eq!((error.message.as_str(), error.hint.as_deref()), (said, Some(hint)), "{jobs:?}");
        }
    }
}
