//! Jobs, the queue and the log as text.

use c2_shared::api::jobs::{AttemptRow, JobInfo, JobList, JobLog, JobRow, QueueStatus};
use c2_shared::job::{JobSpec, JobState, OnLost, Standing};
use c2_shared::time::span;

use crate::render::batches::ready_in;
use crate::render::look::{Look, bytes};
use crate::render::sanitize;
use crate::render::table::{Cell, Table, fields, flexible, numbers, words};
use crate::render::workers::joined;

/// Lines of output shown with a job; `output` shows more.
const OUTPUT_LINES: usize = 10;

pub(crate) fn list(look: &Look, list: &JobList, active_only: bool, filtered: bool) -> String {
    if list.jobs.is_empty() && filtered {
        return "no job fits these filters\n`jobs --all` without them lists all\n".to_owned();
    }
    if list.jobs.is_empty() && active_only {
        return "no job is waiting or running\n\
                `jobs --all` lists those that have ended, `submit \"echo hello\"` adds one\n"
            .to_owned();
    }
    if list.jobs.is_empty() {
        return "there is no job\n`submit \"echo hello\"` adds one\n".to_owned();
    }
    let mut table = Table::new([
        words("JOB"),
        words("STATE"),
        flexible("OUTCOME"),
        flexible("NAME"),
        words("GROUP").dispensable(),
        flexible("TAGS").dispensable(),
        words("WORKER"),
        words("SUBMITTED").dispensable(),
        numbers("TOOK").dispensable(),
        flexible("COMMAND"),
    ]);
    for row in &list.jobs {
        table.row([
            Cell::from(row.job_id.to_string()),
            Cell::styled(state(row), row.state),
            Cell::from(outcome(row)),
            Cell::from(row.name.as_deref().unwrap_or_default()),
            Cell::from(row.group.as_deref().unwrap_or_default()),
            Cell::from(joined(&row.tags)),
            Cell::from(worker(row)),
            Cell::from(look.short_time(row.submitted_ms)),
            Cell::from(took(row)),
            Cell::from(&row.command),
        ]);
    }
    let mut text = table.render(look);
    if let Some(after) = list.next_after {
        text.push_str(&format!("there are more after {after}; `--limit N` shows more\n"));
    }
    text
}

pub(crate) fn info(look: &Look, job: &JobInfo) -> String {
    let row = &job.row;
    let time = |ms: Option<u64>| ms.map(|ms| look.time(ms)).unwrap_or_default();
    let mut pairs = vec![
        ("job", row.job_id.to_string()),
        ("name", row.name.clone().unwrap_or_default()),
        ("state", state(row)),
        ("outcome", outcome(row)),
    ];
    pairs.extend(asked(look, &job.spec));
    pairs.extend([
        ("worker", worker(row)),
        ("submitted", look.time(row.submitted_ms)),
        ("started", time(row.started_ms)),
        ("ready in", ready_in(job.eta_s)),
        ("ended", time(row.ended_ms)),
        ("took", took(row)),
        ("used", used(row.peak_bytes, row.cpu_ms)),
    ]);
    let mut text = fields(look, &pairs);
    // One attempt at a job that has ended is in the fields already.
    let is_over = |attempt: &AttemptRow| attempt.ended_ms.is_some() && !row.state.is_terminal();
    if job.attempts.len() > 1 || job.attempts.iter().any(is_over) {
        text.push('\n');
        text.push_str(&attempts(look, &job.attempts));
    }
    let streams = [
        ("stdout", "", &job.stdout, (job.stdout_hidden, job.stdout_dropped)),
        ("stderr", " --stderr", &job.stderr, (job.stderr_hidden, job.stderr_dropped)),
    ];
    for (stream, flag, output, missing) in streams {
        if !output.is_empty() {
            text.push_str(&tail(stream, &format!("`output {}{flag}`", row.job_id), output, missing));
        }
    }
    text
}

