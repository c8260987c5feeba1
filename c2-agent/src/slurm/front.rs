//! The process that stands for a job in its slot while a cluster runs it.
//!
//! It may die or be killed at any time: all that it knows is in the folder of the attempt, and the next one goes on.
//! Its last act is to say there how the attempt ended.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use c2_shared::advice::{Advice, with_causes};
use c2_shared::exit;
use c2_shared::job::Outcome;
use c2_shared::time::Mono;
use c2_shared::worker::Elsewhere;
use clap::Args;
use rustix::process::Signal;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

use crate::clock;
use crate::slurm::call::{self, CallError, Fate};
use crate::slurm::control::Control;
use crate::slurm::script::BLIND;

/// How often the folder is looked at, at first and later.
const LOOKS_MS: [u64; 2] = [50, 500];
/// How long it counts as young.
const YOUNG_MS: u64 = 5_000;
/// How often Slurm is asked, at first and later.
const QUESTIONS_MS: [u64; 2] = [2_000, 15_000];
/// How often in a row Slurm must not know a job that began, before that is taken for its end: when its controller is
/// started again it asks the nodes what they run, and ends what it has forgotten.
const FORGOTTEN: u32 = 30;
/// How often Slurm gets a job that it loses before that begins.
const TRIES: u32 = 5;
/// How often in a row it may refuse to take a job before that is believed.
const REFUSALS: u32 = 2;
/// How long Slurm may take to hear that it need not begin a job.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes of an output that are read at once.
const READ_BYTES: usize = 64 * 1024;

/// The flags of the front of an attempt.
#[derive(Clone, Debug, Args)]
pub(crate) struct FrontOptions {
    /// The attempt's folder.
    #[arg(long)]
    control: PathBuf,
    /// The name of its jobs in Slurm.
    #[arg(long)]
    name: String,
    /// What it may use of memory.
    #[arg(long)]
    limit_bytes: u64,
    /// What is asked of `sbatch`.
    #[arg(last = true)]
    request: Vec<String>,
}

impl FrontOptions {
    /// The arguments by which it gets them.
    pub(crate) fn arguments(control: &Control, name: &str, limit_bytes: u64, request: Vec<String>) -> Vec<String> {
        let control = control.path().to_string_lossy();
        let mut arguments = vec![
            "run-via".to_owned(),
            format!("--control={control}"),
            format!("--name={name}"),
            format!("--limit-bytes={limit_bytes}"),
            "--".to_owned(),
        ];
        arguments.extend(request);
        arguments
    }
}

/// Why a front ends that could not follow its job to the end.
#[derive(Debug, thiserror::Error)]
#[error("cannot follow a job of the cluster")]
pub(crate) struct FrontError(#[source] pub(crate) io::Error);

impl Advice for FrontError {
    fn hint(&self) -> Option<String> {
        None
    }
}

/// Follows an attempt to its end; the exit status is that of its command, as far as there is one.
pub(crate) fn run(options: FrontOptions) -> io::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let terminate = signal(SignalKind::terminate())?;
        let (control, began) = (Control::at(options.control), clock::elapsed());
        let (name, request, limit_bytes) = (options.name, options.request, options.limit_bytes);
        let asked = Asked { terminate, control: control.clone(), stopping: false, never_runs: false };
        let mut front = Front {
            control,
            name,
            request,
            limit_bytes,
            asked,
            job: None,
            said: None,
            given: 0,
            read: [0; 2],
            missing: 0,
            began,
            due: began,
        };
        let outcome = front.follow().await?;
        front.control.conclude(&outcome)?;
        Ok::<_, io::Error>(outcome)
    })?;
    Ok(match outcome {
        Outcome::Exit { code } => u8::try_from(code).unwrap_or(u8::MAX),
        _ => exit::FAILED,
    })
}

struct Front {
    control: Control,
    name: String,
    request: Vec<String>,
    limit_bytes: u64,
    asked: Asked,
    /// What Slurm called the job that was given to it last.
    job: Option<String>,
    /// What was said last of why it does not begin.
    said: Option<Elsewhere>,
    /// How often it was given to Slurm.
    given: u32,
    /// How much of both streams was passed on.
    read: [u64; 2],
    /// How often in a row Slurm did not know it.
    missing: u32,
    began: Mono,
    /// When Slurm is asked again.
    due: Mono,
}

