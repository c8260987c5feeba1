//! What nearly every handler takes and gives.

pub(crate) use axum::Json;
pub(crate) use axum::extract::State;

pub(crate) use crate::http::error::ApiError;
pub(crate) use crate::http::extract::{
    JsonBody, Name, OptionalJsonBody, QueryOf, check_words, invalid, invalid_field, optional_json,
};
pub(crate) use crate::http::mount::serves;
pub(crate) use crate::http::router::App;

/// A JSON answer, or a refusal.
pub(crate) type Answer<T> = Result<Json<T>, ApiError>;
