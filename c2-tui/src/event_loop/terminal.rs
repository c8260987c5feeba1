//! The terminal: taking it, drawing on it, and giving it back whatever happens.
//!
//! Raw mode, the alternate screen, pasted text as a whole, the mouse and the cursor are all taken
//! and given back here. The panic hook gives back the same, because a guard alone would do so only
//! after the message of the panic was written into the alternate screen.

use std::io::{self, Stdout, Write as _, stderr, stdout};
use std::path::PathBuf;
use std::sync::Once;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::style::{Print, ResetColor, force_color_output};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use crate::app::text;

/// Presses, releases and the wheel in their modern form. Unlike crossterm's own command it leaves
/// movements out, which would wake the console for nothing.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";

/// The title of the window, onto the terminal's stack and back.
const KEEP_TITLE: &str = "\x1b[22;2t";
const RESTORE_TITLE: &str = "\x1b[23;2t";

static HOOK: Once = Once::new();

type Drawn = Terminal<CrosstermBackend<Stdout>>;

/// The terminal while the console has it.
pub(super) struct Screen {
    /// None once it is gone.
    terminal: Option<Drawn>,
    mouse: bool,
    /// The title of its window; none where it has no window.
    title: Option<String>,
    /// Whether the shell has the terminal now.
    lent: bool,
}

impl Screen {
    /// Takes the terminal. Whatever panics gives it back first, and then says where the log is.
    pub(super) fn take(mouse: bool, log: Option<PathBuf>) -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                tracing::error!("{panic}");
                before(panic);
                if let Some(log) = &log {
                    let _gone =
                        writeln!(stderr(), "c2-tui: this is a mistake of the console; its log is in {}", log.display());
                }
            }));
        });
        // Where NO_COLOR is set crossterm would drop bold and reverse as well; the drawing strips
        // the colours itself.
        force_color_output(true);
        enter(mouse)?;
        Ok(Self { terminal: Some(fresh()?), mouse, title: has_window().then(String::new), lent: false })
    }

    /// Draws a frame at once, without the terminal showing half of it.
    pub(super) fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let Some(terminal) = &mut self.terminal else { return Ok(()) };
        queue!(stdout(), BeginSynchronizedUpdate)?;
        let drawn = terminal.draw(view).map(drop);
        execute!(stdout(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Forgets what is on the screen, after a resize or when it holds garbage.
    pub(super) fn renew(&mut self) -> io::Result<()> {
        queue!(stdout(), Clear(ClearType::All))?;
        self.retire();
        self.terminal = Some(fresh()?);
        Ok(())
    }

    pub(super) fn capture_mouse(&mut self, capture: bool) -> io::Result<()> {
        self.mouse = capture;
        if capture { execute!(stdout(), Print(MOUSE_ON)) } else { execute!(stdout(), DisableMouseCapture) }
    }

    /// Rings, and tells a terminal that can show it why.
    pub(super) fn ring(&self, text: &str) -> io::Result<()> {
        let told = self.title.as_ref().map(|_| format!("\x1b]9;{}\x1b\\", text::sanitize(text))).unwrap_or_default();
        execute!(stdout(), Print(format!("\x07{told}")))
    }

    /// Changes the title of the window, if it is another one.
    pub(super) fn set_title(&mut self, title: String) -> io::Result<()> {
        let Some(before) = self.title.as_mut().filter(|before| **before != title) else { return Ok(()) };
        queue!(stdout(), Print(format!("\x1b]2;{}\x1b\\", text::sanitize(&title))))?;
        *before = title;
        Ok(())
    }

    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(stdout(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Takes the terminal anew after a stop, during which the shell had it. What was not given
    /// back before is given back first, but only then: leaving the alternate screen twice would
    /// put the shell's cursor where it once was.
    pub(super) fn retake(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.lent) {
            give_back();
        }
        enter(self.mouse)?;
        self.title = self.title.take().map(|_| String::new());
        self.renew()
    }

    /// Leaves what was drawn on. It shows the cursor when it is dropped, and where the terminal is gone it would
    /// write to standard error that it cannot, which is gone as well: that would be a panic.
    fn retire(&mut self) {
        if let Some(mut terminal) = self.terminal.take()
            && terminal.show_cursor().is_err()
        {
            std::mem::forget(terminal);
        }
    }

    /// Gives the terminal back until the console takes it again; until then nothing may be drawn.
    pub(super) fn lend(&mut self) {
        self.lent = true;
        give_back();
    }

    pub(super) const fn is_lent(&self) -> bool {
        self.lent
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.retire();
        if !self.lent {
            give_back();
        }
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if has_window() {
        execute!(stdout(), Print(KEEP_TITLE))?;
    }
    if mouse { execute!(stdout(), Print(MOUSE_ON)) } else { Ok(()) }
}

/// Gives back all that [`enter`] took. Fails silently: a terminal that is gone needs nothing.
fn give_back() {
    let mut out = stdout();
    if has_window() {
        let _gone = queue!(out, Print(RESTORE_TITLE));
    }
    let _gone = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        ResetColor,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _gone = disable_raw_mode();
    let _gone = out.flush();
}

/// Whether the terminal has a window that can be told things; that of Linux itself would show them.
fn has_window() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term != "linux")
}

/// A terminal of the present size that believes its screen to be empty. Its size is fixed, so that
/// the only way to another one is [`Screen::renew`] and never a question to the terminal itself.
fn fresh() -> io::Result<Drawn> {
    let (width, height) = size();
    let viewport = Viewport::Fixed(Rect { x: 0, y: 0, width, height });
    Terminal::with_options(CrosstermBackend::new(stdout()), TerminalOptions { viewport })
}

/// Columns and rows; none where the terminal does not know.
pub(super) fn size() -> (u16, u16) {
    rustix::termios::tcgetwinsize(stdout()).map_or((0, 0), |size| (size.ws_col, size.ws_row))
}
