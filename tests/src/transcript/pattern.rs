//! Compares the lines of an output with those of a transcript.

use regex::Regex;

/// What each placeholder stands for.
const PLACEHOLDERS: [(&str, &str); 4] = [
    ("<number>", r"\d+(\.\d+)?"),
    ("<span>", r"\d+ms|\d\.\ds|\d+s|\d+m\d\ds|\d+h\d\dm|\d+d\d\dh"),
    ("<time>", r"[0-9:.TZ+ -]+"),
    ("<any>", r".*"),
];

/// Whether `actual` is what `expected` describes.
#[must_use]
pub fn matches(expected: &[String], actual: &[String]) -> bool {
    match expected {
        [] => actual.is_empty(),
        [gap, rest @ ..] if gap == "..." => (0..=actual.len()).any(|skipped| matches(rest, &actual[skipped..])),
        [line, rest @ ..] => match actual {
            [] => false,
            [first, others @ ..] => line_matches(line, first) && matches(rest, others),
        },
    }
}

fn line_matches(expected: &str, actual: &str) -> bool {
    let mut pattern = regex::escape(&plain(expected));
    for (name, meaning) in PLACEHOLDERS {
        pattern = pattern.replace(&regex::escape(name), &format!("(?:{meaning})"));
    }
    Regex::new(&format!("^{pattern}$")).is_ok_and(|regex| regex.is_match(&plain(actual)))
}

/// The line with each run of spaces as one.
fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &[&str], actual: &[&str], same: bool) {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert_eq!(matches(&owned(expected), &owned(actual)), same, "{expected:?} {actual:?}");
    }

    #[test]
    fn lines() {
        check(&["> job-1  queued"], &["> job-1     queued  "], true);
        check(&["> job-1"], &["> job-2"], false);
        check(&["> a"], &["! a"], false);
        check(&["> took <span>"], &["> took 3.2s"], true);
        check(&["> took <span>"], &["> took 4m05s"], true);
        check(&["> took <span>"], &["> took long"], false);
        check(&["> <number> of <number>"], &["> 3 of 50000"], true);
        check(&["> (a+b)"], &["> (a+b)"], true);
        check(&["> x <any>"], &["> x y z"], true);
    }

    #[test]
    fn gaps() {
        check(&["> a", "...", "> c"], &["> a", "> b", "> b", "> c"], true);
        check(&["> a", "...", "> c"], &["> a", "> c"], true);
        check(&["> a", "...", "> c"], &["> a", "> b"], false);
        check(&["..."], &[], true);
        check(&[], &["> a"], false);
        check(&["> a"], &[], false);
    }
}
