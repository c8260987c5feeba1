//! Schedules: adding, showing, removing, pausing and running them.

use axum::Extension;
use axum::http::StatusCode;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::SubmitResponse;
use c2_shared::api::schedules::{
    ScheduleChange, ScheduleCheck, ScheduleGone, ScheduleList, ScheduleOutlook, ScheduleRequest, ScheduleRow,
};
use c2_shared::api::workers::NoQuery;
use c2_shared::hint;
use c2_shared::limits::SUBMIT_BODY_BYTES_MAX;
use c2_shared::validate;
use serde_json::Value;

use crate::audit::Made;
use crate::calendar::{Calendar, Mistake};
use crate::engine::Refusal;
use crate::http::batch::empty;
use crate::http::change::{changes, merged};
use crate::http::files;
use crate::http::handler::{Answer, ApiError, App, Json, JsonBody, Name, QueryOf, State, invalid_field, serves};
use crate::http::submit::{made, new_jobs};
use crate::rows::schedule_row;
use crate::sched::decision::ScheduleRecord;
use crate::sched::event;
use crate::sched::{Reject, Scheduler};
use crate::store::payload;
use crate::timetable;

/// Characters of an expression that is read.
const CRON_CHARS_MAX: usize = 256;
/// Instants that are told of a schedule that is only looked at.
const INSTANTS_SHOWN: usize = 5;
/// What can change of what a schedule submits, beside what can change of a job.
const ALSO: [&str; 4] = ["hold", "upload", "stdin", "stdin_sha256"];

serves!(ADD_SCHEDULE => add, LIST_SCHEDULES => list, GET_SCHEDULE => show, REMOVE_SCHEDULE => remove,
    CHANGE_SCHEDULE => change, CHECK_SCHEDULE => check, PAUSE_SCHEDULE => pause, RESUME_SCHEDULE => resume, RUN_SCHEDULE => run);

pub(crate) async fn add(
    State(app): State<App>,
    JsonBody(request): JsonBody<ScheduleRequest, SUBMIT_BODY_BYTES_MAX>,
) -> Result<(StatusCode, Extension<Made>, Json<ScheduleRow>), ApiError> {
    validate::own_name(&request.name)?;
    let (name, now_ms) = (request.name.clone(), app.clock.now().wall_ms);
    let record = new_record(&app, request, now_ms, None).await?;
    app.engine.apply(event::ScheduleAdded(record)).await?;
    let made = Extension(Made(format!("schedule {name}")));
    Ok((StatusCode::CREATED, made, row(&app, name).await?))
}

pub(crate) async fn change(
    State(app): State<App>,
    Name(name): Name,
    JsonBody(change): JsonBody<ScheduleChange, SUBMIT_BODY_BYTES_MAX>,
) -> Answer<ScheduleRow> {
    let (was, new) = changed(&app, name.clone(), change).await?;
    app.engine.apply(event::ScheduleChanged { was, new }).await?;
    row(&app, name).await
}

/// A schedule, and what it is to be.
async fn changed(
    app: &App,
    name: String,
    change: ScheduleChange,
) -> Result<(ScheduleRecord, ScheduleRecord), ApiError> {
    let was = record(app, name.clone()).await?;
    if change == ScheduleChange::default() {
        return Err(empty(
            "set",
            "name what is to change, like {\"cron\": \"0 4 * * *\"} or {\"set\": {\"priority\": 5}}",
        ));
    }
    let ScheduleChange { cron, timezone, overlap, missed, mut set } = change;
    // One of them takes the place of the other.
    for (field, other) in [("stdin", "stdin_sha256"), ("stdin_sha256", "stdin")] {
        if set.contains_key(field) {
            set.entry(other).or_insert(Value::Null);
        }
    }
    let read = payload::read(&was.job.payload);
    let old = read.map_err(|reason| Refusal::from(Reject::BrokenSchedule { name: name.clone(), reason }))?;
    let spec = merged(&old, &set, |key| changes(key) || ALSO.contains(&key))?;
    let request = ScheduleRequest {
        name: name.clone(),
        cron: cron.unwrap_or_else(|| was.cron.clone()),
        timezone: Some(timezone.unwrap_or_else(|| was.timezone.clone())),
        overlap: overlap.unwrap_or(was.overlap),
        missed: missed.unwrap_or(was.missed),
        spec,
    };
    let now_ms = app.clock.now().wall_ms;
    let added_ms = if request.cron == was.cron { was.added_ms } else { now_ms };
    let new = new_record(app, request, added_ms, Some(&was)).await?;
    Ok((was, new))
}

