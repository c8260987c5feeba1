//! Keys, mouse and pasted text, from the terminal into the one channel.
//!
//! A task reads crossterm's stream to its end; what was read but not yet handled waits in the
//! channel, which is bounded, so that a flood of input waits in the terminal rather than here.

use std::collections::VecDeque;

use c2_shared::time::Mono;
use crossterm::event::{Event, EventStream, MouseButton, MouseEvent, MouseEventKind};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::app::Msg;
use crate::app::msg::{Gesture, Target};
use crate::ui::HitMap;

/// Rows that one notch of the wheel moves.
const NOTCH: i16 = 3;
/// Two presses on one cell within this time are a double click.
const DOUBLE_MS: u64 = 400;

/// Reads the terminal until it ends or the task is ended.
pub(super) fn read(tasks: &mut tokio::task::JoinSet<()>, to: mpsc::Sender<Event>) -> AbortHandle {
    tasks.spawn(async move {
        let mut stream = EventStream::new();
        while let Some(Ok(event)) = stream.next().await {
            if to.send(event).await.is_err() {
                return;
            }
        }
    })
}

/// Makes messages of events; remembers the last press for double clicks.
#[derive(Debug, Default)]
pub(super) struct Translator {
    pressed: Option<(u16, u16, Mono)>,
}

impl Translator {
    /// What an event means over what was drawn last.
    pub(super) fn msg(&mut self, event: Event, hits: &HitMap, now: Mono) -> Option<Msg> {
        match event {
            Event::Key(key) => Some(Msg::Key(key)),
            Event::Paste(text) => Some(Msg::Paste(text)),
            Event::Mouse(mouse) => self.mouse(mouse, hits, now),
            Event::Resize(width, height) => Some(Msg::Resize { width, height }),
            Event::FocusGained | Event::FocusLost => None,
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
pub(super) fn waiting(first: Event, from: &mut mpsc::Receiver<Event>) -> VecDeque<Event> {
    let mut events = VecDeque::from([first]);
    while let Ok(event) = from.try_recv() {
        if matches!((events.back(), &event), (Some(Event::Resize(..)), Event::Resize(..))) {
            events.pop_back();
        }
        events.push_back(event);
    }
    events
}
