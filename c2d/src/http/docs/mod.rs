//! What c2d says of its own interface: an OpenAPI document for programs and a page for people, both
//! made from one table of operations and the wire types themselves.
//!
//! Neither holds a secret, and a browser cannot show a token when somebody types an address; so
//! these two need none. Everything else that the gate asks, `Host` and `Origin`, holds for them too.

mod of_access;
mod of_c2d;
mod of_files;
mod of_jobs;
mod of_workers;
mod operation;

mod openapi;
mod page;

use std::sync::LazyLock;

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde_json::Value;

pub(crate) use operation::Operation;

/// Nothing is loaded from anywhere and nothing runs; the page brings its own style.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi::document(&operations()));
static JSON: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", *DOCUMENT));
static PAGE: LazyLock<String> = LazyLock::new(|| page::page(&DOCUMENT));

pub(crate) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], JSON.as_str())
}

pub(crate) async fn docs() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)], PAGE.as_str())
}

/// Everything that c2d answers, in the order in which people look for it.
pub(crate) fn operations() -> Vec<Operation> {
    [
        of_jobs::operations(),
        of_files::operations(),
        of_workers::operations(),
        of_access::operations(),
        of_c2d::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
