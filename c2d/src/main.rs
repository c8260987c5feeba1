//! The program `c2d`: arguments, logging, signals; everything else is in the library.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use c2_shared::config::ConfigError;
use c2_shared::token::TokenError;
use c2d::options::Options;
use c2d::run::{Exposed, run};
use c2d::store::StoreError;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("C2_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match start(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let hint = hint(&error).map_or_else(String::new, |hint| format!("  hint: {hint}\n"));
            // When even this cannot be written there is nobody left to tell.
            drop(std::io::stderr().write_all(format!("c2d: {error:#}\n{hint}").as_bytes()));
            ExitCode::FAILURE
        }
    }
}

fn start(options: Options) -> anyhow::Result<()> {
    let (data_dir, config) = options.resolve()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
        let shutdown = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let folder = data_dir.display().to_string();
        let ready = move |address| {
            let version = env!("CARGO_PKG_VERSION");
            let mut stdout = std::io::stdout().lock();
            writeln!(stdout, "c2d {version} listening on {address}, data in {folder}")?;
            Ok(stdout.flush()?)
        };
        run(config, data_dir, ready, shutdown).await
    })
}

fn hint(error: &anyhow::Error) -> Option<String> {
    let of_config = |e: &ConfigError| match e {
        ConfigError::Invalid { hint, .. } => Some(hint.clone()),
        ConfigError::Read { .. } => None,
    };
    let of_token = |e: &TokenError| match e {
        TokenError::Exposed { path, .. } => {
            Some(format!("chmod 600 {}, or remove it to get a new token", path.display()))
        }
        TokenError::Malformed | TokenError::File { .. } | TokenError::Random => None,
    };
    let in_use = |e: &std::io::Error| e.kind() == std::io::ErrorKind::AddrInUse;
    error.chain().find_map(|cause| {
        let store = cause.downcast_ref::<StoreError>().map(|e| e.hint().to_owned());
        let config = cause.downcast_ref::<ConfigError>().and_then(of_config);
        let token = cause.downcast_ref::<TokenError>().and_then(of_token);
        let exposed = cause.downcast_ref::<Exposed>().map(|_| Exposed::HINT.to_owned());
        let busy = cause.downcast_ref::<std::io::Error>().filter(|e| in_use(e));
        let busy =
            busy.map(|_| "another program uses this port, perhaps another c2d; choose one with --port".to_owned());
        store.or(config).or(token).or(exposed).or(busy)
    })
}
