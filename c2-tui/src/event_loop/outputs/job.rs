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
use crate::clock;
use crate::command::CommandError;
use crate::event_loop::spool::Spool;

/// Pieces that were read and are not kept yet; a stream that gives faster than the disk takes waits.
const PIECES_LEN: usize = 16;

/// What is to be read.
pub(super) struct Read {
    pub(super) job: JobId,
    /// Which of its streams.
    pub(super) shown: Shown,
    /// What was read of it before.
    pub(super) known: Option<Left>,
    /// Where to leave what is read.
    pub(super) keep: watch::Sender<Option<Left>>,
}

/// What was read of a job that has not ended, and where to go on.
#[derive(Clone, Debug)]
pub(super) struct Left {
    spool: Spool,
    at: FollowQuery,
    seam: Seam,
    gaps: Vec<(u64, u64)>,
    /// When the last of it came.
    wall_ms: u64,
}

impl Left {
    pub(super) const fn bytes(&self) -> u64 {
        self.spool.len()
    }
}

/// How what was kept ends.
#[derive(Clone, Copy, Debug, Default)]
struct Seam {
    /// The stream that wrote last.
    last: Option<Stream>,
    /// Lines that were kept in full.
    lines: u64,
    /// Whether another line was begun.
    open_line: bool,
}

/// Keeps what a job writes until its page is gone.
pub(super) async fn serve(
    document: Document,
    mut orders: mpsc::Receiver<Order>,
    client: watch::Receiver<Client>,
    folder: PathBuf,
    read: Read,
) -> Result<(), Gone> {
    let Read { job, shown, known, keep } = read;
    let (to, mut heard) = mpsc::channel(PIECES_LEN);
    let mut following = JoinSet::new();
    let mut keeper = Keeper { document, shown, folder, seam: Seam::default(), gaps: Vec::new(), keep };
    let at = match known {
        Some(known) => keeper.go_on(known).await?,
        None => FollowQuery::default(),
    };
    following.spawn(follow(client, job, at, to));
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
        /// Where to go on behind it.
        at: FollowQuery,
    },
    Ended(Box<JobRow>),
    Broken(Fault),
}

/// Follows a job to its end, and opens the stream again where it broke.
async fn follow(client: watch::Receiver<Client>, job: JobId, mut at: FollowQuery, to: mpsc::Sender<Heard>) {
    let mut backoff = Backoff::default();
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
                Heard::Piece { written, is_new_attempt, missing, at: *at }
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
    seam: Seam,
    /// Bytes that are missing, and behind which line.
    gaps: Vec<(u64, u64)>,
    keep: watch::Sender<Option<Left>>,
}

impl Keeper {
    /// Goes on with a copy of what was read before; answers from where.
    async fn go_on(&mut self, known: Left) -> Result<FollowQuery, Gone> {
        let (folder, name, whole) = (self.folder.clone(), self.document.name(), known.spool);
        let copied = spawn_blocking(move || whole.copy(&folder, &name)).await;
        // Without a copy it is read from its beginning.
        let Ok(Ok(spool)) = copied else { return Ok(FollowQuery::default()) };
        for (after_line, bytes) in &known.gaps {
            self.document.tell(News::Gap { after_line: *after_line, bytes: *bytes }).await?;
        }
        (self.seam, self.gaps) = (known.seam, known.gaps);
        self.document.know(spool, known.wall_ms).await?;
        Ok(known.at)
    }

    /// Leaves what is here for the next page about the job.
    fn leave(&self, at: FollowQuery) {
        let left = self.document.spool.clone().map(|spool| Left {
            spool,
            at,
            seam: self.seam,
            gaps: self.gaps.clone(),
            wall_ms: clock::wall_ms(),
        });
        self.keep.send_replace(left);
    }

    async fn on_heard(&mut self, heard: Heard) -> Result<(), Gone> {
        match heard {
            Heard::Open => self.document.tell(News::Open).await,
            Heard::Piece { written, is_new_attempt, missing, at } => {
                if is_new_attempt {
                    self.begin_attempt().await?;
                }
                if matches!(self.shown, Shown::One(only) if only != written.stream) {
                    return Ok(());
                }
                self.keep(written.stream, &written.data.0, missing).await?;
                self.leave(at);
                Ok(())
            }
            Heard::Ended(row) => {
                // From now on c2d has it.
                self.keep.send_replace(None);
                let how = row.outcome.map_or_else(|| row.state.to_string(), |outcome| outcome.to_string());
                self.document.tell(News::Ended(how)).await
            }
            Heard::Broken(fault) => self.document.tell(News::Failed(fault)).await,
        }
    }

