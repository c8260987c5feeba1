//! How a program asked for its text to look: colours and weights, as escapes tell them.

/// A colour as the program asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ink {
    #[default]
    Plain,
    /// One of 256.
    Indexed(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) fg: Ink,
    pub(crate) bg: Ink,
    /// Weights and lines, as bits of [`Self::BOLD`] and its like.
    pub(crate) marks: u8,
}

impl Look {
    /// Heavy.
    pub(crate) const BOLD: u8 = 1;
    /// Faint.
    pub(crate) const DIM: u8 = 2;
    /// Slanted.
    pub(crate) const ITALIC: u8 = 4;
    /// Underlined.
    pub(crate) const UNDERLINE: u8 = 8;
    /// Colours exchanged.
    pub(crate) const REVERSE: u8 = 16;
    /// Struck through.
    pub(crate) const STRIKE: u8 = 32;
}

pub(super) const fn mark(code: u16) -> u8 {
    match code {
        1 => Look::BOLD,
        2 => Look::DIM,
        3 => Look::ITALIC,
        4 => Look::UNDERLINE,
        7 => Look::REVERSE,
        9 => Look::STRIKE,
        _ => 0,
    }
}

pub(super) fn indexed(code: u16) -> Ink {
    u8::try_from(code).map_or(Ink::Plain, Ink::Indexed)
}

/// The numbers that follow a 38 or 48.
pub(super) fn extended(mut next: impl FnMut() -> Option<u16>) -> Vec<u16> {
    let Some(kind) = next() else { return Vec::new() };
    let more = match kind {
        5 => 1,
        2 => 3,
        _ => 0,
    };
    std::iter::once(kind).chain((0..more).map_while(|_| next())).collect()
}

/// A colour of 256 or of red, green and blue; with colons a colour space may stand before these.
pub(super) fn ink(numbers: &[u16]) -> Option<Ink> {
    let byte = |n: &u16| u8::try_from(*n).ok();
    match numbers {
        [5, n] => Some(Ink::Indexed(byte(n)?)),
        [2, r, g, b] | [2, _, r, g, b] => Some(Ink::Rgb(byte(r)?, byte(g)?, byte(b)?)),
        _ => None,
    }
}
