//! Machines that sleep in a history: agents that ask for it, packets that are lost, cards that do not listen.

use std::collections::BTreeMap;

use c2_shared::id::WorkerId;
use c2_shared::limits::{WAKE_REST_MS, WAKE_TRIES};
use c2_shared::wake::Mac;
use c2_shared::worker::WorkerStatus;
use c2d::sched::event;
use c2d::sched::{Decision, WorkerView};

use super::World;
use crate::sim::disk::Disk;

/// What was sent to wake each machine since it was last heard, and since when it may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Packets(BTreeMap<WorkerId, (u32, u64)>);

impl<D: Disk> World<D> {
    /// An agent has nothing to do and lets its machine sleep, if c2d agrees.
    pub(super) fn doze(&mut self, i: usize) {
        let agent = &mut self.agents[i];
        agent.sleepy = agent.up && !agent.old && agent.is_idle();
        self.next_poll_ms[i] = self.now.mono.0;
    }

    /// What wakes machines is sent; it may be lost, or reach a card that does not listen.
    pub(super) fn wake(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            let Decision::Wake { worker, mac, .. } = decision else { continue };
            self.count_packet(worker);
            self.report.wakes += 1;
            let lost = !self.calm && self.random.chance(30);
            for i in 0..self.agents.len() {
                let agent = &self.agents[i];
                if !lost && agent.asleep && agent.mac() == *mac && agent.deaf_until_ms <= self.now.mono.0 {
                    self.get_up(i);
                }
            }
        }
    }

    /// A machine is awake, and its agent goes on in a moment.
    pub(super) fn get_up(&mut self, i: usize) {
        let agent = &mut self.agents[i];
        if agent.asleep {
            (agent.asleep, agent.sleepy) = (false, false);
            self.next_poll_ms[i] = self.now.mono.0 + self.random.pick(&[10, 2_000, 20_000]);
        }
    }

    /// A machine that cannot wake is not tried without bound: three times, and then after rests that double. Where c2d
    /// was restarted or an operator asked, it counts anew.
    fn count_packet(&mut self, worker: &WorkerId) {
        let now_ms = self.now.mono.0;
        let (packets, since_ms) = self.packets.0.entry(worker.clone()).or_insert((0, now_ms));
        *packets += 1;
        let rests = (now_ms - *since_ms) / WAKE_REST_MS;
        assert!(u64::from(*packets) <= u64::from(WAKE_TRIES) + rests, "{worker} is woken without bound: {packets}");
    }

    /// Workers that were heard, or may be tried anew.
    pub(super) fn forget_packets(&mut self, worker: Option<&WorkerId>) {
        match worker {
            Some(worker) => drop(self.packets.0.remove(worker)),
            None => self.packets.0.clear(),
        }
    }

    /// After the last fault all cards listen. Operators wake what c2d gave up or does not know to sleep; for what it
    /// knows, it does so itself when a job needs it.
    pub(super) fn wake_the_lost(&mut self) {
        let views = self.scheduler.workers(self.now);
        let sleeps = |view: &&WorkerView| matches!(view.status, WorkerStatus::Asleep | WorkerStatus::Waking);
        let given_up = views.iter().filter(sleeps).filter(|view| view.wakes_failed > 0);
        for worker in given_up.map(|view| view.intro.id.clone()).collect::<Vec<_>>() {
            self.forget_packets(Some(&worker));
            self.apply(event::WakeRequested { worker });
        }
        let known: Vec<&WorkerId> = views.iter().filter(sleeps).map(|view| &view.intro.id).collect();
        for i in 0..self.agents.len() {
            self.agents[i].deaf_until_ms = 0;
            if !known.contains(&&self.agents[i].worker()) {
                self.get_up(i);
            }
        }
    }
}

impl crate::sim::agent::Agent {
    /// That of its machine.
    pub(crate) fn mac(&self) -> Mac {
        format!("02:00:00:00:00:{:02x}", self.machine).parse().expect("it is one")
    }
}
