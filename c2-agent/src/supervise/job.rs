//! One running job: its shell, its output, and its end.
//!
//! A job is over when its shell has ended and no process of it is left. Every descendant of the
//! runner belongs to it, because orphans are handed to the runner and it runs one job at a time;
//! so `wait` saying "no children" is the proof that nothing is left.

use std::collections::HashSet;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use c2_shared::api::jobs::Stream;
use c2_shared::api::live::Piece;
use c2_shared::api::work::AttemptResult;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::AttemptId;
use c2_shared::job::Outcome;
use c2_shared::limits::{LEASE_MS, PIECE_BYTES_MAX};
use c2_shared::order::Order;
use c2_shared::time::Mono;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open};

use crate::options::Timing;
use crate::outputs::{Long, Outputs};
use crate::slurm::Control;
use crate::supervise::capture::Place;
use crate::supervise::elsewhere::Elsewhere;
use crate::supervise::launch::Launched;
use crate::supervise::meter::Meter;
use crate::supervise::pipe::Pipe;
use crate::supervise::proc::{self, each_descendant, stop_all, watch};
use crate::supervise::reap::{Reaped, reap};
use crate::supervise::standstill::Standstill;
use crate::supervise::wire::Start;

/// How often orphans of a long job that ended are collected, and lease and timeout looked at even
/// if the machine slept.
const TICK_MS: u64 = 5_000;
/// The same for the memory of a job that may use only so much, and for the begin of one elsewhere.
const SHORT_TICK_MS: u64 = 1_000;
/// Between TERM and KILL of the front of a job elsewhere: as long as the cluster takes. A front that was killed could not
/// say that the job is over, nor for what reason it was ended.
const ELSEWHERE_GRACE_MS: u64 = u64::MAX / 4;
/// How soon to look again for processes that were asked to end while none could be watched.
const AGAIN_MS: u64 = 20;
/// Processes watched for their end at once; of the others the retry takes care.
const WATCHED_MAX: usize = 64;

/// Between TERM and KILL of a job that c2d may soon give to another worker, however long it may take
/// to end otherwise: half of what is left of the lease, so that nothing runs twice.
const FENCE_GRACE_MS: u64 = LEASE_MS / 20;

/// A running job.
#[derive(Debug)]
pub(crate) struct Job {
    attempt: AttemptId,
    started_ms: u64,
    started: Mono,
    shell: Pid,
    /// Readable when the shell has ended; gone when that was seen.
    shell_end: Option<OwnedFd>,
    stdout: Pipe,
    stderr: Pipe,
    order: Order,
    /// How the shell ended.
    exit: Option<Outcome>,
    /// Why we ended it, decided while the shell lived.
    verdict: Option<Outcome>,
    ending: Ending,
    /// When it started, on the clock of its time limit, which stands still while the machine sleeps.
    awake_at_start: Mono,
    timeout_at: Option<Mono>,
    lease_until: Option<Mono>,
    /// It runs on a machine of a cluster.
    elsewhere: Option<Elsewhere>,
    /// It stands still.
    standstill: Option<Standstill>,
    /// How long it stood still before.
    stood_ms: u64,
    meter: Meter,
    /// Ends of processes that were asked to end.
    watched: Vec<OwnedFd>,
    /// Processes that got their TERM, by number and start time.
    asked: HashSet<(Pid, u64)>,
    /// Processes that the shell left behind alive.
    left: HashSet<(Pid, u64)>,
    timing: Timing,
    pub(crate) trash: Option<PathBuf>,
    /// Patterns of the files that it leaves.
    pub(crate) download: Vec<String>,
    /// Keeps the workspace from being cleaned away.
    workspace: OwnedFd,
}

/// How far the end of the job's processes has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// They run.
    NotAsked,
    /// They got TERM; at `again_at` newcomers are looked for, who get it too.
    Asked { kill_at: Mono, again_at: Mono },
    /// They get KILL until none is left.
    Forced { again_at: Mono },
}

/// Whether anything of the job is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Something,
    Nothing,
}

/// What of a job became readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Stdout,
    Stderr,
    Process,
}

