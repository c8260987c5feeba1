//! `jobs.log` and `workers.json`: derived, mended, edited by hand.

use c2_shared::api::jobs::LogEntry;

use super::{Lab, add, end, worker};
use crate::sched::Decision;

impl Lab {
    fn log(&self) -> String {
        std::fs::read_to_string(self.path().join("jobs.log")).unwrap()
    }

    /// The numbers of all lines that can be read.
    fn lines(&self) -> Vec<u64> {
        let text = self.log();
        assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
        text.lines().filter_map(|line| serde_json::from_str::<LogEntry>(line).ok()).map(|entry| entry.seq).collect()
    }
}

#[test]
fn each_ended_job_has_one_line_in_order() {
    let lab = Lab::new();
    lab.commit(&[vec![add(1), add(2), add(3)], vec![end(2, 0, 1), end(1, 0, 2)], vec![end(3, 0, 3)]]);
    assert_eq!(lab.lines(), [1, 2, 3]);
    let first: LogEntry = serde_json::from_str(lab.log().lines().next().unwrap()).unwrap();
    assert_eq!((first.job.job_id.0, first.ended_at.as_str()), (2, "2023-11-14T22:13:20.001Z"));
    lab.saved();
    assert_eq!(lab.lines(), [1, 2, 3], "another start adds nothing");
}

#[test]
fn a_log_that_a_crash_cut_short_is_mended_by_adding() {
    let lab = Lab::new();
    lab.commit(&[vec![add(1), add(2), end(1, 0, 1), end(2, 0, 2)]]);
    let whole = lab.log();
    for cut in [0, 1, whole.len() / 2 - 3, whole.len() / 2 + 5, whole.len() - 1] {
        std::fs::write(lab.path().join("jobs.log"), &whole[..cut]).unwrap();
        lab.saved();
        assert_eq!(lab.lines(), [1, 2], "cut at {cut}");
        assert!(lab.log().starts_with(&whole[..cut]), "what was there stays, cut at {cut}");
    }
    std::fs::remove_file(lab.path().join("jobs.log")).unwrap();
    lab.saved();
    assert_eq!(lab.log(), whole);
}

#[test]
fn a_list_of_workers_that_was_edited_is_taken_over() {
    let lab = Lab::new();
    lab.commit(&[vec![Decision::PutWorker(Box::new(worker(2)))]]);
    let path = lab.path().join("workers.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"gpu\""), "{text}");
    std::fs::write(
        &path,
        text.replace("\"gpu\"", "\"render\"").replace("{\n  \"127", "{\n  \"127.0.0.9\": {},\n  \"127"),
    )
    .unwrap();
    let saved = lab.saved();
    assert_eq!(saved.workers.len(), 2);
    assert_eq!(saved.workers[0].groups, ["render".to_owned()].into());
    assert_eq!(saved.workers[0].intro.hostname, "host2", "what the machine said of itself stays");
    assert_eq!(saved.workers[1].intro.slots, 4);
}

#[test]
fn a_list_of_workers_that_cannot_be_read_is_kept_aside() {
    let lab = Lab::new();
    lab.commit(&[vec![Decision::PutWorker(Box::new(worker(2)))]]);
    let path = lab.path().join("workers.json");
    for (n, bad) in ["{ not json", r#"{"127.0.0.2": {"groups": ["a b"]}}"#].into_iter().enumerate() {
        std::fs::write(&path, bad).unwrap();
        assert_eq!(lab.saved().workers, [worker(2)]);
        let aside = if n == 0 { "workers.json.bad".to_owned() } else { format!("workers.json.bad.{n}") };
        assert_eq!(std::fs::read_to_string(lab.path().join(aside)).unwrap(), bad);
        assert!(std::fs::read_to_string(&path).unwrap().contains("host2"), "and written anew");
    }
}
