//! What the runners say, and what follows for the attempts.

use c2_shared::job::Outcome;

use super::Agent;
use crate::clock;
use crate::supervise::runners::{News, Report};
use crate::supervise::synthetic;

impl Agent {
    pub(super) fn on_report(&mut self, Report { slot, news }: Report) {
        let now = clock::elapsed();
        match news {
            News::Hello { version, running, ended } => {
                let attempts = ended.iter().map(|result| result.attempt);
                let lost = self.runners.on_hello(slot, &version, running, attempts);
                running.into_iter().for_each(|attempt| self.slots.adopt_running(attempt));
                for result in ended {
                    self.adopt(result);
                }
                lost.into_iter().for_each(|attempt| self.slots.on_ended(now, synthetic::lost(attempt)));
                if self.runners.all_greeted() {
                    self.slots.introduce_now(now);
                }
            }
            News::Ended(result) => {
                self.runners.on_ended(slot, result.attempt);
                match result.outcome {
                    Outcome::Setup { reason } => self.give_back(result.attempt, reason),
                    ref outcome => {
                        tracing::debug!("{} ended: {outcome}", result.attempt);
                        self.on_result(*result);
                    }
                }
            }
            News::Leaves { attempt, leaves } => self.leaving.note(attempt, leaves),
            News::Wrote(answer) => self.live.on_answer(answer),
            News::Broken => self.runners.on_broken(slot),
            News::Dead { owed } => {
                let given = self.runners.on_dead(slot);
                // Of those that it owed the core knows all results that were told.
                let mut gone: Vec<_> = owed.iter().copied().chain(given.map(|(attempt, _)| attempt)).collect();
                gone.sort_unstable();
                gone.dedup();
                for attempt in gone {
                    if !self.slots.is_open(attempt) || self.is_leaving(attempt) {
                        continue;
                    }
                    match self.runners.resume(attempt) {
                        Some(Ok(())) => continue,
                        Some(Err(error)) => tracing::error!("{attempt} cannot be followed again: {error}"),
                        None => {}
                    }
                    let started = owed.contains(&attempt) || given != Some((attempt, false));
                    if started {
                        tracing::error!("{attempt} was lost: the process of slot {slot} died");
                        self.slots.on_ended(now, synthetic::lost(attempt));
                    } else {
                        self.give_back(attempt, self.runners.last_words(slot));
                    }
                }
            }
        }
    }
}
