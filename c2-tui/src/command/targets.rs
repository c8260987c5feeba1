//! The workers that a command is for: all of them are found before anything is done to the first.

use std::net::IpAddr;

use c2_shared::api::workers::{TagStatus, TargetWorker, WorkerRow};
use c2_shared::client::{Client, ClientError};
use c2_shared::id::WorkerId;
use tokio::task::JoinSet;

use crate::command::{CommandError, Context, Data, Kind, Outcome};

/// Finds the workers of a target. An unknown one is refused, so that nothing is done to the others.
pub(crate) async fn workers(context: &Context, target: &str) -> Result<Vec<TargetWorker>, CommandError> {
    Ok(context.client.target(target).await?.workers)
}

/// Asks all workers of a target at once, as each takes its own time; the answers come in the order of the addresses.
/// A single one that refuses is an error, and so is a refusal that is about who asks, as it is none of a worker.
pub(crate) async fn ask_each<T: Send + 'static, F: Future<Output = Result<T, ClientError>> + Send + 'static>(
    context: &Context,
    target: &str,
    ask: fn(Client, WorkerId) -> F,
) -> Result<Vec<(IpAddr, Result<T, CommandError>)>, CommandError> {
    let meant = workers(context, target).await?;
    let single = meant.len() == 1;
    let mut asking = JoinSet::new();
    for TargetWorker { ip, worker_id, .. } in meant {
        let asked = ask(context.client.clone(), worker_id);
        asking.spawn(async move { (ip, asked.await) });
    }
    let mut answers = Vec::new();
    while let Some(asked) = asking.join_next().await {
        match asked.expect("asking does not panic") {
            (ip, Ok(answer)) => answers.push((ip, Ok(answer))),
            (ip, Err(error)) => match CommandError::from(error) {
                error if single || error.kind == Kind::Unauthorized => return Err(error),
                error => answers.push((ip, Err(error))),
            },
        }
    }
    answers.sort_by_key(|(ip, _)| *ip);
    Ok(answers)
}

/// Whether a target is a single word, however many workers there are.
pub(crate) fn is_one(target: &str) -> bool {
    !target.contains(['@', ',', '[', '!'])
}

/// What became of the workers.
pub(crate) fn changed(target: &str, rows: Vec<WorkerRow>) -> Outcome {
    outcome(target, rows, |row| Data::WorkerChanged(Box::new(row)), Data::WorkersChanged)
}

/// What the workers have.
pub(crate) fn resources(target: &str, rows: Vec<WorkerRow>) -> Outcome {
    outcome(target, rows, |row| Data::Resources(Box::new(row)), Data::ResourcesOfAll)
}

/// The tags of the workers.
pub(crate) fn tags(target: &str, all: Vec<TagStatus>) -> Outcome {
    outcome(target, all, Data::Tags, Data::TagsOfAll)
}

/// One answer where one worker was named, a list where a target was, however many it meant.
fn outcome<T>(target: &str, mut all: Vec<T>, one: fn(T) -> Data, several: fn(Vec<T>) -> Data) -> Outcome {
    match all.pop() {
        Some(only) if all.is_empty() && is_one(target) => one(only).into(),
        last => {
            all.extend(last);
            several(all).into()
        }
    }
}
