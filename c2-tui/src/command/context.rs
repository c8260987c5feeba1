//! What a command needs beside its arguments: c2d, a place for progress, and a way to be stopped.

use std::fmt;
use std::sync::Arc;

use c2_shared::api::jobs::Stream;
use c2_shared::client::Client;
use tokio::sync::watch;

use crate::ssh::run::Heard;

/// Is told which file has come how far: bytes of all its bytes.
type Meter = dyn Fn(&str, u64, u64) + Send + Sync;

/// The surroundings in which commands run. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Context {
    /// The c2d that is spoken to.
    pub(crate) client: Client,
    /// Whether a person sits before the full screen, rather than a script.
    pub(crate) interactive: bool,
    progress: Arc<dyn Fn(&str) + Send + Sync>,
    meter: Arc<Meter>,
    wrote: Arc<dyn Fn(&Wrote<'_>) + Send + Sync>,
    heard: Arc<dyn Fn(&Heard<'_>) + Send + Sync>,
    interrupt: Option<watch::Receiver<bool>>,
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
    /// Surroundings that show no progress and never interrupt.
    pub(crate) fn new(client: Client, interactive: bool) -> Self {
        Self {
            client,
            interactive,
            progress: Arc::new(|_| ()),
            meter: Arc::new(|_, _, _| ()),
            wrote: Arc::new(|_| ()),
            heard: Arc::new(|_| ()),
            interrupt: None,
        }
    }

    /// The same, handing lines of progress to `show` while a command runs.
    pub(crate) fn with_progress(mut self, show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.progress = Arc::new(show);
        self
    }

    /// The same, handing the progress of files to `show`: which, how many bytes of how many.
    pub(crate) fn with_meter(mut self, show: impl Fn(&str, u64, u64) + Send + Sync + 'static) -> Self {
        self.meter = Arc::new(show);
        self
    }

    /// The same, handing what followed jobs write to `show` as it comes.
    pub(crate) fn with_wrote(mut self, show: impl Fn(&Wrote<'_>) + Send + Sync + 'static) -> Self {
        self.wrote = Arc::new(show);
        self
    }

    /// The same, handing what commands over ssh give to `show` as it comes.
    pub(crate) fn with_heard(mut self, show: impl Fn(&Heard<'_>) + Send + Sync + 'static) -> Self {
        self.heard = Arc::new(show);
        self
    }

    /// The same, ending a command early once `interrupt` holds true.
    pub(crate) fn with_interrupt(mut self, interrupt: watch::Receiver<bool>) -> Self {
        self.interrupt = Some(interrupt);
        self
    }

    /// Says how far a command has come.
    pub(crate) fn progress(&self, line: &str) {
        (self.progress)(line);
    }

    /// Says how far a file has come.
    pub(crate) fn meter(&self, label: &str, done: u64, total: u64) {
        (self.meter)(label, done, total);
    }

    /// Hands on what a followed job wrote.
    pub(crate) fn wrote(&self, wrote: &Wrote<'_>) {
        (self.wrote)(wrote);
    }

    /// Hands on what a command over ssh gave.
    pub(crate) fn heard(&self, heard: &Heard<'_>) {
        (self.heard)(heard);
    }

    /// Ends when the operator interrupts, which may be never.
    pub(crate) async fn interrupted(&self) {
        let Some(mut interrupt) = self.interrupt.clone() else { return std::future::pending().await };
        // Whoever could interrupt is gone when this fails, so nobody ever will.
        if interrupt.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
