//! Tables of the guide: from the grammar of lines, the programs' flags, the endpoints, and the constants.
//!
//! A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`; the rest of a page is its author's.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use c2_shared::api::endpoint;
use c2_shared::config::{AgentConfig, ServerConfig};
use clap::{Arg, Command};
use serde_json::Value;

use super::pages::help;
use super::values::{AGENT_KEYS, EXIT_STATUSES, SERVER_KEYS, limits};
use super::{ASSETS, Files};

const BEGIN: &str = "<!-- table: ";
const END: &str = "<!-- end of table -->";

pub(super) fn add(files: &mut Files) {
    let entries = std::fs::read_dir(Path::new(ASSETS).join("guide/src")).expect("the guide is there");
    for entry in entries {
        let path = entry.expect("a folder that can be read").path();
        let page = std::fs::read_to_string(&path).expect("a page is text");
        let name = path.file_name().expect("it has a name").to_owned();
        files.insert(PathBuf::from("guide/src").join(name), redrawn(&page).into_bytes());
    }
}

/// The page with the tables of the present programs.
fn redrawn(page: &str) -> String {
    let (mut text, mut is_inside) = (String::new(), false);
    for line in page.lines() {
        if line == END {
            is_inside = false;
        }
        if !is_inside {
            let _ = writeln!(text, "{line}");
        }
        if let Some(name) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(" -->")) {
            is_inside = true;
            let _ = writeln!(text, "\n{}", table(name));
        }
    }
    assert!(!is_inside, "a table has no {END}");
    text
}

fn table(name: &str) -> String {
    match name.split(' ').collect::<Vec<_>>()[..] {
        ["commands"] => commands(false),
        ["commands-of-the-console"] => commands(true),
        ["flags", verb] => flags(verb, &[]),
        ["flags", verb, "beside", other] => flags(verb, &longs(other)),
        ["program", program] => program_flags(program),
        ["subcommands", program] => subcommands(program),
        ["endpoints"] => endpoints(),
        ["configuration", "c2d"] => keys(&ServerConfig::default(), &SERVER_KEYS),
        ["configuration", "c2-agent"] => keys(&AgentConfig::default(), &AGENT_KEYS),
        ["exit-statuses"] => {
            rows(["status", "meaning"], EXIT_STATUSES.map(|(status, what)| [status.to_string(), what.into()]))
        }
        ["limits"] => rows(["limit", "value"], limits().map(|(what, unit, value)| [what.into(), amount(value, unit)])),
        _ => panic!("{name:?} is no table"),
    }
}

/// A table of two columns.
fn rows(head: [&str; 2], cells: impl IntoIterator<Item = [String; 2]>) -> String {
    let mut text = format!("| {} | {} |\n|---|---|\n", head[0], head[1]);
    for row in cells {
        let [first, second] = row.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(text, "| {first} | {second} |");
    }
    text
}

fn commands(full_screen: bool) -> String {
    let all = c2_tui::for_tests::commands().iter().filter(|command| command.full_screen == full_screen);
    rows(["command", "what it does"], all.map(|one| [format!("`{}`", one.usage), one.summary.clone()]))
}

fn verb(name: &str) -> Command {
    let mut grammar = c2_tui::for_tests::grammar();
    grammar.build();
    grammar.find_subcommand(name).unwrap_or_else(|| panic!("there is no verb {name:?}")).clone()
}

fn longs(name: &str) -> Vec<String> {
    verb(name).get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect()
}

fn flags(name: &str, but: &[String]) -> String {
    let verb = verb(name);
    let shown = verb.get_arguments().filter(|arg| !arg.is_hide_set());
    let shown =
        shown.filter(|arg| arg.get_long().is_some_and(|long| long != "help" && but.iter().all(|one| one != long)));
    rows(["flag", "meaning"], shown.map(|arg| [format!("`{}`", written(arg)), help(arg)]))
}

