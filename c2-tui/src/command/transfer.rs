//! One blob on its way, with its progress shown and a break survived.

use std::fs::File;
use std::io::Seek as _;

use c2_shared::backoff::Backoff;
use c2_shared::blob::{BlobHasher, BlobId};
use c2_shared::client::TransferError;
use tokio::task::spawn_blocking;

use crate::command::await_job::FAILURES_MAX;
use crate::command::context::Told;
use crate::command::{CommandError, Context, Kind};

/// Sends a file and answers its name as a blob.
pub(crate) async fn blob(context: &Context, label: &str, file: File) -> Result<BlobId, CommandError> {
    let failed = |e: std::io::Error| CommandError::refused(format!("cannot read {label:?}: {e}"), "check the file");
    let hash = spawn_blocking(move || {
        let mut hasher = BlobHasher::default();
        let size = hasher.read(&mut &file)?;
        Ok((file, hasher.finish(), size))
    });
    let (file, blob, size) = hash.await.expect("reading a file does not panic").map_err(failed)?;
    let mut tries = Tries::default();
    loop {
        let mut content = file.try_clone().map_err(failed)?;
        content.rewind().map_err(failed)?;
        let progress = |done| context.tell(Told::Transfer { label, done, total: size });
        match context.client.put_blob(blob, size, content, &progress).await {
            Ok(()) => return Ok(blob),
            Err(error) => tries.failed(context, label, error).await?,
        }
    }
}

/// Fetches a blob into a file, which may hold the beginning of it.
pub(crate) async fn fetch(
    context: &Context,
    label: &str,
    blob: BlobId,
    size: u64,
    file: &File,
) -> Result<(), CommandError> {
    let failed = |e: std::io::Error| CommandError::refused(format!("cannot write {label:?}: {e}"), "check the disk");
    let mut tries = Tries::default();
    loop {
        let into = file.try_clone().map_err(failed)?;
        let progress = |done| context.tell(Told::Transfer { label, done, total: size });
        match context.client.get_blob(blob, into, &progress).await {
            Ok(_) => return Ok(()),
            Err(error) => tries.failed(context, label, error).await?,
        }
    }
}

/// Failures without success between them.
#[derive(Default)]
struct Tries {
    backoff: Backoff,
}

impl Tries {
    /// Waits before the next try, or gives up.
    async fn failed(&mut self, context: &Context, label: &str, error: TransferError) -> Result<(), CommandError> {
        if !error.may_pass() || self.backoff.failures() >= FAILURES_MAX {
            return Err(gave_up(label, error));
        }
        let wait = self.backoff.next(0.0);
        context.progress(&format!("{label}: {error}; going on in {} s", wait.as_secs()));
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

fn gave_up(label: &str, error: TransferError) -> CommandError {
    match error {
        TransferError::Client(error) => {
            let error = CommandError::from(error);
            CommandError { message: format!("{label}: {}", error.message), ..error }
        }
        TransferError::Stalled => CommandError::new(Kind::Unreachable, format!("{label}: {error}"))
            .hint("the same command continues from there"),
        TransferError::Changed => {
            CommandError::refused(format!("{label}: it changed while it was sent"), "run the command again")
        }
        TransferError::File(_) => CommandError::refused(format!("{label}: {error}"), "check the file and the disk"),
        TransferError::Missing(_) => {
            CommandError::refused(format!("{label}: {error}"), "it may have been removed with its job")
        }
    }
}
