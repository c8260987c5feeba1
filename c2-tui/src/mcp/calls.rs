//! What each tool does.

use std::str::FromStr as _;

use c2_shared::api::many::ManyRequest;
use c2_shared::api::output::{OutputQuery, Streams};
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_shared::json::{self, Unreadable};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::tools::{JobAndWait, Nothing, OUTPUT_BYTES, OUTPUT_BYTES_MAX, OneJob, OutputOf, SomeJobs, Which};
use crate::command::job_name::{JobName, JobNames};
use crate::command::{CommandError, Context, resolve};

/// Seconds for which one call may wait for the end of a job.
const WAIT_MAX_S: u64 = 60;

/// Does what a tool is for; answers with its document.
pub(super) async fn call(context: &Context, tool: &str, arguments: Map<String, Value>) -> Result<Value, CommandError> {
    let client = &context.client;
    match tool {
        "list_workers" => {
            let Nothing {} = read(arguments)?;
            document(client.workers().await?)
        }
        "list_jobs" => document(client.jobs(&read(arguments)?).await?),
        "get_job" => {
            let JobAndWait { job, wait_s } = read(arguments)?;
            document(client.job(one(context, &job).await?, wait_s.min(WAIT_MAX_S)).await?)
        }
        "get_output" => output(context, read(arguments)?).await,
        "explain_job" => {
            let OneJob { job } = read(arguments)?;
            document(client.why(one(context, &job).await?).await?)
        }
        "get_log" => document(client.log(&read(arguments)?).await?),
        "queue_status" => {
            let Nothing {} = read(arguments)?;
            document(client.queue_status().await?)
        }
        "submit_job" => document(client.submit(&read::<JobSpec>(arguments)?).await?),
        "cancel_jobs" => document(client.cancel_jobs(&several(context, arguments).await?).await?),
        "hold_jobs" => document(client.hold_jobs(&several(context, arguments).await?).await?),
        "release_jobs" => document(client.release_jobs(&several(context, arguments).await?).await?),
        "retry_jobs" => document(client.retry(&several(context, arguments).await?.job_ids).await?),
        unknown => Err(CommandError::usage(format!("unknown tool {unknown:?}"), "tools/list names all of them")),
    }
}

/// Reads arguments as strictly as a request to c2d.
fn read<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, CommandError> {
    let text = Value::Object(arguments).to_string();
    json::read(text.as_bytes()).map_err(|Unreadable { message, hint, .. }| CommandError::usage(message, hint))
}

fn document(answer: impl Serialize) -> Result<Value, CommandError> {
    let unwritten = |error| CommandError::refused(format!("the answer cannot be written: {error}"), "report this");
    serde_json::to_value(answer).map_err(unwritten)
}

async fn one(context: &Context, job: &str) -> Result<JobId, CommandError> {
    let name = JobName::from_str(job).map_err(|error| not_a_job(&error))?;
    resolve::job(context, &name).await
}

async fn several(context: &Context, arguments: Map<String, Value>) -> Result<ManyRequest, CommandError> {
    let SomeJobs { jobs } = read(arguments)?;
    let names: Result<Vec<JobNames>, _> = jobs.iter().map(|job| JobNames::from_str(job)).collect();
    let job_ids = resolve::jobs(context, &names.map_err(|error| not_a_job(&error))?).await?;
    if job_ids.is_empty() {
        return Err(CommandError::usage("no job is named", "write {\"jobs\": [\"job-3\"]}"));
    }
    Ok(ManyRequest { job_ids, select: None })
}

fn not_a_job(error: &dyn std::error::Error) -> CommandError {
    CommandError::usage(error.to_string(), "write an id like job-3, a name, or last")
}

/// The end of what a job wrote.
async fn output(context: &Context, asked: OutputOf) -> Result<Value, CommandError> {
    let job = one(context, &asked.job).await?;
    let stream = match asked.stream {
        Which::Stdout => Streams::Stdout,
        Which::Stderr => Streams::Stderr,
        Which::Both => Streams::Both,
    };
    let most = asked.max_bytes.unwrap_or(OUTPUT_BYTES).min(OUTPUT_BYTES_MAX);
    let mut output = context.client.output_bytes(job, OutputQuery { stream, attempt: asked.attempt }).await?;
    let (mut end, mut bytes) = (Vec::new(), 0);
    while let Some(piece) = output.next().await? {
        bytes += piece.len();
        end.extend_from_slice(&piece);
        // Not with each piece, as what is left is moved each time.
        if end.len() > 2 * most + OUTPUT_BYTES_MAX {
            end.drain(..end.len() - most);
        }
    }
    end.drain(..end.len().saturating_sub(most));
    let missing: u64 = output.gaps().iter().map(|gap| gap.bytes).sum();
    let text = String::from_utf8_lossy(&end);
    Ok(json!({"job_id": job, "text": text, "bytes": bytes, "omitted_bytes": bytes - end.len(), "lost_bytes": missing}))
}
