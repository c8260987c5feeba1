//! Batches, schedules, notifications and upgrades over HTTP, with each of their refusals.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::survey::Survey;
use super::{OPERATOR, PLAIN};

pub(super) async fn batches(survey: &mut Survey) -> Result<()> {
    let jobs = json!([{"command": "true", "batch": "night", "hold": true}]);
    let submit = "POST /api/jobs/submit-batch";
    survey.expect(OPERATOR, submit, Some(json!({"jobs": jobs, "max_running": 2})), 201, &Value::Null).await?;
    let nameless = Some(json!({"jobs": ["true"], "max_running": 2}));
    survey.expect(OPERATOR, submit, nameless, 400, &json!({"field": "jobs[0].batch"})).await?;
    let row = json!({"batch": "night", "jobs": 1, "held": 1, "max_running": 2});
    survey.expect(OPERATOR, "GET /api/batches", None, 200, &json!({"batches": [row]})).await?;
    survey.expect(OPERATOR, "GET /api/batches/night", None, 200, &row).await?;
    let hint = json!({"code": "not_found", "hint": "did you mean \"night\"?"});
    survey.expect(OPERATOR, "GET /api/batches/nigth", None, 404, &hint).await?;
    let change = Some(json!({"select": "@batch:night", "max_running": 3}));
    survey.expect(OPERATOR, "POST /api/jobs/change", change, 200, &json!({"done": [{"state": "held"}]})).await?;
    let whole = Some(json!({"select": "@held", "max_running": 3}));
    survey.expect(OPERATOR, "POST /api/jobs/change", whole, 400, &json!({"field": "max_running"})).await?;
    let misspelt = json!({"code": "not_found", "field": "select", "hint": "did you mean \"night\"?"});
    let unknown = json!({"code": "not_found", "field": "select"});
    for action in ["cancel", "hold", "release", "top", "bottom", "change"] {
        let action = format!("POST /api/jobs/{action}");
        let set = json!({"priority": 1});
        let of = |select: &str| match action.ends_with("change") {
            true => Some(json!({"select": select, "set": set})),
            false => Some(json!({"select": select})),
        };
        survey.expect(OPERATOR, &action, of("@batch:nigth"), 404, &misspelt).await?;
        survey.expect(OPERATOR, &action, of("@nogroup"), 404, &unknown).await?;
        survey.expect(OPERATOR, &action, of("@unreachable"), 200, &json!({"done": [], "refused": []})).await?;
    }
    let cancel = Some(json!({"select": "@batch:night"}));
    survey.expect(OPERATOR, "POST /api/jobs/cancel", cancel, 200, &json!({"refused": []})).await?;
    Ok(())
}

