//! A whole c2d from start to end: store, engine, HTTP, and the order in which they stop.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use c2_shared::config::ServerConfig;
use c2_shared::limits::TLS_NAME;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::access;
use crate::authority::Authority;
use crate::cleanups::Cleanups;
use crate::clock::Clock;
use crate::http::{self, App, Audit};
use crate::relay::Relay;
use crate::{engine, store, sweep};

/// Name of the file in the data folder that says where c2d listens.
pub const ADDRESS_FILE: &str = "c2d.addr";

/// Runs c2d until `shutdown` resolves. Calls `ready` with the address it listens on.
///
/// # Errors
/// When it cannot start, or the store fails.
pub async fn run(
    config: ServerConfig,
    data_dir: PathBuf,
    ready: impl FnOnce(SocketAddr) -> anyhow::Result<()>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    allow_open_files();
    let opened = store::open(store::Config {
        jobs_log: data_dir.join(&config.jobs_log_file),
        workers_json: data_dir.join(&config.workers_file),
        keep: config.retention(),
        dir: data_dir.clone(),
    })?;
    let authority = Authority::open(&data_dir)?;
    let access = access::start(&data_dir, authority.fingerprint)?;
    let audit = Audit::open(&data_dir).context("cannot open audit.log")?;
    let listener = TcpListener::bind((config.host, config.port)).await;
    let listener = listener.with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    let address = listener.local_addr().context("the listener has no address")?;

    let (stop, stopping) = watch::channel(false);
    let mut engine_stopping = stopping.clone();
    let engine_shutdown = async move { http::stopped(&mut engine_stopping).await };
    let clock = Clock::start();
    let (handle, mut engine) =
        engine::start(opened.saved, config.max_queue_size, opened.writer, clock, engine_shutdown);
    let app = App {
        engine: handle,
        history: opened.history,
        blobs: opened.blobs,
        cleanups: Cleanups::start(clock.now().wall_ms),
        relay: Relay::start(),
        access,
        fingerprint: authority.fingerprint,
        throttle: Arc::default(),
        large_bodies: Default::default(),
        audit,
        names: Arc::new(names(address)),
        address,
        clock,
        requests: Arc::default(),
        stopping: stopping.clone(),
    };
    let sweeping = tokio::spawn(sweep::run(app.blobs.clone(), app.history.clone(), clock, stopping.clone()));
    let router = http::router(app)?;
    let server = tokio::spawn(http::serve(listener, authority.tls, router, stopping));
    let address_file = AddressFile::write(&data_dir, address)?;
    ready(address)?;

    let ended = tokio::select! {
        () = shutdown => None,
        ended = &mut engine => Some(ended),
    };
    drop(address_file);
    if let Some(ended) = ended {
        // The engine ends by itself only when it cannot go on; what it could not commit was never
        // answered, so stopping at once loses nothing.
        let writer = ended.context("the engine failed")?.context("the store failed")?;
        writer.close();
        anyhow::bail!("the engine stopped by itself");
    }
    tracing::info!("going down");
    let _all_gone = stop.send(true);
    server.await.context("the server failed")?;
    sweeping.await.context("the sweep failed")?;
    let writer = engine.await.context("the engine failed")?.context("the store failed")?;
    tokio::task::spawn_blocking(move || writer.close()).await.context("the store failed at its end")
}

/// Everything that `Host` may say.
fn names(address: SocketAddr) -> BTreeSet<String> {
    let ip = match address.ip() {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let host = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
    ["localhost", "127.0.0.1", "[::1]", TLS_NAME].map(str::to_owned).into_iter().chain([ip, host]).collect()
}

/// Says where c2d listens for as long as it does.
struct AddressFile(PathBuf);

impl AddressFile {
    fn write(dir: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let (path, next) = (dir.join(ADDRESS_FILE), dir.join(format!("{ADDRESS_FILE}.new")));
        std::fs::write(&next, format!("{address}\n")).with_context(|| format!("cannot write {next:?}"))?;
        std::fs::rename(&next, &path).with_context(|| format!("cannot write {path:?}"))?;
        Ok(Self(path))
    }
}

impl Drop for AddressFile {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_file(&self.0) {
            tracing::debug!("{:?} stays behind: {e}", self.0);
        }
    }
}

/// Each connection is an open file, and shells allow few by default, for the sake of other programs.
fn allow_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!("cannot allow more open files: {error}");
    }
}
