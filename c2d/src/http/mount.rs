//! Handlers on endpoints: none without its endpoint, whose roles are checked before it is called, and no
//! endpoint without its handler.

use std::any::TypeId;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};
use c2_shared::api::endpoint::{self, Endpoint, Method, Operation};

use crate::http::{App, extract, role};

/// Endpoints that have their handlers.
#[derive(Debug, Default)]
pub(crate) struct Mounted {
    router: Router<App>,
    served: Vec<&'static str>,
}

/// Says that c2d cannot do what its interface promises.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this c2d has no handler for {}", .0.join(", "))]
pub struct Unserved(pub Vec<String>);

impl Mounted {
    /// Has an endpoint served by this handler, for those whose roles it names.
    pub(crate) fn on<P: ?Sized, Q, B, A, H, T>(mut self, endpoint: &Endpoint<P, Q, B, A>, handler: H) -> Self
    where
        Q: 'static,
        B: 'static,
        H: Handler<T, App>,
        T: 'static,
    {
        let Operation { name, method, path, roles, .. } = **endpoint;
        let mut served = on(filter(method), handler);
        let nothing = TypeId::of::<()>();
        if TypeId::of::<B>() == nothing {
            served = served.route_layer(from_fn(refuse_body));
        }
        // Who looks whether c2d is well may put anything there, so that no cache answers.
        if TypeId::of::<Q>() == nothing && !roles.is_empty() {
            served = served.route_layer(from_fn(refuse_query));
        }
        if !roles.is_empty() {
            let check = async move |request: Request, next: Next| -> Response {
                match role::check(&request, roles) {
                    Ok(()) => next.run(request).await,
                    Err(refusal) => refusal.into_response(),
                }
            };
            served = served.route_layer(from_fn(check));
        }
        self.router = self.router.route(path, served);
        self.served.push(name);
        self
    }

    /// All endpoints with their handlers.
    pub(crate) fn all(self) -> Result<Router<App>, Unserved> {
        let unserved = endpoint::ALL.iter().filter(|one| !self.served.contains(&one.name));
        let unserved: Vec<String> = unserved.map(|one| format!("{} {}", one.method.as_str(), one.path)).collect();
        if unserved.is_empty() { Ok(self.router) } else { Err(Unserved(unserved)) }
    }
}

/// What a query asks of an endpoint that has none would not be done.
async fn refuse_query(request: Request, next: Next) -> Response {
    match request.uri().query() {
        None | Some("") => next.run(request).await,
        Some(_) => {
            let hint = "leave out the question mark and what follows; see /docs";
            extract::invalid("this request takes no query", hint).into_response()
        }
    }
}

/// What stands in a body that nothing reads would be lost without a word.
async fn refuse_body(request: Request, next: Next) -> Response {
    match extract::without_body(request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Has the endpoints of one module served.
pub(crate) type Mount = fn(Mounted) -> Mounted;

/// The `mount` of each of these modules.
macro_rules! of {
    ($($module:ident)+) => { [$($crate::http::$module::mount),+] };
}
pub(crate) use of;

/// Says which endpoints the handlers of a module serve.
macro_rules! serves {
    ($($endpoint:ident => $handler:ident),+ $(,)?) => {
        pub(super) fn mount(mounted: $crate::http::mount::Mounted) -> $crate::http::mount::Mounted {
            mounted$(.on(&c2_shared::api::endpoint::$endpoint, $handler))+
        }
    };
}
pub(crate) use serves;

const fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Delete => MethodFilter::DELETE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::router::handlers;

    #[test]
    fn an_endpoint_without_a_handler_is_named() {
        assert!(handlers().all().is_ok());
        let mut few = handlers();
        few.served.retain(|name| *name != endpoint::CANCEL.name);
        let unserved = few.all().map(drop).unwrap_err();
        assert_eq!(unserved.to_string(), "this c2d has no handler for POST /api/jobs/cancel/{job_id}");
    }
}
