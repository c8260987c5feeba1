//! The pager on an output that must be read block by block: what is read for a key, and how much at once.

use super::Chunk;
use super::chunk::{BLOCK, blocks, start};
use super::command::Command as C;
use super::document::{CHUNKS_MAX, LOOK_BYTES};
use super::tests::{first, keys, numbered, settle, shown, typed};
use super::view::Pager;
use crate::app::table::Step as S;

/// An output as the event loop has it, of which blocks are read when they are asked for.
struct Output {
    bytes: Vec<u8>,
    reads: usize,
}

impl Output {
    fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), reads: 0 }
    }

    fn chunk(&self, block: u64) -> Chunk {
        let place = |at: u64| usize::try_from(at).unwrap().min(self.bytes.len());
        let of = |n: u64| &self.bytes[place(n * BLOCK)..place((n + 1) * BLOCK)];
        let [from, to] = [block, block + 1].map(|n| start(n, self.bytes.len() as u64, of));
        Chunk { block, start: from, bytes: self.bytes[place(from)..place(to)].to_vec() }
    }

    /// Hands over what is wanted now.
    fn serve_some(&mut self, pager: &mut Pager) {
        let wanted = pager.wanted();
        self.reads += wanted.len();
        pager.take(wanted.into_iter().map(|block| self.chunk(block)).collect());
    }

    fn serve(&mut self, pager: &mut Pager) {
        settle(pager);
        loop {
            let wanted = pager.wanted();
            if wanted.is_empty() {
                return;
            }
            self.reads += wanted.len();
            let chunks = wanted.into_iter().map(|block| self.chunk(block));
            pager.take(chunks.collect());
            settle(pager);
        }
    }
}

#[test]
fn a_long_output_opens_at_its_end_without_being_read() {
    let bytes: Vec<u8> = (1..=400_000).flat_map(|n| format!("{n} {n:x}\n").into_bytes()).collect();
    let mut output = Output::new(&bytes);
    let mut pager = Pager::window();
    pager.set_size(40, 10);
    pager.grow(bytes.len() as u64, 0);
    output.serve(&mut pager);
    assert_eq!(shown(&pager).last().unwrap(), "400000 61a80");
    assert!(output.reads < 12, "{} of {} blocks were read", output.reads, blocks(bytes.len() as u64));
    keys(&mut pager, &[C::Step(S::PageUp)]);
    output.serve(&mut pager);
    assert_eq!((first(&pager).as_str(), pager.rows()[0].number), ("399981 61a6d", None), "lines are not counted yet");
    keys(&mut pager, &[C::Step(S::First)]);
    output.serve(&mut pager);
    assert_eq!(first(&pager), "1 1");
    typed(&mut pager, C::Search, "^399999 ");
    output.serve(&mut pager);
    assert!(shown(&pager).iter().any(|l| l.starts_with("399999 ")));
    assert!(pager.document().held() <= CHUNKS_MAX);
    pager.count_lines(
        0,
        &(0..blocks(bytes.len() as u64)).map(|b| super::count_lines(&output.chunk(b).bytes)).collect::<Vec<_>>(),
    );
    numbered(&mut pager, "123456", C::Step(S::First));
    output.serve(&mut pager);
    assert_eq!((first(&pager).as_str(), pager.rows()[0].number), ("123456 1e240", Some(123_456)));
    numbered(&mut pager, "50", C::Percent);
    output.serve(&mut pager);
    assert_eq!(pager.place().split(' ').nth(1), Some("50%"));
}

