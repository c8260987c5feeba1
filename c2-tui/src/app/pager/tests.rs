//! Tables over the pager: keys in, the rows and the status line out.

use super::Ink;
use super::command::{Command as C, Wish};
use super::document::TEXT_BYTES_MAX;
use super::row::{Mark, Row};
use super::view::Pager;
use crate::app::table::Step as S;

/// `line 1` and so on, on a screen of ten rows.
fn lines(n: u64) -> Pager {
    pager(&(1..=n).map(|i| format!("line {i}\n")).collect::<String>())
}

fn pager(text: &str) -> Pager {
    let mut pager = Pager::new(text.as_bytes());
    pager.set_size(40, 10);
    settle(&mut pager);
    pager
}

/// As the event loop does: until there is nothing left to do.
pub(super) fn settle(pager: &mut Pager) {
    pager.settle();
    while pager.is_hungry() {
        pager.settle();
    }
}

pub(super) fn keys(pager: &mut Pager, keys: &[C]) {
    for key in keys {
        pager.command(*key);
        settle(pager);
    }
}

pub(super) fn typed(pager: &mut Pager, key: C, text: &str) {
    pager.command(key);
    pager.type_text(text);
    settle(pager);
    pager.accept();
    settle(pager);
}

pub(super) fn numbered(pager: &mut Pager, number: &str, key: C) {
    number.chars().for_each(|c| pager.digit(c));
    keys(pager, &[key]);
}

pub(super) fn shown(pager: &Pager) -> Vec<String> {
    pager.rows().iter().map(Row::text).collect()
}

pub(super) fn first(pager: &Pager) -> String {
    shown(pager).first().cloned().unwrap_or_default()
}

#[test]
fn moving_as_in_less() {
    let table: [(&str, C, &str); 20] = [
        ("", C::Step(S::Down), "line 51"),
        ("", C::Step(S::Up), "line 49"),
        ("", C::Step(S::PageDown), "line 60"),
        ("", C::Step(S::PageUp), "line 40"),
        ("", C::Step(S::HalfDown), "line 55"),
        ("", C::Step(S::HalfUp), "line 45"),
        ("", C::Step(S::First), "line 1"),
        ("", C::Step(S::Last), "line 91"),
        ("7", C::Step(S::Down), "line 57"),
        ("7", C::Step(S::Up), "line 43"),
        ("3", C::Step(S::PageDown), "line 53"),
        ("99", C::Step(S::PageUp), "line 1"),
        ("99", C::Step(S::PageDown), "line 91"),
        ("20", C::Step(S::First), "line 20"),
        ("20", C::Step(S::Last), "line 20"),
        ("12345", C::Step(S::First), "line 91"),
        ("0", C::Percent, "line 1"),
        ("100", C::Percent, "line 91"),
        ("50", C::Percent, "line 51"),
        ("999", C::Percent, "line 91"),
    ];
    for (number, key, top) in table {
        let mut pager = lines(100);
        numbered(&mut pager, "50", C::Step(S::First));
        assert_eq!(first(&pager), "line 50");
        numbered(&mut pager, number, key);
        assert_eq!(first(&pager), top, "{number}{key:?}");
    }
}

#[test]
fn searching() {
    let mut pager = lines(100);
    typed(&mut pager, C::Search, "7$");
    assert_eq!((first(&pager), pager.matches()), ("line 7".to_owned(), Some("1/10".to_owned())));
    let table: [(&[C], &str, &str); 8] = [
        (&[C::Next], "2/10", "line 17"),
        (&[C::Next, C::Next], "4/10", "line 37"),
        (&[C::Previous], "3/10", "line 27"),
        (&[C::Step(S::Last), C::Previous], "9/10", "line 87"),
        (&[C::Next], "10/10", "line 91"),
        (&[C::Next], "1/10", "line 7"),
        (&[C::Previous], "10/10", "line 91"),
        (&[C::Step(S::First), C::Next], "1/10", "line 7"),
    ];
    for (pressed, rank, top) in table {
        keys(&mut pager, pressed);
        assert_eq!((pager.matches().unwrap().as_str(), first(&pager).as_str()), (rank, top), "{pressed:?}");
    }
    numbered(&mut pager, "3", C::Next);
    assert_eq!(pager.matches().unwrap(), "4/10", "3n");
    keys(&mut pager, &[C::Step(S::Last), C::Next, C::Next]);
    assert_eq!(pager.note(), Some("the search came to the end and continues at the start"));
    typed(&mut pager, C::SearchBack, "line 5.");
    assert_eq!(pager.matches().unwrap(), "10/10", "upwards, around the start");
    typed(&mut pager, C::Search, "nowhere");
    assert_eq!(pager.note(), Some("not found: nowhere"));
    typed(&mut pager, C::Search, "a(");
    assert_eq!((pager.note(), pager.matches().as_deref()), (Some("unclosed group"), Some("0 found")), "as before");
}

