//! What workers say, cut to its limits as it comes in: it is data, never trusted to be short or fit
//! to be shown. Nothing behind this file sees more. Lists are cut as they are read, by their types.

use c2_shared::api::output::Output;
use c2_shared::api::upgrade::UpgradeVerdict;
use c2_shared::api::work::AttemptResult;
use c2_shared::job::Outcome;
use c2_shared::limits::{ORDER_BYTES_MAX, OUTPUT_HEAD_BYTES, OUTPUT_KEEP_BYTES, REASON_BYTES_MAX, TEXT_CHARS_MAX};
use c2_shared::plain;
use c2_shared::worker::{Hardware, Load};

/// More than any job writes, and little enough to be counted with.
const DROPPED_MAX: u64 = 1 << 60;

/// More bytes, and more milliseconds, than there are: what SQLite can store, and what is exact in other languages.
const FIGURE_MAX: u64 = 1 << 53;

/// More processes than any machine has.
const LOAD_MAX: f32 = 1e9;

/// The greatest exit status of a process, and the greatest signal.
const CODE_MAX: i32 = 255;
const SIGNAL_MAX: i32 = 64;

/// A text that names something, on one line.
pub(crate) fn text(said: &str) -> String {
    said.chars().filter(|c| !plain::acts(*c)).take(TEXT_CHARS_MAX).collect()
}

/// A machine's own name: what a host name may consist of, so that it is never taken for anything else.
pub(crate) fn hostname(said: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    said.chars().map(|c| if fits(c) { c } else { '_' }).take(TEXT_CHARS_MAX).collect()
}

/// What a machine consists of.
pub(crate) fn hardware(mut said: Hardware) -> Hardware {
    for disk in &mut said.disks {
        disk.mount = text(&disk.mount);
    }
    for gpu in &mut said.gpus {
        gpu.name = text(&gpu.name);
        gpu.uuid = text(&gpu.uuid);
    }
    said.via = said.via.map(|via| text(&via));
    Hardware { os: text(&said.os), arch: text(&said.arch), cpu_model: text(&said.cpu_model), ..said }
}

/// How busy a machine is: parts of a whole are no larger than it, and no number is beyond what others
/// can read.
pub(crate) fn load(mut said: Load) -> Load {
    let percent = |percent: &mut f32| *percent = percent.clamp(0.0, 100.0);
    std::iter::once(&mut said.cpu_percent).chain(&mut said.gpu_percent).for_each(percent);
    said.load_1m = said.load_1m.clamp(0.0, LOAD_MAX);
    said.memory_used_bytes = said.memory_used_bytes.min(said.memory_total_bytes);
    for gpu in &mut said.gpu_memory {
        gpu.used_bytes = gpu.used_bytes.min(gpu.total_bytes);
    }
    said.gpu_processes.iter_mut().for_each(|process| process.name = text(&process.name));
    said.elsewhere.iter_mut().for_each(|waits| waits.reason = text(&waits.reason));
    said
}

/// How an attempt ended and what it wrote; its files are another matter. Of each stream `keep_bytes` are
/// kept.
pub(crate) fn result(said: &mut AttemptResult, keep_bytes: u64) {
    match &mut said.outcome {
        Outcome::Setup { reason } => *reason = sentence(reason),
        Outcome::Oom { limit_bytes, peak_bytes } => {
            (*limit_bytes, *peak_bytes) = (figure(*limit_bytes), figure(*peak_bytes));
        }
        // What no process ends with is a failure still.
        Outcome::Exit { code } if !(0..=CODE_MAX).contains(code) => *code = CODE_MAX,
        Outcome::Signal { signal } => *signal = (*signal).clamp(1, SIGNAL_MAX),
        _ => {}
    }
    said.peak_bytes = said.peak_bytes.map(figure);
    said.cpu_ms = said.cpu_ms.map(figure);
    output(&mut said.stdout, keep_bytes);
    output(&mut said.stderr, keep_bytes);
    said.order.0.truncate(ORDER_BYTES_MAX);
}

fn figure(said: u64) -> u64 {
    said.min(FIGURE_MAX)
}

/// What an agent made of a newer program.
pub(crate) fn verdict(said: UpgradeVerdict) -> UpgradeVerdict {
    match said {
        UpgradeVerdict::Upgraded { from, to } => UpgradeVerdict::Upgraded { from: sentence(&from), to: sentence(&to) },
        UpgradeVerdict::Current { version } => UpgradeVerdict::Current { version: sentence(&version) },
        UpgradeVerdict::Kept { version, reason, hint } => {
            let (version, reason, hint) = (sentence(&version), sentence(&reason), sentence(&hint));
            UpgradeVerdict::Kept { version, reason, hint }
        }
    }
}

