//! Which folders of ended jobs a worker may remove: c2d knows who still waits for what they left, and how long
//! ago they ended, whatever the clocks say.

use std::collections::BTreeSet;

use c2_shared::api::files::{OldWorkspaces, OldWorkspacesRequest};
use c2_shared::id::JobId;
use c2_shared::limits::WORKER_BODY_BYTES_MAX;

use crate::http::handler::{Answer, App, Json, JsonBody, State, serves};
use crate::sched::Scheduler;

serves!(OLD_WORKSPACES => old);

pub(crate) async fn old(
    State(app): State<App>,
    JsonBody(request): JsonBody<OldWorkspacesRequest, WORKER_BODY_BYTES_MAX>,
) -> Answer<OldWorkspaces> {
    let OldWorkspacesRequest { job_ids, days } = request;
    let asked: BTreeSet<JobId> = job_ids.iter().copied().collect();
    let free = app.engine.read(move |scheduler: &Scheduler, _| scheduler.done_with(asked)).await?;
    Ok(Json(OldWorkspaces { job_ids: app.history.ended_before(free, days).await? }))
}
