//! A screen as a vector picture: cells on a fixed grid, so that it stays aligned whatever font the
//! reader has; lines of boxes as strokes, so that they meet.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// Width and height of a cell, and the size of its letters.
const CELL: (f32, f32) = (8.4, 18.0);
const LETTERS: f32 = 14.0;
/// From the top of a cell to the line on which letters stand.
const BASELINE: f32 = 13.5;
/// Around the screen.
const MARGIN: f32 = 14.0;

/// What a terminal makes of its sixteen colours, its text and its ground.
pub(super) struct Palette {
    pub(super) text: u32,
    pub(super) ground: u32,
    pub(super) edge: u32,
    pub(super) sixteen: [u32; 16],
}

pub(super) const DARK: Palette = Palette {
    text: 0x00d5_d9e0,
    ground: 0x0015_181e,
    edge: 0x002c_323c,
    sixteen: [
        0x0015_181e,
        0x00e8_7878,
        0x008f_c98c,
        0x00e3_c078,
        0x0084_aaf5,
        0x00c1_9ce8,
        0x0070_c7d8,
        0x00b8_bec8,
        0x0068_7180,
        0x00f2_9090,
        0x00a5_daa2,
        0x00f0_d090,
        0x009c_bcff,
        0x00d2_b2f2,
        0x0090_d8e6,
        0x00f4_f6f8,
    ],
};

pub(super) const LIGHT: Palette = Palette {
    text: 0x0026_2b31,
    ground: 0x00fb_fbf9,
    edge: 0x00d8_dade,
    sixteen: [
        0x0026_2b31,
        0x00b4_232c,
        0x0021_7a36,
        0x008a_5a00,
        0x0009_57b8,
        0x0083_3bb0,
        0x0004_6f84,
        0x006a_737d,
        0x008b_939c,
        0x00c9_3a43,
        0x002c_8f45,
        0x00a0_6c00,
        0x001f_6fd0,
        0x0098_50c4,
        0x0010_8398,
        0x0010_1316,
    ],
};

pub(super) fn picture(buffer: &Buffer, palette: &Palette) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (width, height) = (f32::from(columns) * CELL.0 + 2.0 * MARGIN, f32::from(rows) * CELL.1 + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.1} {height:.1}\">\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{:.1}\" height=\"{:.1}\" rx=\"9\" fill=\"{}\" stroke=\"{}\"/>\n\
         <g font-family=\"'DejaVu Sans Mono','Menlo','Consolas',monospace\" font-size=\"{LETTERS}\">\n",
        width - 1.0,
        height - 1.0,
        hex(palette.ground),
        hex(palette.edge),
    );
    for y in 0..rows {
        row(&mut svg, buffer, palette, y);
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// One row: grounds first, then runs of text of one look, then the strokes of boxes.
fn row(svg: &mut String, buffer: &Buffer, palette: &Palette, y: u16) {
    let looks: Vec<Look> = (0..buffer.area.width).map(|x| Look::of(&buffer[(x, y)], palette)).collect();
    let top = MARGIN + f32::from(y) * CELL.1;
    let place = |x: usize| MARGIN + f32::from(u16::try_from(x).unwrap_or(u16::MAX)) * CELL.0;
    for (x, len) in runs(&looks, |look| look.ground) {
        if looks[x].ground != palette.ground {
            let (left, fill) = (place(x), hex(looks[x].ground));
            let width = place(x + len) - left;
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{fill}\"/>",
                CELL.1
            );
        }
    }
    let mut paths: BTreeMap<(u32, bool), String> = BTreeMap::new();
    let mut x = 0;
    while x < looks.len() {
        let look = looks[x];
        let (mut text, mut end) = (String::new(), x);
        while end < looks.len() && looks[end].letters() == look.letters() {
            let symbol = buffer[(u16::try_from(end).unwrap_or(0), y)].symbol();
            // A stroke, and what some fonts do not draw as wide as a letter, stands alone.
            let alone = strokes(symbol).is_some() || !symbol.is_ascii();
            if alone && !text.trim().is_empty() {
                break;
            }
            text.push_str(symbol);
            end += symbol.width().max(1);
            if alone {
                break;
            }
        }
        let left = place(x + text.len() - text.trim_start_matches(' ').len());
        let (word, cells) = (text.trim_matches(' '), place(end) - place(x));
        match strokes(word) {
            Some(arms) => {
                for weight in [1, 2].into_iter().filter(|weight| arms.contains(weight)) {
                    let path = paths.entry((look.text, weight == 2)).or_default();
                    stroke(path, arms.map(|arm| arm == weight), (place(x), top));
                }
            }
            None if !word.is_empty() => {
                let base = top + BASELINE;
                let attributes = look.attributes();
                let length = f32::from(u16::try_from(word.width()).unwrap_or(u16::MAX)) * CELL.0;
                let word = word.replace('&', "&amp;").replace('<', "&lt;").replace(' ', "\u{a0}");
                let _ = writeln!(
                    svg,
                    "<text x=\"{left:.1}\" y=\"{base:.1}\" textLength=\"{length:.1}\"{attributes}>{word}</text>"
                );
                debug_assert!(length <= cells + 0.1);
            }
            None => {}
        }
        x = end.max(x + 1);
    }
    for ((colour, thick), path) in paths {
        let width = if thick { 2.2 } else { 1.2 };
        let colour = hex(colour);
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linecap=\"square\" fill=\"none\"/>"
        );
    }
}

