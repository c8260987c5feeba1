//! Notifications: saying whom to tell of what, and trying it. What is secret in a target is never shown.

use axum::Extension;
use axum::http::StatusCode;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::notifications::{
    NotificationChange, NotificationGone, NotificationList, NotificationRequest, NotificationRow, NotificationTested,
};
use c2_shared::api::workers::NoQuery;
use c2_shared::hint;
use c2_shared::limits::BODY_BYTES_MAX;
use c2_shared::validate;

use crate::audit::Made;
use crate::engine::Refusal;
use crate::http::batch::empty;
use crate::http::change::merged;
use crate::http::handler::{Answer, ApiError, App, Json, JsonBody, Name, QueryOf, State, invalid_field, serves};
use crate::sched::Reject;
use crate::sched::decision::RuleRecord;
use crate::sched::event;
use crate::services::messenger::{Message, Target, Troubles};

/// Bytes of a target.
const TARGET_BYTES_MAX: usize = 2_048;
/// What narrows a notification, and may be taken back.
const FILTERS: [&str; 3] = ["group", "job_name", "schedule"];
const TARGETS: &str =
    "write https://.. or http://.., ntfy:TOPIC, discord:URL, slack:URL, apprise:URL, mail:ADDRESS or command:NAME";

serves!(ADD_NOTIFICATION => add, CHANGE_NOTIFICATION => change, LIST_NOTIFICATIONS => list, GET_NOTIFICATION => show,
    REMOVE_NOTIFICATION => remove, TEST_NOTIFICATION => test);

pub(crate) async fn add(
    State(app): State<App>,
    JsonBody(request): JsonBody<NotificationRequest, BODY_BYTES_MAX>,
) -> Result<(StatusCode, Extension<Made>, Json<NotificationRow>), ApiError> {
    validate::own_name(&request.name)?;
    let rule = new_rule(&app, request)?;
    let name = rule.name.clone();
    app.engine.apply(event::RuleAdded(rule)).await?;
    app.messenger.look();
    let made = Extension(Made(format!("notification {name}")));
    Ok((StatusCode::CREATED, made, show(State(app), Name(name)).await?))
}

pub(crate) async fn change(
    State(app): State<App>,
    Name(name): Name,
    JsonBody(change): JsonBody<NotificationChange, BODY_BYTES_MAX>,
) -> Answer<NotificationRow> {
    let (was, set) = (rule(&app, name.clone()).await?, change.set);
    if set.is_empty() {
        return Err(empty("set", "name what is to change, like {\"set\": {\"on\": [\"failed\"]}}"));
    }
    if set.contains_key("name") {
        return Err(invalid_field("set.name", "the name does not change", "remove it, and add it under another name"));
    }
    let RuleRecord { name: own, on, to, group, job_name, schedule, .. } = was.clone();
    let old = NotificationRequest { name: own, on, to, group, job_name, schedule };
    let new = new_rule(&app, merged(&old, &set, |key| FILTERS.contains(&key))?)?;
    app.engine.apply(event::RuleChanged { was, new }).await?;
    app.messenger.look();
    show(State(app), Name(name)).await
}

/// A rule as it is asked for.
fn new_rule(app: &App, request: NotificationRequest) -> Result<RuleRecord, ApiError> {
    let NotificationRequest { name, on, to, group, job_name, schedule } = request;
    let filtered = group.is_some() || job_name.is_some() || schedule.is_some();
    if filtered && !on.iter().any(|kind| kind.is_of_job()) {
        let hint = "leave out group, job_name and schedule, or name an event of such jobs, like failed";
        return Err(invalid_field("on", "only jobs have a group, a name and a schedule".to_owned(), hint));
    }
    if to.len() > TARGET_BYTES_MAX {
        return Err(invalid_field("to", format!("the target has more than {TARGET_BYTES_MAX} bytes"), TARGETS));
    }
    match Target::read(&to).map_err(|message| invalid_field("to", message, TARGETS))? {
        Target::Command(command) if !app.messenger.outside.commands.contains_key(&command) => {
            let known = app.messenger.outside.commands.keys().map(String::as_str);
            let nothing = "notify_commands in config.json of c2d has none; add it there and start c2d again";
            return Err(invalid_field(
                "to",
                format!("unknown command {command:?}"),
                &hint::for_unknown(&command, known, nothing),
            ));
        }
        _ => {}
    }
    Ok(RuleRecord { name, on, to, group, job_name, schedule, seq: 0, notice: 0 })
}

