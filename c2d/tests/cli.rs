//! The real `c2d`: what it says at its start, what it refuses, and how it ends.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A c2d without what the environment of the tests says.
fn c2d(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_c2d"));
    command.args(args);
    for name in ["C2_CONFIG", "C2_DATA_DIR", "C2_HOST", "C2_PORT", "C2_LOG"] {
        command.env_remove(name);
    }
    command
}

fn check(command: &mut Command, status: i32, words: &[&str]) {
    let output = command.output().expect("c2d was built with this test");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert_eq!(output.status.code(), Some(status), "{command:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{command:?}: {word:?} in {text}");
    }
}

/// A path as an argument.
fn argument(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn versions_and_mistakes() {
    let dir = TempDir::new().unwrap();
    let data = argument(&dir.path().join("data"));
    let config = dir.path().join("config.json");
    std::fs::write(&config, r#"{"prot": 1}"#).unwrap();
    let config = argument(&config);
    let table: [(&[&str], i32, &[&str]); 8] = [
        (&["--version"], 0, &[concat!("c2d ", env!("CARGO_PKG_VERSION"))]),
        (&["--prot", "1"], 2, &["--port"]),
        (&["--data-dir", &data, "--config", &config], 2, &["unknown field \"prot\"", "did you mean \"port\"?"]),
        (&["--data-dir", &data, "--config", "/no/such/file"], 2, &["/no/such/file"]),
        (&["--data-dir", &data, "invite"], 3, &["no c2d runs", "--data-dir"]),
        (&["--port", "9", "token", "list"], 2, &["--port is not for `c2d token`"]),
        (&["install", "--dry-run", "--data-dir", "/srv/c2d"], 1, &["not in \"/srv/c2d\"", "leave out --data-dir"]),
        (&["invite", "--role", "guest"], 2, &["possible values: worker, operator, viewer"]),
    ];
    for (args, status, words) in table {
        check(&mut c2d(args), status, words);
    }
    let invite = || c2d(&["--data-dir", &data, "invite"]);
    check(invite().env("C2_PORT", "x"), 2, &["--port <PORT> (from C2_PORT)", "invalid digit"]);
    // What is set and empty is as good as unset.
    check(invite().env("C2_PORT", "").env("C2_HOST", "").env("C2_CONFIG", ""), 3, &["no c2d runs"]);
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let config = dir.path().join("config.json");
    // Addresses for documentation, which no machine has.
    std::fs::write(&config, r#"{"host": "192.0.2.6"}"#).unwrap();
    let (data, config) = (argument(&data), argument(&config));
    let files = ["--data-dir", &data, "--config", &config];
    check(&mut c2d(&files), 1, &["192.0.2.6:30814", "--host"]);
    check(c2d(&files).env("C2_HOST", "192.0.2.7"), 1, &["192.0.2.7:30814", "--host"]);
    let flags = [&files[..], &["--host", "127.0.0.1"]].concat();
    check(c2d(&flags).env("C2_HOST", "192.0.2.7").env("C2_PORT", &port), 1, &[&port, "--port"]);
}

#[test]
fn a_folder_whose_secrets_are_open_to_others_is_refused() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("operator.token"), "").unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    check(&mut c2d(&["--data-dir", &argument(&data), "--port", "0"]), 1, &["open to others", "chmod 700"]);
}

#[test]
fn it_says_where_it_listens_and_goes_in_order() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let folder = argument(&data);
    let args = ["--data-dir", &folder, "--port", "0"];
    let mut running = Running(c2d(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());

    let mut line = String::new();
    let mut stdout = BufReader::new(running.0.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let address = std::fs::read_to_string(data.join("c2d.addr")).unwrap();
    let (version, address) = (env!("CARGO_PKG_VERSION"), address.trim_end());
    assert_eq!(line, format!("c2d {version} listening on {address}, data in {folder}\n"));
    assert!(!address.ends_with(":0"), "{address}");
    assert!(std::net::TcpStream::connect(address).is_ok(), "{address}");
    let holder = format!("(process {})", running.0.id());
    check(&mut c2d(&args), 1, &["another c2d is using", &holder, "--data-dir"]);
    assert!(data.join("c2d.addr").exists(), "the second c2d leaves the files of the first alone");

    kill_process(Pid::from_child(&running.0), Signal::TERM).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert!(!data.join("c2d.addr").exists());
    line.clear();
    assert_eq!(stdout.read_line(&mut line).unwrap(), 0, "one line is all it says: {line}");
}

/// A c2d that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // After an orderly end there is nothing left to kill.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
