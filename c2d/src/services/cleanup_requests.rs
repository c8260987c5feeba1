//! Carries requests to clean workspaces to the workers, and their reports back.
//!
//! A request waits in a mailbox for the worker's poll. It goes along with each answer until the worker
//! reports, because an answer may not be heard; the worker passes over what it knows already. Nothing is
//! stored: the caller asks again.

use std::collections::BTreeMap;
use std::time::Duration;

use c2_shared::api::files::{Cleaned, CleanupReport};
use c2_shared::api::work::Directive;
use c2_shared::id::WorkerId;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::services::mailbox::{Desk, Mailbox};

/// Asks workers to clean; cheap to clone.
#[derive(Clone, Debug)]
pub struct CleanupRequests {
    mailbox: Mailbox<Message>,
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
enum Message {
    Ask { worker: WorkerId, report: oneshot::Sender<Cleaned> },
    Fetch { worker: WorkerId, news_only: bool, ids: oneshot::Sender<Vec<u64>> },
    Reported { worker: WorkerId, reports: Vec<CleanupReport> },
}

impl CleanupRequests {
    /// Starts the desk; it ends when the last of its speakers is gone. Ids count from `first_id`,
    /// which must be greater than those of an earlier run.
    pub fn start(first_id: u64) -> Self {
        Self { mailbox: Mailbox::start(Requests { next_id: first_id, requests: BTreeMap::new() }) }
    }

    /// Asks a worker to clean and waits for its report, `patience` long.
    pub async fn ask(&self, worker: WorkerId, patience: Duration) -> Result<Cleaned, NoReport> {
        let (report, reported) = oneshot::channel();
        if !self.mailbox.send(Message::Ask { worker, report }) {
            return Err(NoReport::Crowded);
        }
        match timeout(patience, reported).await {
            Ok(Ok(cleaned)) => Ok(cleaned),
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
    pub fn reported(&self, worker: WorkerId, reports: Vec<CleanupReport>) {
        if !reports.is_empty() {
            // Without room it is as if the worker had not reported in time.
            self.mailbox.send(Message::Reported { worker, reports });
        }
    }

    async fn fetch(&self, worker: &WorkerId, news_only: bool) -> Vec<Directive> {
        let (ids, fetched) = oneshot::channel();
        let sent = self.mailbox.send(Message::Fetch { worker: worker.clone(), news_only, ids });
        let ids = if sent { fetched.await.unwrap_or_default() } else { Vec::new() };
        ids.into_iter().map(|id| Directive::Cleanup { id }).collect()
    }
}

/// The one owner of all requests.
struct Requests {
    next_id: u64,
    requests: BTreeMap<u64, Request>,
}

struct Request {
    worker: WorkerId,
    /// Whether an answer to the worker carried it.
    told: bool,
    report: oneshot::Sender<Cleaned>,
}

impl Desk for Requests {
    type Message = Message;

    fn on(&mut self, message: Message) -> bool {
        let is_news = matches!(message, Message::Ask { .. });
        self.requests.retain(|_, request| !request.report.is_closed());
        match message {
            Message::Ask { worker, report } => {
                self.requests.insert(self.next_id, Request { worker, told: false, report });
                self.next_id += 1;
            }
            Message::Fetch { worker, news_only, ids } => {
                let mine = self.requests.iter_mut().filter(|(_, request)| request.worker == worker);
                let due = mine.filter(|(_, request)| !(news_only && request.told));
                let due = due.map(|(id, request)| {
                    request.told = true;
                    *id
                });
                // The caller may be gone; the next answer carries it again.
                drop(ids.send(due.collect()));
            }
            Message::Reported { worker, reports } => {
                for CleanupReport { id, cleaned } in reports {
                    if self.requests.get(&id).is_some_and(|request| request.worker == worker)
                        && let Some(request) = self.requests.remove(&id)
                    {
                        drop(request.report.send(cleaned));
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
    const FIRST: Directive = Directive::Cleanup { id: 7 };

    #[tokio::test]
    async fn a_request_wakes_its_worker_once_and_goes_along_until_the_report() {
        let desk = CleanupRequests::start(7);
        let [mine, other] = [WorkerId::from("mine"), WorkerId::from("other")];
        assert!(desk.due(&mine).await.is_empty());
        let asking = tokio::spawn({
            let (desk, mine) = (desk.clone(), mine.clone());
            async move { desk.ask(mine, PATIENCE).await }
        });
        assert_eq!(desk.called(&mine).await, [FIRST]);
        assert!(desk.due(&other).await.is_empty());
        let again = timeout(Duration::from_millis(50), desk.called(&mine)).await;
        assert!(again.is_err(), "it is told once");
        assert_eq!(desk.due(&mine).await, [FIRST], "an answer may have been lost");
        let report = |id, bytes| CleanupReport { id, cleaned: Cleaned { freed_bytes: bytes, ..Cleaned::default() } };
        desk.reported(other, vec![report(7, 1)]);
        desk.reported(mine.clone(), vec![report(8, 2), report(7, 3)]);
        assert_eq!(asking.await.unwrap().unwrap().freed_bytes, 3);
        assert!(desk.due(&mine).await.is_empty());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let desk = CleanupRequests::start(1);
        let worker = WorkerId::from("mine");
        assert_eq!(desk.ask(worker.clone(), Duration::from_millis(1)).await, Err(NoReport::Silent));
        assert!(desk.due(&worker).await.is_empty(), "nobody waits for it any more");
    }
}
