//! A whole c2d from start to end: store, engine, HTTP, and the order in which they stop.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use c2_shared::advice::Advice;
use c2_shared::config::ServerConfig;
use c2_shared::exit;
use c2_shared::limits::TLS_NAME;
use c2_shared::server_address::ADDRESS_FILE;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinError;

use crate::access::{self, Access, AccessError};
use crate::audit::{self, Audit, AuditEnd};
use crate::authority::{Authority, AuthorityError};
use crate::clock::Clock;
use crate::engine;
use crate::http::{self, App, Socket, Unserved};
use crate::memory;
use crate::rotation::Rotation;
use crate::services;
use crate::services::announcer::Announcer;
use crate::services::blob_gc::Gc;
use crate::services::live_output::LiveOutput;
use crate::services::mdns;
use crate::services::messenger::{Messenger, Outside};
use crate::services::programs::Upgrades;
use crate::services::waker::Waker;
use crate::services::worker_requests::CleanupRequests;
use crate::standby;
use crate::store::{self, Engine, Folder, Leadership, Memo, Opened, SHARED, Space, StoreError, Target, TargetError};

/// Why c2d cannot start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    #[error("cannot write {0:?}")]
    File(PathBuf, #[source] io::Error),
    #[error(transparent)]
    Unserved(#[from] Unserved),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("this c2d leads no longer: {0}")]
    Deposed(String),
    #[error("{0} stopped by itself")]
    Stopped(&'static str),
}

impl Advice for RunError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Authority(error) => error.hint(),
            Self::Access(error) => error.hint(),
            Self::Listen(_, error) | Self::File(_, error) => error.hint(),
            Self::Unserved(_) => Some("this is a defect of c2d; please report it".to_owned()),
            Self::Target(error) => error.hint(),
            Self::Deposed(_) => Some("nothing is lost; start it again to stand by".to_owned()),
            Self::Stopped(_) => Some("look for the first error above".to_owned()),
        }
    }

    fn status(&self) -> u8 {
        match self {
            Self::Store(error) => error.status(),
            Self::Target(error) => error.status(),
            _ => exit::FAILED,
        }
    }
}

/// Runs c2d until `shutdown` resolves. Calls `ready` with the address it listens on.
pub async fn run(
    config: ServerConfig,
    data_dir: PathBuf,
    ready: impl FnOnce(SocketAddr) -> io::Result<()>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    allow_open_files();
    let (mut shutdown, folder) = (std::pin::pin!(shutdown), Folder::open(&data_dir)?);
    let Some(led) = lead(&config, &folder, shutdown.as_mut()).await? else { return Ok(()) };
    let mut opened = open_store(folder, led.engine, &config).await?;
    let (authority, before) = (Authority::open(&data_dir)?, Authority::before(&data_dir)?);
    let access = open_access(&data_dir, &authority, &led.leadership, opened.writer.memo()).await?;
    let (listener, address) = listen_as(&config, led.listening).await?;
    let ((stop, stopping), clock) = (watch::channel(false), Clock::start(opened.seen_ms));
    tokio::spawn(look_when_told(opened.writer.memo()));
    let ((audit, audit_end), health) = (open_audit(&data_dir, clock, &mut opened).await?, opened.writer.health());
    let (handle, mut engine) =
        engine::start(opened.saved, config.max_queue_size, opened.writer, clock, until(stopping.clone()));
    let speak = mdns::speak(address, authority.fingerprint);
    let desk = (handle.clone(), opened.history.clone(), opened.blobs.clone());
    let app = App {
        leadership: led.leadership.clone(),
        messenger: Messenger::start(desk, outside(&config, address, clock), clock, stopping.clone()),
        announcer: Announcer::start(speak, access.clone(), audit.clone(), stopping.clone()),
        waker: Waker::start(handle.wakes(), clock),
        engine: handle,
        health,
        history: opened.history,
        blobs: opened.blobs,
        cleanup_requests: CleanupRequests::start(clock.now().wall_ms),
        upgrades: Upgrades::start(clock.now().wall_ms, &data_dir),
        live_output: LiveOutput::start(),
        access,
        rotation: Rotation::new(&data_dir, authority, before),
        throttle: Arc::default(),
        doors: Default::default(),
        large_bodies: Default::default(),
        output_keep_bytes: config.output_keep_bytes,
        audit,
        names: Arc::new(names(address)),
        address,
        clock,
        counters: Arc::default(),
        stopping: stopping.clone(),
    };
    let witness = tokio::spawn(witness(&app));
    let beside = tokio::spawn(beside(app.clone(), opened.space, stopping.clone()));
    let server = tokio::spawn(http::serve(listener, Socket::listen(&data_dir), app, stopping));
    let address_file = AddressFile::write(&data_dir, address)?;
    ready(address).map_err(|e| RunError::File("/dev/stdout".into(), e))?;

    let ended = tokio::select! {
        () = shutdown => None,
        ended = &mut engine => Some(ended),
        why = led.leadership.lost() => return Err(RunError::Deposed(why)),
    };
    drop(address_file);
    if let Some(ended) = ended {
        // The engine ends by itself only when it cannot go on. What it could not commit was never
        // acknowledged; whoever waits for it is told why before c2d is gone.
        let _all_gone = stop.send(true);
        drop(server.await);
        ended.map_err(stopped("the engine"))??.close();
        return Err(RunError::Stopped("the engine"));
    }
    tracing::info!("going down");
    let _all_gone = stop.send(true);
    server.await.map_err(stopped("the server"))??;
    beside.await.map_err(stopped("what runs beside requests"))?;
    let writer = engine.await.map_err(stopped("the engine"))??;
    // It ends with the engine, as the last who may write to the audit log.
    witness.await.map_err(stopped("the witness"))?;
    let close = move || {
        audit_end.wait();
        writer.close();
        led.leadership.resign();
    };
    tokio::task::spawn_blocking(close).await.map_err(stopped("the store"))
}

