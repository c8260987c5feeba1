//! What is told: of one job its name, outcome, duration, worker and the end of what it wrote; of many only
//! which they are. Foreign text in it is harmless wherever it is shown. Pure.

use c2_shared::api::jobs::JobRow;
use c2_shared::api::notifications::Kind;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_shared::plain;
use c2_shared::time::span;
use vte::{Parser, Perform};

use crate::sched::decision::NoticeRecord;

/// Lines of an output that are told.
const LINES: usize = 20;
/// Characters of a line that are told.
const LINE_CHARS: usize = 500;
/// Jobs that are named where many are told at once.
const NAMED: usize = 20;

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) title: String,
    pub(crate) text: String,
    /// What it tells of; nothing for a test.
    pub(crate) kind: Option<Kind>,
    pub(crate) jobs: Vec<JobId>,
    /// When it happened; nothing for a test.
    pub(crate) at_ms: Option<u64>,
    /// Something is wrong.
    pub(crate) is_bad: bool,
}

impl Message {
    /// The end of one job, with the end of what it wrote.
    pub(crate) fn of_job(kind: Kind, row: &JobRow, wrote: &[Vec<u8>; 2]) -> Self {
        let lines: String = tail(wrote).into_iter().map(|line| format!("\n{line}")).collect();
        let back = if kind == Kind::BackToGreen { " again" } else { "" };
        let title = format!("{}{back}", verdict(row));
        let took = row.took_ms.or_else(|| Some(row.ended_ms?.saturating_sub(row.started_ms?)));
        let took = took.map(|ms| format!(", took {}", span(ms))).unwrap_or_default();
        let worker = row.worker.map(|ip| format!(", on {ip}")).unwrap_or_default();
        let text = format!("{}{took}{worker}{lines}", row.job_id);
        let is_bad = row.state != JobState::Succeeded;
        Self { title, text, kind: Some(kind), jobs: vec![row.job_id], at_ms: row.ended_ms, is_bad }
    }

    /// The ends of many jobs at once, all of this kind.
    pub(crate) fn of_jobs(kind: Kind, rows: &[&JobRow]) -> Self {
        let named = rows.iter().take(NAMED).map(|row| format!("{} ({})", verdict(row), row.job_id));
        let more = rows.len().saturating_sub(NAMED);
        let more = (more > 0).then(|| format!("and {more} more"));
        let text = named.chain(more).collect::<Vec<_>>().join("\n");
        let is_bad = rows.iter().any(|row| row.state != JobState::Succeeded);
        let jobs = rows.iter().map(|row| row.job_id).collect();
        let title = format!("{} jobs: {}", rows.len(), kind.word());
        let at_ms = rows.last().and_then(|row| row.ended_ms);
        Self { title, text, kind: Some(kind), jobs, at_ms, is_bad }
    }

    /// What happened to a worker or the queue, in words.
    pub(crate) fn of_notice(notice: &NoticeRecord) -> Self {
        let (kind, text) = (notice.kind, harmless(&notice.text));
        let title = if kind == Kind::QueueEmpty { "the queue is empty".to_owned() } else { text.clone() };
        let (at_ms, is_bad) = (Some(notice.at_ms), kind != Kind::QueueEmpty);
        Self { title, text, kind: Some(kind), jobs: Vec::new(), at_ms, is_bad }
    }

    pub(crate) fn of_test(name: &str) -> Self {
        let text = format!("This is what {name} reports.");
        Self { title: "C2 can reach you".to_owned(), text, kind: None, jobs: Vec::new(), at_ms: None, is_bad: false }
    }
}

fn verdict(row: &JobRow) -> String {
    let name = harmless(row.name.as_deref().unwrap_or(&row.command));
    match (&row.outcome, row.state) {
        (Some(outcome), JobState::Failed) => format!("{name} failed: {}", harmless(&outcome.to_string())),
        (_, state) => format!("{name} {state}"),
    }
}

/// The last lines of what was written to standard output and to standard error: half of them of each, where both
/// have so many.
fn tail([stdout, stderr]: &[Vec<u8>; 2]) -> Vec<String> {
    let [stdout, stderr] = [stdout, stderr].map(|wrote| String::from_utf8_lossy(wrote));
    let [out, err]: [Vec<&str>; 2] = [stdout.lines().collect(), stderr.lines().collect()];
    let of_err = err.len().min((LINES / 2).max(LINES.saturating_sub(out.len())));
    let last = |lines: &[&str], count: usize| -> Vec<String> {
        lines[lines.len().saturating_sub(count)..].iter().map(|line| harmless(line)).collect()
    };
    let mut lines = last(&out, LINES - of_err);
    lines.extend(last(&err, of_err));
    lines
}

