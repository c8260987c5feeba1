//! What the full screen costs whoever types at it, and its machine.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use c2_tests::Cluster;
use c2_tests::terminal::Terminal;
use serde_json::{Map, Value, json};

use crate::figures::{Spans, now};
use crate::queue::{WORKER, fill};

/// Columns and rows of the screen.
const SCREEN: (u16, u16) = (200, 50);
/// Columns of `!> `.
const PROMPT: u16 = 3;
/// Keys that are timed.
const KEYS: usize = 200;
/// Between two keys: a person's, and longer than any frame.
const PAUSE: Duration = Duration::from_millis(30);
/// How long it is watched while nothing happens.
const IDLE: Duration = Duration::from_secs(10);

/// What is shown while keys are timed: its name, the keys that open it, words of which one says that it is there, and
/// the keys that close it again.
const SHOWN: [(&str, &str, &[&str], &str); 3] = [
    ("preview", "\x1b2p", &["○ job-", "▶ job-", "✓ job-"], "\x1b2p\x1b"),
    ("timeline", "\x1b[18~", &["› timeline"], "\x1b1\x1b"),
    ("failures", "\x1b[17~", &["› failures"], "\x1b1\x1b"),
];

pub(crate) async fn console(jobs: usize) -> Result<Value> {
    let mut cluster = Cluster::start().await?;
    let mut first = Spans::default();
    for _ in 0..10 {
        let start = now();
        let mut terminal = Terminal::start(&cluster.full_screen(&[])?, SCREEN.0, SCREEN.1)?;
        terminal.sees("!>")?;
        first.add(start.elapsed());
    }

    let mut terminal = Terminal::start(&cluster.full_screen(&[])?, SCREEN.0, SCREEN.1)?;
    terminal.sees("connected")?;
    terminal.settle();
    let (seen, used) = (terminal.raw().len(), terminal.processor_ms()?);
    terminal.watch(IDLE);
    let idle_ms = terminal.processor_ms()? - used;
    let idle_frames = terminal.frames_since(seen);
    let keys_start = terminal.raw().len();
    terminal.press(&"abcdefghi ".repeat(100))?;
    terminal.settle();
    let storm_frames = terminal.frames_since(keys_start);
    drop(terminal);

    let deaf = TcpListener::bind("127.0.0.1:0")?;
    let mut terminal = Terminal::start(&cluster.full_screen_at(deaf.local_addr()?, &[])?, SCREEN.0, SCREEN.1)?;
    terminal.sees("!>")?;
    let beside_deaf = keys(&mut terminal)?;
    drop(terminal);

    fill(cluster.client(), jobs).await?;
    cluster.agent(WORKER).await?;
    let mut terminal = Terminal::start(&cluster.full_screen(&[])?, SCREEN.0, SCREEN.1)?;
    terminal.sees("connected")?;
    let (start, used) = (now(), terminal.processor_ms()?);
    let before = cluster.client().queue_status().await?.active;
    let in_storm = keys(&mut terminal)?;
    // The same with what can stand beside the line: each of it changes with each job that ends.
    let mut beside = Vec::new();
    terminal.press("\x15")?;
    for (name, opens, seen, closes) in SHOWN {
        let is_there = |t: &Terminal| seen.iter().any(|words| t.text().contains(words));
        terminal.press(opens)?;
        terminal.wait(name, is_there)?;
        terminal.press(":")?;
        terminal.wait("the line", |t| column_of(t) == Some(PROMPT))?;
        let waits = cluster.client().queue_status().await?.active;
        ensure!(waits > 0, "all jobs have ended before the keys beside {name}");
        beside.push((name, keys(&mut terminal)?));
        terminal.press("\x15")?;
        terminal.press(closes)?;
        terminal.wait("the panes alone", |t| !is_there(t))?;
    }
    let ended = before - cluster.client().queue_status().await?.active;
    let share = (terminal.processor_ms()? - used) * 100 / u64::try_from(start.elapsed().as_millis())?.max(1);
    let beside: Map<String, Value> = beside
        .into_iter()
        .map(|(name, spans)| (name.to_owned(), json!({ "p50_ms": spans.ms_at(50), "p95_ms": spans.ms_at(95) })))
        .collect();
    Ok(json!({
        "bench": "console",
        "key_storm_with": beside,
        "first_frame_p50_ms": first.ms_at(50),
        "idle_frames": idle_frames,
        "idle_processor_ms_in_10_s": idle_ms,
        "thousand_keys_frames": storm_frames,
        "key_deaf_p50_ms": beside_deaf.ms_at(50),
        "key_deaf_p95_ms": beside_deaf.ms_at(95),
        "key_storm_p50_ms": in_storm.ms_at(50),
        "key_storm_p95_ms": in_storm.ms_at(95),
        "storm_jobs_ended": ended,
        "storm_processor_percent": share,
    }))
}

/// From each of many keys until the character stands on the screen.
fn keys(terminal: &mut Terminal) -> Result<Spans> {
    let mut spans = Spans::default();
    for n in 0..KEYS {
        let letter = char::from(b'a' + u8::try_from(n % 26)?);
        let column = PROMPT + u16::try_from(n % 26)? + 1;
        let start = now();
        terminal.press(&letter.to_string())?;
        terminal.wait("the letter", |t| column_of(t) == Some(column))?;
        spans.add(start.elapsed());
        thread::sleep(PAUSE);
        if n % 26 == 25 {
            terminal.press("\x15")?;
            terminal.wait("an empty line", |t| column_of(t) == Some(PROMPT))?;
        }
    }
    Ok(spans)
}

/// Where the cursor is, which is hidden while a frame is drawn.
fn column_of(terminal: &Terminal) -> Option<u16> {
    terminal.cursor().map(|(_, column)| column)
}
