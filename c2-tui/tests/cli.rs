//! The real program without a c2d: what it says and with which status it ends.
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// What a run of the program showed.
struct Seen {
    status: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Seen {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The program in an environment without anybody's c2d.
fn console(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_c2-tui"));
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Seen {
    let home = tempfile::tempdir().unwrap();
    console(home.path()).args(args).output().unwrap().into()
}

fn run_with_input(args: &[&str], input: &str) -> Seen {
    let home = tempfile::tempdir().unwrap();
    let mut child = console(home.path())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A refusal: the status, and all of standard error.
fn check(args: &[&str], status: i32, err: &str) {
    let seen = run(args);
    assert_eq!((seen.status, seen.out.as_str(), seen.err.as_str()), (Some(status), "", err), "{args:?}");
}

const GONE: &str = "c2-tui: cannot reach c2d at 127.0.0.1:1\n  \
                    hint: start it with `c2d`, or everything on this machine with `c2-tui --local --keep`; for a c2d elsewhere, \
                    `c2d invite` there prints the line for `c2-agent join`, and with `--role operator` that for \
                    `c2-tui login`\n";

#[test]
fn version_and_help() {
    let seen = run(&["--version"]);
    assert_eq!((seen.status, seen.out.as_str()), (Some(0), concat!("c2-tui ", env!("CARGO_PKG_VERSION"), "\n")));
    let seen = run(&["--help"]);
    assert_eq!(seen.status, Some(0));
    for part in ["--exec <LINE>", "--json", "Exit status:", "\"job_id\""] {
        assert!(seen.out.contains(part), "{part} in {}", seen.out);
    }
}

#[test]
fn mistakes_on_the_command_line() {
    check(&["--exce", "list"], 2, "c2-tui: unknown flag \"--exce\" of c2-tui\n  hint: did you mean \"--exec\"?\n");
    check(
        &["list"],
        2,
        "c2-tui: unexpected \"list\" after c2-tui\n  hint: put the whole line in quotes: c2-tui --exec 'list'; `c2-tui --exec 'help list'` explains it\n",
    );
    check(
        &["--server", "http://x", "--exec", "list"],
        2,
        "c2-tui: \"http://x\" is not an address of c2d\n  hint: write HOST or HOST:PORT, like 10.0.0.6:30814 or [fd00::6]:30814; several with commas\n",
    );
    check(&[], 2, "c2-tui: the full screen needs a terminal\n  hint: run commands with `c2-tui --exec list`\n");
}

#[test]
fn mistakes_in_a_command() {
    check(&["--exec", "lsit"], 2, "c2-tui: unknown command \"lsit\"\n  hint: did you mean \"list\"?\n");
    check(
        &["--exec", "submit true --grup=gpu"],
        2,
        "c2-tui: unknown flag \"--grup\" of submit\n  hint: did you mean \"--group\"?\n",
    );
    check(&["--exec", ""], 2, "c2-tui: the line is empty\n  hint: `help` lists the commands\n");
    check(
        &["--exec", "submit \"true"],
        2,
        "c2-tui: the quote \" at column 8 is not closed\n  hint: add a closing \"\n",
    );
}

#[test]
fn without_c2d() {
    check(&["--server", "127.0.0.1:1", "--exec", "list"], 3, GONE);
    check(&["--server", "127.0.0.1:1", "--exec", "submit true --wait"], 3, GONE);
    check(&["--server", "127.0.0.1:1", "--exec", "wait job-1"], 3, GONE);
    check(
        &["--server", "127.0.0.1:1", "--token-file", "/nowhere/token", "--exec", "list"],
        4,
        "c2-tui: cannot use \"/nowhere/token\": No such file or directory (os error 2)\n  \
         hint: name the file with the operator token by --token-file or C2_TOKEN_FILE\n",
    );
}

#[test]
fn what_is_wrong_with_a_job_is_said_before_c2d_is_asked() {
    let at = ["--server", "127.0.0.1:1", "--exec"];
    check(
        &[&at[..], &["submit \" \""]].concat(),
        1,
        "c2-tui: the command is empty\n  hint: give a shell command, like submit \"echo hello\"\n",
    );
    check(
        &[&at[..], &["submit true --upload=/nowhere/x"]].concat(),
        1,
        "c2-tui: cannot read \"/nowhere/x\": no such file or directory\n  \
         hint: paths are those of this machine, seen from where the console was started\n",
    );
    check(
        &[&at[..], &["submit true --stdin-file=/dev"]].concat(),
        1,
        "c2-tui: \"/dev\" is not a file\n  hint: give the files themselves, or pack them: tar -cf all.tar DIR\n",
    );
}

#[test]
fn help_needs_no_c2d() {
    let seen = run(&["--server", "127.0.0.1:1", "--exec", "help", "--exec", "submit --help"]);
    assert_eq!((seen.status, seen.err.as_str()), (Some(0), ""));
    assert!(
        seen.out.lines().any(|line| line.starts_with("submit ") && line.ends_with(" Submit a job")),
        "{}",
        seen.out
    );
    assert!(seen.out.contains("--same-machine"), "{}", seen.out);
}

#[test]
fn a_script_stops_at_the_first_failure() {
    let script = "help quit\n\n# a note\nlsit\nhelp list\n";
    let stopped = run_with_input(&["--exec", "-"], script);
    assert_eq!(stopped.status, Some(2));
    let words = "c2-tui: standard input:4: unknown command \"lsit\"\n  hint: did you mean \"list\"?\n";
    assert_eq!(stopped.err, words);
    assert!(stopped.out.contains("Leave the console") && !stopped.out.contains("List all workers"));

    let went_on = run_with_input(&["--keep-going", "--exec", "-"], script);
    assert_eq!((went_on.status, went_on.err.as_str()), (Some(2), words));
    assert!(went_on.out.contains("List all workers"));

    let left = run_with_input(&["--exec", "-"], "quit\nlsit\n");
    assert_eq!((left.status, left.out.as_str(), left.err.as_str()), (Some(0), "", ""));
}

#[test]
fn a_script_may_be_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("morning.c2");
    std::fs::write(&path, "# nothing\nhelp jobs\nlsit\n").unwrap();
    let path = path.to_str().unwrap();
    let seen = run(&["--file", path]);
    assert_eq!(seen.status, Some(2));
    assert!(seen.err.starts_with(&format!("c2-tui: {path}:3: unknown command")), "{}", seen.err);
}

#[test]
fn json_is_one_document_a_command() {
    let seen = run(&["--json", "--keep-going", "--exec", "help quit", "--server", "127.0.0.1:1", "--exec", "list"]);
    assert_eq!(seen.status, Some(3));
    let document: serde_json::Value = serde_json::from_str(&seen.out).unwrap();
    assert!(document["help"].as_str().unwrap().contains("Leave the console"));
    let complaint: serde_json::Value = serde_json::from_str(&seen.err).unwrap();
    assert_eq!(complaint["code"], "unreachable");
    assert_eq!(complaint["message"], "cannot reach c2d at 127.0.0.1:1");
    assert!(complaint["hint"].as_str().unwrap().contains("c2-tui --local"));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let home = tempfile::tempdir().unwrap();
    let mut child = console(home.path())
        .args(["--exec", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(b"help\nhelp\n").unwrap();
    let seen = Seen::from(child.wait_with_output().unwrap());
    assert_eq!((seen.status, seen.err.as_str()), (Some(141), ""));
}

#[test]
fn an_interrupt_ends_a_script_that_waits_for_its_next_line() {
    let home = tempfile::tempdir().unwrap();
    let mut child = console(home.path())
        .args(["--exec", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"help\n").unwrap();
    // The first line is answered, so the program is up and now waits for the second.
    let mut first = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let seen = Seen::from(child.wait_with_output().unwrap());
    assert_eq!((seen.status, seen.err.as_str()), (Some(130), ""));
    drop(input);
}

/// Where something answers one request after the other, as a c2d that finds nothing wrong.
fn satisfied() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 64 * 1024];
            while stream.read(&mut request).unwrap_or(0) > 0 {
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 26\r\n\r\n{\"problems\":[],\"notes\":[]}";
                if stream.write_all(answer.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    server
}

/// The begin of a job that would be submitted, in the zone that `TZ` names, and what is said of it.
fn begin(tz: &str, time: &str) -> (u64, String) {
    let home = tempfile::tempdir().unwrap();
    let inputs = home.path().join("inputs");
    std::fs::write(&inputs, "x\n").unwrap();
    let line = format!("split 'echo {{}}' {} --begin={time} --dry-run", inputs.display());
    let server = satisfied();
    let args = ["--server", server.as_str(), "--json", "--exec", &line];
    let seen = Seen::from(console(home.path()).env("TZ", tz).args(args).output().unwrap());
    assert_eq!(seen.status, Some(0), "{}", seen.err);
    let document: serde_json::Value = serde_json::from_str(&seen.out).unwrap();
    (document["jobs"][0]["begin_at"].as_u64().unwrap(), seen.err)
}

#[test]
fn times_are_those_of_the_zone_that_tz_names() {
    let eight_in_london = 1_896_076_800_000_i64;
    let table = [
        ("", "2030-01-31T08:00", 0),
        ("UTC", "2030-01-31T08:00", 0),
        ("Europe/Berlin", "2030-01-31T08:00", -1),
        (":Europe/Berlin", "'2030-01-31 08:00'", -1),
        ("Europe/Berlin", "2030-01-31T08:00+02:00", -2),
        ("Europe/Berlin", "2030-01-31T08:00Z", 0),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2030-01-31T08:00", -1),
        ("America/New_York", "2030-01-31T08:00:00", 5),
    ];
    for (tz, time, hours) in table {
        let expected = u64::try_from(eight_in_london + hours * 3_600_000).unwrap();
        assert_eq!(begin(tz, time), (expected, String::new()), "{tz} {time}");
    }
}

#[test]
fn an_unknown_zone_is_said_and_not_taken_for_another() {
    let (begin, said) = begin("Foo/Bar", "2030-01-31T08:00");
    assert_eq!(begin, 1_896_076_800_000);
    let warning: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(warning["message"], "unknown time zone \"Foo/Bar\" in TZ; times are in UTC");
    let home = tempfile::tempdir().unwrap();
    let plain = console(home.path()).env("TZ", "Foo/Bar").args(["--exec", "help quit"]).output().unwrap();
    let plain = Seen::from(plain);
    assert_eq!((plain.status, plain.out.starts_with("Leave the console")), (Some(0), true));
    let words =
        "c2-tui: unknown time zone \"Foo/Bar\" in TZ; times are in UTC\n  hint: write it like TZ=Europe/Berlin\n";
    assert_eq!(plain.err, words);
}

#[test]
fn an_assistant_is_served_in_the_version_that_it_speaks() {
    let hello = |version: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"t","version":"1"}}}}}}"#
        )
    };
    let call = |id: u32, tool: &str, arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
        )
    };
    for version in ["2024-11-05", "2025-06-18"] {
        let lines = [
            hello(version),
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#.to_owned(),
            call(3, "list_workers", "{}"),
            call(4, "cancel_jobs", r#"{"jobs": ["1"]}"#),
            r#"{"jsonrpc":"2.0","id":5,"method":"bogus"}"#.to_owned(),
        ];
        let answers = served(&["mcp", "--server", "127.0.0.1:1"], &lines, 5);
        assert_eq!(answers[&1]["result"]["protocolVersion"], version);
        assert_eq!(answers[&1]["result"]["serverInfo"]["name"], "c2");
        assert_eq!(answers[&2]["result"]["tools"].as_array().unwrap().len(), 7);
        let text = |id: u64| answers[&id]["result"]["content"][0]["text"].as_str().unwrap().to_owned();
        assert!(answers[&3]["result"]["isError"] == true && text(3).starts_with("cannot reach c2d"), "{answers:?}");
        assert!(answers[&4]["result"]["isError"] == true && text(4).contains("--allow-changes"), "{answers:?}");
        assert_eq!(answers[&5]["error"]["code"], -32601);
    }
    let seen = run_with_input(&["mcp", "--server", "127.0.0.1:1"], "no JSON\n");
    assert_eq!(seen.out, "", "{}", seen.err);
}

/// So many answers of the program to lines on its standard input, by their ids.
fn served(args: &[&str], lines: &[String], answers: usize) -> std::collections::BTreeMap<u64, serde_json::Value> {
    use std::io::BufRead as _;
    let home = tempfile::tempdir().unwrap();
    let mut child = console(home.path()).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    input.write_all(format!("{}\n", lines.join("\n")).as_bytes()).unwrap();
    let read = output.lines().take(answers).map(|line| {
        let answer: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        (answer["id"].as_u64().unwrap(), answer)
    });
    let read = read.collect();
    drop(input);
    assert!(child.wait().unwrap().success());
    read
}
