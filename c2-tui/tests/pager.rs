//! The pager in a real terminal: files that are written and the clipboard, which only the whole
//! program can show. No c2d is needed for a text of help.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

use std::io::{Read as _, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use std::{fs, thread};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The console on a screen of 80x24.
struct Console {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    written: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Console {
    fn start(home: &std::path::Path) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_c2-tui"));
        command.args(["--server", "127.0.0.1:1"]);
        command.env_clear();
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.cwd(home);
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (to, written) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || to.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(NonZero::new(24).unwrap(), NonZero::new(80).unwrap(), 0);
        Self { child, keys, written, screen, raw: Vec::new(), _terminal: pair.master }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn wait_for(&mut self, what: &str, is_there: impl Fn(&Self) -> bool) {
        while !is_there(self) {
            let Ok(bytes) = self.written.recv_timeout(PATIENCE) else {
                panic!("no {what} on this screen:\n{}", self.screen.screen().contents())
            };
            self.screen.process(&bytes);
            self.raw.extend(bytes);
        }
    }

    fn wait_for_text(&mut self, text: &str) {
        self.wait_for(text, |console| console.screen.screen().contents().contains(text));
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

#[test]
fn a_text_is_saved_and_copied() {
    let home = tempfile::tempdir().unwrap();
    let mut console = Console::start(home.path());
    console.wait_for_text("!>");
    console.press("help submit\r");
    console.wait_for_text("✓ ok");
    // To the result, and from there to a page of its own.
    console.press("\x1b[Z");
    console.wait_for_text("as a page");
    console.press("\r");
    console.wait_for_text("› help submit");
    console.press("sout.txt\r");
    console.wait_for_text("bytes saved to out.txt");
    let saved = fs::read_to_string(home.path().join("out.txt")).unwrap();
    assert!(saved.contains("--group"), "{saved}");
    fs::write(home.path().join("out.txt"), "mine").unwrap();
    console.press("sout.txt\r");
    console.wait_for_text("overwrite this file?");
    console.press("n");
    console.wait_for("closed question", |c| !c.screen.screen().contents().contains("overwrite"));
    assert_eq!(fs::read_to_string(home.path().join("out.txt")).unwrap(), "mine");
    console.press("Y");
    console.wait_for("clipboard", |c| c.raw.windows(7).any(|part| part == b"\x1b]52;c;"));
    console.press("\x03\x03");
    assert!(console.child.wait().unwrap().success());
}
