//! Signals to the process, as values in the event loop's select.

use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// To end, by the signal of this number.
    End(i32),
    /// To stop, as Ctrl-Z does where the terminal is not raw.
    Stop,
    /// That it goes on after a stop.
    Continue,
    /// That the terminal has another size. crossterm tells it too, but only once its reader is
    /// there: whoever changes the size just as the console starts would otherwise not be heard.
    Resized,
}

/// The signals that the console listens to.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
    stop: Signal,
    go_on: Signal,
    resize: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let on = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            terminate: on(Number::TERM)?,
            hangup: on(Number::HUP)?,
            interrupt: on(Number::INT)?,
            stop: on(Number::TSTP)?,
            go_on: on(Number::CONT)?,
            resize: on(Number::WINCH)?,
        })
    }

    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::End(Number::TERM.as_raw()),
            _ = self.hangup.recv() => Told::End(Number::HUP.as_raw()),
            _ = self.interrupt.recv() => Told::End(Number::INT.as_raw()),
            _ = self.stop.recv() => Told::Stop,
            _ = self.go_on.recv() => Told::Continue,
            _ = self.resize.recv() => Told::Resized,
        }
    }
}

/// Stops the whole process group, as a shell expects of Ctrl-Z, and answers whether it could. It may
/// return just before the stop; [`Told::Continue`] comes after it. SIGSTOP rather than SIGTSTP,
/// because that one is listened to.
pub(super) fn stop_here() -> bool {
    let stopped = rustix::process::kill_current_process_group(Number::STOP);
    stopped.inspect_err(|error| tracing::warn!(%error, "cannot stop")).is_ok()
}

/// crossterm reads 1 KiB at once, and is woken for the rest only when yet more comes. A change of the
/// terminal's modes wakes whoever waits for it, even a change to what they are.
pub(super) fn tell_of_more_input() {
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    if input_is(PollFlags::IN)
        && let Ok(modes) = tcgetattr(io::stdin())
    {
        // A terminal that is gone has no more input.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Now, &modes);
    }
}

/// Whether the terminal is gone. crossterm does not notice that and would turn in circles.
pub(super) fn terminal_gone() -> bool {
    input_is(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

fn input_is(wanted: PollFlags) -> bool {
    let input = io::stdin();
    let mut fds = [PollFd::new(&input, wanted & PollFlags::IN)];
    let ready = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    ready.is_ok() && fds[0].revents().intersects(wanted)
}
