//! The example configurations agree with what the programs do. The guide has tests of its own.

use std::path::{Path, PathBuf};

use c2_shared::config::{AgentConfig, ServerConfig, load};

crate::tests![the_example_configurations_are_the_defaults_on_another_host,];

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn the_example_configurations_are_the_defaults_on_another_host() {
    let server: ServerConfig = load(&in_repository("assets/c2d.config.json")).unwrap();
    assert_eq!(server, ServerConfig { host: [10, 0, 0, 6].into(), ..ServerConfig::default() });
    let agent: AgentConfig = load(&in_repository("assets/c2-agent.config.json")).unwrap();
    assert_eq!(agent, AgentConfig { server_host: "10.0.0.6".to_owned(), ..AgentConfig::default() });
}
