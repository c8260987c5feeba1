//! The agent's one task: carries out what the core decides, and tells it what happened.
//!
//! Jobs do not depend on it. When it stops or is killed they go on under their runners, and its
//! next start takes them over.

mod beside;
mod contact;
mod error;
mod files;
mod introduce;
mod report;
mod sleep;
mod start;
mod yielding;

use std::collections::BTreeMap;
use std::fs::File;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use c2_shared::api::files::CleanupReport;
use c2_shared::api::work::Directive;
use c2_shared::client::Client;
use c2_shared::config::Via;
use c2_shared::limits::OUTPUT_KEEP_BYTES;
use c2_shared::time::Mono;
use c2_shared::worker::{Load, Neighbour};
use tokio::sync::{mpsc, watch};

use crate::cache::Cache;
use crate::cgroup::Base;
use crate::cleanup::Cleanup;
use crate::clock;
use crate::connection::{self, Connection, Reply, Said};
use crate::detect::Shares;
use crate::identity::{self, Identity};
use crate::live::{Live, Question};
use crate::options::Options;
use crate::self_test::{SelfTest, Tested};
use crate::slots::{Action, Failure, Slots};
use crate::spool::{Kept, Spool, Spooled, Spooler};
use crate::state::StateDir;
use crate::supervise::runners::{Plan, Report, Runners};
use crate::supervise::wire::Start;
use crate::transfer::{Moved, Transfers};
use crate::trash;
use crate::upgrade::{Fetched, Upgrades};
use crate::workspace::Root;

pub(crate) use error::AgentError;
pub(crate) use introduce::own_mac;

use beside::{beside, first_look, greet, wanted};
use contact::Contact;
use files::Leaving;
use introduce::introduction;
use sleep::{Sleep, Slept};
use start::{TakenOver, take_over};

/// Reports of runners that may wait for the agent; more make the runners' links wait.
const REPORTS_LEN: usize = 64;
/// Longest sleep at once, so that a machine that slept itself soon goes by the right time.
const SLEEP_MAX: Duration = Duration::from_secs(5);

/// How long the disk may take for what is owed when the agent stops.
const LEAVE_WITHIN: Duration = Duration::from_secs(10);

/// Runs the agent as a program does, until it is asked to stop.
pub(crate) fn start(options: &Options) -> Result<(), AgentError> {
    // What whoever started us left open is neither the runners' business nor the jobs'.
    close_fds::set_fds_cloexec(3, &[]);
    let runtime = runtime().map_err(AgentError::Runtime)?;
    let end = runtime.block_on(run(options.clone(), crate::signals::asked_to_stop()));
    // What may still be read from a slow disk or a driver is not waited for.
    runtime.shutdown_background();
    end
}

/// What it runs in: one thread for messages, which is enough and takes the least memory. A thread
/// once made for the disk is kept, as no other can be had while a job takes all processes.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().max_blocking_threads(8).thread_keep_alive(Duration::MAX).build()
}

/// Runs the agent until `shutdown`, or until c2d says that it is none of its workers.
pub(crate) async fn run(options: Options, shutdown: impl Future<Output = ()>) -> Result<(), AgentError> {
    let state = StateDir::open(&options.state_dir)?;
    let locks = (state.lock()?, Root::open(&options.workspace_root)?.taken()?);
    if identity::is_copy(&state) {
        let said = "c2d found another machine with its identity at work".to_owned();
        return Err(AgentError::Copy { said, folder: options.state_dir });
    }
    let identity = Identity::begin(&state)?;
    let worker_id = identity.worker_id.clone();
    let client = Client::new(&options.server, Some(options.pass.clone()), options.address);
    let client = client.map_err(AgentError::Client)?.kept_in(&options.pass_file);
    let (reports, incoming) = mpsc::channel(REPORTS_LEN);
    let plan = plan(&options, &state, &worker_id);
    // Before anything of it is started, which goes where it is itself.
    let base = Base::prepared(options.confinement.control_groups);
    let slots = Slots::new(identity.clone(), options.slots, options.timing.fence_ms, clock::elapsed());
    let runners = Runners::new(plan, reports);
    let spool = Spool::new(state.spool());
    let cache = Cache::open_dir(state.blobs()).map_err(AgentError::TakeOver)?;
    let transfers = Transfers::new(client.clone(), cache, state.outputs(), options.workspace_root.clone());
    let mut taken = TakenOver { slots, runners, transfers };
    take_over(&state, &identity, &spool, &options, &mut taken).await.map_err(AgentError::TakeOver)?;
    let TakenOver { slots, runners, transfers } = taken;
    base.iter().for_each(|base| base.sweep(&worker_id));
    let root = options.workspace_root.clone();
    tokio::task::spawn_blocking(move || trash::empty(&root));

    let mut self_test = SelfTest::begin(options.state_dir.clone(), options.workspace_root.clone());
    let (introduction, tested) = tokio::join!(introduction(&options, identity), self_test.tested());
    let gpus = wanted(&introduction.hardware, &options, &worker_id);
    // Its tasks end with it.
    let (mut beside, mut load) = beside(&options, &client, gpus);
    first_look(&options, &mut load).await;
    greet(&introduction, &options, &client, slots.running());
    let (live, upgrades) = (Live::new(client.clone()), Upgrades::new(&state, client.clone()));
    let connection = Connection::new(client, introduction);
    let mut agent = Agent {
        slots,
        runners,
        incoming,
        connection,
        live,
        spooler: Spooler::start(spool).map_err(AgentError::TakeOver)?,
        output_keep_bytes: OUTPUT_KEEP_BYTES,
        transfers,
        leaving: Leaving::default(),
        cleanup: Cleanup::new(options.workspace_root.clone()),
        load,
        shares: options.shares.clone(),
        disk_full: false,
        yields_to: Vec::new(),
        via: options.elsewhere.via,
        workspace_root: options.workspace_root.clone(),
        held_back: Vec::new(),
        self_test,
        upgrades,
        sleep: Sleep::new(&options, &mut beside),
        contact: Contact::default(),
        started: clock::elapsed(),
        state,
        _locks: locks,
    };
    agent.on_tested(tested);
    agent.on_looked();
    let end = agent.serve(shutdown).await;
    agent.leave().await;
    end
}

