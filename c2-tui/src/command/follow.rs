//! `follow`, and `output --follow`: what jobs write, as they write it.
//!
//! A stream that breaks is opened again where it broke, as often as a waiting command tries.

use std::borrow::Cow;

use c2_shared::api::jobs::{JobRow, Stream};
use c2_shared::api::live::{FollowEvent, FollowQuery, Written};
use c2_shared::api::output::{OutputQuery, Streams};
use c2_shared::backoff::Backoff;
use c2_shared::client::Gap;
use c2_shared::id::JobId;
use clap::Args;
use futures_util::future::try_join_all;

use crate::command::context::{Told, Wrote};
use crate::command::job_name::JobNames;
use crate::command::{CommandError, Context, Data, Kind, Outcome, await_job, resolve};
use crate::render;

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Follow {
    /// Ids, names, `last`, ranges like `3-9`, `@STATE`, or `@GROUP`
    #[arg(value_name = "JOB", required = true, value_delimiter = ',')]
    pub(crate) jobs: Vec<JobNames>,
}

impl Follow {
    /// Follows all jobs at once until the last has ended. The exit status is that of the first, in
    /// the order named, that did not succeed.
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let ids = resolve::jobs(context, &self.jobs).await?;
        let labelled = ids.len() > 1;
        let width = ids.iter().map(|id| id.to_string().len()).max().unwrap_or(0);
        let label = |id: &JobId| if labelled { format!("{:width$} | ", id.to_string()) } else { String::new() };
        let all = try_join_all(ids.iter().map(|id| one(context, *id, None, label(id)))).await;
        let rows = all.map_err(|error| match error.kind {
            Kind::Interrupted if labelled => stopped(&ids),
            _ => error,
        })?;
        let exit = await_job::exit_status(&rows);
        Ok(Outcome { data: Data::Followed(rows), exit })
    }
}

/// Follows one job to its end: all that it writes, or only one stream, and only one attempt of it.
/// With a label, whole lines are shown, each behind it.
pub(crate) async fn one(
    context: &Context,
    job: JobId,
    only: Option<OutputQuery>,
    label: String,
) -> Result<JobRow, CommandError> {
    let mut follower = Follower {
        context,
        job,
        only,
        at: only.and_then(|only| only.attempt).map(FollowQuery::of).unwrap_or_default(),
        stdout: Lines::new(&label),
        stderr: Lines::new(&label),
    };
    tokio::select! {
        ended = follower.follow() => ended,
        () = context.interrupted() => Err(stopped(&[job])),
    }
}

fn stopped(jobs: &[JobId]) -> CommandError {
    await_job::stopped("following", "`follow {}` follows on", jobs)
}

struct Follower<'a> {
    context: &'a Context,
    job: JobId,
    only: Option<OutputQuery>,
    at: FollowQuery,
    stdout: Lines,
    stderr: Lines,
}

