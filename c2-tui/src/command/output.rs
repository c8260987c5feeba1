//! `output`: what a job wrote, to the byte.

use c2_shared::api::error::ErrorCode;
use c2_shared::api::jobs::Stream;
use c2_shared::api::output::{Output as Kept, OutputQuery, Streams};
use c2_shared::bytes64::Bytes64;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use clap::Args;

use crate::command::await_job::Waiting;
use crate::command::context::{Told, Wrote};
use crate::command::job_name::JobName;
use crate::command::{CommandError, Context, Data, Outcome, follow, resolve};
use crate::render;

/// Bytes of a line that is told though it has not ended.
const LINE_BYTES_MAX: usize = 64 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Output {
    /// Its id (`job-3` or `3`), its name, or `last`
    #[arg(value_name = "JOB")]
    pub(crate) job: JobName,
    /// Standard error in place of standard output
    #[arg(long, conflicts_with = "both")]
    pub(crate) stderr: bool,
    /// Both, in the order in which they were written
    #[arg(long)]
    pub(crate) both: bool,
    /// What this attempt wrote, by its number; `job JOB` lists the attempts
    #[arg(long, value_name = "N")]
    pub(crate) attempt: Option<u32>,
    /// Continue to show what it writes until it has ended
    #[arg(long)]
    pub(crate) follow: bool,
    /// Make escape sequences harmless where the output goes into a pipe or a file, too
    #[arg(long, conflicts_with = "follow")]
    pub(crate) harmless: bool,
}

impl Output {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let job = resolve::job(context, &self.job).await?;
        let stream = match (self.both, self.stderr) {
            (true, _) => Streams::Both,
            (false, true) => Streams::Stderr,
            (false, false) => Streams::Stdout,
        };
        let query = OutputQuery { stream, attempt: self.attempt };
        // A document has all of it at once.
        let follow = self.follow && (context.direct || context.interactive);
        if self.follow && !follow {
            Waiting::new(context, &[job]).end_of(job, true).await?;
        }
        if !follow && context.direct {
            pass_on(context, job, query, self.harmless).await?;
            return Ok(Data::Followed(Vec::new()).into());
        }
        if !follow {
            let output = match context.client.output(job, query).await {
                Err(error) if error.code() == Some(ErrorCode::TooLarge) => whole(context, job, query).await?,
                output => output?,
            };
            return Ok(Data::Output { job, stream, output }.into());
        }
        if let Some(number) = self.attempt {
            check_running(context, job, number).await?;
        }
        follow::one(context, job, Some(query), String::new()).await?;
        Ok(Data::Followed(Vec::new()).into())
    }
}

/// Tells what was kept as it comes, and what is missing.
async fn pass_on(context: &Context, job: JobId, query: OutputQuery, harmless: bool) -> Result<(), CommandError> {
    let mut output = context.client.output_bytes(job, query).await?;
    let tell = |bytes: &[u8]| {
        let made = harmless.then(|| render::block(bytes));
        let bytes = made.as_ref().map_or(bytes, String::as_bytes);
        context.tell(Told::Wrote(Wrote { stream: Stream::Stdout, bytes }));
    };
    let (mut begun, mut is_empty) = (Vec::new(), true);
    while let Some(bytes) = output.next().await? {
        is_empty &= bytes.is_empty();
        begun.extend(bytes);
        // Whole lines, so that no character is torn.
        let end = begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let end = if end == 0 && begun.len() > LINE_BYTES_MAX { begun.len() } else { end };
        tell(&begun[..end]);
        begun.drain(..end);
    }
    tell(&begun);
    output.gaps().iter().for_each(|gap| context.progress(&format!("c2-tui: {}", render::gap(gap))));
    if is_empty && query.stream == Streams::Stdout {
        // What failed at once wrote only why.
        let query = OutputQuery { stream: Streams::Stderr, ..query };
        if context.client.output_bytes(job, query).await?.next().await?.is_some_and(|bytes| !bytes.is_empty()) {
            context.progress(&format!("c2-tui: {job} wrote only to standard error: output {job} --stderr"));
        }
    }
    Ok(())
}

/// All that was kept, however long it is, where it must be one document.
async fn whole(context: &Context, job: JobId, query: OutputQuery) -> Result<Kept, CommandError> {
    let mut output = context.client.output_bytes(job, query).await?;
    let mut head = Vec::new();
    while let Some(bytes) = output.next().await? {
        head.extend(bytes);
    }
    let gaps = output.gaps();
    let dropped = gaps.iter().map(|gap| gap.bytes).sum();
    let (at, reason) = match gaps {
        [gap] if query.stream != Streams::Both => (usize::try_from(gap.at).unwrap_or(head.len()), gap.reason.clone()),
        _ => (head.len(), gaps.iter().map(|gap| gap.reason.clone()).find(|why| !why.is_empty()).unwrap_or_default()),
    };
    let tail = head.split_off(at.min(head.len()));
    Ok(Kept { head: Bytes64(head), dropped, tail: Bytes64(tail), blob: None, reason })
}

/// Refuses to follow any other attempt than the one that runs.
async fn check_running(context: &Context, job: JobId, number: u32) -> Result<(), CommandError> {
    let info = context.client.job(job, 0).await?.job;
    if info.row.state == JobState::Running && info.row.attempt == number {
        return Ok(());
    }
    if info.attempts.iter().any(|attempt| attempt.number == number) {
        let message = format!("attempt {number} of {job} has ended and writes nothing more");
        let hint = format!("leave out --follow: output {job} --attempt={number}");
        return Err(CommandError::refused(message, hint));
    }
    let hint = format!("leave out --attempt, or list the attempts with: job {job}");
    Err(CommandError::refused(format!("{job} has no attempt {number}"), hint))
}
