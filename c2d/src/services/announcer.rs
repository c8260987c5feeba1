//! Invitations that c2d announces in its network, so that machines find it and join with six words.
//!
//! They are announced from when they are made until they are used up, revoked or over, and no longer than this c2d
//! runs; the invitations themselves are tokens like all others. What is said in the network is no secret. The codes are,
//! and c2d only proves that it knows them. When somebody guesses, all that are announced are revoked.

use std::any::Any;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use c2_shared::fingerprint::Fingerprint;
use c2_shared::join_code::JoinCode;
use c2_shared::limits::{ANNOUNCED_MAX, WRONG_CODES_MAX};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::access::Access;
use crate::audit::{Audit, Kind};
use crate::http::stopped;

/// Requests that may wait.
const MESSAGES_LEN: usize = 64;

/// Something that is heard in the network until it is dropped.
pub(crate) type Heard = Box<dyn Any + Send>;
/// Begins to be heard.
pub(crate) type Speak = Box<dyn Fn() -> Result<Heard, String> + Send>;

/// Speaks to the one that announces; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Announcer {
    messages: mpsc::Sender<Message>,
    wrong: Arc<Wrong>,
}

/// Wrong codes since the first of those that are announced.
#[derive(Debug, Default)]
struct Wrong {
    count: AtomicU64,
    last: Mutex<Option<IpAddr>>,
    enough: Notify,
}

#[derive(Debug)]
enum Message {
    Announce { announced: Announced, lasts: Duration, answer: oneshot::Sender<Result<(), String>> },
    Prove { fingerprint: Fingerprint, proofs: oneshot::Sender<Vec<String>> },
}

/// An invitation.
#[derive(Debug)]
struct Announced {
    code: JoinCode,
    /// The id of its token.
    token: String,
}

impl Announcer {
    /// Starts it; it ends when c2d goes down.
    pub(crate) fn start(speak: Speak, access: Access, audit: Audit, stopping: watch::Receiver<bool>) -> Self {
        let (messages, inbox) = mpsc::channel(MESSAGES_LEN);
        let wrong = Arc::<Wrong>::default();
        let task = Task {
            speak,
            access,
            audit,
            announced: VecDeque::new(),
            heard: None,
            ends: JoinSet::new(),
            wrong: Arc::clone(&wrong),
        };
        tokio::spawn(task.run(inbox, stopping));
        Self { messages, wrong }
    }

    /// Announces an invitation, by its code and the id of its token, for some time.
    pub(crate) async fn announce(&self, code: JoinCode, token: String, lasts: Duration) -> Result<(), String> {
        let (answer, answered) = oneshot::channel();
        let announced = Announced { code, token };
        let sent = self.messages.send(Message::Announce { announced, lasts, answer }).await;
        let gone = || Err("c2d is going down".to_owned());
        if sent.is_ok() { answered.await.unwrap_or_else(|_| gone()) } else { gone() }
    }

    /// Proofs that this c2d, which is known by that fingerprint, knows the codes.
    pub(crate) async fn prove(&self, fingerprint: Fingerprint) -> Vec<String> {
        let (proofs, proved) = oneshot::channel();
        let sent = self.messages.send(Message::Prove { fingerprint, proofs }).await;
        if sent.is_ok() { proved.await.unwrap_or_default() } else { Vec::new() }
    }

    /// Somebody showed an invitation that nobody knows.
    pub(crate) fn saw_wrong(&self, from: IpAddr) {
        *self.wrong.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(from);
        if self.wrong.count.fetch_add(1, Ordering::Relaxed) + 1 >= WRONG_CODES_MAX {
            self.wrong.enough.notify_one();
        }
    }
}

struct Task {
    speak: Speak,
    access: Access,
    audit: Audit,
    /// The oldest first.
    announced: VecDeque<Announced>,
    heard: Option<Heard>,
    /// When each is over, by its token.
    ends: JoinSet<String>,
    wrong: Arc<Wrong>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Message>, mut stopping: watch::Receiver<bool>) {
        let wrong = Arc::clone(&self.wrong);
        loop {
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(message) => self.on(message),
                    None => break,
                },
                Some(ended) = self.ends.join_next() => {
                    self.announced.retain(|one| ended.as_ref().ok() != Some(&one.token));
                    self.rest().await;
                }
                () = wrong.enough.notified() => self.on_guesses().await,
                () = stopped(&mut stopping) => break,
            }
        }
        self.announced.clear();
        self.rest().await;
    }

    fn on(&mut self, message: Message) {
        match message {
            Message::Announce { announced, lasts, answer } => {
                let begun = self.begin();
                if begun.is_ok() {
                    self.add(announced, lasts);
                }
                drop(answer.send(begun));
            }
            Message::Prove { fingerprint, proofs } => {
                let all = self.announced.iter().map(|one| one.code.proof(fingerprint)).collect();
                drop(proofs.send(all));
            }
        }
    }

    /// Is heard, and counts from zero what is wrong.
    fn begin(&mut self) -> Result<(), String> {
        if self.heard.is_none() {
            self.heard = Some((self.speak)()?);
            self.wrong.count.store(0, Ordering::Relaxed);
        }
        Ok(())
    }

    fn add(&mut self, announced: Announced, lasts: Duration) {
        if self.announced.len() >= ANNOUNCED_MAX {
            self.announced.pop_front();
        }
        let (access, token) = (self.access.clone(), announced.token.clone());
        self.ends.spawn(async move {
            tokio::select! {
                () = access.revoked(&token) => {}
                () = tokio::time::sleep(lasts) => {}
            }
            token
        });
        self.announced.push_back(announced);
    }

    /// Is heard no longer when nothing is left to announce.
    async fn rest(&mut self) {
        if self.announced.is_empty()
            && let Some(heard) = self.heard.take()
        {
            // It says goodbye, which takes a moment.
            drop(tokio::task::spawn_blocking(move || drop(heard)).await);
        }
    }

    /// There were too many wrong codes.
    async fn on_guesses(&mut self) {
        let count = self.wrong.count.swap(0, Ordering::Relaxed);
        if self.announced.is_empty() || count < WRONG_CODES_MAX {
            return;
        }
        let from = *self.wrong.last.lock().unwrap_or_else(PoisonError::into_inner);
        for one in std::mem::take(&mut self.announced) {
            // It may have been used up meanwhile.
            drop(self.access.revoke(one.token.clone()).await);
            let what =
                format!("invitation {} is announced no longer and was revoked: {count} wrong codes came", one.token);
            tracing::warn!("{what}, the last from {}", from.map_or_else(String::new, |ip| ip.to_string()));
            self.audit.saw(Kind::Change, from, what).await;
        }
        self.rest().await;
    }
}
