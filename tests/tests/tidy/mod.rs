//! Reads the sources of the whole workspace and fails where they leave the rules of this code,
//! saying which rule and why it exists.
//!
//! The rules are data, in `rules`; each brings an example that breaks it, so that none passes
//! because it sees nothing. Clippy and rustfmt look at the inside of functions, this at the outside.

mod check;
pub(crate) mod imports;
mod rules;
pub(crate) mod source;

use std::path::Path;

use rules::RULES;
use source::Source;

crate::tests![the_workspace_keeps_its_rules, each_rule_finds_its_bad_example];

fn the_workspace_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = source::all(root);
    let mut report = String::new();
    for rule in RULES {
        let seen: Vec<&Source> = sources.iter().filter(|source| rule.applies_to(&source.path)).collect();
        let mut findings: Vec<String> = seen
            .iter()
            .flat_map(|source| rule.findings(source).map(|f| format!("{}:{}: {}", source.path, f.line, f.what)))
            .collect();
        if seen.is_empty() {
            findings.push(format!("nothing to look at: are {:?} elsewhere now?", rule.files));
        }
        if !findings.is_empty() {
            report.push_str(&format!("\n{}\n    ({})\n{}\n", rule.name, rule.why, findings.join("\n")));
        }
    }
    assert!(report.is_empty(), "{report}");
}

fn each_rule_finds_its_bad_example() {
    for rule in RULES {
        for (path, text) in rule.bad {
            let source = Source::new(path, text.replace('~', ""));
            assert!(rule.applies_to(path), "{}: {path} is not looked at", rule.name);
            assert!(rule.findings(&source).next().is_some(), "{}: nothing found in {path}: {text:?}", rule.name);
        }
        let (path, text) = rule.good;
        let found: Vec<_> = rule.findings(&Source::new(path, text.to_owned())).collect();
        assert!(found.is_empty(), "{}: found {found:?} in {path}: {text:?}", rule.name);
    }
}
