//! Who or what else needs this machine: a person, a foreign process on a graphics processor, the battery.
//!
//! `people` and `battery` look at folders of the system, and need no library of any desktop; `courtesy` decides,
//! so that nothing stops and starts again and again. What an agent does about it is its own business.

mod battery;
mod courtesy;
pub(crate) mod people;

use std::path::PathBuf;

use c2_shared::worker::Neighbour;

use crate::clock;
use crate::neighbours::courtesy::Courtesy;

/// Looks for those to whom the agent yields.
#[derive(Debug)]
pub(crate) struct Neighbours {
    /// Where the file systems of the machine are.
    root: PathBuf,
    courtesy: Courtesy,
}

impl Neighbours {
    /// Yields for at least `rest_ms` after it was last necessary.
    pub(crate) fn new(root: PathBuf, yield_to: &[Neighbour], rest_ms: u64) -> Self {
        Self { root, courtesy: Courtesy::new(yield_to, rest_ms) }
    }

    /// To whom or what the machine is yielded from now on; whether a foreign process uses a graphics processor
    /// others have looked at.
    pub(crate) async fn look(&mut self, foreign_gpu: bool) -> Vec<Neighbour> {
        let mut present = Vec::new();
        for neighbour in self.courtesy.wanted() {
            let is_there = match neighbour {
                Neighbour::User => people::are_there(&self.root, clock::wall_ms() / 1_000).await,
                Neighbour::Gpu => foreign_gpu,
                Neighbour::Battery => battery::feeds(&self.root.join("sys")),
                Neighbour::Unknown => false,
            };
            present.extend(is_there.then_some(neighbour));
        }
        self.courtesy.look(clock::elapsed(), &present)
    }
}
