//! The agent's side of the processes behind its slots: starts them, speaks to them, and notices when one dies.
//!
//! It decides nothing: which attempt starts or ends is told by the core, and what the runners say
//! goes back to it as [`Report`]s.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use c2_shared::api::live::OutputRead;
use c2_shared::id::AttemptId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::options::{Confinement, Timing};
use crate::slurm::{self, ElsewhereOptions};
use crate::state::StateDir;
use crate::supervise::children::Children;
use crate::supervise::link::{Following, LOOKS, follow};
pub(crate) use crate::supervise::news::{News, Report};
use crate::supervise::recover::{self, end_runner};
use crate::supervise::wire::{RUNNER_VERSION, Start, ToRunner, Verdict, frame};

/// Messages that may wait for one runner. They are few and small but for a job's files, so a full
/// queue means a runner that is stopped.
const QUEUE_LEN: usize = 64;

/// How long idle runners may take to end.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// All slots that have a runner.
#[derive(Debug)]
pub(crate) struct Runners {
    plan: Plan,
    runners: BTreeMap<u32, Runner>,
    reports: mpsc::Sender<Report>,
    children: Children,
    following: JoinSet<()>,
    /// Those that an earlier run of the agent left, until they have said what they hold.
    awaited: BTreeSet<u32>,
    /// What runs stands still.
    yielding: bool,
}

/// How runners are started.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) state: StateDir,
    pub(crate) worker_id: String,
    pub(crate) workspace_root: PathBuf,
    pub(crate) timing: Timing,
    pub(crate) confinement: Confinement,
    pub(crate) elsewhere: ElsewhereOptions,
    /// Slots of this agent; runners with higher numbers are left from a larger one.
    pub(crate) slots: u32,
}

#[derive(Debug)]
struct Runner {
    queue: mpsc::Sender<Vec<u8>>,
    /// The attempt that it was given and that has not ended.
    running: Option<AttemptId>,
    /// Attempts that an earlier run of the agent gave it, of which nothing else is known.
    noted: BTreeSet<AttemptId>,
    /// Attempts whose results it keeps.
    ended: BTreeSet<AttemptId>,
    /// Those that it may forget and was not told so yet.
    forgotten: Vec<AttemptId>,
    /// Whether it may get work.
    standing: Standing,
    /// It said what it holds, so it got as far as starting jobs.
    greeted: bool,
    /// Present when this run of the agent started it; to be waited for when it is dead.
    child: Option<Child>,
}

/// Whether a runner may get work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It did not say yet what it is.
    Stranger,
    /// It is one of ours.
    Serving,
    /// It finishes what it has.
    Retired,
}

/// Why a job could not be handed to a runner.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandoverError {
    #[error("cannot start the process of slot {slot}: {source}")]
    Spawn { slot: u32, source: io::Error },
    #[error("the process of slot {0} does not take the job")]
    Deaf(u32),
}

impl Runners {
    pub(crate) fn new(plan: Plan, reports: mpsc::Sender<Report>) -> Self {
        let (runners, following, awaited) = (BTreeMap::new(), JoinSet::new(), BTreeSet::new());
        Self { plan, runners, reports, children: Children::adopt_orphans(), following, awaited, yielding: false }
    }

    /// Connects to a runner that an earlier run of the agent started; it will say what it holds.
    pub(crate) fn adopt(&mut self, slot: u32, noted: &[AttemptId]) {
        match self.plan.state.slot(slot).and_then(|dir| recover::runners(&dir)) {
            Ok(found) => self.children.adopt(&found),
            Err(error) => tracing::warn!("who runs in slot {slot} is not known: {error}"),
        }
        self.awaited.insert(slot);
        // Until it says more, what it noted last may be running.
        let (mut runner, messages) = Runner::new(Standing::Stranger, None, noted.last().copied());
        runner.noted.extend(noted);
        self.add(slot, (runner, messages));
    }

    /// Hands a job to a free runner, starting one when there is none.
    pub(crate) fn start(&mut self, start: Start) -> Result<(), HandoverError> {
        let slot = match self.runners.iter().find(|(_, runner)| runner.is_free()) {
            Some((slot, _)) => *slot,
            None => self.spawn()?,
        };
        let attempt = start.attempt;
        if !self.tell(slot, &ToRunner::Start(Box::new(start))) {
            return Err(HandoverError::Deaf(slot));
        }
        if let Some(runner) = self.runners.get_mut(&slot) {
            runner.running = Some(attempt);
        }
        Ok(())
    }

