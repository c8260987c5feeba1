//! Everything moved between a data folder and a database on a server, by the words of the command line.

use c2_shared::home;

use super::UpkeepError;
use crate::store::{self, Place, Report, TargetError};

/// Moves everything; answers what to say.
pub(super) fn migrate(from: &str, to: &str) -> Result<String, UpkeepError> {
    let (from, to) = (place(from)?, place(to)?);
    let Report { jobs, rows, files, bytes } = store::migrate(&from, &to)?;
    let moved = format!("moved to {to}: {jobs} jobs in {rows} rows, {files} files of {bytes} bytes; each was compared");
    let start = match (&from, &to) {
        (Place::Folder(dir), _) => format!("start c2d with: --data-dir {} --store {to}", dir.display()),
        (_, Place::Folder(dir)) => format!("start c2d with: --data-dir {}", dir.display()),
        (Place::Database(_), Place::Database(_)) => String::new(),
    };
    Ok(format!("{moved}\n{start}\n"))
}

fn place(word: &str) -> Result<Place, TargetError> {
    if word.contains("://") {
        word.parse().map(Place::Database)
    } else {
        Ok(Place::Folder(home::expand(word.as_ref())))
    }
}