/// Writes down what the engine notes, until that ends.
fn witness(app: &App) -> impl Future<Output = ()> + Send + use<> {
    services::witness::run(app.engine.notes(), app.history.clone(), app.audit.clone(), app.clock)
}

/// Listens where the configuration says, unless it does already.
async fn listen_as(
    config: &ServerConfig,
    already: Option<(TcpListener, SocketAddr)>,
) -> Result<(TcpListener, SocketAddr), RunError> {
    match already {
        Some(listening) => Ok(listening),
        None => listen(SocketAddr::new(config.host, config.port)).await,
    }
}

async fn listen(asked: SocketAddr) -> Result<(TcpListener, SocketAddr), RunError> {
    let listener = TcpListener::bind(asked).await.map_err(|e| RunError::Listen(asked, e))?;
    let address = listener.local_addr().map_err(|e| RunError::Listen(asked, e))?;
    Ok((listener, address))
}

/// What lies outside of c2d, for notifications.
fn outside(config: &ServerConfig, address: SocketAddr, clock: Clock) -> Outside {
    let (commands, mail_server) = (config.notify_commands.clone(), config.mail_server.clone());
    Outside { commands, mail_server, own_port: address.port(), clock }
}

/// What a c2d is that leads.
struct Led {
    leadership: Leadership,
    engine: Engine,
    /// Where it listens already, if it had to wait.
    listening: Option<(TcpListener, SocketAddr)>,
}

