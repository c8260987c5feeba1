//! Counters, as JSON and for Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use c2_shared::api::jobs::QueueStatus;
use c2_shared::api::metrics::Metrics;
use c2_shared::job::JobState;

use crate::http::handler::{Answer, ApiError, App, Json, State, serves};

serves!(METRICS => json, PROMETHEUS => prometheus);

pub(crate) async fn json(State(app): State<App>) -> Answer<Metrics> {
    let (queue, submitted) = look(&app).await?;
    Ok(Json(metrics(&app, &queue, submitted)))
}

pub(crate) async fn prometheus(State(app): State<App>) -> Result<Response, ApiError> {
    let (queue, submitted) = look(&app).await?;
    let text = exposition(&metrics(&app, &queue, submitted), &queue);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

async fn look(app: &App) -> Result<(QueueStatus, u64), ApiError> {
    Ok(app.engine.read(|scheduler, now| (scheduler.queue(now), scheduler.last_job())).await?)
}

fn metrics(app: &App, queue: &QueueStatus, submitted: u64) -> Metrics {
    Metrics {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_s: app.clock.now().mono.0 / 1_000,
        jobs_processed: queue.ended.values().sum(),
        jobs_submitted: submitted,
        active_workers: queue.workers_online,
        queue_size: queue.active,
        requests: app.requests.load(Ordering::Relaxed),
        connections: app.doors.len(),
        connections_closed: app.doors.closed(),
    }
}

fn exposition(metrics: &Metrics, queue: &QueueStatus) -> String {
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
    family("c2_connections", "gauge", "Connections that are open.", &[("", size(metrics.connections))]);
    let closed = [("", metrics.connections_closed)];
    family("c2_connections_closed_total", "counter", "Connections closed for others since c2d started.", &closed);
    family("c2_jobs_submitted_total", "counter", "Jobs ever accepted.", &[("", metrics.jobs_submitted)]);
    let ended = [
        ("{state=\"succeeded\"}", queue.ended[&JobState::Succeeded]),
        ("{state=\"failed\"}", queue.ended[&JobState::Failed]),
        ("{state=\"cancelled\"}", queue.ended[&JobState::Cancelled]),
    ];
    family("c2_jobs_ended_total", "counter", "Jobs ever ended, by final state.", &ended);
    let active = [
        ("{state=\"blocked\"}", size(queue.blocked)),
        ("{state=\"held\"}", size(queue.held)),
        ("{state=\"queued\"}", size(queue.queued)),
        ("{state=\"running\"}", size(queue.running)),
    ];
    family("c2_jobs_active", "gauge", "Jobs that have not ended, by state.", &active);
    family("c2_queue_capacity", "gauge", "Jobs that may be active at once.", &[("", size(queue.capacity))]);
    family("c2_workers_online", "gauge", "Workers that can be given work.", &[("", size(queue.workers_online))]);
    family("c2_slots", "gauge", "Slots of online workers.", &[("", u64::from(queue.slots))]);
    family("c2_slots_used", "gauge", "Slots of online workers in use.", &[("", u64::from(queue.slots_used))]);
    text
}
