//! The workers that a command is for: all of them are found before anything is done to the first.

use c2_shared::api::workers::{TargetWorker, WorkerRow};

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
pub(crate) fn changed(target: &str, mut rows: Vec<WorkerRow>) -> Outcome {
    match rows.pop() {
        Some(row) if rows.is_empty() && is_one(target) => Data::WorkerChanged(Box::new(row)).into(),
        last => {
            rows.extend(last);
            Data::WorkersChanged(rows).into()
        }
    }
}