/// Waits until this c2d leads, which it does at once where it is alone; nothing if it is to go down before.
async fn lead(
    config: &ServerConfig,
    folder: &Folder,
    shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Result<Option<Led>, RunError> {
    if config.store.is_empty() {
        return Ok(Some(Led { leadership: Leadership::default(), engine: Engine::Sqlite, listening: None }));
    }
    let (target, dir): (Target, _) = (config.store.parse()?, folder.dir());
    // What would end it when it leads ends it now: until then it looks as if it could.
    store::could_lead(folder, &target, &dir.join(&config.jobs_log_file))?;
    access::examine(dir)?;
    let (listener, address) = listen(SocketAddr::new(config.host, config.port)).await?;
    let leadership = tokio::select! {
        leadership = standby::until_leader(&target, &listener, address, dir) => leadership?,
        () = shutdown => return Ok(None),
    };
    let epoch = leadership.epoch().unwrap_or_default();
    tracing::info!("this c2d leads, as number {epoch} on {target}");
    let engine = Engine::Postgres { target, epoch };
    Ok(Some(Led { leadership, engine, listening: Some((listener, address)) }))
}

/// Opens the store; clients of a server have a runtime of their own and block.
async fn open_store(folder: Folder, engine: Engine, config: &ServerConfig) -> Result<Opened, RunError> {
    let dir = folder.dir().to_owned();
    let config = store::Config {
        engine,
        jobs_log: dir.join(&config.jobs_log_file),
        workers_json: dir.join(&config.workers_file),
        keep: config.retention(),
        dir,
    };
    let opened = tokio::task::spawn_blocking(move || store::open_in(folder, config)).await;
    Ok(opened.map_err(stopped("the store"))??)
}

/// The tokens, which all c2d on a database have alike, as they have the authority.
async fn open_access(
    dir: &Path,
    authority: &Authority,
    leadership: &Leadership,
    memo: Memo,
) -> Result<Access, RunError> {
    if leadership.epoch().is_none() {
        return Ok(access::start_shared(dir, authority.fingerprint, Box::new(|_| true))?);
    }
    let kept = memo.clone();
    let share: access::Share = Box::new(move |text| kept.share(access::FILE, text));
    let access = access::start_shared(dir, authority.fingerprint, share)?;
    share_files(dir, memo).await?;
    Ok(access)
}

/// Has all c2d on the database know what machines know this one by.
async fn share_files(dir: &Path, memo: Memo) -> Result<(), RunError> {
    let dir = dir.to_owned();
    let share =
        move || SHARED.iter().all(|name| memo.share(name, std::fs::read_to_string(dir.join(name)).unwrap_or_default()));
    let shared = tokio::task::spawn_blocking(share).await.map_err(stopped("the store"))?;
    if shared { Ok(()) } else { Err(RunError::Stopped("the store")) }
}

async fn until(mut stopping: watch::Receiver<bool>) {
    http::stopped(&mut stopping).await;
}

/// What goes on beside requests, until c2d goes down.
async fn beside(app: App, space: Space, stopping: watch::Receiver<bool>) {
    let gc = Gc { blobs: app.blobs, history: app.history, space };
    let rotation = app.rotation.run(app.access, app.audit, stopping.clone());
    tokio::join!(gc.run(app.clock, stopping.clone()), rotation, memory::keep_small(stopping));
}

/// The audit log, with what somebody edited while c2d was down.
async fn open_audit(dir: &Path, clock: Clock, opened: &mut Opened) -> Result<(Audit, AuditEnd), RunError> {
    let memo = opened.writer.memo();
    let keep = Box::new(move |extent: &_| memo.put(audit::MEMO, audit::text(extent)));
    let (audit, end) =
        Audit::open(dir, clock, opened.audit.as_deref(), keep).map_err(|e| RunError::File(dir.join(audit::FILE), e))?;
    for edit in std::mem::take(&mut opened.edits) {
        audit.saw(audit::Kind::Change, None, edit).await;
    }
    Ok((audit, end))
}

/// A program that puts `jobs.log` aside says so with the signal HUP.
async fn look_when_told(memo: Memo) {
    match signal(SignalKind::hangup()) {
        Ok(mut told) => {
            while told.recv().await.is_some() {
                memo.look_at_log();
            }
        }
        Err(error) => tracing::warn!("the signal HUP is not heard: {error}"),
    }
}

fn stopped(what: &'static str) -> impl FnOnce(JoinError) -> RunError {
    move |error| {
        tracing::error!("{what} failed: {error}");
        RunError::Stopped(what)
    }
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
    fn write(dir: &Path, address: SocketAddr) -> Result<Self, RunError> {
        let (path, next) = (dir.join(ADDRESS_FILE), dir.join(format!("{ADDRESS_FILE}.new")));
        let written = std::fs::write(&next, format!("{address}\n")).and_then(|()| std::fs::rename(&next, &path));
        written.map_err(|e| RunError::File(path.clone(), e))?;
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
