//! The file of the operator's choices: read once at the start, written whenever one of them
//! changed, by a task of its own.
//!
//! A file that cannot be understood is put aside and named, never written over. One that a newer
//! console made stays as it is, and this console keeps nothing.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};

use super::history::make_private_folder;
use crate::app::panes::{Pane, Panes};
use crate::app::preferences::Sizes;
use crate::app::table::Sort;
use crate::app::{Msg, Preferences};
use crate::command::Theme;

/// The present form of the file.
const VERSION: u32 = 2;
/// Far more than the console itself ever writes.
const BYTES_MAX: u64 = 64 << 10;
/// For the last change, when the console ends on a slow disk.
const FLUSH: Duration = Duration::from_secs(1);

/// Keeps choices for the next session.
pub(super) struct Keeper {
    latest: watch::Sender<Option<Preferences>>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Starts to keep choices in a folder; answers those of the last session, and what the operator
    /// should know of them.
    pub(super) fn start(folder: &Path, to: mpsc::Sender<Msg>) -> (Self, Preferences, Option<String>) {
        let path = folder.join("preferences.json");
        let (chosen, trouble) = match read(&path) {
            Ok(chosen) => (chosen, None),
            Err(trouble) => (Preferences::default(), Some(trouble)),
        };
        let writable = !matches!(trouble, Some(Trouble::Newer | Trouble::Unreadable(_)));
        let (latest, changes) = watch::channel(None);
        let task = tokio::spawn(keep(path, changes, writable, to));
        (Self { latest, task }, chosen, trouble.map(|t| t.to_string()))
    }

    pub(super) fn keep(&self, chosen: Preferences) {
        self.latest.send_replace(Some(chosen));
    }

    /// Lets the last change reach the disk.
    pub(super) async fn end(self) {
        drop(self.latest);
        // Whatever is not written by then is a colour or a width.
        let _late = tokio::time::timeout(FLUSH, self.task).await;
    }
}

/// Writes the latest choices as often as there are new ones.
async fn keep(path: PathBuf, mut changes: watch::Receiver<Option<Preferences>>, writable: bool, to: mpsc::Sender<Msg>) {
    let mut told = false;
    while changes.changed().await.is_ok() {
        let Some(chosen) = *changes.borrow_and_update() else { continue };
        if !writable {
            continue;
        }
        let to_write = path.clone();
        let written = spawn_blocking(move || write(&to_write, &chosen)).await;
        if let Ok(Err(error)) = written
            && !told
        {
            told = true;
            let _nobody_listens = to.send(Msg::Notice(format!("preferences cannot be kept: {error}"))).await;
        }
    }
}

/// Why the defaults are used.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the preferences cannot be read and are not kept: {0}")]
    Unreadable(io::Error),
    #[error("the preferences are a newer console's: defaults are used, and nothing is kept")]
    Newer,
    #[error("the preferences were damaged ({0}): defaults are used, the old file is {1}")]
    Damaged(serde_json::Error, String),
}

/// The file, by words, so that it outlives a new order of columns.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    version: u32,
    theme: String,
    mouse: bool,
    sizes: WrittenSizes,
    sorts: BTreeMap<String, WrittenSort>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenSizes {
    top: i16,
    side: i16,
    foot: i16,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenSort {
    column: String,
    descending: bool,
}

/// What every form of the file begins with.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

fn read(path: &Path) -> Result<Preferences, Trouble> {
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Preferences::default()),
        // Not text: as damaged as text that is not JSON.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => text.clear(),
        Err(error) => return Err(Trouble::Unreadable(error)),
    }
    if serde_json::from_str::<Versioned>(&text).is_ok_and(|file| file.version > VERSION) {
        return Err(Trouble::Newer);
    }
    serde_json::from_str::<Written>(&text).map(Preferences::from).map_err(|error| {
        let aside = path.with_extension("json.damaged");
        match fs::rename(path, &aside) {
            Ok(()) => Trouble::Damaged(error, aside.display().to_string()),
            Err(failed) => Trouble::Unreadable(failed),
        }
    })
}

fn write(path: &Path, chosen: &Preferences) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        make_private_folder(folder)?;
    }
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    let mut text = serde_json::to_string_pretty(&Written::from(chosen))?;
    text.push('\n');
    file.write_all(text.as_bytes())?;
    fs::rename(new, path)
}

