//! Sends the packets that wake machines, and has workers near them send them too.
//!
//! Which machine is woken and when the scheduler decides. Packets may be lost, so nothing is stored: what no worker
//! fetched within the time that a machine has to be heard is forgotten.

use std::collections::BTreeMap;

use c2_shared::api::work::Directive;
use c2_shared::id::WorkerId;
use c2_shared::limits::WAKE_WITHIN_MS;
use c2_shared::time::Mono;
use c2_shared::wake;
use tokio::sync::{broadcast, oneshot};

use crate::clock::Clock;
use crate::engine::Wake;
use crate::services::mailbox::{Desk, Mailbox};

/// Hands requests to wake to workers; cheap to clone.
#[derive(Clone, Debug)]
pub struct Waker {
    mailbox: Mailbox<Message>,
    clock: Clock,
}

#[derive(Debug)]
enum Message {
    Ask { now: Mono, wake: Wake },
    Fetch { now: Mono, worker: WorkerId, wakes: oneshot::Sender<Vec<Directive>> },
}

impl Waker {
    /// Starts the desk, and what sends c2d's own packets; both end with the engine.
    pub fn start(wakes: broadcast::Receiver<Wake>, clock: Clock) -> Self {
        let waker = Self { mailbox: Mailbox::start(Requests::default()), clock };
        tokio::spawn(send(wakes, waker.clone()));
        waker
    }

    /// Waits, for ever if need be, until a worker is to wake a machine.
    pub async fn called(&self, worker: &WorkerId) -> Vec<Directive> {
        self.mailbox.called(|| self.fetch(worker)).await
    }

    /// The machines that a worker is to wake, each once.
    pub async fn due(&self, worker: &WorkerId) -> Vec<Directive> {
        if self.mailbox.is_empty() { Vec::new() } else { self.fetch(worker).await }
    }

    async fn fetch(&self, worker: &WorkerId) -> Vec<Directive> {
        let (wakes, fetched) = oneshot::channel();
        let now = self.clock.now().mono;
        let sent = self.mailbox.send(Message::Fetch { now, worker: worker.clone(), wakes });
        if sent { fetched.await.unwrap_or_default() } else { Vec::new() }
    }
}

async fn send(mut wakes: broadcast::Receiver<Wake>, waker: Waker) {
    loop {
        match wakes.recv().await {
            Ok(wake) => {
                let (ip, mac) = (wake.ip, wake.mac);
                waker.mailbox.send(Message::Ask { now: waker.clock.now().mono, wake });
                // The kernel may look for the way.
                let sent = tokio::task::spawn_blocking(move || wake::wake(mac, ip)).await;
                match sent {
                    Ok(Ok(0)) => tracing::debug!("{ip} is in no network of c2d; workers near it wake its machine"),
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => tracing::warn!("cannot send the packet that wakes {mac} at {ip}: {error}"),
                    Err(error) => tracing::error!("waking {mac} failed: {error}"),
                }
            }
            // They are tried again.
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// The one owner of all requests.
#[derive(Default)]
struct Requests(BTreeMap<WorkerId, Vec<(Mono, Directive)>>);

impl Desk for Requests {
    type Message = Message;

    fn on(&mut self, message: Message) -> bool {
        match message {
            Message::Ask { now, wake: Wake { ip, mac, near } } => {
                self.forget_old(now);
                for worker in near {
                    self.0.entry(worker).or_default().push((now, Directive::Wake { ip, mac }));
                }
                true
            }
            Message::Fetch { now, worker, wakes } => {
                self.forget_old(now);
                let mine = self.0.remove(&worker).unwrap_or_default();
                // The caller may be gone; the next try asks another time.
                drop(wakes.send(mine.into_iter().map(|(_, directive)| directive).collect()));
                false
            }
        }
    }

    fn waiting(&self) -> usize {
        self.0.len()
    }
}

impl Requests {
    fn forget_old(&mut self, now: Mono) {
        self.0.retain(|_, wakes| {
            wakes.retain(|(since, _)| now.since_ms(*since) < WAKE_WITHIN_MS);
            !wakes.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests_of(requests: &mut Requests, now: u64, worker: &str) -> usize {
        let (wakes, mut fetched) = oneshot::channel();
        assert!(!requests.on(Message::Fetch { now: Mono(now), worker: worker.into(), wakes }));
        fetched.try_recv().unwrap().len()
    }

    #[test]
    fn each_worker_near_a_machine_is_asked_once_and_not_too_late() {
        let mut requests = Requests::default();
        let mac = "52:54:00:12:34:56".parse().unwrap();
        let near = vec![WorkerId::from("a"), WorkerId::from("b")];
        let ask =
            |now| Message::Ask { now: Mono(now), wake: Wake { ip: [10, 0, 0, 9].into(), mac, near: near.clone() } };
        assert!(requests.on(ask(0)));
        assert_eq!(requests.waiting(), 2);
        assert_eq!([requests_of(&mut requests, 10, "a"), requests_of(&mut requests, 20, "a")], [1, 0]);
        assert_eq!(requests_of(&mut requests, 20, "c"), 0);
        assert_eq!(requests_of(&mut requests, WAKE_WITHIN_MS, "b"), 0, "the machine had its time");
        assert_eq!(requests.waiting(), 0);
    }
}