/// All that was asked for when the job was submitted; a field that is not shown is named.
pub(crate) fn asked(look: &Look, spec: &JobSpec) -> Vec<(&'static str, String)> {
    let JobSpec {
        command,
        // With the job itself.
        name: _,
        group,
        tags,
        depends,
        same_machine,
        stdin,
        stdin_sha256: _,
        upload,
        download,
        env,
        timeout_s,
        retries,
        retry_delay_s,
        priority,
        hold,
        begin_at,
        on_lost,
        exclude,
        umask,
        workers,
        expires_s,
        cwd,
        shell,
        with_files_of,
        shares,
        notify,
        batch,
        array_index,
        // Told together.
        cpus: _,
        memory_bytes: _,
        gpus: _,
        vram_bytes: _,
        needs: _,
        // c2d keeps it apart.
        idempotency_key: _,
    } = spec;
    let seconds = |s: &Option<u64>| s.map(|s| span(s.saturating_mul(1_000))).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let unless = |is_usual: bool, text: String| if is_usual { String::new() } else { text };
    vec![
        ("command", command.clone()),
        ("group", text(group)),
        ("batch", text(batch)),
        ("index", array_index.map(|index| index.to_string()).unwrap_or_default()),
        ("tags", joined(tags)),
        ("takes", joined(spec.takes().written())),
        ("depends", joined(depends.iter().map(ToString::to_string))),
        ("same machine", yes(*same_machine)),
        ("workers", joined(workers)),
        ("exclude", joined(exclude)),
        ("shares", joined(shares)),
        ("folder", text(cwd)),
        ("shell", text(shell)),
        ("stdin", unless(stdin.is_none(), "a file".to_owned())),
        ("upload", joined(upload.iter().map(|upload| &upload.path))),
        ("files of", joined(with_files_of)),
        ("download", joined(download)),
        ("env", joined(env.iter().map(|(key, value)| format!("{key}={value}")))),
        ("umask", text(umask)),
        ("timeout", seconds(timeout_s)),
        ("expires", seconds(expires_s)),
        ("retries", unless(*retries == 0, retries.to_string())),
        ("retry delay", seconds(retry_delay_s)),
        ("on lost", unless(*on_lost == OnLost::default(), words_of(*on_lost).to_owned())),
        ("notify", joined(notify)),
        ("priority", unless(*priority == 0, priority.to_string())),
        ("hold", yes(*hold)),
        ("begin at", begin_at.map(|ms| look.moment(ms)).unwrap_or_default()),
    ]
}

fn attempts(look: &Look, attempts: &[AttemptRow]) -> String {
    let mut table = Table::new([
        numbers("ATTEMPT"),
        words("WORKER"),
        words("STARTED"),
        numbers("TOOK"),
        numbers("MEMORY"),
        numbers("CPU"),
        flexible("OUTCOME"),
        words("OUTPUT"),
    ]);
    for attempt in attempts {
        let output = attempt.output_kept.filter(|_| attempt.ended_ms.is_some());
        table.row([
            Cell::from(attempt.number.to_string()),
            Cell::from(attempt.worker.to_string()),
            Cell::from(look.time(attempt.started_ms)),
            Cell::from(ran(attempt.ended_ms, attempt.ran_ms())),
            Cell::from(attempt.peak_bytes.map(bytes).unwrap_or_default()),
            Cell::from(attempt.cpu_ms.map(span).unwrap_or_default()),
            Cell::from(attempt.outcome.as_ref().map(ToString::to_string).unwrap_or_default()),
            Cell::from(output.map_or("", |kept| if kept { "kept" } else { "not kept" })),
        ]);
    }
    table.render(look)
}

/// The end of an output, under a line that says how to see all of it, or all that was kept.
fn tail(stream: &str, all: &str, output: &str, (not_shown, dropped): (u64, u64)) -> String {
    let safe = sanitize::block(output.as_bytes());
    let lines: Vec<&str> = safe.lines().collect();
    let hidden = lines.len().saturating_sub(OUTPUT_LINES);
    let before = match (hidden, not_shown) {
        (0, 0) => None,
        (lines, 0) => Some(format!("{lines} lines before")),
        (_, bytes) => Some(format!("more than {bytes} bytes before")),
    };
    let more = match (before, dropped) {
        (None, 0) => String::new(),
        (None, _) => format!(", {dropped} bytes are missing"),
        (Some(before), 0) => format!(", {before}; {all} shows all"),
        (Some(_), _) => format!(", {dropped} bytes are missing; {all} shows what was kept"),
    };
    format!("\n{stream}{more}\n{}\n", lines[hidden..].join("\n"))
}

