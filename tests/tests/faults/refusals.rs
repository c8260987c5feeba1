//! Refusals without end, of every kind that anybody can cause: no change is pushed out of the audit log.

use std::fs;

use anyhow::{Result, ensure};
use c2_shared::token::Role;
use c2_tests::{Cluster, scenario};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

crate::tests![two_hundred_thousand_refusals_push_no_change_out];

const REFUSALS: usize = 200_000;
const CONNECTIONS: usize = 4;
/// Requests that are written before an answer is read.
const AT_ONCE: usize = 100;
/// Beyond it the disk would be in danger.
const REFUSED_BYTES_MAX: u64 = 20_000_000;

fn two_hundred_thousand_refusals_push_no_change_out() {
    scenario(async |cluster| {
        changes(cluster, 10).await?;
        let path = cluster.data_dir().join("audit.log");
        let worker = cluster.token(Role::Worker)?.expose().to_owned();
        let floods = (0..CONNECTIONS).map(|n| {
            // Half show no token, half one that may not do this.
            let token = if n % 2 == 0 { "c2o1.nobody" } else { worker.as_str() };
            let head = format!("host: localhost\r\nauthorization: Bearer {token}\r\n");
            tokio::spawn(flood(cluster.addr(), head, REFUSALS / CONNECTIONS))
        });
        for flood in floods.collect::<Vec<_>>() {
            flood.await??;
        }
        changes(cluster, 10).await?;
        let checked = cluster.c2d(&["check"]).await?;
        ensure!(checked.stdout.contains("audit log: 40 lines without a break"), "{checked:?}");
        let text = fs::read_to_string(path)?;
        let paths = text.lines().filter(|line| line.contains("/api/jobs/submit") || line.contains("/api/jobs/cancel"));
        ensure!(paths.count() == 40, "{text}");
        let mut refused = 0;
        for file in fs::read_dir(cluster.data_dir())?.flatten() {
            if file.file_name().to_string_lossy().starts_with("refused.log") {
                refused += file.metadata()?.len();
            }
        }
        ensure!((1..REFUSED_BYTES_MAX).contains(&refused), "{refused} bytes of refusals");
        Ok(())
    });
}

/// Each job that is submitted and cancelled is two lines.
async fn changes(cluster: &Cluster, jobs: usize) -> Result<()> {
    for _ in 0..jobs {
        let job = cluster.submit("true").await?;
        cluster.client().cancel(job).await?;
    }
    Ok(())
}

/// Sends requests that are refused, each to another path, so that none is like the one before.
async fn flood(server: std::net::SocketAddr, head: String, count: usize) -> Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    let mut bytes = vec![0; 65_536];
    for from in (0..count).step_by(AT_ONCE) {
        let requests: String =
            (from..from + AT_ONCE).map(|n| format!("GET /api/jobs/info/job-{n} HTTP/1.1\r\n{head}\r\n")).collect();
        stream.write_all(requests.as_bytes()).await?;
        let (mut answers, mut carry) = (0, Vec::new());
        while answers < AT_ONCE {
            let len = stream.read(&mut bytes).await?;
            ensure!(len > 0, "the connection ended after {} answers", from + answers);
            carry.extend_from_slice(&bytes[..len]);
            answers += carry.windows(9).filter(|part| *part == b"HTTP/1.1 ").count();
            carry.drain(..carry.len().saturating_sub(8));
        }
    }
    Ok(())
}
