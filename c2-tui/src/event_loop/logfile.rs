//! The log of the console: a file in its own folder, never the screen.

use std::io;
use std::path::{Path, PathBuf};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

use super::history::make_private_folder;

/// Days of which the log is kept.
const DAYS_MAX: usize = 7;

/// Begins to log; answers the folder in which the log is.
pub(super) fn begin(folder: &Path) -> io::Result<PathBuf> {
    let folder = folder.join("log");
    make_private_folder(&folder)?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("c2-tui")
        .max_log_files(DAYS_MAX)
        .build(&folder)
        .map_err(io::Error::other)?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let made = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(file).try_init();
    // Another subscriber can only be there in a test, and then it is the better one.
    drop(made);
    Ok(folder)
}
