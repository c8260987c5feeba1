//! What is missing of an output of which only the beginning and the end were kept.
//!
//! In place of what was dropped stands a line, `[12345 bytes dropped]`; a reader who pages past it
//! must not take the rest for the whole.

/// The places where something is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gaps {
    bytes: u64,
    /// The line before each of them.
    after: Vec<u64>,
}

/// Places that are remembered; c2d drops the middle of an output, so there is one for each stream.
const PLACES_MAX: usize = 64;

impl Gaps {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut gaps = Self::default();
        let lines = (0..).zip(text.split(|byte| *byte == b'\n'));
        for (before, bytes) in lines.filter_map(|(before, line)| Some((before, dropped(line)?))) {
            gaps.add(before, bytes);
        }
        gaps
    }

    pub(super) fn add(&mut self, after_line: u64, bytes: u64) {
        if self.after.len() < PLACES_MAX {
            self.after.push(after_line);
        }
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// The line that stands for the first gap behind a line, or for the first of all.
    pub(super) fn behind(&self, line: u64) -> Option<u64> {
        let next = self.after.iter().find(|after| **after + 1 > line);
        next.or(self.after.first()).map(|after| after + 1)
    }

    /// The number of a line. Behind a gap nobody knows it: there lines are counted from the gap on.
    pub(super) fn label(&self, line: u64) -> String {
        match self.after.iter().rev().find(|after| line > **after) {
            None => line.to_string(),
            Some(after) if line == after + 1 => String::new(),
            Some(after) => format!("+{}", line - after - 1),
        }
    }

    /// What is missing and where; nothing where nothing is.
    pub(super) fn words(&self) -> Option<String> {
        let (bytes, line) = (grouped(self.bytes), grouped(*self.after.first()?));
        match self.after.len() {
            1 => Some(format!("{bytes} bytes missing after line {line}")),
            places => Some(format!("{bytes} bytes missing in {places} places, first after line {line}")),
        }
    }
}

/// How many bytes a line says were dropped in its place.
fn dropped(line: &[u8]) -> Option<u64> {
    let words = line.trim_ascii_start().strip_prefix(b"[")?.strip_suffix(b" bytes dropped]")?;
    // Before it may stand what is only not shown.
    let digits = match words.windows(2).position(|two| two == b", ") {
        Some(end) if words[..end].ends_with(b" bytes not shown here") => &words[end + 2..],
        Some(_) | None => words,
    };
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// A number with a comma before each three of its digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let mut shown = digits[..head].to_owned();
    for (at, digit) in digits.bytes().skip(head).enumerate() {
        if at % 3 == 0 && !shown.is_empty() {
            shown.push(',');
        }
        shown.push(char::from(digit));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_behind_a_gap_are_counted_from_it() {
        let gaps = Gaps::of(b"a\nb\n[7 bytes dropped]\nc\nd\n");
        assert_eq!([1, 2, 3, 4, 5].map(|line| gaps.label(line)), ["1", "2", "", "+1", "+2"]);
        assert_eq!([1, 2, 3, 9].map(|line| gaps.behind(line)), [Some(3); 4]);
        assert_eq!((Gaps::default().label(9), Gaps::default().behind(1)), ("9".to_owned(), None));
    }

    #[test]
    fn gaps_are_named_with_their_place() {
        let table: [(&str, Option<&str>); 9] = [
            ("", None),
            ("one\ntwo\n", None),
            ("one\n[12345 bytes dropped]\ntwo\n", Some("12,345 bytes missing after line 1")),
            ("output\n  [999 bytes dropped]\n", Some("999 bytes missing after line 1")),
            ("a\n[5 bytes not shown here, 7 bytes dropped]\n", Some("7 bytes missing after line 1")),
            ("a\n[5 bytes not shown here]\n", None),
            ("[1000 bytes dropped]", Some("1,000 bytes missing after line 0")),
            (
                "a\n[1000000 bytes dropped]\nb\n[1 bytes dropped]\n",
                Some("1,000,001 bytes missing in 2 places, first after line 1"),
            ),
            ("say [12 bytes dropped]\n[x bytes dropped]\n[+1 bytes dropped]\n[ bytes dropped]", None),
        ];
        for (text, words) in table {
            assert_eq!(Gaps::of(text.as_bytes()).words().as_deref(), words, "{text:?}");
        }
    }
}