    /// Goes on with an attempt that a cluster runs and whose runner died. Nothing if there is none to go on with.
    pub(crate) fn resume(&mut self, attempt: AttemptId) -> Option<Result<(), HandoverError>> {
        self.plan.elsewhere.via?;
        let start = slurm::resumed(&self.plan.workspace_root, attempt)?;
        tracing::warn!("{attempt} lost the process of its slot and is followed again");
        Some(self.start(start))
    }

    /// Ends an attempt.
    pub(crate) fn kill(&self, attempt: AttemptId, verdict: Verdict) {
        for (slot, _) in self.runners.iter().filter(|(_, runner)| runner.running == Some(attempt)) {
            self.tell(*slot, &ToRunner::Kill { attempt, verdict });
        }
    }

    /// Lets the runner that keeps a result forget it. One that runs a job hears of it with the next one, so that
    /// it is woken once for both.
    pub(crate) fn forget(&mut self, attempt: AttemptId) {
        let mut idle = Vec::new();
        for (slot, runner) in &mut self.runners {
            if runner.ended.remove(&attempt) {
                runner.forgotten.push(attempt);
                idle.extend(runner.running.is_none().then_some(*slot));
            }
        }
        idle.into_iter().for_each(|slot| self.tell_forgotten(slot));
    }

    fn tell_forgotten(&mut self, slot: u32) {
        let forgotten = self.runners.get_mut(&slot).map(|runner| std::mem::take(&mut runner.forgotten));
        for attempt in forgotten.into_iter().flatten() {
            self.tell(slot, &ToRunner::Forget { attempt });
        }
    }

    /// Asks the runner of an attempt what it wrote; says whether there is one to answer.
    pub(crate) fn read(&self, read: OutputRead) -> bool {
        let runs = |runner: &Runner| runner.running == Some(read.attempt) && runner.standing == Standing::Serving;
        let slot = self.runners.iter().find(|(_, runner)| runs(runner));
        slot.is_some_and(|(slot, _)| self.tell(*slot, &ToRunner::Read(read)))
    }

    /// Says how long an attempt may run. A runner of another version keeps to what it was told.
    pub(crate) fn limit(&self, attempt: AttemptId, timeout_s: u64) {
        let runs = |runner: &Runner| runner.running == Some(attempt) && runner.standing == Standing::Serving;
        for (slot, _) in self.runners.iter().filter(|(_, runner)| runs(runner)) {
            self.tell(*slot, &ToRunner::Limit { attempt, timeout_s });
        }
    }

    /// Lets all that runs stand still, or go on. What a runner of another version runs goes on in any case.
    pub(crate) fn set_yielding(&mut self, freeze: bool) {
        if std::mem::replace(&mut self.yielding, freeze) != freeze {
            let runs = |runner: &Runner| runner.running.is_some() && runner.standing == Standing::Serving;
            for (slot, _) in self.runners.iter().filter(|(_, runner)| runs(runner)) {
                self.tell(*slot, &ToRunner::Freeze { freeze });
            }
        }
    }

    /// Renews the leases of all that run.
    pub(crate) fn renew(&self, lease_ms: u64) {
        for (slot, _) in self.runners.iter().filter(|(_, runner)| runner.running.is_some()) {
            self.tell(*slot, &ToRunner::Renew { lease_ms });
        }
    }

    /// Connects anew to a runner. What was still on its way to it is lost, and what it got before
    /// it will say.
    pub(crate) fn on_broken(&mut self, slot: u32) {
        if let Some(old) = self.runners.remove(&slot) {
            let (mut runner, messages) = Runner::new(Standing::Stranger, old.child, old.running);
            runner.greeted |= old.greeted;
            runner.noted = old.noted;
            self.add(slot, (runner, messages));
        }
    }

