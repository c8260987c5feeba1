//! What a program's settings are and where each is from, as `config` of each program lists it.
//!
//! The values are those that count, after flags, environment and file; nothing here decides that.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::config::{Configured, Written};

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line, with its dashes.
    Flag(String),
    /// A variable of the environment.
    Variable(String),
    /// A file.
    File {
        /// Which.
        path: PathBuf,
        /// The line, where it has several.
        line: Option<usize>,
    },
    /// Nothing was said.
    Default,
}

impl Origin {
    /// A file as a whole.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self::File { path: path.to_owned(), line: None }
    }

    fn text(&self) -> String {
        match self {
            Self::Flag(name) | Self::Variable(name) => name.clone(),
            Self::File { path, line: Some(line) } => format!("{}, line {line}", path.display()),
            Self::File { path, line: None } => path.display().to_string(),
            Self::Default => "default".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Flag(name) => json!({"kind": "flag", "name": name}),
            Self::Variable(name) => json!({"kind": "variable", "name": name}),
            Self::File { path, line: Some(line) } => json!({"kind": "file", "path": path, "line": line}),
            Self::File { path, line: None } => json!({"kind": "file", "path": path}),
            Self::Default => json!({"kind": "default"}),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Setting {
    name: String,
    /// `null` where there is none.
    value: Value,
    origin: Origin,
}

/// The settings of a program, in the order in which they are listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(Vec<Setting>);

impl Settings {
    /// Every key of a configuration, those of an object in `inside` each for itself.
    pub fn of<T: Serialize>(configured: &Configured<T>, inside: &[&str]) -> Self {
        let mut settings = Self::default();
        // It is a struct, so it is an object.
        if let Ok(Value::Object(keys)) = serde_json::to_value(&configured.config) {
            settings.add(configured, "", keys, inside);
        }
        settings
    }

    fn add<T>(&mut self, configured: &Configured<T>, before: &str, keys: Map<String, Value>, inside: &[&str]) {
        for (key, value) in keys {
            let name = format!("{before}{key}");
            match value {
                Value::Object(keys) if inside.contains(&name.as_str()) => {
                    self.add(configured, &format!("{name}."), keys, inside);
                }
                value => {
                    let line = |file: &Written| Some((file.path.clone(), *file.lines.get(&name)?));
                    let written = configured.file.as_ref().and_then(line);
                    let origin =
                        written.map_or(Origin::Default, |(path, line)| Origin::File { path, line: Some(line) });
                    self.0.push(Setting { name, value, origin });
                }
            }
        }
    }

    /// Says that a setting has another value, or says one that no file has, before all others.
    pub fn set(&mut self, name: &str, value: impl Serialize, origin: Origin) {
        self.show(name, value);
        if let Some(setting) = self.0.iter_mut().find(|setting| setting.name == name) {
            setting.origin = origin;
        }
    }

    /// Says that a setting has its value from the argument of the same name, if that was given.
    #[cfg(feature = "arguments")]
    pub fn given(&mut self, name: &str, origins: &crate::arguments::Origins) {
        self.given_as(name, name, origins);
    }

    /// The same for an argument of another name.
    #[cfg(feature = "arguments")]
    pub fn given_as(&mut self, name: &str, argument: &str, origins: &crate::arguments::Origins) {
        let setting = self.0.iter_mut().find(|setting| setting.name == name);
        if let (Some(setting), Some(origin)) = (setting, origins.get(argument)) {
            setting.origin = origin;
        }
    }

    /// Says how the value of a setting is shown.
    pub fn show(&mut self, name: &str, value: impl Serialize) {
        let value = serde_json::to_value(value).unwrap_or_default();
        match self.0.iter_mut().find(|setting| setting.name == name) {
            Some(setting) => setting.value = value,
            None => self.0.insert(0, Setting { name: name.to_owned(), value, origin: Origin::Default }),
        }
    }

    /// Takes a setting out of the list; answers its origin.
    pub fn take(&mut self, name: &str) -> Option<Origin> {
        let at = self.0.iter().position(|setting| setting.name == name)?;
        Some(self.0.remove(at).origin)
    }

    /// The list for a person, or as one JSON document.
    #[must_use]
    pub fn list(&self, as_json: bool) -> String {
        if as_json {
            let one = |s: &Setting| json!({"name": s.name, "value": s.value, "from": s.origin.json()});
            return format!("{}\n", json!({"settings": self.0.iter().map(one).collect::<Vec<_>>()}));
        }
        let shown = |value: &Value| match value {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut rows = vec![("SETTING", "VALUE".to_owned(), "FROM".to_owned())];
        rows.extend(self.0.iter().map(|s| (s.name.as_str(), shown(&s.value), s.origin.text())));
        let width = |cells: &mut dyn Iterator<Item = usize>| cells.max().unwrap_or_default();
        let names = width(&mut rows.iter().map(|row| row.0.chars().count()));
        // A long value moves its own source alone.
        let values = width(&mut rows.iter().map(|row| row.1.chars().count()).filter(|length| *length <= 50));
        let mut text = String::new();
        for (name, value, origin) in rows {
            let _ = writeln!(text, "{name:names$}  {value:values$}  {origin}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AgentConfig, ServerConfig};
    use crate::json;

    fn configured<T: serde::de::DeserializeOwned>(text: &str) -> Configured<T> {
        let file = Written { path: "/c.json".into(), lines: json::lines(text) };
        Configured { config: json::read(text.as_bytes()).unwrap(), file: Some(file) }
    }

    #[test]
    fn each_value_stands_beside_its_source() {
        let mut settings = Settings::of(&configured::<AgentConfig>("{\n\"slots\": 2,\n\"server_port\": 7}"), &[]);
        settings.set("server_host", "10.0.0.6", Origin::Variable("C2_SERVER".into()));
        settings.set("state_dir", "/s", Origin::Flag("--state-dir".into()));
        for key in [
            "resources",
            "shares",
            "workspace_days",
            "yield_to",
            "via",
            "partition",
            "control_groups",
            "pids_max",
            "idle_suspend_s",
        ] {
            assert_eq!(settings.take(key), Some(Origin::Default));
        }
        assert!(settings.take("suspend_command").is_some());
        let expected = "\
SETTING         VALUE     FROM
state_dir       /s        --state-dir
address         -         default
server_host     10.0.0.6  C2_SERVER
server_port     7         /c.json, line 3
slots           2         /c.json, line 2
workspace_root  /tmp/C2   default
";
        assert_eq!(settings.list(false), expected);
        let listed: Value = serde_json::from_str(&settings.list(true)).unwrap();
        assert_eq!(
            listed["settings"][3],
            json!({"name": "server_port", "value": 7, "from": {"kind": "file", "path": "/c.json", "line": 3}})
        );
    }

    #[test]
    fn no_key_is_left_out() {
        let settings = Settings::of(&Configured::<ServerConfig>::default(), &[]);
        let keys = serde_json::to_value(ServerConfig::default()).unwrap();
        assert_eq!(settings.0.len(), keys.as_object().unwrap().len());
    }
}
