//! What breaks in a history, and what is mended.

use c2d::sched::event;

use super::{ADDRESSES, AGENTS_MAX, World, address};
use crate::sim::disk::Disk;

impl<D: Disk> World<D> {
    /// Something breaks, or is mended.
    pub(super) fn fault(&mut self) {
        let i = usize::try_from(self.random.below(self.agents.len() as u64)).unwrap_or(0);
        let now_ms = self.now.mono.0;
        match self.random.below(120) {
            0 | 1 => self.crash(),
            2 => self.agents[i].crash(),
            3..=8 if !self.agents[i].up => {
                self.agents[i].start();
                self.next_poll_ms[i] = now_ms;
            }
            9 => self.reboot(self.agents[i].machine),
            10..=13 => {
                // Shorter than the offline mark, longer, about as long as the lease, much longer.
                let for_ms = self.random.pick(&[5_000, 20_000, 58_000, 70_000, 200_000]);
                self.agents[i].cut_until_ms = now_ms + for_ms;
            }
            14 | 15 => {
                let for_ms = self.random.pick(&[1_000, 30_000, 300_000]);
                self.agents[i].broken_until_ms = now_ms + for_ms;
                self.agents[i].blind = self.random.chance(40);
            }
            16..=19 => self.agents[i].ip = address(self.random.pick(&ADDRESSES)),
            20 => self.agents[i].flaps_until_ms = now_ms + self.random.pick(&[5_000, 30_000]),
            22 | 23 => self.copy(i),
            24..=26 => {
                let for_ms = self.random.pick(&[3_000, 40_000, 200_000]);
                self.agents[i].begin_to_yield(now_ms, for_ms);
                self.next_poll_ms[i] = now_ms;
            }
            27..=30 => self.doze(i),
            31 => self.get_up(i),
            32 => self.agents[i].deaf_until_ms = now_ms + self.random.pick(&[60_000, 400_000, 2_000_000]),
            21 => drop(self.apply(event::TimeUnobserved)),
            _ => {}
        }
    }

    /// A machine is started anew, with all agents on it.
    pub(super) fn reboot(&mut self, machine: usize) {
        for i in 0..self.agents.len() {
            if self.agents[i].machine == machine {
                for attempt in self.agents[i].reboot() {
                    self.oracle.stop(attempt);
                }
                self.next_poll_ms[i] = self.now.mono.0;
            }
        }
    }

    /// The state folder of an agent is copied, to another machine or beside itself.
    pub(super) fn copy(&mut self, i: usize) {
        let folder = self.agents.len();
        if folder >= AGENTS_MAX || self.agents[i].old {
            return;
        }
        let machine = if self.random.chance(30) { self.agents[i].machine } else { folder };
        let ip = address(self.random.pick(&ADDRESSES));
        self.agents.push(self.agents[i].copy(folder, machine, ip));
        self.next_poll_ms.push(self.now.mono.0);
    }
}
