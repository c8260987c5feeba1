//! The first line: which c2d, whether it is heard, and the cluster in numbers.

use c2_shared::job::JobState;
use c2_shared::time::Mono;
use ratatui::text::{Line, Span};

use super::canvas::Canvas;
use crate::app::keymap::Action;
use crate::app::layout::{self, Area};
use crate::app::model::{Link, Model};
use crate::app::msg::Target;
use crate::app::panes::short_span;
use crate::app::table::Tone;
use crate::app::text;

/// Below this width only what matters most has room.
const NARROW: u16 = 60;
/// From this width on keys are named too.
const ROOMY: u16 = 120;
/// What the header says of a queue that an operator stopped.
pub(super) const PAUSED: &str = "PAUSED";

/// A part of the line; of a lower rank is what matters more, and what stands when there is little room.
struct Part {
    rank: u8,
    spans: Vec<Span<'static>>,
    hit: Option<Action>,
}

impl Part {
    fn new(rank: u8, span: Span<'static>) -> Self {
        Self { rank, spans: vec![span], hit: None }
    }

    fn width(&self) -> u16 {
        u16::try_from(self.spans.iter().map(Span::width).sum::<usize>()).unwrap_or(u16::MAX)
    }
}

/// Between two parts.
const GAP: u16 = 3;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Area) {
    if area.width < NARROW {
        return narrow(canvas, area);
    }
    let server = canvas.model.settings.server.clone();
    let mut parts = vec![Part {
        rank: 0,
        spans: vec![canvas.span(" C2 ", Tone::Accent), canvas.span(server, Tone::Plain)],
        hit: None,
    }];
    if canvas.model.settings.readonly {
        parts.push(Part::new(1, canvas.span("read-only", Tone::Warn)));
    }
    parts.push(Part::new(0, link(canvas)));
    let failures = canvas.model.failures.len();
    if failures > 0 {
        let keys = if area.width < ROOMY { "" } else { ": F4 which, F6 why" };
        let words = format!("{} {failures} failed{keys}", canvas.glyphs.state(JobState::Failed));
        let part = Part::new(2, canvas.span(words, Tone::Bad));
        parts.push(Part { hit: Some(Action::Failures), ..part });
    }
    if canvas.model.cache.heard_ms.is_some() {
        parts.extend(numbers(canvas));
    }
    let beside = canvas.model.watches.iter().filter(|watch| watch.is_running()).count();
    if beside > 0 {
        let words = format!("{} {beside} in background", canvas.glyphs.state(JobState::Running));
        parts.push(Part::new(7, canvas.span(words, Tone::Accent)));
    }
    // A part that would be cut is left out: half a number is worse than none. The first one and the state of the
    // connection must be told in any case.
    let mut ranked: Vec<usize> = (0..parts.len()).collect();
    ranked.sort_by_key(|at| parts[*at].rank);
    let (mut shown, mut used) = (vec![false; parts.len()], 0_u16);
    for at in ranked {
        let with = used.saturating_add(parts[at].width());
        if with <= area.width || parts[at].rank == 0 {
            (shown[at], used) = (true, with.saturating_add(GAP));
        }
    }
    let mut x = area.x;
    for part in parts.into_iter().zip(shown).filter_map(|(part, shown)| shown.then_some(part)) {
        let (width, left) = (part.width(), (area.x + area.width).saturating_sub(x));
        if let Some(action) = part.hit {
            canvas.hit(Area { x, width, ..area }, Target::Hint(action));
        }
        x = canvas.put_line(x, area.y, left, &Line::from(part.spans)) + GAP;
    }
}

/// How it stands with the connection.
fn link(canvas: &Canvas<'_, '_>) -> Span<'static> {
    match &canvas.model.link {
        Link::Connecting { since } => {
            canvas.span(format!("{} connecting{}", canvas.glyphs.link[1], for_how_long(canvas, *since)), Tone::Warn)
        }
        Link::Silent { since } => {
            canvas.span(format!("{} silent{}", canvas.glyphs.link[1], for_how_long(canvas, *since)), Tone::Warn)
        }
        Link::Up => canvas.span(format!("{} connected", canvas.glyphs.link[0]), Tone::Good),
        Link::Down { retry_at, .. } => {
            let text = banner(canvas, *retry_at);
            let mut span = canvas.span(format!(" {} {text} ", canvas.glyphs.link[2]), Tone::Bad);
            span.style = span.style.add_modifier(ratatui::style::Modifier::REVERSED);
            span
        }
    }
}

