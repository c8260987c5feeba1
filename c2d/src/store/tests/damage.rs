//! Folders whose queue is gone, and single values that cannot be read.

use c2_shared::advice::{Advice as _, with_causes};
use c2_shared::id::{AttemptId, JobId};

use super::{Lab, StoreError, add, open, worker};
use crate::sched::Decision;
use crate::sched::decision::KeyRecord;
use crate::sched::fit::Share;
use crate::store::examine;

#[test]
fn a_folder_whose_queue_is_gone_gets_no_second_one() {
    for trace in ["authority.pem", "jobs.log", "audit.log", "c2.db.new", "c2.db.moved"] {
        let lab = Lab::new();
        let file = |name: &str| lab.path().join(name);
        lab.open().writer.close();
        std::fs::remove_file(file("c2.db")).unwrap();
        std::fs::write(file("config.json"), "{}").unwrap();
        std::fs::write(file(trace), "something").unwrap();
        for is_empty in [false, true] {
            if is_empty {
                std::fs::write(file("c2.db"), "").unwrap();
            }
            let refused = open(lab.config()).map(|_| ()).unwrap_err();
            assert!(matches!(&refused, StoreError::NoQueue { traces, .. } if *traces == [trace]), "{refused:?}");
            let hint = refused.hint().unwrap();
            assert_eq!(hint.contains("c2d migrate URL"), trace == "c2.db.new", "{hint}");
            assert!(hint.contains(&format!("move {trace} away")), "{hint}");
            assert_eq!(std::fs::metadata(file("c2.db")).is_ok(), is_empty, "nothing was made");
        }
        // As a first start leaves it that was interrupted, and as people prepare it.
        std::fs::rename(file(trace), file("elsewhere")).unwrap();
        lab.open().writer.close();
    }
}

#[test]
fn a_value_that_cannot_be_read_is_named_by_a_look_and_by_a_start() {
    let lab = Lab::new();
    let id = worker(2).intro.id;
    let key = KeyRecord { key: "k".into(), digest: "d".into(), jobs: vec![JobId(1)], expires_ms: 9 };
    let assign = Decision::Assign {
        attempt: AttemptId { job: JobId(1), number: 1 },
        worker: id,
        ip: worker(2).intro.ip,
        share: Share::default(),
        ahead: false,
        at_ms: 7,
    };
    lab.commit(&[vec![Decision::PutWorker(Box::new(worker(2))), add(1), assign, Decision::RememberKey(key)]]);
    let path = lab.path().join("c2.db");
    let whole = std::fs::read(&path).unwrap();
    examine(&path).unwrap();
    for (damage, words) in [
        (r#"UPDATE job SET terms = '{"priority":"x"}'"#, "table job, id 1: "),
        ("UPDATE job SET attempt = -4", "table job, id 1: -4 is no count"),
        ("UPDATE hold SET takes = 'x'", "table hold, job 1, number 1: "),
        ("UPDATE hold SET outcome = 'x'", "table hold, job 1, number 1: "),
        ("UPDATE hold SET worker = 'x'", "table hold, job 1, number 1: no worker is \"x\""),
        ("UPDATE worker SET groups = 'x'", "table worker, id \"id2\": "),
        ("UPDATE worker SET tags = 'x'", "table worker, id \"id2\": "),
        ("UPDATE worker SET has = 'x'", "table worker, id \"id2\": "),
        ("UPDATE worker SET slots = -1", "table worker, id \"id2\": "),
        ("INSERT INTO notice (id, kind, at_ms, text) VALUES (7, 'x', 1, 't')", "table notice, id 7: "),
        ("UPDATE idempotency SET jobs = 'x'", "table idempotency, key \"k\": "),
        (
            "INSERT INTO meta VALUES ('observed', 'x') ON CONFLICT DO UPDATE SET value = 'x'",
            "table meta, name \"observ",
        ),
        ("DROP TABLE notice", "notice"),
    ] {
        std::fs::write(&path, &whole).unwrap();
        lab.sql(damage);
        let looked = with_causes(&examine(&path).unwrap_err());
        let started = with_causes(&open(lab.config()).map(|_| ()).unwrap_err());
        assert!(looked.contains(words) && started.contains(words), "{damage}: {looked}; {started}");
    }
    std::fs::write(&path, &whole).unwrap();
    lab.sql("INSERT INTO batch VALUES ('b', 'x')");
    let looked = with_causes(&examine(&path).unwrap_err());
    assert!(looked.contains("table batch, name \"b\": "), "{looked}");
    std::fs::write(&path, &whole).unwrap();
    lab.sql("DROP TABLE attempt");
    assert!(with_causes(&examine(&path).unwrap_err()).contains("the table attempt is missing"));
}
