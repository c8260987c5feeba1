//! The machines and jobs of the pictures: a server, a graphics box, two old laptops and a Pi.

use c2_shared::api::events::{Change, Event};
use c2_shared::api::figures::{Span, Timeline};
use c2_shared::api::jobs::JobRow;
use c2_shared::api::workers::WorkerRow;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobState, Needs, Outcome};
use c2_shared::resources::Capacity;
use c2_shared::worker::{GpuMemory, Load, WorkerStatus};

use crate::app::figures::Figures;
use crate::app::{Model, Msg, Settings};
use crate::tests::demo::{NOW, id, ip, job, queue, send};

const GIB: u64 = 1 << 30;

fn machine(last: u8, hostname: &str, groups: &[&str], used: u32, cpu: f32, memory: (u64, u64)) -> WorkerRow {
    WorkerRow {
        ip: ip(last),
        worker_id: id(last),
        hostname: hostname.to_owned(),
        status: WorkerStatus::Online,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        slots: 4,
        slots_used: used,
        capacity: Capacity::default(),
        taken: Needs::default(),
        tags: [].into(),
        silent_ms: Some(400 + u64::from(last) * 90),
        status_reason: None,
        suspect: false,
        copied_at: None,
        passed_on: false,
        past_lease: false,
        mac: None,
        wakes_failed: 0,
        load: Load {
            cpu_percent: cpu,
            memory_used_bytes: memory.0 * GIB,
            memory_total_bytes: memory.1 * GIB,
            load_1m: cpu / 25.0,
            gpu_percent: Vec::new(),
            gpu_processes: Vec::new(),
            gpu_memory: Vec::new(),
            disk_free_bytes: Some(180 * GIB),
            disk_full: false,
            yields_to: Vec::new(),
            shares: Vec::new(),
            elsewhere: Vec::new(),
        },
        version: "0.1.0".to_owned(),
    }
}

/// The machines with loads that move a little from one look to the next.
fn machines(look: u16) -> Vec<WorkerRow> {
    let sway = |base: f32, by: f32, phase: u16| (base + by * (f32::from(look + phase) * 1.3).sin()).clamp(0.0, 100.0);
    let mut titan = machine(11, "titan", &["gpu", "compute"], 4, sway(91.0, 6.0, 0), (48, 64));
    titan.load.gpu_percent = vec![sway(96.0, 3.0, 1), sway(71.0, 20.0, 2)];
    let memory = |used| GpuMemory { used_bytes: used * GIB, total_bytes: 24 * GIB };
    titan.load.gpu_memory = vec![memory(20), memory(11)];
    let held = |job: u64| Some(AttemptId { job: JobId(job), number: 1 });
    titan.tags = [("gpu:0".to_owned(), held(1207)), ("gpu:1".to_owned(), held(1208))].into();
    let atlas = machine(6, "atlas", &["compute", "storage"], 3, sway(54.0, 25.0, 3), (19, 32));
    let t430 = machine(12, "t430", &["compute"], 2, sway(47.0, 30.0, 4), (5, 8));
    let mut x220 = machine(13, "x220", &["compute"], 1, sway(22.0, 14.0, 5), (3, 4));
    x220.status = WorkerStatus::Draining;
    let mut pi = machine(14, "pi", &["storage"], 0, 0.0, (1, 4));
    (pi.status, pi.silent_ms) = (WorkerStatus::Offline, Some(754_000));
    vec![atlas, titan, t430, x220, pi]
}

struct Line {
    id: u64,
    state: JobState,
    worker: u8,
    name: Option<&'static str>,
    group: Option<&'static str>,
    tags: &'static [&'static str],
    command: String,
    seconds: u64,
}

fn line(id: u64, state: JobState, worker: u8, seconds: u64, command: &str) -> Line {
    Line { id, state, worker, name: None, group: None, tags: &[], command: command.to_owned(), seconds }
}

