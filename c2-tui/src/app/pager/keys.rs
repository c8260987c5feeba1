//! What the keys do: moving, options, marks, and what they ask of the world.

use super::command::{Command, Follow, Motion, Prefix, Wish};
use super::document::Found;
use super::rich;
use super::row::Row;
use super::search::STEP_BYTES;
use super::view::Pager;
use super::walk::Spot;
use crate::app::table::Step;

/// Bytes that are put into a terminal's clipboard at most; many terminals take no more.
const COPY_BYTES_MAX: u64 = 1024 * 1024;
/// Rows that are gone before it is looked how much was read.
const ROWS_AT_ONCE: u64 = 64;
/// Lines shown around those that pass the filter, once that is turned on.
const CONTEXT_LINES: u64 = 3;

impl Pager {
    pub(crate) fn step(&mut self, step: Step) {
        let count = self.count.take();
        let page = i64::try_from(self.height).unwrap_or(i64::MAX);
        let half = page / 2 + page % 2;
        let lines = |default| count.map_or(default, |n| i64::try_from(n).unwrap_or(i64::MAX));
        let motion = match step {
            Step::Up => Motion::Rows(-lines(1)),
            Step::Down => Motion::Rows(lines(1)),
            Step::HalfUp => Motion::Rows(-lines(half)),
            Step::HalfDown => Motion::Rows(lines(half)),
            Step::PageUp => Motion::Rows(-lines(page)),
            Step::PageDown => Motion::Rows(lines(page)),
            Step::First | Step::Last => {
                self.before = self.top;
                match (count, step) {
                    (Some(line), _) => Motion::Line(line),
                    (None, Step::First) => Motion::To(Spot::default()),
                    (None, _) => Motion::End,
                }
            }
        };
        let stays = matches!(motion, Motion::End) || matches!(motion, Motion::Rows(n) if n > 0);
        self.go(motion, !stays);
    }

    /// Moves by rows, as the wheel does.
    pub(crate) fn scroll(&mut self, rows: i16) {
        self.go(Motion::Rows(rows.into()), rows < 0);
    }

    pub(super) fn go(&mut self, motion: Motion, leaves_end: bool) {
        if leaves_end && self.follow == Follow::On && !self.document.is_empty() {
            self.follow = Follow::Paused(self.document.lines());
        }
        self.note = None;
        self.pending = Some(motion);
        self.stale = true;
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.note = None;
        self.stale = true;
        match command {
            Command::Step(step) => self.step(step),
            Command::Percent => {
                self.before = self.top;
                let percent = self.count.take().unwrap_or(0).min(100);
                self.go(Motion::Percent(percent), true);
            }
            Command::Digit => {}
            Command::Left | Command::Right | Command::LeftEnd | Command::RightEnd => self.sideways(command),
            Command::Search | Command::SearchBack | Command::Filter | Command::Save => self.ask(command),
            Command::Next => self.find_next(true),
            Command::Previous => self.find_next(false),
            Command::Highlight => {
                if let Some(search) = &mut self.search {
                    search.is_shown = !search.is_shown;
                }
            }
            Command::Context => {
                let turned = if self.options.context == 0 { CONTEXT_LINES } else { 0 };
                self.options.context = self.count.take().unwrap_or(turned).min(100);
                self.search_among();
                self.note = Some(format!("{} lines around what passes the filter", self.options.context));
            }
            Command::Follow => {
                self.follow = Follow::On;
                self.pending = Some(Motion::End);
            }
            Command::Option => self.prefix = Some(Prefix::Option),
            Command::Mark => self.prefix = Some(Prefix::Mark),
            Command::Jump => self.prefix = Some(Prefix::Jump),
            Command::CopyShown => {
                let rows = self.rows.iter().map(Row::text);
                let text = rows.collect::<Vec<_>>().join("\n");
                self.wishes.push(Wish::Copy(text));
            }
            Command::CopyAll if self.document.len() - self.document.first() > COPY_BYTES_MAX => {
                self.note = Some("too long for the clipboard, s saves it to a file".to_owned());
            }
            Command::CopyAll => self.pending = Some(Motion::CopyAll),
            Command::Gap => match self.gaps.behind(self.rows.first().and_then(|row| row.number).unwrap_or(0)) {
                Some(line) => {
                    self.before = self.top;
                    self.go(Motion::Line(line), true);
                }
                None => self.note = Some("nothing is missing".to_owned()),
            },
            Command::About => self.note = Some(self.about()),
            Command::Times => self.options.times = !self.options.times,
        }
        self.count = None;
    }

    /// A digit of the number in front of a key.
    pub(crate) fn digit(&mut self, c: char) {
        if let Some(digit) = c.to_digit(10) {
            let count = self.count.unwrap_or(0).saturating_mul(10).saturating_add(digit.into());
            self.count = Some(count.min(u64::from(u32::MAX)));
            self.note = None;
        }
    }

