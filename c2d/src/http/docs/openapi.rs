//! The OpenAPI 3.1 document, made from the table of operations and the schemas of the wire types.

use std::collections::BTreeMap;

use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::blob::BlobId;
use c2_shared::id::JobId;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema as _, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::http::docs::of_c2d;
use crate::http::docs::operation::{Content, Operation, Route};

const ABOUT: &str = "C2 runs jobs on the machines of a home network. Every request but the few that say so carries \
    a token, `Authorization: Bearer c2o1...`, from `operator.token` or `worker.token` in c2d's data folder. \
    Requests with unknown fields are refused; answers may get more fields. All times are unix milliseconds. \
    Every refusal has the same form, `ErrorBody`.";

/// The SHA-256 of an empty file, as an example.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(super) fn document(operations: &[Operation]) -> Value {
    let routes: Vec<Route> = operations.iter().map(|operation| operation.route).collect();
    let tidy = move |schema: &mut Schema| tidy(schema, &routes);
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.with_transform(tidy.clone()).into_generator();
    let refusal = generator.subschema_for::<ErrorBody>();
    let meanings = meanings();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations {
        let described = describe(operation, &mut generator, &refusal, &meanings);
        paths.entry(operation.route.path).or_default().insert(operation.method.to_owned(), described);
    }
    of_c2d::also(&mut generator);
    let mut sections: Vec<&str> = Vec::new();
    for name in operations.iter().map(|operation| section(operation.route.path)) {
        if !sections.contains(&name) {
            sections.push(name);
        }
    }
    let mut schemas = generator.take_definitions(true);
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {"title": "C2", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": sections.into_iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas,
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

/// The heading under which a path stands: the first word behind `/api/` where it has several paths.
fn section(path: &str) -> &str {
    match path.strip_prefix("/api/").and_then(|rest| rest.split_once('/')) {
        Some(("pdsh", _)) => "workers",
        Some((first, _)) => first,
        None => "c2d",
    }
}

fn describe(
    operation: &Operation,
    generator: &mut SchemaGenerator,
    refusal: &Schema,
    meanings: &BTreeMap<String, String>,
) -> Value {
    let path = operation.route.path;
    let mut described = json!({
        "operationId": format!("{}_{}", operation.method, operation.route.name.to_lowercase()),
        "tags": [section(path)],
        "summary": operation.summary,
        "responses": responses(operation, generator, refusal, meanings),
        "security": operation.roles.iter().map(|role| json!({role.as_str(): []})).collect::<Vec<_>>(),
    });
    if !operation.about.is_empty() {
        described["description"] = operation.about.into();
    }
    let parameters = parameters(operation, generator);
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(body) = &operation.body {
        let content = json!({"schema": (body.shape)(generator), "example": body.example});
        described["requestBody"] = json!({"required": body.required, "content": {"application/json": content}});
    }
    if operation.takes_bytes {
        described["requestBody"] = json!({"required": true, "content": {"application/octet-stream": {}}});
    }
    described
}

fn parameters(operation: &Operation, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters: Vec<Value> = operation.names().into_iter().map(|name| in_path(name, generator)).collect();
    if let Some(query) = operation.query {
        let mut schema = query(generator);
        for transform in generator.transforms_mut() {
            transform.transform(&mut schema);
        }
        let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        parameters.extend(properties.into_iter().map(|(name, mut schema)| {
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            without_null(&mut schema);
            json!({"name": name, "in": "query", "required": false, "description": description, "schema": schema})
        }));
    }
    if let Some((name, meaning)) = operation.header {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 256});
        parameters
            .push(json!({"name": name, "in": "header", "required": false, "description": meaning, "schema": schema}));
    }
    parameters
}

