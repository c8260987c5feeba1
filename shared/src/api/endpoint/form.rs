//! What an endpoint consists of, and how one is written down.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::ops::Deref;

use crate::api::error::ErrorCode;
use crate::blob::BlobId;
use crate::id::JobId;
use crate::token::Role;

/// An endpoint with the types of what stands in its path, of its query, its JSON body and its JSON
/// answer: `()` where there is none, [`Raw`] where it is not JSON.
#[derive(Debug)]
pub struct Endpoint<P: ?Sized, Q, B, A> {
    pub(super) operation: Operation,
    types: PhantomData<fn(&P, &Q, &B) -> A>,
}

/// An endpoint without its types, as the list of all has it.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The name of its constant, and in small letters its `operationId`.
    pub name: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path, in which `{name}` stands for one percent-encoded segment.
    pub path: &'static str,
    /// Whose tokens will do; none where nobody needs one.
    pub roles: &'static [Role],
    /// The status of its answer.
    pub status: u16,
    /// The media type of its answer.
    pub media: &'static str,
    /// Refusals beside those that follow from its form.
    pub refusals: &'static [ErrorCode],
    /// Whether it is answered 202 where it is done later, as a worker is not heard.
    pub may_be_later: bool,
    /// Whether it takes an `Idempotency-Key`.
    pub is_keyed: bool,
    /// Whether its body may be left out.
    pub may_lack_body: bool,
    /// Its documentation, line by line.
    lines: &'static [&'static str],
    /// The types of its query, body and answer; none for those that are [`Raw`].
    #[cfg(feature = "schema")]
    pub shapes: [Option<Shape>; 3],
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// `GET`, and with it `HEAD`.
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
}

/// A body or an answer that is not JSON.
#[derive(Debug)]
pub enum Raw {}

impl Method {
    /// Its word in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl Operation {
    /// What it does, in one line.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.lines.first().map_or("", |line| line.trim().trim_end_matches('.'))
    }

    /// What else is to be known of it.
    #[must_use]
    pub fn about(&self) -> String {
        let lines: Vec<&str> =
            self.lines.iter().skip(1).map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
        lines.join(" ")
    }

    /// The names in its path.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('{').skip(1).filter_map(|part| part.split('}').next())
    }

    /// The path with values in place of its names, percent-encoding what is not unreserved.
    #[must_use]
    pub fn filled(&self, mut value: impl FnMut(&str) -> String) -> String {
        let mut path = self.path.to_owned();
        for name in self.names() {
            path = path.replacen(&format!("{{{name}}}"), &encoded(&value(name)), 1);
        }
        path
    }
}

fn encoded(value: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}

impl<P: ?Sized, Q, B, A> Deref for Endpoint<P, Q, B, A> {
    type Target = Operation;

    fn deref(&self) -> &Operation {
        &self.operation
    }
}

impl<P: PathValues + ?Sized, Q, B, A> Endpoint<P, Q, B, A> {
    /// Its path with these values.
    pub fn at(&self, values: &P) -> String {
        let mut values = values.texts().into_iter();
        self.filled(|_| values.next().unwrap_or_default())
    }
}

/// Values for the names in a path, in their order.
pub trait PathValues {
    /// They as they are written.
    fn texts(&self) -> Vec<String>;
}

impl PathValues for () {
    fn texts(&self) -> Vec<String> {
        Vec::new()
    }
}

impl PathValues for [String] {
    fn texts(&self) -> Vec<String> {
        self.to_vec()
    }
}

macro_rules! one_value {
    ($($type:ty),+) => {
        $(impl PathValues for $type {
            fn texts(&self) -> Vec<String> {
                vec![self.to_string()]
            }
        })+
    };
}

one_value!(str, JobId, IpAddr, BlobId, Role);

impl<P: ?Sized, Q: Wire, B: Wire, A: Wire> Endpoint<P, Q, B, A> {
    pub(super) const fn new(method: Method, path: &'static str, roles: &'static [Role]) -> Self {
        let operation = Operation {
            name: "",
            method,
            path,
            roles,
            status: 200,
            media: "application/json",
            refusals: &[],
            may_be_later: false,
            is_keyed: false,
            may_lack_body: false,
            lines: &[],
            #[cfg(feature = "schema")]
            shapes: [Q::SHAPE, B::SHAPE, A::SHAPE],
        };
        Self { operation, types: PhantomData }
    }

