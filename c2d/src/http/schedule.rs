//! Schedules: adding, showing, removing, pausing and running them.

use axum::Extension;
use axum::http::StatusCode;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::SubmitResponse;
use c2_shared::api::schedules::{ScheduleGone, ScheduleList, ScheduleRequest, ScheduleRow};
use c2_shared::api::workers::NoQuery;
use c2_shared::hint;
use c2_shared::limits::SUBMIT_BODY_BYTES_MAX;
use c2_shared::validate;

use crate::audit::Made;
use crate::calendar::{Calendar, Mistake};
use crate::http::files;
use crate::http::handler::{Answer, ApiError, App, Json, JsonBody, Name, QueryOf, State, invalid_field, serves};
use crate::http::submit::{made, new_jobs};
use crate::rows::schedule_row;
use crate::sched::Reject;
use crate::sched::decision::ScheduleRecord;
use crate::sched::event;
use crate::timetable;

/// Characters of an expression that is read.
const CRON_CHARS_MAX: usize = 256;

serves!(ADD_SCHEDULE => add, LIST_SCHEDULES => list, GET_SCHEDULE => show, REMOVE_SCHEDULE => remove,
    PAUSE_SCHEDULE => pause, RESUME_SCHEDULE => resume, RUN_SCHEDULE => run);

pub(crate) async fn add(
    State(app): State<App>,
    JsonBody(request): JsonBody<ScheduleRequest, SUBMIT_BODY_BYTES_MAX>,
) -> Result<(StatusCode, Extension<Made>, Json<ScheduleRow>), ApiError> {
    let ScheduleRequest { name, cron, timezone, overlap, missed, spec } = request;
    validate::own_name(&name)?;
    if cron.len() > CRON_CHARS_MAX {
        return Err(invalid_field(
            "cron",
            format!("cron has more than {CRON_CHARS_MAX} bytes"),
            "write five short fields",
        ));
    }
    if spec.begin_at.is_some() || spec.idempotency_key.is_some() {
        let field = if spec.begin_at.is_some() { "begin_at" } else { "idempotency_key" };
        return Err(invalid_field(field, format!("a schedule has no {field}"), "leave it out: cron says when it runs"));
    }
    validate::new_spec(&spec)?;
    let timezone = timezone.unwrap_or_else(|| "UTC".to_owned());
    let now_ms = app.clock.now().wall_ms;
    let next_ms = Calendar::read(&cron, &timezone, now_ms)?.next(now_ms);
    files::check_blobs(&app, [&spec]).await?;
    let job = new_jobs(&app, vec![spec]).await?.swap_remove(0);
    let record = ScheduleRecord {
        name: name.clone(),
        cron,
        timezone,
        overlap,
        missed,
        paused: false,
        job,
        added_ms: now_ms,
        next_ms,
        looked_ms: now_ms,
        runs: Vec::new(),
        defect: None,
    };
    app.engine.apply(event::ScheduleAdded(record)).await?;
    let made = Extension(Made(format!("schedule {name}")));
    Ok((StatusCode::CREATED, made, row(&app, name).await?))
}

pub(crate) async fn list(State(app): State<App>, QueryOf(NoQuery {}): QueryOf<NoQuery>) -> Answer<ScheduleList> {
    let read = |s: &crate::sched::Scheduler, _| s.schedules().map(|one| s.with_states(one)).collect::<Vec<_>>();
    let schedules = app.engine.read(read).await?.iter().map(schedule_row).collect();
    Ok(Json(ScheduleList { schedules }))
}

pub(crate) async fn show(State(app): State<App>, Name(name): Name) -> Answer<ScheduleRow> {
    row(&app, name).await
}

pub(crate) async fn remove(State(app): State<App>, Name(name): Name) -> Answer<ScheduleGone> {
    app.engine.apply(event::ScheduleRemoved { name: name.clone() }).await?;
    Ok(Json(ScheduleGone { gone: name }))
}

pub(crate) async fn pause(State(app): State<App>, Name(name): Name) -> Answer<ScheduleRow> {
    app.engine.apply(event::SchedulePaused { name: name.clone(), paused: true, next_ms: None }).await?;
    row(&app, name).await
}

pub(crate) async fn resume(State(app): State<App>, Name(name): Name) -> Answer<ScheduleRow> {
    let record = record(&app, name.clone()).await?;
    let calendar = Calendar::read(&record.cron, &record.timezone, record.added_ms)?;
    let next_ms = calendar.next(timetable::resumed_from(&record, app.clock.now().wall_ms));
    app.engine.apply(event::SchedulePaused { name: name.clone(), paused: false, next_ms }).await?;
    row(&app, name).await
}

pub(crate) async fn run(
    State(app): State<App>,
    Name(name): Name,
) -> Result<(StatusCode, Extension<Made>, Json<SubmitResponse>), ApiError> {
    let job_id = app.engine.apply(event::RunAsked { name }).await?;
    Ok((StatusCode::CREATED, made(&[job_id]), Json(SubmitResponse { job_id, notes: Vec::new() })))
}

async fn record(app: &App, name: String) -> Result<ScheduleRecord, ApiError> {
    Ok(app.engine.read(move |scheduler, _| scheduler.schedule(&name)).await?.map_err(crate::engine::Refusal::from)?)
}

async fn row(app: &App, name: String) -> Answer<ScheduleRow> {
    Ok(Json(schedule_row(&record(app, name).await?)))
}

/// What is wrong with what was asked of a schedule.
pub(crate) fn refusal(reject: &Reject) -> ApiError {
    let (code, hint) = match reject {
        Reject::ScheduleExists { name } => {
            (ErrorCode::Conflict, format!("remove it first with: schedule remove {name}"))
        }
        Reject::UnknownSchedule { name, known } => {
            let nothing = "there is none yet; add one with: schedule NAME \"0 3 * * *\" \"COMMAND\"";
            (ErrorCode::NotFound, hint::for_unknown(name, known.iter().map(String::as_str), nothing))
        }
        Reject::RunSkipped { name, .. } => {
            (ErrorCode::Conflict, format!("what is done with runs that overlap says: schedule show {name}"))
        }
        _ => (ErrorCode::Conflict, "remove some with: schedule remove NAME".to_owned()),
    };
    let body = ErrorBody::new(code, reject.to_string(), hint);
    if matches!(reject, Reject::ScheduleExists { .. }) { body.in_field("name").into() } else { body.into() }
}

impl From<Mistake> for ApiError {
    fn from(mistake: Mistake) -> Self {
        invalid_field(mistake.field, mistake.message, &mistake.hint)
    }
}
