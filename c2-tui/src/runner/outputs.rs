//! Outputs of jobs that pages show: each is fetched into a spool and read from there, by a task of
//! its own that ends with its page.
//!
//! What is fetched goes on where the last fetch ended. Reading never waits for c2d.

use std::collections::BTreeMap;
use std::path::PathBuf;

use c2_shared::api::jobs::Stream;
use c2_shared::client::{Client, ClientError};
use c2_shared::id::JobId;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};

use super::deeds::fault;
use super::spool::{Spool, save_text};
use crate::app::Msg;
use crate::app::msg::{DocumentId, Fault, News, SaveEnding, Saved};
use crate::app::page::Shown;
use crate::app::pager::{blocks, settled};

/// Orders that wait for one output; pages name each block once.
const ORDERS_LEN: usize = 256;

/// The outputs that are open.
pub(super) struct Outputs {
    client: Client,
    folder: PathBuf,
    to: mpsc::Sender<Msg>,
    open: BTreeMap<DocumentId, mpsc::Sender<Order>>,
}

enum Order {
    Read(Vec<u64>),
    Refresh,
    Save { path: String, overwrite: bool },
}

impl Outputs {
    pub(super) const fn new(client: Client, folder: PathBuf, to: mpsc::Sender<Msg>) -> Self {
        Self { client, folder, to, open: BTreeMap::new() }
    }

    pub(super) fn open(&mut self, tasks: &mut JoinSet<()>, document: DocumentId, job: JobId, shown: Shown) {
        let (orders_to, orders) = mpsc::channel(ORDERS_LEN);
        self.open.insert(document, orders_to);
        let (client, to, folder) = (self.client.clone(), self.to.clone(), self.folder.clone());
        tasks.spawn(async move {
            let keeper = Keeper { document, job, shown, client, to, folder, fetched: Vec::new(), spool: None };
            if let Err(Gone) = keeper.serve(orders).await {
                tracing::debug!(?document, "the console ended while an output was open");
            }
        });
    }

    pub(super) fn refresh(&self, document: DocumentId) {
        self.order(document, Order::Refresh);
    }

    pub(super) fn read(&self, document: DocumentId, blocks: Vec<u64>) {
        self.order(document, Order::Read(blocks));
    }

    pub(super) fn close(&mut self, document: DocumentId) {
        self.open.remove(&document);
    }

    pub(super) fn save(&self, tasks: &mut JoinSet<()>, what: Saved, path: String, overwrite: bool) {
        let text = match what {
            Saved::Output(document) => return self.order(document, Order::Save { path, overwrite }),
            Saved::Text(text) => text,
        };
        let to = self.to.clone();
        tasks.spawn_blocking(move || {
            let ending = save_text(&path, overwrite, &text);
            let _nobody_listens = to.blocking_send(Msg::Saved { what: Saved::Text(text), path, ending });
        });
    }

    fn order(&self, document: DocumentId, order: Order) {
        if let Some(orders) = self.open.get(&document)
            && orders.try_send(order).is_err()
        {
            tracing::warn!(?document, "an output has too many orders");
        }
    }
}

/// Nobody listens any more.
struct Gone;

/// Bytes of one stream.
type Fetched = Result<Vec<(Stream, Vec<u8>)>, ClientError>;

/// Whoever keeps one output.
struct Keeper {
    document: DocumentId,
    job: JobId,
    shown: Shown,
    client: Client,
    to: mpsc::Sender<Msg>,
    folder: PathBuf,
    /// How many bytes of each stream were fetched, in the order of their first ones.
    fetched: Vec<(Stream, u64)>,
    spool: Option<Spool>,
}

