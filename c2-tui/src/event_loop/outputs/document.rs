//! One text in its spool, and what the core is told of it.

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::app::Msg;
use crate::app::msg::{News, SaveEnding, Saved};
use crate::app::pager::{blocks, settled};
use crate::app::report::{DocumentId, Fault};
use crate::event_loop::spool::{Spool, save_text};

/// What the core wants of a text.
pub(super) enum Order {
    Read(Vec<u64>),
    Save { path: String, overwrite: bool },
}

/// Nobody listens any more.
pub(super) struct Gone;

/// A text as far as it is here.
pub(super) struct Document {
    id: DocumentId,
    to: mpsc::Sender<Msg>,
    /// None as long as nothing was written.
    pub(super) spool: Option<Spool>,
}

impl Document {
    pub(super) const fn new(id: DocumentId, to: mpsc::Sender<Msg>) -> Self {
        Self { id, to, spool: None }
    }

    /// The name of the file for its spool, which no other console uses.
    pub(super) fn file_name(id: DocumentId) -> String {
        format!("output-{}-{}", std::process::id(), id.0)
    }

    pub(super) fn name(&self) -> String {
        Self::file_name(self.id)
    }

    pub(super) async fn tell(&self, news: News) -> Result<(), Gone> {
        self.to.send(Msg::Output { document: self.id, news }).await.map_err(|_| Gone)
    }

    pub(super) async fn fail(&self, message: String) -> Result<(), Gone> {
        self.tell(News::Failed(Fault { message, hint: None })).await
    }

    /// Begins with a spool of which the last came then.
    pub(super) async fn know(&mut self, spool: Spool, wall_ms: u64) -> Result<(), Gone> {
        let len = spool.len();
        self.go_on(spool, News::Known { len, wall_ms }).await
    }

    /// Goes on with a spool that has grown.
    pub(super) async fn grow(&mut self, spool: Spool) -> Result<(), Gone> {
        let len = spool.len();
        self.go_on(spool, News::Grown(len)).await
    }

    async fn go_on(&mut self, spool: Spool, news: News) -> Result<(), Gone> {
        let before = self.spool.as_ref().map_or(0, Spool::len);
        self.spool = Some(spool);
        self.tell(news).await?;
        self.count(settled(before)).await
    }

    /// Counts lines from a block on, a run of blocks at a time.
    async fn count(&self, mut from: u64) -> Result<(), Gone> {
        let Some(spool) = &self.spool else { return Ok(()) };
        while from < blocks(spool.len()) {
            let part = spool.clone();
            let Ok(Ok(counts)) = spawn_blocking(move || part.counts(from)).await else { return Ok(()) };
            let next = from + counts.len() as u64;
            self.tell(News::Counted { from, counts }).await?;
            from = next;
        }
        Ok(())
    }

    pub(super) async fn read(&self, blocks: Vec<u64>) -> Result<(), Gone> {
        let Some(spool) = self.spool.clone() else { return Ok(()) };
        let news = match spawn_blocking(move || spool.chunks(&blocks)).await {
            Ok(Ok(chunks)) => News::Chunks(chunks),
            Ok(Err(error)) => {
                News::Failed(Fault { message: format!("the output cannot be read: {error}"), hint: None })
            }
            Err(_) => return Ok(()),
        };
        self.tell(news).await
    }

    pub(super) async fn save(&self, path: String, overwrite: bool) -> Result<(), Gone> {
        let (spool, place) = (self.spool.clone(), path.clone());
        let written = spawn_blocking(move || match spool {
            Some(spool) => spool.save(&place, overwrite),
            None => save_text(&place, overwrite, b""),
        });
        let ending = written.await.unwrap_or_else(|error| SaveEnding::Failed(error.to_string()));
        let msg = Msg::Saved { what: Saved::Output(self.id), path, ending };
        self.to.send(msg).await.map_err(|_| Gone)
    }
}
