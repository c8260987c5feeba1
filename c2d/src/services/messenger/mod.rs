//! Tells people what happened, each at least once: what is to be told and how far it was told is durable, so
//! whatever dies in between, it is told again. Each target has its own task, so one that hangs delays nobody;
//! one that fails is tried again, after pauses that grow.

mod message;
mod send;
mod target;

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::time::Duration;
use std::vec::IntoIter;

use c2_shared::api::jobs::{JobRow, LogQuery};
use c2_shared::api::notifications::Kind;
use c2_shared::backoff::grown;
use c2_shared::job::JobState;
use c2_shared::time::Mono;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::engine::{EngineHandle, Touched};
use crate::http::stopped;
use crate::rows::job_row;
use crate::sched::decision::{NoticeRecord, RuleRecord};
use crate::sched::event::Told;
use crate::store::{Blobs, EndedJob, History};

pub(crate) use message::Message;
pub(crate) use send::Outside;
pub(crate) use target::Target;

/// Ended jobs that are read at once.
const PAGE: i64 = 200;
/// So many of them are told one by one; more of them at once.
const ONE_BY_ONE: usize = 5;
/// Between a change and the look at it, so that many changes are one look.
const SETTLE: Duration = Duration::from_millis(100);
/// The pause after the first failure, doubled up to the last.
const PAUSE_MS: u64 = 2_000;
const PAUSE_MAX_MS: u64 = 10 * 60_000;
/// Looks for something that was overlooked.
const EVERY: Duration = Duration::from_secs(60);

/// What is wrong with targets, by the name of their notification.
pub(crate) type Troubles = BTreeMap<String, Trouble>;

/// A target that could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) reason: String,
    pub(crate) failures: u64,
    /// The target that it was; another one is tried at once.
    to: String,
    again: Mono,
}

/// Speaks to the messenger; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Messenger {
    wake: mpsc::Sender<()>,
    troubles: watch::Receiver<Troubles>,
    pub(crate) outside: Outside,
}

/// What a delivery needs.
#[derive(Clone, Debug)]
struct Desk {
    engine: EngineHandle,
    history: History,
    blobs: Blobs,
    outside: Outside,
}

impl Messenger {
    /// Starts it; it ends when c2d goes down.
    pub(crate) fn start(
        (engine, history, blobs): (EngineHandle, History, Blobs),
        outside: Outside,
        clock: Clock,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let (wake, woken) = mpsc::channel(1);
        let (told, troubles) = watch::channel(Troubles::new());
        let desk = Desk { engine, history, blobs, outside: outside.clone() };
        tokio::spawn(run(desk, clock, woken, told, stopping));
        Self { wake, troubles, outside }
    }

    /// There is a new rule.
    pub(crate) fn look(&self) {
        // One that waits is enough.
        let _told = self.wake.try_send(());
    }

    pub(crate) fn troubles(&self) -> Troubles {
        self.troubles.borrow().clone()
    }
}