/// What matters most of it, where the rest has no room: the link as a sign, what fails, runs and waits.
fn narrow(canvas: &mut Canvas<'_, '_>, area: Area) {
    let model = canvas.model;
    let (queue, sign) = (&model.cache.queue, |n: usize| canvas.glyphs.link[n]);
    let link = match &model.link {
        Link::Connecting { since } => (format!(" {} connecting{}", sign(1), for_how_long(canvas, *since)), Tone::Warn),
        Link::Silent { since } => (format!(" {} silent{}", sign(1), for_how_long(canvas, *since)), Tone::Warn),
        Link::Up => (format!(" {}", sign(0)), Tone::Good),
        Link::Down { retry_at, .. } => {
            let when = retry(model, *retry_at);
            (format!(" {} no c2d, {when} (F5)", sign(2)), Tone::Bad)
        }
    };
    let mut parts = vec![link];
    if model.settings.readonly {
        parts.push(("read-only".to_owned(), Tone::Warn));
    }
    if !model.failures.is_empty() {
        let failed = format!("{} {}", canvas.glyphs.state(JobState::Failed), model.failures.len());
        parts.push((failed, Tone::Bad));
    }
    match (model.cache.heard_ms, &model.link) {
        (None, _) => parts.push((model.settings.server.clone(), Tone::Dim)),
        (Some(heard), Link::Down { .. }) => {
            parts.push((format!("{} old", short_span(model.now.wall_ms.saturating_sub(heard))), Tone::Warn));
        }
        (Some(_), _) => {
            let all = model.cache.workers.len();
            let missing = if queue.workers_online < all { Tone::Warn } else { Tone::Plain };
            if queue.paused {
                parts.insert(1, (PAUSED.to_owned(), Tone::Warn));
            }
            parts.push((format!("{} running", model.cache.running()), Tone::Plain));
            if queue.unreachable > 0 {
                parts.push((format!("{} unreachable", queue.unreachable), Tone::Warn));
            }
            parts.push((format!("{} queued", queue.queued), Tone::Plain));
            parts.push((format!("{}/{all} workers", queue.workers_online), missing));
        }
    }
    let mut x = area.x;
    for (words, tone) in parts {
        let left = (area.x + area.width).saturating_sub(x);
        if x > area.x && text::width(&words) > left.into() {
            continue;
        }
        x = canvas.put_line(x, area.y, left, &Line::from(canvas.span(words, tone))) + 2;
    }
}

/// The title of the terminal's window: whether all is well, for somebody who looks elsewhere.
pub(crate) fn title(model: &Model) -> String {
    let queue = &model.cache.queue;
    let counts = [
        (model.cache.running(), "running"),
        (queue.unreachable, "unreachable"),
        (queue.queued, if queue.paused { "queued and paused" } else { "queued" }),
        (model.failures.len(), "failed"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let counts: Vec<String> = match model.link {
        Link::Up => counts.collect(),
        Link::Connecting { .. } => vec!["connecting".to_owned()],
        Link::Silent { .. } => vec!["silent".to_owned()],
        Link::Down { .. } => vec!["disconnected".to_owned()],
    };
    format!("C2 {}", if counts.is_empty() { "idle".to_owned() } else { counts.join(", ") })
}

/// A time that is worth a number.
fn for_how_long(canvas: &Canvas<'_, '_>, since: Mono) -> String {
    match canvas.model.now.mono.since_ms(since) {
        0..1_000 => String::new(),
        ms => format!(" for {}", short_span(ms)),
    }
}

/// What the operator must do before there can be a connection.
pub(super) fn trouble(canvas: &mut Canvas<'_, '_>, area: Area, text: &str) {
    let lines = text::wrapped(&text::sanitize(text), layout::trouble_width(area.width));
    for (line, y) in lines.iter().zip(area.y..area.y + area.height) {
        canvas.put(area.x + 1, y, area.width.saturating_sub(1), line, canvas.tone(Tone::Bad));
    }
}

/// What is wrong, when it will be better, and what can be done about it.
fn banner(canvas: &Canvas<'_, '_>, retry_at: Mono) -> String {
    let model = canvas.model;
    let when = retry(model, retry_at);
    let age = match model.cache.heard_ms {
        Some(heard) => format!(", data of {} ago", short_span(model.now.wall_ms.saturating_sub(heard))),
        None => String::new(),
    };
    format!("disconnected, {when} (F5: now){age}")
}

fn retry(model: &Model, retry_at: Mono) -> String {
    match retry_at.since_ms(model.now.mono).div_ceil(1_000) {
        0 => "trying".to_owned(),
        left => format!("retry in {left} s"),
    }
}

fn numbers(canvas: &Canvas<'_, '_>) -> Vec<Part> {
    let cache = &canvas.model.cache;
    let queue = &cache.queue;
    let named = |rank, name: &str, value: String, tone| {
        let spans = vec![canvas.span(format!("{name} "), Tone::Dim), canvas.span(value, tone)];
        Part { rank, spans, hit: None }
    };
    let all = cache.workers.len();
    let online = queue.workers_online;
    let missing = if online < all { Tone::Warn } else { Tone::Plain };
    let slots = format!(
        "{}/{} {}",
        queue.slots_used,
        queue.slots,
        canvas.glyphs.bar(queue.slots_used.into(), queue.slots.into(), 8)
    );
    let mut parts = Vec::new();
    if queue.paused {
        parts.push(Part::new(1, canvas.span(PAUSED, Tone::Warn)));
    }
    if queue.recovering {
        parts.push(Part::new(4, canvas.span("c2d restarted, awaits workers", Tone::Warn)));
    }
    parts.extend([
        named(5, "workers", format!("{online}/{all}"), missing),
        named(9, "slots", slots, Tone::Plain),
        named(4, "queued", queue.queued.to_string(), Tone::Plain),
        named(3, "running", cache.running().to_string(), Tone::Plain),
    ]);
    for (name, count, tone) in [
        ("unreachable", queue.unreachable, Tone::Warn),
        ("blocked", queue.blocked, Tone::Plain),
        ("held", queue.held, Tone::Plain),
    ] {
        if count > 0 {
            parts.push(named(if tone == Tone::Warn { 3 } else { 8 }, name, count.to_string(), tone));
        }
    }
    parts
}
