//! Crowds of connections that show no token: idle ones, ones that ask and read nothing, floods of
//! requests. c2d serves everybody with a token meanwhile, also from the same address.
//!
//! `C2_CROWD_S=60 C2_CROWD=5000` makes each crowd last for a minute and as large as is promised; then the
//! promised times count, which other tests beside would spoil.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use c2_shared::client::Client;
use c2_shared::limits::STRANGERS_OF_ONE_MAX;
use c2_shared::pass::Pass;
use c2_shared::token::Role;
use c2_shared::worker::WorkerStatus;
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

crate::tests![connections_without_a_token_lock_nobody_out];

const WORKER: &str = "127.0.0.2";
/// Far more than one address may have.
const CROWD: usize = 300;
/// The promise.
const PROMISED: Duration = Duration::from_millis(50);
const FLOODS: usize = 4;
/// A connection on which nothing comes for so long is open.
const QUIET: Duration = Duration::from_secs(1);
/// How slow an answer may be here, where other tests run; without them it is a few ms.
const PROMPT: Duration = Duration::from_secs(2);

fn set(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// How long each crowd lasts.
pub(super) fn lasts() -> Duration {
    Duration::from_secs(set("C2_CROWD_S").unwrap_or(3) as u64)
}

/// A connection to c2d from this address.
async fn connect(from: &str, server: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    socket.bind(SocketAddr::new(from.parse::<IpAddr>()?, 0))?;
    Ok(socket.connect(server).await?)
}

/// Connections from the worker's and the operator's address, each with something said on it.
async fn crowd(server: SocketAddr, said: &str, count: usize) -> Result<Vec<TcpStream>> {
    let mut crowd = Vec::new();
    for n in 0..count {
        let from = if n % 2 == 0 { WORKER } else { "127.0.0.1" };
        let mut stream = connect(from, server).await?;
        // Those that were closed meanwhile need not be told.
        drop(stream.write_all(said.as_bytes()).await);
        crowd.push(stream);
    }
    Ok(crowd)
}

/// How many of these c2d has not closed. What was on its way when it closed one comes first.
async fn open(crowd: Vec<TcpStream>) -> usize {
    let ends = crowd.into_iter().map(|mut stream| async move {
        let mut bytes = [0; 65_536];
        while let Ok(read) = timeout(QUIET, stream.read(&mut bytes)).await {
            if !read.is_ok_and(|read| read > 0) {
                return 0;
            }
        }
        1
    });
    join_all(ends).await.into_iter().sum()
}

/// Asks with a new connection again and again, and answers with the slowest, the 99th of 100 and how many.
pub(super) async fn ask_meanwhile(cluster: &Cluster, for_so_long: Duration) -> Result<(Duration, Duration, usize)> {
    let pass = Pass::read(&cluster.data_dir().join(Role::Operator.file_name()))?;
    let begun = c2_tests::now();
    let mut took = Vec::new();
    while begun.elapsed() < for_so_long {
        let asked = c2_tests::now();
        let client = Client::new(&cluster.addr().to_string().parse()?, Some(pass.clone()), None)?;
        let workers = client.workers().await?.workers;
        took.push(asked.elapsed());
        ensure!(workers.iter().all(|worker| worker.status == WorkerStatus::Online), "{workers:?}");
        sleep(Duration::from_millis(20)).await;
    }
    took.sort_unstable();
    let slowest = took.last().copied().unwrap_or_default();
    Ok((slowest, took[took.len() * 99 / 100], took.len()))
}

/// What a crowd says on each connection; it reads nothing.
const CROWDS: [(&str, &str); 2] = [
    ("idle", ""),
    (
        "unread",
        "GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\nGET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ),
];

fn connections_without_a_token_lock_nobody_out() {
    scenario(async |cluster| {
        cluster.agent(WORKER).await?;
        let job = cluster.submit("sleep 4; echo well").await?;
        cluster.running(job).await?;
        for (kind, said) in CROWDS {
            let crowd = crowd(cluster.addr(), said, set("C2_CROWD").unwrap_or(CROWD)).await?;
            let times = ask_meanwhile(cluster, lasts()).await?;
            report(kind, times)?;
            let left = open(crowd).await;
            ensure!(left <= 2 * STRANGERS_OF_ONE_MAX, "{kind}: {left} of {CROWD} are still open");
            let by = connect("127.0.0.3", cluster.addr()).await?;
            sleep(Duration::from_millis(1_200)).await;
            assert_eq!(open(vec![by]).await, 1, "{kind}: another address is not concerned");
        }
        flood(cluster).await?;
        let end = cluster.ended(job).await?.job;
        assert_eq!((end.stdout.as_str(), end.row.attempt), ("well\n", 1));
        let doctor = cluster.exec(&["doctor"]).await?;
        assert!(doctor.stdout.contains("were closed for others"), "{doctor:?}");
        let log = cluster.data_dir().with_file_name("c2d.log");
        eventually("a line about it", SOON, async || {
            let log = std::fs::read_to_string(&log)?;
            Ok(log.contains("a connection from 127.0.0.2 that showed no token was closed").then_some(()))
        })
        .await
    });
}

/// Requests without a token, each on a connection of its own, as fast as they can be sent.
async fn flood(cluster: &Cluster) -> Result<()> {
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let floods: Vec<_> = (0..FLOODS)
        .map(|_| {
            let (stop, sent, server) = (Arc::clone(&stop), Arc::clone(&sent), cluster.addr());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let asks = async {
                        let mut stream = connect(WORKER, server).await?;
                        stream.write_all(b"GET /x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
                        anyhow::Ok(stream.read_to_end(&mut Vec::new()).await?)
                    };
                    if asks.await.is_ok() {
                        sent.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    let times = ask_meanwhile(cluster, lasts()).await;
    stop.store(true, Ordering::Relaxed);
    for flood in floods {
        flood.await?;
    }
    ensure!(sent.load(Ordering::Relaxed) > 100, "this is no flood");
    report("flood", times?)
}

#[expect(clippy::print_stderr, reason = "libtest collects it, unless it was asked for")]
pub(super) fn report(kind: &str, (slowest, most, count): (Duration, Duration, usize)) -> Result<()> {
    eprintln!("{kind}: {count} requests, 99 of 100 within {most:?}, all within {slowest:?}");
    let limit = if set("C2_CROWD_S").is_some() { PROMISED } else { PROMPT };
    ensure!(most < limit && count > 2, "{kind}: an operator waits for {most:?}");
    Ok(())
}