pub(super) async fn schedules(survey: &mut Survey) -> Result<()> {
    let of = |name: &str, spec: Value| {
        Some(json!({"name": name, "cron": "0 3 * * *", "timezone": "Europe/Berlin", "spec": spec}))
    };
    let job = json!({"command": "sleep 60", "group": "gpu"});
    let row = json!({"name": "backup", "cron": "0 3 * * *", "overlap": "skip", "missed": "once", "paused": false, "runs": []});
    survey.expect(OPERATOR, "POST /api/schedules", of("backup", job.clone()), 201, &row).await?;
    for (body, status, part) in [
        (of("backup", job.clone()), 409, json!({"code": "conflict", "field": "name"})),
        (of("list", job.clone()), 400, json!({"field": "name"})),
        (of("two words", job.clone()), 400, json!({"field": "name"})),
        (of("x", json!({"command": ""})), 400, json!({"field": "command"})),
        (of("x", json!({"command": "true", "begin_at": 5})), 400, json!({"field": "begin_at"})),
        (of("x", json!({"command": "true", "idempotency_key": "k"})), 400, json!({"field": "idempotency_key"})),
        (of("x", json!({"command": "true", "group": "gpuu"})), 400, json!({"field": "group"})),
        (of("x", json!({"command": "true", "exclude": ["TWIN"]})), 409, json!({"code": "ambiguous"})),
        (of("x", json!({"command": "true", "depends": ["job-99"]})), 404, json!({"code": "not_found"})),
        (Some(json!({"name": "x", "cron": "0 3 * *", "spec": {"command": "true"}})), 400, json!({"field": "cron"})),
        (
            Some(json!({"name": "x", "cron": "@daily", "timezone": "Nowhere", "spec": {"command": "true"}})),
            400,
            json!({"field": "timezone"}),
        ),
    ] {
        survey.expect(OPERATOR, "POST /api/schedules", body, status, &part).await?;
    }
    checked_schedules(survey, &job).await?;
    survey.expect(OPERATOR, "GET /api/schedules", None, 200, &json!({"schedules": [row]})).await?;
    survey.expect(OPERATOR, "GET /api/schedules/backup", None, 200, &row).await?;
    let paused = json!({"name": "backup", "paused": true});
    survey.expect(OPERATOR, "POST /api/schedules/pause/backup", None, 200, &paused).await?;
    survey.expect(OPERATOR, "POST /api/schedules/resume/backup", None, 200, &json!({"paused": false})).await?;
    let run = "POST /api/schedules/run/backup";
    let ran = survey.expect(OPERATOR, run, None, 201, &Value::Null).await?;
    survey.expect(OPERATOR, run, None, 409, &json!({"code": "conflict"})).await?;
    let runs = json!({"runs": [{"job_id": ran["job_id"]}]});
    survey.expect(OPERATOR, "GET /api/schedules/backup", None, 200, &runs).await?;
    changed_schedules(survey).await?;
    let cancel = format!("POST /api/jobs/cancel/{}", ran["job_id"].as_str().unwrap_or_default());
    survey.expect(OPERATOR, &cancel, None, 200, &Value::Null).await?;
    for operation in [
        "GET /api/schedules/NAME",
        "DELETE /api/schedules/NAME",
        "POST /api/schedules/change/NAME",
        "POST /api/schedules/pause/NAME",
        "POST /api/schedules/resume/NAME",
        "POST /api/schedules/run/NAME",
    ] {
        let body = operation.contains("change").then(|| json!({"cron": "@daily"}));
        let operation = operation.replace("NAME", "backupp");
        let hint = json!({"code": "not_found", "hint": "did you mean \"backup\"?"});
        survey.expect(OPERATOR, &operation, body, 404, &hint).await?;
    }
    let other = of("other", json!({"command": "true"}));
    survey.expect(OPERATOR, "POST /api/schedules", other, 201, &Value::Null).await?;
    survey.expect(OPERATOR, "DELETE /api/schedules/other", None, 200, &json!({"gone": "other"})).await?;
    Ok(())
}

/// What would be is shown and refused as if it were done, and nothing is done.
async fn checked_schedules(survey: &mut Survey, job: &Value) -> Result<()> {
    let add = |name: &str, cron: &str, spec: &Value| json!({"add": {"name": name, "cron": cron, "spec": spec}});
    let change = |change: Value| json!({ "change": change });
    let seen = survey
        .expect(OPERATOR, "POST /api/schedules/check/x", Some(add("x", "every 15m", job)), 200, &Value::Null)
        .await?;
    ensure!(seen["instants_ms"].as_array().is_some_and(|all| all.len() == 5), "{seen}");
    let row = json!({"schedule": {"name": "backup", "cron": "0 5 * * *", "spec": {"priority": 5}}});
    let body = Some(change(json!({"cron": "0 5 * * *", "set": {"priority": 5}})));
    survey.expect(OPERATOR, "POST /api/schedules/check/backup", body, 200, &row).await?;
    for (name, body, status, part) in [
        ("backup", add("backup", "@daily", job), 409, json!({"code": "conflict"})),
        ("list", add("list", "@daily", job), 400, json!({"field": "name"})),
        ("x", add("y", "@daily", job), 400, json!({"field": "add"})),
        ("x", add("x", "0 3 * *", job), 400, json!({"field": "cron"})),
        ("x", add("x", "@daily", &json!({"command": "true", "group": "gpuu"})), 400, json!({"field": "group"})),
        ("x", add("x", "@daily", &json!({"command": "true", "exclude": ["TWIN"]})), 409, json!({"code": "ambiguous"})),
        ("backupp", change(json!({"cron": "@daily"})), 404, json!({"hint": "did you mean \"backup\"?"})),
        ("backup", change(json!({})), 400, json!({"field": "set"})),
        ("backup", change(json!({"set": {"colour": 5}})), 400, json!({"code": "invalid_input"})),
        ("backup", json!({}), 400, json!({"field": "add"})),
    ] {
        survey.expect(OPERATOR, &format!("POST /api/schedules/check/{name}"), Some(body), status, &part).await?;
    }
    Ok(())
}