pub(crate) fn queue(look: &Look, queue: &QueueStatus) -> String {
    let ended = queue.ended.iter().map(|(state, n)| format!("{n} {state}"));
    let of = |all: usize, part: usize, words: &str| match part {
        0 => all.to_string(),
        part => format!("{all}, of which {part} {words}"),
    };
    let running = of(queue.running, queue.unreachable, "unreachable");
    let queued = of(queue.queued, queue.cannot_run, "cannot run now");
    let mut pairs = vec![
        ("active", format!("{} of {} allowed", queue.active, queue.capacity)),
        ("running", running),
        ("queued", queued),
        ("blocked", queue.blocked.to_string()),
        ("held", queue.held.to_string()),
        ("ended", Some(joined(ended)).filter(|text| !text.is_empty()).unwrap_or_else(|| "0".to_owned())),
        ("workers", format!("{} online", queue.workers_online)),
        ("slots", format!("{} of {} used", queue.slots_used, queue.slots)),
    ];
    if queue.paused {
        pairs.push(("paused", "nothing new starts; `unpause` resumes it".to_owned()));
    }
    if queue.recovering {
        pairs.push(("recovering", "c2d started just now and waits for workers to say what they run".to_owned()));
    }
    fields(look, &pairs)
}

pub(crate) fn log(look: &Look, log: &JobLog, filtered: bool) -> String {
    if log.results.is_empty() && filtered {
        return "no result fits these filters\n`log` without them shows the latest results\n".to_owned();
    }
    if log.results.is_empty() {
        return "no job has ended yet\n`jobs` lists those that wait or run\n".to_owned();
    }
    let columns = [
        words("ENDED"),
        words("JOB"),
        words("STATE"),
        flexible("OUTCOME"),
        flexible("NAME").dispensable(),
        words("WORKER"),
        numbers("TOOK").dispensable(),
        flexible("COMMAND"),
    ];
    let mut table = Table::new(columns);
    for entry in &log.results {
        let row = &entry.job;
        table.row([
            Cell::from(row.ended_ms.map_or_else(|| entry.ended_at.clone(), |ms| look.table_time(ms))),
            Cell::from(row.job_id.to_string()),
            Cell::styled(state(row), row.state),
            Cell::from(outcome(row)),
            Cell::from(row.name.as_deref().unwrap_or_default()),
            Cell::from(worker(row)),
            Cell::from(took(row)),
            Cell::from(&row.command),
        ]);
    }
    let mut text = table.render(look);
    if let Some(first) = log.results.first().filter(|first| first.seq > 1) {
        text.push_str(&format!("older results: add --before={}\n", first.seq));
    }
    text
}

/// The state, with what an operator must know about it beside.
fn state(row: &JobRow) -> String {
    Standing::of(row).word().to_owned()
}

const fn words_of(on_lost: OnLost) -> &'static str {
    match on_lost {
        OnLost::Requeue => "requeue",
        OnLost::Fail => "fail",
        OnLost::Wait => "wait",
    }
}

/// How it ended, where the state does not say all of it.
pub(crate) fn outcome(row: &JobRow) -> String {
    let told = matches!(row.state, JobState::Succeeded | JobState::Cancelled);
    row.outcome.as_ref().filter(|_| !told).map(ToString::to_string).unwrap_or_default()
}

fn worker(row: &JobRow) -> String {
    row.worker.map(|ip| ip.to_string()).unwrap_or_default()
}

pub(super) fn took(row: &JobRow) -> String {
    ran(row.started_ms.and(row.ended_ms), row.ran_ms())
}

/// What it used, as far as its worker measured it.
fn used(peak_bytes: Option<u64>, cpu_ms: Option<u64>) -> String {
    let peak = peak_bytes.map(|peak| format!("{} of memory at most", bytes(peak)));
    joined(peak.into_iter().chain(cpu_ms.map(|ms| format!("{} of processors", span(ms)))))
}

/// How long what has ended took; dates that contradict each other do not say it.
fn ran(ended: Option<u64>, ms: Option<u64>) -> String {
    ended.map(|_| ms.map_or_else(|| "?".to_owned(), span)).unwrap_or_default()
}

fn yes(flag: bool) -> String {
    if flag { "yes".to_owned() } else { String::new() }
}