/// The present, on both deciding clocks of [`crate::clock`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) awake: Mono,
    pub(crate) elapsed: Mono,
}

impl Job {
    /// Takes charge of a shell that was just started.
    pub(crate) fn new(
        start: &Start,
        launched: Launched,
        meter: Meter,
        outputs: &Outputs,
        timing: Timing,
        (now, wall_ms): (Now, u64),
        elsewhere: Option<Control>,
    ) -> Self {
        let place = |stream| {
            let (outputs, attempt, keep) = (outputs.clone(), start.attempt, start.output_keep_bytes);
            Place { outputs, attempt, stream, keep }
        };
        Self {
            attempt: start.attempt,
            started_ms: wall_ms,
            started: now.elapsed,
            shell: launched.shell,
            // Without it (no descriptors left) the tick finds the end.
            shell_end: pidfd_open(launched.shell, PidfdFlags::empty()).ok(),
            stdout: Pipe::new(launched.stdout, place(Stream::Stdout)),
            stderr: Pipe::new(launched.stderr, place(Stream::Stderr)),
            order: Order::default(),
            exit: None,
            verdict: None,
            ending: Ending::NotAsked,
            awake_at_start: now.awake,
            timeout_at: start.spec.timeout_s.map(|s| now.awake.after_ms(s * 1_000)),
            lease_until: start.lease_ms.map(|ms| now.elapsed.after_ms(ms)),
            standstill: None,
            stood_ms: 0,
            meter,
            watched: Vec::new(),
            asked: HashSet::new(),
            left: HashSet::new(),
            timing: if elsewhere.is_some() { Timing { cancel_grace_ms: ELSEWHERE_GRACE_MS, ..timing } } else { timing },
            trash: launched.trash,
            download: start.spec.download.clone(),
            workspace: launched.workspace,
            elsewhere: elsewhere.map(Elsewhere::new),
        }
    }