impl From<Written> for Preferences {
    fn from(mut written: Written) -> Self {
        // Up to version 1 jobs were in the order of their ids by themselves: nobody chose that.
        let by_id = |sort: &WrittenSort| sort.column == "id" && !sort.descending;
        if written.version < 2 && written.sorts.get(Pane::Jobs.word()).is_some_and(by_id) {
            written.sorts.remove(Pane::Jobs.word());
        }
        let mut chosen = Self::default();
        let panes = Panes::default();
        chosen.theme = Theme::of(&written.theme).unwrap_or_default();
        chosen.mouse = written.mouse;
        let WrittenSizes { top, side, foot } = written.sizes;
        chosen.sizes = Sizes { top, side, foot };
        for (pane, sort) in Pane::ALL.into_iter().zip(&mut chosen.sorts) {
            let Some(written) = written.sorts.get(pane.word()) else { continue };
            let heads = panes.grid(pane).heads();
            if let Some(column) = heads.iter().position(|head| head.name == written.column) {
                *sort = Sort { column, descending: written.descending };
            }
        }
        chosen
    }
}

impl From<&Preferences> for Written {
    fn from(chosen: &Preferences) -> Self {
        let panes = Panes::default();
        let sorts = Pane::ALL.into_iter().zip(chosen.sorts).filter_map(|(pane, sort)| {
            let column = panes.grid(pane).heads().get(sort.column)?.name.to_owned();
            Some((pane.word().to_owned(), WrittenSort { column, descending: sort.descending }))
        });
        let Sizes { top, side, foot } = chosen.sizes;
        Self {
            version: VERSION,
            theme: chosen.theme.word().to_owned(),
            mouse: chosen.mouse,
            sizes: WrittenSizes { top, side, foot },
            sorts: sorts.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn chosen() -> Preferences {
        let mut chosen = Preferences { theme: Theme::Contrast, mouse: false, ..Preferences::default() };
        chosen.sizes.side = 8;
        chosen.sorts[0] = Sort { column: 1, descending: true };
        chosen
    }

    #[tokio::test]
    async fn the_last_of_many_changes_is_found_by_the_next_session() {
        let folder = tempfile::tempdir().unwrap();
        let (to, _told) = mpsc::channel(1);
        let (keeper, first, trouble) = Keeper::start(folder.path(), to.clone());
        assert_eq!((first, trouble), (Preferences::default(), None));
        for top in 0..20 {
            let mut passing = Preferences::default();
            passing.sizes.top = top;
            keeper.keep(passing);
        }
        keeper.keep(chosen());
        keeper.end().await;
        let (_, second, trouble) = Keeper::start(folder.path(), to);
        assert_eq!((second, trouble), (chosen(), None));
        let mode = fs::metadata(folder.path().join("preferences.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_newer_file_gives_defaults_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preferences.json");
        fs::write(&path, r#"{"version": 3, "layout": []}"#).unwrap();
        let (to, _told) = mpsc::channel(1);
        let (keeper, found, trouble) = Keeper::start(folder.path(), to);
        keeper.keep(chosen());
        keeper.end().await;
        assert_eq!(found, Preferences::default());
        assert!(trouble.unwrap().contains("newer"));
        assert_eq!(fs::read_to_string(&path).unwrap(), r#"{"version": 3, "layout": []}"#);
    }

    #[test]
    fn a_damaged_file_gives_defaults_and_is_put_aside() {
        let deep = "[".repeat(10_000);
        let damaged: [&[u8]; 6] = [b"", b"{", b"\xff\xfe", b"[1]", br#"{"version":1,"theme":7}"#, deep.as_bytes()];
        for bytes in damaged {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("preferences.json");
            fs::write(&path, bytes).unwrap();
            assert!(matches!(read(&path), Err(Trouble::Damaged(..))), "{bytes:?}");
            assert_eq!(fs::read(folder.path().join("preferences.json.damaged")).unwrap(), bytes);
            assert_eq!(read(&path).unwrap(), Preferences::default());
        }
    }

    #[test]
    fn words_that_are_not_known_change_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preferences.json");
        let text = r#"{"version":1,"theme":"pink","mouse":false,"sizes":{"top":4,"side":0,"foot":0},
            "sorts":{"jobs":{"column":"smell","descending":true},"attic":{"column":"id","descending":true}},"more":1}"#;
        fs::write(&path, text).unwrap();
        let mut expected = Preferences { mouse: false, ..Preferences::default() };
        expected.sizes.top = 4;
        assert_eq!(read(&path).unwrap(), expected);
    }

    #[test]
    fn an_order_that_nobody_chose_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preferences.json");
        for (version, column, kept) in [(1, "id", false), (2, "id", true), (1, "age", true)] {
            let text = format!(
                r#"{{"version":{version},"theme":"dark","mouse":true,"sizes":{{"top":0,"side":0,"foot":0}},
                "sorts":{{"jobs":{{"column":"{column}","descending":false}}}}}}"#
            );
            fs::write(&path, text).unwrap();
            let sort = read(&path).unwrap().sorts[1];
            assert_eq!(sort != Preferences::default().sorts[1], kept, "version {version}, {column}");
        }
    }
}