    /// Notes that a runner said what it holds. Returns the attempts that it was thought to have and
    /// does not know, which therefore are lost.
    pub(crate) fn on_hello(
        &mut self,
        slot: u32,
        version: &str,
        running: Option<AttemptId>,
        ended: impl Iterator<Item = AttemptId>,
    ) -> Vec<AttemptId> {
        self.awaited.remove(&slot);
        let surplus = slot >= self.plan.slots;
        let Some(runner) = self.runners.get_mut(&slot) else { return Vec::new() };
        runner.greeted = true;
        runner.ended = ended.collect();
        // One that was just started says hello before it reads the job that waits for it.
        let lost = if runner.standing == Standing::Stranger {
            let mut thought = std::mem::take(&mut runner.noted);
            thought.extend(std::mem::replace(&mut runner.running, running));
            thought.retain(|attempt| Some(*attempt) != running && !runner.ended.contains(attempt));
            thought.into_iter().collect()
        } else {
            Vec::new()
        };
        // An earlier run of the agent may have yielded, and this one not, or the other way round.
        let is_adopted = runner.running.is_some() && runner.standing == Standing::Stranger;
        if version == RUNNER_VERSION {
            let freeze = self.yielding;
            if is_adopted {
                self.tell(slot, &ToRunner::Freeze { freeze });
            }
        }
        let Some(runner) = self.runners.get_mut(&slot) else { return lost };
        if version == RUNNER_VERSION && !surplus {
            runner.standing = Standing::Serving;
        } else {
            runner.standing = Standing::Retired;
            self.tell(slot, &ToRunner::Quit);
        }
        lost
    }

    /// Whether all runners that an earlier run of the agent left have said what they hold.
    pub(crate) fn all_greeted(&self) -> bool {
        self.awaited.is_empty()
    }

    /// Ends the runners that have not said for too long what they hold. Their connections end with them, and
    /// then what they ran is ended, too.
    pub(crate) fn end_the_silent(&self, waited_ms: u64) {
        for slot in self.awaited.iter().filter(|_| waited_ms >= self.plan.timing.deaf_ms) {
            tracing::error!("the process of slot {slot} does not say what it holds; it is ended");
            if let Err(error) = self.plan.state.slot(*slot).and_then(|dir| end_runner(&dir)) {
                tracing::error!("cannot end the process of slot {slot}: {error}");
            }
        }
    }

    /// Notes that an attempt is over and its runner free again.
    pub(crate) fn on_ended(&mut self, slot: u32, attempt: AttemptId) {
        if let Some(runner) = self.runners.get_mut(&slot) {
            runner.ended.insert(attempt);
            runner.running.take_if(|running| *running == attempt);
        }
        self.tell_forgotten(slot);
    }

    /// Forgets a dead runner. Returns the attempt that died with it, and whether that may have started.
    pub(crate) fn on_dead(&mut self, slot: u32) -> Option<(AttemptId, bool)> {
        self.awaited.remove(&slot);
        let mut runner = self.runners.remove(&slot)?;
        if let Some(child) = &mut runner.child {
            // Its lock is free, so it is past the point where anything could hold it up.
            match self.children.end(child) {
                Ok(status) if status.success() => {}
                Ok(status) => tracing::warn!("the process of slot {slot} ended: {status}; see its log"),
                Err(error) => tracing::warn!("cannot wait for the process of slot {slot}: {error}"),
            }
        }
        while self.following.try_join_next().is_some() {}
        runner.running.map(|attempt| (attempt, runner.greeted))
    }

    /// Why the process of a slot ended that never got as far as starting a job.
    pub(crate) fn last_words(&self, slot: u32) -> String {
        let said = self.plan.state.slot(slot).ok().and_then(|dir| dir.last_words());
        let said = said.map(|line| format!(": {line}")).unwrap_or_default();
        format!("the process of slot {slot} ended before it could start anything{said}")
    }

    /// Lets the runners end that have nothing to do; the others go on without an agent.
    pub(crate) async fn leave(&mut self) {
        let idle = self.runners.iter().filter(|(_, runner)| runner.is_free() && runner.ended.is_empty());
        let idle: Vec<u32> = idle.map(|(slot, _)| *slot).collect();
        for slot in &idle {
            self.tell(*slot, &ToRunner::Quit);
        }
        let ended = async {
            for _ in &idle {
                self.following.join_next().await;
            }
        };
        if tokio::time::timeout(LEAVE_WITHIN, ended).await.is_err() {
            tracing::warn!("some of the processes of idle slots did not end");
        }
    }

