//! The paths that `use` declarations name, with their groups written out.

use regex::Regex;

crate::tests![relative_paths_are_made_absolute, groups_are_written_out];

/// A path with the number of the line on which its declaration begins.
pub(crate) fn imports(code: &[&str]) -> Vec<(usize, String)> {
    let text = code.join("\n");
    let declaration = Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]+);").expect("a fixed pattern");
    let found = declaration.captures_iter(&text).map(|found| found.get(1).expect("the pattern has one group"));
    found
        .flat_map(|tree| {
            let line = text[..tree.start()].matches('\n').count() + 1;
            paths(&tree.as_str().split_whitespace().collect::<Vec<_>>().join(" "))
                .into_iter()
                .map(move |path| (line, path))
        })
        .collect()
}

/// Writes out `a::{b, c::{d}}` as `a::b` and `a::c::d`.
fn paths(tree: &str) -> Vec<String> {
    let Some((front, group)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let group = group.trim_end().trim_end_matches('}');
    let (mut depth, mut start, mut members) = (0_i32, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    // The brackets that close inner groups at the very end were trimmed with the outer one.
    let last = format!("{}{}", &group[start..], "}".repeat(usize::try_from(depth).unwrap_or(0)));
    let members = members.into_iter().map(str::to_owned).chain([last]);
    members
        .filter(|member| !member.trim().is_empty())
        .flat_map(|member| paths(member.trim()))
        .map(|path| format!("{}{path}", front.trim()))
        .collect()
}

/// Writes `self::x` and `super::x` in the file at `at` as paths from the crate's root.
pub(crate) fn absolute(at: &str, path: &str) -> String {
    let inside = at.split_once("/src/").map_or(at, |(_, inside)| inside).trim_end_matches(".rs");
    let mut module: Vec<&str> = inside.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main")).collect();
    let (mut rest, mut relative) = (path, false);
    if let Some(after) = rest.strip_prefix("self::") {
        (rest, relative) = (after, true);
    }
    while let Some(after) = rest.strip_prefix("super::") {
        module.pop();
        (rest, relative) = (after, true);
    }
    if relative {
        ["crate"].into_iter().chain(module).chain([rest]).collect::<Vec<_>>().join("::")
    } else {
        path.to_owned()
    }
}

fn relative_paths_are_made_absolute() {
    let table = [
        ("c2-tui/src/app/store/change.rs", "super::Store", "crate::app::store::Store"),
        ("c2-tui/src/app/store/mod.rs", "super::Store", "crate::app::Store"),
        ("c2-tui/src/app/text.rs", "super::super::ui", "crate::ui"),
        ("c2-tui/src/app/mod.rs", "self::text::cut", "crate::app::text::cut"),
        ("c2-tui/src/app/text.rs", "std::fmt", "std::fmt"),
    ];
    for (at, path, expected) in table {
        assert_eq!(absolute(at, path), expected, "{path} in {at}");
    }
}

fn groups_are_written_out() {
    let code = ["use std::{fmt, collections::{BTreeMap,", " BTreeSet}};", "    pub(crate) use crate::sched::Now;"];
    let found: Vec<String> = imports(&code).into_iter().map(|(line, path)| format!("{line} {path}")).collect();
    assert_eq!(
        found,
        ["1 std::fmt", "1 std::collections::BTreeMap", "1 std::collections::BTreeSet", "3 crate::sched::Now"]
    );
}