/// What is named is otherwise from then on, and the runs stay.
async fn changed_schedules(survey: &mut Survey) -> Result<()> {
    let change = "POST /api/schedules/change/backup";
    let otherwise = json!({"cron": "0 4 * * *", "missed": "all", "set": {"timeout_s": 60, "group": null}});
    let row = json!({"cron": "0 4 * * *", "timezone": "Europe/Berlin", "missed": "all", "paused": false,
        "spec": {"command": "sleep 60", "timeout_s": 60}, "runs": [{}]});
    let changed = survey.expect(OPERATOR, change, Some(otherwise), 200, &row).await?;
    ensure!(changed["spec"].get("group").is_none(), "it was taken back: {changed}");
    for (body, status, part) in [
        (json!({}), 400, json!({"field": "set"})),
        (json!({"cron": "4 * *"}), 400, json!({"field": "cron"})),
        (json!({"timezone": "Nowhere"}), 400, json!({"field": "timezone"})),
        (json!({"name": "other"}), 400, json!({"code": "invalid_input"})),
        (json!({"set": {"begin_at": 5}}), 400, json!({"field": "begin_at"})),
        (json!({"set": {"colour": 5}}), 400, json!({"code": "invalid_input"})),
        (json!({"set": {"colour": null}}), 400, json!({"code": "invalid_input"})),
        (json!({"set": {"command": null}}), 400, json!({"code": "invalid_input"})),
        (json!({"set": {"group": "gpuu"}}), 400, json!({"field": "group"})),
        (json!({"set": {"exclude": ["TWIN"]}}), 409, json!({"code": "ambiguous"})),
        (json!({"set": {"depends": ["job-99"]}}), 404, json!({"code": "not_found"})),
    ] {
        survey.expect(OPERATOR, change, Some(body), status, &part).await?;
    }
    survey.expect(OPERATOR, "GET /api/schedules/backup", None, 200, &row).await?;
    Ok(())
}

