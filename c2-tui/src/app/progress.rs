//! How far a job is, as far as its own output says.

/// The last `NN%` or `i/n` of a line, as a percentage.
pub(crate) fn percent(line: &str) -> Option<u8> {
    line.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')' | ',' | '|')).rev().find_map(of_word)
}

fn of_word(word: &str) -> Option<u8> {
    if let Some(number) = word.strip_suffix('%') {
        let whole = number.split('.').next()?;
        return whole.parse().ok().filter(|percent| *percent <= 100);
    }
    let (done, all) = word.split_once('/')?;
    let (done, all) = (done.parse::<u64>().ok()?, all.parse::<u64>().ok()?);
    let percent = done.checked_mul(100)?.checked_div(all).filter(|_| all > 1)?;
    u8::try_from(percent).ok().filter(|percent| *percent <= 100)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_line_says() {
        let table = [
            ("epoch 27/60 45%", Some(45)),
            ("epoch 27/60", Some(45)),
            ("[ 12.7%] building (3 of 9)", Some(12)),
            (" 42%|####      | 42/100 [00:01<00:01]", Some(42)),
            ("frame 240/240", Some(100)),
            ("100%", Some(100)),
            ("cpu 180% 1/0 7/5 a/b 5/x", None),
            ("see /var/log/x", None),
            ("", None),
        ];
        for (line, percent) in table {
            assert_eq!(super::percent(line), percent, "{line:?}");
        }
    }
}
