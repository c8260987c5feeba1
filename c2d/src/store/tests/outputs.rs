//! What the attempts of a job wrote: the first and the last outputs stay.

use c2_shared::api::output::{Output, OutputBlob};
use c2_shared::api::work::AttemptResult;
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::config::{Retention, ServerConfig};
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Outcome;
use c2_shared::limits::{BLOB_UNUSED_MS, BLOB_UNUSED_SHORT_MS};
use serde_json::json;

use super::blobs::{block_on, output};
use super::{Lab, commit, end, job, worker};
use crate::engine::{Batch, Durable as _};
use crate::sched::Decision;
use crate::sched::decision::{Back, JobRecord};
use crate::sched::event::Now;
use crate::sched::fit::Share;
use crate::services::blob_gc::Gc;
use crate::store::{Blobs, History, Opened, open};

const JOB: JobId = JobId(1);

/// What an attempt wrote, unless its worker was lost; the second left a file.
fn result(number: u32) -> AttemptResult {
    let files = if number == 2 { json!([{"path": "out", "size": 1, "sha256": "ab".repeat(32)}]) } else { json!([]) };
    let stdout = Bytes64(format!("attempt {number}\n").into_bytes());
    let outcome = json!({"kind": "exit", "code": 1});
    let attempt = AttemptId { job: JOB, number };
    serde_json::from_value(json!({"attempt": attempt, "outcome": outcome, "stdout": {"head": stdout}, "files": files}))
        .unwrap()
}

/// Gives the job out once more, and takes it back with what it wrote.
fn try_once(opened: &mut Opened, number: u32, lost: bool, last: bool) {
    deliver(opened, number, Some(&result(number)).filter(|_| !lost), last);
}

fn deliver(opened: &mut Opened, number: u32, written: Option<&AttemptResult>, last: bool) {
    let lost = written.is_none();
    let (attempt, id) = (AttemptId { job: JOB, number }, worker(2).intro.id);
    let back = if lost { Back::Lost { crash: false } } else { Back::Retry };
    let outcome = if lost { Outcome::Lost } else { Outcome::Exit { code: 1 } };
    let ending = if last { end(1, number, 1) } else { Decision::Requeue { attempt, outcome, back, at_ms: 2 } };
    let given = Decision::Assign {
        attempt,
        worker: id.clone(),
        ip: worker(2).intro.ip,
        share: Share::default(),
        ahead: false,
        at_ms: 1,
    };
    let outputs = written.into_iter().map(output).collect();
    let decisions = vec![given, ending, Decision::Free { attempt, worker: id }];
    block_on(opened.writer.commit(Batch { decisions, outputs, now: Now::default() })).unwrap();
}

/// The attempts whose output is kept, as their list says and as they can be read.
fn kept(history: &History, tried: u32) -> Vec<u32> {
    let attempts = block_on(history.job(JOB)).unwrap().unwrap().attempts;
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), (1..=tried).collect::<Vec<_>>());
    let listed = attempts.iter().filter(|attempt| attempt.output_kept == Some(true)).map(|attempt| attempt.number);
    let listed: Vec<u32> = listed.collect();
    for number in 0..=tried + 1 {
        let found = block_on(history.output(JOB, Some(number))).unwrap();
        let expected = listed.contains(&number).then(|| result(number).stdout);
        assert_eq!(found.map(|output| output.stdout), expected, "attempt {number}");
    }
    let latest = block_on(history.output(JOB, None)).unwrap();
    assert_eq!(latest.map(|output| output.attempt.number), listed.last().copied());
    listed
}

#[test]
fn the_first_and_the_last_four_outputs_stay() {
    // An attempt that was lost has no output, and pushes none out.
    for (lost, after_six) in [(0, vec![1, 3, 4, 5, 6]), (3, vec![1, 2, 4, 5, 6])] {
        let lab = Lab::new();
        let mut opened = lab.open();
        let retried = JobRecord { retries_left: 8, ..job(1) };
        let begin = [Decision::PutWorker(Box::new(worker(2))), Decision::AddJob(Box::new(retried))];
        commit(&mut opened, &begin).unwrap();
        assert!(kept(&opened.history, 0).is_empty());
        for number in 1..=9 {
            try_once(&mut opened, number, number == lost, number == 9);
            let expected = match number {
                ..=5 => (1..=number).filter(|number| *number != lost).collect(),
                6 => after_six.clone(),
                _ => vec![1, number - 3, number - 2, number - 1, number],
            };
            assert_eq!(kept(&opened.history, number), expected, "after {number}");
        }
        assert_eq!(block_on(opened.history.files(JOB)).unwrap().attempt, 2, "files stay");
        opened.writer.close();
        assert_eq!(kept(&lab.open().history, 9), [1, 6, 7, 8, 9], "also after a start");
    }
}

