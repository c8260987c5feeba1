//! What is done to the data folder as a whole: a copy of it, a copy put back, a look whether all of
//! it is as it should be.
//!
//! A copy is one tar file with everything that c2d cannot make again: the database, the files of
//! jobs, the authority and the tokens, the configuration, the audit log, and `jobs.log`, which knows
//! jobs that were removed from the database, wherever the configuration puts it.

mod authority;
mod backup;
mod check;
mod history;
mod migrate;
mod parts;
mod restore;
mod server;
mod summed;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use c2_shared::advice::Advice;
use c2_shared::checkup;
use c2_shared::closed::{self, Closed};
use c2_shared::config::ConfigError;
use c2_shared::exit;

use crate::access::AccessError;
use crate::audit;
use crate::authority::AuthorityError;
use crate::cli::options::{AuthorityCommand, Options, Upkeep};
use crate::clock::Clock;
use crate::store::{self, DATABASE, FILES, MigrationError, StoreError, TargetError};

use self::backup::backup;
use self::check::check;
use self::restore::{Restored, restore};

/// How often it is looked again for a line of `jobs.log`, and after which pause: a c2d that runs
/// commits the end of a job first and writes its line then.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);
/// The log of ended jobs within a copy.
const LOG: &str = "jobs.log";
/// What each file within a copy holds, by its SHA-256, but for the files of jobs, whose names say it.
const SUMS: &str = "backup.sums";
/// The space that is set aside.
const BALLAST: &str = "ballast";
/// The configuration, in the data folder and within a copy.
const CONFIG: &str = "config.json";
/// What a folder of c2d has one of.
const MARKS: [&str; 4] = [DATABASE, "lock.store", "operator.token", "audit.log"];
/// What c2d makes again, or what means something only while it runs.
const NOT_COPIED: [&str; 9] =
    ["c2.db-wal", "c2.db-shm", "c2.db.moved", "lock", "lock.store", BALLAST, "c2d.addr", "c2d.pid", "c2-agent.pid"];

/// What to do about a full disk.
const NO_SPACE: &str = "the disk is full: free some space there, or name another place; nothing was changed";

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    #[error("{0:?} is already there")]
    Exists(PathBuf),
    #[error("{0:?} would be in the data folder that it is a backup of")]
    Inside(PathBuf),
    #[error("{0:?} is not a regular file")]
    NoFile(PathBuf),
    #[error("{0:?} is used by c2d")]
    InUse(PathBuf),
    #[error("{0:?} is where a disk is mounted, and cannot be replaced as a whole")]
    Mounted(PathBuf),
    #[error("{0:?} is not a data folder of c2d")]
    NoFolder(PathBuf),
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error("{path:?} is not a backup that can be used: {why}")]
    Damaged { path: PathBuf, why: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("some do not know the present authority yet: {}", .0.join(", "))]
    StillMoving(Vec<String>),
    #[error("cannot use {path:?}")]
    File { path: PathBuf, source: io::Error },
}

