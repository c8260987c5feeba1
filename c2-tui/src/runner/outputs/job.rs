//! What a job wrote. What is fetched goes on where the last fetch ended; reading never waits for
//! c2d.

use std::path::PathBuf;

use c2_shared::api::jobs::Stream;
use c2_shared::client::{Client, ClientError};
use c2_shared::id::JobId;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};

use super::document::{Document, Gone, Order};
use crate::app::msg::News;
use crate::app::page::Shown;
use crate::runner::deeds::fault;
use crate::runner::spool::Spool;

/// Bytes of one stream.
type Fetched = Result<Vec<(Stream, Vec<u8>)>, ClientError>;

/// Keeps what a job wrote until its page is gone.
pub(super) async fn serve(
    document: Document,
    orders: mpsc::Receiver<Order>,
    client: Client,
    folder: PathBuf,
    job: JobId,
    shown: Shown,
) -> Result<(), Gone> {
    Keeper { document, job, shown, client, folder, fetched: Vec::new() }.serve(orders).await
}

/// Whoever keeps the output of one job.
struct Keeper {
    document: Document,
    job: JobId,
    shown: Shown,
    client: Client,
    folder: PathBuf,
    /// How many bytes of each stream were fetched, in the order of their first ones.
    fetched: Vec<(Stream, u64)>,
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
                    Some(Order::Read(blocks)) => self.document.read(blocks).await?,
                    Some(Order::Save { path, overwrite }) => self.document.save(path, overwrite).await?,
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
            Err(error) => return self.document.tell(News::Failed(fault(error.into()))).await,
        };
        if streams.iter().any(|(stream, bytes)| (bytes.len() as u64) < self.offset(*stream)) {
            // Another attempt writes from the start.
            self.document.spool = None;
            self.fetched.clear();
            self.document.tell(News::Anew).await?;
        }
        for (stream, bytes) in &mut streams {
            let offset = usize::try_from(self.offset(*stream)).unwrap_or(usize::MAX);
            bytes.drain(..offset.min(bytes.len()));
        }
        for (stream, bytes) in streams.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
            self.append(stream, &bytes).await?;
        }
        if self.document.spool.is_none() { self.document.tell(News::Nothing).await } else { Ok(()) }
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
        match self.write(piece).await {
            Ok(spool) => self.document.grow(spool).await,
            Err(message) => self.document.fail(message).await,
        }
    }

    async fn write(&self, piece: Vec<u8>) -> Result<Spool, String> {
        let (spool, folder, name) = (self.document.spool.clone(), self.folder.clone(), self.document.name());
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
}

/// Fetches streams. c2d answers a stream as a whole; what was fetched before is dropped by whoever
/// keeps it.
async fn fetch(client: Client, job: JobId, streams: Vec<Stream>) -> Fetched {
    let mut fetched = Vec::new();
    for stream in streams {
        fetched.push((stream, client.output(job, stream).await?.render()));
    }
    Ok(fetched)
}