#[test]
fn matches_are_highlighted_while_they_are_typed() {
    let mut pager = lines(100);
    keys(&mut pager, &[C::Step(S::PageDown)]);
    let marked = |pager: &Pager| {
        let pieces = || pager.rows().iter().flat_map(|row| &row.pieces);
        let of = |mark| pieces().filter(|piece| piece.mark == mark).map(|piece| piece.text.len()).sum::<usize>();
        (of(Mark::Match), of(Mark::Current))
    };
    pager.command(C::Search);
    pager.type_text("line 4");
    settle(&mut pager);
    assert_eq!((first(&pager).as_str(), marked(&pager)), ("line 40", (54, 6)));
    pager.type_text("x");
    settle(&mut pager);
    assert_eq!((first(&pager).as_str(), marked(&pager)), ("line 11", (0, 0)), "back where it began");
    pager.dismiss();
    settle(&mut pager);
    assert_eq!((first(&pager).as_str(), pager.matches()), ("line 11", None), "given up");
    typed(&mut pager, C::Search, "line");
    assert_eq!(marked(&pager), (36, 4));
    keys(&mut pager, &[C::Highlight]);
    assert_eq!(marked(&pager), (0, 0));
    keys(&mut pager, &[C::Next]);
    assert_eq!(marked(&pager), (36, 4), "n shows them again");
}

#[test]
fn capitals() {
    let mut pager = pager("Error\nerror\nERROR\n");
    typed(&mut pager, C::Search, "error");
    assert_eq!(pager.matches().unwrap(), "1/3");
    typed(&mut pager, C::Search, "ERROR");
    assert_eq!(pager.matches().unwrap(), "1/1");
    typed(&mut pager, C::Search, "error");
    pager.command(C::Option);
    pager.letter(Some('i'));
    keys(&mut pager, &[C::Next]);
    assert_eq!(pager.matches().unwrap(), "1/1", "-i: as it stands");
}

