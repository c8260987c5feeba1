//! Blobs that nobody needs go; all others stay.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::{Duration, SystemTime};

use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::limits::BLOB_UNUSED_MS;

use super::{Lab, add, commit, end, job};
use crate::engine::{Batch, Durable as _};
use crate::sched::Decision;
use crate::sched::event::Now;
use crate::services::blob_gc::Gc;
use crate::store::{BlobError, Blobs, Opened};

const OLD_MS: u64 = 1_700_000_000_000;
const NOW_MS: u64 = OLD_MS + BLOB_UNUSED_MS + 2_000;

fn put(blobs: &Blobs, content: &str) -> BlobId {
    let blob = BlobId::of(content.as_bytes());
    let mut incoming = blobs.receive(blob, 0, 0).unwrap();
    incoming.append(content.as_bytes()).unwrap();
    assert_eq!(incoming.finish().unwrap(), content.len() as u64);
    blob
}

/// Makes a blob, or a part of one, as old as it must be to go.
fn age(lab: &Lab, name: &str) {
    let then = SystemTime::UNIX_EPOCH + Duration::from_millis(OLD_MS);
    File::options().write(true).open(lab.path().join("files").join(name)).unwrap().set_modified(then).unwrap();
}

fn names(lab: &Lab) -> Vec<String> {
    let entries = std::fs::read_dir(lab.path().join("files")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_folder_that_is_removed_is_made_again() {
    let lab = Lab::new();
    let opened = lab.open();
    for number in 0..3 {
        std::fs::remove_dir_all(lab.path().join("files")).unwrap();
        let content = Bytes64(vec![number; 10]);
        let blob = BlobId::of(&content.0);
        match number {
            0 => opened.blobs.keep(&BTreeMap::from([(blob, content)]), 0).unwrap(),
            1 => assert!(opened.blobs.check_room(10, 0).is_ok()),
            _ => drop(put(&opened.blobs, "sent")),
        }
        let mode = std::fs::metadata(lab.path().join("files")).unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o700);
    }
    opened.writer.close();
}

#[test]
fn only_what_no_job_names_and_nobody_wants_goes() {
    let lab = Lab::new();
    let mut opened = lab.open();
    let blobs = opened.blobs.clone();
    let [uploaded, stdin, left, wanted, fresh, unused] =
        ["uploaded", "stdin", "left", "wanted", "fresh", "unused"].map(|content| put(&blobs, content));
    drop(blobs.receive(BlobId::of(b"part"), 0, 0).unwrap());
    for blob in [uploaded, stdin, left, wanted, unused] {
        age(&lab, &blob.to_string());
    }
    age(&lab, &format!("{}.part", BlobId::of(b"part")));
    let mut with_upload = job(1);
    with_upload.payload = format!(r#"{{"command":"x","upload":[{{"path":"a","sha256":"{uploaded}"}}]}}"#).into();
    let mut with_stdin = job(3);
    with_stdin.payload = format!(r#"{{"command":"x","stdin_sha256":"{stdin}"}}"#).into();
    let jobs = [with_upload, with_stdin].map(|job| Decision::AddJob(Box::new(job)));
    commit(&mut opened, &[&jobs[..1], &[add(2)], &jobs[1..]].concat()).unwrap();
    let result = c2_shared::api::work::AttemptResult {
        files: vec![c2_shared::api::files::JobFile {
            path: "out".to_owned(),
            size: 4,
            sha256: left,
            mode: None,
            content: None,
        }],
        ..serde_json::from_str(r#"{"attempt":"job-2.1","outcome":{"kind":"timeout"}}"#).unwrap()
    };
    let outputs = vec![output(&result)];
    let batch = Batch { decisions: vec![end(2, 0, 1)], outputs, now: Now::default() };
    block_on(opened.writer.commit(batch)).unwrap();
    assert!(blobs.status(wanted).unwrap().complete, "which counts as asking for it");
    collect(&opened, NOW_MS);
    let mut expected = [uploaded, stdin, left, wanted, fresh].map(|blob| blob.to_string());
    expected.sort();
    assert_eq!(names(&lab), expected);
    assert_eq!(block_on(opened.history.files(c2_shared::id::JobId(2))).unwrap().files, result.files);

    // When a job is removed, what it named goes with it.
    opened.writer.close();
    lab.sql("DELETE FROM job");
    let opened = lab.open();
    collect(&opened, NOW_MS);
    opened.writer.close();
    let mut expected = [wanted, fresh].map(|blob| blob.to_string());
    expected.sort();
    assert_eq!(names(&lab), expected);
}

fn collect(opened: &Opened, now_ms: u64) {
    let gc = Gc { blobs: opened.blobs.clone(), history: opened.history.clone(), space: opened.space.clone() };
    block_on(gc.once(now_ms)).unwrap();
}

pub(super) fn output(result: &c2_shared::api::work::AttemptResult) -> crate::engine::AttemptOutput {
    crate::engine::AttemptOutput { digest: crate::store::digest(result), result: result.clone(), order: None }
}

#[test]
fn contents_are_kept_beside_a_sender_of_the_same() {
    let lab = Lab::new();
    let opened = lab.open();
    let contents = ["content", "other", ""].map(|content| (BlobId::of(content.as_bytes()), Bytes64(content.into())));
    let mut sender = opened.blobs.receive(contents[0].0, 0, 0).unwrap();
    sender.append(b"cont").unwrap();
    for _ in 0..2 {
        opened.blobs.keep(&contents.clone().into(), 0).unwrap();
    }
    for (blob, content) in &contents {
        assert_eq!(opened.blobs.content(*blob, 7).unwrap().as_ref(), Some(&content.0));
    }
    assert_eq!(opened.blobs.content(contents[0].0, 6).unwrap(), None, "it is larger");
    assert_eq!(opened.blobs.content(BlobId::of(b"missing"), 6).unwrap(), None);
    sender.append(b"ent").unwrap();
    sender.finish().unwrap();
    let mut expected = contents.map(|(blob, _)| blob.to_string());
    expected.sort();
    assert_eq!(names(&lab), expected);

    let many: BTreeMap<_, _> = (0..100_u8).map(|byte| (BlobId::of(&[byte]), Bytes64(vec![byte]))).collect();
    opened.blobs.keep(&many, 0).unwrap();
    assert_eq!(opened.blobs.missing(many.into_keys()).unwrap(), []);
    assert_eq!(names(&lab).len(), 103);
    opened.writer.close();
}

#[test]
fn what_is_not_whole_belongs_to_its_sender() {
    let lab = Lab::new();
    let opened = lab.open();
    let blob = BlobId::of(b"content");
    let (one, other) = (opened.blobs.of("one"), opened.blobs.of("other"));
    let mut garbage = one.receive(blob, 0, 0).unwrap();
    garbage.append(b"garb").unwrap();
    assert_eq!((one.status(blob).unwrap().size, other.status(blob).unwrap().size), (4, 0));
    put(&other, "content");
    assert!(one.status(blob).unwrap().complete, "while the other one is at it");
    drop(garbage);
    assert_eq!((one.sent(), other.sent()), (vec![], vec![(blob, 7)]));

    // After a restart it is known who sent what no job uses.
    opened.writer.close();
    let opened = lab.open();
    let other = opened.blobs.of("other");
    assert_eq!(other.sent(), [(blob, 7)]);
    let mut with_upload = job(1);
    with_upload.payload = format!(r#"{{"command":"x","upload":[{{"path":"a","sha256":"{blob}"}}]}}"#).into();
    let mut opened = opened;
    commit(&mut opened, &[Decision::AddJob(Box::new(with_upload))]).unwrap();
    let unused = put(&other, "unused");
    let purge = || block_on(crate::services::blob_gc::remove_unused(&other, &opened.history, u64::MAX, 0)).unwrap();
    assert_eq!(purge(), (1, 6));
    assert_eq!((other.sent(), other.status(unused).unwrap().complete), (vec![], false));
    assert_eq!(names(&lab), [blob.to_string()], "and nothing beside it");
    opened.writer.close();
}

#[test]
fn one_sender_at_a_time() {
    let lab = Lab::new();
    let opened = lab.open();
    let blob = BlobId::of(b"content");
    let mut first = opened.blobs.receive(blob, 0, 0).unwrap();
    assert!(matches!(opened.blobs.receive(blob, 0, 0), Err(BlobError::Busy)));
    first.append(b"cont").unwrap();
    drop(first);
    assert!(matches!(opened.blobs.receive(blob, 0, 0), Err(BlobError::Offset { has: 4 })));
    let mut second = opened.blobs.receive(blob, 4, 0).unwrap();
    second.append(b"ent").unwrap();
    second.finish().unwrap();
    assert_eq!(names(&lab), [blob.to_string()]);
    opened.writer.close();
}

#[test]
fn a_clock_that_was_set_makes_nothing_old() {
    let lab = Lab::new();
    let opened = lab.open();
    let unused = put(&opened.blobs, "unused");
    age(&lab, &unused.to_string());
    opened.blobs.date_anew().unwrap();
    assert!(opened.blobs.stale(NOW_MS, BLOB_UNUSED_MS).unwrap().is_empty(), "it counts from now on");
    age(&lab, &unused.to_string());
    assert_eq!(opened.blobs.stale(NOW_MS, BLOB_UNUSED_MS).unwrap().len(), 1);
    opened.writer.close();
}

#[test]
fn what_was_damaged_counts_as_missing_and_is_kept_beside() {
    let lab = Lab::new();
    let opened = lab.open();
    let blob = BlobId::of(b"content");
    let reads: [fn(&Blobs, BlobId) -> bool; 2] = [
        |blobs, blob| blobs.verified(blob).unwrap().is_some(),
        |blobs, blob| blobs.content(blob, 100).unwrap().is_some(),
    ];
    for read in reads {
        put(&opened.blobs, "content");
        assert!(read(&opened.blobs, blob));
        std::fs::write(lab.path().join("files").join(blob.to_string()), "c0ntent").unwrap();
        assert!(!read(&opened.blobs, blob));
        assert!(!opened.blobs.status(blob).unwrap().complete && opened.blobs.is_damaged(blob));
        assert_eq!(names(&lab), [format!("{blob}.damaged")]);
    }
    // A long one is not hashed each time, and what is written to it later is found all the same.
    let long = "long".repeat(1 << 19);
    let blob = BlobId::of(long.as_bytes());
    put(&opened.blobs, &long);
    assert!(reads[0](&opened.blobs, blob) && reads[0](&opened.blobs, blob));
    std::thread::sleep(Duration::from_millis(50));
    std::fs::write(lab.path().join("files").join(blob.to_string()), "b".repeat(long.len())).unwrap();
    assert!(!reads[0](&opened.blobs, blob));
    opened.writer.close();
}
