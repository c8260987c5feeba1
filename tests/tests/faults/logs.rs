//! Logs that nothing reads: programs go on, drop lines, and say so when somebody reads again.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use c2_shared::client::Client;
use c2_shared::limits::LOG_LINES_WAITING;
use c2_tests::terminal::Terminal;
use c2_tests::wait::SOON;
use c2_tests::{Cluster, Program, eventually, is_alive};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::faults::doors;

crate::tests![a_log_that_nothing_reads_stops_nothing, a_terminal_that_is_stopped_stops_nothing];

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
    bad_handshakes(cluster.addr(), LOG_LINES_WAITING + 500).await?;
    of_c2d.fills().await?;
    cluster.client().health().await?;
    let addr = cluster.addr();
    let talks = tokio::spawn(async move { bad_handshakes(addr, usize::MAX).await });
    let times = doors::ask_meanwhile(&cluster, doors::lasts()).await;
    talks.abort();
    doors::report("a log that nobody reads", times?)?;
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
    bad_handshakes(cluster.addr(), 200).await?;
    of_c2d.fills().await?;
    let pid = cluster.c2d_pid()?;
    cluster.signal_c2d(Signal::TERM)?;
    eventually("the end of c2d", SOON, async || Ok((!is_alive(pid)).then_some(()))).await
}

/// Ctrl-S and Ctrl-Q.
const STOP: &str = "\x13";
const GO_ON: &str = "\x11";

fn a_terminal_that_is_stopped_stops_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut c2d = Command::new(Program::C2d.path()?);
    c2d.args(["--host", "127.0.0.1", "--port", "0", "--data-dir"]).arg(folder.path().join("c2d"));
    c2d.env("C2_LOG", "debug").current_dir(folder.path());
    let mut terminal = Terminal::start(&c2d, 250, 50)?;
    terminal.sees(" listening on ")?;
    let text = terminal.text();
    let addr = text.split(" listening on ").nth(1).and_then(|rest| rest.split(',').next()).context("an address")?;
    let addr: SocketAddr = addr.trim().parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    terminal.press(STOP)?;
    runtime.block_on(bad_handshakes(addr, LOG_LINES_WAITING + 500))?;
    terminal.watch(Duration::from_millis(300));
    let before = terminal.raw().len();
    runtime.block_on(async {
        bad_handshakes(addr, 100).await?;
        let client = Client::new(&addr.into(), None, None)?;
        let health = timeout(Duration::from_secs(3), client.health()).await.context("c2d stands still")??;
        assert_eq!(health.degraded, None);
        anyhow::Ok(())
    })?;
    terminal.watch(Duration::from_millis(300));
    assert_eq!(terminal.raw().len(), before, "the terminal is stopped");
    terminal.press(GO_ON)?;
    terminal.wait("the count of what was dropped", |terminal| {
        String::from_utf8_lossy(terminal.raw()).contains("which nothing read in time")
    })
}

/// Each is a line in the log of c2d.
async fn bad_handshakes(addr: SocketAddr, count: usize) -> Result<()> {
    for n in 0..count {
        let mut connection = TcpStream::connect(addr).await.with_context(|| format!("connection {n}"))?;
        connection.write_all(&[0x16; 64]).await?;
        // It ends with an alert or without.
        let _either = connection.read_to_end(&mut Vec::new()).await;
    }
    Ok(())
}