fn plan(options: &Options, state: &StateDir, worker_id: &str) -> Plan {
    Plan {
        state: state.clone(),
        worker_id: worker_id.to_owned(),
        workspace_root: options.workspace_root.clone(),
        timing: options.timing,
        confinement: options.confinement,
        elsewhere: options.elsewhere.clone(),
        slots: options.slots,
    }
}

struct Agent {
    slots: Slots,
    runners: Runners,
    incoming: mpsc::Receiver<Report>,
    connection: Connection,
    live: Live,
    spooler: Spooler,
    /// Of each output stream, the bytes that c2d wants kept.
    output_keep_bytes: u64,
    transfers: Transfers,
    leaving: Leaving,
    cleanup: Cleanup,
    load: watch::Receiver<Load>,
    shares: Shares,
    /// What that said last of the disks: with it changes what the machine is fit for.
    disk_full: bool,
    /// To whom or what this machine is yielded.
    yields_to: Vec<Neighbour>,
    /// The scheduler of other machines that runs the jobs.
    via: Option<Via>,
    workspace_root: PathBuf,
    /// What may not start meanwhile.
    held_back: Vec<Start>,
    self_test: SelfTest,
    upgrades: Upgrades,
    sleep: Sleep,
    contact: Contact,
    started: Mono,
    state: StateDir,
    /// Keep other agents from the state folder and from the workspaces. Runners do not have them.
    _locks: (File, Root),
}

enum Happened {
    Replied(Reply),
    Reported(Report),
    Moved(Moved),
    Spooled(Spooled),
    Cleaned(CleanupReport),
    Tested(Tested),
    Fetched(Fetched),
    Asked(Question),
    Looked,
    Slept(Slept),
    TimeCame,
    Stopped,
}

