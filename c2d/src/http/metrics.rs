//! Counters, as JSON and for Prometheus.
//!
//! What happens is counted where it happens; all else is read when somebody asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use c2_shared::api::jobs::QueueStatus;
use c2_shared::api::metrics::Metrics;
use c2_shared::job::JobState;
use c2_shared::worker::WorkerStatus;

use crate::engine::Observed;
use crate::histogram::{SHORT, SharedHistogram};
use crate::http::exposition::{Exposition, seconds};
use crate::http::handler::{Answer, ApiError, App, Json, State, serves};
use crate::process::Process;
use crate::sched::WorkerView;

serves!(METRICS => json, PROMETHEUS => prometheus);

const ENDS: [(JobState, &str); 3] =
    [(JobState::Succeeded, "succeeded"), (JobState::Failed, "failed"), (JobState::Cancelled, "cancelled")];

/// What was answered since c2d started.
#[derive(Debug)]
pub(crate) struct Counters {
    /// Requests of all kinds.
    pub(crate) requests: AtomicU64,
    /// How long polls took until they were answered, with work and without.
    polls_with: SharedHistogram,
    polls_without: SharedHistogram,
}

impl Default for Counters {
    fn default() -> Self {
        let polls = || SharedHistogram::new(SHORT);
        Self { requests: AtomicU64::new(0), polls_with: polls(), polls_without: polls() }
    }
}

impl Counters {
    pub(crate) fn polled(&self, with_work: bool, took_ms: u64) {
        if with_work { &self.polls_with } else { &self.polls_without }.add(took_ms);
    }
}

/// What the engine says of the present.
struct Looked {
    queue: QueueStatus,
    submitted: u64,
    workers: Vec<WorkerView>,
    /// Jobs that could run, by the group that they ask for.
    waiting: BTreeMap<String, usize>,
    observed: Observed,
}

pub(crate) async fn json(State(app): State<App>) -> Answer<Metrics> {
    let (queue, submitted) = app.engine.read(|scheduler, now| (scheduler.queue(now), scheduler.last_job())).await?;
    let server = app.history.server().await?;
    let database = server.map(|server| server.checks()).unwrap_or_default();
    Ok(Json(Metrics { database, ..metrics(&app, &queue, submitted) }))
}

pub(crate) async fn prometheus(State(app): State<App>) -> Result<Response, ApiError> {
    let looked = app.engine.observe(|scheduler, observed, now| Looked {
        queue: scheduler.queue(now),
        submitted: scheduler.last_job(),
        workers: scheduler.workers(now),
        waiting: scheduler.waiting_by_group(),
        observed: observed.clone(),
    });
    let looked = looked.await?;
    let mut text = Exposition::default();
    of_c2d(&mut text, &metrics(&app, &looked.queue, looked.submitted), &app.counters);
    of_jobs(&mut text, &looked);
    of_groups(&mut text, &looked);
    of_workers(&mut text, &looked);
    of_process(&mut text, &Process::read());
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text.into_text()).into_response())
}

fn metrics(app: &App, queue: &QueueStatus, submitted: u64) -> Metrics {
    Metrics {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_s: app.clock.now().mono.0 / 1_000,
        jobs_processed: queue.ended.values().sum(),
        jobs_submitted: submitted,
        active_workers: queue.workers_online,
        queue_size: queue.active,
        requests: app.counters.requests.load(Ordering::Relaxed),
        connections: app.doors.len(),
        connections_closed: app.doors.closed(),
        database: Vec::new(),
    }
}

fn of_c2d(text: &mut Exposition, metrics: &Metrics, counters: &Counters) {
    text.gauge("c2_build_info", "The version of c2d.").sample(&[("version", &metrics.version)], 1);
    text.gauge("c2_uptime_seconds", "Seconds since c2d started.").sample(&[], metrics.uptime_s);
    text.counter("c2_requests_total", "Requests answered since c2d started.").sample(&[], metrics.requests);
    text.gauge("c2_connections", "Connections that are open.").sample(&[], metrics.connections);
    text.counter("c2_connections_closed_total", "Connections closed for others since c2d started.")
        .sample(&[], metrics.connections_closed);
    text.histogram("c2_poll_seconds", "How long polls of workers waited for their answer, since c2d started.")
        .durations(&[("answer", "work")], &counters.polls_with.seen())
        .durations(&[("answer", "nothing")], &counters.polls_without.seen());
}

fn of_jobs(text: &mut Exposition, Looked { queue, submitted, observed, .. }: &Looked) {
    text.counter("c2_jobs_submitted_total", "Jobs ever accepted.").sample(&[], submitted);
    let mut ended = text.counter("c2_jobs_ended_total", "Jobs ever ended, by final state.");
    for (state, word) in ENDS {
        ended.sample(&[("state", word)], queue.ended.get(&state).copied().unwrap_or(0));
    }
    let active =
        [("blocked", queue.blocked), ("held", queue.held), ("queued", queue.queued), ("running", queue.running)];
    let mut family = text.gauge("c2_jobs_active", "Jobs that have not ended, by state.");
    for (state, jobs) in active {
        family.sample(&[("state", state)], jobs);
    }
    text.gauge("c2_queue_capacity", "Jobs that may be active at once.").sample(&[], queue.capacity);
    text.gauge("c2_queue_paused", "Whether an operator stopped the queue.").sample(&[], u8::from(queue.paused));
    let help = "How long jobs could have run before they first did, by the group they ask for, since c2d started.";
    let mut waited = text.histogram("c2_job_wait_seconds", help);
    for (group, of_group) in observed.groups() {
        waited.durations(&[("group", group)], &of_group.waited);
    }
    let help = "How long the last attempt of jobs that ended ran, by group and final state, since c2d started.";
    let mut ran = text.histogram("c2_job_run_seconds", help);
    for (group, of_group) in observed.groups() {
        for (state, word) in ENDS {
            if let Some(durations) = of_group.ran.get(&state) {
                ran.durations(&[("group", group), ("state", word)], durations);
            }
        }
    }
}