pub(crate) async fn check(
    State(app): State<App>,
    Name(name): Name,
    JsonBody(asked): JsonBody<ScheduleCheck, SUBMIT_BODY_BYTES_MAX>,
) -> Answer<ScheduleOutlook> {
    let now_ms = app.clock.now().wall_ms;
    let (was, new) = match asked {
        ScheduleCheck { add: Some(request), change: None } if request.name == name => {
            validate::own_name(&name)?;
            (None, new_record(&app, request, now_ms, None).await?)
        }
        ScheduleCheck { add: None, change: Some(change) } => {
            let (was, new) = changed(&app, name, change).await?;
            (Some(was), new)
        }
        _ => {
            let hint = format!("write {{\"change\": {{..}}}}, or {{\"add\": {{\"name\": {name:?}, ..}}}}");
            return Err(invalid_field("add", "this names not one schedule that is added or changed", &hint));
        }
    };
    let foresee = move |s: &Scheduler, now| {
        let record = match &was {
            None => s.check_added(&new).map(|()| new)?,
            Some(was) => s.changed_schedule(now, was, new)?,
        };
        let outlooks = s.foresee(now, std::slice::from_ref(&record.job)).outlooks;
        Ok((s.with_states(&record), outlooks.into_iter().map(|(_, outlook)| outlook.to_string()).collect()))
    };
    let foreseen: Result<(ScheduleRecord, Vec<String>), Reject> = app.engine.read(foresee).await?;
    let (record, notes) = foreseen.map_err(Refusal::from)?;
    let calendar = Calendar::read(&record.cron, &record.timezone, record.added_ms)?;
    let instants = std::iter::successors(record.next_ms, |at| calendar.next(*at));
    let instants_ms = instants.take(INSTANTS_SHOWN).collect();
    Ok(Json(ScheduleOutlook { schedule: schedule_row(&record), instants_ms, notes }))
}

/// A schedule as it is asked for, which may take the place of another.
async fn new_record(
    app: &App,
    request: ScheduleRequest,
    added_ms: u64,
    was: Option<&ScheduleRecord>,
) -> Result<ScheduleRecord, ApiError> {
    let ScheduleRequest { name, cron, timezone, overlap, missed, mut spec } = request;
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
    if spec.name.is_none() {
        // People look for its runs by its name, and a success follows a failure of the same name.
        spec.name = Some(name.clone());
        match validate::new_spec(&spec) {
            Err(taken) if was.is_none() => return Err(taken.into()),
            // One that was made when such a name could be given keeps it, and its runs have none.
            Err(_) => spec.name = None,
            Ok(()) => {}
        }
    }
    let timezone = timezone.unwrap_or_else(|| "UTC".to_owned());
    let (calendar, now_ms) = (Calendar::read(&cron, &timezone, added_ms)?, app.clock.now().wall_ms);
    let next_ms = was.map_or_else(|| calendar.next(now_ms), |was| timetable::next_of(was, &calendar, now_ms));
    files::check_blobs(app, [&spec]).await?;
    let job = new_jobs(app, vec![spec]).await?.swap_remove(0);
    Ok(ScheduleRecord {
        name,
        cron,
        timezone,
        overlap,
        missed,
        paused: false,
        job,
        added_ms,
        next_ms,
        looked_ms: now_ms,
        runs: Vec::new(),
        defect: None,
    })
}

pub(crate) async fn list(State(app): State<App>, QueryOf(NoQuery {}): QueryOf<NoQuery>) -> Answer<ScheduleList> {
    let read = |s: &Scheduler, _| s.schedules().map(|one| s.with_states(one)).collect::<Vec<_>>();
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
    let next_ms = timetable::next_of(&record, &calendar, app.clock.now().wall_ms);
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
    Ok(app.engine.read(move |scheduler, _| scheduler.schedule(&name)).await?.map_err(Refusal::from)?)
}

async fn row(app: &App, name: String) -> Answer<ScheduleRow> {
    Ok(Json(schedule_row(&record(app, name).await?)))
}

/// What is wrong with what was asked of a schedule.
pub(crate) fn refusal(reject: &Reject) -> ApiError {
    let (code, hint) = match reject {
        Reject::ScheduleExists { name } => (
            ErrorCode::Conflict,
            format!("change it with `schedule change {name}`, or remove it first with `schedule remove {name}`"),
        ),
        Reject::UnknownSchedule { name, known } => {
            let nothing = "there is none yet; add one with: schedule NAME \"0 3 * * *\" \"COMMAND\"";
            (ErrorCode::NotFound, hint::for_unknown(name, known.iter().map(String::as_str), nothing))
        }
        Reject::BrokenSchedule { name, .. } => {
            (ErrorCode::Conflict, format!("remove it, and add it again: schedule remove {name}"))
        }
        Reject::ScheduleChanged { name } => {
            (ErrorCode::Conflict, format!("look at it, and change it again: schedule show {name}"))
        }
        Reject::RunSkipped { name, .. } => {
            (ErrorCode::Conflict, format!("see what its `overlap` says: schedule show {name}"))
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