#[test]
fn a_match_far_away_is_reached_with_little_memory() {
    let line = "nothing of interest in this line ".repeat(30) + "\n";
    let mut bytes = b"a needle\n".to_vec();
    while (bytes.len() as u64) < (CHUNKS_MAX as u64 + 40) * BLOCK {
        bytes.extend_from_slice(line.as_bytes());
    }
    let mut output = Output::new(&bytes);
    let mut pager = Pager::window();
    pager.set_size(40, 10);
    pager.grow(bytes.len() as u64, 0);
    output.serve(&mut pager);
    pager.command(C::SearchBack);
    pager.type_text("needle");
    output.serve(&mut pager);
    assert_eq!((first(&pager).as_str(), pager.matches()), ("a needle", Some("1/1".to_owned())));
    let all = usize::try_from(blocks(bytes.len() as u64)).unwrap();
    assert!(output.reads < 2 * all, "{} reads for {all} blocks", output.reads);
    assert!(pager.document().held() <= CHUNKS_MAX);
}

#[test]
fn a_block_that_cannot_be_read_is_asked_for_again() {
    let mut pager = Pager::window();
    pager.set_size(40, 10);
    pager.grow(9, 0);
    settle(&mut pager);
    assert_eq!(pager.wanted(), [0]);
    keys(&mut pager, &[C::Step(S::First)]);
    assert_eq!(pager.wanted(), Vec::<u64>::new(), "it is on its way");
    pager.fail("the disk is gone".to_owned());
    settle(&mut pager);
    assert_eq!(pager.note(), Some("the disk is gone"));
    keys(&mut pager, &[C::Step(S::Last)]);
    assert_eq!(pager.wanted(), [0]);
}

#[test]
fn no_key_looks_at_more_than_a_slice() {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < 100 * BLOCK {
        bytes.extend_from_slice(b"nothing of interest\n");
    }
    let mut pager = Pager::new(&bytes);
    pager.set_size(40, 10);
    pager.settle();
    pager.command(C::Search);
    pager.type_text("missing");
    pager.settle();
    assert!(pager.is_hungry(), "it continues later");
    assert!(pager.interrupt(), "and can be given up");
    settle(&mut pager);
    assert_eq!(pager.matches(), None);
}

/// Numbers in lines, as many as make so many blocks.
fn numbers(blocks: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for n in 1_u64.. {
        if bytes.len() as u64 >= blocks * BLOCK {
            break;
        }
        bytes.extend_from_slice(format!("{n}\n").as_bytes());
    }
    bytes
}

/// Serves a pager as the event loop does; answers the most bytes that one update looked at.
fn most_at_once(output: &mut Output, pager: &mut Pager) -> u64 {
    let mut most = 0;
    loop {
        pager.settle();
        most = most.max(pager.document().looked_at());
        let wanted = pager.wanted();
        if wanted.is_empty() && !pager.is_hungry() {
            return most;
        }
        output.reads += wanted.len();
        assert!(output.reads < 100_000, "it reads for ever");
        pager.take(wanted.into_iter().map(|block| output.chunk(block)).collect());
    }
}

#[test]
fn a_search_among_filtered_lines_of_a_long_output_takes_its_time() {
    let bytes = numbers(CHUNKS_MAX as u64 + 60);
    let mut output = Output::new(&bytes);
    let mut pager = Pager::window();
    pager.set_size(40, 50);
    pager.grow(bytes.len() as u64, 0);
    let mut most = most_at_once(&mut output, &mut pager);
    let mut press = |pager: &mut Pager, output: &mut Output| {
        most = most.max(most_at_once(output, pager));
        assert!(most <= LOOK_BYTES + 4 * BLOCK, "{most} bytes at once");
    };
    pager.command(C::Step(S::First));
    press(&mut pager, &mut output);
    pager.command(C::Filter);
    pager.type_text("9999");
    pager.accept();
    pager.settle();
    assert!(shown(&pager).is_empty() && pager.state().contains(&"searching".to_owned()), "{:?}", pager.state());
    press(&mut pager, &mut output);
    assert_eq!((first(&pager).as_str(), shown(&pager).len()), ("9999", 50));
    pager.command(C::Search);
    for letter in ["9", "7"] {
        pager.type_text(letter);
        press(&mut pager, &mut output);
    }
    pager.accept();
    press(&mut pager, &mut output);
    assert_eq!(first(&pager), "99997", "the first that is in both");
    assert!(pager.state().iter().any(|words| words.starts_with("/97 ")), "{:?}", pager.state());
    for _ in 0..20 {
        pager.command(C::Next);
        press(&mut pager, &mut output);
        assert!(first(&pager).contains("97") && first(&pager).contains("9999"), "{:?}", first(&pager));
    }
    pager.command(C::SearchBack);
    pager.type_text("1.*1");
    press(&mut pager, &mut output);
    pager.accept();
    "1000000".chars().for_each(|c| pager.digit(c));
    pager.command(C::Step(S::Down));
    press(&mut pager, &mut output);
    assert!(pager.is_at_end());
}

