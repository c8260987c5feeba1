//! Specifications that were changed on the disk, or that another version wrote.

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::JobState;
use rusqlite::Connection;

use super::{Decision, Lab, StoreError, add, end, worker};
use crate::rows::job_row;
use crate::sched::fit::Share;
use crate::store::examine;

/// Changes stored specifications behind the back of c2d.
fn tamper(lab: &Lab, sql: &str) {
    let connection = Connection::open(lab.path().join("c2.db")).unwrap();
    connection.execute_batch("DROP TRIGGER job_ended_is_final").unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn what_cannot_be_used_is_held_and_the_rest_goes_on() {
    let lab = Lab::new();
    let attempt = AttemptId { job: JobId(4), number: 1 };
    let running = Decision::Assign {
        attempt,
        worker: worker(2).intro.id,
        ip: worker(2).intro.ip,
        share: Share::default(),
        ahead: false,
        at_ms: 7,
    };
    let jobs = (1..=6).map(add).collect();
    lab.commit(&[vec![Decision::PutWorker(Box::new(worker(2)))], jobs, vec![running, end(5, 0, 1)]]);
    assert_eq!(examine(&lab.path().join("c2.db")).unwrap(), 6);
    tamper(
        &lab,
        r#"UPDATE job SET payload = '{"command":"rm -r /"}' WHERE id IN (1, 5);
           UPDATE job SET payload = '{"command":"true","moon":"full"}', digest = NULL WHERE id = 2;
           UPDATE job SET payload = 'no JSON' WHERE id = 4;
           UPDATE job SET digest = NULL WHERE id = 6;"#,
    );
    let saved = lab.saved();
    let states: Vec<(u64, JobState)> = saved.jobs.iter().map(|job| (job.id.0, job.state)).collect();
    let expected = [
        (1, JobState::Held),
        (2, JobState::Held),
        (3, JobState::Queued),
        (4, JobState::Running),
        (6, JobState::Queued),
    ];
    assert_eq!(states, expected);
    let defects: Vec<(u64, &str)> = saved.defects.iter().map(|(job, why)| (job.0, why.as_str())).collect();
    let changed = "its specification was changed in the database";
    assert_eq!(defects.len(), 3, "{defects:?}");
    assert_eq!((defects[0], defects[2]), ((1, changed), (4, changed)));
    assert!(defects[1].0 == 2 && defects[1].1.contains("unknown field `moon`"), "{defects:?}");

    let path = lab.path().join("c2.db");
    let waiting = Connection::open(path).unwrap().query_row("SELECT state FROM job WHERE id = 1", [], |row| row.get(0));
    assert_eq!(waiting, Ok(1), "the database says that it is held");

    match examine(&lab.path().join("c2.db")) {
        Err(StoreError::Unreadable { what }) => assert!(what.contains("job-1") && what.contains(changed), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_says_that_its_specification_cannot_be_read() {
    let lab = Lab::new();
    lab.commit(&[vec![add(1)], vec![end(1, 0, 1)]]);
    tamper(&lab, "UPDATE job SET payload = 'no JSON'");
    let opened = lab.open();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let job = runtime.block_on(opened.history.job(JobId(1))).unwrap().unwrap();
    assert!(job.spec().is_err());
    assert!(job_row(&job.view).command.starts_with("(its specification cannot be read"), "{job:?}");
    opened.writer.close();
}
