//! `submit`: one job, from its flags to c2d's answer, and with `--wait` to its end.

use c2_shared::api::batches::{BatchRequest, BatchResponse};
use c2_shared::api::error::ErrorCode;
use c2_shared::api::jobs::{JobInfo, JobRow, Stream, SubmitResponse};
use c2_shared::api::output::{Output, OutputQuery, Streams};
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, Outcome as JobOutcome};
use clap::Args;

use crate::command::await_job::{POLL_S, Waiting};
use crate::command::batch::{Placed, Sending};
use crate::command::context::{Told, Wrote};
use crate::command::deferred::Deferred;
use crate::command::draft::{self, Draft, Names, Planned};
use crate::command::job_flags::JobFlags;
use crate::command::placeholders::{Input, Marks};
use crate::command::upload::Sender;
use crate::command::{Command, CommandError, Context, Data, Outcome, batch, follow, script, sweep};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Submit {
    /// Shell text, run by /bin/sh in the job's own folder; put it in quotes. `-` reads it from standard
    /// input
    #[arg(value_name = "COMMAND", required_unless_present = "script")]
    pub(crate) command: Option<String>,
    /// A script to run in place of a command, by the program that its first line names
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    pub(crate) script: Option<String>,
    /// What else there is to say about the job.
    #[command(flatten)]
    pub(crate) flags: JobFlags,
    /// One job for each of these numbers, like `1-100`, `0-100:5` or `1,3,7`, all or none. Each finds its own
    /// in $C2_ARRAY_INDEX; in flags `{index}` stands for it
    #[arg(long, value_name = "NUMBERS")]
    pub(crate) array: Option<String>,
    /// At most so many jobs of the batch that --batch names run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_running: Option<u32>,
    /// Check the job as a submit does, show it and submit nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Wait for its end, show what it wrote, and exit with its status
    #[arg(long)]
    pub(crate) wait: bool,
    /// The same key within a day gives the same job, so that a script may be run again
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

impl Submit {
    /// Whether something is to be put into a text.
    pub(crate) fn fills(&self, text: &str) -> bool {
        self.array.is_some() && Marks::named([sweep::INDEX.to_owned()]).are_in(text)
    }

    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let mut draft = script::draft(self.command, self.script, self.flags, context.interactive).await?;
        let (max_running, key) = (self.max_running, self.idempotency_key);
        if let Some(numbers) = self.array {
            let sending = Sending { dry_run: self.dry_run, wait: self.wait, idempotency_key: key, max_running };
            return sending.run(context, array(&draft, &numbers)?, "--array").await;
        }
        let same_machine_alone =
            draft.flags.same_machine && draft.flags.depends.is_empty() && draft.flags.with_files_of.is_empty();
        let delay_alone = draft.flags.retry_delay.is_some() && draft.flags.retries.is_none();
        // Beside a limit of its batch the key belongs to the request.
        draft.base.idempotency_key = key.clone().filter(|_| max_running.is_none());
        let planned = draft.plan(context, &mut Names::default()).await?;
        batch::check_limit(max_running, std::slice::from_ref(&planned))?;
        if same_machine_alone {
            context.progress("--same-machine has no effect without --depends");
        }
        if delay_alone {
            context.progress("--retry-delay has no effect without --retries");
        }
        if self.dry_run {
            return preview(context, planned).await;
        }
        if planned.is_demanding() && planned.has_files() {
            refuse_early(context, &planned).await?;
        }
        let beginning = planned.beginning();
        let spec = planned.send(&mut Sender::new(context)).await?;
        if self.wait && max_running.is_none() {
            let accepted = context.client.submit_wait(&spec, POLL_S).await?;
            context.progress(&format!("Submitted job {}", accepted.job));
            return ended(context, Waiting::new(context, &[accepted.job]).end_of_accepted(accepted).await?).await;
        }
        let (job, notes) = match max_running {
            None => {
                let SubmitResponse { job_id, notes } = context.client.submit(&spec).await?;
                (job_id, notes)
            }
            Some(_) => {
                let request = BatchRequest { jobs: vec![spec], idempotency_key: key, max_running };
                let BatchResponse { job_ids, notes } = context.client.submit_batch(&request).await?;
                (job_ids[0], notes.into_iter().map(|note| note.message).collect())
            }
        };
        if !self.wait {
            notes.iter().chain(&beginning).for_each(|note| context.progress(&format!("{job}: {note}")));
            return Ok(Data::Submitted(job, notes).into());
        }
        context.progress(&format!("Submitted job {job}"));
        ended(context, Waiting::new(context, &[job]).end_of(job, true).await?).await
    }
}

