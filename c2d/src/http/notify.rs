//! Notifications: saying whom to tell of what, and trying it. What is secret in a target is never shown.

use axum::Extension;
use axum::http::StatusCode;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::notifications::{
    NotificationGone, NotificationList, NotificationRequest, NotificationRow, NotificationTested,
};
use c2_shared::api::workers::NoQuery;
use c2_shared::hint;
use c2_shared::limits::BODY_BYTES_MAX;
use c2_shared::validate;

use crate::audit::Made;
use crate::engine::Refusal;
use crate::http::handler::{Answer, ApiError, App, Json, JsonBody, Name, QueryOf, State, invalid_field, serves};
use crate::sched::Reject;
use crate::sched::decision::RuleRecord;
use crate::sched::event;
use crate::services::messenger::{Message, Target, Troubles};

/// Bytes of a target.
const TARGET_BYTES_MAX: usize = 2_048;
const TARGETS: &str = "write https://.., ntfy:TOPIC, discord:URL, slack:URL, apprise:URL, mail:ADDRESS or command:NAME";

serves!(ADD_NOTIFICATION => add, LIST_NOTIFICATIONS => list, GET_NOTIFICATION => show,
    REMOVE_NOTIFICATION => remove, TEST_NOTIFICATION => test);

pub(crate) async fn add(
    State(app): State<App>,
    JsonBody(request): JsonBody<NotificationRequest, BODY_BYTES_MAX>,
) -> Result<(StatusCode, Extension<Made>, Json<NotificationRow>), ApiError> {
    let NotificationRequest { name, on, to, group, job_name, schedule } = request;
    validate::own_name(&name)?;
    let filtered = group.is_some() || job_name.is_some() || schedule.is_some();
    if filtered && !on.iter().any(|kind| kind.is_of_job()) {
        let hint = "leave out group, job_name and schedule, or name what is told of such jobs, like failed";
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
    let rule = RuleRecord { name: name.clone(), on, to, group, job_name, schedule, seq: 0, notice: 0 };
    app.engine.apply(event::RuleAdded(rule)).await?;
    app.messenger.look();
    let made = Extension(Made(format!("notification {name}")));
    Ok((StatusCode::CREATED, made, show(State(app), Name(name)).await?))
}

pub(crate) async fn list(State(app): State<App>, QueryOf(NoQuery {}): QueryOf<NoQuery>) -> Answer<NotificationList> {
    let rules = app.engine.read(|s, _| s.rules().cloned().collect::<Vec<_>>()).await?;
    let troubles = app.messenger.troubles();
    Ok(Json(NotificationList { notifications: rules.into_iter().map(|rule| row(rule, &troubles)).collect() }))
}

pub(crate) async fn show(State(app): State<App>, Name(name): Name) -> Answer<NotificationRow> {
    Ok(Json(row(rule(&app, name).await?, &app.messenger.troubles())))
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

fn row(rule: RuleRecord, troubles: &Troubles) -> NotificationRow {
    let trouble = troubles.get(&rule.name);
    NotificationRow {
        to: Target::read(&rule.to).map_or_else(|_| "..".to_owned(), |target| target.shown()),
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
        Reject::NotificationExists { name } => {
            (ErrorCode::Conflict, format!("remove it first with: notify remove {name}"))
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