pub(crate) async fn list(State(app): State<App>, QueryOf(NoQuery {}): QueryOf<NoQuery>) -> Answer<NotificationList> {
    let rules =
        app.engine.read(|s, _| s.rules().map(|rule| (rule.clone(), s.missing(rule))).collect::<Vec<_>>()).await?;
    let troubles = app.messenger.troubles();
    let rows = rules.into_iter().map(|(rule, missing)| row(rule, missing, &troubles));
    Ok(Json(NotificationList { notifications: rows.collect() }))
}

pub(crate) async fn show(State(app): State<App>, Name(name): Name) -> Answer<NotificationRow> {
    let found = app.engine.read(move |s, _| s.rule(&name).map(|rule| (s.missing(&rule), rule))).await?;
    let (missing, rule) = found.map_err(Refusal::from)?;
    Ok(Json(row(rule, missing, &app.messenger.troubles())))
}

pub(crate) async fn remove(State(app): State<App>, Name(name): Name) -> Answer<NotificationGone> {
    app.engine.apply(event::RuleRemoved { name: name.clone() }).await?;
    Ok(Json(NotificationGone { gone: name }))
}

pub(crate) async fn test(State(app): State<App>, Name(name): Name) -> Answer<NotificationTested> {
    let rule = rule(&app, name).await?;
    let target = Target::read(&rule.to).map_err(|message| invalid_field("to", message, TARGETS))?;
    let trouble = app.messenger.outside.send(&target, &Message::of_test(&rule.name)).await.err();
    Ok(Json(NotificationTested { to: target.shown(), trouble }))
}

async fn rule(app: &App, name: String) -> Result<RuleRecord, ApiError> {
    Ok(app.engine.read(move |scheduler, _| scheduler.rule(&name)).await?.map_err(Refusal::from)?)
}

fn row(rule: RuleRecord, missing: Option<String>, troubles: &Troubles) -> NotificationRow {
    let trouble = troubles.get(&rule.name);
    NotificationRow {
        to: Target::read(&rule.to).map_or_else(|_| "..".to_owned(), |target| target.shown()),
        missing,
        trouble: trouble.map(|trouble| trouble.reason.clone()),
        failures: trouble.map_or(0, |trouble| trouble.failures),
        name: rule.name,
        on: rule.on,
        group: rule.group,
        job_name: rule.job_name,
        schedule: rule.schedule,
    }
}

/// What is wrong with what was asked of a notification.
pub(crate) fn refusal(reject: &Reject) -> ApiError {
    let (code, hint) = match reject {
        Reject::NotificationExists { name } => (
            ErrorCode::Conflict,
            format!("change it with `notify change {name}`, or remove it first with `notify remove {name}`"),
        ),
        Reject::NotificationChanged { name } => {
            (ErrorCode::Busy, format!("look at it, and change it again: notify show {name}"))
        }
        Reject::UnknownNotification { name, known } => {
            let nothing = "there is none yet; add one with: notify add NAME --on=failed --to=TARGET";
            (ErrorCode::NotFound, hint::for_unknown(name, known.iter().map(String::as_str), nothing))
        }
        _ => (ErrorCode::Conflict, "remove some with: notify remove NAME".to_owned()),
    };
    let body = ErrorBody::new(code, reject.to_string(), hint);
    if matches!(reject, Reject::NotificationExists { .. }) { body.in_field("name").into() } else { body.into() }
}
