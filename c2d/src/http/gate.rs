//! The gate before every request, whatever its method and path, known or not.
//!
//! It looks at the request from the outside in: is it meant for us, does it come from a web page,
//! who sends it. C2 is no web page, so nothing that a browser sends on behalf of one is let
//! through; that is decided by `Host`, `Origin` and `Sec-Fetch-Site`, never by guessing browsers.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::route;
use c2_shared::token::Role;
use futures_util::FutureExt as _;

use crate::http::App;
use crate::http::error::ApiError;

/// Paths that need no token. None of them says anything about jobs or workers: whether c2d is up,
/// and the description of its interface, which is the same in every copy of this program. All
/// other checks hold for them too.
const WITHOUT_TOKEN: [&str; 3] = [route::HEALTH, route::OPENAPI, route::DOCS];

/// Whoever got through the gate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller(pub(crate) Role);

pub(crate) async fn gate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    app.requests.fetch_add(1, Ordering::Relaxed);
    let mut response = match admit(&app, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            // A defect in a handler is one failed request, not a broken connection.
            match AssertUnwindSafe(next.run(request)).catch_unwind().await {
                Ok(response) => response,
                Err(_) => {
                    refuse(ErrorCode::Internal, "c2d failed at this request", "see the log of c2d").into_response()
                }
            }
        }
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn admit(app: &App, request: &Request) -> Result<Option<Caller>, ApiError> {
    let headers = request.headers();
    check_host(app, headers)?;
    check_origin(headers)?;
    if WITHOUT_TOKEN.contains(&request.uri().path()) {
        return Ok(None);
    }
    authenticate(app, headers).map(Some)
}

/// The request must name this c2d exactly, or a page whose name was bound to our address (DNS
/// rebinding) could speak to us.
fn check_host(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        _ => return Err(refuse(ErrorCode::Misdirected, "a request needs one Host header", "use an HTTP client")),
    };
    let (name, port) = split_port(host);
    let fits = port.is_none_or(|port| port == app.address.port().to_string());
    if fits && app.names.contains(&name.to_ascii_lowercase()) {
        return Ok(());
    }
    let message = format!("this c2d is not called {host:?}");
    Err(refuse(ErrorCode::Misdirected, message, &format!("call it {}", app.address)))
}

/// Splits `host:port`, `[v6]:port`, `host`.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let from_a_page = headers.get_all("sec-fetch-site").iter().any(|site| site != "none");
    if headers.contains_key(header::ORIGIN) || from_a_page {
        return Err(refuse(ErrorCode::Forbidden, "requests of web pages are refused", "use c2-tui, curl or a program"));
    }
    Ok(())
}

fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let refusal = |message| {
        let hint = "send the token that c2d keeps in its data folder: Authorization: Bearer c2o1...";
        refuse(ErrorCode::Unauthorized, message, hint)
    };
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(|| refusal("a token is needed"))?;
    app.access.role_of(shown).map(Caller).ok_or_else(|| refusal("this token is not known here"))
}

fn refuse(code: ErrorCode, message: impl Into<String>, hint: &str) -> ApiError {
    ErrorBody::new(code, message, hint).into()
}

#[cfg(test)]
mod tests {
    use super::split_port;

    #[test]
    fn hosts_and_ports() {
        let table = [
            ("localhost:30814", ("localhost", Some("30814"))),
            ("localhost", ("localhost", None)),
            ("[::1]:30814", ("[::1]", Some("30814"))),
            ("[::1]", ("[::1]", None)),
            ("::1", ("::1", None)),
            ("a:b:c", ("a:b:c", None)),
        ];
        for (host, expected) in table {
            assert_eq!(split_port(host), expected, "{host}");
        }
    }
}
