//! Statements as PostgreSQL writes them, for one row and for many.

/// How a statement goes together with others of the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// It adds a row, and no two of them are about the same one.
    Insert,
    /// It changes or removes rows whose first column is its first value.
    Change,
    /// Only one at a time.
    Alone,
}

/// How a column is compared with the first value.
const FIRST: &str = " = ?1";
/// What only one row may have.
const IGNORING: &str = " ON CONFLICT DO NOTHING";

pub(super) fn shape(sql: &str) -> Shape {
    let asks = sql.contains("SELECT");
    if !asks && inserted(sql).is_some() {
        return Shape::Insert;
    }
    let changes = sql.starts_with("UPDATE ") || sql.starts_with("DELETE FROM ");
    let is_plain = changes && !asks && sql.matches("WHERE ").count() == 1 && !sql.contains("RETURNING");
    if is_plain && key(sql).is_some() { Shape::Change } else { Shape::Alone }
}

/// The column by which rows are found, which has the first value.
fn key(sql: &str) -> Option<&str> {
    let (_, condition) = sql.split_once("WHERE ")?;
    let (at, end) = condition.match_indices(FIRST).map(|(at, found)| (at, at + found.len())).next()?;
    let is_number = condition[end..].starts_with(|c: char| c.is_ascii_digit());
    let word = condition[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    (!is_number && !word.is_empty()).then_some(word)
}

/// The parts of a statement that adds one row: what stands before the values, and what behind them.
fn inserted(sql: &str) -> Option<(&str, &str)> {
    let (head, rest) = sql.strip_prefix("INSERT INTO ")?.split_once("VALUES (")?;
    let (values, rest) = rest.split_once(')')?;
    let in_order = values.split(',').zip(1..).all(|(value, number)| value.trim() == format!("?{number}"));
    (in_order && (rest.is_empty() || rest == IGNORING)).then(|| (head.trim_end(), rest))
}

/// The same statement for many rows, whose values are arrays of these types, one for each parameter.
///
/// Rows that change are found by their key in the first array, and their values stand at the same place of the
/// others. A join with rows of arrays would say the same; but how it is done depends on how large the server takes
/// the tables for, and a plan from when they were empty reads all of them ever after.
pub(super) fn for_many<'a>(sql: &str, types: impl Iterator<Item = &'a str>) -> Option<String> {
    let arrays: Vec<String> = types.zip(1..).map(|(name, number)| format!("${number}::{name}[]")).collect();
    match shape(sql) {
        Shape::Insert => {
            let (head, rest) = inserted(sql)?;
            Some(format!("INSERT INTO {head} SELECT * FROM unnest({}){rest}", arrays.join(", ")))
        }
        Shape::Change => {
            let (key, first) = (key(sql)?, arrays.first()?);
            let all = sql.replacen(&format!("{key}{FIRST}"), &format!("{key} = ANY ({first})"), 1);
            Some(replaced(&all, |number| {
                let array = arrays.get(number.checked_sub(1)?)?;
                Some(format!("({array})[array_position({first}, {key})]"))
            }))
        }
        Shape::Alone => None,
    }
}

/// The same statement with `$1` in the place of `?1`, and of each `?` that has no number.
pub(super) fn numbered(sql: &str) -> String {
    replaced(sql, |number| Some(format!("${number}")))
}

/// A statement with other words for its parameters; one without a number has the next.
fn replaced(sql: &str, word: impl Fn(usize) -> Option<String>) -> String {
    let (mut text, mut count, mut quoted) = (String::with_capacity(sql.len() + 8), 0, false);
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        quoted ^= c == '\'';
        if c != '?' || quoted {
            text.push(c);
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        let number = digits.parse().unwrap_or_else(|_| {
            count += 1;
            count
        });
        text.push_str(&word(number).unwrap_or_default());
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

    #[test]
    fn one_statement_stands_for_many() {
        for (sql, expected) in [
            ("INSERT INTO t VALUES (?1, ?2)", Some("INSERT INTO t SELECT * FROM unnest($1::int8[], $2::text[])")),
            (
                "INSERT INTO t (a,\n b) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                Some("INSERT INTO t (a,\n b) SELECT * FROM unnest($1::int8[], $2::text[]) ON CONFLICT DO NOTHING"),
            ),
            (
                "UPDATE t SET a = ?2 WHERE id = ?1 AND b = '?'",
                Some(
                    "UPDATE t SET a = ($2::text[])[array_position($1::int8[], id)] \
                     WHERE id = ANY ($1::int8[]) AND b = '?'",
                ),
            ),
            (
                "DELETE FROM t WHERE id = ?1 AND a = ?2",
                Some("DELETE FROM t WHERE id = ANY ($1::int8[]) AND a = ($2::text[])[array_position($1::int8[], id)]"),
            ),
            ("DELETE FROM t WHERE id = ?12", None),
            ("INSERT INTO t VALUES (?2, ?1)", None),
            ("INSERT INTO t VALUES ('word', ?1)", None),
            ("INSERT INTO t VALUES (?1, ?2) ON CONFLICT (a) DO UPDATE SET b = ?2", None),
            ("INSERT INTO t SELECT ?1, ?2", None),
            ("UPDATE t SET a = ?1", None),
            ("UPDATE t SET a = ?1 WHERE b = ?2", None),
            ("DELETE FROM t WHERE id = ?1 AND a > (SELECT min(a) FROM t WHERE id = ?2)", None),
        ] {
            assert_eq!(for_many(sql, ["int8", "text"].into_iter()).as_deref(), expected, "{sql}");
        }
    }
}