/// Slots of the workers of a group that are online.
#[derive(Default)]
struct OfGroup {
    workers: usize,
    slots: u32,
    used: u32,
}

fn of_groups(text: &mut Exposition, Looked { workers, waiting, .. }: &Looked) {
    let mut groups: BTreeMap<&str, OfGroup> = BTreeMap::new();
    for worker in workers {
        for group in &worker.groups {
            let of_group = groups.entry(group).or_default();
            if is_online(worker) {
                of_group.workers += 1;
                of_group.slots += worker.slots;
                of_group.used += worker.slots_used;
            }
        }
    }
    let mut family = text.gauge("c2_group_waiting_jobs", "Jobs that wait for a worker, by the group they ask for.");
    for (group, jobs) in waiting {
        family.sample(&[("group", group)], jobs);
    }
    let mut each = |name: &str, help: &str, value: fn(&OfGroup) -> u64| {
        let mut family = text.gauge(name, help);
        for (group, of_group) in &groups {
            family.sample(&[("group", group)], value(of_group));
        }
    };
    each("c2_group_workers_online", "Workers of a group that are online.", |group| group.workers as u64);
    each("c2_group_slots", "Slots of the online workers of a group.", |group| group.slots.into());
    each("c2_group_slots_used", "Slots in use of the online workers of a group.", |group| group.used.into());
}

fn is_online(worker: &WorkerView) -> bool {
    worker.status.is_reachable()
}

fn of_workers(text: &mut Exposition, Looked { queue, workers, observed, .. }: &Looked) {
    text.gauge("c2_workers_online", "Workers that can be given work.").sample(&[], queue.workers_online);
    text.gauge("c2_slots", "Slots of online workers.").sample(&[], queue.slots);
    text.gauge("c2_slots_used", "Slots of online workers in use.").sample(&[], queue.slots_used);
    let mut each = |name: &str, help: &str, value: &dyn Fn(&WorkerView) -> Option<f64>| {
        let mut family = text.gauge(name, help);
        for worker in workers {
            let Some(value) = value(worker) else { continue };
            let id = worker.intro.id.to_string();
            family.sample(&[("worker_id", &id), ("hostname", &worker.intro.hostname)], value);
        }
    };
    each("c2_worker_online", "Whether a worker is online.", &|worker| Some(f64::from(u8::from(is_online(worker)))));
    each("c2_worker_quarantined", "Whether a worker gets no jobs because it cannot start them.", &|worker| {
        Some(f64::from(u8::from(worker.status == WorkerStatus::Quarantined)))
    });
    each("c2_worker_asleep", "Whether the machine of a worker sleeps, or is being woken.", &|worker| {
        Some(f64::from(u8::from(matches!(worker.status, WorkerStatus::Asleep | WorkerStatus::Waking))))
    });
    each("c2_worker_wakes_failed", "How often in a row a machine was woken and not heard.", &|worker| {
        Some(f64::from(worker.wakes_failed))
    });
    each("c2_worker_silent_seconds", "How long ago a worker was last heard.", &|worker| worker.silent_ms.map(seconds));
    each("c2_worker_slots", "Slots of a worker.", &|worker| Some(worker.slots.into()));
    each("c2_worker_slots_used", "Slots of a worker in use.", &|worker| Some(worker.slots_used.into()));
    each("c2_worker_cpu_ratio", "Processor use of a worker over all cores, 0 to 1.", &|worker| {
        is_online(worker).then(|| f64::from(worker.load.cpu_percent) / 100.0)
    });
    #[expect(clippy::cast_precision_loss, reason = "no machine has nine petabytes of memory")]
    each("c2_worker_memory_used_bytes", "Memory of a worker in use.", &|worker| {
        is_online(worker).then_some(worker.load.memory_used_bytes as f64)
    });
    let mut ended =
        text.counter("c2_worker_jobs_ended_total", "Jobs that ended on a worker since c2d started, by state.");
    for worker in workers {
        let id = worker.intro.id.to_string();
        for (state, word) in ENDS {
            let labels = [("worker_id", &*id), ("hostname", &*worker.intro.hostname), ("state", word)];
            ended.sample(&labels, observed.ended_on(&worker.intro.id, state));
        }
    }
}

fn of_process(text: &mut Exposition, process: &Process) {
    text.counter("process_cpu_seconds_total", "Processor time of c2d.").known(process.cpu_s);
    text.gauge("process_start_time_seconds", "When c2d started, in seconds since 1970.").known(process.start_s);
    text.gauge("process_resident_memory_bytes", "Memory of c2d that is resident.").known(process.resident_bytes);
    text.gauge("process_virtual_memory_bytes", "Address space of c2d.").known(process.virtual_bytes);
    text.gauge("process_threads", "Threads of c2d.").known(process.threads);
    text.gauge("process_open_fds", "Files and connections that c2d has open.").known(process.open_fds);
    text.gauge("process_max_fds", "Files and connections that c2d may have open.").known(process.max_fds);
}
