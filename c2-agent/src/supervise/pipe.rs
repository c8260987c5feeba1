//! The runner's end of an output stream of a job.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use crate::supervise::capture::{Capture, Place};

#[derive(Debug)]
pub(crate) struct Pipe {
    /// Gone when everything was read.
    pub(crate) end: Option<OwnedFd>,
    pub(crate) capture: Capture,
}

impl Pipe {
    pub(crate) const fn new(end: OwnedFd, place: Place) -> Self {
        Self { end: Some(end), capture: Capture::new(place) }
    }

    /// Returns how many bytes there were.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> u64 {
        let Some(end) = &self.end else { return 0 };
        match rustix::io::read(end, &mut *buffer) {
            Ok(0) => self.end = None,
            Ok(len) => {
                self.capture.push(&buffer[..len]);
                return len as u64;
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.end = None,
        }
        0
    }

    /// Reads what is left in the pipe, without waiting for whoever else may hold its other end.
    pub(crate) fn drain(&mut self, buffer: &mut [u8]) -> u64 {
        let Some(end) = &self.end else { return 0 };
        let mut drained = 0;
        if rustix::io::ioctl_fionbio(end, true).is_err() {
            return drained;
        }
        loop {
            match rustix::io::read(end, &mut *buffer) {
                Ok(len) if len > 0 => {
                    self.capture.push(&buffer[..len]);
                    drained += len as u64;
                }
                Err(Errno::INTR) => {}
                Ok(_) | Err(_) => return drained,
            }
        }
    }
}
