//! Jobs that wait at a worker: how they are found, and what is wanted of them, as a column of what that holds.

use std::sync::Arc;

use c2_shared::job::{Dependency, Terms};
use serde::{Deserialize, Serialize};

use crate::sched::decision::{Wanted, Wish};
use crate::sched::event::NewJob;
use crate::store::StoreError;
use crate::store::columns::{json, to_json};

/// What was given to a worker ahead of a slot, and what is to become of it if it comes back.
pub(super) const AHEAD: &str = "
ALTER TABLE hold ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hold ADD COLUMN wish TEXT;
";

/// Holds for jobs that are queued, and for those that wait at a worker as far as is stored.
pub(super) const QUEUED: &str = "(state = ? OR state = 3 AND EXISTS
    (SELECT 1 FROM hold WHERE hold.job = job.id AND hold.number = job.attempt AND hold.ahead = 1))";

#[derive(Deserialize, Serialize)]
struct Written {
    hold: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Change>,
}

#[derive(Deserialize, Serialize)]
struct Change {
    payload: String,
    name: Option<String>,
    terms: Arc<Terms>,
    depends: Vec<Dependency>,
    renames: bool,
    limit_s: Option<u64>,
    before_start: bool,
}

pub(super) fn written(Wish { hold, change }: &Wish) -> String {
    let change = change.as_deref().map(|Wanted { new, depends, limit_s, before_start }| Change {
        payload: new.payload.to_string(),
        name: new.name.as_deref().map(str::to_owned),
        terms: Arc::clone(&new.terms),
        depends: new.depends.clone(),
        renames: *depends,
        limit_s: *limit_s,
        before_start: *before_start,
    });
    to_json(&Written { hold: *hold, change })
}

pub(super) fn read(text: &str) -> Result<Wish, StoreError> {
    let Written { hold, change } = json(text)?;
    let change = change.map(|change| {
        let Change { payload, name, terms, depends, renames, limit_s, before_start } = change;
        let new = NewJob { payload: Arc::from(payload), name: name.map(Into::into), terms, depends };
        Box::new(Wanted { new, depends: renames, limit_s, before_start })
    });
    Ok(Wish { hold, change })
}
