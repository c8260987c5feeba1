//! `get-files`: the files that jobs left, listed or fetched into a folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use c2_shared::api::files::JobFile;
use c2_shared::glob;
use c2_shared::id::JobId;
use clap::Args;
use tokio::task::spawn_blocking;

use crate::command::job_name::{JobName, JobNameError, JobNames};
use crate::command::outcome::{Fetched, FetchedFile, Status};
use crate::command::safe_dir::{Place, Present, SafeDir};
use crate::command::text::{at_home, local};
use crate::command::{CommandError, Context, Data, Kind, Outcome, resolve, transfer};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct GetFiles {
    /// Ids, names, `last`, ranges like `3-9`, or states like `@succeeded`; then the folder, if there is
    /// another word: without it each job gets one of its own, and so does each of several jobs
    #[arg(value_name = "JOB", required = true)]
    pub(crate) operands: Vec<String>,
    /// Write over what is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Only say what there is
    #[arg(long)]
    pub(crate) list: bool,
}

/// The jobs and the folder that the operands name. The last of several is a folder unless it reads as
/// jobs; one of such a name is written `./3`.
fn named(operands: &[String]) -> Result<(Vec<JobNames>, Option<PathBuf>), JobNameError> {
    let (jobs, dir) = match operands {
        [jobs @ .., last] if !jobs.is_empty() && is_folder(last) => (jobs, Some(PathBuf::from(&*local(last)))),
        jobs => (jobs, None),
    };
    let jobs = jobs.iter().flat_map(|names| names.split(',')).filter(|name| !name.is_empty());
    Ok((jobs.map(str::parse).collect::<Result<_, _>>()?, dir))
}

fn is_folder(word: &str) -> bool {
    let is_name = || !word.contains(',') && matches!(word.parse(), Ok(JobNames::One(JobName::Named(_))));
    word.contains('/') || word == "." || is_name()
}

impl GetFiles {
    /// Refuses operands that can be no jobs.
    pub(crate) fn check(&self) -> Result<(), JobNameError> {
        named(&self.operands).map(drop)
    }

    /// Fetches all files that can be fetched; one that cannot does not hold up those after it.
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let bad =
            |error: JobNameError| CommandError::usage(error.to_string(), "`help get-files` explains the operands");
        let (mut names, dir) = named(&self.operands).map_err(bad)?;
        if let (Some(dir), Some(word)) = (&dir, self.operands.last()) {
            at_home(word)?;
            if word.contains(['*', '?', '$']) && !dir.exists() {
                let hint = "all files of a job are fetched; which it leaves is said at its submit: --download=GLOB";
                return Err(CommandError::usage(format!("{word:?} is not a folder to fetch into"), hint));
            }
        }
        if let (Some(dir), Some(word)) = (&dir, self.operands.last())
            && let Ok(JobNames::One(name)) = word.parse()
            && resolve::job(context, &name).await.is_ok()
        {
            if self.list {
                // Nothing is fetched, so no folder was meant.
                names.push(JobNames::One(name));
            } else {
                let hint = format!("for the folder write ./{word}; for both jobs name the folder, too: .. {word} .");
                return Err(CommandError::usage(
                    format!("{:?} is a job, and stands for a folder here", dir.display().to_string()),
                    hint,
                ));
            }
        }
        let jobs = resolve::jobs(context, &names).await?;
        let several = jobs.len() > 1;
        let (mut all, mut exit) = (Vec::new(), 0);
        for job_id in jobs {
            let own = PathBuf::from(job_id.to_string());
            let dir = match &dir {
                Some(dir) if several => dir.join(own),
                Some(dir) => dir.clone(),
                None => own,
            };
            let fetched = self.of_job(context, job_id, dir).await?;
            exit = exit.max(i32::from(fetched.files.iter().any(|file| file.status == Status::Refused)));
            all.push(fetched);
        }
        Ok(Outcome { data: Data::Files(all), exit })
    }

    async fn of_job(&self, context: &Context, job_id: JobId, dir: PathBuf) -> Result<Fetched, CommandError> {
        let mut left = context.client.job_files(job_id, false).await?;
        // c2d takes nothing else from workers; but what it took before it knew this rule is there.
        let spec = context.client.job(job_id, 0).await?.job.spec;
        left.problems.extend(glob::drop_unasked(&mut left.files, &spec.download));
        if self.list {
            let listed = |file| FetchedFile { file, status: Status::Listed, reason: None };
            let files = left.files.into_iter().map(listed).collect();
            return Ok(Fetched { job_id, dir: None, files, problems: left.problems });
        }
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
        Ok(Fetched { job_id, dir: Some(dir), files, problems: left.problems })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_a_folder_unless_it_reads_as_jobs() {
        let table: [(&[&str], usize, Option<&str>); 13] = [
            (&["3"], 1, None),
            (&["train"], 1, None),
            (&["3", "out"], 1, Some("out")),
            (&["1-3", "d"], 1, Some("d")),
            (&["@succeeded", "./2"], 1, Some("./2")),
            (&["last", "."], 1, Some(".")),
            (&["3", "4"], 2, None),
            (&["job-3", "@failed", "5-6"], 3, None),
            (&["train", "eval", "d/e"], 2, Some("d/e")),
            (&["3", "last"], 2, None),
            (&["q1,q2", "d"], 2, Some("d")),
            (&["3", "4,last"], 3, None),
            (&["3", "./a,b"], 1, Some("./a,b")),
        ];
        for (operands, jobs, dir) in table {
            let operands: Vec<String> = operands.iter().map(|word| (*word).to_owned()).collect();
            let (names, found) = named(&operands).unwrap();
            assert_eq!((names.len(), found), (jobs, dir.map(PathBuf::from)), "{operands:?}");
        }
        assert!(named(&["9-3".to_owned(), "d".to_owned()]).is_err());
    }
}
