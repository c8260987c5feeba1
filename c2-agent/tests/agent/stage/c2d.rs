//! A c2d that does what a test says: it hands out jobs, collects results, and can fall silent.
//!
//! It answers polls as the real one does: parked until there is something to say, an older poll
//! at once when a newer one comes, and everything again that the latest poll did not mention.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::files::CleanupReport;
use c2_shared::api::work::{
    Assignment, AttemptResult, Directive, Given, PollRequest, PollResponse, RegisterRequest, RegisterResponse,
    ReturnedAttempt,
};
use c2_shared::blob::BlobId;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobSpec, Outcome};

/// Longest time that any condition of a test may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What the test and the connections share.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) introductions: Vec<RegisterRequest>,
    pub(crate) jobs: BTreeMap<AttemptId, Assignment>,
    pub(crate) kills: BTreeSet<AttemptId>,
    pub(crate) results: BTreeMap<AttemptId, AttemptResult>,
    /// What the latest poll said.
    pub(crate) poll: PollRequest,
    pub(crate) polls: usize,
    /// Reports of cleanings.
    pub(crate) cleaned: Vec<CleanupReport>,
    /// Connections are closed without an answer.
    pub(crate) silent: bool,
    /// Sent with every answer.
    pub(crate) directives: Vec<Directive>,
    /// Jobs with a field that no agent knows yet.
    pub(crate) newer: BTreeSet<AttemptId>,
    /// Contents that came, by their names.
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// They stand still.
    pub(crate) slow_blobs: bool,
    /// None are taken.
    pub(crate) no_blobs: bool,
    /// Introductions are refused as from a second agent.
    pub(crate) taken: bool,
    /// How often they were.
    pub(crate) refused: usize,
    latest: u64,
}

#[derive(Clone)]
pub(crate) struct C2d {
    book: Arc<(Mutex<Book>, Condvar)>,
    pub(crate) port: u16,
}

