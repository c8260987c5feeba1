//! A transaction as one message: BEGIN, whether this c2d leads, what is written, COMMIT.
//!
//! A statement that is sent by itself has an answer of its own, which costs as much as what it does: both sides wake
//! up for it. So short transactions are one text, in which prepared statements have their values as literals. The
//! server stops at the first that fails, and all that has to hold fails there: nothing is looked at after the COMMIT.

use std::collections::HashMap;

use crate::store::sql::ValueRef;
use crate::store::sql::postgres::pending::{Group, Kept};

/// Rows that are sent like this at most; from some number on, arrays without text are cheaper.
pub(super) const ROWS_MAX: usize = 256;
/// And their bytes, which become twice as many.
pub(super) const BYTES_MAX: usize = 64 * 1024;
/// Statements that the server keeps for it.
const STATEMENTS_MAX: usize = 256;

/// Fails unless this c2d leads, and has it lead until the end of the transaction.
const LEADS: &str = "SELECT 1 / count(*) FROM (SELECT 1 FROM leader WHERE epoch = ?1 FOR SHARE) AS leads";

/// The question whether this c2d leads.
pub(super) fn leads(epoch: i64) -> Group {
    Group { sql: LEADS.to_owned(), must_change: false, rows: vec![vec![Kept::Int(epoch)]] }
}

/// The names of what the server keeps, for each text: for one row and for many, without and with a count.
#[derive(Debug, Default)]
pub(super) struct Names {
    of_text: HashMap<String, [Option<String>; 4]>,
    given: usize,
    /// What the server does not know yet.
    new: String,
}

impl Names {
    /// The name for a group.
    pub(super) fn of(&self, group: &Group) -> Option<&str> {
        self.of_text.get(&group.sql)?[form(group)].as_deref()
    }

    /// Gives one to what the group becomes; answers whether there was one left.
    pub(super) fn add(&mut self, group: &Group, sql: &str) -> bool {
        if self.given >= STATEMENTS_MAX {
            return false;
        }
        let name = format!("c2_{}", self.given);
        self.given += 1;
        self.new.push_str(&format!("PREPARE {name} AS {sql};"));
        self.of_text.entry(group.sql.clone()).or_default()[form(group)] = Some(name);
        true
    }

    /// What the server has to be asked for before these names are used.
    pub(super) fn take_new(&mut self) -> Option<String> {
        Some(std::mem::take(&mut self.new)).filter(|new| !new.is_empty())
    }
}

fn form(group: &Group) -> usize {
    usize::from(group.rows.len() > 1) * 2 + usize::from(group.must_change)
}

/// A statement that fails unless it changes as many rows as its last parameter says, which is one more than it has.
pub(super) fn must_change(sql: &str, parameters: usize) -> String {
    let count = parameters + 1;
    format!("WITH changed AS ({sql} RETURNING 1) SELECT 1 / CAST(count(*) >= ${count} AS integer) FROM changed")
}

/// Adds the call of a statement.
pub(super) fn call(text: &mut String, name: &str, group: &Group) {
    text.push_str("EXECUTE ");
    text.push_str(name);
    let mut separator = '(';
    let mut next = |text: &mut String| {
        text.push(separator);
        separator = ',';
    };
    match &group.rows[..] {
        [row] => row.iter().for_each(|value| {
            next(text);
            literal(text, value.value());
        }),
        rows => (0..rows.first().map_or(0, Vec::len)).for_each(|column| {
            next(text);
            array(text, rows.iter().map(|row| row[column].value()));
        }),
    }
    if group.must_change {
        next(text);
        text.push_str(&group.rows.len().to_string());
    }
    text.push_str(if separator == '(' { ";" } else { ");" });
}

/// The server reads each literal as what the parameter is, and with standard strings only a quote ends one.
fn literal(text: &mut String, value: ValueRef<'_>) {
    if value == ValueRef::Null {
        text.push_str("NULL");
        return;
    }
    text.push('\'');
    match value {
        ValueRef::Null => {}
        ValueRef::Int(n) => text.push_str(&n.to_string()),
        ValueRef::Text(word) => word.chars().for_each(|c| quoted(text, c)),
        ValueRef::Blob(bytes) => {
            text.push_str("\\x");
            hex(text, bytes);
        }
    }
    text.push('\'');
}

fn array<'a>(text: &mut String, values: impl Iterator<Item = ValueRef<'a>>) {
    text.push_str("'{");
    let mut is_first = true;
    for value in values {
        if !std::mem::take(&mut is_first) {
            text.push(',');
        }
        match value {
            ValueRef::Null => text.push_str("NULL"),
            ValueRef::Int(n) => text.push_str(&n.to_string()),
            ValueRef::Text(word) => {
                text.push('"');
                for c in word.chars() {
                    if c == '"' || c == '\\' {
                        text.push('\\');
                    }
                    quoted(text, c);
                }
                text.push('"');
            }
            ValueRef::Blob(bytes) => {
                text.push_str("\"\\\\x");
                hex(text, bytes);
                text.push('"');
            }
        }
    }
    text.push_str("}'");
}

/// PostgreSQL keeps no text with a zero byte. Where one may be, it is words for people.
fn quoted(text: &mut String, c: char) {
    match c {
        '\'' => text.push_str("''"),
        '\0' => text.push('\u{fffd}'),
        c => text.push(c),
    }
}

fn hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.reserve(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::postgres::pending::Pending;

    /// The call of statements with these values.
    #[track_caller]
    fn check(rows: &[(i64, Option<&str>, &[u8])], must_change: bool, expected: &str) {
        let mut pending = Pending::default();
        for (number, word, bytes) in rows {
            pending.add("INSERT INTO t VALUES (?1, ?2, ?3)", &(*number, *word, *bytes), must_change);
        }
        let mut text = String::new();
        call(&mut text, "c2_7", &pending.take()[0]);
        assert_eq!(text, expected);
    }

    #[test]
    fn values_are_literals_that_nothing_in_them_ends() {
        check(&[(-1, None, b"")], false, r"EXECUTE c2_7('-1',NULL,'\x');");
        check(&[(1, Some(r#"'; DROP \'"#), b"\0\xff")], true, r"EXECUTE c2_7('1','''; DROP \''','\x00ff',1);");
        check(
            &[(1, Some(r#"a"\'"#), b"a"), (2, None, b""), (3, Some("NULL\0"), b"b")],
            true,
            "EXECUTE c2_7('{1,2,3}','{\"a\\\"\\\\''\",NULL,\"NULL\u{fffd}\"}','{\"\\\\x61\",\"\\\\x\",\"\\\\x62\"}',3);",
        );
    }

    #[test]
    fn a_statement_has_one_name() {
        let group =
            |sql: &str, rows: usize| Group { sql: sql.to_owned(), must_change: false, rows: vec![Vec::new(); rows] };
        let mut names = Names::default();
        assert!(names.of(&group("one", 1)).is_none() && names.take_new().is_none());
        assert!(names.add(&group("one", 1), "SELECT 1"));
        assert!(names.add(&group("one", 2), "SELECT 2"));
        assert_eq!(names.take_new().as_deref(), Some("PREPARE c2_0 AS SELECT 1;PREPARE c2_1 AS SELECT 2;"));
        assert_eq!((names.of(&group("one", 1)), names.of(&group("one", 9))), (Some("c2_0"), Some("c2_1")));
        for number in 2..STATEMENTS_MAX {
            assert!(names.add(&group(&number.to_string(), 1), "SELECT 3"));
        }
        assert!(!names.add(&group("one more", 1), "SELECT 4"));
        assert_eq!(names.of(&group("one more", 1)), None);
    }
}
