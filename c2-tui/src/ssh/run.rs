//! Runs something on workers, so many at once, their lines as they come: a command by a pdsh for each, or a
//! copy by an ssh for each.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use c2_shared::api::jobs::Stream;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::ssh::check::Reach;
use crate::ssh::copy::{Copied, Copy};
use crate::ssh::group::{self, Group, RunFolder};
use crate::ssh::plan::{self, Host};

/// Longest line that is kept whole.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Lines kept of a worker's stream; later ones are counted only.
const LINES_MAX: usize = 20_000;
/// Lines that wait between the readers and the one that shows them.
const QUEUE_LEN: usize = 256;
/// What pdsh and ssh get beyond the command's own time, to end what is left and to say so.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// A time without a limit.
const FOREVER: Duration = Duration::from_secs(1 << 32);

#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) errand: Errand,
    pub(crate) fanout: usize,
    pub(crate) connect_timeout_s: u64,
    pub(crate) command_timeout_s: Option<u64>,
}

/// What is done on each worker.
#[derive(Debug)]
pub(crate) enum Errand {
    Command { pdsh: PathBuf, command: String },
    Copy(Copy),
}

/// How a command ended on a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It ran and ended.
    Exited { exit: i32 },
    /// It did not end in time and was given up.
    TimedOut,
    /// The worker could not be reached, or the connection broke.
    Unreachable { reach: Reach, reason: String },
    /// It was not waited for.
    Interrupted,
}

impl Verdict {
    /// Whether it ended with 0.
    pub(crate) const fn is_success(&self) -> bool {
        matches!(self, Self::Exited { exit: 0 })
    }

    /// What ssh's exit status means, beside what it said itself.
    pub(super) fn of(exit: Option<i32>, said: &str) -> Self {
        match exit {
            None => Self::TimedOut,
            // The command may itself have ended with 255; then ssh had nothing to say.
            Some(255) if !said.is_empty() => {
                let reason = said.lines().next_back().unwrap_or_default().to_owned();
                Self::Unreachable { reach: Reach::of(Some(255), said), reason }
            }
            Some(exit) => Self::Exited { exit },
        }
    }

    /// The exit status that stands for it, as pdsh and timeout(1) have them.
    pub(crate) const fn status(&self) -> i32 {
        match self {
            Self::Exited { exit } => *exit,
            Self::TimedOut => 124,
            Self::Unreachable { .. } => 255,
            Self::Interrupted => 130,
        }
    }
}

/// What a command wrote and how it ended on one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HostRun {
    pub(crate) ip: IpAddr,
    pub(crate) hostname: String,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    /// What it wrote, line by line.
    pub(crate) stdout: Vec<String>,
    /// What it wrote to standard error.
    pub(crate) stderr: Vec<String>,
    /// Lines that were too many to be kept.
    pub(crate) lines_dropped: usize,
    /// What was copied, if this is a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copied: Option<Copied>,
}

impl HostRun {
    fn new(host: &Host, errand: &Errand) -> Self {
        Self {
            ip: host.ip,
            hostname: host.hostname.clone(),
            verdict: Verdict::Interrupted,
            stdout: Vec::new(),
            stderr: Vec::new(),
            lines_dropped: 0,
            copied: matches!(errand, Errand::Copy(_)).then(Copied::default),
        }
    }

    fn take(&mut self, stream: Stream, line: &str) {
        let lines = if stream == Stream::Stdout { &mut self.stdout } else { &mut self.stderr };
        if lines.len() < LINES_MAX {
            lines.push(line.to_owned());
        } else {
            self.lines_dropped += 1;
        }
    }
}

/// Something that became known of a worker, by its place among the workers.
enum News {
    Line(usize, Stream, String),
    Ended(usize, Verdict, Copied),
}

/// What comes while it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard<'a> {
    /// It begins, on this many workers.
    Begins(usize),
    /// A worker wrote a line.
    Line {
        ip: IpAddr,
        stream: Stream,
        /// The line without its end; foreign text.
        line: &'a str,
    },
    /// A command ended on a worker.
    Ended(&'a HostRun),
}

