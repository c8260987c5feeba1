//! Where messages wait for workers, which cannot be called: each is taken along by the worker's next
//! poll, or ends the one that is parked.

use std::future::Future;

use tokio::sync::{mpsc, watch};

/// Messages that may wait for the desk.
const MESSAGES_LEN: usize = 1_024;

/// The one owner of all that waits.
pub(super) trait Desk: Send + 'static {
    type Message: Send + 'static;

    /// Handles a message; answers whether it is news for a worker.
    fn on(&mut self, message: Self::Message) -> bool;

    /// How much waits for workers.
    fn waiting(&self) -> usize;
}

/// Speaks to a desk; cheap to clone.
#[derive(Debug)]
pub(super) struct Mailbox<M> {
    messages: mpsc::Sender<M>,
    /// How much waits for workers; while nothing does, polls cost nothing here.
    waiting: watch::Receiver<usize>,
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self { messages: self.messages.clone(), waiting: self.waiting.clone() }
    }
}

impl<M: Send + 'static> Mailbox<M> {
    /// Starts the desk; it ends when the last of its speakers is gone.
    pub(super) fn start(mut desk: impl Desk<Message = M>) -> Self {
        let (messages, mut inbox) = mpsc::channel(MESSAGES_LEN);
        let (count, waiting) = watch::channel(0);
        tokio::spawn(async move {
            while let Some(message) = inbox.recv().await {
                let is_news = desk.on(message);
                let now = desk.waiting();
                // News is told also where something else went meanwhile.
                count.send_if_modified(|count| std::mem::replace(count, now) != now || is_news);
            }
        });
        Self { messages, waiting }
    }

    /// Hands a message over; answers whether there was room.
    pub(super) fn send(&self, message: M) -> bool {
        self.messages.try_send(message).is_ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        *self.waiting.borrow() == 0
    }

    /// Waits, for ever if need be, until something is fetched.
    pub(super) async fn called<T, F: Future<Output = Vec<T>>>(&self, fetch: impl Fn() -> F) -> Vec<T> {
        let mut waiting = self.waiting.clone();
        loop {
            if *waiting.borrow_and_update() > 0 {
                let news = fetch().await;
                if !news.is_empty() {
                    return news;
                }
            }
            if waiting.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}
