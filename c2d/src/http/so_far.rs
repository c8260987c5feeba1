//! What an attempt wrote, as it is asked for: while it runs from its worker, when it has ended from
//! what is kept, also where it ends in between.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::Stream;
use c2_shared::api::live::{OutputAnswer, OutputRead, Piece};
use c2_shared::api::output::Output;
use c2_shared::api::output::Streams;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::limits::{PARK_MAX_S, PIECE_BYTES_MAX};
use c2_shared::order::Order;
use tokio::sync::broadcast;
use tokio::time::timeout;

use crate::engine::Touched;
use crate::http::handler::{ApiError, App};
use crate::http::kept::Reader;

/// How long a question may be open: a worker answers it after [`PARK_MAX_S`] at the latest.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2 * PARK_MAX_S);
/// A position behind everything: nothing of this stream is wanted.
const NOTHING: u64 = i64::MAX.unsigned_abs();

/// What an attempt wrote so far.
#[derive(Debug)]
pub(crate) struct SoFar {
    app: App,
    worker: WorkerId,
    attempt: AttemptId,
    which: Streams,
    at: (u64, u64),
    /// The last question, whose worker may wait for the next.
    last: Option<u64>,
    ready: VecDeque<(Stream, Piece)>,
    /// Questions that are left: more than an agent keeps is not waited for, however fast a job writes.
    questions: u64,
    /// What is kept of it, once it has ended.
    kept: Option<Reader>,
}

impl SoFar {
    pub(crate) fn new(app: App, worker: WorkerId, attempt: AttemptId, which: Streams) -> Self {
        let questions = 2 * (app.output_keep_bytes / PIECE_BYTES_MAX as u64 + 2);
        let at = [Stream::Stdout, Stream::Stderr].map(|stream| if which.has(stream) { 0 } else { NOTHING });
        let (at, ready) = ((at[0], at[1]), VecDeque::new());
        Self { app, worker, attempt, which, at, last: None, ready, questions, kept: None }
    }

    /// The next bytes; none at the end of what was written until now.
    pub(crate) async fn next(&mut self) -> Result<Option<(Stream, Piece)>, ApiError> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            if let Some(kept) = &mut self.kept {
                return kept.next().await;
            }
            if self.questions == 0 {
                return Ok(None);
            }
            self.questions -= 1;
            let answer = self.ask(self.at).await?;
            if !answer.running {
                self.kept = Some(self.ended().await?);
                continue;
            }
            if answer.stdout.data.is_empty() && answer.stderr.data.is_empty() {
                return Ok(None);
            }
            for (stream, piece) in in_order(&answer) {
                if self.which.has(stream) {
                    *self.place(stream) = piece.end();
                    self.ready.push_back((stream, piece));
                }
            }
        }
    }

    /// How many bytes are missing behind the beginning that agents keep of a stream, as of now.
    pub(crate) async fn gap(&mut self, stream: Stream) -> Result<Option<(u64, u64)>, ApiError> {
        if self.kept.is_some() {
            return Ok(None);
        }
        let head = Output::head_bytes(self.app.output_keep_bytes);
        let answer = match stream {
            Stream::Stdout => self.ask((head, NOTHING)).await?.stdout,
            Stream::Stderr => self.ask((NOTHING, head)).await?.stderr,
        };
        let missing = answer.offset.saturating_sub(head);
        Ok((missing > 0 && !answer.data.is_empty()).then_some((missing, head)))
    }

    async fn ask(&mut self, (stdout, stderr): (u64, u64)) -> Result<OutputAnswer, ApiError> {
        let read = OutputRead { id: 0, attempt: self.attempt, stdout, stderr, wait: false };
        let answer = self.app.live_output.ask(self.worker.clone(), read, self.last, PATIENCE).await;
        let answer = answer.map_err(|_| silent(self.attempt.job))?;
        self.last = Some(answer.id);
        Ok(answer)
    }

    /// What is kept of the attempt, as soon as its result is here.
    async fn ended(&self) -> Result<Reader, ApiError> {
        let mut changes = self.app.engine.changes();
        let stored = async {
            loop {
                if let Some(stored) = self.app.history.output(self.attempt.job, Some(self.attempt.number)).await? {
                    return Ok::<_, ApiError>(stored);
                }
                changed(&mut changes, self.attempt.job).await;
            }
        };
        let stored = timeout(PATIENCE, stored).await.map_err(|_| silent(self.attempt.job))??;
        Reader::open(&self.app, stored, self.which, self.at).await
    }

    const fn place(&mut self, stream: Stream) -> &mut u64 {
        match stream {
            Stream::Stdout => &mut self.at.0,
            Stream::Stderr => &mut self.at.1,
        }
    }
}

/// Says that a running job's output is not to be had.
pub(crate) fn silent(job: JobId) -> ApiError {
    let message = format!("{job} runs, and its worker does not say what it wrote");
    let hint = format!("try again, or wait for its end with: wait {job}");
    ErrorBody::new(ErrorCode::Busy, message, hint).into()
}

/// The bytes of an answer in the order in which they were written.
pub(crate) fn in_order(answer: &OutputAnswer) -> Vec<(Stream, Piece)> {
    let mut taken = (0, 0);
    let mut pieces = Vec::new();
    let rest = [(Stream::Stdout, u64::MAX), (Stream::Stderr, u64::MAX)];
    for (stream, run) in Order::from_bytes(&answer.order.0).runs().chain(rest) {
        let (of, taken) = match stream {
            Stream::Stdout => (&answer.stdout, &mut taken.0),
            Stream::Stderr => (&answer.stderr, &mut taken.1),
        };
        let left = &of.data.0[*taken..];
        let len = left.len().min(usize::try_from(run).unwrap_or(usize::MAX));
        if len > 0 {
            let data = Bytes64(left[..len].to_vec());
            pieces.push((stream, Piece { offset: of.offset.saturating_add(*taken as u64), data }));
            *taken += len;
        }
    }
    pieces
}

/// Waits until a commit changed the job, or so many came that it may have.
pub(crate) async fn changed(changes: &mut broadcast::Receiver<Arc<Touched>>, job: JobId) {
    loop {
        match changes.recv().await {
            Ok(touched) if touched.jobs.iter().all(|view| view.id != job) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => {
                *changes = changes.resubscribe();
                return;
            }
            Ok(_) => return,
            // c2d goes down, which a waiting caller sees by itself.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_an_answer_take_turns_as_they_were_written() {
        let mut order = Order::default();
        for (stream, bytes) in [(Stream::Stdout, 2), (Stream::Stderr, 3), (Stream::Stdout, 9)] {
            order.push(stream, bytes);
        }
        let piece = |offset, text: &str| Piece { offset, data: Bytes64(text.into()) };
        let answer = OutputAnswer {
            id: 1,
            running: true,
            stdout: piece(10, "abcd"),
            stderr: piece(20, "12345"),
            order: Bytes64(order.to_bytes()),
        };
        let expected = [
            (Stream::Stdout, piece(10, "ab")),
            (Stream::Stderr, piece(20, "123")),
            (Stream::Stdout, piece(12, "cd")),
            (Stream::Stderr, piece(23, "45")),
        ];
        assert_eq!(in_order(&answer), expected, "what the order does not know comes last");
        let unsaid = OutputAnswer { order: Bytes64::default(), ..answer };
        assert_eq!(in_order(&unsaid), [(Stream::Stdout, piece(10, "abcd")), (Stream::Stderr, piece(20, "12345"))]);
    }
}
