//! One line of text with GNU readline's commands, over the text area as a buffer.
//!
//! The text area's own keys are not readline's, so only its methods are used. Positions are
//! characters as the text area counts them; movements and deletions go by grapheme, so that a flag
//! or an accent is never split.

use tui_textarea::{CursorMove, TextArea};
use unicode_segmentation::UnicodeSegmentation as _;

use super::kill::{KillRing, Side};
use crate::app::text;

/// Longest line, in characters: a command and everything around it.
pub(crate) const CHARS_MAX: usize = 60_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    DeleteLeft,
    DeleteRight,
    /// Ctrl-W: back to white space.
    KillBlankWordLeft,
    /// Alt-Backspace: back to the start of the word.
    KillWordLeft,
    KillWordRight,
    KillToEnd,
    KillToStart,
    Yank,
    /// Alt-Y, after a yank.
    YankOlder,
    Transpose,
    Upper,
    Lower,
    Capital,
    Undo,
}

/// What the command before was, as far as the next one must know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    #[default]
    Other,
    /// A kill: the next one joins it.
    Kill,
    /// A yank that put this many characters in: Alt-Y replaces them.
    Yank(usize),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Editor {
    area: TextArea<'static>,
    kills: KillRing,
    before: Before,
}

impl Editor {
    /// An empty editor that keeps the kill ring of another.
    pub(crate) fn keeping_kills(old: &mut Self) -> Self {
        Self { kills: std::mem::take(&mut old.kills), ..Self::default() }
    }

    pub(crate) fn text(&self) -> &str {
        self.area.lines().first().map_or("", String::as_str)
    }

    /// Characters in front of the caret.
    pub(crate) fn caret(&self) -> usize {
        self.area.cursor().1
    }

    /// Bytes in front of the caret.
    pub(crate) fn caret_byte(&self) -> usize {
        byte_of(self.text(), self.caret())
    }

    /// Cells in front of the caret.
    pub(crate) fn caret_cell(&self) -> usize {
        text::width(&self.text()[..self.caret_byte()])
    }

    /// Whether the caret stands behind the last character.
    pub(crate) fn at_end(&self) -> bool {
        self.caret_byte() == self.text().len()
    }

    /// Replaces everything and puts the caret at the end.
    pub(crate) fn set(&mut self, text: &str) {
        self.replace(0, self.len(), text);
        self.before = Before::Other;
    }

