//! `get-files`: the files that a job left, listed or fetched into a folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use c2_shared::api::files::JobFile;
use c2_shared::glob;
use clap::Args;
use tokio::task::spawn_blocking;

use crate::command::job_name::JobName;
use crate::command::outcome::{Fetched, FetchedFile, Status};
use crate::command::safe_dir::{Place, Present, SafeDir};
use crate::command::{CommandError, Context, Data, Kind, Outcome, resolve, transfer};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct GetFiles {
    /// Its id (`job-3` or `3`), its name, or `last`
    #[arg(value_name = "JOB")]
    pub(crate) job: JobName,
    /// Where to put them; without it into a folder of the job's name
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Write over what is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Only say what there is
    #[arg(long)]
    pub(crate) list: bool,
}

impl GetFiles {
    /// Fetches all files that can be fetched; one that cannot does not hold up those after it.
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let job_id = resolve::job(context, &self.job).await?;
        let mut left = context.client.job_files(job_id, false).await?;
        // c2d takes nothing else from workers; but what it took before it knew this rule is there.
        let spec = context.client.job(job_id, 0).await?.job.spec;
        left.problems.extend(glob::drop_unasked(&mut left.files, &spec.download));
        if self.list {
            let listed = |file| FetchedFile { file, status: Status::Listed, reason: None };
            let files = left.files.into_iter().map(listed).collect();
            return Ok(Data::Files(Fetched { job_id, dir: None, files, problems: left.problems }).into());
        }
        let dir = self.dir.unwrap_or_else(|| PathBuf::from(job_id.to_string()));
        let mut files = Vec::new();
        if !left.files.is_empty() {
            let folder = Arc::new(open(dir.clone()).await?);
            let mut seen = BTreeSet::new();
            for file in left.files {
                let (status, reason) = if seen.insert(file.path.clone()) {
                    fetch(context, &folder, &dir, &file, self.force).await?
                } else {
                    (Status::Refused, Some("another file has the same name".to_owned()))
                };
                files.push(FetchedFile { file, status, reason });
            }
        }
        let exit = i32::from(files.iter().any(|file| file.status == Status::Refused));
        Ok(Outcome { data: Data::Files(Fetched { job_id, dir: Some(dir), files, problems: left.problems }), exit })
    }
}

async fn open(dir: PathBuf) -> Result<SafeDir, CommandError> {
    let shown = dir.display().to_string();
    let opened = spawn_blocking(move || SafeDir::open(&dir)).await.expect("opening a folder does not panic");
    opened.map_err(|e| CommandError::refused(format!("cannot use the folder {shown:?}: {e}"), "name another folder"))
}

/// Fetches one file. What lies in the names and on this disk is said and passed over; when c2d
/// fails, the next file would fail too.
async fn fetch(
    context: &Context,
    folder: &Arc<SafeDir>,
    dir: &Path,
    file: &JobFile,
    force: bool,
) -> Result<(Status, Option<String>), CommandError> {
    let refused = |reason: String| Ok((Status::Refused, Some(reason)));
    let (folder, path, blob) = (Arc::clone(folder), file.path.clone(), file.sha256);
    let executable = file.mode.is_some_and(|mode| mode & 0o100 != 0);
    let look = spawn_blocking(move || {
        let place = folder.place(&path, blob, executable)?;
        let present = place.present(blob)?;
        Ok::<_, std::io::Error>((place, present))
    });
    let place: Place = match look.await.expect("looking at files does not panic") {
        Err(e) => return refused(e.to_string()),
        Ok((_, Present::Same)) => return Ok((Status::Unchanged, None)),
        Ok((_, Present::Other)) if !force => {
            return refused("something else is there; --force writes over it".to_owned());
        }
        Ok((place, Present::Nothing | Present::Other)) => place,
    };
    let aside = match place.aside() {
        Ok(aside) => aside,
        Err(e) => return refused(e.to_string()),
    };
    let label = dir.join(&file.path).display().to_string();
    match transfer::fetch(context, &label, file.sha256, file.size, &aside).await {
        Ok(()) => {}
        Err(error) if error.kind == Kind::Refused => return refused(error.message),
        Err(error) => return Err(error),
    }
    match place.keep(force) {
        Ok(()) => Ok((Status::Saved, None)),
        Err(e) => refused(e.to_string()),
    }
}