/// Does it; answers with what to print, and whether all is well. The configuration is the one named, or
/// the one in the data folder.
pub fn run(options: &Options, work: Upkeep) -> Result<(String, bool), UpkeepError> {
    let (data_dir, config_file) = (options.data_dir(), options.config_file());
    let data_dir = data_dir.as_path();
    // A migration names its folder itself.
    if !matches!(work, Upkeep::Migrate { .. }) {
        closed::look(data_dir)?;
        closed::look(&data_dir.join(DATABASE))?;
    }
    if matches!(work, Upkeep::Check) && is_of_another(data_dir) {
        return Err(UpkeepError::NoFolder(data_dir.to_owned()));
    }
    if let Some(target) = server::of(data_dir, config_file, options.store())?
        && let Some(done) = server::run(&target, data_dir, config_file, &work)?
    {
        return Ok(done);
    }
    if !matches!(work, Upkeep::Authority { command: AuthorityCommand::Show } | Upkeep::Migrate { .. }) {
        store::look_elsewhere(data_dir)?;
    }
    match work {
        Upkeep::Migrate { from, to } => Ok((migrate::migrate(&from, &to)?, true)),
        Upkeep::Backup { file, force } => {
            let bytes = backup(data_dir, config_file, &file, force)?;
            let audit = store::memo(&data_dir.join(DATABASE), audit::MEMO)?.and_then(|text| audit::extent(&text));
            let audit = audit.map_or_else(String::new, |extent| format!("its audit log has {extent}\n"));
            Ok((format!("{} holds everything of {}: {bytes} bytes\n{audit}", file.display(), data_dir.display()), true))
        }
        Upkeep::Restore { file } => {
            let now_s = Clock::start(0).now().wall_ms / 1_000;
            let Restored { aside, next } = restore(data_dir, config_file, &file, now_s)?;
            let aside = aside.iter().map(|aside| format!("what was there before is now {}\n", aside.display()));
            let restored = format!("{} is as in {}; start c2d\n", data_dir.display(), file.display());
            let next = format!("the next job is job-{next}: which ids were given after the backup is not known here\n");
            Ok((restored + &aside.collect::<String>() + &next, true))
        }
        Upkeep::Authority { command: AuthorityCommand::Show } => Ok((crate::authority::certificate(data_dir)?, true)),
        Upkeep::Authority { command: AuthorityCommand::Rotate { now } } => {
            Ok((authority::rotate(data_dir, now)?, true))
        }
        Upkeep::Check => {
            let checks = check(data_dir, config_file);
            Ok((checks.iter().map(|check| format!("{check}\n")).collect(), checkup::is_well(&checks)))
        }
    }
}

/// Whether a folder is there and shows nothing of c2d, so that its rights are not c2d's business.
fn is_of_another(data_dir: &Path) -> bool {
    let is_there = |name: &str| closed::is_there(&data_dir.join(name)).unwrap_or(true);
    data_dir.is_dir() && !MARKS.into_iter().any(is_there)
}

impl Advice for UpkeepError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Exists(_) => "choose another name, or replace it with --force".to_owned(),
            Self::Inside(_) => "name a place outside of it, best on another disk; nothing was changed".to_owned(),
            Self::NoFile(_) | Self::InUse(_) => "choose another name; nothing was changed".to_owned(),
            Self::Mounted(place) => format!(
                "restore into a folder on that disk, and start c2d with the same --data-dir {}; nothing was changed",
                place.join("c2d").display()
            ),
            Self::NoFolder(_) => "name the folder with --data-dir".to_owned(),
            Self::Closed(closed) => return closed.hint(),
            Self::Damaged { .. } => "nothing was changed; try an older backup".to_owned(),
            Self::Config(error) => return error.hint(),
            Self::Store(StoreError::Elsewhere { .. }) => {
                "name it with --store, and restore into another folder; nothing was changed".to_owned()
            }
            Self::Store(StoreError::Locked { .. }) => "stop c2d first; nothing was changed".to_owned(),
            Self::Store(error) if error.is_full() => NO_SPACE.to_owned(),
            Self::Store(error) => return error.hint(),
            Self::Migration(error) => return error.hint(),
            Self::Target(error) => return error.hint(),
            Self::Authority(error) => return error.hint(),
            Self::Access(error) => return error.hint(),
            Self::StillMoving(_) => {
                "start c2d and let them speak to it, or revoke the tokens of those that never come; --now ends all others"
                    .to_owned()
            }
            Self::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "this user may not write there: name another place, or run it as root; nothing was changed".to_owned()
            }
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check the name; nothing was changed".to_owned()
            }
            Self::File { source, .. }
                if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) =>
            {
                NO_SPACE.to_owned()
            }
            Self::File { .. } => "check permissions and free space there; nothing was changed".to_owned(),
        })
    }

    fn status(&self) -> u8 {
        match self {
            Self::Config(error) => error.status(),
            Self::Store(error) => error.status(),
            Self::Migration(error) => error.status(),
            Self::Target(error) => error.status(),
            Self::Authority(_)
            | Self::Access(_)
            | Self::Exists(_)
            | Self::Inside(_)
            | Self::NoFile(_)
            | Self::InUse(_)
            | Self::Mounted(_)
            | Self::NoFolder(_)
            | Self::Closed(_)
            | Self::Damaged { .. }
            | Self::StillMoving(_)
            | Self::File { .. } => exit::FAILED,
        }
    }

    fn argument(&self) -> Option<&'static str> {
        matches!(self, Self::Target(_)).then_some("store")
    }
}

impl UpkeepError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
