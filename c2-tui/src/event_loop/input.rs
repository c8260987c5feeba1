//! Keys, mouse and pasted text, from the terminal into the one channel.
//!
//! A task reads crossterm's stream to its end, all that is there at once; what was read but not yet
//! handled waits in the channel, which is bounded, so that a flood of input waits in the terminal
//! rather than here.

use std::future::ready;
use std::time::Duration;

use c2_shared::time::Mono;
use crossterm::event::{Event, EventStream, MouseButton, MouseEvent, MouseEventKind};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::burst::{self, Part};
use super::{signals, split};
use crate::app::Msg;
use crate::app::msg::{Gesture, Target};
use crate::ui::HitMap;

/// Rows that one notch of the wheel moves.
const NOTCH: i16 = 3;
/// Two presses on one cell within this time are a double click.
const DOUBLE_MS: u64 = 400;
/// Events of one read.
const READ_MAX: usize = 1_024;
/// A terminal sends a sequence at once, and a slow line brings its parts within this time: behind an Esc that was
/// pressed nothing comes for so long.
const ALONE: Duration = Duration::from_millis(100);
/// Letters that come so soon behind a burst belong to it.
const BURST_MS: u64 = 50;
/// Bytes of a burst that may be a part of a longer one though it ends with a line.
const LONG: usize = 512;

/// Reads the terminal until it ends or the task is ended.
pub(super) fn read(tasks: &mut tokio::task::JoinSet<()>, to: mpsc::Sender<Vec<Event>>) -> AbortHandle {
    tasks.spawn(async move {
        let events = EventStream::new().take_while(|event| ready(event.is_ok())).filter_map(|event| ready(event.ok()));
        let mut reads = events.ready_chunks(READ_MAX);
        while let Some(events) = reads.next().await {
            signals::tell_of_more_input();
            let mut events = split::untangle(&events);
            while split::is_open(&events) {
                let Ok(Some(rest)) = timeout(ALONE, reads.next()).await else { break };
                split::join(&mut events, rest);
            }
            if to.send(events).await.is_err() {
                return;
            }
        }
    })
}

/// Makes messages of events; remembers the last press for double clicks, and the last burst.
#[derive(Debug, Default)]
pub(super) struct Translator {
    pressed: Option<(u16, u16, Mono)>,
    burst: Option<Mono>,
}

impl Translator {
    /// Puts letters together that came at once.
    pub(super) fn parts(&mut self, events: &[Event], now: Mono) -> Vec<Part> {
        let goes_on = self.burst.is_some_and(|at| now.since_ms(at) <= BURST_MS);
        let parts = burst::parts(events, goes_on);
        self.burst = match parts.last() {
            Some(Part::Burst(text)) if text.len() >= LONG || !text.ends_with('\n') => Some(now),
            _ => None,
        };
        parts
    }

    /// What an event means over what was drawn last.
    pub(super) fn msg(&mut self, part: Part, hits: &HitMap, now: Mono) -> Option<Msg> {
        match part {
            Part::Burst(text) => Some(Msg::Burst(text)),
            Part::Event(Event::Key(key)) => Some(Msg::Key(key)),
            Part::Event(Event::Paste(text)) => Some(Msg::Paste(text)),
            Part::Event(Event::Mouse(mouse)) => self.mouse(mouse, hits, now),
            Part::Event(Event::Resize(width, height)) => Some(Msg::Resize { width, height }),
            Part::Event(Event::FocusGained | Event::FocusLost) => None,
        }
    }

    fn mouse(&mut self, mouse: MouseEvent, hits: &HitMap, now: Mono) -> Option<Msg> {
        let place = (mouse.column, mouse.row);
        let gesture = match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let before = self.pressed.replace((place.0, place.1, now));
                let twice = before.is_some_and(|(x, y, at)| (x, y) == place && now.since_ms(at) <= DOUBLE_MS);
                if twice { Gesture::Double } else { Gesture::Press }
            }
            MouseEventKind::ScrollUp => Gesture::Wheel(-NOTCH),
            MouseEventKind::ScrollDown => Gesture::Wheel(NOTCH),
            MouseEventKind::Down(_)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight => return None,
        };
        match hits.at(place.0, place.1) {
            Target::Nowhere => None,
            target => Some(Msg::Mouse { gesture, target }),
        }
    }
}

/// All events that wait, resizes but for the last one left out.
pub(super) fn waiting(first: Vec<Event>, from: &mut mpsc::Receiver<Vec<Event>>) -> Vec<Event> {
    let mut events = first;
    while let Ok(more) = from.try_recv() {
        events.extend(more);
    }
    let is_resize = |event: &Event| matches!(event, Event::Resize(..));
    events.dedup_by(|behind, before| is_resize(behind) && is_resize(before));
    events
}