/// Starts and lengths of runs of the same.
fn runs<T: PartialEq>(looks: &[Look], of: impl Fn(&Look) -> T) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (x, look) in looks.iter().enumerate() {
        match found.last_mut() {
            Some((start, len)) if of(&looks[*start]) == of(look) => *len += 1,
            _ => found.push((x, 1)),
        }
    }
    found
}

/// The colours and the weight of a cell.
#[derive(Clone, Copy)]
struct Look {
    text: u32,
    ground: u32,
    modifier: Modifier,
}

impl Look {
    fn of(cell: &Cell, palette: &Palette) -> Self {
        let (mut text, mut ground) = (rgb(cell.fg, palette.text, palette), rgb(cell.bg, palette.ground, palette));
        if cell.modifier.contains(Modifier::REVERSED) {
            (text, ground) = (ground, text);
        }
        Self { text, ground, modifier: cell.modifier }
    }

    fn letters(self) -> (u32, bool, bool, bool) {
        let has = |modifier| self.modifier.contains(modifier);
        (self.text, has(Modifier::BOLD), has(Modifier::DIM), has(Modifier::UNDERLINED))
    }

    fn attributes(self) -> String {
        let (text, bold, dim, underlined) = self.letters();
        let mut attributes = format!(" fill=\"{}\"", hex(text));
        for (is, attribute) in [
            (bold, " font-weight=\"bold\""),
            (dim, " opacity=\"0.65\""),
            (underlined, " text-decoration=\"underline\""),
        ] {
            attributes.push_str(if is { attribute } else { "" });
        }
        attributes
    }
}

fn rgb(color: Color, default: u32, palette: &Palette) -> u32 {
    let index = match color {
        Color::Reset => return default,
        Color::Rgb(r, g, b) => return u32::from_be_bytes([0, r, g, b]),
        Color::Indexed(index) => return indexed(index, palette),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    palette.sixteen[index]
}

/// The 256 colours of xterm: sixteen, a cube of six steps a side, and greys.
fn indexed(index: u8, palette: &Palette) -> u32 {
    let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    match index {
        0..=15 => palette.sixteen[usize::from(index)],
        16..=231 => {
            let n = index - 16;
            u32::from_be_bytes([0, step(n / 36), step(n / 6 % 6), step(n % 6)])
        }
        232..=255 => u32::from_be_bytes([0, 8 + 10 * (index - 232), 8 + 10 * (index - 232), 8 + 10 * (index - 232)]),
    }
}

fn hex(rgb: u32) -> String {
    format!("#{rgb:06x}")
}

/// Box-drawing characters with the weights of their arms: left, right, up, down; 1 is thin, 2 is thick.
const BOXES: &str = "─1100 ━2200 │0011 ┃0022 ╭0101 ┌0101 ┏0202 ╮1001 ┐1001 ┓2002 ╰0110 └0110 ┗0220 ╯1010 ┘1010 ┛2020 \
                     ├0111 ┝0211 ┞0121 ┟0112 ┠0122 ┡0221 ┢0212 ┣0222 \
                     ┤1011 ┥2011 ┦1021 ┧1012 ┨1022 ┩2021 ┪2012 ┫2022 \
                     ┬1101 ┭2101 ┮1201 ┯2201 ┰1102 ┱2102 ┲1202 ┳2202 \
                     ┴1110 ┵2110 ┶1210 ┷2210 ┸1120 ┹2120 ┺1220 ┻2220 \
                     ┼1111 ┽2111 ┾1211 ┿2211 ╀1121 ╁1112 ╂1122 ╃2121 ╄1221 ╅2112 ╆1212 ╇2221 ╈2212 ╉2122 ╊1222 ╋2222";

/// The weights of the arms of a box-drawing character.
fn strokes(symbol: &str) -> Option<[u8; 4]> {
    let arms = BOXES.split(' ').find_map(|entry| entry.strip_prefix(symbol).filter(|_| !symbol.is_empty()))?;
    Some(std::array::from_fn(|arm| arms.as_bytes().get(arm).map_or(0, |weight| weight - b'0')))
}

/// Adds strokes to a path; one that goes on to the right is made longer.
fn stroke(path: &mut String, parts: [bool; 4], (x, y): (f32, f32)) {
    let (middle, centre) = (x + CELL.0 / 2.0, y + CELL.1 / 2.0);
    let [left, right, up, down] = parts;
    if left || right {
        let (from, to) = (if left { x } else { middle }, if right { x + CELL.0 } else { middle });
        let open = format!("H{from:.1}");
        if path.ends_with(&open) {
            path.truncate(path.len() - open.len());
        } else {
            let _ = write!(path, "M{from:.1} {centre:.1}");
        }
        let _ = write!(path, "H{to:.1}");
    }
    if up || down {
        let (from, to) = (if up { y } else { centre }, if down { y + CELL.1 } else { centre });
        let _ = write!(path, "M{middle:.1} {from:.1}V{to:.1}");
    }
}