pub(super) async fn notifications(survey: &mut Survey) -> Result<()> {
    let to = |name: &str, to: &str| Some(json!({"name": name, "on": ["failed"], "to": to}));
    let add = "POST /api/notifications";
    let row = json!({"name": "phone", "on": ["failed"], "to": "http://127.0.0.77:9/.."});
    survey.expect(OPERATOR, add, to("phone", "http://127.0.0.77:9/SECRET"), 201, &row).await?;
    for (body, status, part) in [
        (to("phone", "ntfy:topic"), 409, json!({"code": "conflict", "field": "name"})),
        (to("test", "ntfy:topic"), 400, json!({"field": "name"})),
        (to("x", "me"), 400, json!({"field": "to"})),
        (to("x", "command:nothing"), 400, json!({"field": "to"})),
        (Some(json!({"name": "x", "on": [], "group": "g", "to": "ntfy:topic"})), 400, json!({"field": "on"})),
        (Some(json!({"name": "x", "on": ["queue-empty"], "to": "ntfy:t", "group": "g"})), 400, json!({"field": "on"})),
    ] {
        survey.expect(OPERATOR, add, body, status, &part).await?;
    }
    survey.expect(OPERATOR, "GET /api/notifications", None, 200, &json!({"notifications": [row]})).await?;
    survey.expect(OPERATOR, "GET /api/notifications/phone", None, 200, &row).await?;
    let tested = survey.expect(OPERATOR, "POST /api/notifications/test/phone", None, 200, &Value::Null).await?;
    ensure!(tested["trouble"].is_string(), "nobody listens there: {tested}");
    let change = "POST /api/notifications/change/phone";
    let set = |set: Value| Some(json!({"set": set}));
    let row = json!({"name": "phone", "on": ["ended"], "to": "http://127.0.0.77:9/..", "group": "gpu"});
    survey.expect(OPERATOR, change, set(json!({"on": ["ended"], "group": "gpu"})), 200, &row).await?;
    let changed = survey.expect(OPERATOR, change, set(json!({"group": null})), 200, &json!({"on": ["ended"]})).await?;
    ensure!(changed.get("group").is_none(), "it was taken back: {changed}");
    for (body, field) in [
        (set(json!({})), "set"),
        (set(json!({"name": "x"})), "set.name"),
        (set(json!({"to": "me"})), "to"),
        (set(json!({"on": [], "group": "g"})), "on"),
    ] {
        survey.expect(OPERATOR, change, body, 400, &json!({"field": field})).await?;
    }
    for operation in [
        "GET /api/notifications/NAME",
        "DELETE /api/notifications/NAME",
        "POST /api/notifications/change/NAME",
        "POST /api/notifications/test/NAME",
    ] {
        let body = operation.contains("change").then(|| json!({"set": {"to": "ntfy:x"}}));
        let operation = operation.replace("NAME", "fone");
        survey.expect(OPERATOR, &operation, body, 404, &json!({"code": "not_found"})).await?;
    }
    survey.expect(OPERATOR, "DELETE /api/notifications/phone", None, 200, &json!({"gone": "phone"})).await?;
    Ok(())
}

/// What is sent to an endpoint that reads nothing would be lost without a word.
pub(super) async fn bodies_that_none_reads(survey: &mut Survey) -> Result<()> {
    let bodiless = survey.bodiless.clone();
    ensure!(bodiless.len() > 30, "only {} endpoints take no body", bodiless.len());
    for one in bodiless {
        let path = one.filled(|_| "nothing-here".to_owned());
        let operation = format!("{} {path}", one.method.as_str());
        let none = json!({"code": "invalid_input", "message": "this request takes no body"});
        for body in [json!({"job_id": "job-1"}), json!([1]), json!({"a": "b".repeat(1_000)})] {
            survey.expect(Survey::right_one(one), &operation, Some(body), 400, &none).await?;
        }
    }
    survey.expect(OPERATOR, "GET /api/schedules", Some(json!({})), 200, &Value::Null).await?;
    Ok(())
}

/// A newer program for an agent, which is of the version that lies beside c2d.
pub(super) async fn upgrades(survey: &mut Survey, own: &str) -> Result<()> {
    let current = json!({"ip": own, "from": env!("CARGO_PKG_VERSION"), "to": env!("CARGO_PKG_VERSION")});
    survey.expect(OPERATOR, &format!("POST /api/workers/upgrade/{own}"), None, 200, &current).await?;
    survey.expect(PLAIN, "GET /api/workers/agent/pdp11", None, 404, &json!({"code": "not_found"})).await?;
    survey.expect(PLAIN, "GET /api/workers/agent/riscv64", None, 200, &Value::Null).await?;
    Ok(())
}

/// Who does not answer cannot be cleaned up; who is online cannot be removed.
pub(super) async fn an_online_worker_stays(survey: &mut Survey, own: &str) -> Result<()> {
    for query in ["", "?lost=true"] {
        let line = format!("DELETE /api/workers/{own}{query}");
        survey.expect(OPERATOR, &line, None, 409, &json!({"code": "conflict"})).await?;
    }
    Ok(())
}
