//! Tells people what happened, each at least once: what is to be told and how far it was told is durable, so
//! whatever dies in between, it is told again. Each target has its own task, so one that hangs delays nobody;
//! one that fails is tried again, after pauses that grow.

mod header;
mod mail;
mod message;
mod send;
mod target;

use std::collections::BTreeMap;
use std::time::Duration;

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
/// So many of them are told one by one; of more, those of one kind that follow each other at once.
const ONE_BY_ONE: usize = 5;
/// Earlier runs of one name that are read at once.
const RUNS: usize = 5;
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
        for (rule, _) in untold {
            let again = told.borrow().get(&rule.name).map(|trouble| trouble.again).filter(|again| *again > now);
            if let Some(again) = again {
                next = Some(next.map_or(again, |next| next.min(again)));
            } else if !under_way.iter().any(|other| other.asks_the_same(&rule)) {
                under_way.push(rule.clone());
                let desk = desk.clone();
                busy.spawn(async move { (rule.clone(), desk.tell(rule).await) });
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

/// What one message is about.
enum News {
    Notice(NoticeRecord),
    /// Ended jobs of one kind that follow each other.
    Ends(Kind, Vec<(EndedJob, JobRow)>),
}

impl Desk {
    /// Sends one target everything that was not sent to it yet, in the order in which it happened.
    async fn tell(&self, mut rule: RuleRecord) -> Result<(), String> {
        let target = Target::read(&rule.to)?;
        loop {
            // What happened while the last messages were on their way has its turn too.
            let asked = rule.clone();
            let present = self.engine.read(move |s, _| {
                let now = s.untold().into_iter().find(|(now, _)| now.asks_the_same(&asked));
                now.map(|(now, notices)| (now, notices, s.last_seq()))
            });
            let Some((now, notices, last_seq)) = present.await.map_err(|refusal| refusal.to_string())? else {
                return Ok(());
            };
            rule = now;
            let mut page = self.history.ended_after(rule.seq, PAGE).await.map_err(|e| e.to_string())?;
            let is_whole = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            let read = page.len();
            // What ended since may have been behind a notice that was not read.
            page.retain(|ended| ended.seq <= last_seq);
            let Some(last) = page.last().map(|ended| ended.seq) else {
                if notices.is_empty() {
                    return Ok(());
                }
                self.send_all(&target, &mut rule, merged(notices, Vec::new(), true)).await?;
                continue;
            };
            let is_whole = is_whole || page.len() < read;
            let mut ends = Vec::new();
            for ended in page {
                let row = job_row(&ended.job.view);
                let kind = self.wants(&rule, &ended, &row).await?;
                ends.push((kind, ended, row));
            }
            self.send_all(&target, &mut rule, merged(notices, ends, is_whole)).await?;
            if rule.seq != last {
                rule.seq = last;
                self.told(&rule).await?;
            }
        }
    }

    /// Sends one message after the other, and remembers each.
    async fn send_all(&self, target: &Target, rule: &mut RuleRecord, news: Vec<News>) -> Result<(), String> {
        for one in news {
            let message = match &one {
                News::Notice(notice) => Message::of_notice(notice),
                News::Ends(kind, ends) => match ends.as_slice() {
                    [(_, row)] => Message::of_job(*kind, row, &self.wrote(row).await),
                    ends => Message::of_jobs(*kind, &ends.iter().map(|(_, row)| row).collect::<Vec<_>>()),
                },
            };
            self.outside.send(target, &message).await?;
            match &one {
                News::Notice(notice) => rule.notice = notice.id,
                News::Ends(_, ends) => rule.seq = ends.last().map_or(rule.seq, |(ended, _)| ended.seq),
            }
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
        if let (JobState::Succeeded, Some(name), true) = (row.state, &row.name, rule.on.contains(&Kind::BackToGreen))
            && self.was_red(name, ended.seq).await?
        {
            return Ok(Some(Kind::BackToGreen));
        }
        let failed = row.state == JobState::Failed && rule.on.contains(&Kind::Failed);
        Ok(failed.then_some(Kind::Failed).or_else(|| rule.on.contains(&Kind::Ended).then_some(Kind::Ended)))
    }

    /// Whether the last job of this name before failed; one that an operator cancelled says nothing.
    async fn was_red(&self, name: &str, mut seq: u64) -> Result<bool, String> {
        loop {
            let name = Some(name.to_owned());
            let query = LogQuery { before: Some(seq), name, lines: Some(RUNS), ..LogQuery::default() };
            let found = self.history.log(query, None).await.map_err(|e| e.to_string())?;
            let Some((first, _)) = found.first() else { return Ok(false) };
            seq = *first;
            let mut states = found.iter().rev().map(|(_, job)| job.view.state);
            if let Some(state) = states.find(|state| *state != JobState::Cancelled) {
                return Ok(state == JobState::Failed);
            }
        }
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

/// What there is to send, in the order in which it happened: each of the two is in order, and their times say how they
/// lie. An end and a notice of one instant are one turn of the scheduler, where the end comes first.
fn merged(notices: Vec<NoticeRecord>, ends: Vec<(Option<Kind>, EndedJob, JobRow)>, is_whole: bool) -> Vec<News> {
    let gathers = ends.iter().filter(|(kind, ..)| kind.is_some()).count() > ONE_BY_ONE;
    let mut notices = notices.into_iter().peekable();
    let mut news = Vec::new();
    for (kind, ended, row) in ends {
        let ended_ms = row.ended_ms.unwrap_or(0);
        while let Some(notice) = notices.next_if(|notice| notice.at_ms < ended_ms) {
            news.push(News::Notice(notice));
        }
        let Some(kind) = kind else { continue };
        match news.last_mut() {
            Some(News::Ends(before, jobs)) if gathers && *before == kind => jobs.push((ended, row)),
            _ => news.push(News::Ends(kind, vec![(ended, row)])),
        }
    }
    // Between these and what is behind them in the log there may be more ends.
    if is_whole {
        news.extend(notices.map(News::Notice));
    }
    news
}