    pub(crate) const fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// Everything to wait for.
    pub(crate) fn sources<'a>(&'a self) -> impl Iterator<Item = (Source, BorrowedFd<'a>)> {
        let of = |source: Source| move |end: &'a OwnedFd| (source, end.as_fd());
        let stdout = self.stdout.end.iter().map(of(Source::Stdout));
        let stderr = self.stderr.end.iter().map(of(Source::Stderr));
        stdout.chain(stderr).chain(self.shell_end.iter().chain(&self.watched).map(of(Source::Process)))
    }

    /// How long to wait at most, in milliseconds.
    pub(crate) fn wait_ms(&self, now: Now) -> u64 {
        let ending = match self.ending {
            Ending::NotAsked => self.timeout_at.filter(|_| self.standstill.is_none() && !self.waits_elsewhere()),
            Ending::Asked { again_at, .. } | Ending::Forced { again_at } => Some(again_at),
        };
        let open = self.lease_until.filter(|until| self.ending == Ending::NotAsked || now.elapsed < *until);
        let lease = open.map(|until| until.since_ms(now.elapsed));
        let ending = ending.map(|at| at.since_ms(now.awake));
        let tick = if self.meter.has_limit() || self.waits_elsewhere() { SHORT_TICK_MS } else { TICK_MS };
        [lease, ending].into_iter().flatten().fold(tick, u64::min)
    }

    /// Reads output that is there; one read, which cannot block as the pipe is readable.
    pub(crate) fn read(&mut self, source: Source, buffer: &mut [u8]) {
        match source {
            Source::Stdout => self.order.push(Stream::Stdout, self.stdout.read(buffer)),
            Source::Stderr => self.order.push(Stream::Stderr, self.stderr.read(buffer)),
            Source::Process => {}
        }
    }

    /// What the job wrote from two positions on, and in which order.
    pub(crate) fn written(&self, stdout: u64, stderr: u64) -> (Piece, Piece, Bytes64) {
        let read = |pipe: &Pipe, from| pipe.capture.read(from, PIECE_BYTES_MAX);
        let (out, err) = (read(&self.stdout, stdout), read(&self.stderr, stderr));
        let is_mixed = !out.data.is_empty() && !err.data.is_empty();
        let order = if is_mixed { self.order.since(out.offset, err.offset).to_bytes() } else { Vec::new() };
        (out, err, Bytes64(order))
    }

    /// Goes on after a process ended or the waiting time passed.
    pub(crate) fn step(&mut self, now: Now) -> Left {
        if self.reap() == Left::Nothing {
            return Left::Nothing;
        }
        self.look_elsewhere(now);
        if self.standstill.is_none() && !self.waits_elsewhere() && self.timeout_at.is_some_and(|at| now.awake >= at) {
            self.end(Outcome::Timeout, now);
        }
        if self.meter.has_limit()
            && let Some(out_of_memory) = self.meter.out_of_memory()
        {
            self.end(out_of_memory, now);
        }
        if let Some(until) = self.lease_until.filter(|until| now.elapsed >= *until) {
            self.fence(until, now);
        }
        match self.ending {
            Ending::NotAsked if self.exit.is_some() => self.ask(now, now.awake.after_ms(self.timing.leftover_grace_ms)),
            Ending::NotAsked => {}
            Ending::Asked { kill_at, .. } if now.awake < kill_at => self.ask(now, kill_at),
            Ending::Asked { .. } | Ending::Forced { .. } => {
                stop_all(|visit| each_descendant(getpid(), visit));
                self.signal(Signal::KILL);
                self.ending = Ending::Forced { again_at: now.awake.after_ms(AGAIN_MS) };
            }
        }
        // What was killed just now is often gone already.
        self.reap()
    }

    /// Ends the job with a verdict, unless its shell has ended or another verdict came first.
    pub(crate) fn end(&mut self, verdict: Outcome, now: Now) {
        if self.exit.is_none() && self.verdict.is_none() && self.reap() == Left::Something && self.exit.is_none() {
            self.verdict = Some(verdict);
            self.ask(now, now.awake.after_ms(self.timing.cancel_grace_ms));
        }
    }

    /// Ends a job whose lease ran out. One that is being ended for another reason gets no longer; one
    /// whose machine slept past all of it gets no grace at all.
    fn fence(&mut self, until: Mono, now: Now) {
        self.end(Outcome::Lost, now);
        let grace_ms = FENCE_GRACE_MS.saturating_sub(now.elapsed.since_ms(until));
        if let Ending::Asked { kill_at, again_at } = &mut self.ending {
            *kill_at = (*kill_at).min(now.awake.after_ms(grace_ms));
            *again_at = (*again_at).min(*kill_at);
        }
    }

    /// Has the job end so many seconds after its start, and never with 0.
    pub(crate) fn limit(&mut self, timeout_s: u64) {
        self.timeout_at = (timeout_s > 0).then(|| self.awake_at_start.after_ms(timeout_s.saturating_mul(1_000)));
    }

    /// Whether nothing of it runs any more, given that nothing of it is left here.
    pub(crate) fn is_over(&self) -> bool {
        self.elsewhere.as_ref().is_none_or(|elsewhere| elsewhere.outcome().is_some())
    }

    /// Whether it has not begun yet where it is to run.
    fn waits_elsewhere(&self) -> bool {
        self.elsewhere.as_ref().is_some_and(Elsewhere::waits)
    }

    /// Its time counts from its begin, not from when it was given to the cluster.
    fn look_elsewhere(&mut self, now: Now) {
        if self.elsewhere.as_mut().is_some_and(Elsewhere::begins) {
            let waited_ms = now.awake.since_ms(self.awake_at_start);
            self.awake_at_start = now.awake;
            self.timeout_at = self.timeout_at.map(|at| at.after_ms(waited_ms));
        }
    }

    /// Lets the job go on for so long without hearing from c2d.
    pub(crate) fn renew(&mut self, lease_ms: u64, now: Now) {
        if let Some(until) = &mut self.lease_until {
            *until = (*until).max(now.elapsed.after_ms(lease_ms));
        }
    }

    /// Lets it stand still, unless it is about to end; the time until it goes on counts for nothing but its lease.
    pub(crate) fn freeze(&mut self, now: Now) {
        if self.standstill.is_none() && self.ending == Ending::NotAsked && self.exit.is_none() {
            self.standstill = Some(Standstill::begin(self.meter.group(), now.elapsed, now.awake));
        }
    }

    /// Lets it go on.
    pub(crate) fn thaw(&mut self, now: Now) {
        let Some(standstill) = self.standstill.take() else { return };
        self.stood_ms += now.elapsed.since_ms(standstill.since);
        let ms = now.awake.since_ms(standstill.awake_since);
        self.awake_at_start = self.awake_at_start.after_ms(ms);
        self.timeout_at = self.timeout_at.map(|at| at.after_ms(ms));
        standstill.end();
    }

    /// Makes the result of a job of which nothing is left, says what of its output is in files, and
    /// gives back its workspace.
    pub(crate) fn finish(mut self, now: Now, buffer: &mut [u8]) -> (AttemptResult, Long, OwnedFd) {
        self.order.push(Stream::Stdout, self.stdout.drain(buffer));
        self.order.push(Stream::Stderr, self.stderr.drain(buffer));
        let ((stdout, long_stdout), (stderr, long_stderr)) = (self.stdout.capture.end(), self.stderr.capture.end());
        let exit = self.elsewhere.as_ref().map_or(self.exit, Elsewhere::outcome);
        let outcome = self.verdict.or_else(|| self.meter.out_of_memory()).or(exit).unwrap_or(Outcome::Lost);
        // What its front used says nothing.
        let (peak_bytes, cpu_ms) = if self.elsewhere.is_some() { (None, None) } else { self.meter.figures() };
        let stood_ms = self.stood_ms + self.standstill.map_or(0, |standstill| now.elapsed.since_ms(standstill.since));
        let result = AttemptResult {
            started_ms: self.started_ms,
            // No clock that was set meanwhile changes how long it took.
            ended_ms: self.started_ms.saturating_add(now.elapsed.since_ms(self.started).saturating_sub(stood_ms)),
            stdout,
            stderr,
            order: Bytes64(self.order.to_bytes()),
            peak_bytes,
            cpu_ms,
            swept: u32::try_from(self.left.len()).unwrap_or(u32::MAX),
            ..AttemptResult::new(self.attempt, outcome)
        };
        (result, Long { stdout: long_stdout, stderr: long_stderr }, self.workspace)
    }

    /// Collects ended processes.
    fn reap(&mut self) -> Left {
        loop {
            match reap() {
                Reaped::One(pid, outcome, used) => {
                    self.meter.add(used);
                    if pid == self.shell {
                        self.exit = Some(outcome);
                        self.shell_end = None;
                    }
                }
                Reaped::NoneYet => return Left::Something,
                Reaped::NoChild => return Left::Nothing,
            }
        }
    }

    fn ask(&mut self, now: Now, kill_at: Mono) {
        // What stands still takes no signal.
        self.thaw(now);
        self.signal(Signal::TERM);
        let is_here = self.elsewhere.is_none();
        let again_at =
            if is_here && self.watched.is_empty() { now.awake.after_ms(AGAIN_MS).min(kill_at) } else { kill_at };
        self.ending = Ending::Asked { kill_at, again_at };
    }

    /// Signals everything that is left; TERM only once to each process, as many programs take a
    /// second one as an order to give up their work. The process group needs no signal of its
    /// own: its members descend from the shell and are found like all others.
    fn signal(&mut self, signal: Signal) {
        self.watched.clear();
        let shell_ended = self.exit.is_some();
        let front = self.elsewhere.as_ref().filter(|_| !shell_ended).map(|_| self.shell);
        each_descendant(getpid(), |process| {
            // What that asks of the cluster must be answered.
            if front.is_some_and(|front| front != process.pid) {
                return;
            }
            let name = (process.pid, process.start);
            if self.asked.insert(name) || signal == Signal::KILL {
                proc::signal(process, signal);
            }
            if process.zombie {
                return;
            }
            if shell_ended {
                self.left.insert(name);
            }
            if self.watched.len() < WATCHED_MAX && process.pid != self.shell {
                self.watched.extend(watch(process));
            }
        });
    }
}
