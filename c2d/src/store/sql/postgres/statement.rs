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

/// What only one row may have.
const IGNORING: &str = " ON CONFLICT DO NOTHING";

pub(super) fn shape(sql: &str) -> Shape {
    let asks = sql.contains("SELECT");
    if !asks && inserted(sql).is_some() {
        return Shape::Insert;
    }
    let changes = sql.starts_with("UPDATE ") || sql.starts_with("DELETE FROM ");
    let is_plain = changes && !asks && sql.matches("WHERE ").count() == 1 && !sql.contains("RETURNING");
    if is_plain && sql.split_once("WHERE ").is_some_and(|(_, condition)| condition.contains(" = ?1")) {
        return Shape::Change;
    }
    Shape::Alone
}

/// The parts of a statement that adds one row: what stands before the values, and what behind them.
fn inserted(sql: &str) -> Option<(&str, &str)> {
    let (head, rest) = sql.strip_prefix("INSERT INTO ")?.split_once("VALUES (")?;
    let (values, rest) = rest.split_once(')')?;
    let in_order = values.split(',').zip(1..).all(|(value, number)| value.trim() == format!("?{number}"));
    (in_order && (rest.is_empty() || rest == IGNORING)).then(|| (head.trim_end(), rest))
}

/// The same statement for many rows, whose values are arrays of these types, one for each parameter.
pub(super) fn for_many<'a>(sql: &str, types: impl Iterator<Item = &'a str>) -> Option<String> {
    let arrays: Vec<String> = types.zip(1..).map(|(name, number)| format!("${number}::{name}[]")).collect();
    let arrays = arrays.join(", ");
    match shape(sql) {
        Shape::Insert => {
            let (head, rest) = inserted(sql)?;
            Some(format!("INSERT INTO {head} SELECT * FROM unnest({arrays}){rest}"))
        }
        Shape::Change => {
            let columns: Vec<String> = (1..=arrays.split(',').count()).map(|number| format!("p{number}")).collect();
            let (head, condition) = sql.split_once("WHERE ")?;
            let word = if sql.starts_with("DELETE") { "USING" } else { "FROM" };
            let rows = format!("{word} unnest({arrays}) AS many ({})", columns.join(", "));
            Some(format!("{}{rows} WHERE {}", with(head, "many.p"), with(condition, "many.p")))
        }
        Shape::Alone => None,
    }
}

/// The same statement with `$1` in the place of `?1`, and of each `?` that has no number.
pub(super) fn numbered(sql: &str) -> String {
    with(sql, "$")
}

fn with(sql: &str, mark: &str) -> String {
    let (mut text, mut count, mut quoted) = (String::with_capacity(sql.len() + 8), 0, false);
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        quoted ^= c == '\'';
        if c != '?' || quoted {
            text.push(c);
            continue;
        }
        text.push_str(mark);
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
                    "UPDATE t SET a = many.p2 FROM unnest($1::int8[], $2::text[]) AS many (p1, p2) \
                     WHERE id = many.p1 AND b = '?'",
                ),
            ),
            (
                "DELETE FROM t WHERE id = ?1 AND a = ?2",
                Some(
                    "DELETE FROM t USING unnest($1::int8[], $2::text[]) AS many (p1, p2) \
                     WHERE id = many.p1 AND a = many.p2",
                ),
            ),
            ("INSERT INTO t VALUES (?2, ?1)", None),
            ("INSERT INTO t VALUES ('word', ?1)", None),
            ("INSERT INTO t VALUES (?1, ?2) ON CONFLICT (a) DO UPDATE SET b = ?2", None),
            ("INSERT INTO t SELECT ?1, ?2", None),
            ("UPDATE t SET a = ?1", None),
            ("UPDATE t SET a = ?1 WHERE id = ?2", None),
            ("DELETE FROM t WHERE id = ?1 AND a > (SELECT min(a) FROM t WHERE id = ?2)", None),
        ] {
            assert_eq!(for_many(sql, ["int8", "text"].into_iter()).as_deref(), expected, "{sql}");
        }
    }
}