/// A reason, on one line.
pub(crate) fn sentence(said: &str) -> String {
    let line: String = said.chars().take(REASON_BYTES_MAX).map(|c| if plain::acts(c) { ' ' } else { c }).collect();
    line[..line.floor_char_boundary(REASON_BYTES_MAX)].trim().to_owned()
}

/// What is beyond the limits counts as dropped, at the place where it was.
fn output(said: &mut Output, keep_bytes: u64) {
    said.reason = text(&said.reason);
    said.dropped = said.dropped.min(DROPPED_MAX);
    if let Some(blob) = said.blob {
        (said.head.0, said.tail.0) = (Vec::new(), Vec::new());
        // Agents that have not heard of a new setting go by the one before, or by the usual one.
        if blob.size > keep_bytes.max(OUTPUT_KEEP_BYTES).saturating_add(OUTPUT_HEAD_BYTES) {
            let reason = format!("{} bytes are more than c2d keeps", blob.size);
            *said = Output::gone(said.total_bytes().min(DROPPED_MAX), reason);
        }
        return;
    }
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let head_bytes = Output::head_bytes(keep_bytes);
    cut(said, size(head_bytes), size(keep_bytes - head_bytes));
}

/// Cuts an output to so many bytes of its beginning and of its end.
pub(crate) fn cut(said: &mut Output, head_bytes: usize, tail_bytes: usize) {
    let (head, tail) = (&mut said.head.0, &mut said.tail.0);
    if said.dropped == 0 && !tail.is_empty() {
        // Without a gap the two are one.
        head.append(tail);
    }
    if said.dropped == 0 && head.len() > head_bytes.saturating_add(tail_bytes) {
        *tail = head.split_off(head.len() - tail_bytes);
    }
    let is_whole = tail.is_empty() && said.dropped == 0;
    let keep = if is_whole { head_bytes.saturating_add(tail_bytes) } else { head_bytes };
    let surplus = head.len().saturating_sub(keep) + tail.len().saturating_sub(tail_bytes);
    said.dropped = said.dropped.saturating_add(surplus as u64);
    head.truncate(keep);
    head.shrink_to_fit();
    *tail = tail.split_off(tail.len().saturating_sub(tail_bytes));
}

#[cfg(test)]
mod tests {
    use c2_shared::api::output::OutputBlob;
    use c2_shared::blob::BlobId;
    use c2_shared::bytes64::Bytes64;
    use c2_shared::worker::{Disk, Gpu};

    use super::*;

    const HEAD: usize = 1000;
    const TAIL: usize = 3000;
    const BOTH: usize = HEAD + TAIL;

    #[test]
    fn outputs_keep_their_beginning_and_their_end() {
        // What is sent, head and dropped and tail; what is left of it.
        let table = [
            ((0, 0, 0), (0, 0, 0)),
            ((7, 0, 0), (7, 0, 0)),
            ((BOTH, 0, 0), (BOTH, 0, 0)),
            ((BOTH + 5, 0, 0), (HEAD, 5, TAIL)),
            ((3_000_000, 0, 0), (HEAD, 3_000_000 - BOTH as u64, TAIL)),
            ((HEAD, 9, TAIL), (HEAD, 9, TAIL)),
            ((HEAD + 3, 9, TAIL + 4), (HEAD, 16, TAIL)),
            ((5, 0, 6), (11, 0, 0)),
            ((5, u64::MAX, TAIL + 4), (5, DROPPED_MAX + 4, TAIL)),
        ];
        for ((head, dropped, tail), expected) in table {
            let bytes = |len: usize, from: u64| Bytes64((0..len).map(|n| ((n as u64 + from) % 251) as u8).collect());
            let whole = dropped == 0;
            let sent = Output { head: bytes(head, 0), dropped, tail: bytes(tail, head as u64), ..Output::default() };
            let mut kept = sent.clone();
            output(&mut kept, BOTH as u64);
            assert_eq!((kept.head.0.len(), kept.dropped, kept.tail.0.len()), expected, "{head} {dropped} {tail}");
            let all = [sent.head.0.as_slice(), &sent.tail.0].concat();
            assert!(all.starts_with(&kept.head.0) && all.ends_with(&kept.tail.0), "{head} {dropped} {tail}");
            assert!(!whole || kept.total_bytes() == all.len() as u64, "{head} {dropped} {tail}");
        }
    }