fn written(arg: &Arg) -> String {
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values()).and_then(|names| names.first());
    let value = value.map(|value| format!("={value}")).unwrap_or_default();
    format!("--{}{value}", arg.get_long().unwrap_or_default())
}

fn program(name: &str) -> Command {
    let found = super::programs().into_iter().find(|program| program.get_name() == name);
    found.unwrap_or_else(|| panic!("there is no program {name:?}"))
}

fn program_flags(name: &str) -> String {
    let program = program(name);
    let shown = program.get_arguments().filter(|arg| arg.get_long().is_some());
    rows(
        ["flag, variable", "meaning"],
        shown.map(|arg| {
            let variable = arg.get_env().map(|name| format!(", `{}`", name.to_string_lossy())).unwrap_or_default();
            [format!("`{}`{variable}", written(arg)), help(arg)]
        }),
    )
}

fn subcommands(name: &str) -> String {
    let mut found = Vec::new();
    collect(&program(name), name, &mut found);
    rows(["command", "what it does"], found)
}

fn collect(command: &Command, path: &str, found: &mut Vec<[String; 2]>) {
    for inner in command.get_subcommands() {
        let path = format!("{path} {}", inner.get_name());
        let words = inner.get_positionals().map(|arg| {
            let value = arg.get_value_names().and_then(|names| names.first());
            format!(" {}", value.map(ToString::to_string).unwrap_or_default())
        });
        let flags = inner.get_arguments().filter(|arg| arg.get_long().is_some_and(|long| long != "help"));
        let flags = flags.map(|arg| format!(" [{}]", written(arg)));
        if !inner.has_subcommands() {
            let usage: String = words.chain(flags).collect();
            found.push([format!("`{path}{usage}`"), inner.get_about().map(ToString::to_string).unwrap_or_default()]);
        }
        collect(inner, &path, found);
    }
}

fn endpoints() -> String {
    let mut text = "| endpoint | for | what it does |\n|---|---|---|\n".to_owned();
    for one in endpoint::ALL {
        let roles: Vec<&str> = one.roles.iter().map(|role| role.as_str()).collect();
        let roles = if roles.is_empty() { "anyone".to_owned() } else { roles.join(", ") };
        let (method, path, summary) = (one.method.as_str(), one.path, one.summary());
        let _ = writeln!(text, "| `{method} {path}` | {roles} | {} |", summary.replace('|', "\\|"));
    }
    text
}

/// The keys that the type has; each needs its meaning.
fn keys<T: serde::Serialize>(defaults: &T, meanings: &[(&str, &str)]) -> String {
    let Ok(Value::Object(defaults)) = serde_json::to_value(defaults) else { panic!("a configuration is an object") };
    assert_eq!(defaults.len(), meanings.len(), "each key has one meaning");
    let mut text = "| key | default | meaning |\n|---|---|---|\n".to_owned();
    for (key, meaning) in meanings {
        let default = defaults.get(*key).unwrap_or_else(|| panic!("there is no key {key:?}"));
        let default = if default.is_null() { "none".to_owned() } else { format!("`{default}`") };
        let _ = writeln!(text, "| `{key}` | {default} | {meaning} |");
    }
    text
}

/// With the largest unit that leaves a whole number.
fn amount(value: u64, unit: &str) -> String {
    let steps: &[(&str, u64)] = match unit {
        "B" => &[("KiB", 1024), ("MiB", 1024), ("GiB", 1024)],
        "ms" => &[("s", 1_000), ("min", 60), ("h", 60), ("days", 24)],
        "s" => &[("min", 60), ("h", 60), ("days", 24)],
        _ => &[],
    };
    let (mut value, mut unit) = (value, unit);
    for &(larger, size) in steps {
        // Two minutes are said as such, one as 60 seconds: 60 s of a lease, 24 h of a key.
        if !value.is_multiple_of(size) || (size != 1024 && size != 1_000 && value / size < 2) {
            break;
        }
        (value, unit) = (value / size, larger);
    }
    let digits = value.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if unit.is_empty() { grouped } else { format!("{grouped} {unit}") }
}
