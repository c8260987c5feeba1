//! `batch`: the jobs of a file, all or none.
//!
//! A file is a JSON array, or lines, each of them a command or a job as a JSON object, in any
//! mixture. Every mistake in it is told with its line before anything is sent.

use std::io::Read as _;

use c2_shared::api::jobs::{BatchRequest, JobRow};
use c2_shared::config::describe_json_error;
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_shared::limits::QUEUE_LEN_MAX;
use c2_shared::validate;
use clap::Args;
use serde_json::{Map, Value};

use crate::command::await_job::Waiting;
use crate::command::submit::SpecFlags;
use crate::command::{CommandError, Context, Data, Outcome, await_job};

/// Bytes of a file of jobs or of inputs; 50,000 of them have room in it.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Mistakes that are told; after so many, the file is another one than was meant.
const TOLD_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Batch {
    /// A file of jobs, `-` for standard input: commands, one a line, or jobs as JSON
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// What holds for each job that does not say otherwise.
    #[command(flatten)]
    pub(crate) flags: SpecFlags,
    /// How the jobs are sent.
    #[command(flatten)]
    pub(crate) sending: Sending,
}

/// How several jobs are sent.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Sending {
    /// Show the jobs and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Wait until all have ended; the exit status is that of the first that did not succeed
    #[arg(long)]
    pub(crate) wait: bool,
    /// The same key within a day gives the same jobs, so that a script may be run again
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Where, as `line 3` or `job 3`.
    pub(crate) place: String,
    /// What is wrong and what to do about it.
    pub(crate) words: String,
}

impl Batch {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let text = read(&self.file, context.interactive).await?;
        let defaults = self.flags.defaults(context).await?;
        let jobs = parse(&text, &self.file, defaults)?;
        self.sending.run(context, jobs, &self.file).await
    }
}

impl Sending {
    pub(crate) async fn run(self, context: &Context, jobs: Vec<JobSpec>, file: &str) -> Result<Outcome, CommandError> {
        if jobs.is_empty() {
            return Err(CommandError::refused(format!("there is no job in {file:?}"), "write a command on each line"));
        }
        if jobs.len() > QUEUE_LEN_MAX {
            let message = format!("{} jobs are in {file:?}, and {QUEUE_LEN_MAX} fit into the queue", jobs.len());
            return Err(CommandError::refused(message, "split the file"));
        }
        if self.dry_run {
            return Ok(Data::Previewed(jobs).into());
        }
        let request = BatchRequest { jobs, idempotency_key: self.idempotency_key };
        let ids = context.client.submit_batch(&request).await?.job_ids;
        if !self.wait {
            return Ok(Data::SubmittedAll(ids).into());
        }
        submitted(&ids).lines().for_each(|line| context.progress(line));
        let rows = all(context, &ids).await?;
        let exit = await_job::exit_status(&rows);
        Ok(Outcome { data: Data::Waited(rows), exit })
    }
}

/// `Submitted 3 jobs`, and which.
pub(crate) fn submitted(ids: &[JobId]) -> String {
    match ids {
        [] => "Submitted 0 jobs".to_owned(),
        [one] => format!("Submitted 1 job\n{one}"),
        [first, .., last] => format!("Submitted {} jobs\n{first} to {last}", ids.len()),
    }
}

/// Waits for all, telling how far they have come about twenty times.
async fn all(context: &Context, ids: &[JobId]) -> Result<Vec<JobRow>, CommandError> {
    let (mut rows, mut failed) = (Vec::with_capacity(ids.len()), 0);
    let step = ids.len().div_ceil(20);
    let mut waiting = Waiting::new(context, ids.len());
    for id in ids {
        let row = waiting.end_of(*id, true).await?.row;
        failed += usize::from(row.outcome.as_ref().is_some_and(|outcome| outcome.exit_status() != 0));
        rows.push(row);
        if rows.len() % step == 0 && rows.len() < ids.len() {
            let not = if failed > 0 { format!(", {failed} of them did not succeed") } else { String::new() };
            context.progress(&format!("{} of {} jobs have ended{not}", rows.len(), ids.len()));
        }
    }
    Ok(rows)
}

/// Reads a text file, or standard input.
pub(crate) async fn read(path: &str, interactive: bool) -> Result<String, CommandError> {
    if path == "-" && interactive {
        return Err(CommandError::usage("there is no standard input here", "name a file"));
    }
    let name = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        if name == "-" {
            std::io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        } else {
            std::fs::File::open(&name)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        }
        Ok::<_, std::io::Error>(bytes)
    });
    let bytes = read.await.map_err(std::io::Error::other).flatten().map_err(|error| {
        let hint = "paths are those of this machine, seen from where the console was started";
        CommandError::refused(format!("cannot read {path:?}: {error}"), hint)
    })?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(CommandError::refused(format!("{path:?} is larger than {FILE_BYTES_MAX} bytes"), "split it"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        CommandError::refused(format!("{path:?} is no UTF-8 text, see line {line}"), "save it as UTF-8")
    })?;
    // Editors of other systems put a mark before the first character.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The jobs of a batch file; what a job does not say is as in `defaults`.
pub(crate) fn parse(text: &str, file: &str, defaults: JobSpec) -> Result<Vec<JobSpec>, CommandError> {
    jobs(text, &Defaults::new(defaults)).map_err(|mistakes| refused(file, &mistakes))
}

/// What holds for each job that does not say otherwise, as a specification and as JSON.
struct Defaults {
    spec: JobSpec,
    json: Map<String, Value>,
}

