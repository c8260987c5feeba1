//! Carries questions about running output from watchers to workers, and the answers back.
//!
//! A question waits in a mailbox for the worker's poll. From then on the worker's answers carry the
//! conversation: each is answered with the watcher's next question. Nothing is stored; a watcher that loses the
//! thread asks again.

use std::collections::HashMap;
use std::time::Duration;

use c2_shared::api::live::{OutputAnswer, OutputRead};
use c2_shared::id::WorkerId;
use c2_shared::limits::NEXT_READ_S;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::access::Speaker;
use crate::services::mailbox::{Desk, Mailbox};

/// Questions that may be open at once; each is a person or a script that watches a job.
const READS_MAX: usize = 256;

/// Asks workers what their jobs write; cheap to clone.
#[derive(Clone, Debug)]
pub struct LiveOutput {
    mailbox: Mailbox<Message>,
}

#[derive(Debug)]
enum Message {
    Ask { worker: WorkerId, read: OutputRead, after: Option<u64>, answer: oneshot::Sender<OutputAnswer> },
    Fetch { worker: WorkerId, reads: oneshot::Sender<Vec<OutputRead>> },
    Answered { speaker: Speaker, answer: OutputAnswer, next: oneshot::Sender<OutputRead> },
}

/// Why a question got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error("the worker did not answer in time")]
    Silent,
    #[error("too many jobs are watched at once")]
    Crowded,
}

impl LiveOutput {
    /// Starts the desk; it ends when the last of its speakers is gone.
    pub fn start() -> Self {
        Self { mailbox: Mailbox::start(Questions::default()) }
    }

    /// Asks a worker and waits for the answer, `patience` long. What lies before the positions that were asked
    /// for is not passed on: each byte is told once, whatever a worker says. With the id of the question before,
    /// this one goes out with the answer to the worker's last message, if it still waits.
    pub async fn ask(
        &self,
        worker: WorkerId,
        read: OutputRead,
        after: Option<u64>,
        patience: Duration,
    ) -> Result<OutputAnswer, NoAnswer> {
        let (at, (answer, answered)) = ((read.stdout, read.stderr), oneshot::channel());
        if !self.mailbox.send(Message::Ask { worker, read, after, answer }) {
            return Err(NoAnswer::Crowded);
        }
        match timeout(patience, answered).await {
            Ok(Ok(answer)) => Ok(answer.since(at)),
            Ok(Err(_)) => Err(NoAnswer::Crowded),
            Err(_) => Err(NoAnswer::Silent),
        }
    }

    /// Waits, for ever if need be, until there are questions to a worker, and fetches them.
    pub async fn called(&self, worker: &WorkerId) -> Vec<OutputRead> {
        self.mailbox.called(|| self.fetch(worker)).await
    }

    async fn fetch(&self, worker: &WorkerId) -> Vec<OutputRead> {
        let (reads, fetched) = oneshot::channel();
        if self.mailbox.send(Message::Fetch { worker: worker.clone(), reads }) {
            fetched.await.unwrap_or_default()
        } else {
            Vec::new()
        }
    }

    /// Takes a worker's answer and returns the watcher's next question, if it comes in time.
    pub(crate) async fn answered(&self, speaker: Speaker, answer: OutputAnswer) -> Option<OutputRead> {
        let (next, asked) = oneshot::channel();
        if !self.mailbox.send(Message::Answered { speaker, answer, next }) {
            return None;
        }
        timeout(Duration::from_secs(NEXT_READ_S), asked).await.ok()?.ok()
    }
}

/// Everything that waits for somebody.
#[derive(Debug, Default)]
struct Questions {
    last_id: u64,
    /// Watchers that wait for an answer, and from whom.
    watchers: HashMap<u64, (WorkerId, oneshot::Sender<OutputAnswer>)>,
    /// Questions that their worker has not fetched.
    asked: HashMap<WorkerId, Vec<OutputRead>>,
    /// Workers' messages that wait for the watcher's next question, by the id of the last.
    waiting: HashMap<u64, oneshot::Sender<OutputRead>>,
}

impl Desk for Questions {
    type Message = Message;

    fn on(&mut self, message: Message) -> bool {
        let is_news = matches!(message, Message::Ask { .. });
        match message {
            Message::Ask { worker, read, after, answer } => self.ask(worker, read, after, answer),
            Message::Fetch { worker, reads } => {
                self.forget_the_gone();
                let asked = self.asked.remove(&worker).unwrap_or_default();
                // A poll that broke meanwhile did not fetch them.
                if let Err(asked) = reads.send(asked) {
                    self.asked.insert(worker, asked);
                }
            }
            Message::Answered { speaker, answer, next } => {
                let id = answer.id;
                // An answer counts only from the worker that was asked.
                let asked = self.watchers.get(&id).is_some_and(|(asked, _)| speaker.may_be(asked));
                if asked
                    && let Some((_, watcher)) = self.watchers.remove(&id)
                    && watcher.send(answer).is_ok()
                {
                    self.waiting.insert(id, next);
                }
            }
        }
        is_news
    }

