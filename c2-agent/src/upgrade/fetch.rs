//! Fetches a newer program and checks it: who signed it, whether it is what was signed, and whether it has a place.

use std::env::consts::ARCH;
use std::fs::File;
use std::path::{Path, PathBuf};

use c2_shared::api::upgrade::{ProgramOffer, UpgradeVerdict};
use c2_shared::backoff::Backoff;
use c2_shared::client::{Client, TransferError};
use c2_shared::limits::PROGRAM_BYTES_MAX;
use c2_shared::program::{Program, is_newer};
use tokio::task::spawn_blocking;

use super::place::{self, Room};
use super::{Kept, Next, own_version};
use crate::state::StateDir;

/// How often a connection that breaks is tried again.
const TRIES: u32 = 3;
/// All agents are asked for themselves, so they need not be kept apart.
const JITTER: f64 = 0.0;

/// Fetches what is offered; nothing where that runs already.
pub(super) async fn fetch(
    client: &Client,
    id: u64,
    offer: &ProgramOffer,
    state: &StateDir,
) -> Result<Option<Next>, UpgradeVerdict> {
    if offer.version == own_version() {
        return Ok(None);
    }
    get(client, id, offer, state.path().to_owned()).await.map(Some).map_err(Kept::verdict)
}

async fn get(client: &Client, id: u64, offer: &ProgramOffer, state: PathBuf) -> Result<Next, Kept> {
    check(client, offer)?;
    let Room { program, next, file } = off_thread(move || place::room(place::own()?, &state)).await?;
    let fetched = match load(client, offer, &file).await {
        Ok(()) => verify(offer, file, &program).await,
        Err(kept) => Err(kept),
    };
    match fetched {
        Ok(()) => Ok(Next { id, to: offer.version.clone(), next, program }),
        Err(kept) => {
            place::give_up(&next);
            Err(kept)
        }
    }
}

/// What can be said before anything is fetched.
fn check(client: &Client, offer: &ProgramOffer) -> Result<(), Kept> {
    let ProgramOffer { version, architecture, .. } = offer;
    if architecture != ARCH {
        let reason = format!("c2d offers a program for {architecture}, and this machine is {ARCH}");
        return Err(Kept::new(reason, "put the right one into the folder `agents` of c2d"));
    }
    if !is_newer(version, own_version()) {
        let reason = format!("the program that c2d has is older: {version}");
        return Err(Kept::new(reason, "upgrade c2d first"));
    }
    if offer.size > PROGRAM_BYTES_MAX {
        return Err(Kept::new(format!("the program that c2d has is too long: {} bytes", offer.size), "see what it is"));
    }
    if !client.vouches_for(offer) {
        return Err(Kept::new(
            "the program is not signed by the authority of the c2d that this agent joined",
            "join with a line of `c2d invite`, which names the authority; if that is so, see who answers for c2d",
        ));
    }
    Ok(())
}

async fn load(client: &Client, offer: &ProgramOffer, file: &File) -> Result<(), Kept> {
    let failed =
        |error: &TransferError| Kept::new(format!("the program did not arrive: {error}"), "try again in a moment");
    let mut backoff = Backoff::default();
    for again in 1.. {
        let whole =
            file.set_len(0).and_then(|()| file.try_clone()).map_err(|error| failed(&TransferError::File(error)))?;
        match client.get_agent(offer, whole).await {
            Ok(()) => break,
            Err(error) if error.may_pass() && again < TRIES => tokio::time::sleep(backoff.next(JITTER)).await,
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(())
}

/// Whether the file is the version that was signed; then it may be run.
async fn verify(offer: &ProgramOffer, file: File, program: &Path) -> Result<(), Kept> {
    let (version, program) = (offer.version.clone(), program.to_owned());
    off_thread(move || {
        let failed = |error: std::io::Error| Kept::new(format!("the program failed: {error}"), "see the disk there");
        let mut whole = &file;
        std::io::Seek::rewind(&mut whole).map_err(failed)?;
        let found = Program::read(whole).map_err(failed)?;
        if !found.is_some_and(|found| found.version == version && found.architecture == ARCH) {
            return Err(Kept::new(
                format!("the program is not the c2-agent {version} that it is said to be"),
                "see what c2d has",
            ));
        }
        place::allow(&file, &program).map_err(failed)
    })
    .await
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T, Kept> + Send + 'static) -> Result<T, Kept> {
    spawn_blocking(work).await.expect("looking at files does not panic")
}

#[cfg(test)]
mod tests {
    use c2_shared::blob::BlobId;
    use c2_shared::server_address::ServerAddress;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// What a c2d on this machine answers to one request after the other.
    async fn answering(body: &'static [u8], length: usize) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: ServerAddress = listener.local_addr().unwrap().to_string().parse().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut peer, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _read = peer.read(&mut request).await.unwrap();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                peer.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
            }
        });
        Client::new(&address, None, None).unwrap()
    }

    fn offer(content: &[u8]) -> ProgramOffer {
        let (architecture, version) = (ARCH.to_owned(), "9.9.9".to_owned());
        let (size, sha256) = (content.len() as u64, BlobId::of(content));
        ProgramOffer { architecture, version, size, sha256, signatures: Vec::new() }
    }

    #[tokio::test]
    async fn only_what_was_offered_arrives() {
        let offer = offer(b"0123456789");
        let table: [(&'static [u8], usize, Option<&str>); 4] = [
            (b"0123456789", 10, None),
            (b"01234", 10, Some("did not arrive")),
            (b"0123456780", 10, Some("SHA-256")),
            (b"0123456789 and more", 19, Some("SHA-256")),
        ];
        for (body, length, expected) in table {
            let client = answering(body, length).await;
            let file = tempfile::tempfile().unwrap();
            let reason = load(&client, &offer, &file).await.err().map(|kept| kept.reason);
            let fits = match (&reason, expected) {
                (Some(reason), Some(words)) => reason.contains(words),
                (None, None) => true,
                _ => false,
            };
            assert!(fits, "{reason:?} for {expected:?}");
        }
    }

    #[tokio::test]
    async fn unsigned_and_unwanted_programs_are_not_fetched() {
        let client = answering(b"", 0).await;
        let good = offer(b"program");
        for (wrong, words) in [
            (ProgramOffer { architecture: "pdp11".to_owned(), ..good.clone() }, "pdp11"),
            (ProgramOffer { version: "0.0.1".to_owned(), ..good.clone() }, "older"),
            (ProgramOffer { size: PROGRAM_BYTES_MAX + 1, ..good.clone() }, "too long"),
            (good, "not signed"),
        ] {
            let kept = check(&client, &wrong).unwrap_err();
            assert!(kept.reason.contains(words), "{kept:?}");
        }
    }
}