impl Defaults {
    fn new(spec: JobSpec) -> Self {
        match serde_json::to_value(&spec) {
            Ok(Value::Object(json)) => Self { spec, json },
            other => unreachable!("a specification becomes a JSON object, not {other:?}"),
        }
    }
}

/// All jobs of a text, or everything that is wrong with it.
fn jobs(text: &str, defaults: &Defaults) -> Result<Vec<JobSpec>, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let found: Vec<(String, Result<JobSpec, String>)> = if text.trim_start().starts_with('[') {
        let items = serde_json::from_str::<Vec<Value>>(text).map_err(|error| {
            vec![Mistake { place: format!("line {}", error.line()), words: format!("no JSON array: {error}") }]
        })?;
        let place = |i: usize| format!("job {}", i + 1);
        items.into_iter().enumerate().map(|(i, item)| (place(i), item_of(item, defaults))).collect()
    } else {
        let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines.map(|(number, line)| (format!("line {number}"), line_of(line, defaults))).collect()
    };
    let mut jobs = Vec::with_capacity(found.len());
    for (place, job) in found {
        match job {
            Ok(job) => jobs.push(job),
            Err(words) => mistakes.push(Mistake { place, words }),
        }
    }
    if mistakes.is_empty() { Ok(jobs) } else { Err(mistakes) }
}

fn line_of(line: &str, defaults: &Defaults) -> Result<JobSpec, String> {
    if line.starts_with('{') {
        let item = serde_json::from_str(line).map_err(|error| format!("no JSON object: {error}"))?;
        return item_of(item, defaults);
    }
    checked(JobSpec { command: line.to_owned(), ..defaults.spec.clone() })
}

fn item_of(item: Value, defaults: &Defaults) -> Result<JobSpec, String> {
    match item {
        Value::String(command) => checked(JobSpec { command, ..defaults.spec.clone() }),
        Value::Object(said) => {
            // What the job says itself comes before what holds for all.
            let mut whole = defaults.json.clone();
            whole.extend(said);
            let spec = serde_json::from_value(Value::Object(whole)).map_err(|error| {
                let (message, hint) = describe_json_error(&error.to_string());
                format!("{message} ({hint})")
            })?;
            checked(spec)
        }
        _ => Err("neither a command in quotes nor a JSON object".to_owned()),
    }
}

/// Checks a job as far as that needs nobody else.
pub(crate) fn checked(spec: JobSpec) -> Result<JobSpec, String> {
    validate::spec(&spec).map_err(|invalid| format!("{} ({})", invalid.message, invalid.hint))?;
    Ok(spec)
}

pub(crate) fn refused(file: &str, mistakes: &[Mistake]) -> CommandError {
    let count = if mistakes.len() == 1 { "a mistake".to_owned() } else { format!("{} mistakes", mistakes.len()) };
    let told = mistakes.iter().take(TOLD_MAX).map(|mistake| format!("{}: {}", mistake.place, mistake.words));
    let more = mistakes.len().saturating_sub(TOLD_MAX);
    let more = (more > 0).then(|| format!("and {more} more"));
    let mut error =
        CommandError::refused(format!("{count} in {file:?}; nothing was submitted"), "correct them and try again");
    error.details = told.chain(more).collect();
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<JobSpec>, Vec<Mistake>> {
        jobs(text, &Defaults::new(JobSpec { group: Some("default".to_owned()), ..JobSpec::default() }))
    }

    fn seen(text: &str) -> Vec<(String, Option<String>, Vec<String>)> {
        read(text).unwrap().into_iter().map(|job| (job.command, job.group, job.tags)).collect()
    }

    #[test]
    fn lines_of_both_kinds() {
        let text = "# the README's example\r\n\
            {\"command\": \"process 1.dat\", \"group\": \"workers\", \"tags\": [\"disk\"]}\r\n\
            \r\n  process 3.dat  # kept\n";
        let (default, workers) = (Some("default".to_owned()), Some("workers".to_owned()));
        assert_eq!(
            seen(text),
            [
                ("process 1.dat".to_owned(), workers, vec!["disk".to_owned()]),
                ("process 3.dat  # kept".to_owned(), default, vec![]),
            ]
        );
    }

    #[test]
    fn an_array_of_both_kinds() {
        let jobs = read(r#"[ "make", {"command": "make test", "depends": ["build"], "priority": 2} ]"#).unwrap();
        assert_eq!((jobs[0].command.as_str(), jobs[1].priority), ("make", 2));
        assert_eq!(jobs[1].depends[0].to_string(), "build");
    }

    #[test]
    fn every_mistake_has_its_line() {
        let text = "true\n{\"comand\": \"x\"}\n{\"command\": 3}\n{oops\n{\"command\": \"\"}\n";
        let mistakes = read(text).unwrap_err();
        let places: Vec<&str> = mistakes.iter().map(|mistake| mistake.place.as_str()).collect();
        assert_eq!(places, ["line 2", "line 3", "line 4", "line 5"]);
        assert!(mistakes[0].words.contains("command"), "{mistakes:?}");
        let told = refused("jobs.txt", &mistakes);
        assert_eq!(
            (told.details.len(), told.message.as_str()),
            (4, "4 mistakes in \"jobs.txt\"; nothing was submitted")
        );
    }

    #[test]
    fn a_broken_array_is_one_mistake() {
        assert_eq!(read("[\"a\",\n\"b\"").unwrap_err()[0].place, "line 2");
        assert_eq!(read("[3]").unwrap_err()[0].place, "job 1");
    }
}
