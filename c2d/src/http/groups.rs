//! What operators decide about a worker as a whole: its groups, draining, forgetting it.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::workers::{GroupsRequest, RemoveResponse, WorkerRow};
use c2_shared::hint;
use c2_shared::limits::{BODY_BYTES_MAX, LIST_LEN_MAX};
use c2_shared::validate;

use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{JsonBody, Name, invalid};
use crate::http::find_worker;
use crate::rows::worker_row;
use crate::sched::Event;

pub(crate) async fn join(
    State(app): State<App>,
    Name(name): Name,
    JsonBody(request): JsonBody<GroupsRequest, BODY_BYTES_MAX>,
) -> Result<Json<WorkerRow>, ApiError> {
    let worker = find_worker::find(&app, &name).await?.ip;
    check_words("groups", &request.groups)?;
    if request.groups.contains("all") {
        return Err(invalid("the group \"all\" is taken: @all means every worker", "choose another name"));
    }
    app.engine.apply(Event::GroupsChanged { worker, add: request.groups, remove: BTreeSet::new() }).await?;
    Ok(Json(worker_row(find_worker::again(&app, worker).await?)))
}

pub(crate) async fn leave(
    State(app): State<App>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Json<WorkerRow>, ApiError> {
    let Path((name, group)) = path.map_err(|_| invalid("the path cannot be read", "encode it as UTF-8"))?;
    let worker = find_worker::find(&app, &name).await?;
    if !worker.groups.contains(&group) {
        let hint = hint::for_unknown(&group, worker.groups.iter().map(String::as_str), "it is in no group");
        let message = format!("worker {} is not in group {group:?}", worker.ip);
        return Err(ErrorBody::new(ErrorCode::NotFound, message, hint).into());
    }
    let (add, remove) = (BTreeSet::new(), BTreeSet::from([group]));
    app.engine.apply(Event::GroupsChanged { worker: worker.ip, add, remove }).await?;
    Ok(Json(worker_row(find_worker::again(&app, worker.ip).await?)))
}

pub(crate) async fn drain(State(app): State<App>, Name(name): Name) -> Result<Json<WorkerRow>, ApiError> {
    set_drain(&app, &name, true).await
}

pub(crate) async fn resume(State(app): State<App>, Name(name): Name) -> Result<Json<WorkerRow>, ApiError> {
    set_drain(&app, &name, false).await
}

pub(crate) async fn remove(State(app): State<App>, Name(name): Name) -> Result<Json<RemoveResponse>, ApiError> {
    let ip = find_worker::find(&app, &name).await?.ip;
    app.engine.apply(Event::WorkerRemoved { worker: ip }).await?;
    Ok(Json(RemoveResponse { ip }))
}

/// Checks names of groups or tags: each a plain word, and not more than anybody writes by hand.
pub(crate) fn check_words(field: &'static str, words: &BTreeSet<String>) -> Result<(), ApiError> {
    if words.len() > LIST_LEN_MAX {
        return Err(invalid(format!("{field} has {} entries", words.len()), &format!("at most {LIST_LEN_MAX}")));
    }
    for word in words {
        validate::word(field, word)?;
    }
    Ok(())
}

async fn set_drain(app: &App, name: &str, drain: bool) -> Result<Json<WorkerRow>, ApiError> {
    let worker = find_worker::find(app, name).await?.ip;
    app.engine.apply(Event::DrainSet { worker, drain }).await?;
    Ok(Json(worker_row(find_worker::again(app, worker).await?)))
}
