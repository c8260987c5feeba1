//! What c2d says of its own interface: an OpenAPI document for programs and a page for people, both
//! made from the list of endpoints and the wire types themselves.
//!
//! Neither holds a secret, and a browser cannot show a token when somebody types an address; so
//! these two need none. Everything else that the gate asks, `Host` and `Origin`, holds for them too.

mod examples;
mod openapi;
mod page;
mod refusals;
mod schemas;

use std::sync::LazyLock;

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde_json::Value;

use crate::http::handler::serves;

/// Nothing is loaded from anywhere and nothing runs; the page brings its own style.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document);
pub(crate) static JSON: LazyLock<String> = LazyLock::new(|| format!("{}\n", *DOCUMENT));
static PAGE: LazyLock<String> = LazyLock::new(|| page::page(&DOCUMENT));

serves!(OPENAPI => openapi, DOCS => docs);

pub(crate) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], JSON.as_str())
}

pub(crate) async fn docs() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)], PAGE.as_str())
}

#[cfg(test)]
pub(crate) use examples::examples;
