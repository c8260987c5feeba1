//! Links of the README and the guide lead to pages, files and headings that exist.

use std::collections::BTreeSet;

use regex::Regex;

use super::{Page, pages, repository};

crate::tests![links_lead_somewhere, the_summary_has_every_page, the_readme_is_short];

/// The anchors of a page: its headings as GitHub and mdBook name them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let name = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>()
    };
    headings.map(name).collect()
}

fn targets(page: &Page) -> Vec<String> {
    // Code is no link: `[a](b)` between backticks.
    let mut text = page.text.clone();
    for block in page.blocks() {
        text = text.replace(&block.text, "");
    }
    let text = Regex::new("`[^`\n]*`").unwrap().replace_all(&text, "").into_owned();
    let links = Regex::new(r#"\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)""#).unwrap();
    let found = links.captures_iter(&text).filter_map(|one| one.get(1).or_else(|| one.get(2)));
    found.map(|one| one.as_str().to_owned()).collect()
}

fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for target in targets(&page) {
            if target.starts_with("https://") {
                continue;
            }
            seen += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let at = if path.is_empty() { page.name.clone() } else { page.name.with_file_name(path) };
            let file = repository().join(at);
            let is_there = file.exists()
                && (anchor.is_empty()
                    || std::fs::read_to_string(&file).is_ok_and(|text| anchors(&text).contains(anchor)));
            if !is_there {
                wrong.push(format!("{}: {target}", page.name.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 40, "only {seen} links were found");
}

fn the_summary_has_every_page() {
    let all = pages();
    let summary = all.iter().find(|page| page.name.ends_with("SUMMARY.md")).expect("the summary");
    let linked: BTreeSet<String> = targets(summary).into_iter().collect();
    let pages = all.iter().filter(|page| page.name.starts_with("assets") && !page.name.ends_with("SUMMARY.md"));
    let there = pages.map(|page| page.name.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    assert_eq!(linked, there);
}

/// Prose, examples and all: nobody reads more before the first job.
fn the_readme_is_short() {
    let words = std::fs::read_to_string(repository().join("README.md")).unwrap().split_whitespace().count();
    assert!(words <= 900, "README.md has {words} words; what is more belongs into the guide");
}
