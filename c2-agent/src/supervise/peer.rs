//! The runner's end of its connection to the agent: never blocks, keeps order.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use crate::supervise::wire::{Frames, FromRunner, ToRunner, frame};

/// A connected agent.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: UnixStream,
    frames: Frames,
    unwritten: Vec<u8>,
}

/// What the agent said, and whether it may say more.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) messages: Vec<ToRunner>,
    pub(crate) open: bool,
}

impl Peer {
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, frames: Frames::default(), unwritten: Vec::new() })
    }

    pub(crate) const fn socket(&self) -> &UnixStream {
        &self.stream
    }

    pub(crate) const fn has_unwritten(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Sends a message as far as the socket takes it; the rest goes when it is writable again. A
    /// broken connection shows itself at the next [`Peer::receive`].
    pub(crate) fn send(&mut self, message: &FromRunner) {
        self.unwritten.extend(frame(message));
        self.write();
    }

    /// Takes everything that has arrived.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> Received {
        self.write();
        let mut open = true;
        loop {
            match self.stream.read(buffer) {
                Ok(0) => open = false,
                Ok(len) => {
                    self.frames.buffer.extend_from_slice(&buffer[..len]);
                    // A full buffer means that more may wait; anything less, that nothing does.
                    if len == buffer.len() {
                        continue;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => open = false,
            }
            break;
        }
        let mut messages = Vec::new();
        loop {
            match self.frames.take() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => return Received { messages, open },
                Err(error) => {
                    tracing::warn!("the agent cannot be understood: {error}");
                    return Received { messages, open: false };
                }
            }
        }
    }

    fn write(&mut self) {
        while !self.unwritten.is_empty() {
            match self.stream.write(&self.unwritten) {
                Ok(len) => drop(self.unwritten.drain(..len)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Nobody reads any more; what was not written is still held and told to the next.
                Err(_) => self.unwritten.clear(),
            }
        }
    }
}