    /// Whether the next character belongs to a key that was pressed before.
    pub(crate) const fn awaits_letter(&self) -> bool {
        self.prefix.is_some()
    }

    /// The letter behind `m`, `'` or `-`; anything but a letter gives up.
    pub(crate) fn letter(&mut self, letter: Option<char>) {
        self.stale = true;
        let (Some(prefix), Some(c)) = (self.prefix.take(), letter) else { return };
        match prefix {
            Prefix::Option => self.option(c),
            Prefix::Mark => {
                self.marks.insert(c, self.top);
                self.note = Some(format!("'{c} comes back here"));
            }
            Prefix::Jump => {
                let to = match c {
                    '^' => Some(Motion::To(Spot::default())),
                    '$' => Some(Motion::End),
                    '\'' => Some(Motion::To(self.before)),
                    _ => self.marks.get(&c).map(|spot| Motion::To(*spot)),
                };
                match to {
                    Some(motion) => {
                        self.before = self.top;
                        self.go(motion, true);
                    }
                    None => self.note = Some(format!("no mark {c}")),
                }
            }
        }
    }

    fn option(&mut self, c: char) {
        let says = |on: bool, yes: &str, no: &str| Some(if on { yes } else { no }.to_owned());
        let options = &mut self.options;
        match c {
            'S' => {
                options.wrap = !options.wrap;
                self.note = says(options.wrap, "long lines wrap", "long lines are cut");
            }
            'N' => {
                options.numbers = !options.numbers;
                self.note = says(options.numbers, "line numbers", "no line numbers");
            }
            'i' => {
                options.exact = !options.exact;
                self.note = says(options.exact, "capitals matter", "capitals matter only where they are typed");
                self.search_again();
            }
            _ => self.note = Some(format!("no option {c}: S wrap, N numbers, i capitals")),
        }
    }

    fn sideways(&mut self, command: Command) {
        let cells = self.count.take().and_then(|n| usize::try_from(n).ok()).unwrap_or((self.room() / 2).max(1));
        if self.options.wrap {
            self.note = Some("nothing lies beside wrapped lines, -S cuts them".to_owned());
            return;
        }
        self.left = match command {
            Command::Left => self.left.saturating_sub(cells),
            Command::Right => self.left.saturating_add(cells).min(100_000),
            Command::RightEnd => {
                let lines = self.rows.iter().filter_map(|row| self.document.line(row.at).ok());
                let longest = lines.map(|line| rich::cells(line).len()).max().unwrap_or(0);
                longest.saturating_sub(self.room())
            }
            _ => 0,
        };
    }

    /// Goes a way, or says what it waits for; a long way goes on where it was left.
    pub(super) fn run(&mut self, motion: Motion) -> Found<()> {
        let walk = self.walk();
        let to = match motion {
            Motion::Rows(_) if self.document.is_empty() => self.top,
            Motion::Rows(n) => return self.go_rows(n),
            Motion::To(spot) => spot,
            Motion::Line(number) => match self.document.numbered(number)? {
                Some(line) => Spot { line, row: 0 },
                None => {
                    self.note = Some("lines are still being counted".to_owned());
                    self.top
                }
            },
            Motion::Percent(percent) => {
                let byte = u128::from(self.document.len()) * u128::from(percent) / 100;
                Spot { line: self.document.line_at(u64::try_from(byte).unwrap_or(u64::MAX))?, row: 0 }
            }
            Motion::End => walk.last()?.unwrap_or_default(),
            Motion::Find(hunt) => return self.find(hunt),
            Motion::Land { line, went_around } => return self.land(line, went_around),
            Motion::CopyAll => return self.copy_all(),
        };
        self.top = self.walk().filled(to, self.height)?;
        Ok(())
    }

    /// Goes by rows, a few of them at a time.
    fn go_rows(&mut self, n: i64) -> Found<()> {
        let (up, mut left) = (n < 0, n.unsigned_abs());
        while left > 0 {
            self.pending = Some(Motion::Rows(i64::try_from(left).map_or(n, |left| if up { -left } else { left })));
            self.document.go_on()?;
            let part = left.min(ROWS_AT_ONCE);
            let rows = usize::try_from(part).unwrap_or(usize::MAX);
            let to = if up { self.walk().up(self.top, rows)? } else { self.walk().down(self.top, rows)? };
            if to == self.top {
                break;
            }
            // What the filter passes over is not read, but it takes its time.
            self.document.look(part * STEP_BYTES);
            (self.top, left) = (to, left - part);
        }
        self.pending = Some(Motion::To(self.top));
        self.top = self.walk().filled(self.top, self.height)?;
        Ok(())
    }

    fn copy_all(&mut self) -> Found<()> {
        let mut lines = Vec::new();
        let mut at = self.walk().at_or_behind(0)?;
        while let Some(line) = at {
            lines.push(rich::to_text(self.document.line(line)?));
            at = self.walk().behind(line)?;
        }
        self.wishes.push(Wish::Copy(lines.join("\n")));
        Ok(())
    }
}
