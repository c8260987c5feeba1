//! The time before a c2d leads: several share a database, one leads, and the others answer that they do not.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use c2_shared::advice::with_causes;
use c2_shared::service;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::authority::Authority;
use crate::clock::Clock;
use crate::http;
use crate::http::standby::{Seen, Standby, router};
use crate::rotation::Rotation;
use crate::run::RunError;
use crate::store::{Candidate, Leadership, StoreError, Target};

/// How often a c2d that stands by tries to lead.
const TRY_EVERY: Duration = Duration::from_millis(250);
/// How long it waits for a database that cannot be reached.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Tries between two looks for tokens that were given out meanwhile.
const TRIES_PER_LOOK: u32 = 8;

/// Waits until this c2d leads, and answers meanwhile that it stands by.
pub(crate) async fn until_leader(
    target: &Target,
    listener: &TcpListener,
    address: SocketAddr,
    dir: &Path,
) -> Result<Leadership, RunError> {
    let (told, seen) = watch::channel(Seen::default());
    let (leads, is_leader) = oneshot::channel();
    let (stands_by, begins) = oneshot::channel();
    // While this is held the thread goes on.
    let (_wanted, unwanted) = channel::<()>();
    let thread = Race { target: target.clone(), address: address.to_string(), dir: dir.to_owned(), told, unwanted };
    std::thread::Builder::new()
        .name("candidate".to_owned())
        .spawn(move || {
            // Whoever waited for it may be gone.
            let _told = leads.send(thread.run(stands_by));
        })
        .map_err(StoreError::file(dir))?;
    let mut is_leader = is_leader;
    tokio::select! {
        leads = &mut is_leader => return leads.map_err(|_| RunError::Stopped("the candidate"))?.map_err(RunError::from),
        Ok(()) = begins => {}
    }
    tracing::info!("this c2d stands by at {address}: {} leads", seen.borrow().leader);
    let rotation = Rotation::new(dir, Authority::open(dir)?, Authority::before(dir)?);
    let standby = Standby { dir: Arc::new(dir.to_owned()), seen };
    let (stop, stopping) = watch::channel(false);
    let server = http::serve_standby(same(listener, address)?, rotation, Clock::start(0), router(standby), stopping);
    let server = tokio::spawn(server);
    service::ready();
    let leadership = is_leader.await.map_err(|_| RunError::Stopped("the candidate"))?;
    let _all_gone = stop.send(true);
    // Those who still wait for an answer get none from here; they come again.
    server.abort();
    Ok(leadership?)
}

/// The same socket once more.
fn same(listener: &TcpListener, address: SocketAddr) -> Result<TcpListener, RunError> {
    let again = rustix::io::fcntl_dupfd_cloexec(listener, 0).map_err(std::io::Error::from);
    let again = again.and_then(|again| TcpListener::from_std(again.into()));
    again.map_err(|error| RunError::Listen(address, error))
}

/// The thread that tries to lead.
struct Race {
    target: Target,
    address: String,
    dir: PathBuf,
    told: watch::Sender<Seen>,
    unwanted: Receiver<()>,
}

impl Race {
    fn run(self, stands_by: oneshot::Sender<()>) -> Result<Leadership, StoreError> {
        let mut stands_by = Some(stands_by);
        // A database that was never there is a mistake; one that goes away comes back.
        let mut candidate = Some(Candidate::open(&self.target, &self.address)?);
        let mut tries = 0;
        loop {
            let tried = match &mut candidate {
                Some(candidate) => self.attempt(candidate, tries),
                None => match Candidate::open(&self.target, &self.address) {
                    Ok(again) => {
                        tracing::info!("the database can be reached again");
                        candidate = Some(again);
                        Ok(None)
                    }
                    Err(error) => Err(error),
                },
            };
            tries += 1;
            let is_cut_off = tried.is_err();
            self.told.send_if_modified(|seen| std::mem::replace(&mut seen.is_cut_off, is_cut_off) != is_cut_off);
            let pause = match tried {
                Ok(Some(leadership)) => return Ok(leadership),
                Ok(None) => {
                    if let Some(begins) = stands_by.take() {
                        let _told = begins.send(());
                    }
                    TRY_EVERY
                }
                Err(error) => {
                    if candidate.take().is_some() {
                        tracing::warn!("the database cannot be reached, and is tried again: {}", with_causes(&error));
                    }
                    RETRY_AFTER
                }
            };
            if self.unwanted.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return Err(StoreError::Closed);
            }
        }
    }

    fn attempt(&self, candidate: &mut Candidate, tries: u32) -> Result<Option<Leadership>, StoreError> {
        if tries.is_multiple_of(TRIES_PER_LOOK) {
            candidate.take_over(&self.dir)?;
            let leader = candidate.leader()?;
            self.told.send_if_modified(|seen| {
                let is_new = seen.leader != leader;
                seen.leader = leader;
                is_new
            });
        }
        let leads = candidate.try_lead()?;
        if leads.is_some() {
            // The last word of the leader before.
            candidate.take_over(&self.dir)?;
        }
        Ok(leads)
    }
}
