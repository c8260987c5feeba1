//! The history file: one line a command, for the operator's eyes only.
//!
//! Lines are appended at once and each with one write, so that several consoles share the file
//! without tearing lines. It is made short at the start of a console, when it has grown to twice
//! its bound.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::app::line::HISTORY_LINES_MAX;

/// Where lines are kept.
#[derive(Clone, Debug)]
pub(super) struct HistoryFile {
    path: PathBuf,
}

impl HistoryFile {
    /// The file in the console's own folder.
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join("history") }
    }

    /// All lines, oldest first; none where there is no file.
    pub(super) fn load(&self) -> io::Result<Vec<String>> {
        let bytes = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read?,
        };
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> = text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect();
        if lines.len() > 2 * HISTORY_LINES_MAX {
            let latest = &lines[lines.len() - HISTORY_LINES_MAX..];
            self.replace(latest)?;
            return Ok(latest.to_vec());
        }
        Ok(lines)
    }

    pub(super) fn append(&self, line: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            make_private_folder(folder)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
        file.write_all(format!("{line}\n").as_bytes())
    }

    fn replace(&self, lines: &[String]) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all((lines.join("\n") + "\n").as_bytes())?;
        fs::rename(new, &self.path)
    }
}

/// Makes a folder that others cannot enter.
pub(super) fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn lines_come_back_and_only_for_their_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = HistoryFile::in_folder(&folder.path().join("c2-tui"));
        assert_eq!(file.load().unwrap(), Vec::<String>::new());
        let other = file.clone();
        file.append("submit \"a b\"").unwrap();
        other.append("list").unwrap();
        assert_eq!(file.load().unwrap(), ["submit \"a b\"", "list"]);
        assert_eq!(fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_long_file_is_made_short() {
        let folder = tempfile::tempdir().unwrap();
        let file = HistoryFile::in_folder(folder.path());
        let long: Vec<String> = (0..=2 * HISTORY_LINES_MAX).map(|n| format!("job {n}")).collect();
        file.replace(&long).unwrap();
        assert_eq!(file.load().unwrap().len(), HISTORY_LINES_MAX);
        assert_eq!(file.load().unwrap().last(), long.last());
    }
}
