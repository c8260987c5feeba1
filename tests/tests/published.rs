//! The example configurations agree with what the programs do, and the version with the changelog. The guide has tests of its own.

use std::path::{Path, PathBuf};

use c2_shared::config::{AgentConfig, ServerConfig, load};
use regex::Regex;

crate::tests![
    the_example_configurations_are_the_defaults_on_another_host,
    the_changelog_has_a_section_for_the_present_version,
];

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn the_example_configurations_are_the_defaults_on_another_host() {
    let server: ServerConfig = load(&in_repository("assets/c2d.config.json")).unwrap();
    assert_eq!(server, ServerConfig { host: [10, 0, 0, 6].into(), ..ServerConfig::default() });
    let agent: AgentConfig = load(&in_repository("assets/c2-agent.config.json")).unwrap();
    assert_eq!(agent, AgentConfig { server_host: "10.0.0.6".to_owned(), ..AgentConfig::default() });
}

fn the_changelog_has_a_section_for_the_present_version() {
    let text = std::fs::read_to_string(in_repository("CHANGELOG.md")).unwrap();
    let sections: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(sections.first(), Some(&"## [Unreleased]"));
    let front = format!("## [{}] - ", env!("CARGO_PKG_VERSION"));
    let day = sections.get(1).and_then(|section| section.strip_prefix(&front));
    let is_day = Regex::new(r"^20\d\d-[01]\d-[0-3]\d$").unwrap();
    assert!(
        day.is_some_and(|day| is_day.is_match(day)),
        "{front}YEAR-MONTH-DAY is not the first after it: {sections:?}"
    );
}
