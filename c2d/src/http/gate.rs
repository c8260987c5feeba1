//! The gate before every request, whatever its method and path, known or not.
//!
//! It looks at the request from the outside in: is it meant for us, does it come from a web page,
//! who sends it. C2 is no web page, so nothing that a browser sends on behalf of one is let
//! through; that is decided by `Host`, `Origin` and `Sec-Fetch-Site`, never by guessing browsers.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::endpoint;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::tokens::AUTHORITY_HEADER;
use c2_shared::pass::Pass;
use c2_shared::token::Role;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::timeout;

use crate::access::Holder;
use crate::audit;
use crate::http::App;
use crate::http::connection::Connection;
use crate::http::doors::Seat;
use crate::http::error::ApiError;

/// What to do without a token, or with the wrong one.
const SHOW: &str = "send the token that c2d keeps in its data folder: Authorization: Bearer c2o1...";
/// What a request may still take whose token was revoked meanwhile.
const LAST_WORDS: Duration = Duration::from_millis(50);
/// The type of streams.
const EVENTS: &str = "text/event-stream";

pub(crate) async fn gate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    app.counters.requests.fetch_add(1, Ordering::Relaxed);
    let connection = *request.extensions().get::<Connection>().expect("every connection came from somewhere");
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (who, mut response) = match admit(&app, &request, connection) {
        Ok(Some(holder)) => {
            if let Some(seat) = request.extensions().get::<Arc<Seat>>() {
                seat.prove(&holder.id, connection.is_near(), app.clock.now().mono);
            }
            if holder.must_move && connection.proof() == Some(app.rotation.fingerprint()) {
                // If it cannot be noted now, it is with the next request.
                drop(app.access.moved(holder.id.to_string()).await);
            }
            request.extensions_mut().insert(holder.clone());
            let response = served_while_good(&app, &holder, request, next).await;
            (Some(holder), response)
        }
        Ok(None) => (None, served(request, next).await),
        Err(refusal) => (None, refusal.into_response()),
    };
    if let Some(kind) = audit::kind(&method, &path, response.status()) {
        let made = response.extensions_mut().remove();
        let who = who.map(|holder| holder.to_string());
        let line = audit::Line::request(&method, &path, response.status());
        app.audit.note(kind, audit::Line { who, from: Some(connection.peer()), made, ..line }).await;
    }
    // What was found may not be true any more where another leads.
    if !app.leadership.holds() {
        response = deposed().into_response();
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let new = app.rotation.fingerprint();
    if connection.proof().is_some_and(|proof| proof != new) {
        // It comes again with what it learns from this.
        headers.insert(AUTHORITY_HEADER, HeaderValue::from_str(&new.to_string()).expect("base64 is plain"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The answer of a c2d that led a moment ago.
fn deposed() -> ApiError {
    refuse(ErrorCode::Standby, "this c2d does not lead any more", "ask another one: nothing that was accepted is lost")
}

/// A defect in a handler is one failed request, not a broken connection.
async fn served(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => refuse(ErrorCode::Internal, "c2d failed at this request", "see the log of c2d").into_response(),
    }
}

/// Serves a request for as long as its token is good, to the end of a stream.
async fn served_while_good(app: &App, holder: &Holder, request: Request, next: Next) -> Response {
    let mut answer = pin!(served(request, next));
    let response = tokio::select! {
        response = &mut answer => response,
        // It may be this very request that used the token up, or replaced it.
        () = app.access.revoked(&holder.id) => match timeout(LAST_WORDS, answer).await {
            Ok(response) => response,
            Err(_) => {
                let hint = renewal(holder.role);
                return refuse(ErrorCode::Unauthorized, "this token was revoked", &hint).into_response();
            }
        },
    };
    // A stream, or the end of a job that was submitted.
    let headers = response.headers();
    let lasts = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == EVENTS);
    if !lasts && !headers.contains_key(header::LOCATION) {
        return response;
    }
    let (access, id) = (app.access.clone(), holder.id.clone());
    response.map(|body| {
        let revoked = Box::pin(async move { access.revoked(&id).await });
        Body::from_stream(body.into_data_stream().take_until(revoked))
    })
}

fn admit(app: &App, request: &Request, connection: Connection) -> Result<Option<Holder>, ApiError> {
    let headers = request.headers();
    // No page of the web can speak to the socket, so whatever a program calls it there is right.
    if !connection.is_by_socket() {
        check_host(app, headers, connection)?;
    }
    check_origin(headers)?;
    // What needs no token says nothing about jobs or workers: whether c2d is up, and the description of
    // its interface, which is the same in every copy of this program. All other checks hold for it too.
    if endpoint::ALL.iter().any(|one| one.roles.is_empty() && one.path == request.uri().path()) {
        return Ok(None);
    }
    authenticate(app, headers, connection).map(Some)
}

/// The request must name this c2d exactly, or a page whose name was bound to our address (DNS
/// rebinding) could speak to us.
fn check_host(app: &App, headers: &HeaderMap, connection: Connection) -> Result<(), ApiError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        _ => return Err(refuse(ErrorCode::Misdirected, "a request needs one Host header", "use an HTTP client")),
    };
    let (name, port) = split_port(host);
    let fits = port.is_none_or(|port| port == app.address.port().to_string());
    let called = |name: &str| name.trim_matches(['[', ']']).parse() == Ok(connection.local());
    if fits && (called(name) || app.names.contains(&name.to_ascii_lowercase())) {
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

/// A good token always passes, whatever others at its address do: several machines may share one, and
/// each machine has several users. Only failures are counted and, where there are too many, refused.
fn authenticate(app: &App, headers: &HeaderMap, connection: Connection) -> Result<Holder, ApiError> {
    let (ip, near, now) = (connection.peer(), connection.is_near(), app.clock.now());
    let shown = bearer(headers);
    let holder = shown.and_then(|shown| app.access.holder(shown, near, now));
    holder.ok_or_else(|| {
        if shown.is_some_and(is_invitation) {
            app.announcer.saw_wrong(ip);
        }
        // Programs on this machine are not slowed down by what others on it try.
        if !near && !app.throttle.admits_failure(ip, now.mono) {
            let message = format!("too many requests with an unknown token, or without one, came from {ip}");
            return refuse(ErrorCode::RateLimited, message, "send a good token, which is accepted at any time");
        }
        let Some(shown) = shown else { return refuse(ErrorCode::Unauthorized, "a token is needed", SHOW) };
        match app.access.holder(shown, true, now) {
            Some(holder) => {
                refuse(ErrorCode::Unauthorized, "this token is good on c2d's own machine alone", &renewal(holder.role))
            }
            None => unknown(shown, near),
        }
    })
}

/// The token that a request shows; the word before it is read in any case.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_invitation(shown: &str) -> bool {
    shown.parse::<Pass>().is_ok_and(|pass| pass.token.role() == Role::Join)
}

/// For a token that never was or is no more. c2d forgets those that are revoked, so it cannot tell.
fn unknown(shown: &str, near: bool) -> ApiError {
    let hint = match shown.parse::<Pass>().map(|pass| pass.token.role()) {
        Err(_) => SHOW.to_owned(),
        Ok(Role::Operator) if near => {
            let file = "send what is in operator.token in c2d's data folder";
            format!("it was revoked or replaced, or another c2d gave it; {file}, or {}", renewal(Role::Operator))
        }
        Ok(role) => format!("it was revoked or replaced, or another c2d gave it; {}", renewal(role)),
    };
    refuse(ErrorCode::Unauthorized, "this token is not known here", &hint)
}

/// How to get a token that is good.
pub(super) fn renewal(role: Role) -> String {
    match role {
        Role::Operator | Role::Viewer => {
            format!("get a line with `c2d invite --role {role}` where c2d runs, and give it to: c2-tui login")
        }
        Role::Worker => "get a line with `c2d invite` where c2d runs, and give it to: c2-agent join".to_owned(),
        Role::Join => "get a new line where c2d runs with: c2d invite".to_owned(),
    }
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
