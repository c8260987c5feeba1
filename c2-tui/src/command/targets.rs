//! The workers that a command is for: all of them are found before anything is done to the first.

use c2_shared::api::workers::{TagStatus, TargetWorker, WorkerRow};

use crate::command::{CommandError, Context, Data, Outcome};

/// Finds the workers of a target. An unknown one is refused, so that nothing is done to the others.
pub(crate) async fn workers(context: &Context, target: &str) -> Result<Vec<TargetWorker>, CommandError> {
    Ok(context.client.target(target).await?.workers)
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
