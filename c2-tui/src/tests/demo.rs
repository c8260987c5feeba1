//! A made-up cluster for tests of the core and of the screens.

use std::net::{IpAddr, Ipv4Addr};

use c2_shared::api::events::{Change, Event, Snapshot};
use c2_shared::api::jobs::{AttemptRow, JobInfo, JobRow, QueueStatus};
use c2_shared::api::workers::WorkerRow;
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{JobSpec, JobState, Needs, Outcome};
use c2_shared::resources::Capacity;
use c2_shared::time::Mono;
use c2_shared::worker::{GpuMemory, Load, WorkerStatus};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::app::{Effect, Model, Msg, Now, Settings, update};

/// The console's present in tests: 14:03:20 UTC.
pub(crate) const NOW: Now = Now { mono: Mono(1_000_000), wall_ms: 1_700_057_000_000 };

pub(crate) fn at(ms: u64) -> Now {
    Now { mono: NOW.mono.after_ms(ms), wall_ms: NOW.wall_ms + ms }
}

pub(crate) fn id(last: u8) -> WorkerId {
    format!("{last:08x}").into()
}

pub(crate) fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

pub(crate) fn job(n: u64, state: JobState) -> JobRow {
    let ran = matches!(state, JobState::Running | JobState::Succeeded | JobState::Failed);
    let outcome = match state {
        JobState::Succeeded => Some(Outcome::Exit { code: 0 }),
        JobState::Failed => Some(Outcome::Exit { code: 2 }),
        JobState::Cancelled => Some(Outcome::Cancelled),
        JobState::Blocked | JobState::Held | JobState::Queued | JobState::Running => None,
    };
    JobRow {
        job_id: JobId(n),
        name: None,
        state,
        command: format!("echo {n}"),
        group: None,
        batch: None,
        tags: Vec::new(),
        needs: Needs::default(),
        workers: Vec::new(),
        begin_at: None,
        priority: 0,
        worker: ran.then(|| ip(11)),
        worker_id: ran.then(|| id(11)),
        attempt: u32::from(ran),
        cancelling: false,
        unreachable: false,
        delivering: false,
        frozen: false,
        submitted_ms: NOW.wall_ms - 600_000 + n * 1_000,
        started_ms: ran.then(|| NOW.wall_ms - 300_000 + n * 1_000),
        took_ms: None,
        peak_bytes: None,
        cpu_ms: None,
        ended_ms: state.is_terminal().then(|| NOW.wall_ms - 100_000 + n * 1_000),
        outcome,
    }
}

fn worker(last: u8, hostname: &str, status: WorkerStatus, used: u32, cpu: f32) -> WorkerRow {
    WorkerRow {
        ip: ip(last),
        worker_id: id(last),
        hostname: hostname.to_owned(),
        status,
        groups: ["compute".to_owned()].into(),
        slots: 4,
        slots_used: used,
        capacity: Capacity::default(),
        taken: Needs::default(),
        tags: [("disk".to_owned(), None)].into(),
        silent_ms: Some(if status == WorkerStatus::Offline { 754_000 } else { 1_200 }),
        status_reason: None,
        suspect: false,
        copied_at: None,
        passed_on: false,
        past_lease: false,
        mac: None,
        wakes_failed: 0,
        load: Load {
            cpu_percent: cpu,
            memory_used_bytes: 11 << 30,
            memory_total_bytes: 32 << 30,
            load_1m: 1.5,
            gpu_percent: Vec::new(),
            gpu_processes: Vec::new(),
            gpu_memory: Vec::new(),
            disk_free_bytes: Some(210 << 30),
            disk_full: false,
            yields_to: Vec::new(),
            shares: Vec::new(),
            elsewhere: Vec::new(),
        },
        version: "0.1.0".to_owned(),
    }
}

/// Four workers: busy, idle, draining, offline.
pub(crate) fn workers() -> Vec<WorkerRow> {
    let mut atlas = worker(11, "atlas", WorkerStatus::Online, 3, 92.0);
    atlas.groups.insert("gpu".to_owned());
    atlas.load.gpu_percent = vec![87.0, 3.0];
    let memory = |used: u64| GpuMemory { used_bytes: used << 30, total_bytes: 24 << 30 };
    atlas.load.gpu_memory = vec![memory(20), memory(1)];
    let held = |attempt| Some(AttemptId { job: JobId(attempt), number: 1 });
    atlas.tags = [("disk".to_owned(), None), ("gpu:0".to_owned(), held(4)), ("gpu:1".to_owned(), None)].into();
    vec![
        atlas,
        worker(12, "borealis", WorkerStatus::Online, 0, 4.0),
        worker(13, "cassiopeia-workstation", WorkerStatus::Draining, 1, 40.0),
        worker(14, "pi", WorkerStatus::Offline, 0, 0.0),
    ]
}

/// Jobs in every state, with names, groups, tags and long commands.
pub(crate) fn jobs() -> Vec<JobRow> {
    let mut rows = vec![job(1, JobState::Succeeded), job(2, JobState::Failed), job(3, JobState::Cancelled)];
    let mut train = job(4, JobState::Running);
    train.name = Some("train".to_owned());
    train.command = "python train.py --model resnet50 --epochs 90 --data /srv/imagenet --out runs/7".to_owned();
    (train.group, train.tags) = (Some("gpu".to_owned()), vec!["gpu:0".to_owned()]);
    let mut render = job(5, JobState::Running);
    render.command = "blender -b scene.blend -o //frame_#### -f 1".to_owned();
    render.attempt = 2;
    let mut stopping = job(6, JobState::Running);
    (stopping.cancelling, stopping.worker, stopping.worker_id) = (true, Some(ip(13)), Some(id(13)));
    let mut wanting = job(7, JobState::Queued);
    wanting.command = "python eval.py --checkpoint last".to_owned();
    (wanting.group, wanting.tags) = (Some("gpu".to_owned()), vec!["gpu:0".to_owned()]);
    let mut after = job(8, JobState::Blocked);
    after.command = "tar czf results.tar.gz runs/7".to_owned();
    let mut held = job(9, JobState::Held);
    held.command = "sudo apt upgrade -y".to_owned();
    rows.extend([train, render, stopping, wanting, after, held]);
    rows.extend((10..=24).map(|n| job(n, JobState::Queued)));
    rows
}