/// A line without escape sequences and what else acts on a screen.
fn harmless(line: &str) -> String {
    let mut plain = Plain::default();
    Parser::new().advance(&mut plain, line.as_bytes());
    let Plain(plain) = plain;
    match plain.char_indices().nth(LINE_CHARS) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

/// What a terminal would write, whatever else it would do.
#[derive(Default)]
struct Plain(String);

impl Perform for Plain {
    fn print(&mut self, c: char) {
        if !plain::acts(c) {
            self.0.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        if byte == b'\t' {
            self.0.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::job::Outcome;

    use super::*;

    fn row(job: u64, outcome: Outcome) -> JobRow {
        let text = r#"{"job_id":"job-1","name":"build","state":"failed","command":"make","tags":[],"attempt":1,
            "submitted_ms":0,"started_ms":1000,"ended_ms":61000,"worker":"10.0.0.11"}"#;
        let row: JobRow = serde_json::from_str(text).unwrap();
        JobRow { job_id: JobId(job), state: outcome.state(), outcome: Some(outcome), ..row }
    }

    #[test]
    fn what_is_told_of_jobs() {
        let failed = row(3, Outcome::Exit { code: 2 });
        let wrote: String = (1..=30).map(|n| format!("line {n}\n")).collect();
        let message = Message::of_job(Kind::Failed, &failed, &[wrote.clone().into_bytes(), Vec::new()]);
        assert_eq!((message.title.as_str(), message.is_bad), ("build failed: exit 2", true));
        assert!(message.text.starts_with("job-3, took 1m00s, on 10.0.0.11\nline 11\n"), "{}", message.text);
        assert!(message.text.ends_with("\nline 30"), "{}", message.text);
        let both = Message::of_job(Kind::Failed, &failed, &[wrote.clone().into_bytes(), b"e1\ne2\n".to_vec()]);
        assert!(both.text.contains("\nline 13\n") && both.text.ends_with("\nline 30\ne1\ne2"), "{}", both.text);
        let much = Message::of_job(Kind::Failed, &failed, &[wrote.clone().into_bytes(), wrote.into_bytes()]);
        assert_eq!(much.text.matches("\nline 30").count(), 2, "{}", much.text);
        assert_eq!(much.text.lines().count(), 1 + LINES);
        let green = Message::of_job(Kind::BackToGreen, &row(4, Outcome::Exit { code: 0 }), &Default::default());
        assert_eq!((green.title.as_str(), green.is_bad), ("build succeeded again", false));
        let rows: Vec<JobRow> = (1..=25).map(|job| row(job, Outcome::Timeout)).collect();
        let many = Message::of_jobs(Kind::Failed, &rows.iter().collect::<Vec<_>>());
        assert_eq!((many.title.as_str(), many.text.lines().count(), many.jobs.len()), ("25 jobs: failed", 21, 25));
        assert!(many.text.ends_with("\nand 5 more"));
    }

    #[test]
    fn what_jobs_write_acts_on_nobodys_screen() {
        let table = [
            ("\x1b[31mred\x1b[0m", "red"),
            ("a\tb", "a b"),
            ("bell\x07 \u{9b}31m", "bell 31m"),
            ("\u{202e}evil", "evil"),
            ("\x1b]0;title\x07", ""),
            ("a\x1b]0;title\x07b", "ab"),
            ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
            ("a\x1bP1$qm\x1b\\b", "ab"),
            ("a\x1b_Gq=1;AAAA\x1b\\b\x1b^private\x1b\\c\x1bXstart\x1b\\d", "abcd"),
            ("a\x1b(0b\x1b7\x1b8\x1bc", "ab"),
            ("a\x1b]52;never ends", "a"),
            ("\x1b[", ""),
        ];
        for (line, plain) in table {
            assert_eq!(harmless(line), plain, "{line:?}");
        }
        assert_eq!(harmless(&"x".repeat(1_000)).chars().count(), LINE_CHARS + 1);
        assert_eq!(tail(&[b"\xff\xfe\n".to_vec(), Vec::new()]), ["\u{fffd}\u{fffd}"]);
    }
}
