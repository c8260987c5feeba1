//! Finding the workers that a request means: one by its address or name, or many by a target.
//!
//! Whatever is not found is refused with the real candidates, so that a typing mistake is answered
//! with the word that was meant.

use std::collections::BTreeSet;
use std::net::IpAddr;

use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::workers::{TargetWorker, TargetWorkers};
use c2_shared::hint;
use c2_shared::id::WorkerId;
use c2_shared::target::{self, Candidate, Target, TargetError};

use crate::http::handler::{Answer, ApiError, App, Json, Name, State, invalid, serves};
use crate::sched::{Reject, WorkerView};
use crate::store::Owner;

const NO_WORKERS: &str = "no worker has registered yet; start c2-agent on one";
const NO_GROUPS: &str = "no worker is in any group yet; put one in with: assign <worker> <group>";

serves!(FIND_WORKERS => find_workers);

pub(crate) async fn find_workers(State(app): State<App>, Name(text): Name) -> Answer<TargetWorkers> {
    let target = Target::parse(&text).map_err(|error| unresolved(&error, &[]))?;
    let known = all(&app).await?;
    let candidates: Vec<Candidate<'_>> = known.iter().map(candidate).collect();
    let meant = target.resolve(&text, &candidates).map_err(|error| unresolved(&error, &known))?;
    let meant: BTreeSet<&WorkerId> = meant.iter().map(|worker| worker.id).collect();
    if meant.is_empty() {
        return Err(ErrorBody::new(ErrorCode::NotFound, format!("{text:?} means no worker"), NO_WORKERS).into());
    }
    let workers = known.iter().filter(|worker| meant.contains(&worker.intro.id)).map(row).collect();
    Ok(Json(TargetWorkers { target: text, workers }))
}

/// The worker that a word means.
pub(crate) async fn find(app: &App, name: &str) -> Result<WorkerView, ApiError> {
    let known = all(app).await?;
    let candidates: Vec<Candidate<'_>> = known.iter().map(candidate).collect();
    let id = target::find(name, &candidates).map_err(|error| unresolved(&error, &known))?.id.clone();
    Ok(known.into_iter().find(|worker| worker.intro.id == id).expect("it is one of the candidates"))
}

/// The worker of this id, after something was done to it.
pub(crate) async fn again(app: &App, id: WorkerId) -> Result<WorkerView, ApiError> {
    let asked = id.clone();
    let found = app.engine.read(move |scheduler, now| scheduler.worker(now, &asked)).await?;
    Ok(found.ok_or(Reject::UnknownWorker { worker: id })?)
}

/// Whose jobs are meant by a word. Those of a worker that is forgotten go by the address that it had.
pub(crate) async fn owner(app: &App, name: Option<&str>) -> Result<Option<Owner>, ApiError> {
    let Some(name) = name else { return Ok(None) };
    let found = find(app, name).await;
    Ok(Some(match (found, name.parse::<IpAddr>()) {
        (Ok(worker), _) => Owner::Worker(worker.intro.id),
        (Err(error), Ok(ip)) if error.is_not_found() => Owner::Address(ip.to_canonical()),
        (Err(error), _) => return Err(error),
    }))
}

async fn all(app: &App) -> Result<Vec<WorkerView>, ApiError> {
    Ok(app.engine.read(|scheduler, now| scheduler.workers(now)).await?)
}

fn candidate(worker: &WorkerView) -> Candidate<'_> {
    Candidate {
        id: &worker.intro.id,
        ip: worker.ip,
        hostname: &worker.intro.hostname,
        groups: &worker.groups,
        online: worker.status.is_reachable(),
        silent_ms: worker.silent_ms,
        passed_on: worker.passed_on,
    }
}

fn row(worker: &WorkerView) -> TargetWorker {
    TargetWorker {
        ip: worker.ip,
        worker_id: worker.intro.id.clone(),
        hostname: worker.intro.hostname.clone(),
        status: worker.status,
    }
}

fn unresolved(error: &TargetError, known: &[WorkerView]) -> ApiError {
    let message = error.to_string();
    match error {
        TargetError::Syntax(_) => {
            invalid(message, "use @all, @group, addresses, names, 10.0.0.[11-13], commas between them, ! to exclude")
        }
        TargetError::UnknownWorker(name) => unknown_worker(name, known),
        TargetError::Ambiguous(..) => ErrorBody::new(
            ErrorCode::Ambiguous,
            message,
            "give the beginning of the id of the one that you mean, as many characters as tell it from the others",
        )
        .into(),
        TargetError::UnknownGroup(group) => {
            let groups: BTreeSet<&str> =
                known.iter().flat_map(|worker| &worker.groups).map(String::as_str).chain(["all"]).collect();
            let near = hint::nearest(group, groups.iter().copied());
            let near = near.map_or_else(String::new, |near| format!("did you mean \"@{near}\"? "));
            let all: Vec<String> = groups.iter().map(|group| format!("@{group}")).collect();
            let hint = if groups.len() > 1 { format!("{near}known: {}", all.join(", ")) } else { NO_GROUPS.to_owned() };
            ErrorBody::new(ErrorCode::NotFound, message, hint).into()
        }
        TargetError::Empty(_) => {
            ErrorBody::new(ErrorCode::NotFound, message, "exclude less, or include more in front of it").into()
        }
    }
}

fn unknown_worker(name: &str, known: &[WorkerView]) -> ApiError {
    let message = format!("unknown worker {name:?}");
    if name == "all" || known.iter().any(|worker| worker.groups.contains(name)) {
        return ErrorBody::new(ErrorCode::NotFound, message, format!("did you mean \"@{name}\"?")).into();
    }
    let addresses: Vec<String> = known.iter().map(|worker| worker.ip.to_string()).collect();
    let hosts = known.iter().map(|worker| worker.intro.hostname.as_str());
    let candidates = addresses.iter().map(String::as_str).chain(hosts).filter(|known| !known.is_empty());
    let hint = hint::for_unknown(name, candidates, NO_WORKERS);
    ErrorBody::new(ErrorCode::NotFound, message, hint).into()
}
