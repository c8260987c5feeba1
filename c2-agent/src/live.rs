//! Answers c2d's questions about what running jobs write.
//!
//! Each watcher is a conversation of its own: our answer is answered with its next question. All of
//! it may break off at any time; c2d then asks anew by a directive. The jobs notice nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use c2_shared::api::live::{OutputAnswer, OutputRead, Piece};
use c2_shared::bytes64::Bytes64;
use c2_shared::client::Client;
use c2_shared::limits::PARK_MAX_S;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Questions that may wait for the agent.
const QUESTIONS_LEN: usize = 64;
/// Conversations at once; more are refused, and asked again later.
const CONVERSATIONS_MAX: usize = 256;

/// All conversations.
#[derive(Debug)]
pub(crate) struct Live {
    client: Client,
    conversations: JoinSet<()>,
    ask: mpsc::Sender<Question>,
    questions: mpsc::Receiver<Question>,
    /// Who waits for a runner's answer, by the question's id.
    waiting: HashMap<u64, oneshot::Sender<OutputAnswer>>,
}

/// A question for a runner.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) read: OutputRead,
    answer: oneshot::Sender<OutputAnswer>,
}

impl Live {
    pub(crate) fn new(client: Client) -> Self {
        let (ask, questions) = mpsc::channel(QUESTIONS_LEN);
        Self { client, conversations: JoinSet::new(), ask, questions, waiting: HashMap::new() }
    }

    /// Takes up a conversation that begins with this question.
    pub(crate) fn begin(&mut self, worker: IpAddr, read: OutputRead) {
        while self.conversations.try_join_next().is_some() {}
        self.waiting.retain(|_, answer| !answer.is_closed());
        if self.conversations.len() < CONVERSATIONS_MAX {
            self.conversations.spawn(converse(self.client.clone(), worker, read, self.ask.clone()));
        }
    }

    /// Waits for a question that a runner has to answer; for ever when nobody watches.
    pub(crate) async fn question(&mut self) -> Question {
        match self.questions.recv().await {
            Some(question) => question,
            None => std::future::pending().await,
        }
    }

    /// Notes who waits for the answer to a question that its runner got.
    pub(crate) fn expect(&mut self, question: Question) {
        self.waiting.insert(question.read.id, question.answer);
    }

    /// Passes a runner's answer on.
    pub(crate) fn on_answer(&mut self, answer: OutputAnswer) {
        if let Some(waits) = self.waiting.remove(&answer.id) {
            // A caller that gave up waiting asks again.
            drop(waits.send(answer));
        }
    }
}

async fn converse(client: Client, worker: IpAddr, mut read: OutputRead, ask: mpsc::Sender<Question>) {
    loop {
        let (answer, answered) = oneshot::channel();
        if ask.send(Question { read, answer }).await.is_err() {
            return;
        }
        let answer = match tokio::time::timeout(Duration::from_secs(PARK_MAX_S), answered).await {
            Ok(Ok(answer)) => answer,
            // No runner has it: it has ended or is not ours.
            Ok(Err(_)) => silence(read, false),
            Err(_) => silence(read, true),
        };
        match client.live(worker, &answer).await {
            Ok(next) => match next.read {
                Some(next) => read = next,
                None => return,
            },
            Err(error) => {
                tracing::debug!("{}: what it wrote did not get through: {error}", read.attempt);
                return;
            }
        }
    }
}

/// The answer of one that has nothing to say.
fn silence(read: OutputRead, running: bool) -> OutputAnswer {
    let nothing = |offset| Piece { offset, ..Piece::default() };
    let (stdout, stderr) = (nothing(read.stdout), nothing(read.stderr));
    OutputAnswer { id: read.id, running, stdout, stderr, order: Bytes64::default() }
}