/// Whether the attempt is to end.
struct Asked {
    terminate: Signals,
    control: Control,
    stopping: bool,
    /// Nothing of it will ever begin.
    never_runs: bool,
}

impl Asked {
    /// Waits for it; what runs meanwhile is not broken off.
    async fn within<T>(&mut self, work: impl Future<Output = T>) -> io::Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                Some(()) = self.terminate.recv() => {
                    self.stopping = true;
                    self.never_runs |= self.control.claim()?;
                }
            }
        }
    }
}

impl Front {
    async fn follow(&mut self) -> io::Result<Outcome> {
        if !self.control.is_claimed()
            && let Some(outcome) = self.submit().await?
        {
            return Ok(outcome);
        }
        loop {
            if self.asked.never_runs {
                // Without an answer it stays in the queue, and ends there as soon as it begins.
                drop(tokio::time::timeout(FAREWELL, call::cancel(&self.name)).await);
                return Ok(Outcome::Signal { signal: Signal::TERM.as_raw() });
            }
            let status = self.control.status();
            self.pass_on()?;
            if let Some(code) = status {
                return self.ended(code).await;
            }
            if clock::elapsed() >= self.due
                && let Some(outcome) = self.ask().await?
            {
                return Ok(outcome);
            }
            let looks_ms = LOOKS_MS[usize::from(self.age_ms() > YOUNG_MS)];
            let was_stopping = self.asked.stopping;
            self.asked.within(tokio::time::sleep(Duration::from_millis(looks_ms))).await?;
            if self.asked.stopping && !was_stopping {
                self.due = clock::elapsed();
            }
        }
    }

    /// Gives the job to Slurm, unless that has it already. Answers an outcome if it cannot be given.
    async fn submit(&mut self) -> io::Result<Option<Outcome>> {
        let script = self.control.path().join("script");
        let mut refused = 0;
        loop {
            let (name, request) = (&self.name, &self.request);
            let given = self.asked.within(async {
                match call::active(name).await?.pop() {
                    Some(active) => Ok(active.job),
                    None => call::submit(name, request, script.as_os_str()).await,
                }
            });
            match given.await? {
                Ok(job) => {
                    self.job = Some(job);
                    self.given += 1;
                    self.due = clock::elapsed().after_ms(QUESTIONS_MS[0]);
                    return Ok(None);
                }
                Err(_) if self.asked.never_runs => return Ok(None),
                // Its programs have many words for a controller that is just dying.
                Err(error) if matches!(error, CallError::Unanswered(_)) || refused < REFUSALS => {
                    refused += u32::from(!matches!(error, CallError::Unanswered(_)));
                    self.control.note(&format!("{}; it is tried again", with_causes(&error)));
                    self.say(Some((with_causes(&error), matches!(error, CallError::Unanswered(_)))));
                    self.asked.within(tokio::time::sleep(Duration::from_millis(QUESTIONS_MS[0]))).await?;
                }
                Err(error) => {
                    // What was refused did not begin, unless an earlier answer was lost.
                    return Ok(self.control.claim()?.then(|| Outcome::Setup { reason: with_causes(&error) }));
                }
            }
        }
    }

    /// Asks Slurm whether it still has the job, and has it end if it is to end.
    async fn ask(&mut self) -> io::Result<Option<Outcome>> {
        let (name, stopping) = (&self.name, self.asked.stopping);
        let asked = self.asked.within(async {
            if stopping {
                call::cancel(name).await?;
            }
            call::active(name).await
        });
        match asked.await? {
            Ok(jobs) => {
                self.missing = if jobs.is_empty() { self.missing + 1 } else { 0 };
                self.say(
                    jobs.into_iter()
                        .find_map(|active| active.waits_for)
                        .map(|why| (format!("Slurm says {why}"), false)),
                );
            }
            Err(error) => {
                self.control.note(&format!("{error}; the job may run"));
                self.say(Some((error.to_string(), true)));
            }
        }
        let young = self.age_ms() < QUESTIONS_MS[1] || self.missing > 0 || self.asked.stopping;
        self.due = clock::elapsed().after_ms(QUESTIONS_MS[usize::from(!young)]);
        // The end of the command is looked for once more after Slurm has said that it is over.
        if self.missing < 2 { Ok(None) } else { self.vanished().await }
    }

