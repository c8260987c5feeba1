//! Carries requests to the workers, such as to clean workspaces, and their reports back.
//!
//! A request waits in a mailbox for the worker's poll. It goes along with each answer until the worker
//! reports, because an answer may not be heard; the worker passes over what it knows already. Nothing is
//! stored: the caller asks again.

use std::collections::BTreeMap;
use std::time::Duration;

use c2_shared::api::files::{Cleaned, Needed};
use c2_shared::api::upgrade::{ProgramOffer, UpgradeVerdict};
use c2_shared::api::work::Directive;
use c2_shared::id::WorkerId;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::services::mailbox::{Desk, Mailbox};

/// Asks workers to clean.
pub type CleanupRequests = WorkerRequests<Vec<Needed>, Cleaned>;
/// Asks workers to upgrade their agents.
pub(crate) type UpgradeRequests = WorkerRequests<Box<ProgramOffer>, UpgradeVerdict>;

/// Asks workers for something, and passes on what they report; cheap to clone.
#[derive(Clone, Debug)]
pub struct WorkerRequests<Q, R> {
    mailbox: Mailbox<Message<Q, R>>,
    directive: fn(u64, Q) -> Directive,
}

/// Why there is no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReport {
    #[error("it did not report in time")]
    Silent,
    #[error("too much is asked for at once")]
    Crowded,
}

#[derive(Debug)]
enum Message<Q, R> {
    Ask { worker: WorkerId, question: Q, report: oneshot::Sender<R> },
    Fetch { worker: WorkerId, news_only: bool, due: oneshot::Sender<Vec<(u64, Q)>> },
    Reported { worker: WorkerId, reports: Vec<(u64, R)> },
}

impl CleanupRequests {
    /// Starts the desk; it ends when the last of its speakers is gone. Ids count from `first_id`,
    /// which must be greater than those of an earlier run.
    pub fn start(first_id: u64) -> Self {
        Self::counting(first_id, |id, keep| Directive::Cleanup { id, keep })
    }
}

impl UpgradeRequests {
    /// As [`CleanupRequests::start`].
    pub(crate) fn start(first_id: u64) -> Self {
        Self::counting(first_id, |id, offer| Directive::Upgrade { id, offer })
    }
}

impl<Q: Clone + Send + 'static, R: Send + 'static> WorkerRequests<Q, R> {
    fn counting(first_id: u64, directive: fn(u64, Q) -> Directive) -> Self {
        let desk = Requests { next_id: first_id, requests: BTreeMap::new() };
        Self { mailbox: Mailbox::start(desk), directive }
    }

    /// Asks a worker and waits for its report, `patience` long.
    pub async fn ask(&self, worker: WorkerId, question: Q, patience: Duration) -> Result<R, NoReport> {
        let (report, reported) = oneshot::channel();
        if !self.mailbox.send(Message::Ask { worker, question, report }) {
            return Err(NoReport::Crowded);
        }
        match timeout(patience, reported).await {
            Ok(Ok(report)) => Ok(report),
            Ok(Err(_)) | Err(_) => Err(NoReport::Silent),
        }
    }

    /// Waits, for ever if need be, until there is a request that the worker was not told.
    pub async fn called(&self, worker: &WorkerId) -> Vec<Directive> {
        self.mailbox.called(|| self.fetch(worker, true)).await
    }

    /// Everything that is open for a worker, told or not.
    pub async fn due(&self, worker: &WorkerId) -> Vec<Directive> {
        if self.mailbox.is_empty() { Vec::new() } else { self.fetch(worker, false).await }
    }

    /// Passes a worker's reports on.
    pub fn reported(&self, worker: WorkerId, reports: Vec<(u64, R)>) {
        if !reports.is_empty() {
            // Without room it is as if the worker had not reported in time.
            self.mailbox.send(Message::Reported { worker, reports });
        }
    }

    async fn fetch(&self, worker: &WorkerId, news_only: bool) -> Vec<Directive> {
        let (due, fetched) = oneshot::channel();
        let sent = self.mailbox.send(Message::Fetch { worker: worker.clone(), news_only, due });
        let due = if sent { fetched.await.unwrap_or_default() } else { Vec::new() };
        due.into_iter().map(|(id, question)| (self.directive)(id, question)).collect()
    }
}

/// The one owner of all requests.
struct Requests<Q, R> {
    next_id: u64,
    requests: BTreeMap<u64, Request<Q, R>>,
}

struct Request<Q, R> {
    worker: WorkerId,
    question: Q,
    /// Whether an answer to the worker carried it.
    told: bool,
    report: oneshot::Sender<R>,
}

impl<Q: Clone + Send + 'static, R: Send + 'static> Desk for Requests<Q, R> {
    type Message = Message<Q, R>;

    fn on(&mut self, message: Message<Q, R>) -> bool {
        let is_news = matches!(message, Message::Ask { .. });
        self.requests.retain(|_, request| !request.report.is_closed());
        match message {
            Message::Ask { worker, question, report } => {
                self.requests.insert(self.next_id, Request { worker, question, told: false, report });
                self.next_id += 1;
            }
            Message::Fetch { worker, news_only, due: fetched } => {
                let mine = self.requests.iter_mut().filter(|(_, request)| request.worker == worker);
                let due = mine.filter(|(_, request)| !(news_only && request.told));
                let due = due.map(|(id, request)| {
                    request.told = true;
                    (*id, request.question.clone())
                });
                // The caller may be gone; the next answer carries it again.
                drop(fetched.send(due.collect()));
            }
            Message::Reported { worker, reports } => {
                for (id, report) in reports {
                    if self.requests.get(&id).is_some_and(|request| request.worker == worker)
                        && let Some(request) = self.requests.remove(&id)
                    {
                        drop(request.report.send(report));
                    }
                }
            }
        }
        is_news
    }

    fn waiting(&self) -> usize {
        self.requests.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);
    const FIRST: Directive = Directive::Cleanup { id: 7, keep: Vec::new() };

    #[tokio::test]
    async fn a_request_wakes_its_worker_once_and_goes_along_until_the_report() {
        let desk = CleanupRequests::start(7);
        let [mine, other] = [WorkerId::from("mine"), WorkerId::from("other")];
        assert!(desk.due(&mine).await.is_empty());
        let asking = tokio::spawn({
            let (desk, mine) = (desk.clone(), mine.clone());
            async move { desk.ask(mine, Vec::new(), PATIENCE).await }
        });
        assert_eq!(desk.called(&mine).await, [FIRST]);
        assert!(desk.due(&other).await.is_empty());
        let again = timeout(Duration::from_millis(50), desk.called(&mine)).await;
        assert!(again.is_err(), "it is told once");
        assert_eq!(desk.due(&mine).await, [FIRST], "an answer may have been lost");
        let report = |id, bytes| (id, Cleaned { freed_bytes: bytes, ..Cleaned::default() });
        desk.reported(other, vec![report(7, 1)]);
        desk.reported(mine.clone(), vec![report(8, 2), report(7, 3)]);
        assert_eq!(asking.await.unwrap().unwrap().freed_bytes, 3);
        assert!(desk.due(&mine).await.is_empty());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let desk = CleanupRequests::start(1);
        let worker = WorkerId::from("mine");
        assert_eq!(desk.ask(worker.clone(), Vec::new(), Duration::from_millis(1)).await, Err(NoReport::Silent));
        assert!(desk.due(&worker).await.is_empty(), "nobody waits for it any more");
    }
}