/// Does an errand on all workers until its end, or until `interrupted`; then everything that was
/// started here is ended, and what came is kept.
pub(crate) async fn run(
    order: Order,
    hosts: &[Host],
    folder: RunFolder,
    mut heard: impl FnMut(Heard<'_>),
    interrupted: impl Future<Output = ()>,
) -> Vec<HostRun> {
    let mut runs: Vec<HostRun> = hosts.iter().map(|host| HostRun::new(host, &order.errand)).collect();
    let (order, folder) = (Arc::new(order), Arc::new(folder));
    let mut waiting: VecDeque<(usize, IpAddr)> = hosts.iter().map(|host| host.ip).enumerate().collect();
    let mut going = JoinSet::new();
    let (to, mut news) = mpsc::channel(QUEUE_LEN);
    let mut left = hosts.len();
    heard(Heard::Begins(left));
    tokio::pin!(interrupted);
    while left > 0 {
        while going.len() < order.fanout.max(1)
            && let Some((at, ip)) = waiting.pop_front()
        {
            going.spawn(one(Arc::clone(&order), Arc::clone(&folder), at, ip, to.clone()));
        }
        tokio::select! {
            Some(next) = news.recv() => match next {
                News::Line(at, stream, line) => {
                    runs[at].take(stream, &line);
                    heard(Heard::Line { ip: runs[at].ip, stream, line: &line });
                }
                News::Ended(at, verdict, copied) => {
                    runs[at].verdict = verdict;
                    runs[at].copied = runs[at].copied.take().map(|_| copied);
                    left -= 1;
                    heard(Heard::Ended(&runs[at]));
                }
            },
            Some(_) = going.join_next() => {}
            () = &mut interrupted => break,
        }
    }
    runs
}

/// Does the errand on one worker.
async fn one(order: Arc<Order>, folder: Arc<RunFolder>, at: usize, ip: IpAddr, to: mpsc::Sender<News>) {
    let (done, program) = match &order.errand {
        Errand::Command { pdsh, command } => {
            let done = command_on(&order, (pdsh, command), &folder, at, ip, &to).await;
            (done.map(|verdict| (verdict, Copied::default())), "pdsh")
        }
        Errand::Copy(copy) => {
            let say = |line| to.send(News::Line(at, Stream::Stderr, line));
            let limit = order.command_timeout_s.map_or(FOREVER, |seconds| within(&order, seconds));
            let done = tokio::time::timeout(limit, copy.on(&folder, ip, say)).await;
            (done.unwrap_or(Ok((Verdict::TimedOut, Copied::default()))), "ssh")
        }
    };
    let (verdict, copied) = done.unwrap_or_else(|error| {
        let reason = format!("cannot run {program}: {error}");
        (Verdict::Unreachable { reach: Reach::Unreachable, reason }, Copied::default())
    });
    let _nobody_listens = to.send(News::Ended(at, verdict, copied)).await;
}

/// Longest time with a limit: until there is a login, and then so many seconds.
fn within(order: &Order, seconds: u64) -> Duration {
    Duration::from_secs(seconds + order.connect_timeout_s)
}

async fn command_on(
    order: &Order,
    (pdsh, command): (&Path, &str),
    folder: &RunFolder,
    at: usize,
    ip: IpAddr,
    to: &mpsc::Sender<News>,
) -> io::Result<Verdict> {
    let mut program = group::command(pdsh);
    program.args(plan::pdsh_arguments(ip, command, order.command_timeout_s));
    program.env("PDSH_SSH_ARGS", plan::pdsh_ssh_args()).current_dir(folder.path());
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut pdsh = Group::start(&mut program)?;
    let (stdout, stderr) = (pdsh.child.stdout.take(), pdsh.child.stderr.take());
    let reading = async {
        tokio::join!(
            read(stdout, |line| to.send(News::Line(at, Stream::Stdout, line)), |_| None),
            read(stderr, |line| to.send(News::Line(at, Stream::Stderr, line)), |line| pdsh_said(line, ip)),
        )
    };
    // pdsh ends a command that takes too long; this is for a pdsh that does not.
    let limit = order.command_timeout_s.map_or(FOREVER, |seconds| within(order, seconds) + GRACE);
    let Ok((_, timed_out)) = tokio::time::timeout(limit, reading).await else { return Ok(Verdict::TimedOut) };
    let exit = pdsh.ended(GRACE).await.filter(|_| !timed_out);
    Ok(Verdict::of(exit, &folder.said_about(ip)))
}

/// Words of pdsh itself behind what the command wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Own {
    /// Where they begin in the line.
    start: usize,
    /// Whether they say that the time is over.
    timeout: bool,
}

/// Finds pdsh's own words in a line of standard error; they follow the command's last bytes
/// directly when these do not end a line.
fn pdsh_said(line: &str, ip: IpAddr) -> Option<Own> {
    let ends = [format!("sending SIGTERM to ssh {ip}"), format!("sending signal 15 to {ip} [ssh] pid ")];
    if let Some(start) = ends.iter().find_map(|words| line.rfind(words)) {
        return Some(Own { start, timeout: false });
    }
    let start = line.rfind("pdsh@")?;
    let (_, said) = line[start..].split_once(": ")?;
    let said = said.strip_prefix(&format!("{ip}: "))?;
    let timeout = said == "command timeout";
    (timeout || said.starts_with("ssh exited with exit code ") || said.starts_with("signal "))
        .then_some(Own { start, timeout })
}

/// Reads a stream to its end, line by line; says whether pdsh gave up.
pub(super) async fn read<F: Future>(
    stream: Option<impl AsyncRead + Unpin>,
    mut hand_on: impl FnMut(String) -> F,
    own: impl Fn(&str) -> Option<Own>,
) -> bool {
    let Some(stream) = stream else { return false };
    let mut stream = BufReader::new(stream);
    let (mut bytes, mut timed_out) = (Vec::new(), false);
    loop {
        bytes.clear();
        // A pipe that breaks has ended.
        if (&mut stream).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes).await.unwrap_or(0) == 0 {
            return timed_out;
        }
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim_end_matches(['\n', '\r']);
        match own(line) {
            Some(said) => {
                timed_out |= said.timeout;
                if said.start > 0 {
                    hand_on(line[..said.start].to_owned()).await;
                }
            }
            None => drop(hand_on(line.to_owned()).await),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pdshs_own_words_are_told_from_the_commands() {
        let ip = IpAddr::from([10, 0, 0, 1]);
        let table = [
            ("plain", None),
            ("pdsh@vm: 10.0.0.1: ssh exited with exit code 3", Some((0, false))),
            ("no enderpdsh@vm: 10.0.0.1: ssh exited with exit code 3", Some((8, false))),
            ("pdsh@vm: 10.0.0.1: command timeout", Some((0, true))),
            ("pdsh@vm: 10.0.0.2: command timeout", None),
            ("sending SIGTERM to ssh 10.0.0.1", Some((0, false))),
            ("sending signal 15 to 10.0.0.1 [ssh] pid 7", Some((0, false))),
            ("pdsh@vm: anything", None),
        ];
        for (line, expected) in table {
            assert_eq!(pdsh_said(line, ip).map(|own| (own.start, own.timeout)), expected, "{line}");
        }
    }
}
