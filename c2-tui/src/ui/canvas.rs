//! A frame to draw on, together with the model, the looks and the map for the mouse.

use ratatui::Frame;
use ratatui::buffer::Cell;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::border;
use ratatui::symbols::merge::MergeStrategy;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::hit::HitMap;
use super::theme::Theme;
use crate::app::Model;
use crate::app::glyphs::Glyphs;
use crate::app::layout::Area;
use crate::app::msg::Target;
use crate::app::table::Tone;
use crate::app::text;

/// What views draw on.
pub(super) struct Canvas<'a, 'f> {
    pub(super) model: &'a Model,
    pub(super) theme: Theme,
    pub(super) glyphs: &'static Glyphs,
    frame: &'a mut Frame<'f>,
    hits: HitMap,
}

/// The words on the border of a box.
#[derive(Default)]
pub(super) struct Titles<'t> {
    pub(super) left: Line<'t>,
    pub(super) right: Line<'t>,
    pub(super) foot: Line<'t>,
    pub(super) foot_right: Line<'t>,
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII_FOCUS: border::Set<'static> = border::Set { horizontal_top: "=", horizontal_bottom: "=", ..ASCII_BORDER };

impl<'a, 'f> Canvas<'a, 'f> {
    pub(super) fn new(model: &'a Model, frame: &'a mut Frame<'f>) -> Self {
        let theme = Theme::of(model.settings.theme);
        let area = frame.area();
        frame.buffer_mut().set_style(area, theme.base);
        Self { model, theme, glyphs: model.glyphs(), frame, hits: HitMap::default() }
    }

    pub(super) fn into_hits(self) -> HitMap {
        self.hits
    }

    pub(super) fn whole(&self) -> Area {
        let area = self.frame.area();
        Area { x: area.x, y: area.y, width: area.width, height: area.height }
    }

    pub(super) const fn tone(&self, tone: Tone) -> Style {
        self.theme.tone(tone)
    }

