//! Small texts that others have kept in the database, each under its name.

use std::sync::mpsc::{SyncSender, sync_channel};

use rusqlite::{Connection, OptionalExtension as _};

use crate::store::StoreError;
use crate::store::writer::Work;

/// Has texts kept; cheap to clone.
#[derive(Clone, Debug)]
pub struct Memo(SyncSender<Work>);

impl Memo {
    pub(super) const fn new(work: SyncSender<Work>) -> Self {
        Self(work)
    }

    /// Keeps a text in the place of what was kept under this name; answers whether it is durable. Only
    /// one thread may ask at a time.
    pub fn put(&self, name: &'static str, text: String) -> bool {
        let (kept, answer) = sync_channel(1);
        self.0.send(Work::Keep { name, text, kept }).is_ok() && answer.recv().unwrap_or(false)
    }

    /// Has the log of ended jobs opened again, if it was put aside.
    pub fn look_at_log(&self) {
        // If there is no room, somebody asked for it a moment ago.
        let _asked = self.0.try_send(Work::Look);
    }
}

pub(super) fn put(c: &Connection, name: &str, text: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
    c.prepare_cached(sql)?.execute([name, text])?;
    Ok(())
}

/// What a command did to the folder while c2d was down, for the audit log.
pub(super) const NOTE: &str = "note";

/// Takes out what is kept under a name.
pub(super) fn take(c: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let text = get(c, name)?;
    c.prepare_cached("DELETE FROM meta WHERE name = ?1")?.execute([name])?;
    Ok(text)
}

pub(super) fn get(c: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let mut statement = c.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}