#[test]
fn two_patterns_that_never_meet_end_without_a_pause_in_between() {
    let bytes = numbers(120);
    let mut output = Output::new(&bytes);
    let mut pager = Pager::window();
    pager.set_size(40, 10);
    pager.grow(bytes.len() as u64, 0);
    most_at_once(&mut output, &mut pager);
    typed(&mut pager, C::Filter, "[02468]$");
    most_at_once(&mut output, &mut pager);
    pager.command(C::Search);
    pager.type_text("[13579]$");
    let mut updates = 0;
    while pager.is_hungry() || updates == 0 {
        pager.settle();
        assert!(pager.document().looked_at() <= LOOK_BYTES + 4 * BLOCK);
        output.serve_some(&mut pager);
        updates += 1;
    }
    assert_eq!(pager.note(), Some("not found: [13579]$"));
    assert!(updates > 120 / 5, "a part of the blocks at a time: {updates}");
}

#[test]
fn a_million_rows_are_gone_in_parts() {
    let bytes = numbers(CHUNKS_MAX as u64 + 60);
    let mut output = Output::new(&bytes);
    let mut pager = Pager::window();
    pager.set_size(40, 10);
    pager.grow(bytes.len() as u64, 0);
    most_at_once(&mut output, &mut pager);
    pager.command(C::Step(S::First));
    most_at_once(&mut output, &mut pager);
    "2500000".chars().for_each(|c| pager.digit(c));
    pager.command(C::Step(S::Down));
    let most = most_at_once(&mut output, &mut pager);
    assert_eq!(first(&pager), "2500001");
    assert!(most <= LOOK_BYTES + 4 * BLOCK, "{most} bytes at once");
    assert!(output.reads < 2_000, "{} blocks", output.reads);
}

#[test]
fn lines_that_are_far_from_each_other_do_not_put_each_other_out() {
    let mut bytes = Vec::new();
    for n in 0..60 {
        bytes.extend_from_slice(format!("needle {n}\n").as_bytes());
        bytes.extend_from_slice(&b"nothing of interest\n".repeat(20_000));
    }
    assert!(blocks(bytes.len() as u64) > CHUNKS_MAX as u64);
    let mut output = Output::new(&bytes);
    let mut pager = Pager::window();
    pager.set_size(40, 50);
    pager.grow(bytes.len() as u64, 0);
    most_at_once(&mut output, &mut pager);
    typed(&mut pager, C::Filter, "needle");
    most_at_once(&mut output, &mut pager);
    pager.command(C::Step(S::First));
    most_at_once(&mut output, &mut pager);
    assert_eq!((first(&pager).as_str(), shown(&pager).len()), ("needle 0", 50));
    assert!(pager.interrupt() || pager.state().contains(&"&needle (60)".to_owned()), "{:?}", pager.state());
}

#[test]
fn a_filter_under_way_can_be_given_up() {
    let bytes = numbers(100);
    let mut output = Output::new(&bytes);
    let mut pager = Pager::window();
    pager.set_size(40, 10);
    pager.grow(bytes.len() as u64, 0);
    most_at_once(&mut output, &mut pager);
    pager.command(C::Filter);
    pager.type_text("nothing has this");
    pager.accept();
    pager.settle();
    assert!(pager.interrupt());
    most_at_once(&mut output, &mut pager);
    assert_eq!((shown(&pager).len(), pager.note()), (10, Some("stopped")));
}
