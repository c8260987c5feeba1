//! The change from one authority to the next: the old one is honoured until each machine knows the new one.
//!
//! Whoever connects may name the authority that it knows. To those that do not name the new one c2d shows
//! itself by the old one, and tells them the new one with each answer, which they can trust as they trust
//! the old. They write it down, come again with it, and are seen to have moved. When no token is left that
//! has not, the old authority ends. So only machines that never come keep it: their tokens can be revoked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use c2_shared::fingerprint::Fingerprint;
use rustls::ServerConfig;
use rustls::server::ClientHello;
use tokio::sync::watch;

use crate::access::Access;
use crate::audit::{Audit, Kind};
use crate::authority::{self, Authority};
use crate::http::stopped;

/// How often it is looked whether all have moved. Programs on this machine have so long to hear of it.
const LOOK: Duration = Duration::from_secs(10);

/// The authority, and the one before while it is honoured; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Rotation(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    authority: Authority,
    before: Option<Authority>,
    is_over: AtomicBool,
    dir: PathBuf,
}

impl Rotation {
    pub(crate) fn new(dir: &Path, authority: Authority, before: Option<Authority>) -> Self {
        Self(Arc::new(Shared { authority, before, is_over: AtomicBool::new(false), dir: dir.to_owned() }))
    }

    /// What c2d is known by from now on.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.0.authority.fingerprint
    }

    /// How c2d proves itself to whoever said this, and by which authority.
    pub(crate) fn proof(&self, hello: &ClientHello<'_>) -> (Arc<ServerConfig>, Fingerprint) {
        let name = self.fingerprint().as_name();
        let knows_new =
            hello.certificate_authorities().is_some_and(|known| known.iter().any(|one| one.as_ref() == name));
        let shown = self.before().filter(|_| !knows_new).unwrap_or(&self.0.authority);
        (Arc::clone(&shown.tls), shown.fingerprint)
    }

    /// The authority before, while it is honoured.
    fn before(&self) -> Option<&Authority> {
        self.0.before.as_ref().filter(|_| !self.0.is_over.load(Ordering::Relaxed))
    }

    /// Waits until all have moved, and ends the old authority then.
    pub(crate) async fn run(self, access: Access, audit: Audit, mut stopping: watch::Receiver<bool>) {
        let Some(before) = self.before().map(|before| before.fingerprint) else { return };
        let waiting = access.not_moved().join(", ");
        tracing::info!("the authority {before} is honoured for those who do not know the new one: {waiting}");
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stopped(&mut stopping) => return,
            }
            if !access.not_moved().is_empty() {
                continue;
            }
            if let Err(error) = authority::forget_before(&self.0.dir) {
                tracing::warn!("the old authority cannot be removed: {error}");
                continue;
            }
            self.0.is_over.store(true, Ordering::Relaxed);
            let what = format!("the authority {before} is honoured no longer: all machines know the new one");
            tracing::info!("{what}");
            audit.saw(Kind::Change, None, what).await;
            return;
        }
    }
}
