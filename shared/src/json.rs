//! Reading JSON that people write, in requests and configuration files: what is wrong with it is said with
//! its place and with what to write.

mod at_most;
mod each_once;
mod places;
mod strict;

use std::fmt::{self, Write as _};

pub use at_most::at_most;
pub use each_once::each_once;
pub use places::lines;
use serde::de::DeserializeOwned;
use serde_json::Deserializer;
use serde_path_to_error::Track;

use crate::hint;
use strict::Strict;

/// Bytes of serde's message that count: it repeats what stands in the text, however long that is.
const TOLD_BYTES_MAX: usize = 2 * 1024;

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The field, as `jobs[0].tags`; none for the whole.
    pub field: Option<String>,
    /// What is wrong, with the field.
    pub message: String,
    /// What to write.
    pub hint: String,
    /// The line, where the message does not say it.
    pub line: Option<usize>,
}

/// Reads a document.
///
/// # Errors
/// When it is no JSON, or not what `T` takes.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Unreadable> {
    let mut json = Deserializer::from_slice(text);
    let read = T::deserialize(Strict(&mut json));
    read.and_then(|value| json.end().map(|()| value)).map_err(|error| unreadable::<T>(text, error))
}

/// Reads it once more to find the place, which costs more than most readers should pay.
fn unreadable<T: DeserializeOwned>(text: &[u8], error: serde_json::Error) -> Unreadable {
    let (is_data, line, Told(told)) = (error.is_data(), error.line(), Told::of(&error));
    drop(error);
    if !is_data {
        let hint = "check that each quote and bracket is closed, and that commas stand between entries only";
        let message = format!("this is no JSON: {told}");
        return Unreadable { field: None, message, hint: hint.to_owned(), line: None };
    }
    let (mut json, mut track) = (Deserializer::from_slice(text), Track::new());
    let found = T::deserialize(serde_path_to_error::Deserializer::new(Strict(&mut json), &mut track));
    let field = found.err().map(|_| track.path().to_string()).filter(|path| path != ".");
    let told = told.rsplit_once(" at line ").map_or(told.as_str(), |(message, _)| message);
    let (mut message, hint) = describe(told);
    // One that is unknown or there twice is named already, and its place is where it stands.
    let is_named = message.starts_with("unknown field") || message.ends_with("is there twice");
    let place =
        field.as_deref().map(|field| if is_named { field.rsplit_once('.').unwrap_or_default().0 } else { field });
    if let Some(place) = place.filter(|place| !place.is_empty()) {
        message = format!("{place}: {message}");
    }
    Unreadable { field, message, hint, line: Some(line).filter(|line| *line > 0) }
}

/// What serde says, up to a length.
struct Told(String);

impl Told {
    fn of(error: &serde_json::Error) -> Self {
        let mut told = Self(String::new());
        // It ends where it is full.
        let _cut = write!(told, "{error}");
        told
    }
}