    /// A piece of text with a meaning.
    pub(super) fn span<'t>(&self, text: impl Into<std::borrow::Cow<'t, str>>, tone: Tone) -> Span<'t> {
        Span::styled(text, self.tone(tone))
    }

    pub(super) fn hit(&mut self, area: Area, target: Target) {
        self.hits.add(area, target);
    }

    /// Writes text into at most `width` cells; what lies outside of the screen is not written.
    pub(super) fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) {
        self.write(x, y, width, text, style);
    }

    /// The same; answers the column behind it.
    fn write(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = self.frame.area();
        if x >= area.right() || y >= area.bottom() {
            return x;
        }
        let width = width.min(area.right() - x);
        let buffer = self.frame.buffer_mut();
        if !text.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return buffer.set_stringn(x, y, text, width.into(), style).0;
        }
        // Most texts are of ASCII, where no letter needs a look at its width and at its neighbours.
        let end = x + width.min(u16::try_from(text.len()).unwrap_or(u16::MAX));
        for (at, x) in (x..end).enumerate() {
            buffer[(x, y)].set_symbol(&text[at..=at]).set_style(style);
        }
        end
    }

    /// Writes pieces of text; answers the column behind them.
    pub(super) fn put_line(&mut self, x: u16, y: u16, width: u16, line: &Line<'_>) -> u16 {
        let end = x.saturating_add(width);
        line.iter().fold(x, |x, span| self.write(x, y, end.saturating_sub(x), &span.content, span.style))
    }

    /// Text in the middle of a row, and of those below where it is longer.
    pub(super) fn centred(&mut self, area: Area, row: u16, text: &str, style: Style) {
        let lines = text::wrapped(text, area.width.into());
        for (line, row) in lines.iter().zip(row..area.height) {
            let shown = text::cut_end(line, area.width.into(), self.glyphs.cut);
            let free = usize::from(area.width) - text::width(&shown);
            let x = area.x + u16::try_from(free / 2).unwrap_or(0);
            self.put(x, area.y + row, area.width, &shown, style);
        }
    }

    /// A style over an area, on top of what is there.
    pub(super) fn wash(&mut self, area: Area, style: Style) {
        let area = rect(area).intersection(self.frame.area());
        self.frame.buffer_mut().set_style(area, style);
    }

    pub(super) fn each_cell(&mut self, area: Area, mut change: impl FnMut(&mut Cell)) {
        let area = rect(area).intersection(self.frame.area());
        for position in area.positions() {
            if let Some(cell) = self.frame.buffer_mut().cell_mut(position) {
                change(cell);
            }
        }
    }

    pub(super) fn cursor(&mut self, x: u16, y: u16) {
        let area = self.frame.area();
        if x < area.right() && y < area.bottom() {
            self.frame.set_cursor_position((x, y));
        }
    }

    /// The border of a box; a line that it shares with a box that was drawn before becomes one.
    pub(super) fn frame(&mut self, area: Area, focused: bool) {
        let set = match (self.model.settings.ascii, focused) {
            (false, false) => border::ROUNDED,
            (false, true) => border::THICK,
            (true, false) => ASCII_BORDER,
            (true, true) => ASCII_FOCUS,
        };
        let style = if focused { self.tone(Tone::Accent) } else { self.theme.border };
        if area.width < 2 || area.height < 2 {
            return;
        }
        let (right, bottom) = (area.x + area.width - 1, area.y + area.height - 1);
        for x in area.x + 1..right {
            self.line(x, area.y, set.horizontal_top, style);
            self.line(x, bottom, set.horizontal_bottom, style);
        }
        for y in area.y + 1..bottom {
            self.line(area.x, y, set.vertical_left, style);
            self.line(right, y, set.vertical_right, style);
        }
        self.line(area.x, area.y, set.top_left, style);
        self.line(right, area.y, set.top_right, style);
        self.line(area.x, bottom, set.bottom_left, style);
        self.line(right, bottom, set.bottom_right, style);
    }

    /// A cell of a border; with one that is there it becomes one, of which the new one says how thick it is.
    fn line(&mut self, x: u16, y: u16, symbol: &str, style: Style) {
        let Some(cell) = self.frame.buffer_mut().cell_mut((x, y)) else { return };
        match (cell.symbol(), symbol) {
            // What lies along the same line needs no thought.
            (" ", _) | ("─", "━") | ("━", "─") | ("│", "┃") | ("┃", "│") => cell.set_symbol(symbol),
            (before, symbol) => {
                let both = MergeStrategy::Fuzzy.merge(before, symbol).to_owned();
                cell.set_symbol(&both)
            }
        }
        .set_style(style);
    }

    /// The words on the border of a box; answers the area inside. What has no room on the right is left
    /// out.
    pub(super) fn titled(&mut self, area: Area, titles: &Titles<'_>) -> Area {
        let room = area.width.saturating_sub(2);
        let bottom = area.y + area.height.saturating_sub(1);
        for (y, left, right) in [(area.y, &titles.left, &titles.right), (bottom, &titles.foot, &titles.foot_right)] {
            let end = self.put_line(area.x + 1, y, room, left);
            let wide = u16::try_from(right.width()).unwrap_or(u16::MAX);
            if let Some(x) = (area.x + 1 + room).checked_sub(wide).filter(|x| *x >= end) {
                self.put_line(x, y, wide, right);
            }
        }
        inner(area)
    }

    /// A box with words on its border; answers the area inside.
    pub(super) fn framed(&mut self, area: Area, focused: bool, titles: &Titles<'_>) -> Area {
        self.frame(area, focused);
        self.titled(area, titles)
    }

    /// An empty box over whatever is there, in the middle of the screen.
    pub(super) fn dialog(&mut self, width: u16, height: u16, titles: &Titles<'_>) -> Area {
        let whole = self.whole();
        let (width, height) = (width.min(whole.width), height.min(whole.height));
        let area = Area { x: (whole.width - width) / 2, y: (whole.height - height) / 3, width, height };
        self.blank(area);
        self.framed(area, true, titles)
    }

    pub(super) fn blank(&mut self, area: Area) {
        self.frame.render_widget(Clear, rect(area));
        self.wash(area, self.theme.base);
    }

    /// A thumb on the right border of a box that shows `seen` of `all` rows from `top` on.
    pub(super) fn scrollbar(&mut self, area: Area, top: usize, seen: usize, all: usize) {
        let track = usize::from(area.height.saturating_sub(2));
        if all <= seen || track < 2 {
            return;
        }
        let len = (track * seen / all).clamp(1, track - 1);
        let at = (track - len) * top / (all - seen);
        let (x, y) = (area.x + area.width - 1, area.y + 1 + u16::try_from(at.min(track - len)).unwrap_or(0));
        let (ascii, style) = (self.model.settings.ascii, self.tone(Tone::Accent));
        let thumb = Area { x, y, width: 1, height: u16::try_from(len).unwrap_or(0) };
        self.each_cell(thumb, |cell| {
            // It stands out from the line on which it is, which may be thick itself.
            let sign = match cell.symbol() {
                _ if ascii => "#",
                "┃" => "▐",
                _ => "┃",
            };
            cell.set_symbol(sign).set_style(style);
        });
    }
}

/// The area inside of a border.
pub(super) const fn inner(area: Area) -> Area {
    Area { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(2) }
}

const fn rect(area: Area) -> Rect {
    Rect { x: area.x, y: area.y, width: area.width, height: area.height }
}
