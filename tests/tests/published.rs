//! What is written for people agrees with what the programs do: README, example configurations.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use c2_shared::api::endpoint;
use c2_shared::config::{AgentConfig, ServerConfig, load};
use regex::Regex;

crate::tests![
    the_example_configurations_are_the_defaults_on_another_host,
    the_readme_has_every_endpoint_in_its_table_and_no_other,
    the_readme_names_every_command,
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

/// The table of endpoints: each row names the methods, then the path.
fn the_readme_has_every_endpoint_in_its_table_and_no_other() {
    let readme = std::fs::read_to_string(in_repository("README.md")).unwrap();
    let rows = Regex::new(r"(?m)^\| ((?:`[A-Z]+`, )*`[A-Z]+) (/[^`]*)` \| [^|]+ \|$").unwrap();
    let listed: BTreeSet<(String, String)> = rows
        .captures_iter(&readme)
        .flat_map(|row| {
            let (methods, path) = (row[1].replace(['`', ' '], ""), row[2].to_owned());
            methods.split(',').map(|method| (method.to_owned(), path.clone())).collect::<Vec<_>>()
        })
        .filter(|(method, _)| method != "HEAD")
        .collect();
    let known = endpoint::ALL.iter().map(|one| (one.method.as_str().to_owned(), one.path.to_owned())).collect();
    assert_eq!(listed, known);
}

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
