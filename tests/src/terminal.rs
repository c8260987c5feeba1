//! A program in a real pseudo-terminal: keys go in, a screen comes out.
//!
//! Everything that the program wrote is kept as it came as well, so that a test can count frames
//! and see which modes of the terminal were taken and given back.

use std::fs::File;
use std::io::{Read as _, Write};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

use crate::wait::{SOON, now};

/// Silence after which nothing more is expected of a program that was asked for nothing.
const QUIET: Duration = Duration::from_millis(300);
/// Pieces of output after which a program that never stops writing is left alone.
const PIECES_MAX: usize = 1_000;
/// Begins each frame of a console.
const FRAME: &[u8] = b"\x1b[?2026h";

/// A program and its terminal.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    written: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    master: Option<Box<dyn MasterPty + Send>>,
    tty: File,
}

impl Terminal {
    /// Starts a program on a screen of so many columns and rows.
    ///
    /// # Errors
    /// When the system has no terminal for it, or it cannot be started.
    pub fn start(program: &Command, columns: u16, rows: u16) -> Result<Self> {
        let size = PtySize { rows, cols: columns, ..PtySize::default() };
        let pair = native_pty_system().openpty(size)?;
        let mut command = CommandBuilder::new(program.get_program());
        command.args(program.get_args());
        command.env_clear();
        for (name, value) in program.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.cwd(program.get_current_dir().unwrap_or_else(|| Path::new("/")));
        // It must not become the terminal of these tests, where they have none.
        let mut open = File::options();
        open.read(true).custom_flags(OFlags::NOCTTY.bits().cast_signed());
        let tty = open.open(pair.master.tty_name().context("the terminal has no name")?)?;
        let child = pair.slave.spawn_command(command)?;
        let mut reader = pair.master.try_clone_reader()?;
        let (to, written) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || to.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer()?;
        let screen = parser(columns, rows)?;
        Ok(Self { child, keys, written, screen, raw: Vec::new(), master: Some(pair.master), tty })
    }

    /// Types.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.keys.write_all(keys.as_bytes())?;
        Ok(self.keys.flush()?)
    }

    /// Changes the size of the screen.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resize(&mut self, columns: u16, rows: u16) -> Result<()> {
        let size = PtySize { rows, cols: columns, ..PtySize::default() };
        self.master.as_ref().context("the terminal is gone")?.resize(size)?;
        self.screen = parser(columns, rows)?;
        Ok(())
    }

    /// Takes the terminal away, as when its window is closed without a signal to the program.
    pub fn vanish(&mut self) {
        self.master = None;
        self.keys = Box::new(std::io::sink());
    }

    /// The lines of the screen.
    #[must_use]
    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Row and column of the cursor, if it is shown.
    #[must_use]
    pub fn cursor(&self) -> Option<(u16, u16)> {
        let screen = self.screen.screen();
        (!screen.hide_cursor()).then(|| screen.cursor_position())
    }

    /// Everything that was written so far.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// How often these bytes were written since so many had been.
    #[must_use]
    pub fn count_since(&self, start: usize, bytes: &[u8]) -> usize {
        self.raw[start..].windows(bytes.len()).filter(|part| *part == bytes).count()
    }

    /// Frames that were drawn since so many bytes were written.
    #[must_use]
    pub fn frames_since(&self, start: usize) -> usize {
        self.count_since(start, FRAME)
    }

    /// Waits until the screen is as wanted.
    ///
    /// # Errors
    /// When it does not get so soon; with the screen.
    pub fn wait(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> Result<()> {
        let end = now() + SOON;
        while !is_so(self) {
            match self.written.recv_timeout(end.saturating_duration_since(now())) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => bail!("no {what} on this screen:\n{}", self.text()),
                Err(RecvTimeoutError::Disconnected) => bail!("it ended without {what}:\n{}", self.text()),
            }
        }
        Ok(())
    }

    /// Waits for a text on the screen.
    ///
    /// # Errors
    /// When it does not come.
    pub fn sees(&mut self, text: &str) -> Result<()> {
        self.wait(&format!("{text:?}"), |terminal| terminal.text().contains(text))
    }

    /// Waits until a text is gone from the screen.
    ///
    /// # Errors
    /// When it stays.
    pub fn misses(&mut self, text: &str) -> Result<()> {
        self.wait(&format!("end of {text:?}"), |terminal| !terminal.text().contains(text))
    }

    /// Takes what comes until nothing more does.
    pub fn settle(&mut self) {
        for _ in 0..PIECES_MAX {
            let Ok(bytes) = self.written.recv_timeout(QUIET) else { return };
            self.take(&bytes);
        }
    }

    /// Takes what comes for so long.
    pub fn watch(&mut self, time: Duration) {
        thread::sleep(time);
        while let Ok(bytes) = self.written.try_recv() {
            self.take(&bytes);
        }
    }

    /// The program's process.
    ///
    /// # Errors
    /// When it has none.
    pub fn pid(&self) -> Result<Pid> {
        let pid = self.child.process_id().context("no process")?;
        Pid::from_raw(i32::try_from(pid)?).context("no process")
    }

    /// Processor time that the program used so far, in milliseconds; the system counts it by tens.
    ///
    /// # Errors
    /// When it is gone.
    pub fn processor_ms(&self) -> Result<u64> {
        crate::usage::processor_ms(self.pid()?)
    }

    /// How often the program was woken so far.
    ///
    /// # Errors
    /// When it is gone.
    pub fn wakeups(&self) -> Result<u64> {
        crate::usage::wakeups(self.pid()?)
    }

    /// Signals the program.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(self.pid()?, signal)?)
    }

    /// Waits for the program's end; its exit status.
    ///
    /// # Errors
    /// When it goes on.
    pub fn end(&mut self) -> Result<u32> {
        let mut left = SOON.as_millis() / QUIET.as_millis();
        loop {
            self.settle();
            if let Some(status) = self.child.try_wait()? {
                self.settle();
                return Ok(status.exit_code());
            }
            left = left.checked_sub(1).with_context(|| format!("it goes on:\n{}", self.text()))?;
            thread::sleep(QUIET);
        }
    }

    /// Whether lines are edited and echoed by the terminal, as a shell wants it.
    ///
    /// # Errors
    /// When the terminal does not say.
    pub fn is_cooked(&self) -> Result<bool> {
        Ok(tcgetattr(&self.tty)?.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO))
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.raw.extend_from_slice(bytes);
    }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already; nobody could be told of another failure here.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn parser(columns: u16, rows: u16) -> Result<vt100::Parser> {
    let rows = NonZero::new(rows).context("no rows")?;
    Ok(vt100::Parser::new(rows, NonZero::new(columns).context("no columns")?, 0))
}
