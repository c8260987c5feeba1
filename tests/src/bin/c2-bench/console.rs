//! What the full screen costs whoever types at it, and its machine.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use c2_tests::Cluster;
use c2_tests::terminal::Terminal;
use serde_json::{Value, json};

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
    let ended = before - cluster.client().queue_status().await?.active;
    let share = (terminal.processor_ms()? - used) * 100 / u64::try_from(start.elapsed().as_millis())?.max(1);
    Ok(json!({
        "bench": "console",
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
