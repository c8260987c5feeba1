//! Small texts that others have kept in the database, each under its name.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use c2_shared::secret_file;

use crate::store::StoreError;
use crate::store::sql::Connection;
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
        self.0.send(Work::Keep { name, text, is_shared: false, kept }).is_ok() && answer.recv().unwrap_or(false)
    }

    /// Keeps what a file of the data folder says for all c2d on this database; answers whether it is durable.
    pub fn share(&self, name: &'static str, text: String) -> bool {
        let (kept, answer) = sync_channel(1);
        self.0.send(Work::Keep { name, text, is_shared: true, kept }).is_ok() && answer.recv().unwrap_or(false)
    }

    /// Has the log of ended jobs opened again, if it was put aside.
    pub fn look_at_log(&self) {
        // If there is no room, somebody asked for it a moment ago.
        let _asked = self.0.try_send(Work::Look);
    }
}

pub(super) fn put(c: &Connection, name: &str, text: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    c.execute(sql, [&*c.local(name), text])?;
    Ok(())
}

/// Files of the data folder that all c2d on a database have alike: by these machines know them.
pub const SHARED: [&str; 3] = ["authority.pem", "authority.before.pem", "access.json"];

/// Keeps the text of such a file; nothing for one that is gone.
pub(super) fn share(c: &Connection, name: &str, text: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    c.execute(sql, [&*format!("file {name}"), text])?;
    Ok(())
}

/// Brings the files of a data folder to what the database says of them, where it says anything.
pub(super) fn take_over(c: &Connection, dir: &Path) -> Result<(), StoreError> {
    for name in SHARED {
        let kept: Option<String> = c.optional("SELECT value FROM meta WHERE name = ?1", [format!("file {name}")])?;
        let path = dir.join(name);
        match kept.as_deref() {
            None => {}
            Some("") => drop(std::fs::remove_file(&path)),
            Some(text) if secret_file::read(&path).is_ok_and(|there| there == text) => {}
            Some(text) => secret_file::write(&path, text).map_err(|error| StoreError::File {
                path: path.clone(),
                source: std::io::Error::other(error.to_string()),
            })?,
        }
    }
    Ok(())
}

/// What a command did to the folder while c2d was down, for the audit log.
pub(super) const NOTE: &str = "note";

/// Takes out what is kept under a name.
pub(super) fn take(c: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let text = get(c, name)?;
    c.execute("DELETE FROM meta WHERE name = ?1", [&*c.local(name)])?;
    Ok(text)
}

pub(super) fn get(c: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    c.optional("SELECT value FROM meta WHERE name = ?1", [&*c.local(name)])
}
