//! Logs that nothing reads: programs go on, drop lines, and say so when somebody reads again.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use c2_shared::limits::LOG_LINES_WAITING;
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, is_alive};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

crate::tests![a_log_that_nothing_reads_stops_nothing];

const IP: &str = "127.0.0.2";
/// More than the pipe of the agent has space for.
const JOBS: usize = 60;

/// A pipe with little space, open and not read.
struct Pipe {
    path: PathBuf,
    end: File,
}

impl Pipe {
    fn new(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        let end = OpenOptions::new().read(true).write(true).custom_flags(nonblocking).open(&path)?;
        fcntl_setpipe_size(&end, 4096)?;
        Ok(Self { path, end })
    }

    /// The way to a program that logs everything into it.
    fn way(&self) -> Vec<String> {
        let script = "exec 2>\"$0\"; export C2_LOG=debug; exec \"$@\"";
        ["sh", "-c", script, &self.path.to_string_lossy()].map(str::to_owned).into()
    }

    /// Waits until hardly another line fits.
    async fn fills(&self) -> Result<()> {
        eventually("a full pipe", SOON, async || Ok((rustix::io::ioctl_fionread(&self.end)? > 3_700).then_some(())))
            .await
    }

    /// Reads on until these words come.
    async fn says(&mut self, words: &str) -> Result<()> {
        let mut text = Vec::new();
        eventually(&format!("{words:?} in the log"), SOON, async || {
            let mut part = [0; 65_536];
            while let Ok(count) = self.end.read(&mut part) {
                text.extend_from_slice(&part[..count]);
            }
            Ok(String::from_utf8_lossy(&text).contains(words).then_some(()))
        })
        .await
    }
}

fn a_log_that_nothing_reads_stops_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(unread()).expect("c2d and its agent go on");
}

async fn unread() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let [mut of_c2d, mut of_agent] = [Pipe::new(folder.path(), "c2d")?, Pipe::new(folder.path(), "agent")?];
    let mut cluster = Cluster::start_by(of_c2d.way()).await?;
    cluster.agent_by(IP, of_agent.way()).await?;
    bad_handshakes(&cluster, LOG_LINES_WAITING + 500).await?;
    of_c2d.fills().await?;
    cluster.client().health().await?;
    // The agent logs the start and the end of each.
    for n in 0..JOBS {
        let job = cluster.submit(&format!("echo {n}")).await?;
        let end = cluster.ended(job).await?.job;
        assert_eq!((end.stdout, end.row.attempt), (format!("{n}\n"), 1));
    }
    of_agent.fills().await?;
    of_c2d.says("lines of the log, which nothing read in time").await?;
    of_agent.says(&format!("job-{JOBS}.1 ended")).await?;

    // Nor does it keep c2d from its end.
    bad_handshakes(&cluster, 200).await?;
    of_c2d.fills().await?;
    let pid = cluster.c2d_pid()?;
    cluster.signal_c2d(Signal::TERM)?;
    eventually("the end of c2d", SOON, async || Ok((!is_alive(pid)).then_some(()))).await
}

/// Each is a line in the log of c2d.
async fn bad_handshakes(cluster: &Cluster, count: usize) -> Result<()> {
    for n in 0..count {
        let mut connection = TcpStream::connect(cluster.addr()).await.with_context(|| format!("connection {n}"))?;
        connection.write_all(&[0x16; 64]).await?;
        // It ends with an alert or without.
        let _either = connection.read_to_end(&mut Vec::new()).await;
    }
    Ok(())
}
