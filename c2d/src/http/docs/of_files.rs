//! The operations about files: blobs on their way, and what jobs leave.

use c2_shared::api::error::ErrorCode;
use c2_shared::api::files::{BlobQuery, BlobStatus, CleanupResponse, FilesQuery, JobFiles};
use serde_json::json;

use crate::http::docs::operation::{Operation, route};

const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(super) fn operations() -> Vec<Operation> {
    let file = json!({"path": "out/a.png", "size": 81_920, "sha256": SHA256, "mode": 0o644});
    let kept = json!({"name": "job-12", "reason": "its job has not ended"});
    vec![
        Operation::operator("get", route!(FILES), "Lists the files that a job left")
            .about("The content of each is the blob of its `sha256`; small ones also come in base64 with `content`.")
            .query::<FilesQuery>()
            .answers::<JobFiles>(
                200,
                json!({"job_id": "job-12", "attempt": 1, "files": [file], "problems": ["nothing matches \"*.gif\""]}),
            )
            .refuses(&[ErrorCode::Conflict, ErrorCode::Gone]),
        Operation::operator("get", route!(BLOB), "Reads the content of a file")
            .for_workers_too()
            .about(
                "`Range: bytes=5-` reads from there on. The header `upload-offset` says how many bytes c2d has, also \
                where it does not have all; `HEAD` asks for that alone. With `size` it is also said beforehand that \
                there is no room for the rest.",
            )
            .query::<BlobQuery>()
            .answers_other("application/octet-stream")
            .refuses(&[ErrorCode::TooLarge, ErrorCode::DiskFull]),
        Operation::operator("put", route!(BLOB), "Sends the content of a file")
            .for_workers_too()
            .about(
                "The end of the body is the end of the file. A body that breaks off is gone on with at `offset`. A \
                blob that no job names is removed after a day.",
            )
            .query::<BlobQuery>()
            .takes_bytes()
            .answers::<BlobStatus>(200, json!({"sha256": SHA256, "size": 0, "complete": true}))
            .refuses(&[ErrorCode::Conflict, ErrorCode::DiskFull]),
        Operation::operator("post", route!(CLEANUP), "Removes the workspaces of a worker's ended jobs")
            .about("Waits half a minute for the worker's report.")
            .answers::<CleanupResponse>(
                200,
                json!({"ip": "10.0.0.15", "removed": ["job-11"], "kept": [kept], "freed_bytes": 86_016}),
            )
            .refuses(&[ErrorCode::Conflict, ErrorCode::Ambiguous]),
    ]
}
