//! What a command needs beside its arguments: c2d, a place for progress, and a way to be stopped.

use std::fmt;
use std::sync::Arc;

use c2_shared::api::jobs::Stream;
use c2_shared::client::Client;
use tokio::sync::watch;

use crate::ssh::run::Heard;

/// The surroundings in which commands run. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Context {
    /// The c2d that is spoken to.
    pub(crate) client: Client,
    /// Whether a person sits before the full screen, rather than a script.
    pub(crate) interactive: bool,
    /// Whether what jobs wrote goes to the listener as it comes, rather than into the outcome.
    pub(crate) direct: bool,
    listener: Arc<dyn Fn(Told<'_>) + Send + Sync>,
    interrupt: Option<watch::Receiver<bool>>,
}

/// What a command tells while it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told<'a> {
    /// How far it has come.
    Progress(&'a str),
    /// How far a file has come: bytes of all its bytes.
    Transfer {
        label: &'a str,
        done: u64,
        total: u64,
    },
    Wrote(Wrote<'a>),
    /// What a command over ssh gave.
    Heard(&'a Heard<'a>),
}

/// Something that a followed job wrote.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrote<'a> {
    pub(crate) stream: Stream,
    /// The bytes as they are to be shown.
    pub(crate) bytes: &'a [u8],
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Context {
    /// Surroundings to which nobody listens, and that never interrupt.
    pub(crate) fn new(client: Client, interactive: bool) -> Self {
        Self { client, interactive, direct: false, listener: Arc::new(|_| ()), interrupt: None }
    }

    pub(crate) fn with_listener(mut self, listener: impl Fn(Told<'_>) + Send + Sync + 'static) -> Self {
        self.listener = Arc::new(listener);
        self
    }

    /// The same, where what jobs wrote is told as it comes.
    pub(crate) fn writing_through(mut self, direct: bool) -> Self {
        self.direct = direct;
        self
    }

    /// The same, ending a command early once `interrupt` holds true.
    pub(crate) fn with_interrupt(mut self, interrupt: watch::Receiver<bool>) -> Self {
        self.interrupt = Some(interrupt);
        self
    }

    pub(crate) fn tell(&self, told: Told<'_>) {
        (self.listener)(told);
    }

    /// Says how far a command has come.
    pub(crate) fn progress(&self, line: &str) {
        self.tell(Told::Progress(line));
    }

    /// Ends when the operator interrupts, which may be never.
    pub(crate) async fn interrupted(&self) {
        let Some(mut interrupt) = self.interrupt.clone() else { return std::future::pending().await };
        // The one that could interrupt is gone when this fails, so it never happens.
        if interrupt.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
