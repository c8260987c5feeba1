//! Somebody is told what happens, by a messenger that dies with c2d: no end and no notice is forgotten, whoever changes
//! meanwhile whom it tells of what.

use std::collections::{BTreeMap, BTreeSet};

use c2_shared::api::notifications::Kind;
use c2d::sched::Decision;
use c2d::sched::decision::RuleRecord;
use c2d::sched::event;

use super::World;
use crate::sim::disk::Disk;

/// What became durable of the one rule there is, and what was told by it.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The rule, as it last became durable.
    rule: Option<RuleRecord>,
    notices: BTreeMap<u64, Kind>,
    /// All rules that there ever were, however far they were told.
    rules: Vec<RuleRecord>,
    /// What was told by which of them: ends of jobs by their place in the log, and notices.
    ends: BTreeSet<(usize, u64)>,
    told_notices: BTreeSet<(usize, u64)>,
    /// What the messenger has begun to tell, with the rule as it was then.
    under_way: Vec<RuleRecord>,
    /// How often the rule was changed, and how often somebody spoke for one that was another by then.
    changes: u64,
    late: u64,
}

impl Told {
    pub(super) fn committed(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            match decision {
                Decision::PutRule(rule) => self.put(rule),
                Decision::RemoveRule { .. } => self.rule = None,
                Decision::AddNotice(notice) => drop(self.notices.insert(notice.id, notice.kind)),
                Decision::ForgetNotice { id } => {
                    let kind = self.notices[id];
                    let awaits = |rule: &RuleRecord| rule.notice < *id && rule.on.contains(&kind);
                    assert!(!self.rule.as_ref().is_some_and(awaits), "notice {id} is forgotten and was not told");
                }
                _ => {}
            }
        }
    }

    /// A new one begins where the log ends. A change keeps how far it was told, and otherwise all up to there was told
    /// by this rule, not by one of this name that had another target or asked for something else.
    fn put(&mut self, rule: &RuleRecord) {
        let Some(was) = self.rule.replace(rule.clone()) else { return };
        let key = self.number(rule);
        if !was.asks_the_same(rule) {
            assert_eq!((was.seq, was.notice), (rule.seq, rule.notice), "{was:?} becomes {rule:?}");
            return;
        }
        for seq in was.seq + 1..=rule.seq {
            let is_told = self.ends.contains(&(key, seq));
            assert!(is_told, "{rule:?} is behind the end of number {seq} of the log, which it told to nobody");
        }
        for (id, kind) in self.notices.range(was.notice + 1..).take_while(|(id, _)| **id <= rule.notice) {
            let is_told = !rule.on.contains(kind) || self.told_notices.contains(&(key, *id));
            assert!(is_told, "{rule:?} is behind notice {id}, which it told to nobody");
        }
    }

    /// Which of all rules this is.
    fn number(&mut self, rule: &RuleRecord) -> usize {
        let known = self.rules.iter().position(|other| other.asks_the_same(rule));
        known.unwrap_or_else(|| {
            self.rules.push(rule.clone());
            self.rules.len() - 1
        })
    }

    /// How often somebody spoke for a rule that was another by then.
    pub(super) const fn late(&self) -> u64 {
        self.late
    }

    pub(super) fn crash(&mut self) {
        self.under_way.clear();
    }
}

impl<D: Disk> World<D> {
    pub(super) fn add_rule(&mut self) {
        self.apply(event::RuleAdded(RuleRecord {
            name: "phone".to_owned(),
            on: Kind::ALL.into(),
            to: "ntfy:x".to_owned(),
            group: None,
            job_name: None,
            schedule: None,
            seq: 0,
            notice: 0,
        }));
    }

    /// An operator has the rule speak to another target, or of less, or takes it away, while the messenger is under way
    /// or dead.
    pub(super) fn change_rule(&mut self) {
        let Some(was) = self.scheduler.rules().next().cloned() else { return };
        if self.random.chance(20) {
            self.apply(event::RuleRemoved { name: was.name });
            if self.random.chance(70) {
                self.add_rule();
            }
            return;
        }
        self.told.changes += 1;
        let to = if self.random.chance(50) { format!("ntfy:x{}", self.told.changes) } else { was.to.clone() };
        let on = if self.random.chance(50) { Kind::ALL.into() } else { [Kind::Failed, Kind::QueueEmpty].into() };
        // Somebody may have looked at it a while ago.
        let seq = was.seq.saturating_sub(self.random.below(3));
        let new = RuleRecord { to, on, seq, ..was.clone() };
        self.apply(event::RuleChanged { was: RuleRecord { seq, ..was }, new });
    }

    /// The messenger tells what is durable. It takes its time, and may die before it says so.
    pub(super) fn tell(&mut self) {
        if self.random.chance(50) {
            return;
        }
        for (rule, _) in self.scheduler.untold() {
            if !self.told.under_way.iter().any(|other| other.asks_the_same(&rule)) {
                self.told.under_way.push(rule);
            }
        }
        for rule in std::mem::take(&mut self.told.under_way) {
            if self.random.chance(30) {
                self.told.under_way.push(rule);
                continue;
            }
            // A change goes over it while it tells what it read before.
            if self.random.chance(10) {
                self.change_rule();
            }
            let key = self.told.number(&rule);
            let last = self.scheduler.last_seq();
            self.told.ends.extend((rule.seq + 1..=last).map(|seq| (key, seq)));
            let notice = self.told.notices.keys().next_back().copied().unwrap_or_default().max(rule.notice);
            let notices = self.told.notices.range(rule.notice + 1..).map(|(id, _)| (key, *id));
            self.told.told_notices.extend(notices);
            if !self.random.chance(20) {
                let told = event::Told(RuleRecord { seq: last, notice, ..rule });
                self.told.late += u64::from(self.try_apply(told).is_err());
            }
        }
    }

    /// What is left is what is durable: somebody who is there tells all of it.
    pub(super) fn tell_the_rest(&mut self) {
        let left = self.scheduler.rules().next().cloned();
        assert_eq!(left, self.told.rule, "the rule is as it last became durable");
        let awaited: BTreeSet<u64> =
            self.scheduler.untold().into_iter().flat_map(|(_, notices)| notices).map(|notice| notice.id).collect();
        let of_rule = |rule: &RuleRecord| -> BTreeSet<u64> {
            let later = self.told.notices.range(rule.notice + 1..);
            later.filter(|(_, kind)| rule.on.contains(kind)).map(|(id, _)| *id).collect()
        };
        assert_eq!(awaited, left.as_ref().map(of_rule).unwrap_or_default(), "each notice that is asked for waits");
    }
}
