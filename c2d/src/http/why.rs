//! Why a job does not run.

use c2_shared::api::why::Explanation;

use crate::http::handler::{Answer, App, Json, Name, State, serves};
use crate::rows::job_row;
use crate::sched::{Explained, Reject, Scheduler};

serves!(WHY => why);

pub(crate) async fn why(State(app): State<App>, name: Name) -> Answer<Explanation> {
    let id = name.job()?;
    let asked = move |scheduler: &Scheduler, now| Some((scheduler.job(now, id)?, scheduler.explain(now, id)?));
    let (view, Explained { reasons, workers }) = match app.engine.read(asked).await? {
        Some(live) => live,
        None => {
            let stored = app.history.job(id).await?.ok_or(Reject::UnknownJob { job: id })?;
            (stored.view, Explained::default())
        }
    };
    Ok(Json(Explanation { job: job_row(&view), reasons, workers }))
}
