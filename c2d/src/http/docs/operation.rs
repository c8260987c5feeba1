//! One operation of the interface: a method on a route, who may use it, what goes in and comes out.

use c2_shared::api::error::ErrorCode;
use c2_shared::token::Role;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Writes the schema of a type, its parts among the generator's definitions.
pub(crate) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// A route and the name of its constant, by which the documentation of the types refers to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
}

macro_rules! route {
    ($name:ident) => {
        $crate::http::docs::operation::Route { name: stringify!($name), path: c2_shared::api::route::$name }
    };
}
pub(super) use route;

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) route: Route,
    pub(crate) summary: &'static str,
    pub(crate) about: &'static str,
    /// Whose tokens will do; none where nobody needs one.
    pub(crate) roles: Vec<Role>,
    pub(crate) query: Option<Shape>,
    pub(crate) header: Option<(&'static str, &'static str)>,
    pub(crate) body: Option<Body>,
    /// Whether the body is plain bytes.
    pub(crate) takes_bytes: bool,
    pub(crate) status: u16,
    pub(crate) answer: Content,
    /// Refusals beside those that follow from the form of the operation.
    pub(crate) refusals: &'static [ErrorCode],
}

#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) shape: Shape,
    pub(crate) required: bool,
    pub(crate) example: Value,
}

#[derive(Debug)]
pub(crate) enum Content {
    Json {
        shape: Shape,
        example: Value,
    },
    /// Anything else, with its type.
    Other {
        kind: &'static str,
    },
}

impl Operation {
    fn new(method: &'static str, route: Route, roles: &[Role], summary: &'static str) -> Self {
        Self {
            method,
            route,
            summary,
            about: "",
            roles: roles.to_vec(),
            query: None,
            header: None,
            body: None,
            takes_bytes: false,
            status: 200,
            answer: Content::Other { kind: "text/plain; charset=utf-8" },
            refusals: &[],
        }
    }

    /// What operators may do. Where nothing changes, viewers may, too.
    pub(super) fn operator(method: &'static str, route: Route, summary: &'static str) -> Self {
        let roles: &[Role] = if method == "get" { &[Role::Operator, Role::Viewer] } else { &[Role::Operator] };
        Self::new(method, route, roles, summary)
    }

    /// What workers may do.
    pub(super) fn worker(method: &'static str, route: Route, summary: &'static str) -> Self {
        Self::new(method, route, &[Role::Worker], summary)
    }

    /// What an invitation is for.
    pub(super) fn invited(method: &'static str, route: Route, summary: &'static str) -> Self {
        Self::new(method, route, &[Role::Join], summary)
    }

    /// What viewers may not even look at.
    pub(super) fn for_operators_alone(self) -> Self {
        Self { roles: vec![Role::Operator], ..self }
    }

    /// What needs no token.
    pub(super) fn anyone(method: &'static str, route: Route, summary: &'static str) -> Self {
        Self::new(method, route, &[], summary)
    }

    pub(super) fn for_workers_too(self) -> Self {
        Self { roles: self.roles.into_iter().chain([Role::Worker]).collect(), ..self }
    }

    /// A body of bytes, whatever they mean.
    pub(super) fn takes_bytes(self) -> Self {
        Self { takes_bytes: true, ..self }
    }

    pub(super) fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    pub(super) fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(inline::<T>), ..self }
    }

    pub(super) fn header(self, name: &'static str, meaning: &'static str) -> Self {
        Self { header: Some((name, meaning)), ..self }
    }

    pub(super) fn body<T: JsonSchema + DeserializeOwned>(self, example: Value) -> Self {
        let body = Body { shape: shape::<T>, required: true, example: checked::<T>(example) };
        Self { body: Some(body), ..self }
    }

    /// A body that may be left out.
    pub(super) fn optional_body<T: JsonSchema + DeserializeOwned>(self, example: Value) -> Self {
        let body = Body { shape: shape::<T>, required: false, example: checked::<T>(example) };
        Self { body: Some(body), ..self }
    }

    pub(super) fn answers<T: JsonSchema + DeserializeOwned>(self, status: u16, example: Value) -> Self {
        let answer = Content::Json { shape: shape::<T>, example: checked::<T>(example) };
        Self { status, answer, ..self }
    }

    /// JSON whose form is no single type's.
    pub(super) fn answers_shape(self, shape: Shape, example: Value) -> Self {
        Self { answer: Content::Json { shape, example }, ..self }
    }

    pub(super) fn answers_other(self, kind: &'static str) -> Self {
        Self { answer: Content::Other { kind }, ..self }
    }

    pub(super) fn refuses(self, refusals: &'static [ErrorCode]) -> Self {
        Self { refusals, ..self }
    }

    /// The names in the path.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.route.path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect()
    }

    /// All kinds of refusal that can come, in the order of their statuses.
    pub(crate) fn all_refusals(&self) -> Vec<ErrorCode> {
        let mut codes = vec![ErrorCode::Forbidden, ErrorCode::Misdirected, ErrorCode::Internal];
        if !self.roles.is_empty() {
            codes.extend([ErrorCode::Unauthorized, ErrorCode::RateLimited, ErrorCode::Busy]);
        }
        if !self.names().is_empty() {
            codes.push(ErrorCode::InvalidInput);
            // What is put there need not have been there.
            codes.extend((self.method != "put").then_some(ErrorCode::NotFound));
        }
        if self.query.is_some() || self.header.is_some() {
            codes.push(ErrorCode::InvalidInput);
        }
        if self.body.is_some() || self.takes_bytes {
            codes.extend([ErrorCode::InvalidInput, ErrorCode::TooLarge, ErrorCode::UnsupportedMediaType]);
        }
        codes.extend(self.refusals);
        codes.sort_by_key(|code| (code.status(), format!("{code:?}")));
        codes.dedup();
        codes
    }
}

fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

/// An example that is not of its type is a mistake in the table.
fn checked<T: DeserializeOwned>(example: Value) -> Value {
    debug_assert!(
        serde_json::from_value::<T>(example.clone()).is_ok(),
        "{example} is no {}: {:?}",
        std::any::type_name::<T>(),
        serde_json::from_value::<T>(example.clone()).err()
    );
    example
}
