//! JSON schemas of the types whose text has a form of its own: ids, dependencies, base64.
//!
//! All others derive theirs beside their definition.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::blob::BlobId;
use crate::bytes64::Bytes64;
use crate::id::{AttemptId, JobId, Session, WorkerId};
use crate::job::Dependency;
use crate::resources::Amount;
use crate::selection::Selection;
use crate::wake::Mac;

macro_rules! text_form {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text_form!(JobId, "JobId", {
    "type": "string",
    "description": "Names a job: `job-N`, N counting from 1.",
    "pattern": "^job-[1-9][0-9]{0,17}$",
    "examples": ["job-12"],
});
text_form!(AttemptId, "AttemptId", {
    "type": "string",
    "description": "Names one try at running a job: `job-N.A`, A counting from 1 for each job.",
    "pattern": "^job-[1-9][0-9]{0,17}\\.[1-9][0-9]{0,8}$",
    "examples": ["job-12.1"],
});
text_form!(WorkerId, "WorkerId", {
    "type": "string",
    "description": "Names a worker, wherever it is: the id of its agent's state folder, or `addr:IP` for a client \
        that has none.",
    "examples": ["3f2a9c01d4e5b6a7980f1e2d3c4b5a69", "addr:10.0.0.15"],
});
text_form!(Session, "Session", {
    "type": "string",
    "description": "Names one run of an agent: `START-NONCE`, where START counts the runs.",
    "examples": ["7-9c01d4e5b6a7980f"],
});
text_form!(Dependency, "Dependency", {
    "type": "string",
    "description": "A job that must have ended first: `job-1` (after success), `any:job-1` (however), \
        `notok:job-1` (without success), or with the name of another job of the same batch in place of the id.",
    "examples": ["job-12", "any:job-12"],
});
text_form!(Selection, "Selection", {
    "type": "string",
    "description": "All jobs of a state, of a group or of a batch, `@held`, `@gpu` or `@batch:night`, or those of a range \
        of numbers, `3-9@held`.",
    "pattern": "@.+$",
    "examples": ["@held", "@gpu", "@batch:night", "3-9@queued"],
});
text_form!(Bytes64, "Bytes64", {
    "type": "string",
    "description": "Bytes in base64: standard alphabet, padded.",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
});
text_form!(BlobId, "BlobId", {
    "type": "string",
    "description": "Names a blob: the SHA-256 of its content, 64 small hexadecimal digits.",
    "pattern": "^[0-9a-f]{64}$",
    "examples": ["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
});
text_form!(Amount, "Amount", {
    "type": ["integer", "string"],
    "description": "How much of a resource: a number, or a size like `8G`.",
    "minimum": 0,
    "pattern": "^[0-9]+(\\.[0-9]{1,3})?[KMGT]?(i?B)?$",
    "examples": [4, "8G"],
});
text_form!(Mac, "Mac", {
    "type": "string",
    "description": "The hardware address of a network card.",
    "pattern": "^[0-9a-f]{2}(:[0-9a-f]{2}){5}$",
    "examples": ["52:54:00:12:34:56"],
});
