//! How the rest of c2d speaks to the engine.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use c2_shared::id::{JobId, WorkerId};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::engine::task::Step;
use crate::engine::{AttemptOutput, Noted, Observed, Refusal, Touched, Wake};
use crate::sched::Scheduler;
use crate::sched::decision::PollAnswer;
use crate::sched::event::{Event, Now, Poll, PollToken, ResultArrived, ResultFate, ResultSummary, WorkerPolled};

/// Speaks to the engine; cheap to clone.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    pub(super) messages: mpsc::Sender<Message>,
    pub(super) changes: broadcast::Sender<Arc<Touched>>,
    pub(super) notes: broadcast::Sender<Noted>,
    pub(super) wakes: broadcast::Sender<Wake>,
    pub(super) last_token: Arc<AtomicU64>,
    /// Why the engine ended, if it did not end as it was told to.
    pub(super) failure: Arc<OnceLock<Refusal>>,
}

/// What the engine is asked.
pub(super) enum Message {
    Apply { apply: Apply, outputs: Vec<AttemptOutput> },
    Poll { poll: WorkerPolled, outputs: Vec<AttemptOutput>, answer: oneshot::Sender<Result<PollAnswer, Refusal>> },
    PollDropped(PollToken),
    Read(Read),
    Ended { job: JobId, done: oneshot::Sender<()> },
}

/// An event to apply. What comes of it sends the answer, once everything is durable.
pub(super) type Apply = Box<dyn FnOnce(&mut Step<'_>) -> Tell + Send>;

/// Sends an answer, or why there is none.
pub(super) type Tell = Box<dyn FnOnce(Result<(), Refusal>) + Send>;

/// A question about the state, which sends its own answer.
pub(super) type Read = Box<dyn FnOnce(&Scheduler, &Observed, Now) + Send>;

impl EngineHandle {
    /// Applies an event and waits until what it led to is durable.
    pub async fn apply<E: Event>(&self, event: E) -> Result<E::Answer, Refusal> {
        self.apply_with(event, Vec::new()).await
    }

    /// Polls for a worker with what its results wrote; waits as long as the poll may be parked.
    /// Dropping the future withdraws the poll.
    pub async fn poll(&self, poll: Poll, outputs: Vec<AttemptOutput>) -> Result<PollAnswer, Refusal> {
        let token = PollToken(self.last_token.fetch_add(1, Ordering::Relaxed) + 1);
        let mut guard = PollGuard { messages: &self.messages, waiting: Some(token) };
        let (answer, answered) = oneshot::channel();
        self.send(Message::Poll { poll: WorkerPolled { poll: Box::new(poll), token }, outputs, answer })?;
        let answer = answered.await.unwrap_or_else(|_| Err(self.gone()));
        guard.waiting = None;
        answer
    }

    /// Delivers one result by itself; from there, if the worker itself sent it.
    pub async fn deliver(
        &self,
        worker: WorkerId,
        from: Option<IpAddr>,
        result: ResultSummary,
        output: AttemptOutput,
    ) -> Result<ResultFate, Refusal> {
        self.apply_with(ResultArrived { worker, from, result }, vec![output]).await
    }

    /// Reads the state after everything that came before is durable.
    pub async fn read<T, F>(&self, read: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Scheduler, Now) -> T + Send + 'static,
    {
        self.observe(|scheduler, _, now| read(scheduler, now)).await
    }

    /// The same, with what was counted since the start.
    pub(crate) async fn observe<T, F>(&self, read: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Scheduler, &Observed, Now) -> T + Send + 'static,
    {
        let (reply, replied) = oneshot::channel();
        let read = move |scheduler: &Scheduler, observed: &Observed, now: Now| {
            // The caller may have gone away meanwhile, and does not miss the answer then.
            drop(reply.send(read(scheduler, observed, now)));
        };
        self.send(Message::Read(Box::new(read)))?;
        replied.await.map_err(|_| self.gone())
    }

    /// Resolves when an active job has ended and that is durable; at once for a job that is not active.
    #[expect(clippy::unused_async, reason = "callers need not know that nothing is waited for here")]
    pub async fn ended(&self, job: JobId) -> Result<oneshot::Receiver<()>, Refusal> {
        let (done, receiver) = oneshot::channel();
        self.send(Message::Ended { job, done })?;
        Ok(receiver)
    }

    /// Why there is no answer any more.
    pub fn gone(&self) -> Refusal {
        self.failure.get().cloned().unwrap_or(Refusal::Stopping)
    }

    /// What each commit changes, from now on. A reader that falls behind is told so by `Lagged`.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Touched>> {
        self.changes.subscribe()
    }

    /// What belongs into the audit log, from now on.
    pub fn notes(&self) -> broadcast::Receiver<Noted> {
        self.notes.subscribe()
    }

    /// The machines that are to be woken, from now on.
    pub fn wakes(&self) -> broadcast::Receiver<Wake> {
        self.wakes.subscribe()
    }

    async fn apply_with<E: Event>(&self, event: E, outputs: Vec<AttemptOutput>) -> Result<E::Answer, Refusal> {
        let (reply, replied) = oneshot::channel();
        let apply = |step: &mut Step<'_>| -> Tell {
            let answer = step.apply(event);
            // The caller may have gone away meanwhile, and does not miss the answer then.
            Box::new(|durable| drop(reply.send(durable.and(answer))))
        };
        self.send(Message::Apply { apply: Box::new(apply), outputs })?;
        replied.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Hands a message over, or refuses at once: waiting for room would only hide the overload.
    fn send(&self, message: Message) -> Result<(), Refusal> {
        self.messages.try_send(message).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => Refusal::Busy,
            mpsc::error::TrySendError::Closed(_) => self.gone(),
        })
    }
}

/// Withdraws a poll whose connection broke, so that no job is given to nobody.
struct PollGuard<'a> {
    messages: &'a mpsc::Sender<Message>,
    waiting: Option<PollToken>,
}

impl Drop for PollGuard<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.waiting {
            // If there is no room, the poll ends by its own time limit a moment later.
            drop(self.messages.try_send(Message::PollDropped(token)));
        }
    }
}
