//! Parameters as PostgreSQL writes them.

/// The same statement with `$1` in the place of `?1`, and of each `?` that has no number.
pub(super) fn numbered(sql: &str) -> String {
    let (mut text, mut count, mut quoted) = (String::with_capacity(sql.len() + 8), 0, false);
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        quoted ^= c == '\'';
        if c != '?' || quoted {
            text.push(c);
            continue;
        }
        text.push('$');
        if !rest.peek().is_some_and(char::is_ascii_digit) {
            count += 1;
            text.push_str(&count.to_string());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("a = ?2 AND b = ?1", "a = $2 AND b = $1"),
            ("a = ? AND b > ? LIMIT ?", "a = $1 AND b > $2 LIMIT $3"),
            ("a = '?' AND b = ?", "a = '?' AND b = $1"),
        ] {
            assert_eq!(numbered(sql), expected);
        }
    }
}
