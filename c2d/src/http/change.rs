//! Changing jobs that have not ended: what of their specifications is to be otherwise, put over what they are.

use std::sync::Arc;

use axum::http::StatusCode;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::many::{ChangeRequest, ManyRequest, ManyResponse, RefusedJob};
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_shared::limits::BATCH_BODY_BYTES_MAX;
use c2_shared::selection::{Common, Selection};
use c2_shared::{json, validate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::http::batch::empty;
use crate::http::handler::{ApiError, App, JsonBody, State, invalid, invalid_field, serves};
use crate::http::submit::new_job;
use crate::http::{extract, many, wishes};
use crate::sched::BatchLimited;
use crate::sched::{Change, Reject, Scheduler, Which};
use crate::store::payload;

serves!(CHANGE_JOBS => change);

/// What can change at any time.
const ALWAYS: [&str; 7] = ["name", "priority", "timeout_s", "retries", "retry_delay_s", "on_lost", "notify"];
/// What can change until the job starts.
const BEFORE: &[&str] = &[
    "batch",
    "cpus",
    "memory_bytes",
    "gpus",
    "vram_bytes",
    "needs",
    "command",
    "group",
    "tags",
    "depends",
    "same_machine",
    "begin_at",
    "exclude",
    "workers",
    "expires_s",
    "env",
    "download",
    "umask",
    "cwd",
    "shell",
    "with_files_of",
    "shares",
];

/// Whether a field of a job that was submitted can change.
pub(crate) fn changes(key: &str) -> bool {
    ALWAYS.contains(&key) || BEFORE.contains(&key)
}

/// What is to be otherwise.
struct Patch {
    set: Map<String, Value>,
    more_time_s: Option<u64>,
}

pub(crate) async fn change(
    State(app): State<App>,
    JsonBody(request): JsonBody<ChangeRequest, BATCH_BODY_BYTES_MAX>,
) -> many::Done {
    let ChangeRequest { job_ids, select, set, more_time_s, max_running } = request;
    let Which { jobs, all } = many::which(&app, ManyRequest { job_ids, select }).await?;
    let limit = max_running.map(|n| limit(&jobs, all.as_ref(), n)).transpose()?;
    if let (Some(limit), true, None) = (&limit, set.is_empty(), more_time_s) {
        let each = app.engine.apply(limit.clone()).await?;
        return many::audited(StatusCode::OK, ManyResponse { max_running, ..many::told(each) });
    }
    let patch = Patch::new(set, more_time_s)?;
    if let Some(limit) = limit {
        app.engine.apply(limit).await?;
    }
    let read = move |s: &Scheduler, now| {
        let jobs = s.meant(now, &Which { jobs, all });
        jobs.into_iter().map(|id| (id, s.payload(id))).collect()
    };
    let found: Vec<(JobId, Result<Arc<str>, Reject>)> = app.engine.read(read).await?;
    let (mut changes, mut refused) = (Vec::new(), Vec::new());
    for (job, was) in found {
        match was.map_err(ApiError::from).and_then(|was| patch.over(job, &was)) {
            Ok(change) => changes.push(change),
            Err(error) => refused.push(RefusedJob { job_id: job, error: error.into_body() }),
        }
    }
    let (late, each) = wishes::change(&app, changes).await?;
    let mut answer = ManyResponse { max_running, ..many::told(each) };
    answer.refused.extend(refused);
    answer.later.extend(&late);
    many::audited(wishes::status(&late), answer)
}

/// How many jobs of a batch may run at once, which is of the batch and of none of its jobs.
fn limit(jobs: &[JobId], all: Option<&Selection>, max_running: u32) -> Result<BatchLimited, ApiError> {
    match all {
        Some(all) if jobs.is_empty() && *all == Selection::all(all.common.clone()) => match &all.common {
            Common::Batch(batch) => {
                let max_running = Some(max_running).filter(|n| *n > 0);
                return Ok(BatchLimited { batch: batch.as_str().into(), max_running });
            }
            Common::State(_) | Common::Group(_) => {}
        },
        _ => {}
    }
    let hint = "name the batch alone, like {\"select\": \"@batch:night\"}";
    Err(invalid_field("max_running", "max_running is of a batch as a whole", hint))
}

impl Patch {
    /// Refuses what no job could become.
    fn new(set: Map<String, Value>, more_time_s: Option<u64>) -> Result<Self, ApiError> {
        if set.is_empty() && more_time_s.is_none() {
            return Err(empty("set", "name what is to change, like {\"set\": {\"priority\": 5}}"));
        }
        if more_time_s.is_some() && set.contains_key("timeout_s") {
            return Err(invalid("a new time limit and more time contradict each other", "give one of them"));
        }
        // What is no field at all is told by whoever reads it.
        let plain = JobSpec { command: ":".to_owned(), ..JobSpec::default() };
        merged(&plain, &set, changes)?;
        match set.keys().map(String::as_str).find(|key| !changes(key)) {
            None => Ok(Self { set, more_time_s }),
            Some("hold") => Err(invalid("hold is not part of a change", "use POST /api/jobs/hold or release")),
            Some(key) => {
                let hint = "cancel the job, and submit it again as you want it";
                Err(invalid(format!("{key} does not change"), hint))
            }
        }
    }

    /// What a job with this specification is to become.
    fn over(&self, job: JobId, was: &Arc<str>) -> Result<Change, ApiError> {
        let old = payload::read(was).map_err(|reason| ApiError::from(Reject::Unreadable { job, reason }))?;
        let mut spec = merged(&old, &self.set, changes)?;
        if let Some(more_s) = self.more_time_s {
            let limit_s = spec.timeout_s.ok_or_else(|| {
                let hint = "set one for it, as with --timeout=1h";
                ErrorBody::new(ErrorCode::Conflict, format!("{job} has no time limit"), hint)
            })?;
            spec.timeout_s = Some(limit_s.saturating_add(more_s));
        }
        validate::new_spec(&spec)?;
        let has_limit = self.more_time_s.is_some() || self.set.contains_key("timeout_s");
        let limit_s = has_limit.then(|| spec.timeout_s.unwrap_or(0));
        let fixed = BEFORE.iter().copied().find(|key| self.set.contains_key(*key));
        let depends = self.set.contains_key("depends");
        Ok(Change { job, was: Arc::clone(was), new: new_job(spec), depends, limit_s, fixed })
    }
}

/// A specification, or what else is an object, with some of its fields otherwise. `null` takes back those that may
/// be without a value.
pub(crate) fn merged<T: Serialize + DeserializeOwned>(
    old: &T,
    set: &Map<String, Value>,
    may_go: impl Fn(&str) -> bool,
) -> Result<T, ApiError> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(old) else { unreachable!("it is an object") };
    for (key, value) in set {
        match value {
            Value::Null if may_go(key) => drop(fields.remove(key)),
            value => drop(fields.insert(key.clone(), value.clone())),
        }
    }
    let text = serde_json::to_vec(&fields).expect("what was JSON is JSON");
    json::read(&text).map_err(|unreadable| {
        let body = extract::unreadable(unreadable);
        ErrorBody { field: body.field.map(|field| format!("set.{field}")), ..body }.into()
    })
}
