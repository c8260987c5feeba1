//! Small texts that others have kept in the database, each under its name.

use std::borrow::Cow;
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
    keep(c, &c.local(name), text)
}

/// Files of the data folder that all c2d on a database have alike: by these machines know them.
pub const SHARED: [&str; 3] = ["authority.pem", "authority.before.pem", "access.json"];

/// Keeps the text of such a file; nothing for one that is gone.
pub(super) fn share(c: &Connection, name: &str, text: &str) -> Result<(), StoreError> {
    keep(c, &format!("file {name}"), text)
}

/// Keeps the texts of all such files of a data folder.
pub(super) fn share_all(c: &Connection, dir: &Path) -> Result<(), StoreError> {
    SHARED.iter().try_for_each(|name| share(c, name, &std::fs::read_to_string(dir.join(name)).unwrap_or_default()))
}

/// Keeps a text under the name that it has in the database.
fn keep(c: &Connection, name: &str, text: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    c.execute(sql, [name, text])?;
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

/// Names of what is about the queue itself, and not about files of one c2d.
const OF_ALL: [&str; 3] = ["paused", "observed", "last_job"];
/// Says that everything was moved from a database, and where to.
const MOVED: &str = "moved";

/// Where everything of a database was moved to, if it was.
pub(super) fn moved(c: &Connection) -> Result<Option<String>, StoreError> {
    c.optional("SELECT value FROM meta WHERE name = ?1", [MOVED])
}

pub(super) fn mark_moved(c: &Connection, to: &str) -> Result<(), StoreError> {
    c.execute("INSERT INTO meta VALUES (?1, ?2)", [MOVED, to])?;
    Ok(())
}

/// All texts that are about the queue or about the files of this c2d, under their plain names, in order.
pub(super) fn all(c: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let own = c.local("").into_owned();
    let rows =
        c.query("SELECT name, value FROM meta", (), |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut texts: Vec<(String, String)> = rows
        .into_iter()
        .filter_map(|(name, value)| match name.strip_suffix(own.as_str()) {
            _ if OF_ALL.contains(&name.as_str()) => Some((name, value)),
            Some(plain) if !plain.starts_with("file ") && plain != MOVED => Some((plain.to_owned(), value)),
            _ => None,
        })
        .collect();
    texts.sort();
    Ok(texts)
}

/// What such a name is in a database.
pub(super) fn name<'a>(c: &Connection, plain: &'a str) -> Cow<'a, str> {
    if OF_ALL.contains(&plain) { Cow::Borrowed(plain) } else { c.local(plain) }
}
