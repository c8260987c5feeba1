//! The process behind one slot: runs one job at a time and outlives the agent.
//!
//! It is a child subreaper, so that whatever a job leaves behind becomes its child. One thread
//! waits for everything at once; nothing here may block. It judges nothing about c2d: what to run,
//! kill and forget the agent says.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use c2_shared::api::live::{OutputAnswer, OutputRead};
use c2_shared::api::work::AttemptResult;
use c2_shared::id::AttemptId;
use c2_shared::limits::LEASE_MS;
use c2_shared::time::Mono;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::net::sockopt::socket_acceptconn;
use rustix::process::{getpid, set_child_subreaper, setsid, umask};
use rustix::stdio::{dup2_stdin, dup2_stdout, stdin, stdout};

use crate::cache::Cache;
use crate::clock;
use crate::options::{SlotOptions, Timing};
use crate::outputs::Outputs;
use crate::state::{Record, StateDir};
use crate::supervise::enclosure::Enclosure;
use crate::supervise::error::RunnerError;
use crate::supervise::job::{Job, Left, Now, Source};
use crate::supervise::launch::{Launcher, SetupError};
use crate::supervise::peer::{Peer, Received};
use crate::supervise::synthetic;
use crate::supervise::wire::{FromRunner, Leaves, RUNNER_VERSION, Start, ToRunner};
use crate::transfer::leaves_files;
use crate::trash;

/// Bytes read from a pipe at once: as many as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// Runs the process of one slot until it is told to quit or is alone for too long.
///
/// The agent passes the listening socket as standard input and the locked record as standard
/// output, so that there is no moment in which the slot is neither locked nor reachable.
pub(crate) fn run(options: &SlotOptions) -> Result<(), RunnerError> {
    if !socket_acceptconn(stdin()).unwrap_or(false) {
        return Err(RunnerError::NoSocket);
    }
    let failed = |source| RunnerError::Io { slot: options.slot, source };
    let (listener, record) = become_runner().map_err(failed)?;
    let state = StateDir::open(&options.state_dir)?;
    let script = state.slot(options.slot).map_err(failed)?.script();
    let cache = Cache::open_dir(state.blobs()).map_err(failed)?;
    let worker_id = crate::identity::worker_id(&state)?;
    let enclosure = Enclosure::open(&worker_id, options.slot, options.confinement);
    let via = options.elsewhere.slurm();
    let launcher = Launcher::new(&options.workspace_root, cache, script, worker_id, via)?;
    let mut runner = Runner {
        listener,
        agent: None,
        record: Record::inherited(record),
        launcher,
        enclosure,
        outputs: state.outputs(),
        timing: options.timing,
        job: None,
        ended: Vec::new(),
        leaves: Vec::new(),
        reads: Vec::new(),
        note_due: false,
        quitting: false,
        front_died: false,
        alone_since: clock::elapsed(),
        buffer: vec![0; READ_BYTES],
    };
    let served = runner.serve().map_err(failed);
    runner.enclosure.close();
    served
}

/// Takes the descriptors that were passed and leaves the agent's session.
fn become_runner() -> io::Result<(UnixListener, OwnedFd)> {
    let listener = rustix::io::fcntl_dupfd_cloexec(stdin(), 3)?;
    let record = rustix::io::fcntl_dupfd_cloexec(stdout(), 3)?;
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    setsid()?;
    set_child_subreaper(Some(getpid()))?;
    umask(Mode::RWXG | Mode::RWXO);
    let listener = UnixListener::from(listener);
    listener.set_nonblocking(true)?;
    Ok((listener, record))
}

struct Runner {
    listener: UnixListener,
    agent: Option<Peer>,
    record: Record,
    launcher: Launcher,
    enclosure: Enclosure,
    outputs: Outputs,
    timing: Timing,
    job: Option<Job>,
    /// Results that nobody told us to forget.
    ended: Vec<AttemptResult>,
    /// What those attempts leave that leave anything.
    leaves: Vec<(AttemptId, Leaves)>,
    /// Questions about the present job's output that wait for more of it.
    reads: Vec<OutputRead>,
    /// The record names results that were forgotten.
    note_due: bool,
    quitting: bool,
    /// What stood for a job that runs elsewhere died, and the job may go on.
    front_died: bool,
    alone_since: Mono,
    buffer: Vec<u8>,
}

/// What woke the runner.
#[derive(Clone, Copy)]
enum Woken {
    Listener,
    Agent,
    Job(Source),
}

impl Runner {
    fn serve(&mut self) -> io::Result<()> {
        loop {
            let woken = self.wait()?;
            let has = |wanted: fn(&Woken) -> bool| woken.iter().any(wanted);
            for source in &woken {
                if let (Woken::Job(source), Some(job)) = (source, &mut self.job) {
                    job.read(*source, &mut self.buffer);
                }
            }
            self.answer_reads();
            self.enclosure.leave_in_time(clock::elapsed());
            // A job that writes without pause never lets the wait time out; hence the look at the time.
            let due = woken.is_empty() || self.job.as_ref().is_some_and(|job| job.wait_ms(now()) == 0);
            if due || has(|w| matches!(w, Woken::Job(Source::Process))) {
                self.step();
            }
            if has(|w| matches!(w, Woken::Agent)) {
                self.hear();
            }
            if has(|w| matches!(w, Woken::Listener)) {
                // What an agent that is gone still had to say comes before its successor.
                self.hear();
                self.accept();
            }
            if self.may_exit() {
                return Ok(());
            }
        }
    }

