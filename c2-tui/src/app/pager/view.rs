//! The pager's state, and the rows that are on the screen.

use std::collections::{BTreeMap, BTreeSet};

use super::chunk::{Chunk, block_of, settled};
use super::command::{Follow, Hunt, Motion, Prefix, Wish};
use super::document::{Document, Found, Pause};
use super::gaps::Gaps;
use super::prompt::Prompt;
use super::rich;
use super::row::Row;
use super::search::Search;
use super::sieve::Sieve;
use super::walk::{Spot, Walk};
use super::wrap::Wrap;

/// Blocks that are read at once: some before and more behind the one that is needed; the other way
/// round while searching upwards.
const READ_BEFORE: u64 = 4;
const READ_BEHIND: u64 = 12;
/// Times at which bytes arrived that are remembered.
const ARRIVALS_MAX: usize = 10_000;

/// Text with a place in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pager {
    pub(super) document: Document,
    pub(super) top: Spot,
    pub(super) left: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) options: Options,
    pub(super) follow: Follow,
    pub(super) search: Option<Search>,
    pub(super) filter: Option<Sieve>,
    pub(super) prompt: Option<Prompt>,
    pub(super) prefix: Option<Prefix>,
    /// The number that was typed before a key.
    pub(super) count: Option<u64>,
    pub(super) marks: BTreeMap<char, Spot>,
    /// Where the view was before the last long way.
    pub(super) before: Spot,
    /// What to say once, in the status line.
    pub(super) note: Option<String>,
    pub(super) pending: Option<Motion>,
    pub(super) wishes: Vec<Wish>,
    pub(super) rows: Vec<Row>,
    pub(super) at_end: bool,
    /// Something changed that the rows do not show yet.
    pub(super) stale: bool,
    /// There is more to look at as soon as there is time.
    hungry: bool,
    wanted: BTreeSet<u64>,
    asked: BTreeSet<u64>,
    /// How what it shows ended; then nothing more comes.
    pub(super) ended: Option<String>,
    /// Whether its lines are shown in full from the beginning, as text of the console itself.
    pub(super) wraps: bool,
    /// When the last of what grows came.
    heard_ms: Option<u64>,
    pub(super) gaps: Gaps,
    /// From which byte on what arrived when, in unix milliseconds.
    pub(super) arrivals: Vec<(u64, u64)>,
}

/// How lines are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Long lines go on in the next row.
    pub(super) wrap: bool,
    /// Numbers in front of lines.
    pub(super) numbers: bool,
    /// Times of arrival in front of lines.
    pub(super) times: bool,
    /// Patterns mean their letters as they stand.
    pub(super) exact: bool,
    /// Lines around those that pass the filter.
    pub(super) context: u64,
}

impl Pager {
    /// Shows text from its beginning.
    pub(crate) fn new(text: &[u8]) -> Self {
        let gaps = Gaps::of(text);
        Self { document: Document::text(text), gaps, width: 80, height: 1, stale: true, ..Self::default() }
    }

    /// Shows lines from their beginning.
    pub(crate) fn of_lines(lines: &[String]) -> Self {
        Self::new(lines.join("\n").as_bytes())
    }

    /// Shows an output that lies with the event loop, at its end, however it grows until it is told to
    /// have ended.
    pub(crate) fn window() -> Self {
        Self { document: Document::window(), follow: Follow::On, ..Self::new(b"") }
    }

    /// Shows long lines in full, in as many rows as they take.
    pub(crate) const fn wrap_lines(&mut self) {
        (self.options.wrap, self.wraps) = (true, true);
        self.stale = true;
    }

    /// Adds text at the end.
    #[cfg(test)]
    pub(crate) fn append(&mut self, text: &[u8], wall_ms: u64) {
        let before = self.document.len();
        self.arrived(before, wall_ms);
        self.document.append(text);
        self.changed_from(settled(before));
    }

    /// The output has this length now.
    pub(crate) fn grow(&mut self, len: u64, wall_ms: u64) {
        let before = self.document.len();
        if len > before {
            self.arrived(before, wall_ms);
            self.heard_ms = Some(wall_ms);
            self.document.grow(len);
            self.note = None;
            self.asked.clear();
            self.changed_from(settled(before));
            if before == 0 {
                self.pending = Some(Motion::End);
            }
        }
    }