    /// Puts text in at the caret; answers whether there was room for it, for half a command is another one. Line ends
    /// become blanks, and other control characters vanish.
    pub(crate) fn insert(&mut self, text: &str) -> bool {
        let one_line: String =
            text.chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c }).filter(|c| !c.is_control()).collect();
        let fits = self.len() + one_line.chars().count() <= CHARS_MAX;
        if fits {
            self.area.insert_str(&one_line);
            self.before = Before::Other;
        }
        fits
    }

    /// Replaces the bytes `from..to`, with the caret behind the new text.
    pub(crate) fn replace_bytes(&mut self, from: usize, to: usize, new: &str) {
        let (from, to) = (self.text()[..from].chars().count(), self.text()[..to].chars().count());
        self.replace(from, to, new);
        self.before = Before::Other;
    }

    /// Puts the caret at the character that covers this cell.
    pub(crate) fn caret_to_cell(&mut self, cell: usize) {
        let chars = text::head(self.text(), cell).chars().count();
        self.jump(chars);
    }

    /// Carries out a command.
    pub(crate) fn apply(&mut self, edit: Edit) {
        let before = std::mem::take(&mut self.before);
        let caret = self.caret();
        match edit {
            Edit::Left => self.jump(self.grapheme_left()),
            Edit::Right => self.jump(self.grapheme_right()),
            Edit::WordLeft => self.jump(self.word_left(char::is_alphanumeric)),
            Edit::WordRight => self.jump(self.word_right()),
            Edit::Home => self.jump(0),
            Edit::End => self.jump(self.len()),
            Edit::DeleteLeft => self.replace(self.grapheme_left(), caret, ""),
            Edit::DeleteRight => self.replace(caret, self.grapheme_right(), ""),
            Edit::KillBlankWordLeft => self.kill(self.word_left(|c| !c.is_whitespace()), caret, before),
            Edit::KillWordLeft => self.kill(self.word_left(char::is_alphanumeric), caret, before),
            Edit::KillWordRight => self.kill(caret, self.word_right(), before),
            Edit::KillToEnd => self.kill(caret, self.len(), before),
            Edit::KillToStart => self.kill(0, caret, before),
            Edit::Yank => {
                self.kills.newest();
                self.yank(0);
            }
            Edit::YankOlder => {
                if let Before::Yank(chars) = before {
                    self.kills.rotate();
                    self.yank(chars);
                }
            }
            Edit::Transpose => self.transpose(),
            Edit::Upper => self.change_word(|_, c| c.to_uppercase().collect()),
            Edit::Lower => self.change_word(|_, c| c.to_lowercase().collect()),
            Edit::Capital => {
                self.change_word(
                    |first, c| if first { c.to_uppercase().collect() } else { c.to_lowercase().collect() },
                );
            }
            Edit::Undo => {
                self.area.undo();
            }
        }
    }

    fn len(&self) -> usize {
        self.text().chars().count()
    }

    fn jump(&mut self, chars: usize) {
        self.area.move_cursor(CursorMove::Jump(0, u16::try_from(chars).unwrap_or(u16::MAX)));
    }

    fn replace(&mut self, from: usize, to: usize, new: &str) {
        self.jump(from);
        self.area.delete_str(to - from);
        self.area.insert_str(new);
    }

    fn kill(&mut self, from: usize, to: usize, before: Before) {
        if from < to {
            let text = self.text();
            let cut = text[byte_of(text, from)..byte_of(text, to)].to_owned();
            let side = if to == self.caret() { Side::Before } else { Side::After };
            self.kills.keep(&cut, side, before == Before::Kill);
            self.replace(from, to, "");
        }
        self.before = Before::Kill;
    }

    fn yank(&mut self, instead_of: usize) {
        let Some(text) = self.kills.current().map(str::to_owned) else { return };
        let caret = self.caret();
        self.replace(caret - instead_of, caret, &text);
        self.before = Before::Yank(text.chars().count());
    }

    fn transpose(&mut self) {
        let chars: Vec<char> = self.text().chars().collect();
        let second = if self.caret() == chars.len() { chars.len().wrapping_sub(1) } else { self.caret() };
        if second == 0 || second >= chars.len() {
            return;
        }
        let swapped: String = [chars[second], chars[second - 1]].iter().collect();
        self.replace(second - 1, second + 1, &swapped);
    }

    fn change_word(&mut self, change: fn(bool, char) -> String) {
        let (from, to) = (self.caret(), self.word_right());
        let (mut first, mut new) = (true, String::new());
        for c in self.text().chars().skip(from).take(to - from) {
            new += &change(first, c);
            first = first && !c.is_alphanumeric();
        }
        if from < to {
            self.replace(from, to, &new);
        }
    }

    fn grapheme_left(&self) -> usize {
        let before = &self.text()[..self.caret_byte()];
        self.caret() - before.graphemes(true).next_back().map_or(0, |g| g.chars().count())
    }

    fn grapheme_right(&self) -> usize {
        let after = &self.text()[self.caret_byte()..];
        self.caret() + after.graphemes(true).next().map_or(0, |g| g.chars().count())
    }

    /// The start of the word in front of the caret, passing over what lies between.
    fn word_left(&self, in_word: fn(char) -> bool) -> usize {
        let before: Vec<char> = self.text().chars().take(self.caret()).collect();
        let end = before.iter().rposition(|&c| in_word(c)).map_or(0, |at| at + 1);
        before[..end].iter().rposition(|&c| !in_word(c)).map_or(0, |at| at + 1)
    }

    /// The end of the word behind the caret, passing over what lies between.
    fn word_right(&self) -> usize {
        let mut at = self.caret();
        let mut entered = false;
        for c in self.text().chars().skip(at) {
            if entered && !c.is_alphanumeric() {
                break;
            }
            entered |= c.is_alphanumeric();
            at += 1;
        }
        at
    }
}

