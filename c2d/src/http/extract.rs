//! Reading requests: JSON bodies, query strings and names in paths, each with our own words when
//! they cannot be read.

use std::collections::BTreeSet;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::id::JobId;
use c2_shared::json::{self, Unreadable};
use c2_shared::limits::LIST_LEN_MAX;
use c2_shared::validate;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use crate::http::App;
use crate::http::error::ApiError;

/// Bytes of a body that says nothing.
const NOTHING_BYTES_MAX: usize = 64;

/// A JSON body of at most `MAX` bytes.
#[derive(Debug)]
pub(crate) struct JsonBody<T, const MAX: usize>(pub(crate) T);

/// The same where the whole body may be missing.
#[derive(Debug)]
pub(crate) struct OptionalJsonBody<T, const MAX: usize>(pub(crate) Option<T>);

/// A query string.
#[derive(Debug)]
pub(crate) struct QueryOf<T>(pub(crate) T);

/// The one name in a path.
#[derive(Debug)]
pub(crate) struct Name(pub(crate) String);

impl<T: DeserializeOwned, const MAX: usize> FromRequest<App> for JsonBody<T, MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        match OptionalJsonBody::<T, MAX>::from_request(request, app).await?.0 {
            Some(value) => Ok(Self(value)),
            None => Err(invalid("this request needs a JSON body", "send one, with Content-Type: application/json")),
        }
    }
}

impl<T: DeserializeOwned, const MAX: usize> FromRequest<App> for OptionalJsonBody<T, MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> Result<Self, ApiError> {
        optional_json(request, MAX).await.map(Self)
    }
}

/// Reads a JSON body of at most `max` bytes, if there is one.
pub(crate) async fn optional_json<T: DeserializeOwned>(request: Request, max: usize) -> Result<Option<T>, ApiError> {
    check_length(&request, max)?;
    let kind = request.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default().to_owned());
    let bytes = read(request, max).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let kind = kind.as_deref().and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        let message = format!("the body is {kind:?}, not JSON");
        let hint = "send Content-Type: application/json";
        return Err(ErrorBody::new(ErrorCode::UnsupportedMediaType, message, hint).into());
    }
    json::read(&bytes).map(Some).map_err(|unreadable| self::unreadable(unreadable).into())
}

/// Refuses what somebody sends to an endpoint that reads nothing, and would be lost on the way. That there is
/// nothing may be written as `{}`.
pub(crate) async fn without_body(request: Request) -> Result<Request, ApiError> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let is_short = check_length(&request, NOTHING_BYTES_MAX).is_ok();
    let (parts, body) = request.into_parts();
    let sent = Request::from_parts(parts.clone(), body);
    let bytes = if is_short { read(sent, NOTHING_BYTES_MAX).await.ok() } else { None };
    match bytes.as_deref().map(<[u8]>::trim_ascii) {
        Some(b"" | b"{}" | b"null") => Ok(Request::from_parts(parts, Body::empty())),
        _ => {
            let hint = "leave the body out; /docs says what goes into the path and the query";
            Err(invalid("this request takes no body", hint))
        }
    }
}

/// A refusal of JSON that cannot be read.
pub(crate) fn unreadable(Unreadable { field, message, hint, .. }: Unreadable) -> ErrorBody {
    let body = ErrorBody::new(ErrorCode::InvalidInput, message, hint);
    match field {
        Some(field) => body.in_field(field),
        None => body,
    }
}

/// Reads a body into one piece of memory, which takes no more than there is of it.
async fn read(request: Request, max: usize) -> Result<Vec<u8>, ApiError> {
    let expected = declared(request.headers()).and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let (mut bytes, mut body) = (Vec::with_capacity(expected.min(max)), request.into_body());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| invalid("the body broke off", "send it again"))?;
        let Ok(part) = frame.into_data() else { continue };
        if part.len() > max - bytes.len() {
            return Err(too_large(max));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// Refuses a request that says that its body is longer than this, before any of it is read.
pub(crate) fn check_length(request: &Request, max: usize) -> Result<(), ApiError> {
    let fits = declared(request.headers()).is_none_or(|length| length <= max as u64);
    if fits { Ok(()) } else { Err(too_large(max)) }
}

fn too_large(max: usize) -> ApiError {
    let message = format!("the body is larger than {max} bytes");
    ErrorBody::new(ErrorCode::TooLarge, message, "send less at once").into()
}

/// How long a request says that its body is.
pub(crate) fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for QueryOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query.map(|Query(value)| Self(value)).map_err(|e| {
            let text = std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string);
            let (message, hint) = json::describe(&text);
            invalid(message, &hint)
        })
    }
}

impl FromRequestParts<App> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        path.map(|Path(name)| Self(name)).map_err(|_| invalid("the path cannot be read", "encode it as UTF-8"))
    }
}

impl Name {
    /// The name as a job's id.
    pub(crate) fn job(&self) -> Result<JobId, ApiError> {
        self.0.parse().map_err(|e| invalid(format!("{e}"), "ids look like job-12"))
    }
}

/// Checks names of groups or tags: each a plain word, and not more than anybody writes by hand.
pub(crate) fn check_words(field: &'static str, words: &BTreeSet<String>) -> Result<(), ApiError> {
    if words.len() > LIST_LEN_MAX {
        return Err(invalid(format!("{field} has {} entries", words.len()), &format!("at most {LIST_LEN_MAX}")));
    }
    for word in words {
        validate::word(field, word)?;
    }
    Ok(())
}

/// A refusal of what a field says.
pub(crate) fn invalid_field(field: &str, message: impl Into<String>, hint: &str) -> ApiError {
    ErrorBody::new(ErrorCode::InvalidInput, message, hint).in_field(field).into()
}

/// A refusal of something that cannot be read.
pub(crate) fn invalid(message: impl Into<String>, hint: &str) -> ApiError {
    ErrorBody::new(ErrorCode::InvalidInput, message, hint).into()
}