async fn run(
    desk: Desk,
    clock: Clock,
    mut woken: mpsc::Receiver<()>,
    told: watch::Sender<Troubles>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut busy: JoinSet<(RuleRecord, Result<(), String>)> = JoinSet::new();
    // What is under way. One whose rule has changed goes on beside the new one until its target has answered.
    let mut under_way: Vec<RuleRecord> = Vec::new();
    // Only while somebody is to be told something, as the engine does more for those who listen.
    let mut changes: Option<broadcast::Receiver<std::sync::Arc<Touched>>> = None;
    loop {
        let state = desk.engine.read(|s, _| (s.untold(), s.rules().cloned().collect::<Vec<_>>()));
        let Ok((untold, known)) = state.await else { return };
        match (&changes, known.is_empty()) {
            (None, false) => {
                changes = Some(desk.engine.changes());
                // What happened before it listened.
                continue;
            }
            (_, true) => changes = None,
            _ => {}
        }
        told.send_if_modified(|troubles| {
            let before = troubles.len();
            troubles.retain(|name, trouble| known.iter().any(|rule| rule.name == *name && rule.to == trouble.to));
            before != troubles.len()
        });
        let now = clock.now().mono;
        let mut next: Option<Mono> = None;
        for (rule, notices) in untold {
            let again = told.borrow().get(&rule.name).map(|trouble| trouble.again).filter(|again| *again > now);
            if let Some(again) = again {
                next = Some(next.map_or(again, |next| next.min(again)));
            } else if !under_way.iter().any(|other| other.asks_the_same(&rule)) {
                under_way.push(rule.clone());
                let desk = desk.clone();
                busy.spawn(async move { (rule.clone(), desk.tell(rule, notices).await) });
            }
        }
        let pause = async {
            match next {
                Some(at) => tokio::time::sleep_until(clock.tokio_instant(at)).await,
                None => tokio::time::sleep(EVERY).await,
            }
        };
        let changed = async {
            match &mut changes {
                Some(changes) => {
                    // Whoever was left behind looks as well.
                    let closed = matches!(changes.recv().await, Err(broadcast::error::RecvError::Closed));
                    if closed {
                        std::future::pending::<()>().await;
                    }
                    tokio::time::sleep(SETTLE).await;
                    while changes.try_recv().is_ok() {}
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pause => {}
            () = changed => {}
            Some(()) = woken.recv() => {}
            Some(ended) = busy.join_next() => {
                let Ok((rule, result)) = ended else { return };
                under_way.retain(|other| !other.asks_the_same(&rule));
                // Of what was changed or removed meanwhile nothing is said.
                if known.iter().any(|other| other.asks_the_same(&rule)) {
                    note(&told, &rule, result, clock.now().mono);
                }
            }
            () = stopped(&mut stopping) => return,
        }
    }
}

/// Notes how a delivery ended.
fn note(told: &watch::Sender<Troubles>, rule: &RuleRecord, result: Result<(), String>, now: Mono) {
    let RuleRecord { name, to, .. } = rule;
    told.send_modify(|troubles| match result {
        Ok(()) => {
            if troubles.remove(name).is_some() {
                tracing::info!("notification {name} reaches its target again");
            }
        }
        Err(reason) => {
            let failures = troubles.get(name).map_or(0, |trouble| trouble.failures) + 1;
            if failures == 1 {
                tracing::warn!("notification {name} does not reach its target, and is tried again: {reason}");
            }
            let times = u32::try_from(failures).unwrap_or(u32::MAX);
            let again = now.after_ms(grown(PAUSE_MS, times, PAUSE_MAX_MS));
            troubles.insert(name.clone(), Trouble { reason, failures, to: to.clone(), again });
        }
    });
}

impl Desk {
    /// Sends one target everything that was not sent to it yet, in the order in which it happened.
    async fn tell(&self, mut rule: RuleRecord, notices: Vec<NoticeRecord>) -> Result<(), String> {
        let target = Target::read(&rule.to)?;
        let mut notices = notices.into_iter().peekable();
        loop {
            let page = self.history.ended_after(rule.seq, PAGE).await.map_err(|e| e.to_string())?;
            let Some(last) = page.last().map(|ended| ended.seq) else {
                return self.notices(&target, &mut rule, &mut notices, u64::MAX).await;
            };
            let mut wanted: Vec<(Kind, &EndedJob, JobRow)> = Vec::new();
            for ended in &page {
                let row = job_row(&ended.job.view);
                if let Some(kind) = self.wants(&rule, ended, &row).await? {
                    wanted.push((kind, ended, row));
                }
            }
            if wanted.len() > ONE_BY_ONE {
                self.notices(&target, &mut rule, &mut notices, wanted[0].2.ended_ms.unwrap_or(0)).await?;
                let rows: Vec<&JobRow> = wanted.iter().map(|(.., row)| row).collect();
                self.outside.send(&target, &Message::of_jobs(wanted[0].0, &rows)).await?;
            } else {
                for (kind, ended, row) in &wanted {
                    self.notices(&target, &mut rule, &mut notices, row.ended_ms.unwrap_or(0)).await?;
                    let wrote = self.wrote(row).await;
                    self.outside.send(&target, &Message::of_job(*kind, row, &wrote)).await?;
                    rule.seq = ended.seq;
                    self.told(&rule).await?;
                }
            }
            if rule.seq != last {
                rule.seq = last;
                self.told(&rule).await?;
            }
        }
    }

    /// Sends what happened to workers and the queue before this time.
    async fn notices(
        &self,
        target: &Target,
        rule: &mut RuleRecord,
        notices: &mut Peekable<IntoIter<NoticeRecord>>,
        before_ms: u64,
    ) -> Result<(), String> {
        while let Some(notice) = notices.next_if(|notice| notice.at_ms < before_ms) {
            self.outside.send(target, &Message::of_notice(notice.kind, &notice.text)).await?;
            rule.notice = notice.id;
            self.told(rule).await?;
        }
        Ok(())
    }

    /// Why a rule tells of an ended job, if it does.
    async fn wants(&self, rule: &RuleRecord, ended: &EndedJob, row: &JobRow) -> Result<Option<Kind>, String> {
        if ended.notify.contains(&rule.name) {
            return Ok(Some(if row.state == JobState::Failed { Kind::Failed } else { Kind::Ended }));
        }
        let fits = |asked: &Option<String>, has: &Option<String>| asked.is_none() || asked == has;
        let is_meant =
            fits(&rule.group, &row.group) && fits(&rule.job_name, &row.name) && fits(&rule.schedule, &ended.schedule);
        if !is_meant {
            return Ok(None);
        }
        if row.state == JobState::Succeeded && rule.on.contains(&Kind::BackToGreen) && row.name.is_some() {
            let before =
                LogQuery { before: Some(ended.seq), name: row.name.clone(), lines: Some(1), ..LogQuery::default() };
            let before = self.history.log(before, None).await.map_err(|e| e.to_string())?;
            if before.first().is_some_and(|(_, job)| job.view.state == JobState::Failed) {
                return Ok(Some(Kind::BackToGreen));
            }
        }
        let failed = row.state == JobState::Failed && rule.on.contains(&Kind::Failed);
        Ok(failed.then_some(Kind::Failed).or_else(|| rule.on.contains(&Kind::Ended).then_some(Kind::Ended)))
    }

    /// The end of what a job wrote to each of its streams.
    async fn wrote(&self, row: &JobRow) -> [Vec<u8>; 2] {
        let Ok(Some(output)) = self.history.output(row.job_id, None).await else { return Default::default() };
        let end_of = |stream| crate::http::end_of(&self.blobs, stream);
        [end_of(output.stdout).await, end_of(output.stderr).await]
    }

    async fn told(&self, rule: &RuleRecord) -> Result<(), String> {
        self.engine.apply(Told(rule.clone())).await.map_err(|refusal| refusal.to_string())
    }
}