    #[test]
    fn blobs_are_no_larger_than_what_is_kept() {
        let sized = |size| Output {
            head: Bytes64(vec![1]),
            dropped: 5,
            blob: Some(OutputBlob { sha256: BlobId([7; 32]), size, dropped_at: 3 }),
            ..Output::default()
        };
        let limit = OUTPUT_KEEP_BYTES + OUTPUT_HEAD_BYTES;
        for (size, keep, fits) in [(limit, 0, true), (limit + 1, 0, false), (limit + 1, OUTPUT_KEEP_BYTES + 1, true)] {
            let mut said = sized(size);
            output(&mut said, keep);
            assert_eq!((said.blob.is_some(), said.head.is_empty()), (fits, true), "{size} {keep}");
            assert_eq!((said.total_bytes(), said.reason.is_empty()), (size + 5, fits), "{size} {keep}");
        }
    }

    #[test]
    fn texts_and_lists_are_short_and_plain() {
        let long = "R".repeat(5_000_000);
        let mut said =
            AttemptResult { outcome: Outcome::Setup { reason: format!("a\n\u{1b}[2J\u{202e}{long}") }, ..nothing() };
        result(&mut said, 0);
        let Outcome::Setup { reason } = said.outcome else { panic!("{:?}", said.outcome) };
        assert!(reason.len() <= REASON_BYTES_MAX && reason.starts_with("a  [2J R"), "{}", reason.len());
        let mut wide = AttemptResult { outcome: Outcome::Setup { reason: "ü".repeat(REASON_BYTES_MAX) }, ..nothing() };
        result(&mut wide, 0);
        assert!(matches!(wide.outcome, Outcome::Setup { reason } if reason.len() == REASON_BYTES_MAX));

        let text = "T".repeat(1_000);
        let gpu = Gpu { name: text.clone(), uuid: text.clone(), ..Gpu::default() };
        let disk = Disk { mount: text, ..Disk::default() };
        let said = Hardware { os: long, gpus: vec![gpu; 5_000], disks: vec![disk; 5_000], ..Hardware::default() };
        let said = serde_json::from_value(serde_json::to_value(said).unwrap()).unwrap();
        let kept = serde_json::to_string(&hardware(said)).unwrap();
        assert!(kept.len() < 64 * 1024, "{} bytes of hardware", kept.len());
    }

    #[test]
    fn ends_are_those_that_processes_have() {
        let (exit, signal) = (|code| Outcome::Exit { code }, |signal| Outcome::Signal { signal });
        let table = [0, 1, 255].map(exit).map(|outcome| (outcome.clone(), outcome)).into_iter();
        let table = table.chain([256, -5, i32::MIN, i32::MAX].map(|code| (exit(code), exit(255))));
        let table = table.chain([1, 9, 64].map(signal).map(|outcome| (outcome.clone(), outcome)));
        for (outcome, expected) in
            table.chain([(-1, 1), (0, 1), (65, 64)].map(|(said, kept)| (signal(said), signal(kept))))
        {
            let mut said = AttemptResult { outcome: outcome.clone(), ..nothing() };
            result(&mut said, 0);
            assert_eq!(said.outcome, expected, "{outcome:?}");
        }
    }

    #[test]
    fn parts_are_no_larger_than_the_whole() {
        let said = r#"{"cpu_percent": 1e39, "load_1m": 1e300, "memory_used_bytes": 9, "memory_total_bytes": 7,
            "gpu_percent": [-3, 250], "gpu_memory": [{"used_bytes": 5}, {"used_bytes": 2, "total_bytes": 3}], "new": 1}"#;
        let kept = load(serde_json::from_str(said).unwrap());
        assert_eq!((kept.cpu_percent, kept.load_1m, kept.memory_used_bytes), (100.0, LOAD_MAX, 7));
        assert_eq!(kept.gpu_percent, [0.0, 100.0]);
        let memory: Vec<_> = kept.gpu_memory.iter().map(|gpu| (gpu.used_bytes, gpu.total_bytes)).collect();
        assert_eq!(memory, [(0, 0), (2, 3)]);
        // Whoever reads it reads numbers, and an older agent's load says as much as it did.
        let told = serde_json::to_value(&kept).unwrap();
        assert_eq!(serde_json::from_value::<Load>(told).unwrap(), kept);
        let of_before = serde_json::to_value(Load::default()).unwrap();
        assert!(of_before.get("gpu_memory").is_none(), "{of_before}");
    }

    #[test]
    fn host_names_are_only_names() {
        let table = [
            ("nas.home.lan", "nas.home.lan"),
            ("my_box-2", "my_box-2"),
            ("exec:touch x", "exec_touch_x"),
            ("a,b @all\n\u{1b}", "a_b__all__"),
        ];
        for (said, expected) in table {
            assert_eq!(hostname(said), expected);
        }
    }

    fn nothing() -> AttemptResult {
        AttemptResult::new("job-1.1".parse().unwrap(), Outcome::Lost)
    }
}
