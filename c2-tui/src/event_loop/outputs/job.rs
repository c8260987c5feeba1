//! What a job writes: first what was kept of it, then each piece as it comes, until the job ends.
//!
//! Positions in the stream say what was dropped, and where to go on after a break. Reading what is
//! here never waits for c2d.

use std::path::PathBuf;

use c2_shared::api::error::ErrorCode;
use c2_shared::api::jobs::{JobRow, Stream};
use c2_shared::api::live::{FollowEvent, FollowQuery, Written};
use c2_shared::backoff::Backoff;
use c2_shared::client::{Client, ClientError};
use c2_shared::id::JobId;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, spawn_blocking};

use super::document::{Document, Gone, Order};
use crate::app::live::Shown;
use crate::app::msg::News;
use crate::app::report::Fault;
use crate::command::CommandError;
use crate::event_loop::spool::Spool;

/// Pieces that were read and are not kept yet; a stream that gives faster than the disk takes waits.
const PIECES_LEN: usize = 16;

/// Keeps what a job writes until its page is gone.
pub(super) async fn serve(
    document: Document,
    mut orders: mpsc::Receiver<Order>,
    client: watch::Receiver<Client>,
    folder: PathBuf,
    job: JobId,
    shown: Shown,
) -> Result<(), Gone> {
    let (to, mut heard) = mpsc::channel(PIECES_LEN);
    let mut following = JoinSet::new();
    following.spawn(follow(client, job, to));
    let mut keeper = Keeper { document, shown, folder, last: None, lines: 0, open_line: false };
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                None => return Ok(()),
                Some(Order::Read(blocks)) => keeper.document.read(blocks).await?,
                Some(Order::Save { path, overwrite }) => keeper.document.save(path, overwrite).await?,
            },
            Some(heard) = heard.recv() => keeper.on_heard(heard).await?,
        }
    }
}

enum Heard {
    Open,
    /// The job wrote something, after so many bytes that were dropped.
    Piece {
        written: Written,
        is_new_attempt: bool,
        missing: u64,
    },
    Ended(Box<JobRow>),
    Broken(Fault),
}

/// Follows a job to its end, and opens the stream again where it broke.
async fn follow(client: watch::Receiver<Client>, job: JobId, to: mpsc::Sender<Heard>) {
    let (mut at, mut backoff) = (FollowQuery::default(), Backoff::default());
    loop {
        let present = client.borrow().clone();
        match read(&present, job, &mut at, &mut backoff, &to).await {
            Ok(true) => return,
            // c2d closed it, as when it goes down.
            Ok(false) => {}
            Err(error) => {
                let is_final = error.code() == Some(ErrorCode::NotFound);
                let told = to.send(Heard::Broken(CommandError::from(error).into())).await;
                if is_final || told.is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(backoff.next(0.0)).await;
    }
}

/// Reads the stream until it closes; says whether that is the end.
async fn read(
    client: &Client,
    job: JobId,
    at: &mut FollowQuery,
    backoff: &mut Backoff,
    to: &mpsc::Sender<Heard>,
) -> Result<bool, ClientError> {
    let mut stream = client.follow(job, at).await?;
    let mut next = Heard::Open;
    loop {
        let ended = matches!(next, Heard::Ended(_));
        if to.send(next).await.is_err() || ended {
            return Ok(true);
        }
        next = match stream.next().await? {
            None => return Ok(false),
            Some(FollowEvent::Ended(row)) => Heard::Ended(row),
            Some(FollowEvent::Written(written)) => {
                let number = written.attempt.number;
                let is_new_attempt = at.attempt.is_some_and(|before| before != number);
                if at.attempt != Some(number) {
                    *at = FollowQuery::of(number);
                }
                let place = at.place(written.stream);
                let missing = written.offset.saturating_sub(*place);
                *place = written.offset + written.data.0.len() as u64;
                Heard::Piece { written, is_new_attempt, missing }
            }
        };
        backoff.reset();
    }
}

/// Whoever keeps the output of one job.
struct Keeper {
    document: Document,
    shown: Shown,
    folder: PathBuf,
    /// The stream that wrote last.
    last: Option<Stream>,
    /// Lines that were kept in full.
    lines: u64,
    /// Whether another line was begun.
    open_line: bool,
}

impl Keeper {
    async fn on_heard(&mut self, heard: Heard) -> Result<(), Gone> {
        match heard {
            Heard::Open => self.document.tell(News::Open).await,
            Heard::Piece { written, is_new_attempt, missing } => {
                if is_new_attempt {
                    self.begin_attempt().await?;
                }
                if matches!(self.shown, Shown::One(only) if only != written.stream) {
                    return Ok(());
                }
                self.keep(written.stream, &written.data.0, missing).await
            }
            Heard::Ended(row) => {
                let how = row.outcome.map_or_else(|| row.state.to_string(), |outcome| outcome.to_string());
                self.document.tell(News::Ended(how)).await
            }
            Heard::Broken(fault) => self.document.tell(News::Failed(fault)).await,
        }
    }

    /// Another attempt writes from the start.
    async fn begin_attempt(&mut self) -> Result<(), Gone> {
        self.document.spool = None;
        (self.last, self.lines, self.open_line) = (None, 0, false);
        self.document.tell(News::Anew).await
    }

    /// Keeps bytes of a stream: under a head where another stream wrote before, and behind a line
    /// about what was dropped.
    async fn keep(&mut self, stream: Stream, bytes: &[u8], missing: u64) -> Result<(), Gone> {
        let mut piece = Vec::with_capacity(bytes.len() + 64);
        let only_errors = self.last.is_none() && self.shown == Shown::Both && stream == Stream::Stderr;
        if self.last.is_some_and(|last| last != stream) || only_errors {
            let word = if stream == Stream::Stderr { "standard error" } else { "standard output" };
            self.add_line(&mut piece, &format!("── {word} ──"));
        }
        self.last = Some(stream);
        if missing > 0 {
            let after_line = self.lines + u64::from(self.open_line);
            self.document.tell(News::Gap { after_line, bytes: missing }).await?;
            self.add_line(&mut piece, &format!("[{missing} bytes dropped]"));
        }
        self.add(&mut piece, bytes);
        match self.write(piece).await {
            Ok(spool) => self.document.grow(spool).await,
            Err(message) => self.document.fail(message).await,
        }
    }

    /// Adds a line of our own, which begins where a line begins.
    fn add_line(&mut self, piece: &mut Vec<u8>, line: &str) {
        if self.open_line {
            self.add(piece, b"\n");
        }
        self.add(piece, line.as_bytes());
        self.add(piece, b"\n");
    }

    fn add(&mut self, piece: &mut Vec<u8>, bytes: &[u8]) {
        let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.lines += ends as u64;
        self.open_line = bytes.last().map_or(self.open_line, |last| *last != b'\n');
        piece.extend_from_slice(bytes);
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
