//! The OpenAPI 3.1 document, made from the list of endpoints and the schemas of the wire types.
//!
//! What several operations have in common stands once, among the components.

use std::collections::BTreeMap;

use c2_shared::api::endpoint::{self, Operation, Shape};
use c2_shared::api::error::ErrorBody;
use c2_shared::api::events::{Change, Snapshot};
use c2_shared::api::live::Written;
use c2_shared::blob::BlobId;
use c2_shared::id::JobId;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::http::docs::examples::{NOTHING, examples};
use crate::http::docs::{refusals, schemas};

const ABOUT: &str = "C2 runs jobs on the machines of a home network. Every request but the few that say so carries \
    a token, `Authorization: Bearer c2o1...`, from `operator.token` or `worker.token` in c2d's data folder. \
    Requests with unknown fields are refused; answers may get more fields. All times are unix milliseconds. \
    Every refusal has the same form, `ErrorBody`.";

/// What goes into an operation, or comes out.
pub(super) enum Input {
    Nothing,
    Json(Shape),
    /// Anything but JSON.
    Raw,
}

pub(super) fn input(shape: Option<Shape>) -> Input {
    match shape {
        None => Input::Raw,
        Some(shape) if (shape.name)() == "null" => Input::Nothing,
        Some(shape) => Input::Json(shape),
    }
}

/// The parts of the document that are referred to.
struct Parts {
    schemas: SchemaGenerator,
    parameters: BTreeMap<String, Value>,
    responses: BTreeMap<String, Value>,
    meanings: BTreeMap<String, String>,
}

pub(super) fn document() -> Value {
    let mut parts = Parts {
        schemas: schemas::generator(),
        parameters: BTreeMap::new(),
        responses: BTreeMap::new(),
        meanings: refusals::meanings(),
    };
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut sections: Vec<&str> = Vec::new();
    for operation in endpoint::ALL {
        let described = parts.describe(operation);
        paths.entry(operation.path).or_default().insert(operation.method.as_str().to_lowercase(), described);
        if !sections.contains(&section(operation.path)) {
            sections.push(section(operation.path));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "C2", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": sections.into_iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": parts.take_schemas(),
            "parameters": parts.parameters,
            "responses": parts.responses,
            "securitySchemes": {
                "operator": bearer("The token in `operator.token`, or an operator's who logged in."),
                "viewer": bearer("The token of a viewer who logged in."),
                "worker": bearer("The token in `worker.token`, or of a worker that joined."),
                "join": bearer("An invitation."),
            },
        },
    })
}

fn bearer(what: &str) -> Value {
    json!({"type": "http", "scheme": "bearer", "description": what})
}

/// The heading under which a path stands: the first word behind `/api/`.
fn section(path: &str) -> &str {
    match path.strip_prefix("/api/").map(|rest| rest.split('/').next().unwrap_or_default()) {
        Some("pdsh") => "workers",
        Some("join") => "tokens",
        None | Some("events" | "metrics") => "c2d",
        Some(first) => first,
    }
}

impl Parts {
    fn describe(&mut self, operation: &Operation) -> Value {
        let [query, body, _] = operation.shapes;
        let mut described = json!({
            "operationId": operation.name.to_lowercase(),
            "tags": [section(operation.path)],
            "summary": operation.summary(),
            "responses": self.responses(operation),
            "security": operation.roles.iter().map(|role| json!({role.as_str(): []})).collect::<Vec<_>>(),
        });
        let about = operation.about();
        if !about.is_empty() {
            described["description"] = about.into();
        }
        let mut parameters: Vec<Value> = operation.names().map(|name| self.in_path(name)).collect();
        if let Input::Json(shape) = input(query) {
            parameters.extend(self.in_query(shape));
        }
        if operation.is_keyed {
            parameters.push(self.key());
        }
        if !parameters.is_empty() {
            described["parameters"] = parameters.into();
        }
        let content = match input(body) {
            Input::Nothing => return described,
            Input::Json(shape) => json!({"application/json": {"schema": self.reference(shape)}}),
            Input::Raw => json!({"application/octet-stream": {"schema": bytes()}}),
        };
        described["requestBody"] = json!({"required": !operation.may_lack_body, "content": content});
        described
    }

