//! What the attempts of a job wrote: the first and the last outputs stay.

use c2_shared::api::work::AttemptResult;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Outcome;
use serde_json::json;

use super::blobs::{block_on, output};
use super::{Lab, commit, end, job, worker};
use crate::engine::{Batch, Durable as _};
use crate::sched::Decision;
use crate::sched::decision::{Back, JobRecord};
use crate::sched::event::Now;
use crate::store::{History, Opened};

const JOB: JobId = JobId(1);

/// What an attempt wrote, unless its worker was lost; the second left a file.
fn result(number: u32) -> AttemptResult {
    let files = if number == 2 { json!([{"path": "out", "size": 1, "sha256": "ab".repeat(32)}]) } else { json!([]) };
    let stdout = c2_shared::bytes64::Bytes64(format!("attempt {number}\n").into_bytes());
    let outcome = json!({"kind": "exit", "code": 1});
    let attempt = AttemptId { job: JOB, number };
    serde_json::from_value(json!({"attempt": attempt, "outcome": outcome, "stdout": {"head": stdout}, "files": files}))
        .unwrap()
}

/// Gives the job out once more, and takes it back with what it wrote.
fn try_once(opened: &mut Opened, number: u32, lost: bool, last: bool) {
    let (attempt, id) = (AttemptId { job: JOB, number }, worker(2).intro.id);
    let back = if lost { Back::Lost { crash: false } } else { Back::Retry };
    let outcome = if lost { Outcome::Lost } else { Outcome::Exit { code: 1 } };
    let ending = if last { end(1, number, 1) } else { Decision::Requeue { attempt, outcome, back, at_ms: 2 } };
    let given = Decision::Assign { attempt, worker: id.clone(), ip: worker(2).intro.ip, tags: Vec::new(), at_ms: 1 };
    let outputs = if lost { Vec::new() } else { vec![output(&result(number))] };
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