fn in_path(name: &str, generator: &mut SchemaGenerator) -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let (meaning, schema, example) = match name {
        "job_id" => ("Which job.", generator.subschema_for::<JobId>().to_value(), "job-12"),
        "ip" => ("Which worker: its address, or for operators its host name.", text, "10.0.0.15"),
        "group" => ("Which group.", text, "gpu"),
        "target" => ("Which workers.", text, "@all"),
        "sha256" => ("Which content.", generator.subschema_for::<BlobId>().to_value(), NOTHING),
        "id" => ("Which token.", text, "5f0c93a1"),
        "role" => ("Which role.", json!({"type": "string", "enum": ["operator", "worker"]}), "operator"),
        other => unreachable!("the name {other:?} in a path has no meaning"),
    };
    json!({"name": name, "in": "path", "required": true, "description": meaning, "schema": schema, "example": example})
}

/// A query has no way to say null: what may be null may be left out.
fn without_null(schema: &mut Value) {
    let null = json!({"type": "null"});
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            schema["type"] = kind.clone();
        }
    }
    let other = schema.get("anyOf").and_then(Value::as_array).and_then(|any| any.iter().find(|one| **one != null));
    if let Some(other) = other.cloned() {
        *schema = other;
    }
}

fn responses(
    operation: &Operation,
    generator: &mut SchemaGenerator,
    refusal: &Schema,
    meanings: &BTreeMap<String, String>,
) -> Value {
    let (kind, content) = match &operation.answer {
        Content::Json { shape, example } => {
            let mut content = json!({"schema": shape(generator)});
            if !example.is_null() {
                content["example"] = example.clone();
            }
            ("application/json", content)
        }
        // A schema here would be read as that of each event, which differ.
        Content::Other { kind: "text/event-stream" } => ("text/event-stream", json!({})),
        Content::Other { kind } => (*kind, json!({"schema": {"type": "string"}})),
    };
    let mut responses = Map::new();
    responses.insert(operation.status.to_string(), json!({"description": "Done.", "content": {kind: content}}));
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in operation.all_refusals() {
        by_status.entry(code.status()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let words: Vec<String> = codes.iter().map(|code| word(*code)).collect();
        let meaning = |word: &String| format!("`{word}`: {}", meanings.get(word).map_or("", String::as_str));
        let description = words.iter().map(meaning).collect::<Vec<_>>().join(" ");
        let example = json!({"code": words.first(), "message": "what is wrong", "hint": "what to do about it"});
        let content = json!({"application/json": {"schema": refusal, "example": example}});
        responses.insert(status.to_string(), json!({"description": description, "content": content}));
    }
    responses.into()
}

fn word(code: ErrorCode) -> String {
    serde_json::to_value(code).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What each kind of refusal means, in the words beside its definition, without the status.
fn meanings() -> BTreeMap<String, String> {
    let schema = ErrorCode::json_schema(&mut SchemaGenerator::default()).to_value();
    let kinds = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let meaning = |kind: &Value| {
        let text = kind.get("description")?.as_str()?;
        let text = text.split_once(": ").map_or(text, |(_, text)| text);
        Some((kind.get("const")?.as_str()?.to_owned(), text.to_owned()))
    };
    kinds.iter().filter_map(meaning).collect()
}

/// Brings a schema from the words of Rust to those of the interface.
fn tidy(schema: &mut Schema, routes: &[Route]) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = unlinked(text, routes);
    }
    let maximum: Option<u64> = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => Some(u8::MAX.into()),
        Some("uint32") => Some(u32::MAX.into()),
        Some("uint64" | "uint") => Some(u64::MAX),
        Some("int32") => Some(i32::MAX.unsigned_abs().into()),
        _ => None,
    };
    if let Some(maximum) = maximum {
        schema.insert("maximum".to_owned(), maximum.into());
    }
    if schema.get("format").is_some_and(|format| format == "int32") {
        schema.insert("minimum".to_owned(), i32::MIN.into());
    }
    transform_subschemas(&mut |schema: &mut Schema| tidy(schema, routes), schema);
}

/// Writes links to Rust's names as the paths or plain names that they stand for.
fn unlinked(text: &str, routes: &[Route]) -> String {
    let mut parts = text.split("[`");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (link, rest) = part.split_once("`]").unwrap_or((part, ""));
        let name = link.rsplit("::").next().unwrap_or(link);
        let path = routes.iter().find(|route| route.name == name).map_or(name, |route| route.path);
        plain.push_str(&format!("`{path}`{rest}"));
    }
    plain.replace('\n', " ")
}
