//! Counters, as JSON and for Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use c2_shared::api::metrics::Metrics;

use crate::http::handler::{Answer, ApiError, App, Json, State, serves};
use crate::sched::QueueView;

serves!(METRICS => json, PROMETHEUS => prometheus);

pub(crate) async fn json(State(app): State<App>) -> Answer<Metrics> {
    let (view, submitted) = look(&app).await?;
    Ok(Json(metrics(&app, &view, submitted)))
}

pub(crate) async fn prometheus(State(app): State<App>) -> Result<Response, ApiError> {
    let (view, submitted) = look(&app).await?;
    let text = exposition(&metrics(&app, &view, submitted), &view);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

async fn look(app: &App) -> Result<(QueueView, u64), ApiError> {
    Ok(app.engine.read(|scheduler, now| (scheduler.queue(now), scheduler.last_job())).await?)
}

fn metrics(app: &App, view: &QueueView, submitted: u64) -> Metrics {
    Metrics {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_s: app.clock.now().mono.0 / 1_000,
        jobs_processed: view.succeeded + view.failed + view.cancelled,
        jobs_submitted: submitted,
        active_workers: view.workers_online,
        queue_size: view.blocked + view.held + view.queued + view.running,
        requests: app.requests.load(Ordering::Relaxed),
    }
}

fn exposition(metrics: &Metrics, view: &QueueView) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: &[(&str, u64)]| {
        // Writing into a String does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (label, value) in samples {
            let _ = writeln!(text, "{name}{label} {value}");
        }
    };
    let size = |n: usize| n as u64;
    family("c2_uptime_seconds", "gauge", "Seconds since c2d started.", &[("", metrics.uptime_s)]);
    family("c2_requests_total", "counter", "Requests answered since c2d started.", &[("", metrics.requests)]);
    family("c2_jobs_submitted_total", "counter", "Jobs ever accepted.", &[("", metrics.jobs_submitted)]);
    let ended = [
        ("{state=\"succeeded\"}", view.succeeded),
        ("{state=\"failed\"}", view.failed),
        ("{state=\"cancelled\"}", view.cancelled),
    ];
    family("c2_jobs_ended_total", "counter", "Jobs ever ended, by final state.", &ended);
    let active = [
        ("{state=\"blocked\"}", size(view.blocked)),
        ("{state=\"held\"}", size(view.held)),
        ("{state=\"queued\"}", size(view.queued)),
        ("{state=\"running\"}", size(view.running)),
    ];
    family("c2_jobs_active", "gauge", "Jobs that have not ended, by state.", &active);
    family("c2_queue_capacity", "gauge", "Jobs that may be active at once.", &[("", size(view.capacity))]);
    family("c2_workers_online", "gauge", "Workers that can be given work.", &[("", size(view.workers_online))]);
    family("c2_slots", "gauge", "Slots of online workers.", &[("", u64::from(view.slots))]);
    family("c2_slots_used", "gauge", "Slots of online workers in use.", &[("", u64::from(view.slots_used))]);
    text
}
