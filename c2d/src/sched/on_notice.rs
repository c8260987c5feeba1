//! Whom to tell of what, and how far each was told.
//!
//! Ends of jobs are in the log, in order: of them each rule only remembers how far it was told. What else is
//! told becomes durable with what brought it about, for as long as somebody is to be told.

use std::sync::Arc;

use c2_shared::api::notifications::Kind;
use c2_shared::limits::{NOTICES_MAX, NOTIFICATIONS_MAX};

use crate::sched::decision::{NoticeRecord, RuleRecord};
use crate::sched::event::{Event, NewJob, RuleAdded, RuleChanged, RuleRemoved, Told};
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::{Decision, Note, Reject};

impl Event for RuleAdded {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self(record) = self;
        if turn.s.rules.contains_key(&record.name) {
            return Err(Reject::NotificationExists { name: record.name });
        }
        if turn.s.rules.len() >= NOTIFICATIONS_MAX {
            return Err(Reject::TooManyNotifications);
        }
        let (seq, notice) = (turn.s.last_seq, turn.s.last_notice);
        turn.decide(Decision::PutRule(Box::new(RuleRecord { seq, notice, ..record })));
        Ok(())
    }
}

impl Event for RuleChanged {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { was, new } = self;
        let old = turn.s.find_rule(&new.name)?;
        let (seq, notice) = (old.seq, old.notice);
        if !old.asks_the_same(&was) {
            return Err(Reject::NotificationChanged { name: new.name });
        }
        turn.decide(Decision::PutRule(Box::new(RuleRecord { seq, notice, ..new })));
        turn.forget_notices();
        Ok(())
    }
}

impl Event for RuleRemoved {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        turn.s.find_rule(&self.name)?;
        turn.decide(Decision::RemoveRule { name: self.name });
        turn.forget_notices();
        Ok(())
    }
}

impl Event for Told {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self(told) = self;
        let mut record = turn.s.find_rule(&told.name)?.clone();
        // What an old target was told, the one in its place was not; nor was it asked for in the same way.
        if !record.asks_the_same(&told) {
            return Err(Reject::NotificationChanged { name: told.name });
        }
        (record.seq, record.notice) = (record.seq.max(told.seq), record.notice.max(told.notice));
        turn.decide(Decision::PutRule(Box::new(record)));
        turn.forget_notices();
        Ok(())
    }
}

impl Turn<'_> {
    /// Remembers what is to be told of this turn: `notes` is how many there were before it, and `active` how
    /// many jobs.
    pub(crate) fn notice(&mut self, notes: usize, active: usize) {
        if self.s.rules.is_empty() {
            return;
        }
        let happened = self.s.touched.notes[notes..].iter().filter_map(|note| match note {
            Note::Offline { .. } => Some((Kind::WorkerOffline, note.to_string())),
            Note::WakeFailed { .. } => Some((Kind::WakeFailed, note.to_string())),
            Note::Quarantined { .. } => Some((Kind::Quarantined, note.to_string())),
            _ => None,
        });
        let mut happened: Vec<_> = happened.collect();
        if active > 0 && self.s.jobs.len() == 0 {
            happened.push((Kind::QueueEmpty, "the last job has ended".to_owned()));
        }
        for (kind, text) in happened {
            if self.s.rules.values().any(|rule| rule.on.contains(&kind)) {
                let notice = NoticeRecord { id: self.s.last_notice + 1, kind, at_ms: self.now.wall_ms, text };
                self.decide(Decision::AddNotice(Box::new(notice)));
            }
        }
        while self.s.notices.len() > NOTICES_MAX {
            let id = *self.s.notices.first_key_value().expect("there are some").0;
            self.decide(Decision::ForgetNotice { id });
        }
    }

    /// Forgets what everybody was told.
    fn forget_notices(&mut self) {
        let is_awaited = |notice: &NoticeRecord| self.s.rules.values().any(|rule| rule.awaits(notice));
        let old: Vec<u64> = self.s.notices.values().filter(|one| !is_awaited(one)).map(|one| one.id).collect();
        for id in old {
            self.decide(Decision::ForgetNotice { id });
        }
    }
}

impl Scheduler {
    /// Takes the names of notifications out of a job that were removed since it was first submitted.
    pub(crate) fn forget_gone_rules(&self, job: &mut NewJob) {
        if !job.terms.notify.is_empty() {
            Arc::make_mut(&mut job.terms).notify.retain(|name| self.rules.contains_key(name));
        }
    }

    pub(crate) fn find_rule(&self, name: &str) -> Result<&RuleRecord, Reject> {
        let known = || self.rules.keys().cloned().collect();
        self.rules.get(name).ok_or_else(|| Reject::UnknownNotification { name: name.to_owned(), known: known() })
    }

    pub(crate) fn put_rule(&mut self, record: RuleRecord) {
        self.last_notice = self.last_notice.max(record.notice);
        self.rules.insert(record.name.clone(), record);
    }

    pub(crate) fn add_notice(&mut self, record: NoticeRecord) {
        self.last_notice = self.last_notice.max(record.id);
        self.notices.insert(record.id, record);
    }

    /// All rules by name.
    pub fn rules(&self) -> impl Iterator<Item = &RuleRecord> {
        self.rules.values()
    }

    /// What a rule is narrowed to and does not exist, in words.
    pub fn missing(&self, rule: &RuleRecord) -> Option<String> {
        let schedule = rule.schedule.as_ref().filter(|name| !self.schedules.contains_key(*name));
        let groups = self.groups();
        let group = rule.group.as_ref().filter(|name| !groups.contains(name));
        let schedule = schedule.map(|name| format!("no schedule is called {name:?}"));
        schedule.or_else(|| group.map(|name| format!("no worker is in group {name:?}")))
    }

    /// A rule, or why there is none.
    pub fn rule(&self, name: &str) -> Result<RuleRecord, Reject> {
        self.find_rule(name).cloned()
    }

    /// The rules that are to be told something, each with the notices that it asked for.
    pub fn untold(&self) -> Vec<(RuleRecord, Vec<NoticeRecord>)> {
        let asked = |rule: &RuleRecord| -> Vec<NoticeRecord> {
            self.notices.values().filter(|notice| rule.awaits(notice)).cloned().collect()
        };
        let rules = self.rules.values().map(|rule| (rule.clone(), asked(rule)));
        rules.filter(|(rule, notices)| !notices.is_empty() || rule.seq < self.last_seq).collect()
    }
}
