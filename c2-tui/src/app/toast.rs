//! Short messages at the lower right, and the list of all of them for `:messages`.

use std::collections::VecDeque;

use c2_shared::time::Mono;

use crate::app::now::Now;

/// How long a toast stays: long enough to be read, short enough not to be in the way.
const STAY_MS: u64 = 4_000;
/// Toasts shown at once.
const SHOWN_MAX: usize = 3;
/// Messages kept for `:messages`.
const KEPT_MAX: usize = 500;

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something went as wanted.
    Good,
    Bad,
    Plain,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toast {
    /// How it is meant.
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// When it was said, in unix milliseconds.
    pub(crate) wall_ms: u64,
    until: Mono,
}

/// All messages of this session, the latest ones shown for a while.
#[derive(Clone, Debug, Default)]
pub(crate) struct Toasts {
    kept: VecDeque<Toast>,
}

impl Toasts {
    pub(crate) fn say(&mut self, kind: Kind, text: impl Into<String>, now: Now) {
        let (text, until) = (text.into(), now.mono.after_ms(STAY_MS));
        // What is said again while it can be read is no other message.
        if self.kept.back().is_some_and(|last| last.until > now.mono && (last.kind, &last.text) == (kind, &text)) {
            self.kept.pop_back();
        }
        if self.kept.len() == KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(Toast { kind, text, wall_ms: now.wall_ms, until });
    }

    /// What is to be shown now, oldest first.
    pub(crate) fn shown(&self, now: Now) -> impl Iterator<Item = &Toast> {
        self.kept.range(self.kept.len().saturating_sub(SHOWN_MAX)..).filter(move |t| t.until > now.mono)
    }

    /// When the next of the shown ones vanishes.
    pub(crate) fn next_expiry(&self, now: Now) -> Option<Mono> {
        self.shown(now).map(|t| t.until).min()
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Toast> {
        self.kept.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_at_most_for_four_seconds() {
        let mut toasts = Toasts::default();
        for n in 0..5 {
            toasts.say(Kind::Plain, n.to_string(), Now { mono: Mono(n * 1_000), wall_ms: 0 });
        }
        let at = |ms| Now { mono: Mono(ms), wall_ms: 0 };
        let texts = |toasts: &Toasts, ms| toasts.shown(at(ms)).map(|t| t.text.as_str()).collect::<String>();
        assert_eq!(texts(&toasts, 4_000), "234");
        assert_eq!(texts(&toasts, 6_500), "34");
        assert_eq!(texts(&toasts, 8_000), "");
        assert_eq!(toasts.next_expiry(at(4_000)), Some(Mono(6_000)));
        assert_eq!(toasts.all().count(), 5);
        for ms in [20_000, 21_000, 30_000] {
            toasts.say(Kind::Bad, "this console is read-only", at(ms));
        }
        let shown = texts(&toasts, 31_000);
        assert_eq!((shown.as_str(), toasts.all().count()), ("this console is read-only", 7), "they do not pile up");
    }
}
