//! The agent's connection to one runner: a task that carries messages both ways until the runner
//! is dead, and then makes sure that nothing of it is left.

use std::io;
use std::time::Duration;

use c2_shared::id::AttemptId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use crate::state::StateDir;
use crate::supervise::recover::{self, Found};
use crate::supervise::runners::{News, Report};
use crate::supervise::wire::{Frames, FromRunner};

/// Pause before a runner that lives but closed its connection is tried again.
const RECONNECT: Duration = Duration::from_millis(200);

/// What the task needs.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) slot: u32,
    pub(crate) state: StateDir,
    pub(crate) worker_id: String,
    pub(crate) messages: mpsc::Receiver<Vec<u8>>,
    pub(crate) reports: mpsc::Sender<Report>,
}

/// Carries messages until the runner is dead, the connection is broken or the agent lets go.
pub(crate) async fn follow(mut following: Following) {
    match following.carry().await {
        Ok(Done::AgentLeft) => return,
        Ok(Done::RunnerLeft) => {}
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
}

impl Following {
    async fn carry(&mut self) -> io::Result<Done> {
        let stream = self.state.slot(self.slot)?.connect()?;
        stream.set_nonblocking(true)?;
        let mut stream = UnixStream::from_std(stream)?;
        let mut frames = Frames::default();
        loop {
            tokio::select! {
                message = self.messages.recv() => match message {
                    Some(mut message) => {
                        // A result to forget and the next job mostly come together.
                        while let Ok(more) = self.messages.try_recv() {
                            message.extend(more);
                        }
                        stream.write_all(&message).await?;
                    }
                    None => return Ok(Done::AgentLeft),
                },
                read = stream.read_buf(&mut frames.buffer) => {
                    if read? == 0 {
                        return Ok(Done::RunnerLeft);
                    }
                    while let Some(message) = frames.take().map_err(io::Error::other)? {
                        let news = match message {
                            FromRunner::Hello { version, running, ended } => News::Hello { version, running, ended },
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

    /// If the runner is dead, ends what is left of its job and returns the attempts that it owed.
    async fn bury(&self) -> Option<Vec<AttemptId>> {
        let (state, slot, worker_id) = (self.state.clone(), self.slot, self.worker_id.clone());
        let look = move || match recover::look(&state.slot(slot)?, &worker_id)? {
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