#[test]
fn only_lines_that_match() {
    let mut pager = lines(100);
    typed(&mut pager, C::Filter, "7$");
    assert_eq!(shown(&pager).len(), 10);
    let numbers = |pager: &Pager| pager.rows().iter().map(|r| r.number.unwrap()).collect::<Vec<_>>();
    assert_eq!(numbers(&pager), [7, 17, 27, 37, 47, 57, 67, 77, 87, 97], "numbers are those of the whole");
    assert_eq!(pager.state(), ["&7$ (10)"]);
    typed(&mut pager, C::Filter, "!7");
    assert_eq!(numbers(&pager)[..8], [8, 9, 10, 11, 12, 13, 14, 15]);
    typed(&mut pager, C::Filter, "line 5$");
    keys(&mut pager, &[C::Context]);
    assert_eq!(numbers(&pager), [2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(pager.rows().iter().map(|r| r.aside).filter(|aside| !aside).count(), 1);
    numbered(&mut pager, "1", C::Context);
    assert_eq!(numbers(&pager), [4, 5, 6]);
    typed(&mut pager, C::Filter, "0$");
    keys(&mut pager, &[C::Step(S::Last)]);
    assert_eq!(numbers(&pager), [70, 71, 79, 80, 81, 89, 90, 91, 99, 100]);
    typed(&mut pager, C::Filter, "nothing has this");
    assert_eq!(shown(&pager), Vec::<String>::new());
    typed(&mut pager, C::Filter, "");
    assert_eq!(shown(&pager).len(), 10, "an empty pattern shows all");
}

#[test]
fn searching_among_filtered_lines() {
    let mut pager = lines(100);
    typed(&mut pager, C::Filter, "5");
    typed(&mut pager, C::Search, "line .0");
    assert_eq!(first(&pager), "line 50");
    assert_eq!(pager.matches().as_deref(), Some("1/1"), "what the filter hides is not counted");
    keys(&mut pager, &[C::Context, C::Next]);
    assert_eq!(pager.matches().as_deref(), Some("5/10"), "lines around the filter's are seen, and counted");
    keys(&mut pager, &[C::Context, C::Next]);
    keys(&mut pager, &[C::Next]);
    assert_eq!(pager.note(), Some("the search came to the end and continues at the start"));
}

#[test]
fn following() {
    let mut pager = lines(100);
    keys(&mut pager, &[C::Follow]);
    assert_eq!(first(&pager), "line 91");
    pager.append(b"line 101\nline 102\n", 1);
    settle(&mut pager);
    assert_eq!(first(&pager), "line 93");
    keys(&mut pager, &[C::Step(S::Up)]);
    keys(&mut pager, &[C::Right]);
    assert_eq!(pager.state()[0], "paused, F resumes");
    let more: String = (103..=222).map(|i| format!("line {i}\n")).collect();
    pager.append(more.as_bytes(), 2);
    settle(&mut pager);
    assert_eq!(pager.rows()[0].number, Some(92), "anchored to its line");
    assert_eq!(pager.state(), ["paused, 120 new lines, F resumes", "from column 21"]);
    keys(&mut pager, &[C::Step(S::Down)]);
    assert_eq!(pager.rows()[0].number, Some(93), "downwards stays paused");
    keys(&mut pager, &[C::Follow]);
    assert_eq!(pager.rows()[0].number, Some(213));
    assert_eq!(pager.state(), ["following", "from column 21"], "the offset to the side never changes");
    keys(&mut pager, &[C::LeftEnd]);
    typed(&mut pager, C::Filter, "2$");
    pager.append(b"line 223\nline 992\n", 3);
    settle(&mut pager);
    assert_eq!(shown(&pager).last().unwrap(), "line 992", "the filter works while following");
}

#[test]
fn a_paused_view_stays_at_its_line_while_the_oldest_are_forgotten() {
    let piece = |n: u64| (0..20_000).map(|i| format!("line {}\n", n * 20_000 + i + 1)).collect::<String>();
    let mut pager = pager("");
    keys(&mut pager, &[C::Follow]);
    let mut n = 0;
    while pager.document().len() < TEXT_BYTES_MAX - 2_000_000 {
        pager.append(piece(n).as_bytes(), n);
        n += 1;
    }
    settle(&mut pager);
    numbered(&mut pager, "1", C::Step(S::Up));
    let (anchor, number) = (first(&pager), pager.rows()[0].number);
    for _ in 0..20 {
        pager.append(piece(n).as_bytes(), n);
        settle(&mut pager);
        n += 1;
    }
    assert!(pager.document().first() > 0, "the oldest are gone");
    assert_eq!((first(&pager), pager.rows()[0].number), (anchor, number));
    keys(&mut pager, &[C::Step(S::First)]);
    assert_eq!(first(&pager), format!("line {}", pager.rows()[0].number.unwrap()), "numbers stay true");
}

#[test]
fn long_lines() {
    let mut pager = pager("0123456789abcdefghij0123456789ABCDEFGHIJ日本語\nshort\n");
    assert_eq!(shown(&pager), ["0123456789abcdefghij0123456789ABCDEFGHIJ", "short"]);
    keys(&mut pager, &[C::Right]);
    assert_eq!(shown(&pager), ["0123456789ABCDEFGHIJ日本語", ""]);
    numbered(&mut pager, "21", C::Right);
    assert_eq!(shown(&pager)[0], " 本語", "half of a wide character is a blank");
    keys(&mut pager, &[C::LeftEnd]);
    keys(&mut pager, &[C::RightEnd]);
    assert!(shown(&pager)[0].ends_with("日本語"));
    keys(&mut pager, &[C::LeftEnd]);
    pager.set_size(41, 10);
    settle(&mut pager);
    assert!(shown(&pager)[0].ends_with("J "), "nor at the right edge");
    pager.command(C::Option);
    pager.letter(Some('S'));
    settle(&mut pager);
    assert_eq!(shown(&pager), ["0123456789abcdefghij0123456789ABCDEFGHIJ", "日本語", "short"]);
    assert_eq!(pager.state(), ["wrap"]);
    pager.set_size(20, 2);
    settle(&mut pager);
    keys(&mut pager, &[C::Step(S::Down)]);
    assert_eq!(shown(&pager), ["0123456789ABCDEFGHIJ", "日本語"], "a row at a time");
    keys(&mut pager, &[C::Step(S::Last)]);
    assert_eq!(shown(&pager), ["日本語", "short"]);
    keys(&mut pager, &[C::Step(S::Up), C::Step(S::Up)]);
    assert_eq!(shown(&pager), ["0123456789abcdefghij", "0123456789ABCDEFGHIJ"]);
}

#[test]
fn options_and_marks() {
    let mut pager = lines(100);
    pager.command(C::Option);
    assert!(pager.awaits_letter());
    pager.letter(Some('N'));
    settle(&mut pager);
    assert_eq!(pager.gutter(), (0, 4));
    pager.command(C::Option);
    pager.letter(Some('x'));
    assert_eq!(pager.note(), Some("no option x: S wrap, N numbers, i capitals"));
    numbered(&mut pager, "40", C::Step(S::First));
    pager.command(C::Mark);
    pager.letter(Some('a'));
    keys(&mut pager, &[C::Step(S::Last)]);
    let table =
        [('a', "line 40"), ('\'', "line 91"), ('^', "line 1"), ('$', "line 91"), ('\'', "line 1"), ('q', "line 1")];
    for (letter, top) in table {
        pager.command(C::Jump);
        pager.letter(Some(letter));
        settle(&mut pager);
        assert_eq!(first(&pager), top, "'{letter}");
    }
    assert_eq!(pager.note(), Some("no mark q"));
    pager.command(C::Mark);
    pager.letter(None);
    assert!(!pager.awaits_letter(), "Esc gives up");
}

#[test]
fn saving_and_copying() {
    let mut pager = pager("\x1b[31mred\x1b[0m\nb\tc\n");
    keys(&mut pager, &[C::CopyShown, C::CopyAll]);
    assert_eq!(pager.wishes(), [Wish::Copy("red\nb       c".to_owned()), Wish::Copy("red\nb       c".to_owned())]);
    typed(&mut pager, C::Save, " out.txt ");
    assert_eq!(pager.wishes(), [Wish::Save("out.txt".to_owned())]);
    let mut long = Pager::new(&vec![b'\n'; 2 * 1024 * 1024]);
    keys(&mut long, &[C::CopyAll]);
    assert_eq!((long.wishes(), long.note().is_some()), (Vec::new(), true), "no terminal takes that much");
}

#[test]
fn the_place() {
    let mut pager = lines(100);
    assert_eq!(pager.place(), "1-10/100 8%");
    keys(&mut pager, &[C::Step(S::Last)]);
    assert_eq!(pager.place(), "91-100/100 (END)");
    keys(&mut pager, &[C::About]);
    assert_eq!(pager.note(), Some("91-100/100 (END), byte 783 of 792, 100 lines"));
    assert!(lines(3).fits() && !pager.fits());
}

#[test]
fn times_of_arrival() {
    let mut pager = lines(2);
    pager.append(b"", 0);
    pager.append(b"line 3\nline 4\n", 5_000);
    pager.append(b"line 5\n", 6_000);
    keys(&mut pager, &[C::Times]);
    let times: Vec<_> = pager.rows().iter().map(|r| r.arrived_ms).collect();
    assert_eq!(times, [None, None, Some(5_000), Some(5_000), Some(6_000)]);
    assert_eq!(pager.gutter(), (9, 0));
    keys(&mut pager, &[C::Times]);
    assert_eq!(pager.gutter(), (0, 0));
}

#[test]
fn colours_reach_the_screen() {
    let pager = pager("\x1b[38;2;1;2;3mx\x1b]52;c;aGVsbG8=\x07\x1b[2Jy");
    assert_eq!(shown(&pager), ["xy"]);
    assert_eq!(pager.rows()[0].pieces[0].look.fg, Ink::Rgb(1, 2, 3));
}
