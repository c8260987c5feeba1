//! Why a job does not run.

use c2_shared::api::why::{Explanation, Silence, Whereabouts};
use c2_shared::id::AttemptId;

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
        Some((view, host, scheduler.explain(now, id)?))
    };
    let live = app.engine.read(asked).await?;
    let stored = match &live {
        // Of one that was never tried there is nothing to tell.
        Some((view, ..)) if view.attempt == 0 => None,
        _ => app.history.job(id).await?,
    };
    let before = stored.as_ref().and_then(|job| job.attempts.last()).cloned();
    let Some((view, host, Explained { reasons, workers, fetches })) = live else {
        let job = job_row(&stored.ok_or(Reject::UnknownJob { job: id })?.view);
        let (reasons, workers, fetches) = Default::default();
        let (silence, whereabouts, before, yields_to, elsewhere) = Default::default();
        return Ok(Json(Explanation {
            job,
            reasons,
            workers,
            fetches,
            silence,
            whereabouts,
            yields_to,
            elsewhere,
            before,
        }));
    };
    let silence = host.as_ref().filter(|_| view.unreachable).map(|host| silence(&view, host));
    let job = job_row(&view);
    let yields_to = host.as_ref().filter(|_| job.frozen).map(|host| host.load.yields_to.clone()).unwrap_or_default();
    let attempt = AttemptId { job: view.id, number: view.attempt };
    let waits = host.as_ref().and_then(|host| host.load.elsewhere.iter().find(|waits| waits.attempt == attempt));
    let elsewhere = waits.filter(|_| !view.unreachable).map(|waits| waits.reason.clone());
    let whereabouts = host.map(|host| {
        let given_at = before.as_ref().and_then(|attempt| attempt.given_at);
        let moved_from = given_at.filter(|at| *at != host.ip);
        Whereabouts { moved_from, passed_on: host.passed_on, copied_at: host.cloned_at }
    });
    // One that was given ahead may start yet.
    let before = before.filter(|attempt| whereabouts.is_none() && attempt.ended_ms.is_some());
    Ok(Json(Explanation { job, reasons, workers, fetches, silence, whereabouts, yields_to, elsewhere, before }))
}

/// What becomes of a job on a worker that is not heard.
fn silence(view: &JobView, host: &WorkerView) -> Silence {
    let (silent_ms, left_ms) = (host.silent_ms, host.lease_left_ms);
    Silence { silent_ms, left_ms, on_lost: payload::shown(&view.payload).on_lost }
}
