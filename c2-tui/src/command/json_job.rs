//! A job as a JSON object: its fields have the names and the forms of the flags, and besides those of
//! the HTTP interface.

use std::fmt;

use c2_shared::hint;
use c2_shared::job::Upload;
use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::command::draft::Draft;
use crate::command::foreign;
use crate::command::job_flags::{JobFlags, item, items};

/// What a field takes, as it is written.
const FIELDS: &[(&str, &str)] = &[
    ("command", "\"make\""),
    ("script", "\"job.sh\""),
    ("name", "\"nightly\""),
    ("group", "\"gpu\""),
    ("tags", "[\"gpu:0\", \"disk\"]"),
    ("depends", "[\"build\", \"any:job-3\"]"),
    ("same_machine", "true"),
    ("timeout", "\"5m\""),
    ("timeout_s", "300"),
    ("retries", "3"),
    ("retry_delay", "\"30s\""),
    ("retry_delay_s", "30"),
    ("priority", "10"),
    ("hold", "true"),
    ("begin", "\"2030-01-31T08:00\""),
    ("begin_at", "\"2030-01-31T08:00\""),
    ("env", "{\"MODEL\": \"small\"}"),
    ("stdin_file", "\"data.txt\""),
    ("stdin", "\"aGVsbG8=\", which is base64, or \"stdin_file\": \"data.txt\""),
    ("stdin_sha256", "64 hexadecimal digits"),
    ("upload", "[\"scene.blend:input.blend\"]"),
    ("download", "[\"*.png\"]"),
    ("exclude", "[\"10.0.0.12\"]"),
    ("on_lost", "\"fail\""),
    ("umask", "\"022\""),
    ("worker", "\"10.0.0.12\""),
    ("workers", "[\"10.0.0.12\"]"),
    ("expires", "\"8h\""),
    ("expires_s", "28800"),
    ("cwd", "\"/data\""),
    ("shell", "\"bash\""),
    ("with_files_of", "[\"build\"]"),
    ("share", "\"data\""),
    ("shares", "[\"data\"]"),
    ("notify", "[\"phone\"]"),
    ("batch", "\"night\""),
    ("array_index", "7"),
    ("cpus", "4"),
    ("memory", "\"8G\""),
    ("memory_bytes", "8589934592"),
    ("gpus", "1"),
    ("vram", "\"16G\""),
    ("vram_bytes", "17179869184"),
    ("need", "{\"license\": 1}"),
    ("needs", "{\"license\": 1}"),
];

/// Reads a job; what it does not say is as in `flags`.
pub(crate) fn read(object: Map<String, Value>, flags: &JobFlags) -> Result<Draft, String> {
    if object.contains_key("command") && object.contains_key("script") {
        return Err("a job has either a \"command\" or a \"script\"".to_owned());
    }
    let mut draft = Draft { flags: flags.clone(), ..Draft::default() };
    for (key, value) in object {
        set(&mut draft, &key, value)?;
    }
    Ok(draft)
}

fn set(draft: &mut Draft, key: &str, value: Value) -> Result<(), String> {
    let Draft { flags, base, script } = draft;
    let name = key.replace('-', "_");
    let value = Field { key, name: &name, value };
    match name.as_str() {
        "command" => base.command = value.text()?.unwrap_or_default(),
        "script" => *script = value.text()?,
        "name" => flags.name = value.text()?,
        "group" => flags.group = value.text()?,
        "tags" => flags.tags = value.list()?,
        "depends" => flags.depends = value.list()?,
        "exclude" => flags.exclude = value.list()?,
        "same_machine" => flags.same_machine = value.switch()?,
        "hold" => flags.hold = value.switch()?,
        "timeout" | "timeout_s" => flags.timeout = value.text()?,
        "retries" => flags.retries = value.text()?,
        "retry_delay" | "retry_delay_s" => flags.retry_delay = value.text()?,
        "priority" => flags.priority = value.text()?,
        "on_lost" => flags.on_lost = value.text()?,
        "umask" => flags.umask = value.text()?,
        "worker" | "workers" => flags.worker = value.list()?,
        "expires" | "expires_s" => flags.expires = value.text()?,
        "cwd" => flags.cwd = value.text()?,
        "shell" => flags.shell = value.text()?,
        "batch" => flags.batch = value.text()?,
        "array_index" => base.array_index = value.plain()?,
        "with_files_of" => flags.with_files_of = value.list()?,
        "share" | "shares" => flags.share = value.list()?,
        "notify" => flags.notify = value.list()?,
        "cpus" => flags.needs.cpus = value.text()?,
        "memory" | "memory_bytes" => flags.needs.memory = value.text()?,
        "gpus" => flags.needs.gpus = value.text()?,
        "vram" | "vram_bytes" => flags.needs.vram = value.text()?,
        "need" | "needs" => flags.needs.need = value.variables()?.iter().flat_map(|text| items(text)).collect(),
        "begin" | "begin_at" => {
            // A number counts milliseconds, as on the wire.
            base.begin_at = value.value.as_u64();
            if let Some(early) = base.begin_at.filter(|ms| SECONDS.contains(ms)) {
                return Err(format!(
                    "{key:?} counts milliseconds, so {early} is in 1970 (write {early}000, or a time in quotes, like \"18:00\")"
                ));
            }
            flags.begin = if base.begin_at.is_some() { None } else { value.text()? };
        }
        "env" => flags.env = value.variables()?,
        "stdin_file" => flags.stdin_file = value.text()?,
        "stdin" => base.stdin = value.plain()?,
        "stdin_sha256" => base.stdin_sha256 = value.plain()?,
        "upload" => (flags.upload, base.upload) = value.uploads()?,
        "download" => flags.download = value.list_of_paths()?,
        "idempotency_key" => base.idempotency_key = value.text()?,
        "wait" | "dry_run" | "max_running" => {
            let flag = name.replace('_', "-");
            return Err(format!("{key:?} is for all jobs together (write it behind the file: batch FILE --{flag})"));
        }
        _ => return Err(format!("unknown field {key:?} ({})", in_place_of(&name))),
    }
    Ok(())
}

