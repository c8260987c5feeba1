//! Files in and out of jobs, and the cleaning of workspaces.
//!
//! Content travels as blobs, named by their SHA-256 and stored once; only small files also travel
//! as base64 inside JSON. A path is untrusted: the code that writes a file checks it with
//! [`crate::validate::relative_path`] first.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::api::is_zero;
use crate::blob::BlobId;
use crate::bytes64::Bytes64;
use crate::id::{JobId, WorkerId};
use crate::json;
use crate::limits::{CLEANED_LEN_MAX, FILES_LEN_MAX, PROBLEMS_LEN_MAX, WORKSPACES_ASKED_MAX};

/// Header of an answer about a blob: how many bytes of it c2d has, and where to go on with it.
pub const UPLOAD_OFFSET: &str = "upload-offset";

/// Files of a result that are read; one too many is noticed.
pub(super) const LISTED_LEN_MAX: usize = FILES_LEN_MAX + 1;

/// A file that a job left for its submitter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobFile {
    /// Where it was, relative to the workspace.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The blob that holds its content.
    pub sha256: BlobId,
    /// Its permission bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// The content itself, where it was asked for and fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Bytes64>,
}

/// The answer of [`super::endpoint::LIST_FILES`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobFiles {
    /// Which job.
    pub job_id: JobId,
    /// The attempt that left them, the latest that did; 0 when none did.
    pub attempt: u32,
    /// The files, in the order of their paths.
    pub files: Vec<JobFile>,
    /// What matched a pattern of `download` and is not among them, and why.
    pub problems: Vec<String>,
}

/// The files that a job left, where they do not fit into its result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listing {
    /// As in [`super::work::AttemptResult`].
    #[serde(deserialize_with = "json::at_most::<LISTED_LEN_MAX, _, _>")]
    pub files: Vec<JobFile>,
    /// As in [`super::work::AttemptResult`].
    #[serde(deserialize_with = "json::at_most::<PROBLEMS_LEN_MAX, _, _>")]
    pub problems: Vec<String>,
}

/// The answer of [`super::endpoint::GC_BLOBS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GcResponse {
    /// Files that were removed.
    pub removed: u64,
    /// Bytes that they had.
    pub freed_bytes: u64,
}

/// Query of [`super::endpoint::LIST_FILES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct FilesQuery {
    /// Add the content in base64, of the first files that are 8 MiB together.
    pub content: bool,
}

/// Query of [`super::endpoint::GET_BLOB`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct BlobQuery {
    /// With `PUT`: where the body goes on, as the header `upload-offset` of a `HEAD` said.
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// How large the whole is, so that c2d can say beforehand that there is no room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// What c2d has of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobStatus {
    /// Which blob.
    pub sha256: BlobId,
    /// Bytes of it that c2d has.
    pub size: u64,
    /// Whether that is all of it, verified.
    pub complete: bool,
}

/// What a cleaning did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Cleaned {
    /// Names of the workspaces that were removed.
    #[serde(deserialize_with = "json::at_most::<CLEANED_LEN_MAX, _, _>")]
    pub removed: Vec<String>,
    /// What is still there, and why.
    #[serde(deserialize_with = "json::at_most::<CLEANED_LEN_MAX, _, _>")]
    pub kept: Vec<Kept>,
    /// Bytes of disk that were freed.
    pub freed_bytes: u64,
}

/// Something in the folder of the workspaces that was not removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Why it stays.
    pub reason: String,
}

/// A job that has ended and that another one depends on which has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Needed {
    /// Whose workspace is needed.
    pub job_id: JobId,
    /// By whom.
    pub by: JobId,
}

/// An agent's answer to [`super::work::Directive::Cleanup`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct CleanupReport {
    /// Which request.
    pub id: u64,
    /// What it did.
    pub cleaned: Cleaned,
}

/// The body of [`super::endpoint::OLD_WORKSPACES`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OldWorkspacesRequest {
    /// Jobs whose folders are there.
    #[serde(deserialize_with = "json::at_most::<WORKSPACES_ASKED_MAX, _, _>")]
    pub job_ids: Vec<JobId>,
    /// For how many days of c2d they must have ended.
    pub days: u64,
}

/// The answer of [`super::endpoint::OLD_WORKSPACES`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OldWorkspaces {
    /// The jobs whose folders may go, in the order in which they ended.
    pub job_ids: Vec<JobId>,
}

/// The answer of [`super::endpoint::CLEANUP`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CleanupResponse {
    /// The address of the worker.
    pub ip: IpAddr,
    /// Its id. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// What it did.
    #[serde(flatten)]
    pub cleaned: Cleaned,
}
