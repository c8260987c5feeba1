//! What workers say, cut to its limits as it comes in: it is data, never trusted to be short or fit
//! to be shown. Nothing behind this file sees more.

use c2_shared::api::work::{AttemptResult, Output};
use c2_shared::job::Outcome;
use c2_shared::limits::{DISKS_LEN_MAX, GPUS_LEN_MAX, REASON_BYTES_MAX, TEXT_CHARS_MAX};
use c2_shared::worker::{Hardware, Load};

const OUTPUT_HEAD_BYTES: usize = 64 * 1024;
const OUTPUT_TAIL_BYTES: usize = 192 * 1024;

/// A text that names something, on one line.
pub(crate) fn text(said: &str) -> String {
    said.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect()
}

/// A machine's own name: what a host name may consist of, so that it is never taken for anything else.
pub(crate) fn hostname(said: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    said.chars().map(|c| if fits(c) { c } else { '_' }).take(TEXT_CHARS_MAX).collect()
}

/// What a machine consists of.
pub(crate) fn hardware(mut said: Hardware) -> Hardware {
    said.disks.truncate(DISKS_LEN_MAX);
    said.gpus.truncate(GPUS_LEN_MAX);
    for disk in &mut said.disks {
        disk.mount = text(&disk.mount);
    }
    for gpu in &mut said.gpus {
        gpu.name = text(&gpu.name);
        gpu.uuid = text(&gpu.uuid);
    }
    Hardware { os: text(&said.os), arch: text(&said.arch), cpu_model: text(&said.cpu_model), ..said }
}

/// How busy it is.
pub(crate) fn load(mut said: Load) -> Load {
    said.gpu_percent.truncate(GPUS_LEN_MAX);
    said
}

/// How an attempt ended and what it wrote; its files are another matter.
pub(crate) fn result(said: &mut AttemptResult) {
    if let Outcome::Setup { reason } = &mut said.outcome {
        *reason = sentence(reason);
    }
    output(&mut said.stdout);
    output(&mut said.stderr);
}

/// A reason, on one line.
fn sentence(said: &str) -> String {
    let plain: String = said.chars().take(REASON_BYTES_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain[..plain.floor_char_boundary(REASON_BYTES_MAX)].trim().to_owned()
}

/// What is beyond the limits counts as dropped, at the place where it was.
fn output(said: &mut Output) {
    let (head, tail) = (&mut said.head.0, &mut said.tail.0);
    if said.dropped == 0 && !tail.is_empty() {
        // Without a gap the two are one.
        head.append(tail);
    }
    if said.dropped == 0 && head.len() > OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES {
        *tail = head.split_off(head.len() - OUTPUT_TAIL_BYTES);
    }
    let keep =
        if tail.is_empty() && said.dropped == 0 { OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES } else { OUTPUT_HEAD_BYTES };
    let surplus = head.len().saturating_sub(keep) + tail.len().saturating_sub(OUTPUT_TAIL_BYTES);
    said.dropped = said.dropped.saturating_add(surplus as u64);
    head.truncate(keep);
    head.shrink_to_fit();
    *tail = tail.split_off(tail.len().saturating_sub(OUTPUT_TAIL_BYTES));
}

#[cfg(test)]
mod tests {
    use c2_shared::bytes64::Bytes64;
    use c2_shared::worker::{Disk, Gpu};

    use super::*;

    const BOTH: usize = OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES;

    #[test]
    fn outputs_keep_their_beginning_and_their_end() {
        // What is sent, head and dropped and tail; what is left of it.
        let table = [
            ((0, 0, 0), (0, 0, 0)),
            ((7, 0, 0), (7, 0, 0)),
            ((BOTH, 0, 0), (BOTH, 0, 0)),
            ((BOTH + 5, 0, 0), (OUTPUT_HEAD_BYTES, 5, OUTPUT_TAIL_BYTES)),
            ((30_000_000, 0, 0), (OUTPUT_HEAD_BYTES, 30_000_000 - BOTH as u64, OUTPUT_TAIL_BYTES)),
            ((OUTPUT_HEAD_BYTES, 9, OUTPUT_TAIL_BYTES), (OUTPUT_HEAD_BYTES, 9, OUTPUT_TAIL_BYTES)),
            ((OUTPUT_HEAD_BYTES + 3, 9, OUTPUT_TAIL_BYTES + 4), (OUTPUT_HEAD_BYTES, 16, OUTPUT_TAIL_BYTES)),
            ((5, 0, 6), (11, 0, 0)),
            ((5, u64::MAX, OUTPUT_TAIL_BYTES + 4), (5, u64::MAX, OUTPUT_TAIL_BYTES)),
        ];
        for ((head, dropped, tail), expected) in table {
            let bytes = |len: usize, from: u64| Bytes64((0..len).map(|n| ((n as u64 + from) % 251) as u8).collect());
            let whole = dropped == 0;
            let sent = Output { head: bytes(head, 0), dropped, tail: bytes(tail, head as u64), ..Output::default() };
            let mut kept = sent.clone();
            output(&mut kept);
            assert_eq!((kept.head.0.len(), kept.dropped, kept.tail.0.len()), expected, "{head} {dropped} {tail}");
            let all = [sent.head.0.as_slice(), &sent.tail.0].concat();
            assert!(all.starts_with(&kept.head.0) && all.ends_with(&kept.tail.0), "{head} {dropped} {tail}");
            assert!(!whole || kept.total_bytes() == all.len() as u64, "{head} {dropped} {tail}");
        }
    }

    #[test]
    fn texts_and_lists_are_short_and_plain() {
        let long = "R".repeat(5_000_000);
        let mut said = AttemptResult { outcome: Outcome::Setup { reason: format!("a\n\u{1b}[2J{long}") }, ..nothing() };
        result(&mut said);
        let Outcome::Setup { reason } = said.outcome else { panic!("{:?}", said.outcome) };
        assert!(reason.len() <= REASON_BYTES_MAX && reason.starts_with("a  [2JR"), "{}", reason.len());
        let mut wide = AttemptResult { outcome: Outcome::Setup { reason: "ü".repeat(REASON_BYTES_MAX) }, ..nothing() };
        result(&mut wide);
        assert!(matches!(wide.outcome, Outcome::Setup { reason } if reason.len() == REASON_BYTES_MAX));

        let text = "T".repeat(1_000);
        let gpu = Gpu { name: text.clone(), uuid: text.clone(), ..Gpu::default() };
        let disk = Disk { mount: text, ..Disk::default() };
        let said = Hardware { os: long, gpus: vec![gpu; 5_000], disks: vec![disk; 5_000], ..Hardware::default() };
        let kept = serde_json::to_string(&hardware(said)).unwrap();
        assert!(kept.len() < 64 * 1024, "{} bytes of hardware", kept.len());
        let busy = load(Load { gpu_percent: vec![1.0; 100_000], ..Load::default() });
        assert_eq!(busy.gpu_percent.len(), GPUS_LEN_MAX);
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
