//! The log of a program on standard error, which never makes the program wait.
//!
//! Lines go through a bounded queue to a thread of their own. While nothing reads standard error (a
//! terminal that is stopped, a pipe whose reader hangs) the queue fills up, further lines are dropped
//! and counted, and the count is logged when somebody reads again.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::limits::LOG_LINES_WAITING;

/// How long the end of a program waits for its last lines, and how often it looks.
const END_TRIES: u32 = 100;
const END_PAUSE: Duration = Duration::from_millis(20);

/// The log of this program, from start to end.
#[derive(Debug)]
pub struct Logging {
    /// None where lines are written directly.
    queue: Option<Queue>,
}

/// What is written.
#[derive(Debug)]
enum Entry {
    Line(Vec<u8>),
    /// The last one; then the sender is answered.
    Last(Vec<u8>, SyncSender<()>),
}

/// Where log lines wait.
#[derive(Clone, Debug)]
struct Queue {
    entries: SyncSender<Entry>,
    dropped: Arc<AtomicUsize>,
}

/// What is logged, by the variable `C2_LOG`, if it is set.
fn filter() -> EnvFilter {
    let said = std::env::var("C2_LOG").ok().filter(|said| !said.is_empty());
    said.and_then(|said| EnvFilter::try_new(said).ok()).unwrap_or_else(|| EnvFilter::new("info"))
}

impl Logging {
    /// Starts logging; `C2_LOG` says what.
    #[must_use]
    pub fn start() -> Self {
        let (queue, entries) = Queue::new(LOG_LINES_WAITING);
        let dropped = Arc::clone(&queue.dropped);
        let write = move || write(&entries, &dropped, io::stderr());
        // Where a job has taken all processes there is no thread to be had, and a log is still wanted.
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(write);
        Self::by(thread.is_ok().then_some(queue))
    }

    /// The same for a program whose standard error is a file, which makes nothing wait.
    #[must_use]
    pub fn to_file() -> Self {
        Self::by(None)
    }

    fn by(queue: Option<Queue>) -> Self {
        let lines = queue.clone();
        tracing_subscriber::fmt()
            .with_env_filter(filter())
            .with_writer(move || -> Box<dyn Write> {
                match &lines {
                    Some(queue) => Box::new(queue.clone()),
                    None => Box::new(io::stderr()),
                }
            })
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .init();
        Self { queue }
    }

    /// Writes what waits and some last words, unless nothing reads them.
    pub fn end(self, words: &str) {
        let Some(queue) = self.queue else {
            drop(io::stderr().write_all(words.as_bytes()));
            return;
        };
        let (written, done) = sync_channel(1);
        let mut last = Entry::Last(words.into(), written);
        for _ in 0..END_TRIES {
            match queue.entries.try_send(last) {
                Ok(()) => {
                    // Without an answer there is no reader, so nothing is left to do.
                    let _unread = done.recv_timeout(END_PAUSE * END_TRIES);
                    return;
                }
                Err(TrySendError::Full(entry) | TrySendError::Disconnected(entry)) => last = entry,
            }
            std::thread::sleep(END_PAUSE);
        }
    }
}

impl Queue {
    fn new(lines: usize) -> (Self, Receiver<Entry>) {
        let (entries, receiver) = sync_channel(lines);
        (Self { entries, dropped: Arc::default() }, receiver)
    }
}

impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.entries.try_send(Entry::Line(line.to_owned())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes lines for as long as there may be any. Where they cannot be written they are lost: a log
/// whose reader is gone has no other place.
fn write(entries: &Receiver<Entry>, dropped: &AtomicUsize, mut out: impl Write) {
    loop {
        let entry = match entries.try_recv() {
            Err(TryRecvError::Empty) => {
                let count = dropped.swap(0, Ordering::Relaxed);
                if count > 0 {
                    tracing::warn!("dropped {count} lines of the log, which nothing read in time");
                }
                entries.recv().ok()
            }
            entry => entry.ok(),
        };
        match entry {
            Some(Entry::Line(line)) => drop(out.write_all(&line)),
            Some(Entry::Last(words, written)) => {
                drop(out.write_all(&words));
                let _answered = written.try_send(());
            }
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something to write to that waits for its reader at each line.
    struct Slow(SyncSender<String>);

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(line).into_owned();
            self.0.send(text).map(|()| line.len()).map_err(io::Error::other)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nothing_reads_are_dropped_and_counted() {
        let (mut queue, entries) = Queue::new(4);
        let dropped = Arc::clone(&queue.dropped);
        let (out, read) = sync_channel(0);
        let lines = queue.clone();
        let writer = std::thread::spawn(move || {
            let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || lines.clone()).finish();
            tracing::subscriber::with_default(subscriber, || write(&entries, &dropped, Slow(out)));
        });
        for n in 0..100 {
            queue.write_all(format!("line {n}\n").as_bytes()).unwrap();
        }
        let told = read.iter().find(|line| !line.starts_with("line ")).unwrap();
        assert!(told.contains("WARN") && told.contains("lines of the log, which nothing read in time"), "{told}");
        let count: usize = told.split(' ').skip_while(|word| *word != "dropped").nth(1).unwrap().parse().unwrap();
        assert!((95..=96).contains(&count), "four wait and one may be on its way: {told}");
        queue.write_all(b"line 100\n").unwrap();
        assert_eq!(read.recv().unwrap(), "line 100\n");
        // The writer ends with the test: its own subscriber keeps the queue open.
        drop(writer);
    }
}