impl fmt::Write for Told {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let fits = part.floor_char_boundary(TOLD_BYTES_MAX - self.0.len());
        self.0.push_str(&part[..fits]);
        if fits == part.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Turns serde's message into one of ours: what is wrong, and a hint.
#[must_use]
pub fn describe(message: &str) -> (String, String) {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    // A query string's message has the name of the field in front.
    let start = ["unknown field", "unknown variant"].into_iter().filter_map(|kind| message.find(kind)).min();
    if let Some(message) = start.map(|start| &message[start..]) {
        let words = quoted(message);
        if let Some((unknown, known)) = words.split_first() {
            let kind = if message.starts_with("unknown field") { "field" } else { "value" };
            let hint = hint::for_unknown(unknown, known.iter().map(String::as_str), "no fields are taken here");
            return (format!("unknown {kind} {unknown:?}"), hint);
        }
    }
    let of_field = |prefix| message.strip_prefix(prefix).map(|rest: &str| rest.trim_matches('`'));
    if let Some(field) = of_field("missing field ") {
        return (format!("{field:?} is missing"), format!("add \"{field}\": .."));
    }
    if let Some(field) = of_field("duplicate field ") {
        return (format!("{field:?} is there twice"), "leave one of them out".to_owned());
    }
    if let Some(name) = of_field("duplicate name ") {
        return (format!("{name:?} stands there twice"), "leave one of them out".to_owned());
    }
    if message.contains("invalid IP address") || message.contains("invalid IPv") {
        return ("this is no IP address".to_owned(), "write one like 10.0.0.6 or fd00::6".to_owned());
    }
    let kinds = ["invalid type: ", "invalid value: "];
    let mismatch = kinds.iter().find_map(|kind| message.strip_prefix(kind)?.split_once(", expected "));
    mismatch.map_or_else(
        || (message.to_owned(), "GET /docs of c2d shows each request, README.md the files".to_owned()),
        |(given, wanted)| mismatched(given, wanted),
    )
}

fn mismatched(given: &str, wanted: &str) -> (String, String) {
    let text = given.strip_prefix("string ");
    let given = match (text, given) {
        (Some(text), _) => format!("the text {text}"),
        (None, "sequence") => "a list".to_owned(),
        (None, "map") => "an object".to_owned(),
        (None, other) => {
            let value = other.split('`').nth(1).unwrap_or(other);
            if value == "null" { "nothing".to_owned() } else { value.to_owned() }
        }
    };
    // What stands in quotes is right without them.
    let number = |like: &str| match text {
        Some(_) => format!("write it without quotes, like {like}"),
        None => format!("write one like {like}"),
    };
    let (wanted, hint) = match wanted {
        "a sequence" => {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join("\", \"");
            ("a list", text.map_or("write [\"a\", \"b\"]".to_owned(), |text| format!("write [{}]", words(text))))
        }
        "a map" => ("an object", "write {\"NAME\": \"VALUE\"}".to_owned()),
        "a string" => ("a text", "put it in double quotes".to_owned()),
        "a boolean" if text.is_some() => ("true or false", "write it without quotes".to_owned()),
        "a boolean" => ("true or false", "write true or false".to_owned()),
        "i8" | "i16" | "i32" | "i64" => ("a whole number", number("10")),
        "u8" => ("a whole number from 0 to 255", number("100")),
        "u16" => ("a whole number from 0 to 65535", number("300")),
        "u32" => ("a whole number from 0 to 4294967295", number("300")),
        "u64" | "usize" => ("a whole number from 0 on", number("300")),
        other => (other, format!("write {other}")),
    };
    (format!("{given} stands where {wanted} belongs"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::batches::BatchRequest;
    use crate::api::tokens::InviteRequest;
    use crate::api::workers::TagsRequest;
    use crate::config::ServerConfig;
    use crate::job::JobSpec;

    fn refusal<T: DeserializeOwned + fmt::Debug>(text: &str) -> (String, String) {
        let error = read::<T>(text.as_bytes()).unwrap_err();
        (error.message, error.hint)
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_with_what_to_write() {
        let list = "write [\"x\"]";
        let table = [
            (
                refusal::<JobSpec>("[\"echo positional\"]"),
                "a list stands where an object like {\"command\": ..} belongs",
                "",
            ),
            (refusal::<JobSpec>("\"make\""), "the text \"make\" stands where an object like", ""),
            (refusal::<JobSpec>(r#"{"tags": "x"}"#), "tags: the text \"x\" stands where a list belongs", list),
            (refusal::<JobSpec>(r#"{"depends": "x"}"#), "depends: the text \"x\" stands where a list belongs", list),
            (
                refusal::<JobSpec>(r#"{"timeout_s": "5m"}"#),
                "timeout_s: the text \"5m\" stands where a whole number",
                "300",
            ),
            (refusal::<JobSpec>(r#"{"priority": 1.5}"#), "priority: 1.5 stands where a whole number belongs", "10"),
            (refusal::<JobSpec>(r#"{"tags": "x  y"}"#), "tags: the text", "write [\"x\", \"y\"]"),
            (refusal::<JobSpec>(r#"{"hold": 1}"#), "hold: 1 stands where true or false", "write true or false"),
            (refusal::<JobSpec>(r#"{"timeout_s": true}"#), "timeout_s: true stands where", "write one like 300"),
            (refusal::<ServerConfig>(r#"{"port": 1e3}"#), "port: 1000.0 stands where", "write one like 300"),
            (refusal::<JobSpec>(r#"{"on_lost": 1}"#), "on_lost: 1 stands where one of ", "requeue"),
            (refusal::<JobSpec>(r#"{"hold": "yes"}"#), "hold: the text \"yes\" stands where true or false", "quotes"),
            (refusal::<JobSpec>(r#"{"command": 3}"#), "command: 3 stands where a text belongs", "double quotes"),
            (refusal::<JobSpec>(r#"{"env": ["A=1"]}"#), "env: a list stands where an object belongs", "NAME"),
            (refusal::<JobSpec>(r#"{"upload": [["a", "b"]]}"#), "upload[0]: a list stands where an object", "path"),
            (refusal::<JobSpec>(r#"{"comand": "x"}"#), "unknown field \"comand\"", "command"),
            (refusal::<JobSpec>(r#"{"command": "a", "command": "b"}"#), "\"command\" is there twice", "leave"),
            (
                refusal::<BatchRequest>(r#"{"jobs": ["a", {"comand": "b"}]}"#),
                "jobs[1]: unknown field \"comand\"",
                "command",
            ),
            (
                refusal::<BatchRequest>(r#"[{"command": "a"}]"#),
                "a list stands where an object like {\"jobs\": ..}",
                "jobs",
            ),
            (refusal::<BatchRequest>(r#"{"jobs": [["a"]]}"#), "jobs[0]: a list stands where a job belongs", ""),
            (
                refusal::<BatchRequest>(r#"{"jobs": ["a", {"tags": 1}]}"#),
                "jobs[1].tags: 1 stands where a list belongs",
                "",
            ),
            (refusal::<BatchRequest>("{}"), "\"jobs\" is missing", "jobs"),
            (refusal::<TagsRequest>("[[\"a\"]]"), "a list stands where an object like {\"tags\": ..} belongs", ""),
            (refusal::<InviteRequest>("[\"worker\"]"), "a list stands where an object like {\"role\": ..} belongs", ""),
            (
                refusal::<ServerConfig>("[\"127.0.0.1\", 30977]"),
                "a list stands where an object like {\"host\": ..}",
                "",
            ),
            (refusal::<ServerConfig>(r#"{"port": 1, }"#), "this is no JSON: trailing comma at line 1", "comma"),
            (refusal::<ServerConfig>("{} x"), "this is no JSON: trailing characters at line 1 column 4", ""),
            (refusal::<ServerConfig>("{"), "this is no JSON: EOF", "bracket"),
        ];
        for ((message, hint), starts, hinted) in table {
            assert!(message.starts_with(starts) && hint.contains(hinted), "{starts}: {message} ({hint})");
        }
    }

    #[test]
    fn what_is_long_is_not_said_again() {
        let long = "é".repeat(100_000);
        for text in [
            format!(r#"{{"tags": "{long}"}}"#),
            format!(r#"{{"{long}": 1}}"#),
            format!(r#"{{"on_lost": "{long}"}}"#),
            format!(r#"{{"command": "{long}"#),
        ] {
            let (message, hint) = refusal::<JobSpec>(&text);
            assert!(message.len() + hint.len() < 3 * TOLD_BYTES_MAX, "{} {}", message.len(), hint.len());
        }
    }

    #[test]
    fn what_is_right_is_read() {
        let batch: BatchRequest = read(br#"{"jobs": ["a b", {"command": "c", "tags": ["t"]}]}"#).unwrap();
        let command = |command: &str| JobSpec { command: command.into(), ..JobSpec::default() };
        assert_eq!(batch.jobs, [command("a b"), JobSpec { tags: vec!["t".into()], ..command("c") }]);
        let value: serde_json::Value = read(br#"[1, {"a": [null, -2.5, "x"]}]"#).unwrap();
        assert_eq!(value.to_string(), r#"[1,{"a":[null,-2.5,"x"]}]"#);
        let raw: Box<serde_json::value::RawValue> = read(b"{\"a\":  1}").unwrap();
        assert_eq!(raw.get(), "{\"a\":  1}");
    }
}