    pub(super) const fn refuses(mut self, refusals: &'static [ErrorCode]) -> Self {
        self.operation.refusals = refusals;
        self
    }

    /// It may be noted, and done later.
    pub(super) const fn or_later(mut self) -> Self {
        self.operation.may_be_later = true;
        self
    }

    /// Its answer is something new.
    pub(super) const fn creates(mut self) -> Self {
        self.operation.status = 201;
        self
    }

    pub(super) const fn answers(mut self, media: &'static str) -> Self {
        self.operation.media = media;
        self
    }

    pub(super) const fn keyed(mut self) -> Self {
        self.operation.is_keyed = true;
        self
    }

    pub(super) const fn without_body_too(mut self) -> Self {
        self.operation.may_lack_body = true;
        self
    }

    pub(super) const fn documented(mut self, name: &'static str, lines: &'static [&'static str]) -> Self {
        self.operation.name = name;
        self.operation.lines = lines;
        self
    }
}

/// Writes down endpoints, each with what its documentation says, and the list of all.
macro_rules! endpoints {
    ($($(#[doc = $line:literal])+ $name:ident: $type:ty = $value:expr;)+) => {
        $($(#[doc = $line])+ pub const $name: $type = $value.documented(stringify!($name), &[$($line),+]);)+

        /// All endpoints, in the order in which people look for them.
        pub const ALL: &[Operation] = &[$($name.operation),+];
    };
}
pub(super) use endpoints;

#[cfg(feature = "schema")]
mod shape {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator};
    use serde::de::DeserializeOwned;

    /// A type as the documentation needs it.
    #[derive(Clone, Copy, Debug)]
    pub struct Shape {
        /// Its name; `null` for `()`.
        pub name: fn() -> Cow<'static, str>,
        /// A reference to its schema, which is added to the generator's definitions.
        pub reference: fn(&mut SchemaGenerator) -> Schema,
        /// Its schema itself.
        pub schema: fn(&mut SchemaGenerator) -> Schema,
        /// Whether a text is one.
        pub reads: fn(&str) -> serde_json::Result<()>,
    }

    /// What may go in or come out.
    pub trait Wire {
        /// Its type, if it is JSON.
        const SHAPE: Option<Shape>;
    }

    impl<T: JsonSchema + DeserializeOwned> Wire for T {
        const SHAPE: Option<Shape> = Some(Shape {
            name: T::schema_name,
            reference: SchemaGenerator::subschema_for::<T>,
            schema: T::json_schema,
            reads: |text| serde_json::from_str::<T>(text).map(drop),
        });
    }

    impl Wire for super::Raw {
        const SHAPE: Option<Shape> = None;
    }
}

#[cfg(not(feature = "schema"))]
mod shape {
    /// What may go in or come out.
    pub trait Wire {}

    impl<T> Wire for T {}
}

#[cfg(feature = "schema")]
pub use shape::Shape;
pub use shape::Wire;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{ALL, GET_JOB, GET_WORKER, UNASSIGN};
    use super::*;

    #[test]
    fn values_are_encoded() {
        assert_eq!(GET_JOB.at(&JobId(3)), "/api/jobs/info/job-3");
        assert_eq!(GET_WORKER.at("fd00::1"), "/api/workers/info/fd00%3A%3A1");
        assert_eq!(GET_WORKER.at("../x?y"), "/api/workers/info/..%2Fx%3Fy");
        assert_eq!(UNASSIGN.at(&["{group}".to_owned(), "b".to_owned()]), "/api/workers/groups/%7Bgroup%7D/b");
    }

    #[test]
    fn each_stands_in_the_list_once_and_says_what_it_does() {
        let calls: BTreeSet<(Method, &str)> = ALL.iter().map(|one| (one.method, one.path)).collect();
        let names: BTreeSet<&str> = ALL.iter().map(|one| one.name).collect();
        assert_eq!((calls.len(), names.len()), (ALL.len(), ALL.len()));
        for one in ALL {
            assert!(!one.summary().is_empty() && !one.summary().contains('.'), "{}: {:?}", one.name, one.summary());
        }
    }
}
