//! Schemas of the wire types, from the words of Rust to those of the interface.

use c2_shared::api::endpoint;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Makes schemas of what readers of the document may send and receive.
pub(super) fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    settings.with_transform(tidy).into_generator()
}

/// The members of a query: what may be null there may be left out.
pub(super) fn members(mut schema: Schema) -> Vec<(String, Value)> {
    tidy(&mut schema);
    let members = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    members.into_iter().map(|(name, schema)| (name, without_null(schema))).collect()
}

/// Has each schema that repeats all members of another one refer to it: flattening copied them.
pub(super) fn factored(schemas: &Map<String, Value>) -> Map<String, Value> {
    let members = |schema: &Value| schema["properties"].as_object().cloned().unwrap_or_default();
    let part = |whole: &Value| {
        let of_whole = members(whole);
        let parts = schemas.iter().filter(|(_, part)| part["additionalProperties"].is_null());
        let parts = parts.map(|(name, part)| (name, members(part))).filter(|(_, of_part)| {
            of_part.len() < of_whole.len() && of_part.iter().all(|(name, schema)| of_whole.get(name) == Some(schema))
        });
        parts.max_by_key(|(_, of_part)| of_part.len()).filter(|(_, of_part)| of_part.len() > 1)
    };
    let composed = schemas.iter().map(|(name, schema)| match part(schema) {
        Some((base, of_base)) => (name.clone(), without(schema, base, &of_base)),
        None => (name.clone(), schema.clone()),
    });
    composed.collect()
}

/// A schema with a reference in place of the members of another.
fn without(schema: &Value, base: &str, of_base: &Map<String, Value>) -> Value {
    let mut rest = schema.clone();
    if let Some(members) = rest["properties"].as_object_mut() {
        members.retain(|name, _| !of_base.contains_key(name));
    }
    if let Some(required) = rest["required"].as_array_mut() {
        required.retain(|name| !of_base.contains_key(name.as_str().unwrap_or_default()));
    }
    let about = rest.as_object_mut().and_then(|rest| rest.remove("description"));
    let base = json!({"$ref": format!("#/components/schemas/{base}")});
    json!({"description": about, "allOf": [base, rest]})
}

/// A query has no way to say null.
fn without_null(mut schema: Value) -> Value {
    let null = json!({"type": "null"});
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            schema["type"] = kind.clone();
        }
    }
    let other = schema.get("anyOf").and_then(Value::as_array).and_then(|any| any.iter().find(|one| **one != null));
    if let Some(other) = other.cloned() {
        let about = schema["description"].take();
        schema = other;
        schema["description"] = about;
    }
    schema
}

fn tidy(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = unlinked(text);
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
    write_as_words(schema);
    transform_subschemas(&mut tidy, schema);
}

/// Writes a choice of constants as an `enum`, which generators of clients understand better; what is said of
/// each goes to what is said of all.
fn write_as_words(schema: &mut Schema) {
    let choices = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let words: Vec<&str> = choices.iter().filter_map(|one| one["const"].as_str()).collect();
    if words.is_empty() || words.len() < choices.len() {
        return;
    }
    let all = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let each = choices.iter().zip(&words);
    let each = each.map(|(one, word)| format!(" `{word}`: {}", one["description"].as_str().unwrap_or_default()));
    let about = all.to_owned() + &each.collect::<String>();
    let (about, words) = (unlinked(&about), json!(words));
    schema.remove("oneOf");
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), words);
    schema.insert("description".to_owned(), about.trim().into());
}

/// Writes links to Rust's names as the paths or plain names that they stand for.
fn unlinked(text: &str) -> String {
    let mut parts = text.split("[`");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (link, rest) = part.split_once("`]").unwrap_or((part, ""));
        let name = link.rsplit("::").next().unwrap_or(link);
        let path = endpoint::ALL.iter().find(|one| one.name == name).map_or(name, |one| one.path);
        plain.push_str(&format!("`{path}`{rest}"));
    }
    plain.replace('\n', " ")
}