    /// Says why it does not begin, and whether Slurm did not answer; a front that cannot say it goes on.
    fn say(&mut self, why: Option<(String, bool)>) {
        let attempt = self.control.attempt();
        let why =
            why.zip(attempt).map(|((reason, is_unanswered), attempt)| Elsewhere { attempt, reason, is_unanswered });
        if why != self.said {
            if let Err(error) = self.control.waits(why.as_ref()) {
                self.control.note(&format!("why it waits is not known elsewhere: {error}"));
            }
            self.said = why;
        }
    }

    /// Slurm does not have the job any more, and it has not said how its command ended.
    async fn vanished(&mut self) -> io::Result<Option<Outcome>> {
        let job = self.control.taken_by().or_else(|| self.job.clone()).unwrap_or_default();
        let fate = match self.asked.within(call::fate(&job, &self.name)).await? {
            Ok(fate) => fate,
            Err(error) => {
                self.control.note(&format!("{error}; how the job ended is not known yet"));
                return Ok(None);
            }
        };
        let is_over = fate.as_ref().is_none_or(Fate::is_over);
        if !is_over || self.control.status().is_some() {
            return Ok(None);
        }
        if self.control.is_claimed() {
            let outcome = match fate {
                Some(fate) => fate.outcome(self.limit_bytes),
                None if self.missing >= FORGOTTEN => Outcome::Lost,
                None => return Ok(None),
            };
            return Ok(Some(outcome));
        }
        // Slurm lost it before it began: a controller that is killed forgets what it was given last, or confuses it
        // with what has its number next.
        let reason = unbegun(&job, fate.as_ref(), self.control.path());
        if self.given < TRIES && fate.is_none_or(|fate| !fate.is_blind()) {
            self.control.note(&format!("{reason}; it gets it again"));
            self.missing = 0;
            return self.submit().await;
        }
        // From here on nothing of it begins.
        Ok(self.control.claim()?.then_some(Outcome::Setup { reason }))
    }

    /// The command ended and said with which status.
    async fn ended(&mut self, code: i32) -> io::Result<Outcome> {
        let killed = 128 + Signal::KILL.as_raw();
        if code == killed
            && self.limit_bytes > 0
            && let Some(job) = self.control.taken_by()
            && let Ok(Some(fate)) = self.asked.within(call::fate(&job, &self.name)).await?
            && let oom @ Outcome::Oom { .. } = fate.outcome(self.limit_bytes)
        {
            return Ok(oom);
        }
        Ok(Outcome::Exit { code })
    }

    /// Writes what is new of the outputs.
    fn pass_on(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        for (stream, read) in ["stdout", "stderr"].into_iter().zip(&mut self.read) {
            loop {
                let length = self.control.read(stream, *read, &mut buffer)?;
                if length == 0 {
                    break;
                }
                if stream == "stdout" {
                    io::stdout().write_all(&buffer[..length])?;
                } else {
                    io::stderr().write_all(&buffer[..length])?;
                }
                *read += length as u64;
            }
        }
        io::stdout().flush()
    }

    fn age_ms(&self) -> u64 {
        clock::elapsed().since_ms(self.began)
    }
}

/// Why a job did not begin that Slurm had.
fn unbegun(job: &str, fate: Option<&Fate>, control: &Path) -> String {
    let control = control.display();
    match fate {
        Some(Fate { exit: (BLIND, _), node, .. }) => {
            format!("node {node} of the cluster does not see {control}: workspaces belong on a shared folder")
        }
        Some(Fate { state, .. }) => format!("Slurm ended its job {job} before that began: {state}"),
        None => format!("Slurm does not know its job {job} any more"),
    }
}