impl Keeper {
    async fn serve(mut self, mut orders: mpsc::Receiver<Order>) -> Result<(), Gone> {
        let mut fetches = JoinSet::new();
        let mut again = false;
        fetches.spawn(fetch(self.client.clone(), self.job, self.streams()));
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    None => return Ok(()),
                    Some(Order::Refresh) if fetches.is_empty() => {
                        fetches.spawn(fetch(self.client.clone(), self.job, self.streams()));
                    }
                    Some(Order::Refresh) => again = true,
                    Some(Order::Read(blocks)) => self.read(blocks).await?,
                    Some(Order::Save { path, overwrite }) => self.save(path, overwrite).await?,
                },
                Some(fetched) = fetches.join_next() => {
                    let Ok(fetched) = fetched else { return Ok(()) };
                    self.keep(fetched).await?;
                    if std::mem::take(&mut again) {
                        fetches.spawn(fetch(self.client.clone(), self.job, self.streams()));
                    }
                }
            }
        }
    }

    /// The streams to fetch.
    fn streams(&self) -> Vec<Stream> {
        match self.shown {
            Shown::Both => vec![Stream::Stdout, Stream::Stderr],
            Shown::One(stream) => vec![stream],
        }
    }

    /// How many bytes of a stream are here: where what is new of it begins.
    fn offset(&self, stream: Stream) -> u64 {
        self.fetched.iter().find(|(s, _)| *s == stream).map_or(0, |(_, bytes)| *bytes)
    }

    async fn keep(&mut self, fetched: Fetched) -> Result<(), Gone> {
        let mut streams = match fetched {
            Ok(streams) => streams,
            Err(error) => return self.tell(News::Failed(fault(error.into()))).await,
        };
        if streams.iter().any(|(stream, bytes)| (bytes.len() as u64) < self.offset(*stream)) {
            // Another attempt writes from the start.
            self.spool = None;
            self.fetched.clear();
            self.tell(News::Anew).await?;
        }
        for (stream, bytes) in &mut streams {
            let offset = usize::try_from(self.offset(*stream)).unwrap_or(usize::MAX);
            bytes.drain(..offset.min(bytes.len()));
        }
        for (stream, bytes) in streams.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
            self.append(stream, &bytes).await?;
        }
        if self.spool.is_none() { self.tell(News::Nothing).await } else { Ok(()) }
    }

    /// Adds bytes of a stream, under a head where another stream wrote before.
    async fn append(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), Gone> {
        let others = self.fetched.iter().any(|(s, _)| *s != stream);
        let mut piece = Vec::with_capacity(bytes.len() + 64);
        let only_errors = self.shown == Shown::Both && stream == Stream::Stderr;
        if others || only_errors {
            let word = if stream == Stream::Stderr { "standard error" } else { "standard output" };
            let line = if others { "\n" } else { "" };
            piece.extend_from_slice(format!("{line}── {word} ──\n").as_bytes());
        }
        piece.extend_from_slice(bytes);
        match self.fetched.iter_mut().find(|(s, _)| *s == stream) {
            Some((_, done)) => *done += bytes.len() as u64,
            None => self.fetched.push((stream, bytes.len() as u64)),
        }
        let before = self.spool.as_ref().map_or(0, Spool::len);
        match self.write(piece).await {
            Ok(spool) => {
                let len = spool.len();
                self.spool = Some(spool);
                self.tell(News::Grown(len)).await?;
                self.count(settled(before)).await
            }
            Err(message) => self.tell(News::Failed(Fault { message, hint: None })).await,
        }
    }

    async fn write(&self, piece: Vec<u8>) -> Result<Spool, String> {
        let (spool, folder) = (self.spool.clone(), self.folder.clone());
        let name = format!("output-{}-{}", std::process::id(), self.document.0);
        let written = spawn_blocking(move || {
            let mut spool = match spool {
                Some(spool) => spool,
                None => Spool::create(&folder, &name)?,
            };
            spool.append(&piece)?;
            Ok::<_, std::io::Error>(spool)
        });
        match written.await {
            Ok(Ok(spool)) => Ok(spool),
            Ok(Err(error)) => Err(format!("the output cannot be kept: {error}")),
            Err(error) => Err(format!("the output cannot be kept: {error}")),
        }
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

    async fn read(&self, blocks: Vec<u64>) -> Result<(), Gone> {
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

    async fn save(&self, path: String, overwrite: bool) -> Result<(), Gone> {
        let (spool, place) = (self.spool.clone(), path.clone());
        let written = spawn_blocking(move || match spool {
            Some(spool) => spool.save(&place, overwrite),
            None => save_text(&place, overwrite, b""),
        });
        let ending = written.await.unwrap_or_else(|error| SaveEnding::Failed(error.to_string()));
        let msg = Msg::Saved { what: Saved::Output(self.document), path, ending };
        self.to.send(msg).await.map_err(|_| Gone)
    }

    async fn tell(&self, news: News) -> Result<(), Gone> {
        self.to.send(Msg::Output { document: self.document, news }).await.map_err(|_| Gone)
    }
}

/// Fetches streams. c2d answers a stream as a whole; what was fetched before is dropped by whoever
/// keeps it.
async fn fetch(client: Client, job: JobId, streams: Vec<Stream>) -> Fetched {
    let mut fetched = Vec::new();
    for stream in streams {
        fetched.push((stream, client.output(job, stream).await?));
    }
    Ok(fetched)
}