fn on_gpu(mut line: Line, name: &'static str, tags: &'static [&'static str]) -> Line {
    line.name = Some(name);
    line.group = Some("gpu");
    line.tags = tags;
    line
}

fn jobs() -> Vec<JobRow> {
    use JobState::{Blocked, Cancelled, Failed, Held, Queued, Running, Succeeded};
    let mut lines = vec![
        line(1196, Succeeded, 12, 1_912, "ffmpeg -i holiday-2009.avi -c:v libsvtav1 -crf 30 holiday-2009.mkv"),
        line(1198, Succeeded, 11, 1_610, "make -j4 -C linux bzImage"),
        line(1199, Failed, 13, 1_402, "ffmpeg -i wedding.avi -c:v libsvtav1 -crf 30 wedding.mkv"),
        line(1200, Succeeded, 6, 1_220, "restic -r /srv/backup check --read-data-subset 5%"),
        line(1201, Cancelled, 12, 900, "python crawl.py --depth 9"),
        line(1202, Succeeded, 6, 640, "borg prune --keep-daily 7 /srv/photos"),
        line(1203, Succeeded, 12, 410, "convert *.cr2 -resize 50% out/"),
        line(1204, Succeeded, 6, 200, "sqlite3 /srv/notes.db 'PRAGMA integrity_check'"),
        on_gpu(
            line(
                1207,
                Running,
                11,
                8_130,
                "python train.py --model resnet50 --epochs 90 --data /srv/imagenet --out runs/7",
            ),
            "train",
            &["gpu:0"],
        ),
        on_gpu(
            line(1208, Running, 11, 2_460, "blender -b scene.blend -o //frame_#### -s 1 -e 240 -a"),
            "render",
            &["gpu:1"],
        ),
        line(1209, Running, 11, 320, "cargo test --workspace --release"),
        line(1210, Running, 11, 44, "zstd -19 -T4 dumps/2026-11.sql"),
        line(1211, Running, 6, 1_580, "restic -r /srv/backup backup /srv/photos"),
        line(1212, Running, 6, 95, "ffmpeg -i birthday.mp4 -vf yadif birthday-p.mkv"),
        line(1213, Running, 6, 12, "find /srv -size +4G -printf '%s %p\\n'"),
        line(1214, Running, 12, 610, "ffmpeg -i sunset.mov -c:v libsvtav1 -crf 30 sunset.mkv"),
        line(1215, Running, 12, 33, "tesseract scan-0031.png scan-0031 -l deu pdf"),
        line(1216, Running, 13, 240, "rsync -a --delete /srv/music/ /mnt/player/"),
        on_gpu(line(1217, Queued, 0, 0, "python eval.py --checkpoint runs/7/last.pt"), "eval", &["gpu:0"]),
        on_gpu(line(1218, Blocked, 0, 0, "tar czf results.tar.gz runs/7"), "pack", &[]),
        line(1219, Held, 0, 0, "sudo apt upgrade -y"),
    ];
    lines.extend(
        (32..47).map(|page| {
            line(1188 + page, Queued, 0, 0, &format!("tesseract scan-00{page}.png scan-00{page} -l deu pdf"))
        }),
    );
    lines.into_iter().map(row).collect()
}

fn row(line: Line) -> JobRow {
    let mut row = job(1, line.state);
    row.job_id = JobId(line.id);
    row.command = line.command;
    row.name = line.name.map(str::to_owned);
    row.group = line.group.map(str::to_owned);
    row.tags = line.tags.iter().map(|tag| (*tag).to_owned()).collect();
    row.worker = (line.worker > 0).then(|| ip(line.worker));
    row.worker_id = (line.worker > 0).then(|| id(line.worker));
    row.submitted_ms = NOW.wall_ms - 11_000_000 + (line.id - 1_190) * 120_000;
    if row.worker.is_some() {
        let took_ms = if line.state.is_terminal() { line.id * 7_919 % 600_000 } else { 0 };
        row.started_ms = Some(NOW.wall_ms - line.seconds * 1_000 - took_ms);
    }
    if line.state.is_terminal() {
        row.ended_ms = Some(NOW.wall_ms - line.seconds * 1_000);
    }
    if line.id == 1199 {
        row.outcome = Some(Outcome::Signal { signal: 9 });
    }
    row
}

/// Job, worker, name, and so many seconds ago from when to when.
type Ran = (u64, u8, &'static str, JobState, u64, Option<u64>);

/// What ran in the last quarter of an hour.
pub(super) fn day() -> Msg {
    use JobState::{Cancelled, Failed, Running, Succeeded};
    let ran: [Ran; 17] = [
        (1207, 11, "train", Running, 8_130, None),
        (1208, 11, "render", Running, 2_460, None),
        (1209, 11, "test", Running, 320, None),
        (1198, 11, "bzImage", Succeeded, 980, Some(410)),
        (1205, 11, "lint", Succeeded, 390, Some(340)),
        (1210, 11, "dump", Running, 44, None),
        (1206, 11, "etl", Failed, 300, Some(120)),
        (1211, 6, "backup", Running, 1_580, None),
        (1202, 6, "prune", Succeeded, 860, Some(640)),
        (1204, 6, "check", Succeeded, 520, Some(200)),
        (1212, 6, "birthday", Running, 95, None),
        (1213, 6, "find", Running, 12, None),
        (1201, 12, "crawl", Cancelled, 1_000, Some(700)),
        (1214, 12, "sunset", Running, 610, None),
        (1203, 12, "convert", Succeeded, 470, Some(410)),
        (1215, 12, "scan-0031", Running, 33, None),
        (1216, 13, "rsync", Running, 240, None),
    ];
    let span = |(job, worker, name, state, from, to): Ran| Span {
        lost: false,
        job_id: JobId(job),
        attempt: 1,
        name: Some(name.to_owned()),
        worker: ip(worker),
        worker_id: Some(id(worker)),
        started_ms: NOW.wall_ms - from * 1_000,
        ended_ms: to.map(|to| NOW.wall_ms - to * 1_000),
        state,
    };
    let mut spans: Vec<Span> = ran.into_iter().map(span).collect();
    spans.sort_by_key(|span| span.started_ms);
    Msg::Figures(Figures::Timeline(Timeline { from_ms: NOW.wall_ms - 900_000, to_ms: NOW.wall_ms, spans }))
}

/// The console as it starts.
pub(super) fn alone(width: u16, height: u16) -> Model {
    let settings = Settings { server: "10.0.0.6:30814".to_owned(), ..Settings::default() };
    let mut model = Model::new(settings);
    send(&mut model, Msg::Resize { width, height });
    send(&mut model, Msg::Connected);
    model
}

/// The console of a working day.
pub(super) fn busy(width: u16, height: u16) -> Model {
    let mut model = alone(width, height);
    let jobs = jobs();
    let mut status = queue(&jobs);
    (status.workers_online, status.slots, status.slots_used) = (4, 16, 10);
    status.ended = [(JobState::Succeeded, 1_187), (JobState::Failed, 13), (JobState::Cancelled, 4)].into();
    let snapshot = crate::tests::demo::snapshot(machines(0), jobs);
    send(&mut model, snapshot);
    for look in 1..12 {
        let change = Change { workers: machines(look), queue: status.clone(), ..Change::default() };
        send(&mut model, Msg::Event(Event::Change(Box::new(change))));
    }
    model
}