/// A job that was waited for, with what it wrote.
async fn ended(context: &Context, ended: JobInfo) -> Result<Outcome, CommandError> {
    let exit = ended.row.outcome.as_ref().map_or(0, JobOutcome::exit_status);
    let mut output = Output::default();
    if context.direct {
        match only_text(&ended) {
            Some((stream, text)) => context.tell(Told::Wrote(Wrote { stream, bytes: text.as_bytes() })),
            None => drop(follow::one(context, ended.row.job_id, None, String::new()).await?),
        }
    } else if context.interactive {
        output = short(context, &ended).await?;
    }
    Ok(Outcome { data: Data::Ended { job: Box::new(ended), output }, exit })
}

/// The submit of a command that nothing else is said of, for those that do not type it.
pub(crate) fn submitting(command: String, flags: JobFlags) -> Command {
    Command::Submit(Deferred(Box::new(Submit {
        command: Some(command),
        script: None,
        flags,
        array: None,
        max_running: None,
        dry_run: false,
        wait: false,
        idempotency_key: None,
    })))
}

/// Follows a job to its end as if it ran here, and says why it does not run as long as it does not.
pub(crate) async fn followed(context: &Context, job: JobId) -> Result<JobRow, CommandError> {
    let jobs = [job];
    let mut waiting = Waiting::new(context, &jobs);
    tokio::select! {
        ended = follow::one(context, job, None, String::new()) => ended,
        never = waiting.say_why(job) => match never {},
    }
}

/// One job for each number.
fn array(draft: &Draft, numbers: &str) -> Result<Vec<Placed<Result<Draft, String>>>, CommandError> {
    let marks = Marks::named([sweep::INDEX.to_owned()]);
    let one = |index: u64| {
        let input = Input { values: vec![index.to_string()], ..Input::default() };
        let flags = draft.flags.filled(|text, holds| marks.filled(text, &input, holds));
        let base = JobSpec { array_index: Some(index), ..draft.base.clone() };
        (format!("index {index}"), Ok(Draft { flags, base, script: draft.script.clone() }))
    };
    Ok(sweep::indexes(numbers)?.into_iter().map(one).collect())
}

/// All that a job wrote, if that came with the job byte for byte: in its only attempt, and to one stream alone, so that
/// no order is lost.
fn only_text(ended: &JobInfo) -> Option<(Stream, &str)> {
    let JobInfo { stdout, stderr, .. } = ended;
    let missing = [ended.stdout_dropped, ended.stderr_dropped, ended.stdout_hidden, ended.stderr_hidden];
    let (stream, text) = if stderr.is_empty() { (Stream::Stdout, stdout) } else { (Stream::Stderr, stderr) };
    let is_all = ended.attempts.len() == 1 && (stdout.is_empty() || stderr.is_empty()) && missing == [0; 4];
    // In place of what is no text there is another character.
    (is_all && !text.contains(char::REPLACEMENT_CHARACTER)).then_some((stream, text))
}

/// What a job wrote, for one look: of a very long output what comes with the job.
async fn short(context: &Context, ended: &JobInfo) -> Result<Output, CommandError> {
    let query = OutputQuery { stream: Streams::Both, attempt: None };
    match context.client.output(ended.row.job_id, query).await {
        Err(error) if error.code() == Some(ErrorCode::TooLarge) => {
            Ok(Output::whole(format!("{}{}", ended.stdout, ended.stderr)))
        }
        output => Ok(output?),
    }
}

/// What would be submitted, unless c2d would refuse it.
async fn preview(context: &Context, planned: Planned) -> Result<Outcome, CommandError> {
    let answer = draft::check(context, vec![planned.spec.clone()]).await?;
    if let Some(problem) = answer.problems.first() {
        return Err(batch::of_c2d(&problem.error));
    }
    let notes = answer.notes.into_iter().map(|note| note.message);
    notes.chain(planned.beginning()).for_each(|note| context.progress(&note));
    Ok(Data::Previewed(vec![planned.spec]).into())
}

/// Asks c2d whether it would refuse a job, before its files are sent for nothing.
async fn refuse_early(context: &Context, planned: &Planned) -> Result<(), CommandError> {
    let answer = draft::check(context, vec![planned.spec.clone()]).await?;
    answer.problems.first().map_or(Ok(()), |problem| Err(batch::of_c2d(&problem.error)))
}