    /// Waits until something happens or a time has come; the latter is an empty list.
    fn wait(&self) -> io::Result<Vec<Woken>> {
        let mut sources = vec![Woken::Listener];
        let mut fds = vec![PollFd::new(&self.listener, PollFlags::IN)];
        if let Some(agent) = &self.agent {
            let writing = if agent.has_unwritten() { PollFlags::OUT } else { PollFlags::empty() };
            sources.push(Woken::Agent);
            fds.push(PollFd::new(agent.socket(), PollFlags::IN | writing));
        }
        for (source, fd) in self.job.iter().flat_map(Job::sources) {
            sources.push(Woken::Job(source));
            fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
        }
        let timeout = self.wait_ms().map(|ms| Timespec {
            tv_sec: i64::try_from(ms / 1_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(ms % 1_000 * 1_000_000).expect("less than a second"),
        });
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok(sources.into_iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty()).map(|(source, _)| source).collect())
    }

    fn wait_ms(&self) -> Option<u64> {
        let alone = self.agent.is_none().then(|| self.alone_until().since_ms(clock::elapsed()));
        let leave = self.enclosure.wait_ms(clock::elapsed()).unwrap_or(u64::MAX);
        wait_ms(self.job.as_ref().map(|job| job.wait_ms(now()).min(leave)), alone, !self.ended.is_empty())
    }

    fn alone_until(&self) -> Mono {
        self.alone_since.after_ms(self.timing.alone_ms)
    }

    fn step(&mut self) {
        let Some(job) = &mut self.job else { return };
        // Nobody is left to say when it may go on.
        if self.agent.is_none() && clock::elapsed().since_ms(self.alone_since) >= LEASE_MS {
            job.thaw(now());
        }
        if job.step(now()) == Left::Nothing {
            self.end_job();
        }
    }

    fn end_job(&mut self) {
        let Some(mut job) = self.job.take() else { return };
        if !job.is_over() {
            // Its front died, so it may run on. The next runner of the slot follows it.
            tracing::error!("the front of {} ended before its job", job.attempt());
            self.front_died = true;
            return;
        }
        let (trash, download) = (job.trash.take(), std::mem::take(&mut job.download));
        let (result, long, workspace) = job.finish(now(), &mut self.buffer);
        self.answer_reads();
        // Before the report: after it another slot may make a workspace of this name.
        self.launcher.clear(result.attempt.job, Some(workspace));
        let download = if leaves_files(&result.outcome) { download } else { Vec::new() };
        self.report(result, Leaves { download, long });
        if let Some(trash) = trash {
            std::thread::spawn(move || trash::delete_path(&trash));
        }
        // Nobody waits for that.
        self.enclosure.make_ready();
    }

    fn report(&mut self, result: AttemptResult, leaves: Leaves) {
        let attempt = result.attempt;
        if !leaves.is_empty() {
            self.send(&FromRunner::Leaves { attempt, leaves: leaves.clone() });
            self.leaves.push((attempt, leaves));
        }
        let message = FromRunner::Ended(Box::new(result));
        self.send(&message);
        if let FromRunner::Ended(result) = message {
            self.ended.push(*result);
        }
    }

    /// Answers the questions to which there is an answer. An ended attempt's output is in its
    /// result, so of one that does not run there is nothing to say but that.
    fn answer_reads(&mut self) {
        for read in std::mem::take(&mut self.reads) {
            let job = self.job.as_ref().filter(|job| job.attempt() == read.attempt);
            let (stdout, stderr, order) = job.map(|job| job.written(read.stdout, read.stderr)).unwrap_or_default();
            if job.is_some() && read.wait && stdout.data.is_empty() && stderr.data.is_empty() {
                self.reads.push(read);
                continue;
            }
            let running = job.is_some();
            self.send(&FromRunner::Wrote(OutputAnswer { id: read.id, running, stdout, stderr, order }));
        }
    }

    fn hear(&mut self) {
        let Some(agent) = &mut self.agent else { return };
        let Received { messages, open } = agent.receive(&mut self.buffer);
        if !open {
            self.agent = None;
            self.reads.clear();
            self.alone_since = clock::elapsed();
        }
        for message in messages {
            self.on_message(message);
        }
        // Not at once: the next job, whose start often comes with it, is noted in any case.
        if self.note_due {
            // What cannot be noted is found by its marks; it is noted again with the next change.
            let _noted = self.note_with(self.job.as_ref().map(Job::attempt));
        }
    }