    /// Starts the process of the lowest free slot. Its socket and its lock are made here and
    /// passed on, so that it can be spoken to before it has even started.
    fn spawn(&mut self) -> Result<u32, HandoverError> {
        let slot = (0..).find(|slot| !self.runners.contains_key(slot)).expect("there are more numbers than slots");
        let child = self.spawn_at(slot).map_err(|source| HandoverError::Spawn { slot, source })?;
        self.add(slot, Runner::new(Standing::Serving, Some(child), None));
        Ok(slot)
    }

    fn spawn_at(&self, slot: u32) -> io::Result<Child> {
        let dir = self.plan.state.slot(slot)?;
        let record = dir.lock()?.ok_or_else(|| io::Error::other("another process holds its lock"))?;
        record.write([])?;
        let listener = dir.listen()?;
        // By this name it is the very program that runs now, also after it was replaced on disk.
        let mut runner = Command::new("/proc/self/exe");
        runner
            .arg0("c2-agent")
            .arg("run-slot")
            .args([OsStr::new("--state-dir"), self.plan.state.path().as_os_str()])
            .args([OsStr::new("--workspace-root"), self.plan.workspace_root.as_os_str()])
            .arg(format!("--slot={slot}"))
            .args(self.plan.timing.to_args())
            .args(self.plan.confinement.to_args())
            .args(self.plan.elsewhere.to_args())
            .current_dir("/")
            .stdin(std::os::fd::OwnedFd::from(listener))
            .stdout(record.into_descriptor())
            .stderr(dir.log()?);
        self.children.start(&mut runner)
    }

    fn add(&mut self, slot: u32, (runner, messages): (Runner, mpsc::Receiver<Vec<u8>>)) {
        let following = Following {
            slot,
            state: self.plan.state.clone(),
            worker_id: self.plan.worker_id.clone(),
            messages,
            reports: self.reports.clone(),
            children: self.children.clone(),
            look_every: Duration::from_millis(self.plan.timing.deaf_ms) / LOOKS,
        };
        self.following.spawn(follow(following));
        self.runners.insert(slot, runner);
    }

    /// Sends a message. A runner that is stopped misses it: a kill is repeated by c2d, a forgotten
    /// result is acknowledged again, and a lease that is not renewed is the right thing to lose.
    fn tell(&self, slot: u32, message: &ToRunner) -> bool {
        let sent = self.runners.get(&slot).is_some_and(|runner| runner.queue.try_send(frame(message)).is_ok());
        sent || {
            tracing::warn!("the process of slot {slot} does not listen");
            false
        }
    }
}

impl Runner {
    fn new(standing: Standing, child: Option<Child>, running: Option<AttemptId>) -> (Self, mpsc::Receiver<Vec<u8>>) {
        let (queue, messages) = mpsc::channel(QUEUE_LEN);
        // One that this run of the agent did not start has started jobs before.
        let greeted = child.is_none();
        let (noted, ended, forgotten) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        (Self { queue, running, noted, ended, forgotten, standing, greeted, child }, messages)
    }

    fn is_free(&self) -> bool {
        self.running.is_none() && self.standing == Standing::Serving
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::id::JobId;

    use super::*;

    fn attempt(job: u64) -> AttemptId {
        AttemptId { job: JobId(job), number: 1 }
    }

    #[tokio::test]
    async fn what_was_noted_and_its_runner_neither_runs_nor_owes_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        let (reports, _incoming) = mpsc::channel(1);
        let (worker_id, workspace_root) = ("id".to_owned(), dir.path().join("C2"));
        let confinement = Confinement { control_groups: false, pids_max: 0 };
        let (timing, elsewhere) = (Timing::default(), ElsewhereOptions::default());
        let plan = Plan { state, worker_id, workspace_root, timing, confinement, elsewhere, slots: 4 };
        let mut runners = Runners::new(plan, reports);
        runners.adopt(0, &[1, 2, 3].map(attempt));
        assert!(!runners.all_greeted());
        let lost = runners.on_hello(0, RUNNER_VERSION, Some(attempt(2)), [attempt(3)].into_iter());
        assert_eq!(lost, [attempt(1)]);
        assert!(runners.all_greeted());
        let again = runners.on_hello(0, RUNNER_VERSION, Some(attempt(2)), [attempt(3)].into_iter());
        assert_eq!(again, [], "it is lost once");
    }
}