/// A result with standard output of so many bytes in a blob, which is put there.
fn long(blobs: &Blobs, number: u32, bytes: u8) -> AttemptResult {
    let content = vec![u8::try_from(number).unwrap(); usize::from(bytes)];
    let sha256 = BlobId::of(&content);
    blobs.keep(&[(sha256, Bytes64(content))].into(), 0).unwrap();
    let blob = Some(OutputBlob { sha256, size: bytes.into(), dropped_at: bytes.into() });
    AttemptResult { stdout: Output { blob, ..Output::default() }, ..result(number) }
}

fn begin(lab: &Lab, keep: Retention) -> Opened {
    let mut opened = open(super::Config { keep, ..lab.config() }).unwrap();
    let retried = JobRecord { retries_left: 8, ..job(1) };
    commit(&mut opened, &[Decision::PutWorker(Box::new(worker(2))), Decision::AddJob(Box::new(retried))]).unwrap();
    opened
}

/// Attempts and the bytes of their outputs that are kept.
fn sizes(history: &History) -> Vec<(u32, u64, u64)> {
    let stored = (1..10).filter_map(|number| block_on(history.output(JOB, Some(number))).unwrap());
    stored.map(|stored| (stored.attempt.number, stored.stdout.kept_bytes(), stored.stdout.dropped)).collect()
}

#[test]
fn outputs_of_one_job_are_bounded_together() {
    let lab = Lab::new();
    let keep = Retention { output_keep_bytes: 100, ..ServerConfig::default().retention() };
    let mut opened = begin(&lab, keep);
    let table = [
        (1, 60, vec![(1, 60, 0)]),
        (2, 30, vec![(1, 60, 0), (2, 30, 0)]),
        (3, 20, vec![(1, 60, 0), (3, 20, 0)]),
        (4, 90, vec![(4, 90, 0)]),
        (5, 200, vec![(5, 200, 0)]),
    ];
    for (number, bytes, left) in table {
        let written = long(&opened.blobs, number, bytes);
        deliver(&mut opened, number, Some(&written), number == 5);
        assert_eq!(sizes(&opened.history), left, "after {number}");
    }
    opened.writer.close();
}

#[test]
fn the_oldest_jobs_let_go_of_their_blobs_when_these_are_too_many() {
    let lab = Lab::new();
    let keep = Retention { keep_blob_bytes: 120, ..ServerConfig::default().retention() };
    let mut opened = begin(&lab, keep);
    let written = long(&opened.blobs, 1, 100);
    deliver(&mut opened, 1, Some(&written), true);
    let gc = Gc { blobs: opened.blobs.clone(), history: opened.history.clone(), space: opened.space.clone() };
    let later_ms = || now_ms() + BLOB_UNUSED_SHORT_MS + 2_000;
    block_on(gc.once(later_ms())).unwrap();
    assert_eq!(sizes(&opened.history), [(1, 100, 0)], "there is room");

    let unused = BlobId::of(&[9; 50]);
    opened.blobs.keep(&[(unused, Bytes64(vec![9; 50]))].into(), 0).unwrap();
    block_on(gc.once(now_ms())).unwrap();
    assert!(opened.blobs.read(unused).unwrap().is_some(), "somebody may be about to name it");
    assert_eq!(sizes(&opened.history), [(1, 0, 100)], "what is gone is missing");
    let stored = block_on(opened.history.output(JOB, None)).unwrap().unwrap();
    assert!(stored.stdout.reason.contains("keep_blob_bytes"), "{stored:?}");
    block_on(gc.once(later_ms())).unwrap();
    assert_eq!((opened.blobs.surplus(), opened.blobs.read(unused).unwrap().is_some()), (0, false));
    opened.writer.close();
}

#[test]
fn files_in_a_long_list_stay_as_long_as_their_job() {
    let lab = Lab::new();
    let mut opened = begin(&lab, ServerConfig::default().retention());
    let put = |content: &[u8]| {
        let blob = BlobId::of(content);
        opened.blobs.keep(&[(blob, Bytes64(content.to_vec()))].into(), 0).unwrap();
        blob
    };
    let file = put(b"file");
    let list = json!({"files": [{"path": "out", "size": 4, "sha256": file}], "problems": []}).to_string();
    let written = AttemptResult { listing: Some(put(list.as_bytes())), ..result(1) };
    deliver(&mut opened, 1, Some(&written), true);
    let gc = Gc { blobs: opened.blobs.clone(), history: opened.history.clone(), space: opened.space.clone() };
    let later_ms = || now_ms() + BLOB_UNUSED_MS + 2_000;
    block_on(gc.once(later_ms())).unwrap();
    assert!(opened.blobs.read(file).unwrap().is_some());
    opened.writer.close();
    lab.sql("DELETE FROM job");
    let opened = lab.open();
    let gc = Gc { blobs: opened.blobs.clone(), history: opened.history.clone(), space: opened.space.clone() };
    block_on(gc.once(later_ms())).unwrap();
    assert!(opened.blobs.read(file).unwrap().is_none());
    opened.writer.close();
}

fn now_ms() -> u64 {
    crate::clock::Clock::start(0).now().wall_ms
}
