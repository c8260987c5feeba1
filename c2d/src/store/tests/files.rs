//! `jobs.log` and `workers.json`: derived, repaired, edited by hand.

use c2_shared::api::jobs::LogEntry;
use c2_shared::time::Mono;

use super::{Lab, StoreError, add, end, open, worker};
use crate::engine::{Batch, Durable as _};
use crate::sched::Decision;
use crate::sched::event::Now;

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
fn who_is_told_of_an_end_finds_its_line() {
    let lab = Lab::new();
    let mut opened = lab.open();
    for n in 1..=50 {
        super::commit(&mut opened, &[add(n), end(n, 0, n)]).unwrap();
        assert_eq!(lab.lines().last(), Some(&n));
    }
    opened.writer.close();
}

#[test]
fn a_log_that_a_crash_cut_short_gets_its_lines_again() {
    let lab = Lab::new();
    lab.commit(&[vec![add(1), add(2), end(1, 0, 1), end(2, 0, 2)]]);
    let whole = lab.log();
    for cut in 0..whole.len() {
        std::fs::write(lab.path().join("jobs.log"), &whole[..cut]).unwrap();
        lab.saved();
        assert_eq!(lab.log(), whole, "cut at {cut}");
    }
    std::fs::remove_file(lab.path().join("jobs.log")).unwrap();
    lab.saved();
    assert_eq!(lab.log(), whole);
}

#[test]
fn what_is_no_line_at_the_end_is_cut_off() {
    let lab = Lab::new();
    lab.commit(&[vec![add(1), add(2), end(1, 0, 1), end(2, 0, 2)]]);
    let whole = lab.log();
    let (first, half) = (whole.lines().next().unwrap(), &whole[..whole.len() / 4]);
    let junk = [
        half.to_owned(),
        format!("{half}\n"),
        format!("{half}{first}\n"),
        "junk\nmore junk".to_owned(),
        "{}\n[1]\n".to_owned(),
        "\0".repeat(5_000),
        "\n\n".to_owned(),
    ];
    for junk in junk {
        std::fs::write(lab.path().join("jobs.log"), format!("{whole}{junk}")).unwrap();
        lab.saved();
        assert_eq!(lab.log(), whole, "{junk:?}");
        // The same where the lines before it are missing, too.
        let missing = if junk.starts_with("\0") || junk == half { junk } else { format!("{first}\n{junk}") };
        std::fs::write(lab.path().join("jobs.log"), &missing).unwrap();
        lab.saved();
        assert_eq!(lab.log(), whole, "{missing:?}");
    }
}

#[test]
fn a_log_from_after_a_backup_gets_the_lines_that_a_crash_kept_from_it() {
    let lab = Lab::new();
    lab.commit(&[(1..=7).map(add).chain((1..=5).map(|n| end(n, 0, n))).collect()]);
    // What ended after the backup, as the log still has it.
    let text = lab.log();
    let later = text.lines().last().unwrap().replace("\"job_id\":5", "\"job_id\":90");
    let later: String = (6..=10).map(|n| later.replace("\"seq\":5", &format!("\"seq\":{n}")) + "\n").collect();
    let log = lab.path().join("jobs.log");
    std::fs::write(&log, format!("{text}{later}")).unwrap();
    lab.saved();
    assert_eq!(lab.log(), format!("{text}{later}"), "nothing is missing");
    lab.commit(&[vec![end(6, 0, 6), end(7, 0, 7)]]);
    let whole = lab.log();
    assert_eq!(lab.lines(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 6, 7]);
    let cuts: Vec<usize> = whole.match_indices('\n').map(|(at, _)| at + 1).collect();
    for cut in &cuts[9..] {
        std::fs::write(&log, &whole[..*cut]).unwrap();
        lab.saved();
        assert_eq!(lab.log(), whole, "cut at {cut}");
    }
}

#[test]
fn a_file_that_holds_something_else_is_no_log() {
    let lab = Lab::new();
    lab.commit(&[vec![add(1), end(1, 0, 1)]]);
    let other = lab.path().join("notes");
    for (path, text) in [(other, b"important\nlines".to_vec()), (lab.path().join("c2.db"), Vec::new())] {
        if !text.is_empty() {
            std::fs::write(&path, text).unwrap();
        }
        let before = std::fs::read(&path).unwrap();
        let refused = open(super::Config { jobs_log: path.clone(), ..lab.config() });
        assert!(matches!(refused, Err(StoreError::NotALog { .. })), "{path:?}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{path:?}");
    }
}

#[test]
fn a_list_of_workers_follows_within_seconds_also_under_steady_load() {
    let lab = Lab::new();
    let mut opened = lab.open();
    let path = lab.path().join("workers.json");
    let mut commit = |n: u64, decisions: Vec<Decision>| {
        let now = Now { mono: Mono(n * 250), ..Now::default() };
        let batch = Batch { decisions, outputs: Vec::new(), now };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(opened.writer.commit(batch)).unwrap();
    };
    let shows = |text: &str| std::fs::read_to_string(&path).is_ok_and(|list| list.contains(text));
    (0..40).for_each(|n| commit(n, vec![add(n + 1)]));
    commit(40, vec![Decision::PutWorker(Box::new(worker(2)))]);
    commit(41, vec![Decision::PutWorker(Box::new(worker(3)))]);
    assert!(!shows("host3"), "not with each change");
    // One more than it takes: the files follow a commit.
    (42..=45).for_each(|n| commit(n, vec![add(n + 1)]));
    assert!(shows("host2") && shows("host3"), "a second later");
    opened.writer.close();
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
        text.replace("\"gpu\"", "\"render\"").replacen("{\n", "{\n  \"zz\": {\"ip\": \"127.0.0.9\"},\n", 1),
    )
    .unwrap();
    let saved = lab.saved();
    assert_eq!(saved.workers.len(), 2);
    assert_eq!(saved.workers[0].groups, ["render".to_owned()].into());
    assert_eq!(saved.workers[0].intro.hostname, "host2", "what the machine said of itself stays");
    assert_eq!((saved.workers[1].intro.slots, saved.workers[1].intro.id.as_str()), (4, "zz"));
    // As 0.1.0 wrote it: an address is the worker that is there, or one that is known by it alone.
    std::fs::write(&path, r#"{"127.0.0.2": {"groups": ["old"]}, "127.0.0.7": {"tags": ["disk"]}}"#).unwrap();
    let saved = lab.saved();
    let rows: Vec<_> = saved.workers.iter().map(|w| (w.intro.id.as_str(), w.groups.len(), w.tags.len())).collect();
    assert_eq!(rows, [("addr:127.0.0.7", 0, 1), ("id2", 1, 0), ("zz", 0, 0)]);
}

#[test]
fn a_list_of_workers_that_cannot_be_read_is_kept_aside() {
    let lab = Lab::new();
    lab.commit(&[vec![Decision::PutWorker(Box::new(worker(2)))]]);
    let path = lab.path().join("workers.json");
    for (n, bad) in ["{ not json", r#"{"127.0.0.2": {"groups": ["a b"]}}"#, r#"{"nobody": {}}"#].into_iter().enumerate()
    {
        std::fs::write(&path, bad).unwrap();
        assert_eq!(lab.saved().workers, [worker(2)]);
        let aside = if n == 0 { "workers.json.bad".to_owned() } else { format!("workers.json.bad.{n}") };
        assert_eq!(std::fs::read_to_string(lab.path().join(aside)).unwrap(), bad);
        assert!(std::fs::read_to_string(&path).unwrap().contains("host2"), "and written anew");
    }
}