    /// Another attempt writes from the start.
    async fn begin_attempt(&mut self) -> Result<(), Gone> {
        self.document.spool = None;
        self.gaps.clear();
        self.seam = Seam::default();
        self.document.tell(News::Anew).await
    }

    /// Keeps bytes of a stream: under a head where another stream wrote before, and behind a line
    /// about what was dropped.
    async fn keep(&mut self, stream: Stream, bytes: &[u8], missing: u64) -> Result<(), Gone> {
        let mut piece = Vec::with_capacity(bytes.len() + 64);
        let only_errors = self.seam.last.is_none() && self.shown == Shown::Both && stream == Stream::Stderr;
        if self.seam.last.is_some_and(|last| last != stream) || only_errors {
            let word = if stream == Stream::Stderr { "standard error" } else { "standard output" };
            self.add_line(&mut piece, &format!("── {word} ──"));
        }
        self.seam.last = Some(stream);
        if missing > 0 {
            let after_line = self.seam.lines + u64::from(self.seam.open_line);
            self.gaps.push((after_line, missing));
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
        if self.seam.open_line {
            self.add(piece, b"\n");
        }
        self.add(piece, line.as_bytes());
        self.add(piece, b"\n");
    }

    fn add(&mut self, piece: &mut Vec<u8>, bytes: &[u8]) {
        let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.seam.lines += ends as u64;
        self.seam.open_line = bytes.last().map_or(self.seam.open_line, |last| *last != b'\n');
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Msg;
    use crate::app::report::DocumentId;

    fn keeper(id: u64, to: &mpsc::Sender<Msg>, folder: PathBuf) -> (Keeper, watch::Receiver<Option<Left>>) {
        let (keep, left) = watch::channel(None);
        let (document, shown) = (Document::new(DocumentId(id), to.clone()), Shown::Both);
        (Keeper { document, shown, folder, seam: Seam::default(), gaps: Vec::new(), keep }, left)
    }

    fn bytes(keeper: &Keeper) -> Vec<u8> {
        keeper.document.spool.as_ref().unwrap().chunks(&[0]).ok().unwrap().remove(0).bytes
    }

    #[tokio::test]
    async fn what_was_read_is_there_for_the_next_page_and_each_goes_on_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (to, mut told) = mpsc::channel(64);
        let (mut first, left) = keeper(1, &to, folder.path().to_owned());
        assert!(first.keep(Stream::Stdout, b"epoch 1\nepo", 0).await.is_ok());
        let at = FollowQuery { attempt: Some(1), stdout: 11, stderr: 0 };
        first.leave(at);
        let known = left.borrow().clone().unwrap();
        let then = known.wall_ms;
        let (mut second, _) = keeper(2, &to, folder.path().to_owned());
        assert_eq!(second.go_on(known).await.ok(), Some(at), "it is asked for what comes behind it");
        assert!(first.keep(Stream::Stdout, b"ch 2\n", 0).await.is_ok());
        assert!(second.keep(Stream::Stderr, b"killed\n", 0).await.is_ok());
        assert_eq!(String::from_utf8_lossy(&bytes(&first)), "epoch 1\nepoch 2\n");
        assert_eq!(String::from_utf8_lossy(&bytes(&second)), "epoch 1\nepo\n── standard error ──\nkilled\n");
        let mut known = Vec::new();
        while let Ok(msg) = told.try_recv() {
            if let Msg::Output { document, news: News::Known { len, wall_ms } } = msg {
                known.push((document, len, wall_ms));
            }
        }
        assert_eq!(known, [(DocumentId(2), 11, then)], "with the time at which the last of it came");
        first.on_heard(Heard::Ended(Box::new(crate::tests::demo::job(1, c2_shared::job::JobState::Failed)))).await.ok();
        assert!(left.borrow().is_none(), "what has ended is with c2d");
    }
}