    fn accept(&mut self) {
        match self.listener.accept().and_then(|(stream, _)| Peer::new(stream)) {
            Ok(peer) => self.agent = Some(peer),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => {
                tracing::warn!("cannot take the agent's connection: {error}");
                return;
            }
        }
        let running = self.job.as_ref().map(Job::attempt);
        for (attempt, leaves) in self.leaves.clone() {
            self.send(&FromRunner::Leaves { attempt, leaves });
        }
        self.send(&FromRunner::Hello { version: RUNNER_VERSION.to_owned(), running, ended: self.ended.clone() });
    }

    fn on_message(&mut self, message: ToRunner) {
        match message {
            ToRunner::Start(start) => self.start(&start),
            ToRunner::Kill { attempt, verdict } => {
                if let Some(job) = self.job.as_mut().filter(|job| job.attempt() == attempt) {
                    job.end(verdict.into(), now());
                    self.step();
                }
            }
            ToRunner::Limit { attempt, timeout_s } => {
                if let Some(job) = self.job.as_mut().filter(|job| job.attempt() == attempt) {
                    job.limit(timeout_s);
                }
            }
            ToRunner::Freeze { freeze } => self.freeze(freeze),
            ToRunner::Forget { attempt } => {
                self.ended.retain(|result| result.attempt != attempt);
                self.leaves.retain(|(left, _)| *left != attempt);
                self.note_due = true;
            }
            ToRunner::Renew { lease_ms } => {
                if let Some(job) = &mut self.job {
                    job.renew(lease_ms, now());
                }
            }
            ToRunner::Read(read) => {
                self.reads.push(read);
                self.answer_reads();
            }
            ToRunner::Ping => self.send(&FromRunner::Pong),
            ToRunner::Quit => self.quitting = true,
        }
    }

    fn start(&mut self, start: &Start) {
        let attempt = start.attempt;
        if let Some(job) = &self.job {
            if job.attempt() != attempt {
                self.report(synthetic::failed_setup(attempt, &"the slot is taken"), Leaves::default());
            }
            return;
        }
        if self.ended.iter().any(|result| result.attempt == attempt) {
            return;
        }
        // Noted before anything of it runs, so that its processes are found if this one dies; what cannot
        // be noted is not started.
        let meter = self.enclosure.begin(&start.spec);
        let launched =
            self.note_with(Some(attempt)).map_err(SetupError::Note).and_then(|()| self.launcher.launch(start));
        match launched {
            Ok(launched) => {
                self.enclosure.on_started(meter.has_limit(), clock::elapsed());
                let elsewhere = self.launcher.control(attempt);
                let begun = (now(), clock::wall_ms());
                self.job = Some(Job::new(start, launched, meter, &self.outputs, self.timing, begun, elsewhere));
            }
            Err(error) => {
                // A fresh process may find again what this one has lost.
                self.quitting |= matches!(error, SetupError::Vanished(_));
                self.launcher.clear(attempt.job, None);
                self.report(synthetic::failed_setup(attempt, &error), Leaves::default());
            }
        }
    }

    /// This process must not stand still itself: it has to hear that its job may go on.
    fn freeze(&mut self, freeze: bool) {
        if freeze {
            self.enclosure.leave();
        }
        match &mut self.job {
            Some(job) if freeze && self.enclosure.is_left() => job.freeze(now()),
            Some(job) if !freeze => job.thaw(now()),
            _ => {}
        }
    }

    fn note_with(&mut self, running: Option<AttemptId>) -> io::Result<()> {
        self.note_due = false;
        let owed = self.ended.iter().map(|result| result.attempt).chain(running);
        self.record.write(owed).inspect_err(|error| tracing::warn!("cannot note the present job: {error}"))
    }

    fn send(&mut self, message: &FromRunner) {
        if let Some(agent) = &mut self.agent {
            agent.send(message);
        }
    }

    fn may_exit(&self) -> bool {
        let alone = self.agent.is_none() && clock::elapsed() >= self.alone_until();
        self.front_died || self.job.is_none() && self.ended.is_empty() && (self.quitting || alone)
    }
}

fn now() -> Now {
    Now { awake: clock::awake(), elapsed: clock::elapsed() }
}

/// How long to wait for something to happen: as a job needs, or while there is no agent until that
/// has lasted too long. One that still owes a result stays whatever the time, so it has nothing to
/// wait for but an agent.
const fn wait_ms(job: Option<u64>, alone: Option<u64>, owes: bool) -> Option<u64> {
    match (job, alone) {
        (Some(ms), _) => Some(ms),
        (None, Some(ms)) if !owes => Some(ms),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::wait_ms;

    #[test]
    fn one_that_owes_a_result_sleeps_until_an_agent_comes() {
        let table = [
            (Some(7), None, false, Some(7)),
            (Some(7), Some(0), true, Some(7)),
            (None, Some(0), true, None),
            (None, Some(9), false, Some(9)),
            (None, None, true, None),
            (None, None, false, None),
        ];
        for (job, alone, owes, expected) in table {
            assert_eq!(wait_ms(job, alone, owes), expected, "{job:?} {alone:?} {owes}");
        }
    }
}