impl Agent {
    async fn serve(&mut self, shutdown: impl Future<Output = ()>) -> Result<(), AgentError> {
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let disk_full = self.load.borrow().disk_full;
            if std::mem::replace(&mut self.disk_full, disk_full) != disk_full {
                self.self_test.start();
            }
            let actions = self.slots.start_waiting(clock::elapsed(), &self.load.borrow());
            self.carry_out(actions);
            self.look_for_sleep();
            let request = self.slots.next_request(clock::elapsed(), &self.load.borrow());
            if let Some(mut request) = request {
                self.upgrades.say(&mut request);
                self.connection.send(request);
            }
            let sleep = self.slots.due().map(|due| Duration::from_millis(due.since_ms(clock::elapsed())));
            let happened = tokio::select! {
                () = &mut shutdown => Happened::Stopped,
                Some(report) = self.incoming.recv() => Happened::Reported(report),
                reply = self.connection.reply() => Happened::Replied(reply),
                moved = self.transfers.moved() => Happened::Moved(moved),
                spooled = self.spooler.spooled() => Happened::Spooled(spooled),
                report = self.cleanup.report() => Happened::Cleaned(report),
                tested = self.self_test.tested() => Happened::Tested(tested),
                fetched = self.upgrades.fetched() => Happened::Fetched(fetched),
                question = self.live.question() => Happened::Asked(question),
                Ok(()) = self.load.changed() => Happened::Looked,
                slept = self.sleep.slept() => Happened::Slept(slept),
                () = tokio::time::sleep(sleep.unwrap_or(SLEEP_MAX).min(SLEEP_MAX)) => Happened::TimeCame,
            };
            match happened {
                Happened::Replied(reply) => self.on_reply(reply).await?,
                Happened::Reported(report) => self.on_report(report),
                Happened::Moved(moved) => self.on_moved(moved),
                Happened::Spooled(spooled) => self.on_spooled(spooled),
                Happened::Cleaned(report) => self.slots.on_cleaned(report),
                Happened::Tested(tested) => self.on_tested(tested),
                Happened::Fetched(fetched) => self.on_program(fetched)?,
                // Without a runner the question is dropped, which is an answer.
                Happened::Asked(question) if self.runners.read(question.read) => self.live.expect(question),
                Happened::Asked(_) => {}
                Happened::Looked => self.on_looked(),
                Happened::Slept(slept) => self.on_slept(slept),
                Happened::TimeCame => self.end_the_silent(),
                Happened::Stopped => {
                    tracing::info!(
                        "stopping; {} jobs continue and are taken over by the next start",
                        self.slots.running()
                    );
                    return Ok(());
                }
            }
        }
    }

    async fn on_reply(&mut self, Reply { seq, said }: Reply) -> Result<(), AgentError> {
        let now = clock::elapsed();
        match said {
            Ok(Said::Registered(answer)) => self.on_registered(now, seq, &answer),
            Ok(Said::Answer(answer)) if self.slots.is_deposed(&answer) => {
                let actions = self.slots.on_failed(now, seq, Failure::NoAnswer, jitter());
                self.carry_out(actions);
            }
            Ok(Said::Answer(answer)) => {
                self.heard();
                self.obey(seq, &answer.directives);
                self.begin_to_tell(&answer.directives);
                let actions = self.slots.on_answer(now, seq, answer);
                self.carry_out(actions);
            }
            Err(error) => {
                if self.slots.awaits(seq) {
                    self.contact.not_heard(&error);
                    if let Some(dismissal) = self.dismissal(&error).await {
                        return Err(dismissal);
                    }
                }
                let failure = connection::failure(&error);
                if failure == Failure::Unknown {
                    self.connection.start_over();
                }
                let actions = self.slots.on_failed(now, seq, failure, jitter());
                self.carry_out(actions);
            }
        }
        Ok(())
    }

    fn begin_to_tell(&mut self, directives: &[Directive]) {
        let Some(worker) = self.connection.worker() else { return };
        for directive in directives {
            if let Directive::Read(read) = directive {
                self.live.begin(worker, *read);
            }
        }
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Start { assignment, lease_ms } => {
                    let Some(worker) = self.connection.worker() else { continue };
                    let attempt = assignment.attempt;
                    tracing::debug!("{attempt} starts");
                    let (tags, spec) = (assignment.tags, assignment.spec);
                    let output_keep_bytes = self.output_keep_bytes;
                    let variables = BTreeMap::new();
                    // What runs elsewhere cannot be ended in time, so c2d gives it to no other.
                    let lease_ms = lease_ms.filter(|_| self.via.is_none());
                    let resumes = false;
                    let start = Start { attempt, worker, tags, spec, variables, lease_ms, output_keep_bytes, resumes };
                    self.begin(start, assignment.spec_sha256);
                }
                Action::Kill(attempt) => self.kill(attempt),
                Action::Forget { attempt, spooled } => {
                    self.runners.forget(attempt);
                    self.transfers.forget(attempt);
                    self.forget_elsewhere(attempt);
                    if spooled {
                        self.spooler.remove(attempt);
                    }
                }
                Action::Spool(result) => self.spooler.put(Kept::from(*result)),
                Action::DeliverAgain(attempt) => self.deliver_again(attempt),
                Action::Shorten(attempt) => self.shorten(attempt),
                Action::Renew { lease_ms } => self.runners.renew(lease_ms),
                Action::Sleep => self.fall_asleep(),
                Action::Limit { attempt, timeout_s } => self.runners.limit(attempt, timeout_s),
            }
        }
    }

    /// Puts everything on disk that is owed to c2d, so that runners without a job can end.
    async fn leave(self) {
        let Self { slots, mut spooler, mut runners, .. } = self;
        slots.owed().for_each(|result| spooler.put(Kept::from(result.clone())));
        let kept = async {
            while spooler.is_busy() {
                let Spooled { attempt, on_disk } = spooler.spooled().await;
                if on_disk {
                    runners.forget(attempt);
                }
            }
        };
        if tokio::time::timeout(LEAVE_WITHIN, kept).await.is_err() {
            tracing::warn!("the disk takes too long; what is not on it stays with the processes of the slots");
        }
        runners.leave().await;
    }

    fn heard(&mut self) {
        self.contact.heard(self.connection.server());
    }
}

/// From 0 to 1, different for each agent and each time.
fn jitter() -> f64 {
    let mut byte = [0_u8];
    // Without random bytes the agents come back together, which is no harm worth an error.
    let _without = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}