    fn in_path(&mut self, name: &str) -> Value {
        let text = json!({"type": "string", "minLength": 1});
        let (meaning, schema, example) = match name {
            "job_id" => ("Which job.", self.schemas.subschema_for::<JobId>().to_value(), "job-12"),
            "ip" => ("Which worker: its address, or for operators its host name.", text, "10.0.0.15"),
            "group" => ("Which group.", text, "gpu"),
            "target" => ("Which workers.", text, "@all"),
            "architecture" => ("Which processors.", text, "x86_64"),
            "sha256" => ("Which content.", self.schemas.subschema_for::<BlobId>().to_value(), NOTHING),
            "id" => ("Which token.", text, "5f0c93a1"),
            "name" => ("Which of them, by its name.", text, "backup"),
            "role" => ("Which role.", json!({"type": "string", "enum": ["operator", "worker"]}), "operator"),
            other => return json!({"name": other, "in": "path", "required": true, "schema": text}),
        };
        let parameter = json!({"name": name, "in": "path", "required": true, "description": meaning, "schema": schema, "example": example});
        self.parameter(name.to_owned(), parameter)
    }

    fn in_query(&mut self, shape: Shape) -> Vec<Value> {
        let members = schemas::members((shape.schema)(&mut self.schemas));
        let described = members.into_iter().map(|(name, mut schema)| {
            let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let key = format!("{}.{name}", (shape.name)());
            let parameter =
                json!({"name": name, "in": "query", "required": false, "description": about, "schema": schema});
            self.parameter(key, parameter)
        });
        described.collect()
    }

    fn key(&mut self) -> Value {
        let parameter = json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "A key of the caller's choice: the same key within a day answers with the same jobs.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 256},
        });
        self.parameter("Idempotency-Key".to_owned(), parameter)
    }

    fn responses(&mut self, operation: &Operation) -> Value {
        let answer = match input(operation.shapes[2]) {
            Input::Json(shape) => {
                let content = json!({"application/json": {"schema": self.reference(shape)}});
                self.response((shape.name)().into_owned(), json!({"description": "Done.", "content": content}))
            }
            Input::Nothing => json!({"description": "Done."}),
            Input::Raw => {
                let is_text = operation.media.starts_with("text/");
                let schema = if is_text { json!({"type": "string"}) } else { bytes() };
                json!({"description": "Done.", "content": {operation.media: {"schema": schema}}})
            }
        };
        let mut responses = Map::from_iter([(operation.status.to_string(), answer.clone())]);
        if operation.may_be_later {
            // The same body, where the state of some job is still the one before.
            responses.insert("202".to_owned(), answer);
        }
        if operation.name == endpoint::HEALTH.name {
            let content = json!({operation.media: {"schema": {"type": "string"}}});
            let unwell = json!({"description": "`degraded: ` and why.", "content": content});
            responses.insert("503".to_owned(), unwell);
        }
        let body = self.schemas.subschema_for::<ErrorBody>().to_value();
        for (status, codes) in refusals::by_status(operation) {
            let (name, refusal) = refusals::answer(&codes, &self.meanings, &body);
            responses.insert(status.to_string(), self.response(name, refusal));
        }
        responses.into()
    }

    fn reference(&mut self, shape: Shape) -> Schema {
        (shape.reference)(&mut self.schemas)
    }

    fn parameter(&mut self, key: String, parameter: Value) -> Value {
        let reference = json!({"$ref": format!("#/components/parameters/{key}")});
        self.parameters.insert(key, parameter);
        reference
    }

    fn response(&mut self, key: String, response: Value) -> Value {
        let reference = json!({"$ref": format!("#/components/responses/{key}")});
        self.responses.insert(key, response);
        reference
    }

    /// The schemas that were referred to, with those inside of event streams, where a document cannot
    /// say so, and with examples.
    fn take_schemas(&mut self) -> Map<String, Value> {
        drop((self.schemas.subschema_for::<Snapshot>(), self.schemas.subschema_for::<Change>()));
        drop(self.schemas.subschema_for::<Written>());
        let mut schemas = schemas::factored(&self.schemas.take_definitions(true));
        for (name, example) in examples() {
            schemas[name]["examples"] = json!([example]);
        }
        schemas
    }
}

fn bytes() -> Value {
    json!({"type": "string", "format": "binary"})
}
