//! When an idle machine sleeps: nothing was held for long enough, no one uses it, and c2d agrees.
//!
//! c2d knows it before the machine does, so a job that comes meanwhile wakes it. What has it sleep is a command; it may
//! return before the machine sleeps or after it is awake, so the agent looks at the clock that stood still meanwhile.

use std::process::Stdio;
use std::time::Duration;

use c2_shared::limits::SLEEP_ASK_MS;
use c2_shared::time::{Mono, span};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Agent;
use crate::clock;
use crate::neighbours;
use crate::options::Options;

/// How often it is looked for people.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long the command may take, in time that the machine is awake.
const COMMAND_WITHIN: Duration = Duration::from_secs(600);
/// A clock that stood still for so long shows that the machine slept.
const LONG_MS: u64 = 1_000;
/// How often it is looked whether the machine slept.
const SETTLE_STEP: Duration = Duration::from_millis(500);

/// How long nothing happened here, and the machine's sleep.
#[derive(Debug)]
pub(super) struct Sleep {
    /// None if it never sleeps.
    after_ms: Option<u64>,
    command: Vec<String>,
    settle_ms: u64,
    /// Since when the machine is idle, in time that it was awake.
    idle_since: Mono,
    /// When c2d may be asked again.
    ask_at: Mono,
    /// When a person was last seen.
    person: watch::Receiver<Option<Mono>>,
    under_way: JoinSet<Slept>,
}

/// How the command ended.
#[derive(Debug)]
pub(super) struct Slept {
    /// For how long the machine slept, or why it did not.
    outcome: Result<u64, String>,
}

impl Sleep {
    pub(super) fn new(options: &Options, beside: &mut JoinSet<()>) -> Self {
        let (seen, person) = watch::channel(None);
        let after_ms = Some(options.idle_suspend_s.saturating_mul(1_000)).filter(|ms| *ms > 0);
        if after_ms.is_some() {
            let root = options.sight.sight_root.clone();
            beside.spawn(async move {
                while !seen.is_closed() {
                    if neighbours::people::are_there(&root, clock::wall_ms() / 1_000).await {
                        seen.send_replace(Some(clock::awake()));
                    }
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            });
        }
        Self {
            after_ms,
            command: options.suspend_command.clone(),
            settle_ms: options.sight.settle_ms,
            idle_since: clock::awake(),
            ask_at: Mono(0),
            person,
            under_way: JoinSet::new(),
        }
    }

    /// Waits for the end of the command; for ever when none runs.
    pub(super) async fn slept(&mut self) -> Slept {
        match self.under_way.join_next().await {
            Some(Ok(slept)) => slept,
            Some(Err(error)) => Slept { outcome: Err(error.to_string()) },
            None => std::future::pending().await,
        }
    }

    /// Whether the machine was idle for long enough by then.
    fn is_due(&self, now: Mono) -> bool {
        let since = self.idle_since.max(self.person.borrow().unwrap_or_default());
        self.after_ms.is_some_and(|after_ms| now.since_ms(since) >= after_ms)
    }
}

impl Agent {
    /// Asks c2d whether the machine may sleep, if it has been idle for long enough.
    pub(super) fn look_for_sleep(&mut self) {
        let now = clock::awake();
        if self.slots.sleeps() {
            return;
        }
        if !self.slots.has_nothing() || self.yields() {
            self.sleep.idle_since = now;
        }
        if self.sleep.is_due(now) && !self.contact.is_silent() && now >= self.sleep.ask_at {
            self.sleep.ask_at = now.after_ms(SLEEP_ASK_MS);
            self.slots.ask_to_sleep(clock::elapsed());
        }
    }

    /// c2d agrees. Somebody may have come meanwhile.
    pub(super) fn fall_asleep(&mut self) {
        if !self.sleep.is_due(clock::awake()) {
            return self.slots.wake_up(clock::elapsed());
        }
        tracing::info!("the machine was idle for long enough and c2d agrees: it sleeps");
        let (command, settle_ms) = (self.sleep.command.clone(), self.sleep.settle_ms);
        self.sleep.under_way.spawn(async move { Slept { outcome: suspend(&command, settle_ms).await } });
    }

    pub(super) fn on_slept(&mut self, Slept { outcome }: Slept) {
        match outcome {
            Ok(ms) => {
                tracing::info!("the machine is awake after {}", span(ms));
                self.sleep.ask_at = clock::awake();
            }
            Err(why) => tracing::warn!("the machine did not sleep: {why}; `c2-agent doctor` says more"),
        }
        self.sleep.idle_since = clock::awake();
        self.slots.wake_up(clock::elapsed());
    }
}

/// Has the machine sleep; answers for how long it did.
async fn suspend(command: &[String], settle_ms: u64) -> Result<u64, String> {
    let (program, args) = command.split_first().ok_or("no program is configured for it")?;
    // One of the clocks stands still while the machine sleeps.
    let stood_still = || clock::elapsed().since_ms(clock::awake());
    let (before, began) = (stood_still(), clock::elapsed());
    let mut run = Command::new(program);
    run.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let ended = tokio::time::timeout(COMMAND_WITHIN, run.output()).await;
    let ended = ended.map_err(|_| format!("{program:?} took longer than {}", span(600_000)))?;
    let ended = ended.map_err(|error| format!("{program:?} cannot be run: {error}"))?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        return Err(format!("{program:?} failed ({}): {said}", ended.status));
    }
    let settled = clock::awake().after_ms(settle_ms);
    loop {
        let slept = stood_still().saturating_sub(before);
        let took = clock::elapsed().since_ms(began);
        // One that takes until the machine is awake needs no time to settle.
        if slept >= LONG_MS || settle_ms == 0 {
            return Ok(slept.max(took));
        }
        if clock::awake() >= settled {
            return Err(format!("{program:?} ended, and nothing more happened"));
        }
        tokio::time::sleep(SETTLE_STEP).await;
    }
}
