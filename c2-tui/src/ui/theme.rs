//! Looks: what each meaning looks like in each theme.
//!
//! The default uses the terminal's own sixteen colours and never a ground of its own, so that it
//! reads on light and dark. A selection is the reverse of whatever is there.

use ratatui::style::{Color, Modifier, Style};

use crate::app::table::Tone;
use crate::command;

#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    /// Ordinary text, and the ground.
    pub(super) base: Style,
    /// Borders without the focus.
    pub(super) border: Style,
    tones: [Color; 8],
}

impl Theme {
    pub(super) const fn of(theme: command::Theme) -> Self {
        use Color::{
            Black, Blue, Cyan, DarkGray, Green, LightCyan, LightGreen, LightRed, LightYellow, Red, Reset, White, Yellow,
        };
        match theme {
            command::Theme::Terminal => {
                Self::new(Reset, Reset, DarkGray, [Reset, DarkGray, Reset, Cyan, Green, Red, Yellow, Blue])
            }
            command::Theme::Contrast => Self::new(
                White,
                Black,
                White,
                [White, White, White, LightCyan, LightGreen, LightRed, LightYellow, LightCyan],
            ),
            command::Theme::Dark => Self::new(
                Color::from_u32(0x00d4_d7dd),
                Color::from_u32(0x0016_191f),
                Color::from_u32(0x0043_4a56),
                [
                    Color::from_u32(0x00d4_d7dd),
                    Color::from_u32(0x0080_8896),
                    Color::from_u32(0x00f0_f2f5),
                    Color::from_u32(0x006c_c6d9),
                    Color::from_u32(0x008c_c98a),
                    Color::from_u32(0x00ec_7f7f),
                    Color::from_u32(0x00e5_c07b),
                    Color::from_u32(0x0082_aaff),
                ],
            ),
            command::Theme::Light => Self::new(
                Color::from_u32(0x0024_292f),
                Color::from_u32(0x00fb_fbf8),
                Color::from_u32(0x00b8_bec6),
                [
                    Color::from_u32(0x0024_292f),
                    Color::from_u32(0x006a_737d),
                    Color::from_u32(0x0000_0000),
                    Color::from_u32(0x0005_6d80),
                    Color::from_u32(0x0022_7a34),
                    Color::from_u32(0x00b3_1d28),
                    Color::from_u32(0x008a_5a00),
                    Color::from_u32(0x0003_56b3),
                ],
            ),
        }
    }

    const fn new(text: Color, ground: Color, border: Color, tones: [Color; 8]) -> Self {
        let base = Style::new().fg(text).bg(ground);
        Self { base, border: base.fg(border), tones }
    }

    /// The look of a meaning.
    pub(super) const fn tone(&self, tone: Tone) -> Style {
        let style = self.base.fg(self.tones[tone as usize]);
        match tone {
            Tone::Strong | Tone::Accent => style.add_modifier(Modifier::BOLD),
            Tone::Plain | Tone::Dim | Tone::Good | Tone::Bad | Tone::Warn | Tone::Busy => style,
        }
    }

    /// The selected row of the part that has the focus.
    pub(super) const fn selected(&self) -> Style {
        self.base.add_modifier(Modifier::REVERSED)
    }
}
