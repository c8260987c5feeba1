//! In which order a job wrote to its two streams, which are kept apart.
//!
//! Written down are the lengths of its runs, by turns to standard output and to standard error and
//! beginning with the former, each as LEB128. What is left of a stream when they end comes last,
//! standard output first.

use crate::api::jobs::Stream;
use crate::limits::ORDER_RUNS_MAX;

/// Runs of bytes to one stream and to the other, by turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    runs: Vec<u64>,
}

impl Order {
    /// Notes that so many bytes were written to a stream.
    pub fn push(&mut self, stream: Stream, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let is_last = self.runs.len().is_multiple_of(2) == (stream == Stream::Stderr);
        match self.runs.last_mut() {
            Some(last) if is_last => *last += bytes,
            None if is_last => self.runs.extend([0, bytes]),
            Some(_) | None => self.runs.push(bytes),
        }
        if self.runs.len() > ORDER_RUNS_MAX {
            self.coarsen();
        }
    }

    /// The runs, in their order.
    pub fn runs(&self) -> impl Iterator<Item = (Stream, u64)> {
        self.runs.iter().zip([Stream::Stdout, Stream::Stderr].into_iter().cycle()).map(|(run, stream)| (stream, *run))
    }

    /// What is left of it behind a position of each stream.
    #[must_use]
    pub fn since(&self, stdout: u64, stderr: u64) -> Self {
        let (mut skip, mut rest) = ((stdout, stderr), Self::default());
        for (stream, run) in self.runs() {
            let skip = match stream {
                Stream::Stdout => &mut skip.0,
                Stream::Stderr => &mut skip.1,
            };
            let skipped = run.min(*skip);
            *skip -= skipped;
            rest.push(stream, run - skipped);
        }
        rest
    }

    /// Writes it down. When one stream alone was written to there is nothing to say.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.runs.len() < 2 || self.runs == [0, self.runs[1]] {
            return bytes;
        }
        for run in &self.runs {
            let mut rest = *run;
            while rest >= 0x80 {
                bytes.push(rest.to_le_bytes()[0] | 0x80);
                rest >>= 7;
            }
            bytes.push(rest.to_le_bytes()[0]);
        }
        bytes
    }

    /// Reads what was written down, as far as it makes sense.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut order = Self::default();
        let (mut run, mut shift) = (0_u64, 0);
        for byte in bytes {
            run |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift += 7;
            if byte & 0x80 == 0 {
                order.runs.push(run);
                (run, shift) = (0, 0);
            }
        }
        order.runs.truncate(ORDER_RUNS_MAX);
        order
    }

    /// Makes one of each two turns, so that a job that changes between its streams all the time takes
    /// bounded room. What was written long ago gets coarser than what was written last.
    fn coarsen(&mut self) {
        let sum = |turns: &[u64], of: usize| turns.iter().skip(of).step_by(2).sum();
        self.runs = self.runs.chunks(4).flat_map(|turns| [sum(turns, 0), sum(turns, 1)]).collect();
        // A last turn to the first stream alone stays open for the next.
        if self.runs.last() == Some(&0) {
            self.runs.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(pushed: &[(Stream, u64)]) -> Order {
        let mut order = Order::default();
        pushed.iter().for_each(|(stream, bytes)| order.push(*stream, *bytes));
        order
    }

    #[test]
    fn runs_come_back_as_they_were_written() {
        use Stream::{Stderr, Stdout};
        type Runs = [(Stream, u64)];
        let table: [(&Runs, &Runs); 5] = [
            (&[], &[]),
            (&[(Stdout, 5)], &[]),
            (&[(Stderr, 5)], &[]),
            (&[(Stderr, 5), (Stdout, 1)], &[(Stdout, 0), (Stderr, 5), (Stdout, 1)]),
            (
                &[(Stdout, 1), (Stdout, 2), (Stderr, 70_000), (Stderr, 0), (Stdout, 128)],
                &[(Stdout, 3), (Stderr, 70_000), (Stdout, 128)],
            ),
        ];
        for (pushed, expected) in table {
            let read = Order::from_bytes(&order(pushed).to_bytes());
            assert_eq!(read.runs().collect::<Vec<_>>(), expected, "{pushed:?}");
        }
        let order = order(&[(Stdout, 3), (Stderr, 4), (Stdout, 5), (Stderr, 6)]);
        let rest: Vec<_> = order.since(4, 2).runs().collect();
        assert_eq!(rest, [(Stdout, 0), (Stderr, 2), (Stdout, 4), (Stderr, 6)]);
        assert_eq!(order.since(8, 10), Order::default());
    }

    #[test]
    fn it_stays_short_and_loses_no_byte() {
        let mut order = Order::default();
        for n in 0..100_000 {
            order.push(Stream::Stdout, 1 + n % 3);
            order.push(Stream::Stderr, 2);
        }
        let total = |of| order.runs().filter(|(stream, _)| *stream == of).map(|(_, run)| run).sum::<u64>();
        assert_eq!((total(Stream::Stdout), total(Stream::Stderr)), (199_999, 200_000));
        assert!(order.runs.len() <= ORDER_RUNS_MAX && order.runs.len() > ORDER_RUNS_MAX / 4, "{}", order.runs.len());
        assert!(order.to_bytes().len() < 3 * ORDER_RUNS_MAX);
    }

    #[test]
    fn nonsense_is_no_harm() {
        for bytes in [&[0x80; 20][..], &[0xff; 40], &[1, 2, 0x80]] {
            assert!(Order::from_bytes(bytes).runs().count() <= 3, "{bytes:?}");
        }
    }
}
