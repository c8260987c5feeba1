//! The thread that writes the two logs.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use c2_shared::time::Mono;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{FILE, Keep, Kind, Line, REFUSED_FILE, time};
use crate::clock::Clock;
use crate::hash_chain::{Extent, HashChain, Limits};
use crate::net::neighbourhood;
use crate::tally::{More, Tally};

/// Some hundred thousand changes.
const CHANGES: Limits = Limits { bytes_max: 8 * 1024 * 1024, old_files: 4 };
const REFUSALS: Limits = Limits { bytes_max: 4 * 1024 * 1024, old_files: 3 };
/// For each who does the same again and again, one line in this time.
const REFUSED_EVERY_MS: u64 = 60 * 1_000;
const REPEATED_EVERY_MS: u64 = 3_600 * 1_000;
/// Kinds that are told apart at the same time.
const KINDS_MAX: usize = 256;
/// How often the thread looks for what is due; so soon after a change the database knows of it.
const LOOK: Duration = Duration::from_secs(1);

/// What of a line makes it the same as another; of what c2d saw, all that it saw, so that one change of an
/// identity never stands for another.
type Same = (Option<u16>, Option<String>, Option<IpAddr>, Option<String>);

pub(super) struct Scribe {
    clock: Clock,
    changes: Log,
    refusals: Log,
    refused: Tally<Same, Line>,
    repeated: Tally<Same, Line>,
    keep: Keep,
    /// How far the log reaches as far as the database knows.
    kept: Option<Extent>,
    /// The disk refused to keep lines, and that was said.
    sync_fails: bool,
    uncounted: Arc<AtomicU64>,
}

/// A log, and lines that could not be written into it.
struct Log {
    name: &'static str,
    chain: HashChain,
    lost: u64,
}

impl Scribe {
    pub(super) fn open(
        dir: &Path,
        clock: Clock,
        known: Option<Extent>,
        keep: Keep,
        uncounted: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let mut changes = Log::new(FILE, HashChain::open(&dir.join(FILE), CHANGES, known.clone())?);
        let refusals = Log::new(REFUSED_FILE, HashChain::open(&dir.join(REFUSED_FILE), REFUSALS, None)?);
        if let Some(damage) = changes.chain.damage() {
            tracing::error!("{FILE} was changed while c2d was down: {damage}");
            changes.say(clock, format!("before this line the log was changed while c2d was down: {damage}"));
        }
        let (lines, last) = (changes.chain.extent().lines, &changes.chain.extent().last);
        if lines > 0 {
            tracing::info!("{FILE} has {lines} lines, the last is {last}");
        }
        let (refused, repeated) = (Tally::new(REFUSED_EVERY_MS, KINDS_MAX), Tally::new(REPEATED_EVERY_MS, KINDS_MAX));
        Ok(Self { clock, changes, refusals, refused, repeated, keep, kept: known, sync_fails: false, uncounted })
    }

    /// Writes what comes until nobody is left who could write.
    pub(super) async fn run(&mut self, mut waiting: mpsc::Receiver<(Kind, Line)>) {
        let mut looked = Mono(0);
        loop {
            match timeout(LOOK, waiting.recv()).await {
                Ok(Some((kind, line))) => self.take(kind, line),
                Ok(None) => break,
                Err(_) => {}
            }
            let now = self.clock.now().mono;
            if now.since_ms(looked) >= u64::try_from(LOOK.as_millis()).unwrap_or(u64::MAX) {
                looked = now;
                self.look(now);
            }
        }
        let (refused, repeated) = (self.refused.rest(), self.repeated.rest());
        self.tell(refused, repeated);
        self.keep_extent();
    }

    fn take(&mut self, kind: Kind, line: Line) {
        let tally = match kind {
            Kind::Change => return self.changes.write(self.clock, &line),
            Kind::Repeated => &mut self.repeated,
            Kind::Refused => &mut self.refused,
        };
        let what = line.what.clone().filter(|_| kind == Kind::Repeated);
        let same = (line.status, line.who.clone(), line.from.map(neighbourhood), what);
        if let Some(line) = tally.count(same, line, self.clock.now().mono) {
            let log = if kind == Kind::Refused { &mut self.refusals } else { &mut self.changes };
            log.write(self.clock, &line);
        }
    }

    /// Writes what is due, and has the database know how far the log reaches.
    fn look(&mut self, now: Mono) {
        for log in [&mut self.changes, &mut self.refusals] {
            if let Err(error) = log.keep_up(self.clock) {
                tracing::debug!("cannot look at {}: {error}", log.name);
            }
        }
        let (refused, repeated) = (self.refused.due(now), self.repeated.due(now));
        self.tell(refused, repeated);
        self.keep_extent();
    }

    fn tell(&mut self, refused: Vec<More<Line>>, repeated: Vec<More<Line>>) {
        for (log, due) in [(&mut self.refusals, refused), (&mut self.changes, repeated)] {
            for More { times, last } in due {
                log.write(self.clock, &Line { times: Some(times), ..last });
            }
        }
        let uncounted = self.uncounted.swap(0, Ordering::Relaxed);
        if uncounted > 0 {
            self.refusals.say(self.clock, format!("{uncounted} more were refused while the disk was busy"));
        }
    }

    /// First the disk has the lines, then the database knows of them; so a crash between the two never
    /// looks like lines that were cut off.
    fn keep_extent(&mut self) {
        let extent = self.changes.chain.extent();
        if self.kept.as_ref() == Some(extent) {
            return;
        }
        if let Err(error) = self.changes.chain.sync() {
            if !std::mem::replace(&mut self.sync_fails, true) {
                tracing::error!("{FILE} may lose its last lines in a power cut: {error}");
            }
            return;
        }
        self.sync_fails = false;
        if (self.keep)(extent) {
            self.kept = Some(extent.clone());
            if let Err(error) = self.changes.chain.drop_surplus().and_then(|()| self.refusals.chain.drop_surplus()) {
                tracing::warn!("an old {FILE} could not be removed: {error}");
            }
        }
    }
}

impl Log {
    const fn new(name: &'static str, chain: HashChain) -> Self {
        Self { name, chain, lost: 0 }
    }

    fn say(&mut self, clock: Clock, what: String) {
        let line = Line { time: time(clock), who: Some("c2d".to_owned()), what: Some(what), ..Line::default() };
        self.write(clock, &line);
    }

    /// Looks whether the file is still the one that the log is written to.
    fn keep_up(&mut self, clock: Clock) -> io::Result<()> {
        if self.chain.keep_up()? {
            let damage = self.chain.damage().map(|damage| format!(": {damage}")).unwrap_or_default();
            tracing::error!("{} was removed or replaced while c2d runs{damage}", self.name);
            self.say(clock, format!("before this line the log was removed or replaced while c2d ran{damage}"));
        }
        Ok(())
    }

    fn write(&mut self, clock: Clock, line: &Line) {
        match self.keep_up(clock).and_then(|()| self.chain.write(line)) {
            Ok(()) if self.lost > 0 => {
                let lost = std::mem::take(&mut self.lost);
                tracing::warn!("{} is written again; {lost} lines are missing", self.name);
                self.say(clock, format!("{lost} lines before this one could not be written"));
            }
            Ok(()) => {}
            Err(error) => {
                if self.lost == 0 {
                    tracing::error!("cannot write {}: {error}; lines are lost until it can be written", self.name);
                }
                self.lost += 1;
            }
        }
    }
}