/// These are times of our age in seconds, and in milliseconds of the first days of 1970.
const SECONDS: std::ops::Range<u64> = 1_000_000_000..100_000_000_000;

/// What to write in place of a field that is none: that which does what it is called by others, else the nearest.
fn in_place_of(name: &str) -> String {
    let flag = format!("--{}", name.replace('_', "-"));
    let field = |flag: &str| flag.strip_prefix("--")?.split(['=', ',', ' ']).next().map(|name| name.replace('-', "_"));
    match name {
        "cmd" | "run" | "exec" | "args" | "argv" | "shell_command" | "line" => "write it as \"command\"".to_owned(),
        "jobs" => "write the list of jobs itself, as in [{\"command\": \"make\"}]".to_owned(),
        "array" => "numbers make jobs of one command: submit COMMAND --array=1-100".to_owned(),
        "id" | "job_id" | "state" => "c2d gives each job its id; leave it out, or write a \"name\"".to_owned(),
        _ => match foreign::flag(&flag).and_then(field).filter(|name| FIELDS.iter().any(|(known, _)| known == name)) {
            Some(ours) => format!("write it as {ours:?}"),
            None => hint::for_unknown(name, FIELDS.iter().map(|(name, _)| *name), ""),
        },
    }
}

/// A JSON value in which each field stands once: of two, one would be ignored without a word.
#[derive(Debug)]
pub(crate) struct Once(pub(crate) Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Once;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Once, E> {
                Ok(Once(Value::Null))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Once, E> {
                Ok(Once(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Once, E> {
                Ok(Once(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Once, E> {
                Ok(Once(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Once, E> {
                Ok(Once(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Once, E> {
                Ok(Once(value.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Once, A::Error> {
                let mut all = Vec::new();
                while let Some(Once(item)) = items.next_element()? {
                    all.push(item);
                }
                Ok(Once(Value::Array(all)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Once, A::Error> {
                let mut all = Map::new();
                while let Some((name, Once(value))) = fields.next_entry::<String, Once>()? {
                    if all.contains_key(&name) {
                        return Err(A::Error::custom(format!("{name:?} is given twice")));
                    }
                    all.insert(name, value);
                }
                Ok(Once(Value::Object(all)))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// A value with the field that it is for.
struct Field<'a> {
    key: &'a str,
    name: &'a str,
    value: Value,
}

impl Field<'_> {
    fn wrong(&self) -> String {
        let example = FIELDS.iter().find(|(name, _)| *name == self.name).map_or("", |(_, example)| example);
        let mut value = self.value.to_string();
        if value.chars().count() > 40 {
            value = value.chars().take(39).chain(['…']).collect();
        }
        format!("{:?} does not take {value} (write it like \"{}\": {example})", self.key, self.key)
    }

    /// A text, or a number where people write one; nothing for null.
    fn text(self) -> Result<Option<String>, String> {
        match &self.value {
            Value::Null => Ok(None),
            Value::String(_) | Value::Number(_) => Ok(word(&self.value)),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(self.wrong()),
        }
    }

    fn switch(self) -> Result<bool, String> {
        match &self.value {
            Value::Null => Ok(false),
            Value::Bool(on) => Ok(*on),
            Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(self.wrong()),
        }
    }

    /// Words: in a list, or in a text with commas.
    fn list(self) -> Result<Vec<String>, String> {
        match &self.value {
            Value::Null => Ok(Vec::new()),
            Value::String(text) => Ok(text.split(',').map(|word| word.trim().to_owned()).collect()),
            Value::Number(number) => Ok(vec![number.to_string()]),
            Value::Array(entries) => entries.iter().map(word).collect::<Option<_>>().ok_or_else(|| self.wrong()),
            Value::Bool(_) | Value::Object(_) => Err(self.wrong()),
        }
    }

    /// Paths or patterns. Those of a list are whole, whatever commas they have; a text is read as
    /// the flag reads it.
    fn list_of_paths(self) -> Result<Vec<String>, String> {
        match &self.value {
            Value::String(text) => Ok(vec![text.clone()]),
            _ => Ok(self.list()?.iter().map(|path| item(path)).collect()),
        }
    }

    fn variables(self) -> Result<Vec<String>, String> {
        match &self.value {
            Value::Object(map) => {
                let pair = |(key, value): (&String, &Value)| Some(format!("{key}={}", word(value)?));
                map.iter().map(pair).collect::<Option<_>>().ok_or_else(|| self.wrong())
            }
            Value::String(text) => Ok(vec![text.clone()]),
            _ => self.list(),
        }
    }

    /// Local files, and contents that stand in the object.
    fn uploads(self) -> Result<(Vec<String>, Vec<Upload>), String> {
        let Value::Array(entries) = &self.value else { return Ok((self.list_of_paths()?, Vec::new())) };
        let (contents, files): (Vec<&Value>, Vec<&Value>) = entries.iter().partition(|entry| entry.is_object());
        let contents = contents.into_iter().map(|entry| serde_json::from_value(entry.clone())).collect();
        let contents: Result<Vec<Upload>, _> = contents;
        let files: Option<Vec<String>> = files.into_iter().map(|file| word(file).map(|file| item(&file))).collect();
        match (files, contents) {
            (Some(files), Ok(contents)) => Ok((files, contents)),
            _ => Err(self.wrong()),
        }
    }

    fn plain<T: DeserializeOwned>(self) -> Result<Option<T>, String> {
        serde_json::from_value(self.value.clone()).map_err(|_| self.wrong())
    }
}

/// A text or a number as a text.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What JSON that cannot be read is lacking, without the place.
pub(crate) fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    match what {
        _ if error.is_eof() => "the JSON is not complete: a bracket, a brace or a quote is not closed".to_owned(),
        "trailing characters" => "something stands behind the JSON; a line holds one job".to_owned(),
        "key must be a string" => "names of fields stand in double quotes, like \"command\"".to_owned(),
        "trailing comma" => "there is a comma too many".to_owned(),
        "expected value" => "a value is missing; texts stand in double quotes".to_owned(),
        "expected `:`" => "a colon is missing behind the name of a field".to_owned(),
        "expected `,` or `}`" | "expected `,` or `]`" => "a comma is missing, or the closing bracket".to_owned(),
        twice if twice.ends_with(" is given twice") => twice.to_owned(),
        other => format!("this is no JSON: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::job::JobSpec;
    use clap::CommandFactory as _;
    use serde_json::json;

    use super::*;

    fn job(value: &Value) -> Result<JobSpec, String> {
        let Value::Object(object) = value.clone() else { panic!("{value} is no object") };
        let Draft { flags, base, .. } =
            read(object, &JobFlags { group: Some("default".into()), ..JobFlags::default() })?;
        flags.spec(base).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn fields_have_the_forms_of_flags_and_those_of_the_wire() {
        let same = |a: Value, b: Value| assert_eq!(job(&a).unwrap(), job(&b).unwrap(), "{a} {b}");
        same(json!({"timeout": "5m"}), json!({"timeout_s": 300}));
        same(json!({"timeout-s": "300"}), json!({"timeout": 300}));
        same(json!({"tags": "disk"}), json!({"tags": ["disk"]}));
        same(json!({"tags": "disk,gpu:0"}), json!({"tags": ["disk", "gpu:0"]}));
        same(json!({"env": ["A=1", "B=a,b"]}), json!({"env": {"A": 1, "B": "a,b"}}));
        same(json!({"env": "A=1,2"}), json!({"env": {"A": "1,2"}}));
        same(json!({"download": "*.png,*.jpg"}), json!({"download": ["*.png", "*.jpg"]}));
        same(json!({"same-machine": true}), json!({"same_machine": true}));
        same(json!({"on-lost": "fail"}), json!({"on_lost": "fail"}));
        same(json!({"priority": "3"}), json!({"priority": 3}));
        assert!(job(&json!({"begin": 1_900_000_000})).unwrap_err().contains("write 1900000000000"));
        same(json!({"begin": "2030-01-31T00:00Z"}), json!({"begin_at": 1_896_048_000_000_u64}));
        same(json!({"exclude": "vm", "hold": null}), json!({"exclude": ["vm"], "hold": false}));
        assert_eq!(job(&json!({"download": ["a,b"]})).unwrap().download, ["a,b"]);
        assert_eq!(job(&json!({"group": "gpu"})).unwrap().group.as_deref(), Some("gpu"));
        assert_eq!(job(&json!({"group": null})).unwrap().group, None);
        assert_eq!(job(&json!({})).unwrap().group.as_deref(), Some("default"));
        let spec = job(&json!({"upload": [{"path": "a", "content": "YQ=="}], "stdin": "YQ=="})).unwrap();
        assert_eq!((spec.upload.len(), spec.stdin.is_some()), (1, true));
    }

    #[test]
    fn what_does_not_fit_is_said_with_an_example() {
        let table = [
            (json!({"comand": "x"}), "unknown field \"comand\" (did you mean \"command\"?)"),
            (json!({"cmd": "x"}), "unknown field \"cmd\" (write it as \"command\")"),
            (json!({"partition": "x"}), "unknown field \"partition\" (write it as \"group\")"),
            (json!({"walltime": "1h"}), "unknown field \"walltime\" (write it as \"timeout\")"),
            (json!({"nodelist": "nas"}), "unknown field \"nodelist\" (write it as \"worker\")"),
            (
                json!({"array": "1-9"}),
                "unknown field \"array\" (numbers make jobs of one command: submit COMMAND --array=1-100)",
            ),
            (json!({"command": true}), "\"command\" does not take true (write it like \"command\": \"make\")"),
            (
                json!({"tags": {"a": 1}}),
                "\"tags\" does not take {\"a\":1} (write it like \"tags\": [\"gpu:0\", \"disk\"])",
            ),
            (json!({"on-lost": []}), "\"on-lost\" does not take [] (write it like \"on-lost\": \"fail\")"),
            (
                json!({"stdin": "hello?"}),
                "\"stdin\" does not take \"hello?\" (write it like \"stdin\": \"aGVsbG8=\", which is base64, or \"stdin_file\": \"data.txt\")",
            ),
            (json!({"command": "a", "script": "b"}), "a job has either a \"command\" or a \"script\""),
            (json!({"hold": "yes"}), "\"hold\" does not take \"yes\" (write it like \"hold\": true)"),
        ];
        for (value, expected) in table {
            assert_eq!(job(&value).unwrap_err(), expected);
        }
    }

    #[test]
    fn every_flag_and_every_field_of_the_wire_is_a_field() {
        let flags = crate::command::grammar::Grammar::command();
        let submit = flags.find_subcommand("batch").unwrap();
        let own = ["dry-run", "wait", "idempotency-key", "max-running"];
        let names = submit.get_arguments().filter_map(clap::Arg::get_long).filter(|name| !own.contains(name));
        let mut fields: Vec<String> = names.map(str::to_owned).collect();
        let full = json!({"command": "x", "name": "n", "group": "g", "tags": ["t"], "depends": ["job-1"],
            "same_machine": true, "stdin": "YQ==", "upload": [{"path": "a"}], "download": ["*"], "env": {"A": "1"},
            "timeout_s": 1, "retries": 1, "retry_delay_s": 1, "priority": 1, "hold": true, "begin_at": 1,
            "on_lost": "fail", "exclude": ["w"], "umask": "022", "workers": ["w"], "expires_s": 9, "cwd": "/",
            "shell": "bash", "with_files_of": ["job-1"], "shares": ["data"], "notify": ["phone"], "batch": "night",
            "array_index": 7});
        let spec: JobSpec = serde_json::from_value(full.clone()).unwrap();
        let Ok(Value::Object(written)) = serde_json::to_value(&spec) else { panic!("a job is an object") };
        fields.extend(written.keys().cloned());
        for field in fields {
            let known = FIELDS.iter().any(|(name, _)| *name == field.replace('-', "_"));
            assert!(known, "{field}");
        }
        let Value::Object(object) = full else { panic!("a job is an object") };
        let Draft { flags, base, .. } = read(object, &JobFlags::default()).unwrap();
        let (depends, with_files_of) = (spec.depends.clone(), spec.with_files_of.clone());
        assert_eq!(JobSpec { depends, with_files_of, ..flags.spec(base).unwrap() }, spec);
    }
}