    /// When the last of it came, in unix milliseconds.
    pub(crate) const fn heard_ms(&self) -> Option<u64> {
        self.heard_ms
    }

    /// The output was begun anew.
    pub(crate) fn begin_anew(&mut self) {
        self.document = Document::window();
        (self.gaps, self.ended, self.heard_ms) = (Gaps::default(), None, None);
        self.asked.clear();
        self.arrivals.clear();
        self.changed_from(0);
    }

    /// Whatever more comes of the output will be heard: what could not be had is over.
    pub(crate) fn open(&mut self) {
        self.note = self.document.is_empty().then(|| "nothing was written so far".to_owned());
    }

    /// So many bytes of the output were dropped behind a line.
    pub(crate) fn miss(&mut self, after_line: u64, bytes: u64) {
        self.gaps.add(after_line, bytes);
    }

    /// Nothing more comes of the output, which ended in this way.
    pub(crate) fn end(&mut self, how: String) {
        if self.document.is_empty() {
            self.say("nothing was written".to_owned());
        }
        self.ended = Some(how);
    }

    /// Takes the numbers of lines of an output.
    pub(crate) fn count_lines(&mut self, from: u64, counts: &[u32]) {
        self.document.count(from, counts);
        self.stale = true;
    }

    pub(crate) fn take(&mut self, chunks: Vec<Chunk>) {
        self.hungry |= !chunks.is_empty();
        for chunk in chunks {
            self.asked.remove(&chunk.block);
            self.document.take(chunk);
        }
    }

    /// Something about the output could not be had. Blocks that were asked for may never come: the
    /// way that needs them is given up, and the next one asks again.
    pub(crate) fn fail(&mut self, message: String) {
        if !self.asked.is_empty() {
            self.asked.clear();
            self.pending = None;
            self.stale = false;
        }
        self.say(message);
    }

    fn changed_from(&mut self, block: u64) {
        sieves(&mut self.search, &mut self.filter).for_each(|sieve| sieve.forget_from(block));
        if self.follow == Follow::On {
            self.pending = Some(Motion::End);
        }
        self.stale = true;
    }

    fn arrived(&mut self, at: u64, wall_ms: u64) {
        // What was there at first may be of any age.
        let first = if at == 0 { 0 } else { wall_ms };
        if self.arrivals.last().is_none_or(|(_, last)| *last != first) {
            self.arrivals.push((at, first));
        }
        if self.arrivals.len() > ARRIVALS_MAX {
            self.arrivals.remove(1);
        }
    }

    pub(crate) const fn document(&self) -> &Document {
        &self.document
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// All lines of a text as they can be read; nothing of an output that lies elsewhere.
    pub(crate) fn lines(&self) -> Vec<String> {
        let bytes = self.document.bytes().unwrap_or_default();
        let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let all = lines.split(|b| *b == b'\n').map(rich::to_text);
        if lines.is_empty() { Vec::new() } else { all.collect() }
    }

    /// Rows that a text takes in this width, if there are no more than so many.
    pub(crate) fn rows_within(&self, width: usize, most: usize) -> usize {
        let bytes = self.document.bytes().unwrap_or_default();
        let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|b| *b == b'\n');
        let wrap = Wrap { width, between_words: self.wraps };
        lines.take(most).map(|line| wrap.parts(&rich::cells(line)).len()).sum()
    }

