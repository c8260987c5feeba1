//! Somebody is told what happens, by a messenger that dies with c2d: no end and no notice is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use c2_shared::api::notifications::Kind;
use c2d::sched::Decision;
use c2d::sched::decision::RuleRecord;
use c2d::sched::event;

use super::World;
use crate::sim::disk::Disk;

/// What became durable since the one rule there is was added, and what was told of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Where the log was when the rule became durable.
    from: Option<u64>,
    notices: BTreeSet<u64>,
    /// How often each was told: ends of jobs by their place in the log, and notices.
    seqs: BTreeMap<u64, u32>,
    told_notices: BTreeSet<u64>,
    /// How far the rule was told when it last became durable.
    at: (u64, u64),
    /// How often the rule was changed.
    changes: u64,
}

impl Told {
    pub(super) fn committed(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            match decision {
                Decision::PutRule(rule) => {
                    self.from = self.from.or(Some(rule.seq));
                    // A change keeps how far it was told, whatever its operator had read before.
                    let was = std::mem::replace(&mut self.at, (rule.seq, rule.notice));
                    assert!(
                        was.0 <= self.at.0 && was.1 <= self.at.1,
                        "the rule was at {was:?} and is at {:?}",
                        self.at
                    );
                    for seq in self.from.unwrap_or_default() + 1..=rule.seq {
                        assert!(self.seqs.contains_key(&seq), "the rule is behind {seq}, which was told to nobody");
                    }
                }
                Decision::AddNotice(notice) => drop(self.notices.insert(notice.id)),
                Decision::ForgetNotice { id } => {
                    assert!(self.told_notices.contains(id), "notice {id} is forgotten and was not told");
                }
                _ => {}
            }
        }
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

    /// An operator has the rule speak to another target, while the messenger may be under way or dead. What it asks
    /// for stays, so that all of it is still to be told.
    pub(super) fn change_rule(&mut self) {
        let Some(was) = self.scheduler.rules().next().cloned() else { return };
        let to = format!("ntfy:x{}", self.told.changes);
        self.told.changes += 1;
        // Somebody may have looked at it a while ago.
        let seq = was.seq.saturating_sub(self.random.below(3));
        let new = RuleRecord { to, seq, ..was.clone() };
        self.apply(event::RuleChanged { was: RuleRecord { seq, ..was }, new });
    }

    /// The messenger tells what is durable. It may be late, and die before it says so.
    pub(super) fn tell(&mut self) {
        if self.random.chance(50) {
            return;
        }
        for (rule, notices) in self.scheduler.untold() {
            // A change goes over it while it tells what it read before.
            if self.random.chance(10) {
                self.change_rule();
            }
            let last = self.scheduler.last_seq();
            for seq in rule.seq + 1..=last {
                *self.told.seqs.entry(seq).or_default() += 1;
            }
            self.told.told_notices.extend(notices.iter().map(|notice| notice.id));
            let notice = notices.last().map_or(rule.notice, |notice| notice.id);
            if !self.random.chance(20) {
                self.apply(event::Told { name: rule.name, seq: last, notice });
            }
        }
    }

    pub(super) fn tell_the_rest(&mut self) {
        let untold = self.scheduler.untold();
        for (rule, notices) in untold {
            self.told.seqs.extend((rule.seq + 1..=self.scheduler.last_seq()).map(|seq| (seq, 1)));
            self.told.told_notices.extend(notices.iter().map(|notice| notice.id));
        }
        let Some(from) = self.told.from else { return };
        for seq in from + 1..=self.scheduler.last_seq() {
            assert!(self.told.seqs.contains_key(&seq), "the end of number {seq} of the log was told to nobody");
        }
        assert_eq!(self.told.notices, self.told.told_notices, "each notice is told");
    }
}
