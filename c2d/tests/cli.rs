//! The real `c2d` at its start: what it says, and what it refuses.

use std::process::{Command, Output};

use tempfile::TempDir;

fn c2d(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_c2d")).args(args).env_remove("C2_DATA_DIR").output().unwrap()
}

fn check(args: &[&str], status: i32, words: &[&str]) {
    let output = c2d(args);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{args:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{args:?}: {word:?} in {text}");
    }
}

#[test]
fn versions_and_mistakes() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data").display().to_string();
    let config = dir.path().join("config.json");
    std::fs::write(&config, r#"{"prot": 1}"#).unwrap();
    let config = config.display().to_string();
    check(&["--version"], 0, &[concat!("c2d ", env!("CARGO_PKG_VERSION"))]);
    check(&["--prot", "1"], 2, &["--port"]);
    check(&["--data-dir", &data, "--config", &config], 1, &["unknown field \"prot\"", "did you mean \"port\"?"]);
    check(&["--data-dir", &data, "--config", "/no/such/file"], 1, &["/no/such/file"]);
    check(&["--data-dir", &data, "--host", "0.0.0.0"], 1, &["without TLS", "127.0.0.1"]);
}

#[test]
fn a_port_in_use_is_named() {
    let dir = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = dir.path().join("data").display().to_string();
    check(&["--data-dir", &data, "--port", &port], 1, &[&port, "--port"]);
}

#[test]
fn a_folder_in_use_is_named() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, None, None).unwrap();
    std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    check(&["--data-dir", &data.display().to_string(), "--port", "0"], 1, &["open to others", "chmod 700"]);
}
