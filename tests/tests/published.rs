//! What is written for people agrees with what the programs do: README, example configurations.

use std::path::{Path, PathBuf};

use c2_shared::config::{AgentConfig, ServerConfig, load};
use regex::Regex;

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[test]
fn the_example_configurations_are_the_defaults_on_another_host() {
    let server: ServerConfig = load(&in_repository("assets/c2d.config.json")).unwrap();
    assert_eq!(server, ServerConfig { host: [10, 0, 0, 6].into(), ..ServerConfig::default() });
    let agent: AgentConfig = load(&in_repository("assets/c2-agent.config.json")).unwrap();
    assert_eq!(agent, AgentConfig { server_host: "10.0.0.6".to_owned(), ..AgentConfig::default() });
}

#[test]
fn the_readme_names_every_route() {
    let readme = std::fs::read_to_string(in_repository("README.md")).unwrap();
    let source = std::fs::read_to_string(in_repository("shared/src/api/route.rs")).unwrap();
    let route = Regex::new(r#"pub const [A-Z_]+: &str = "([^"]+)";"#).unwrap();
    let routes: Vec<&str> = route.captures_iter(&source).map(|found| found.extract::<1>().1[0]).collect();
    assert!(routes.len() >= 17, "only {} routes found", routes.len());
    let missing: Vec<&&str> = routes.iter().filter(|route| !readme.contains(**route)).collect();
    assert!(missing.is_empty(), "not in README.md: {missing:?}");
}

#[test]
fn the_readme_names_every_command() {
    let readme = std::fs::read_to_string(in_repository("README.md")).unwrap();
    let named =
        |name: &str| readme.lines().any(|line| line.split_whitespace().any(|word| word.trim_matches('`') == name));
    let commands = c2_tui::for_tests::commands();
    let missing: Vec<&String> = commands
        .iter()
        .filter(|command| !command.full_screen)
        .map(|command| &command.name)
        .filter(|name| !named(name))
        .collect();
    assert!(missing.is_empty(), "not in README.md: {missing:?}");
}