impl C2d {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let c2d = Self { book: Arc::default(), port: listener.local_addr().unwrap().port() };
        let serving = c2d.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(&stream.unwrap()));
            }
        });
        c2d
    }

    /// Looks at or changes the book; parked polls look again afterwards.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let changed = change(&mut self.lock());
        self.book.1.notify_all();
        changed
    }

    /// Waits until the book says so.
    pub(crate) fn wait(&self, what: &str, until: impl Fn(&Book) -> bool) {
        let (book, timeout) = self.book.1.wait_timeout_while(self.lock(), PATIENCE, |book| !until(book)).unwrap();
        assert!(!timeout.timed_out(), "{what}; results {:?}, poll {:?}", book.results.keys(), book.poll);
    }

    /// Queues a job as the first attempt of `job`.
    pub(crate) fn submit(&self, job: u64, tags: &[&str], spec: JobSpec) -> AttemptId {
        let attempt = AttemptId { job: JobId(job), number: 1 };
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let assignment = Assignment { attempt, job_id: attempt.job, tags, spec, spec_sha256: None, ahead: false };
        self.change(|book| book.jobs.insert(attempt, assignment));
        attempt
    }

    /// Waits for the result of an attempt.
    pub(crate) fn result(&self, attempt: AttemptId) -> AttemptResult {
        self.wait(&format!("no result of {attempt}"), |book| book.results.contains_key(&attempt));
        self.change(|book| book.results[&attempt].clone())
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.0.lock().unwrap()
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some((path, body)) = read_request(&mut reader) {
            let mut writer = stream;
            if let Some(blob) = path.strip_prefix("/api/blobs/") {
                let status = self.blob(&blob[..64], body);
                let head = format!("HTTP/1.1 {status} X\r\nupload-offset: 0\r\ncontent-length: 0\r\n\r\n");
                writer.write_all(head.as_bytes()).unwrap();
                continue;
            }
            let Some((status, answer)) = self.answer(stream, &path, &body) else { return };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            if writer.write_all(&[head.as_bytes(), &answer].concat()).is_err() {
                return;
            }
        }
    }

    /// Takes a blob, or says whether it is here.
    fn blob(&self, name: &str, content: Vec<u8>) -> u16 {
        let mut book = self.book.1.wait_while(self.lock(), |book| book.slow_blobs).unwrap();
        if book.no_blobs {
            return 400;
        }
        if !content.is_empty() {
            assert_eq!(BlobId::of(&content).to_string(), name);
            book.blobs.insert(name.to_owned(), content);
            self.book.1.notify_all();
        }
        if book.blobs.contains_key(name) { 200 } else { 404 }
    }

    fn answer(&self, stream: &TcpStream, path: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut book = self.lock();
        if book.silent {
            return None;
        }
        if path == "/api/workers/register" {
            if book.taken {
                book.refused += 1;
                self.book.1.notify_all();
                let refusal = ErrorBody::new(ErrorCode::Conflict, "another agent is alive here", "use --address");
                return Some((409, serde_json::to_vec(&refusal).unwrap()));
            }
            book.introductions.push(serde_json::from_slice(body).unwrap());
            let ip: IpAddr = stream.peer_addr().unwrap().ip();
            let answer = RegisterResponse {
                ip,
                server_version: "0".to_owned(),
                output_keep_bytes: 1 << 20,
                protocol: Some(2),
                start: None,
            };
            return Some((200, serde_json::to_vec(&answer).unwrap()));
        }
        assert!(path.starts_with("/api/workers/get-work/127.0.0."), "{path}");
        let poll: PollRequest = serde_json::from_slice(body).unwrap();
        book.latest += 1;
        book.polls += 1;
        let (mine, wait) = (book.latest, Duration::from_secs(poll.wait_s));
        for result in &poll.unsent {
            let earlier = book.results.entry(result.attempt).or_insert_with(|| result.clone());
            assert_eq!(earlier, result, "a result never changes");
        }
        for ReturnedAttempt { attempt, reason, .. } in &poll.returned {
            let result = AttemptResult::new(*attempt, Outcome::Setup { reason: reason.clone() });
            book.results.insert(*attempt, result);
        }
        book.cleaned.extend(poll.cleaned.iter().cloned());
        book.poll = poll.clone();
        self.book.1.notify_all();
        let idle =
            |book: &mut Book| book.latest == mine && !book.silent && orders(book, &poll) == PollResponse::default();
        let (book, _) = self.book.1.wait_timeout_while(book, wait, idle).unwrap();
        if book.silent {
            return None;
        }
        let orders = if book.latest == mine { orders(&book, &poll) } else { PollResponse::default() };
        let mut orders = serde_json::to_value(&orders).unwrap();
        for given in orders["assign"].as_array_mut().unwrap() {
            if serde_json::from_value(given["attempt"].clone()).is_ok_and(|attempt| book.newer.contains(&attempt)) {
                given["spec"]["of_tomorrow"] = true.into();
            }
        }
        Some((200, serde_json::to_vec(&orders).unwrap()))
    }
}

fn orders(book: &Book, poll: &PollRequest) -> PollResponse {
    let here = |attempt: &AttemptId| book.results.contains_key(attempt) || poll.running.contains(attempt);
    let waiting = book.jobs.iter().filter(|(attempt, _)| !here(attempt)).map(|(_, job)| job.clone());
    PollResponse {
        assign: waiting.take(poll.slots_free as usize).map(Box::new).map(Given::Readable).collect(),
        recall: Vec::new(),
        kill: poll.running.iter().filter(|attempt| book.kills.contains(attempt)).copied().collect(),
        ack: poll.unsent.iter().map(|r| r.attempt).chain(poll.returned.iter().map(|r| r.attempt)).collect(),
        want: Vec::new(),
        limits: BTreeMap::new(),
        may_sleep: false,
        directives: if poll.cleaned.is_empty() { book.directives.clone() } else { Vec::new() },
        epoch: None,
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|len| *len > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut len, mut in_chunks) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|len| *len > 0)?;
        if header == "\r\n" {
            break;
        }
        let (name, value) = header.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            len = value.trim().parse().ok()?;
        }
        in_chunks |= name.eq_ignore_ascii_case("transfer-encoding");
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()?;
    while in_chunks {
        let mut len = String::new();
        reader.read_line(&mut len).ok()?;
        let mut chunk = vec![0; usize::from_str_radix(len.trim(), 16).ok()? + 2];
        reader.read_exact(&mut chunk).ok()?;
        chunk.truncate(chunk.len() - 2);
        in_chunks = !chunk.is_empty();
        body.extend(chunk);
    }
    Some((path, body))
}
