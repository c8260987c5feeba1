//! Putting a worker into groups, and taking it out of one.

use std::collections::BTreeSet;

use axum::extract::Path;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::workers::{GroupsRequest, WorkerRow};
use c2_shared::hint;
use c2_shared::limits::BODY_BYTES_MAX;

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, JsonBody, Name, State, check_words, invalid, serves};
use crate::rows::worker_row;
use crate::sched::event;

serves!(ASSIGN => assign, UNASSIGN => unassign);

pub(crate) async fn assign(
    State(app): State<App>,
    Name(name): Name,
    JsonBody(request): JsonBody<GroupsRequest, BODY_BYTES_MAX>,
) -> Answer<WorkerRow> {
    let worker = find_worker::find(&app, &name).await?.intro.id;
    check_words("groups", &request.groups)?;
    if request.groups.contains("all") {
        return Err(invalid("the group \"all\" is taken: @all means every worker", "choose another name"));
    }
    app.engine
        .apply(event::GroupsChanged { worker: worker.clone(), add: request.groups, remove: BTreeSet::new() })
        .await?;
    Ok(Json(worker_row(find_worker::again(&app, worker).await?)))
}

pub(crate) async fn unassign(
    State(app): State<App>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Answer<WorkerRow> {
    let Path((name, group)) = path.map_err(|_| invalid("the path cannot be read", "encode it as UTF-8"))?;
    let worker = find_worker::find(&app, &name).await?;
    if !worker.groups.contains(&group) {
        let hint = hint::for_unknown(&group, worker.groups.iter().map(String::as_str), "it is in no group");
        let message = format!("worker {} is not in group {group:?}", worker.ip);
        return Err(ErrorBody::new(ErrorCode::NotFound, message, hint).into());
    }
    let (add, remove) = (BTreeSet::new(), BTreeSet::from([group]));
    app.engine.apply(event::GroupsChanged { worker: worker.intro.id.clone(), add, remove }).await?;
    Ok(Json(worker_row(find_worker::again(&app, worker.intro.id).await?)))
}