    /// How many lines there are, as far as that is known.
    pub(crate) fn line_count(&self) -> usize {
        self.document.lines().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)
    }

    /// Whether everything is in sight.
    pub(crate) fn fits(&self) -> bool {
        self.at_end && self.top == Spot { line: self.document.first(), row: 0 }
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// Tells how much room there is.
    pub(crate) fn set_size(&mut self, width: usize, height: usize) {
        let size = (width.max(1), height.max(1));
        if size != (self.width, self.height) {
            (self.width, self.height) = size;
            if self.follow == Follow::On {
                self.pending = Some(Motion::End);
            }
            self.stale = true;
        }
    }

    /// Columns in front of the text: times and numbers.
    pub(crate) fn gutter(&self) -> (usize, usize) {
        let digits = self.document.lines().unwrap_or(99_999).max(999).ilog10() as usize + 1;
        let (times, numbers) =
            (if self.options.times { 9 } else { 0 }, if self.options.numbers { digits + 1 } else { 0 });
        if times + numbers + 8 > self.width { (0, 0) } else { (times, numbers) }
    }

    pub(super) fn room(&self) -> usize {
        let (times, numbers) = self.gutter();
        self.width - times - numbers
    }

    pub(super) fn walk(&self) -> Walk<'_> {
        Walk {
            document: &self.document,
            filter: self.filter.as_ref(),
            context: self.options.context,
            wrap: self.options.wrap.then(|| Wrap { width: self.room(), between_words: self.wraps }),
        }
    }

    /// Whether there is more to do as soon as there is time.
    pub(crate) const fn is_hungry(&self) -> bool {
        self.hungry
    }

    /// The blocks that must be read, each named once.
    pub(crate) fn wanted(&mut self) -> Vec<u64> {
        let wanted: Vec<u64> = std::mem::take(&mut self.wanted).into_iter().filter(|b| self.asked.insert(*b)).collect();
        wanted
    }

    /// What the last keys ask for.
    pub(crate) fn wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// Whether it is still looked which lines the filter lets pass.
    pub(super) const fn is_sifting(&self) -> bool {
        self.stale && self.filter.is_some()
    }

    /// Carries out what is pending, and puts the rows in order. Looks at a part of the document at most, so
    /// that the next key need not wait.
    pub(crate) fn settle(&mut self) {
        if !self.stale && !self.hungry {
            return;
        }
        self.hungry = false;
        self.document.look_anew();
        let mut looks = 0;
        while self.stale {
            match self.carry_on() {
                Ok(()) => self.stale = false,
                Err(Pause::Later) => {
                    self.hungry = true;
                    return;
                }
                Err(Pause::Missing(block)) if self.look_on(block, &mut looks) => {}
                Err(Pause::Missing(_)) => return,
            }
        }
        // Matches are counted to the end, for their number in the status line.
        while let Some(block) = self.unseen() {
            if !self.look_on(block, &mut looks) {
                return;
            }
        }
    }

    /// Looks at a block for what is searched; says whether that was possible now, rather than once the
    /// block was read or when there is time. The first look is always possible, so that it comes to an end.
    fn look_on(&mut self, block: u64, looks: &mut usize) -> bool {
        if *looks > 0 && self.document.go_on().is_err() {
            self.hungry = true;
            return false;
        }
        let Ok((start, bytes)) = self.document.chunk(block) else {
            self.want(block);
            return false;
        };
        for sieve in sieves(&mut self.search, &mut self.filter).filter(|sieve| sieve.needs(block)) {
            sieve.scan(block, start, bytes);
            self.document.look(bytes.len() as u64);
            *looks += 1;
        }
        true
    }

    fn carry_on(&mut self) -> Found<()> {
        if let Some(motion) = self.pending {
            self.run(motion)?;
            self.pending = None;
        }
        self.lay_out()
    }

    /// The first block at which not everything that is looked for was looked for.
    fn unseen(&self) -> Option<u64> {
        let (first, len) = (block_of(self.document.first()), self.document.len());
        let searched = self.search.as_ref().map(|search| &search.sieve);
        searched.into_iter().chain(&self.filter).filter_map(|sieve| sieve.unseen(first, len)).min()
    }

    fn want(&mut self, block: u64) {
        let last = super::chunk::blocks(self.document.len());
        let mut all = self.search.iter().map(|search| &search.sieve).chain(&self.filter);
        if self.filter.is_some() && !all.any(|sieve| sieve.needs(block)) {
            // Only its line is shown. Lines that are far from each other would put each other out if each
            // brought its neighbours along.
            self.wanted.insert(block);
            return;
        }
        let upwards = matches!(self.pending, Some(Motion::Find(Hunt { forward: false, .. })));
        let (before, behind) = if upwards { (READ_BEHIND, READ_BEFORE) } else { (READ_BEFORE, READ_BEHIND) };
        let around = block.saturating_sub(before)..(block + behind).min(last);
        self.wanted.extend(around.filter(|b| self.document.chunk(*b).is_err()));
    }
}

/// All that is looked for in lines.
fn sieves<'a>(search: &'a mut Option<Search>, filter: &'a mut Option<Sieve>) -> impl Iterator<Item = &'a mut Sieve> {
    search.as_mut().map(|search| &mut search.sieve).into_iter().chain(filter)
}
