//! Which refusals an operation may answer with, and what each kind of refusal means.

use std::collections::BTreeMap;

use c2_shared::api::endpoint::{Method, Operation};
use c2_shared::api::error::ErrorCode;
use schemars::{JsonSchema as _, SchemaGenerator};
use serde_json::{Value, json};

use crate::http::docs::openapi::{Input, input};

/// The refusals of an operation by their status: its own, and those that follow from its form.
pub(super) fn by_status(operation: &Operation) -> BTreeMap<u16, Vec<ErrorCode>> {
    // Also a body where none is taken.
    let mut codes = vec![ErrorCode::Forbidden, ErrorCode::Misdirected, ErrorCode::Internal, ErrorCode::InvalidInput];
    if !operation.roles.is_empty() {
        codes.extend([ErrorCode::Unauthorized, ErrorCode::RateLimited, ErrorCode::Busy, ErrorCode::StoreFailed]);
        codes.push(ErrorCode::Standby);
    }
    let [_, body, _] = operation.shapes;
    let (has_names, has_body) = (operation.names().next().is_some(), !matches!(input(body), Input::Nothing));
    // What is put there need not have been there.
    if has_names && operation.method != Method::Put {
        codes.push(ErrorCode::NotFound);
    }
    if has_body {
        codes.extend([ErrorCode::TooLarge, ErrorCode::UnsupportedMediaType]);
    }
    codes.extend(operation.refusals);
    codes.sort_by_key(|code| word(*code));
    codes.dedup();
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(code);
    }
    by_status
}

/// The name of an answer with one of these refusals, and the answer.
pub(super) fn answer(codes: &[ErrorCode], meanings: &BTreeMap<String, String>, body: &Value) -> (String, Value) {
    let words: Vec<String> = codes.iter().map(|code| word(*code)).collect();
    let meaning = |word: &String| format!("`{word}`: {}", meanings.get(word).map_or("", String::as_str));
    let description = words.iter().map(meaning).collect::<Vec<_>>().join(" ");
    let example = json!({"code": words.first(), "message": "what is wrong", "hint": "what to do about it"});
    let content = json!({"application/json": {"schema": body, "example": example}});
    (words.join("-or-"), json!({"description": description, "content": content}))
}

/// What each kind of refusal means, in the words beside its definition, without the status.
pub(super) fn meanings() -> BTreeMap<String, String> {
    let schema = ErrorCode::json_schema(&mut SchemaGenerator::default()).to_value();
    let kinds = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let meaning = |kind: &Value| {
        let text = kind.get("description")?.as_str()?;
        let text = text.split_once(": ").map_or(text, |(_, text)| text);
        Some((kind.get("const")?.as_str()?.to_owned(), text.to_owned()))
    };
    kinds.iter().filter_map(meaning).collect()
}

fn word(code: ErrorCode) -> String {
    serde_json::to_value(code).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
