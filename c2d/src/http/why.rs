//! Why a job does not run.

use c2_shared::api::why::{Explanation, Silence};
use c2_shared::limits::LEASE_MS;

use crate::http::handler::{Answer, App, Json, Name, State, serves};
use crate::rows::job_row;
use crate::sched::{Explained, JobView, Reject, Scheduler, WorkerView};
use crate::store::payload;

serves!(WHY => why);

pub(crate) async fn why(State(app): State<App>, name: Name) -> Answer<Explanation> {
    let id = name.job()?;
    let asked = move |scheduler: &Scheduler, now| {
        let view = scheduler.job(now, id)?;
        let host = view.worker.as_ref().and_then(|worker| scheduler.worker(now, worker));
        let silence = host.filter(|_| view.unreachable).map(|host| silence(&view, &host));
        Some((view, scheduler.explain(now, id)?, silence))
    };
    let (view, Explained { reasons, workers }, silence) = match app.engine.read(asked).await? {
        Some(live) => live,
        None => {
            let stored = app.history.job(id).await?.ok_or(Reject::UnknownJob { job: id })?;
            (stored.view, Explained::default(), None)
        }
    };
    Ok(Json(Explanation { job: job_row(&view), reasons, workers, silence }))
}

/// What becomes of a job on a worker that is not heard. One that was never heard since c2d started has
/// the whole lease from then on, so as much may be left.
fn silence(view: &JobView, host: &WorkerView) -> Silence {
    let left_ms = if host.past_lease { 0 } else { LEASE_MS.saturating_sub(host.silent_ms.unwrap_or(0)) };
    Silence { silent_ms: host.silent_ms, left_ms, on_lost: payload::shown(&view.payload).on_lost }
}
