//! The OpenAPI document as one page for people: no script, nothing loaded from anywhere.
//!
//! Everything is escaped, although all of it is our own text: the page must not depend on that.

use std::fmt::Write as _;

use serde_json::Value;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8885; --soft: #8882; --link: light-dark(#0550ae, #79b8ff); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
code, pre { font: 13px/1.45 ui-monospace, monospace; } code { background: var(--soft); padding: 0 .2em; }
pre { background: var(--soft); padding: .6em .8em; overflow-x: auto; border-radius: 4px; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: .3rem .8rem; }
summary { cursor: pointer; } .method { display: inline-block; width: 4.5em; font-weight: 700; }
.who { float: right; opacity: .7; } table { border-collapse: collapse; width: 100%; }
td { border-top: 1px solid var(--line); padding: .25em .6em .25em 0; vertical-align: top; }
td:first-child { white-space: nowrap; } h2 { margin-top: 2rem; text-transform: capitalize; }
";

pub(super) fn page(document: &Value) -> String {
    let mut body = String::new();
    for section in list(&document["tags"]) {
        let name = text(&section["name"]);
        let _ = write!(body, "<h2>{}</h2>", escape(name));
        for (path, operations) in members(&document["paths"]) {
            for (method, operation) in members(operations).filter(|(_, operation)| operation["tags"][0] == name) {
                add_operation(&mut body, document, (method, path), operation);
            }
        }
    }
    body.push_str("<h2>forms</h2>");
    for (name, schema) in members(&document["components"]["schemas"]) {
        add_schema(&mut body, name, schema);
    }
    let info = &document["info"];
    let (version, about) = (escape(text(&info["version"])), prose(text(&info["description"])));
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
        <meta name=\"viewport\" content=\"width=device-width\"><title>C2 {version}</title><style>{STYLE}</style></head>\
        <body><h1>C2 {version}</h1><p>{about} The same for programs: <code>/openapi.json</code>.</p>{body}</body></html>\n"
    )
}

// Writing into a String does not fail, here and below.
fn add_operation(page: &mut String, document: &Value, (method, path): (&str, &str), operation: &Value) {
    let roles = operation["security"].as_array().into_iter().flatten().flat_map(members);
    let roles = roles.map(|(role, _)| role).collect::<Vec<_>>().join(" or ");
    let who = if roles.is_empty() { "anyone" } else { &roles };
    let (method, path, summary) = (method.to_uppercase(), escape(path), escape(text(&operation["summary"])));
    let _ = write!(
        page,
        "<details><summary><span class=\"method\">{method}</span> <code>{path}</code> {summary} \
        <span class=\"who\">{}</span></summary><p>{}</p>",
        escape(who),
        prose(text(&operation["description"]))
    );
    if !list(&operation["parameters"]).is_empty() {
        page.push_str("<table>");
        for parameter in list(&operation["parameters"]) {
            let parameter = resolved(document, parameter);
            let (name, place) = (escape(text(&parameter["name"])), escape(text(&parameter["in"])));
            let (kind, meaning) = (kind(&parameter["schema"]), prose(text(&parameter["description"])));
            let _ = write!(page, "<tr><td><code>{name}</code></td><td>{place}, {kind}</td><td>{meaning}</td></tr>");
        }
        page.push_str("</table>");
    }
    let body = &operation["requestBody"];
    if body.is_object() {
        let whether = if body["required"] == true { "" } else { ", may be left out" };
        let content = &body["content"]["application/json"];
        let kind = if content.is_object() { kind(&content["schema"]) } else { "bytes".to_owned() };
        let _ = write!(page, "<p>Body: {kind}{whether}</p>{}", example(document, content));
    }
    page.push_str("<table>");
    for (status, answer) in members(&operation["responses"]) {
        let answer = resolved(document, answer);
        let _ = write!(page, "<tr><td>{}</td><td>{}", escape(status), prose(text(&answer["description"])));
        for (media, content) in members(&answer["content"]) {
            let shown = if status.starts_with('2') { example(document, content) } else { String::new() };
            let _ = write!(page, " <code>{}</code> {}{shown}", escape(media), kind(&content["schema"]));
        }
        page.push_str("</td></tr>");
    }
    page.push_str("</table></details>");
}

fn add_schema(page: &mut String, name: &str, schema: &Value) {
    let (name, about) = (escape(name), prose(text(&schema["description"])));
    let _ = write!(page, "<details id=\"{name}\" open><summary><code>{name}</code></summary><p>{about}</p><table>");
    let parts = list(&schema["allOf"]);
    for base in parts.iter().filter(|part| part["$ref"].is_string()) {
        let _ = write!(page, "<tr><td></td><td colspan=2>all of {}</td></tr>", kind(base));
    }
    for (member, schema) in parts.iter().chain([schema]).flat_map(|part| members(&part["properties"])) {
        let _ = write!(
            page,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            escape(member),
            kind(schema),
            prose(text(&schema["description"]))
        );
    }
    for variant in list(&schema["oneOf"]) {
        let (kind, about) = (kind(variant), prose(text(&variant["description"])));
        let _ = write!(page, "<tr><td>{kind}</td><td>{about}</td></tr>");
    }
    page.push_str("</table></details>");
}

/// What a value is, in a few words, with links to the forms that it names.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        let name = escape(name);
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(word) = schema.get("const") {
        return format!("<code>{}</code>", escape(&word.to_string()));
    }
    let either: Vec<&Value> = list(&schema["anyOf"]).iter().chain(list(&schema["enum"])).collect();
    if !either.is_empty() {
        let one = |one: &&Value| if one.is_object() { kind(one) } else { escape(&one.to_string()) };
        return either.iter().map(one).collect::<Vec<_>>().join(" or ");
    }
    if schema["properties"].is_object() {
        let member = |(name, schema): (&str, &Value)| format!("<code>{}</code>: {}", escape(name), kind(schema));
        return members(&schema["properties"]).map(member).collect::<Vec<_>>().join(", ");
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(name) if schema["additionalProperties"].is_object() => {
            format!("{} of {}", escape(name), kind(&schema["additionalProperties"]))
        }
        Value::String(name) => escape(name),
        Value::Array(names) => names.iter().map(|name| escape(text(name))).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    }
}

/// What a reference leads to, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|path| document.pointer(path.trim_start_matches('#')));
    target.unwrap_or(value)
}

/// The example of the form that some content has.
fn example(document: &Value, content: &Value) -> String {
    let example = resolved(document, &content["schema"])["examples"].get(0);
    example.map_or_else(String::new, |example| format!("<pre>{}</pre>", escape(&format!("{example:#}"))))
}

/// Text with its `code` marked.
fn prose(text: &str) -> String {
    let mark = |(n, part): (usize, &str)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() };
    escape(text).split('`').enumerate().map(mark).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