pub(crate) fn queue(jobs: &[JobRow]) -> QueueStatus {
    let count = |state| jobs.iter().filter(|j| j.state == state).count();
    let active = jobs.iter().filter(|j| !j.state.is_terminal()).count();
    QueueStatus {
        blocked: count(JobState::Blocked),
        held: count(JobState::Held),
        queued: count(JobState::Queued),
        running: count(JobState::Running),
        unreachable: jobs.iter().filter(|j| j.unreachable).count(),
        cannot_run: 0,
        active,
        capacity: 50_000,
        ended: [(JobState::Succeeded, 120), (JobState::Failed, 3), (JobState::Cancelled, 1)].into(),
        workers_online: 2,
        slots: 8,
        slots_used: 3,
        recovering: false,
        paused: false,
        unreadable: Vec::new(),
    }
}

pub(crate) fn snapshot(workers: Vec<WorkerRow>, jobs: Vec<JobRow>) -> Msg {
    let mut queue = queue(&jobs);
    if workers.is_empty() {
        (queue.workers_online, queue.slots, queue.slots_used) = (0, 0, 0);
    }
    Msg::Event(Event::Snapshot(Box::new(Snapshot { workers, jobs, queue })))
}

pub(crate) fn change(jobs: Vec<JobRow>) -> Msg {
    let queue = queue(&jobs);
    Msg::Event(Event::Change(Box::new(Change { jobs, queue, ..Change::default() })))
}

pub(crate) fn info(row: JobRow) -> Box<JobInfo> {
    let spec = JobSpec { command: row.command.clone(), ..JobSpec::default() };
    let attempt = AttemptRow {
        given_at: None,
        number: 1,
        worker: ip(11),
        worker_id: Some(id(11)),
        started_ms: NOW.wall_ms - 300_000,
        ended_ms: Some(NOW.wall_ms - 240_000),
        took_ms: None,
        peak_bytes: None,
        cpu_ms: None,
        outcome: row.outcome.clone(),
        output_kept: Some(true),
    };
    Box::new(JobInfo {
        row,
        spec,
        attempts: vec![attempt],
        eta_s: None,
        stdout: "epoch 1\tloss 0.93\nepoch 2\tloss 0.71\n".to_owned(),
        stderr: "warning: no tensor cores\n".to_owned(),
        stdout_dropped: 0,
        stdout_hidden: 0,
        stderr_hidden: 0,
        stderr_dropped: 0,
    })
}

/// A console with this screen that has heard nothing yet.
pub(crate) fn console(width: u16, height: u16) -> Model {
    let (server, call) = ("10.0.0.6:30814".to_owned(), "c2-tui --server 10.0.0.6:30814".to_owned());
    let settings = Settings { server, call, ..Settings::default() };
    let mut model = Model::new(settings);
    send(&mut model, Msg::Resize { width, height });
    model
}

/// The same, connected to the made-up cluster.
pub(crate) fn busy(width: u16, height: u16) -> Model {
    let mut model = console(width, height);
    send(&mut model, Msg::Connected);
    let asked = send(&mut model, snapshot(workers(), jobs()));
    for effect in asked {
        if let Effect::Why { wait, job } = effect {
            let words = if job == JobId(8) { "job-4 has to succeed first, and is running" } else { "next to start" };
            send(&mut model, Msg::Why { wait, job, words: Some(words.to_owned()) });
        }
    }
    model
}

pub(crate) fn send(model: &mut Model, msg: Msg) -> Vec<Effect> {
    update(model, msg, NOW)
}

/// Presses keys by their names; anything of several letters that is no name is typed.
pub(crate) fn press(model: &mut Model, keys: &[&str]) -> Vec<Effect> {
    keys.iter().flat_map(|name| self::keys(name)).flat_map(|key| send(model, Msg::Key(key))).collect()
}

/// The keys of a name, or the letters of a text.
pub(crate) fn keys(name: &str) -> Vec<KeyEvent> {
    let (mut modifiers, mut base) = (KeyModifiers::NONE, name);
    for (prefix, modifier) in
        [("Ctrl-", KeyModifiers::CONTROL), ("Alt-", KeyModifiers::ALT), ("Shift-", KeyModifiers::SHIFT)]
    {
        if let Some(rest) = base.strip_prefix(prefix) {
            (modifiers, base) = (modifiers | modifier, rest);
        }
    }
    let code = match base {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        "Tab" => KeyCode::Tab,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Backspace" => KeyCode::Backspace,
        "Space" => KeyCode::Char(' '),
        "F1" => KeyCode::F(1),
        "F2" => KeyCode::F(2),
        "F3" => KeyCode::F(3),
        "F4" => KeyCode::F(4),
        "F5" => KeyCode::F(5),
        "F6" => KeyCode::F(6),
        "F7" => KeyCode::F(7),
        "F8" => KeyCode::F(8),
        text if modifiers.is_empty() => {
            return text.chars().map(|c| KeyEvent::new(KeyCode::Char(c), modifiers)).collect();
        }
        letter => KeyCode::Char(letter.to_lowercase().chars().next().expect("a chord has a letter")),
    };
    vec![KeyEvent::new(code, modifiers)]
}
