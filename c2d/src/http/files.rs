//! The files of jobs: which there are, and the rule that a job and a result name only blobs that
//! are there.

use std::collections::BTreeSet;

use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::files::{FilesQuery, JobFile, JobFiles, Listing};
use c2_shared::api::work::AttemptResult;
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::glob;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobSpec, Needed};
use c2_shared::limits::{FILES_LEN_MAX, INLINE_BYTES_MAX, PROBLEMS_LEN_MAX};
use c2_shared::{plain, validate};

use crate::http::blobs::blocking;
use crate::http::handler::{Answer, ApiError, App, Json, Name, QueryOf, State, serves};
use crate::sched::Reject;
use crate::store::{BlobError, Blobs, StoredFiles, payload};

/// Characters of a problem that are kept.
const PROBLEM_CHARS: usize = 200;

serves!(LIST_FILES => files);

pub(crate) async fn files(State(app): State<App>, name: Name, QueryOf(query): QueryOf<FilesQuery>) -> Answer<JobFiles> {
    let job = name.job()?;
    let stored = app.history.job(job).await?.ok_or(Reject::UnknownJob { job })?;
    if !stored.view.state.is_terminal() {
        let message = format!("{job} has not ended ({})", stored.view.state);
        return Err(ErrorBody::new(ErrorCode::Conflict, message, format!("wait for it with: wait {job}")).into());
    }
    let (left, blobs) = (app.history.files(job).await?, app.blobs.clone());
    let lists = move || {
        let (attempt, Listing { mut files, problems }) = (left.attempt, listing(&blobs, left)?);
        if query.content {
            files = with_content(&blobs, files)?;
        }
        Ok(JobFiles { job_id: job, attempt, files, problems })
    };
    blocking(lists).await.map(Json)
}

/// The files that an ended job left.
pub(crate) async fn left_by(app: &App, job: JobId) -> Result<Vec<JobFile>, ApiError> {
    let (left, blobs) = (app.history.files(job).await?, app.blobs.clone());
    blocking(move || listing(&blobs, left)).await.map(|listing| listing.files)
}

fn listing(blobs: &Blobs, left: StoredFiles) -> Result<Listing, BlobError> {
    match left.long {
        None => Ok(Listing { files: left.files, problems: left.problems }),
        Some(list) => read_list(blobs, list),
    }
}

/// A long list; when it cannot be read, that is what it says.
fn read_list(blobs: &Blobs, list: BlobId) -> Result<Listing, BlobError> {
    let unreadable =
        || Listing { files: Vec::new(), problems: vec!["the list of its files cannot be read".to_owned()] };
    Ok(blobs.listing(list)?.unwrap_or_else(unreadable))
}

/// Adds the content of the first files that fit together.
fn with_content(blobs: &Blobs, mut files: Vec<JobFile>) -> Result<Vec<JobFile>, BlobError> {
    let mut room = INLINE_BYTES_MAX;
    for file in &mut files {
        if let Some(content) = blobs.content(file.sha256, room)? {
            room -= content.len();
            file.content = Some(Bytes64(content));
        }
    }
    Ok(files)
}

/// Refuses jobs that name blobs which are not there.
pub(crate) async fn check_blobs<'a>(app: &App, specs: impl IntoIterator<Item = &'a JobSpec>) -> Result<(), ApiError> {
    let mut needed = specs.into_iter().flat_map(JobSpec::blobs).collect::<Vec<_>>();
    if needed.is_empty() {
        return Ok(());
    }
    let (blobs, ids) = (app.blobs.clone(), needed.iter().map(|needed| needed.blob).collect::<Vec<_>>());
    let missing = blocking(move || blobs.missing(ids)).await?;
    needed.retain(|needed| missing.contains(&needed.blob));
    needed.first().map_or(Ok(()), |Needed { blob, field, what }| {
        let hint = format!("send it first: PUT /api/blobs/{blob}");
        let message = format!("the content of {what} is not here");
        Err(ErrorBody::new(ErrorCode::InvalidInput, message, hint).in_field(*field).into())
    })
}

/// Makes what a worker says of files fit to be kept. A result is recorded in any case; a file that
/// was not asked for or cannot be kept is a problem in its place.
pub(crate) async fn settle(app: &App, result: &mut AttemptResult) -> Result<(), ApiError> {
    if let Some(list) = result.listing.take() {
        let blobs = app.blobs.clone();
        let Listing { files, problems } = blocking(move || read_list(&blobs, list)).await?;
        (result.files, result.problems) = (files, problems);
    }
    if result.files.is_empty() && result.problems.is_empty() {
        return Ok(());
    }
    let download = patterns(app, result.attempt.job).await?;
    // What c2d itself found comes first, so that a worker cannot crowd it out.
    let mut problems = glob::drop_unasked(&mut result.files, &download);
    let (blobs, ids) = (app.blobs.clone(), result.files.iter().map(|file| file.sha256).collect::<Vec<_>>());
    let missing = blocking(move || blobs.missing(ids)).await?;
    let mut files = Vec::new();
    for file in std::mem::take(&mut result.files) {
        match flaw(&file, &missing, files.len()) {
            Some(flaw) => problems.push(format!("{:?}: {flaw}", file.path)),
            None => files.push(JobFile { content: None, mode: file.mode.map(|mode| mode & 0o777), ..file }),
        }
    }
    problems.append(&mut result.problems);
    problems.truncate(PROBLEMS_LEN_MAX);
    let line = |text: String| text.chars().filter(|c| !plain::acts(*c)).take(PROBLEM_CHARS).collect();
    result.problems = problems.into_iter().map(line).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    result.files = files;
    Ok(())
}

/// Attempts that could not be started because c2d itself no longer has what their jobs were to find:
/// no other machine could start them either.
pub(crate) async fn hopeless(app: &App, unstarted: &[AttemptId]) -> Result<BTreeSet<AttemptId>, ApiError> {
    let mut hopeless = BTreeSet::new();
    for attempt in unstarted {
        let spec = spec_of(app, attempt.job).await?;
        if check_blobs(app, &spec).await.is_err() {
            hopeless.insert(*attempt);
        }
    }
    Ok(hopeless)
}

/// What a job is to leave. One that has ended takes no more files.
async fn patterns(app: &App, job: JobId) -> Result<Vec<String>, ApiError> {
    Ok(spec_of(app, job).await?.map(|spec| spec.download).unwrap_or_default())
}

/// The specification of a job that has not ended.
async fn spec_of(app: &App, job: JobId) -> Result<Option<JobSpec>, ApiError> {
    let live = app.engine.read(move |scheduler, now| scheduler.job(now, job)).await?;
    Ok(live.and_then(|job| payload::read(&job.payload).ok()))
}

fn flaw(file: &JobFile, missing: &[BlobId], before: usize) -> Option<&'static str> {
    if before >= FILES_LEN_MAX {
        Some("there are too many files")
    } else if validate::relative_path("download", &file.path).is_err() {
        Some("this is not a path below the workspace")
    } else if missing.contains(&file.sha256) {
        Some("its content did not get here")
    } else {
        None
    }
}
