//! Batches: what was submitted under one name, how far it has come, and when it will be done.

use c2_shared::api::batches::{BatchList, BatchRow};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::{JobRow, LogQuery};
use c2_shared::api::workers::NoQuery;
use c2_shared::hint;

use crate::figures::{self, Typical};
use crate::http::handler::{Answer, ApiError, App, Json, Name, QueryOf, State, serves};
use crate::http::stats::{RUNS_MAX, rows};
use crate::sched::{Ahead, Scheduler};

serves!(LIST_BATCHES => list, GET_BATCH => show);

/// Ended jobs of a batch by which the others are judged.
const OWN_RUNS_MAX: usize = 200;

pub(crate) async fn list(State(app): State<App>, QueryOf(NoQuery {}): QueryOf<NoQuery>) -> Answer<BatchList> {
    let batches = app.history.batches(None).await?;
    Ok(Json(BatchList { batches: foretold(&app, batches).await? }))
}

pub(crate) async fn show(State(app): State<App>, Name(name): Name) -> Answer<BatchRow> {
    let found = app.history.batches(Some(name.clone())).await?;
    match foretold(&app, found).await?.pop() {
        Some(batch) => Ok(Json(batch)),
        None => Err(unknown(&app, &name).await?),
    }
}

async fn unknown(app: &App, name: &str) -> Result<ApiError, ApiError> {
    let known = app.history.batches(None).await?;
    let nothing = "there is none; begin one with: batch FILE --batch=NAME";
    let hint = hint::for_unknown(name, known.iter().map(|batch| batch.batch.as_str()), nothing);
    Ok(ErrorBody::new(ErrorCode::NotFound, format!("unknown batch {name:?}"), hint).into())
}

/// The same with what only the scheduler knows: how many may run, and what is left.
async fn foretold(app: &App, mut batches: Vec<BatchRow>) -> Result<Vec<BatchRow>, ApiError> {
    let names: Vec<String> = batches.iter().map(|batch| batch.batch.clone()).collect();
    let present = move |s: &Scheduler, now| {
        let limits: Vec<_> = names.iter().map(|name| s.max_running(name)).collect();
        (limits, s.ahead(now).1, s.queue(now).slots)
    };
    let (limits, mut ahead, slots) = app.engine.read(present).await?;
    for (batch, max_running) in batches.iter_mut().zip(limits) {
        batch.max_running = max_running;
    }
    if ahead.is_empty() {
        return Ok(batches);
    }
    let typical = Typical::of(&rows(app, LogQuery { lines: Some(RUNS_MAX), ..LogQuery::default() }).await?);
    for batch in &mut batches {
        let Some(left) = ahead.remove(batch.batch.as_str()).filter(|left| !left.is_empty()) else { continue };
        // Those that wait at workers for a slot are queued.
        let waiting = batch.running.saturating_sub(left.running.len());
        (batch.running, batch.queued) = (batch.running - waiting, batch.queued + waiting);
        let own = own_ms(app, batch, &left, &typical).await?;
        batch.eta_s = figures::eta_s(&left, &typical, own, lanes(batch, slots));
    }
    Ok(batches)
}

/// How many jobs of a batch run side by side: as many as do, or as could.
fn lanes(batch: &BatchRow, slots: u32) -> usize {
    let lanes = if batch.running > 0 { batch.running } else { slots as usize };
    batch.max_running.map_or(lanes, |max_running| lanes.min(max_running as usize))
}

/// How long jobs of this batch took, where the names of those that are left do not say.
async fn own_ms(app: &App, batch: &BatchRow, left: &Ahead, typical: &Typical) -> Result<Option<u64>, ApiError> {
    if typical.knows_all(left) {
        return Ok(None);
    }
    let query = LogQuery { lines: Some(OWN_RUNS_MAX), batch: Some(batch.batch.clone()), ..LogQuery::default() };
    let ended: Vec<JobRow> = rows(app, query).await?;
    Ok(figures::median_ms(&ended))
}