/// Bytes in front of the character at a position.
fn byte_of(text: &str, chars: usize) -> usize {
    text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::Edit::*;
    use super::*;

    /// `|` stands for the caret.
    fn check(start: &str, edits: &[Edit], expected: &str) {
        let mut editor = Editor::default();
        let (before, after) = start.split_once('|').unwrap();
        editor.insert(&format!("{before}{after}"));
        editor.jump(before.chars().count());
        for &edit in edits {
            editor.apply(edit);
        }
        let mut shown = editor.text().to_owned();
        shown.insert(editor.caret_byte(), '|');
        assert_eq!(shown, expected, "{start:?} {edits:?}");
    }

    #[test]
    fn as_readline_does() {
        check("one two|", &[Home], "|one two");
        check("one| two", &[End], "one two|");
        check("one two|", &[WordLeft], "one |two");
        check("|one two", &[WordRight], "one| two");
        check("one| two", &[WordRight], "one two|");
        check("info 10.0.0.15|", &[KillBlankWordLeft], "info |");
        check("info 10.0.0.15|", &[KillWordLeft], "info 10.0.0.|");
        check("info   |", &[KillBlankWordLeft], "|");
        check("one| two three", &[KillWordRight], "one| three");
        check("one |two", &[KillToEnd], "one |");
        check("one |two", &[KillToStart], "|two");
        check("ab|", &[Transpose], "ba|");
        check("a|bc", &[Transpose], "ba|c");
        check("|ab", &[Transpose], "|ab");
        check("a|", &[Transpose], "a|");
        check("|one two", &[Upper], "ONE| two");
        check("|ONE two", &[Lower], "one| two");
        check("one| tWO x", &[Capital], "one Two| x");
        check("ab|", &[DeleteLeft, DeleteLeft, DeleteLeft], "|");
        check("|ab", &[DeleteRight], "|b");
        check("e\u{301}x|", &[Left, DeleteLeft], "|x");
        check("日本|", &[DeleteLeft], "日|");
    }

    #[test]
    fn kills_in_a_row_join() {
        check("one two three|", &[KillBlankWordLeft, KillBlankWordLeft, Yank], "one two three|");
        check("one |two", &[KillToEnd, KillToStart, Yank], "one two|");
        check("a b|", &[KillBlankWordLeft, Home, KillToEnd, Yank], "a |");
        check("a b|", &[KillBlankWordLeft, Home, KillToEnd, Yank, YankOlder], "b|");
        check("a b|", &[KillBlankWordLeft, Home, KillToEnd, Yank, YankOlder, YankOlder], "a |");
        check("x|", &[YankOlder], "x|");
        check("x|", &[Yank], "x|");
    }

    #[test]
    fn undo_takes_back_a_kill() {
        check("one two|", &[KillBlankWordLeft, Undo], "one two|");
    }

    #[test]
    fn the_caret_counts_cells() {
        let mut editor = Editor::default();
        editor.insert("日本x");
        assert_eq!((editor.caret(), editor.caret_cell()), (3, 5));
        editor.caret_to_cell(2);
        assert_eq!(editor.caret(), 1);
    }

    #[test]
    fn only_one_line_and_no_control_characters() {
        let mut editor = Editor::default();
        editor.insert("a\nb\x1b[2J\tc");
        assert_eq!(editor.text(), "a b[2J c");
    }
}
