//! What jobs bring along inside their specifications: standard input and files.
//!
//! Large contents become blobs when a job is accepted, so that a waiting job takes little memory
//! whatever it brings. A worker that does not know how to fetch them finds them in its assignment.

use std::collections::BTreeMap;

use c2_shared::api::files::JobFile;
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::JobId;
use c2_shared::job::{DependsOn, JobSpec, Upload};
use c2_shared::limits::{FREE_BYTES_FLOOR, INLINE_BYTES_MAX, INLINE_KEPT_BYTES, RESULT_FREE_BYTES_FLOOR};

use crate::http::blobs::blocking;
use crate::http::files;
use crate::http::handler::{ApiError, App};
use crate::store::{BlobError, Blobs};

/// In which form a worker takes the contents of its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As blobs.
    Hashes,
    /// Files as blobs, standard input not: agents of 0.1.0.
    InlineStdin,
    /// All that fits in the assignment: clients that know the README.
    Inline,
}

/// Keeps the large contents of specifications as blobs and names these in their place.
pub(crate) async fn into_blobs(app: &App, mut specs: Vec<JobSpec>) -> Result<Vec<JobSpec>, ApiError> {
    if specs.iter().all(|spec| spec.inline_bytes() <= INLINE_KEPT_BYTES) {
        return Ok(specs);
    }
    let blobs = app.blobs.clone();
    let kept = move || {
        let mut contents = BTreeMap::new();
        specs.iter_mut().for_each(|spec| take_out(spec, &mut contents));
        blobs.keep(&contents, FREE_BYTES_FLOOR)?;
        Ok(specs)
    };
    blocking(kept).await
}

/// Takes out what does not fit. The same specification always comes out the same, which repeated
/// requests rely on.
fn take_out(spec: &mut JobSpec, contents: &mut BTreeMap<BlobId, Bytes64>) {
    let mut room = INLINE_KEPT_BYTES;
    let mut take = |content: &mut Option<Bytes64>| -> Option<BlobId> {
        let len = content.as_ref()?.0.len();
        if len <= room {
            room -= len;
            return None;
        }
        let content = content.take()?;
        let blob = BlobId::of(&content.0);
        contents.insert(blob, content);
        Some(blob)
    };
    spec.stdin_sha256 = take(&mut spec.stdin).or(spec.stdin_sha256);
    for upload in &mut spec.upload {
        upload.sha256 = take(&mut upload.content).or(upload.sha256);
    }
}

/// Keeps a specification as a blob, for a worker that fetches it.
pub(crate) async fn keep(app: &App, payload: &str) -> Result<BlobId, ApiError> {
    let (blobs, content) = (app.blobs.clone(), Bytes64(payload.as_bytes().to_vec()));
    let blob = BlobId::of(&content.0);
    blocking(move || blobs.keep(&BTreeMap::from([(blob, content)]), RESULT_FREE_BYTES_FLOOR)).await?;
    Ok(blob)
}

/// What a worker needs of a specification: dependencies by their ids, with them the files that they left and
/// this job asked for, and nothing that only c2d goes by.
pub(crate) async fn for_worker(app: &App, mut spec: JobSpec, depends: &[JobId]) -> Result<JobSpec, ApiError> {
    let wanted = std::mem::take(&mut spec.with_files_of);
    for (dependency, job) in spec.depends.iter_mut().zip(depends) {
        if wanted.contains(&dependency.on.to_string()) {
            for JobFile { path, sha256, mode, .. } in files::left_by(app, *job).await? {
                let path = match spec.upload.iter().find(|other| exclude(&other.path, &path)) {
                    None => path,
                    Some(other) if other.path == path && other.sha256 == Some(sha256) => continue,
                    // What the job brings itself comes first, and then what comes first.
                    Some(_) => format!("{job}/{path}"),
                };
                spec.upload.push(Upload { path, content: None, sha256: Some(sha256), mode });
            }
        }
        dependency.on = DependsOn::Job(*job);
    }
    (spec.workers, spec.expires_s, spec.notify) = (Vec::new(), None, Vec::new());
    Ok(spec)
}

/// Whether a folder cannot have both files: they have one name, or one lies below the other.
fn exclude(one: &str, other: &str) -> bool {
    let lies_below = |path: &str, above: &str| path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
    one == other || lies_below(one, other) || lies_below(other, one)
}

/// A specification as it is sent.
pub(crate) fn written(spec: &JobSpec) -> String {
    serde_json::to_string(spec).expect("our own plain types become JSON")
}

/// The specification in the form that a worker takes; none when it asks for standard input that is
/// not here or too large to be put into it.
pub(crate) async fn in_form(app: &App, spec: JobSpec, form: Form) -> Result<Option<JobSpec>, ApiError> {
    let is_right = match form {
        Form::Hashes => true,
        Form::InlineStdin => spec.stdin_sha256.is_none(),
        Form::Inline => spec.blobs().next().is_none(),
    };
    if is_right {
        return Ok(Some(spec));
    }
    let blobs = app.blobs.clone();
    blocking(move || put_back(&blobs, spec, form)).await
}

fn put_back(blobs: &Blobs, mut spec: JobSpec, form: Form) -> Result<Option<JobSpec>, BlobError> {
    let mut room = INLINE_BYTES_MAX.saturating_sub(spec.inline_bytes());
    let mut read = |blob| -> Result<Option<Bytes64>, BlobError> {
        let content = blobs.content(blob, room)?;
        room -= content.as_ref().map_or(0, Vec::len);
        Ok(content.map(Bytes64))
    };
    if let Some(blob) = spec.stdin_sha256.take() {
        spec.stdin = read(blob)?;
        if spec.stdin.is_none() {
            return Ok(None);
        }
    }
    if form == Form::Inline {
        let mut uploads: Vec<(BlobId, &mut Upload)> =
            spec.upload.iter_mut().filter_map(|upload| Some((upload.sha256?, upload))).collect();
        // The smallest first: the larger ones are those that were sent as blobs by somebody who knew of them.
        uploads.sort_by_cached_key(|(blob, _)| blobs.size(*blob).ok().flatten());
        for (blob, upload) in uploads {
            upload.content = read(blob)?;
            upload.sha256 = upload.sha256.filter(|_| upload.content.is_none());
        }
    }
    Ok(Some(spec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_stays_and_what_is_large_becomes_a_name() {
        let large = vec![7; INLINE_KEPT_BYTES];
        let upload = |path: &str, content: &[u8]| Upload {
            path: path.to_owned(),
            content: Some(Bytes64(content.to_vec())),
            ..Upload::default()
        };
        let submitted = JobSpec {
            command: "cat".to_owned(),
            stdin: Some(Bytes64(large.clone())),
            upload: vec![upload("small", b"a"), upload("large", &large), upload("empty", b"")],
            ..JobSpec::default()
        };
        let (mut spec, mut contents) = (submitted.clone(), BTreeMap::new());
        take_out(&mut spec, &mut contents);
        assert_eq!(spec.stdin, submitted.stdin, "alone it fits");
        let names: Vec<_> = spec.upload.iter().map(|upload| upload.sha256).collect();
        assert_eq!(names, [Some(BlobId::of(b"a")), Some(BlobId::of(&large)), None]);
        assert!(spec.inline_bytes() <= INLINE_KEPT_BYTES && spec.blobs().count() == 2);
        assert_eq!(contents.len(), 2);

        let again = spec.clone();
        take_out(&mut spec, &mut contents);
        assert_eq!(spec, again, "nothing is left to be done");
    }
}
