//! The agent's connection to one runner: a task that carries messages both ways until the runner
//! is dead, and then makes sure that nothing of it is left. A runner that lives and does not answer is ended:
//! time-out, lease and cancel of its job are in its hands.

use std::io;
use std::time::Duration;

use c2_shared::id::AttemptId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::state::StateDir;
use crate::supervise::children::Children;
use crate::supervise::recover::{self, Found};
use crate::supervise::runners::{News, Report};
use crate::supervise::wire::{Frames, FromRunner, RUNNER_VERSION, ToRunner, frame};

/// Pause before a runner that lives but closed its connection is tried again.
const RECONNECT: Duration = Duration::from_millis(200);

/// Looks in vain after which a runner counts as deaf. Looks are counted rather than time, so that an agent
/// that stood still itself does not blame its runners.
pub(crate) const LOOKS: u32 = 6;
/// The same for one that works all the while, on a large file perhaps.
const LOOKS_AT_WORK: u32 = 120;

/// What the task needs.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) slot: u32,
    pub(crate) state: StateDir,
    pub(crate) worker_id: String,
    pub(crate) messages: mpsc::Receiver<Vec<u8>>,
    pub(crate) reports: mpsc::Sender<Report>,
    pub(crate) children: Children,
    /// Between two looks whether the runner answers.
    pub(crate) look_every: Duration,
}

/// How long a runner has said nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Silence {
    looks: u32,
    /// How much it had worked at the last look.
    worked: Option<u64>,
}

impl Silence {
    /// Whether it is long enough to ask what the runner does.
    const fn is_long(&self) -> bool {
        self.looks + 1 >= LOOKS
    }

    /// Whether it counts as deaf that has worked so much by now.
    fn means_deaf(&mut self, worked: u64) -> bool {
        let is_at_work = self.worked.replace(worked).is_none_or(|before| worked > before);
        self.looks >= if is_at_work { LOOKS_AT_WORK } else { LOOKS }
    }
}

/// Carries messages until the runner is dead, the connection is broken or the agent lets go.
pub(crate) async fn follow(mut following: Following) {
    match following.carry().await {
        Ok(Done::AgentLeft) => return,
        Ok(Done::RunnerLeft) => {}
        Ok(Done::RunnerDeaf) => following.end_runner().await,
        Err(error) => tracing::debug!("slot {}: {error}", following.slot),
    }
    let news = match following.bury().await {
        Some(owed) => News::Dead { owed },
        None => {
            tokio::time::sleep(RECONNECT).await;
            News::Broken
        }
    };
    following.report(news).await;
}

enum Done {
    AgentLeft,
    RunnerLeft,
    RunnerDeaf,
}

impl Following {
    async fn carry(&mut self) -> io::Result<Done> {
        let stream = self.state.slot(self.slot)?.connect()?;
        stream.set_nonblocking(true)?;
        let mut stream = UnixStream::from_std(stream)?;
        let mut frames = Frames::default();
        let mut silence = Silence::default();
        // One of another version may not know the question.
        let mut can_answer = true;
        let mut looks = interval(self.look_every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks.tick().await;
        loop {
            tokio::select! {
                _ = looks.tick(), if can_answer => {
                    silence.looks += 1;
                    if silence.is_long() && silence.means_deaf(self.worked().await?) {
                        return Ok(Done::RunnerDeaf);
                    }
                    if silence.looks == 1 {
                        self.write(&mut stream, &frame(&ToRunner::Ping)).await?;
                    }
                }
                message = self.messages.recv() => match message {
                    Some(mut message) => {
                        // A result to forget and the next job mostly come together.
                        while let Ok(more) = self.messages.try_recv() {
                            message.extend(more);
                        }
                        self.write(&mut stream, &message).await?;
                    }
                    None => return Ok(Done::AgentLeft),
                },
                read = stream.read_buf(&mut frames.buffer) => {
                    if read? == 0 {
                        return Ok(Done::RunnerLeft);
                    }
                    silence = Silence::default();
                    while let Some(message) = frames.take().map_err(io::Error::other)? {
                        let news = match message {
                            FromRunner::Pong => continue,
                            FromRunner::Hello { version, running, ended } => {
                                can_answer = version == RUNNER_VERSION;
                                News::Hello { version, running, ended }
                            }
                            FromRunner::Leaves { attempt, leaves } => News::Leaves { attempt, leaves },
                            FromRunner::Ended(result) => News::Ended(result),
                            FromRunner::Wrote(answer) => News::Wrote(answer),
                        };
                        self.report(news).await;
                    }
                }
            }
        }
    }

    /// Writes to the runner. One that takes nothing gets the connection anew, and has to say hello in time.
    async fn write(&self, stream: &mut UnixStream, bytes: &[u8]) -> io::Result<()> {
        timeout(self.look_every * LOOKS, stream.write_all(bytes)).await?
    }

    async fn worked(&self) -> io::Result<u64> {
        let slot = self.state.slot(self.slot)?;
        tokio::task::spawn_blocking(move || recover::worked(&slot)).await?
    }

    /// Ends a runner that does not answer, and what it runs.
    async fn end_runner(&self) {
        tracing::error!("the process of slot {} does not answer; it is ended, and its job with it", self.slot);
        let (state, slot) = (self.state.clone(), self.slot);
        let end = move || recover::end_runner(&state.slot(slot)?);
        if let Err(error) = tokio::task::spawn_blocking(end).await.map_err(io::Error::other).flatten() {
            tracing::error!("cannot end the process of slot {slot}: {error}");
        }
    }

    /// If the runner is dead, ends what is left of its job and returns the attempts that it owed.
    async fn bury(&self) -> Option<Vec<AttemptId>> {
        let (state, slot, worker_id) = (self.state.clone(), self.slot, self.worker_id.clone());
        let children = self.children.clone();
        let look = move || match recover::look_with(&state.slot(slot)?, &worker_id, &children)? {
            Found::Alive(_) => Ok::<_, io::Error>(None),
            Found::Dead(owed, record) => record.write([]).map(|()| Some(owed)),
        };
        match tokio::task::spawn_blocking(look).await.map_err(io::Error::other).flatten() {
            Ok(owed) => owed,
            Err(error) => {
                tracing::warn!("cannot look behind slot {}: {error}", self.slot);
                None
            }
        }
    }

    async fn report(&self, news: News) {
        // The agent that does not listen any more is on its way out.
        let _left = self.reports.send(Report { slot: self.slot, news }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_works_has_more_time() {
        let mut idle = Silence { looks: LOOKS - 1, worked: None };
        assert!(idle.is_long() && !idle.means_deaf(7), "the first look only tells how much it has worked");
        idle.looks += 1;
        assert!(idle.means_deaf(7));
        let mut busy = Silence { looks: LOOKS, worked: Some(7) };
        assert!(!busy.means_deaf(8));
        busy.looks = LOOKS_AT_WORK;
        assert!(busy.means_deaf(9));
        assert!(!Silence { looks: 1, worked: None }.is_long());
    }
}
