//! How SQLite goes about its work.

use rusqlite::{Connection, StatementStatus};

use super::Lab;
use crate::store::schema;

/// How often a statement with a limit was compiled anew while it ran three times.
fn compiled_again(connection: &Connection) -> i32 {
    let sql = "SELECT id FROM job WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let mut statement = connection.prepare(sql).unwrap();
    for seq in 0..3 {
        assert!(!statement.exists((seq, 10 + seq)).unwrap());
    }
    statement.get_status(StatementStatus::RePrepare)
}

#[test]
fn statements_are_compiled_once() {
    let lab = Lab::new();
    lab.open().writer.close();
    let path = lab.path().join("c2.db");
    assert_eq!(compiled_again(&schema::open_reader(&path).unwrap()), 0);
    let plain = Connection::open(&path).unwrap();
    assert!(compiled_again(&plain) > 0, "the setting has no effect any more, and may go");
}