impl Follower<'_> {
    async fn follow(&mut self) -> Result<JobRow, CommandError> {
        let (mut backoff, mut known) = (Backoff::default(), false);
        loop {
            let broken = match self.context.client.follow(self.job, &self.at).await {
                Ok(mut stream) => loop {
                    known = true;
                    backoff.reset();
                    match stream.next().await {
                        Ok(Some(FollowEvent::Written(written))) if self.is_past(&written) => {
                            self.flush();
                            return Ok(self.context.client.job(self.job, 0).await?.job.row);
                        }
                        Ok(Some(FollowEvent::Written(written))) => self.on_written(&written),
                        Ok(Some(FollowEvent::Ended(row))) => {
                            self.flush();
                            return Ok(*row);
                        }
                        // c2d closed it, as when it goes down.
                        Ok(None) => break None,
                        Err(error) => break Some(error),
                    }
                },
                Err(error) => Some(error),
            };
            match broken {
                Some(error)
                    if !known || !await_job::may_pass(&error) || backoff.failures() >= await_job::FAILURES_MAX =>
                {
                    return Err(error.into());
                }
                error => {
                    let wait = backoff.next(0.0);
                    let what = error.map_or_else(|| "c2d closed the stream".to_owned(), |error| error.to_string());
                    self.context.progress(&format!("{what}; trying again in {} s", wait.as_secs()));
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Whether this is of an attempt behind the only one to follow.
    fn is_past(&self, written: &Written) -> bool {
        self.only.and_then(|only| only.attempt).is_some_and(|number| written.attempt.number > number)
    }

    fn on_written(&mut self, written: &Written) {
        let number = written.attempt.number;
        if self.at.attempt.is_some_and(|before| before != number) {
            self.flush();
            self.context.progress(&format!("{} begins", written.attempt));
        }
        if self.at.attempt != Some(number) {
            self.at = FollowQuery::of(number);
        }
        let place = self.at.place(written.stream);
        let lines = match written.stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let missing = written.offset.saturating_sub(*place);
        *place = written.offset + written.data.0.len() as u64;
        if self.only.is_some_and(|only| !only.stream.has(written.stream)) {
            return;
        }
        let mut bytes = Vec::new();
        if missing > 0 {
            // A line before the gap is not the one behind it.
            bytes = lines.rest();
            let (stream, at, reason) = (written.stream, written.offset - missing, written.reason.clone());
            self.context.progress(&format!("c2-tui: {}", render::gap(&Gap { stream, bytes: missing, at, reason })));
        }
        bytes.extend(lines.push(&written.data.0));
        // Both in one keep their order, wherever that goes.
        let is_one = self.only.is_some_and(|only| only.stream == Streams::Both);
        let stream = if is_one { Stream::Stdout } else { written.stream };
        self.context.tell(Told::Wrote(Wrote { stream, bytes: &bytes }));
    }

    /// Shows what did not end with a line.
    fn flush(&mut self) {
        for (stream, lines) in [(Stream::Stdout, &mut self.stdout), (Stream::Stderr, &mut self.stderr)] {
            let bytes = lines.rest();
            self.context.tell(Told::Wrote(Wrote { stream, bytes: &bytes }));
        }
    }
}

/// Puts a label before each line, so that several jobs can be told apart; without a label bytes
/// pass as they come.
#[derive(Debug)]
struct Lines {
    label: String,
    begun: Vec<u8>,
}

/// Bytes of a line that is shown though it has not ended.
const LINE_BYTES_MAX: usize = 64 * 1024;

impl Lines {
    fn new(label: &str) -> Self {
        Self { label: label.to_owned(), begun: Vec::new() }
    }

    fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.label.is_empty() {
            return bytes.to_vec();
        }
        let mut shown = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            if part.ends_with(b"\n") || self.begun.len() >= LINE_BYTES_MAX {
                shown.extend(self.rest());
            }
        }
        shown
    }

    /// The line that has begun, ended here.
    fn rest(&mut self) -> Vec<u8> {
        if self.begun.is_empty() {
            return Vec::new();
        }
        let mut line = self.label.clone().into_bytes();
        // The label must be read, also where a line overwrites itself.
        let text = String::from_utf8_lossy(&self.begun);
        match render::overwritten(text.trim_end_matches(['\r', '\n'])) {
            Cow::Owned(shown) => line.extend(shown.into_bytes()),
            Cow::Borrowed(_) => line.extend(&self.begun),
        }
        self.begun.clear();
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_labelled_whole() {
        let mut lines = Lines::new("job-3 | ");
        assert_eq!(lines.push(b"on"), b"");
        assert_eq!(lines.push(b"e\n\ntw"), b"job-3 | one\njob-3 | \n");
        assert_eq!(lines.push(b"o\nthree"), b"job-3 | two\n");
        assert_eq!(lines.rest(), b"job-3 | three\n");
        assert_eq!(lines.push(b"10%\rjob-4 | 20%\r\n\xff\r\n"), b"job-3 | job-4 | 20%\njob-3 | \xff\r\n");
        assert_eq!(lines.rest(), b"");
        assert_eq!(lines.push(&[b'x'; LINE_BYTES_MAX]).len(), LINE_BYTES_MAX + "job-3 | \n".len());
    }

    #[test]
    fn without_a_label_bytes_pass() {
        let mut lines = Lines::new("");
        assert_eq!(lines.push(b"a\xffb"), b"a\xffb");
        assert_eq!(lines.rest(), b"");
    }
}