    fn waiting(&self) -> usize {
        self.asked.values().map(Vec::len).sum()
    }
}

impl Questions {
    fn ask(
        &mut self,
        worker: WorkerId,
        mut read: OutputRead,
        after: Option<u64>,
        answer: oneshot::Sender<OutputAnswer>,
    ) {
        self.forget_the_gone();
        if self.watchers.len() >= READS_MAX {
            return;
        }
        self.last_id += 1;
        read.id = self.last_id;
        self.watchers.insert(read.id, (worker.clone(), answer));
        let waiting = after.and_then(|id| self.waiting.remove(&id));
        let Some(read) = waiting.map_or(Some(read), |next| next.send(read).err()) else { return };
        self.asked.entry(worker).or_default().push(read);
    }

    /// Drops the questions of watchers that went away, and whatever else waits for nobody.
    fn forget_the_gone(&mut self) {
        self.watchers.retain(|_, (_, watcher)| !watcher.is_closed());
        self.waiting.retain(|_, next| !next.is_closed());
        self.asked.retain(|_, reads| {
            reads.retain(|read| self.watchers.contains_key(&read.id));
            !reads.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::api::live::Piece;
    use c2_shared::bytes64::Bytes64;
    use c2_shared::id::{AttemptId, JobId};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn read(stdout: u64) -> OutputRead {
        OutputRead { id: 0, attempt: AttemptId { job: JobId(1), number: 1 }, stdout, stderr: 0, wait: true }
    }

    fn wrote(id: u64, offset: u64, text: &str) -> OutputAnswer {
        let stdout = Piece { offset, data: Bytes64(text.as_bytes().to_vec()) };
        OutputAnswer { id, running: true, stdout, stderr: Piece::default(), order: Bytes64::default() }
    }

    fn worker(last: u8) -> WorkerId {
        format!("w{last}").into()
    }

    #[tokio::test]
    async fn a_conversation_needs_one_poll() {
        let live_output = LiveOutput::start();
        let (ip, asker) = (worker(2), live_output.clone());
        let watcher = tokio::spawn(async move {
            let first = asker.ask(worker(2), read(0), None, PATIENCE).await.unwrap();
            let second = asker.ask(worker(2), read(3), Some(first.id), PATIENCE).await.unwrap();
            (first.stdout.data, second.stdout.data)
        });
        let asked = live_output.called(&ip).await;
        assert_eq!((asked.len(), asked[0].stdout), (1, 0));
        let next = live_output
            .answered(Speaker::One(ip.clone()), wrote(asked[0].id, 0, "one"))
            .await
            .expect("the watcher goes on");
        assert_eq!(next.stdout, 3);
        let end = live_output.answered(Speaker::One(ip.clone()), wrote(next.id, 1, "netwo"));
        assert_eq!(end.await, None, "the watcher has gone");
        let heard = (Bytes64(b"one".to_vec()), Bytes64(b"two".to_vec()));
        assert_eq!(watcher.await.unwrap(), heard, "what was said before is not said again");
    }

    #[tokio::test]
    async fn a_parked_poll_is_woken_and_a_broken_one_loses_nothing() {
        let live_output = LiveOutput::start();
        drop(timeout(Duration::from_millis(1), live_output.called(&worker(2))).await);
        let asker = live_output.clone();
        let watcher = tokio::spawn(async move { asker.ask(worker(2), read(0), None, PATIENCE).await });
        let asked = live_output.called(&worker(2)).await;
        assert_eq!(live_output.answered(Speaker::One(worker(3)), wrote(asked[0].id, 0, "forged")).await, None);
        assert_eq!(live_output.answered(Speaker::One(worker(2)), wrote(asked[0].id, 0, "true")).await, None);
        assert_eq!(watcher.await.unwrap().unwrap().stdout.data.0, b"true");
    }

    #[tokio::test]
    async fn questions_of_watchers_that_left_are_not_asked() {
        let live_output = LiveOutput::start();
        let gone = live_output.ask(worker(2), read(0), None, Duration::from_millis(1)).await;
        assert_eq!(gone.unwrap_err(), NoAnswer::Silent);
        let asker = live_output.clone();
        let stays = tokio::spawn(async move { asker.ask(worker(2), read(7), None, PATIENCE).await });
        let asked = live_output.called(&worker(2)).await;
        assert_eq!(asked.iter().map(|read| read.stdout).collect::<Vec<_>>(), [7]);
        stays.abort();
    }
}
