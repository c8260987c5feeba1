//! Clients that others wrote, in Python: one that a generator makes of `/openapi.json`, and one of the Model
//! Context Protocol. Both come from the package index once, into the target folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::endpoint;
use c2_shared::token::Role;
use c2_tests::machine::has;
use c2_tests::{Cluster, Program, scenario};
use regex::Regex;

crate::tests![the_guide_to_python_is_true, assistants_read_and_change_by_mcp];

/// What is installed; those that they need come along.
const PACKAGES: [&str; 2] = ["openapi-python-client==0.29.1", "mcp==2.3.0"];
const GUIDE: &str = include_str!("../../assets/guide/src/python.md");

/// A folder with a Python that has the packages.
fn venv() -> Option<&'static Path> {
    static VENV: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let venv = VENV.get_or_init(|| install().map_err(|error| format!("{error:#}")));
    let hint = match venv {
        Ok(_) => String::new(),
        Err(why) => format!("it needs python3 with venv, and a network the first time: {why}"),
    };
    has("clients in Python", venv.is_ok(), &hint).then(|| venv.as_deref().ok())?
}

fn install() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    let (mark, wanted) = (folder.join("packages"), PACKAGES.join("\n"));
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new("timeout");
    pip.arg("300").arg(folder.join("bin/pip")).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]);
    run(pip.args(["--only-binary", ":all:"]).args(PACKAGES))?;
    std::fs::write(mark, wanted)?;
    Ok(folder)
}

fn run(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output)
}

/// The blocks of a kind in the guide, each without its fences.
fn blocks(kind: &str) -> Vec<&'static str> {
    let blocks = GUIDE.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.split_once('\n').filter(|(word, _)| *word == kind)).map(|(_, text)| text).collect()
}

/// The examples one after the other, as a reader types them.
fn the_guide_to_python_is_true() {
    let Some(venv) = venv() else { return };
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let folder = cluster.console_dir();
        std::os::unix::fs::symlink(venv, folder.join("venv"))?;
        // What installs is done already, and takes long.
        let typed = blocks("sh").join("\n");
        let lines = typed.lines().filter(|line| !line.contains("-m venv") && !line.contains("pip install"));
        let script = here(cluster, &lines.collect::<Vec<_>>().join("\n"));
        let c2d = format!(
            "set -eo pipefail\nc2d() {{ {} --data-dir {} \"$@\" $([ $1 = invite ] && echo --address 127.0.0.1); }}\n\
             head -c 300000 /dev/urandom >data.bin\n",
            Program::C2d.path()?.display(),
            cluster.data_dir().display()
        );
        let made = run(Command::new("bash").args(["-c", &(c2d + &script)]).current_dir(&folder))?;
        let said = String::from_utf8([made.stdout, made.stderr].concat())?;
        ensure!(!said.to_lowercase().contains("warning"), "{said}");
        check_functions(&folder.join("c2_client/api"))?;

        let expected = blocks("text").join("\n");
        for _ in 0..2 {
            std::fs::write(folder.join("guide.py"), here(cluster, &blocks("python").join("\n")))?;
            let ran = run(Command::new(venv.join("bin/python")).arg("guide.py").current_dir(&folder))?;
            let written = String::from_utf8(ran.stdout)?;
            ensure!(written.trim_end() == expected.trim_end(), "{written}");
        }
        let near = Regex::new(r#"`(AuthenticatedClient\(base_url="http://[^`]+)`"#)?;
        let near = &near.captures(GUIDE).context("a client on the machine of c2d")?[1];
        let near = format!(
            "from c2_client import AuthenticatedClient\nfrom c2_client.api.workers import list_workers\n\
                            print(list_workers.sync(client={near}).workers[0].ip)\n"
        );
        let token = cluster.data_dir().join(Role::Operator.file_name()).display().to_string();
        let near = near.replace("127.0.0.1:30814", &cluster.addr().to_string());
        let near = near.replace("/var/lib/c2d/operator.token", &token);
        let ran = run(Command::new(venv.join("bin/python")).args(["-c", &near]).current_dir(&folder))?;
        ensure!(ran.stdout == b"127.0.0.2\n", "{ran:?}");
        Ok(())
    });
}

/// The same for this c2d.
fn here(cluster: &Cluster, text: &str) -> String {
    text.replace("10.0.0.6:30814", &cluster.addr().to_string())
}

/// Each endpoint has its function.
fn check_functions(folder: &Path) -> Result<()> {
    let mut names = Vec::new();
    for section in std::fs::read_dir(folder)? {
        let section = section?.path();
        for file in if section.is_dir() { Some(std::fs::read_dir(section)?) } else { None }.into_iter().flatten() {
            names.extend(file?.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.retain(|name| !name.starts_with("__"));
    names.sort();
    let mut expected: Vec<String> = endpoint::ALL.iter().map(|one| one.name.to_lowercase()).collect();
    expected.sort();
    ensure!(names == expected, "{names:?}");
    Ok(())
}

fn assistants_read_and_change_by_mcp() {
    let Some(venv) = venv() else { return };
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let submitted = cluster.exec(&["submit \"echo hello world\" --name=greeting --wait"]).await?;
        ensure!(submitted.status == 0, "{submitted:?}");
        let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/mcp_client.py");
        let token = cluster.data_dir().join(Role::Operator.file_name()).display().to_string();
        let server = cluster.addr().to_string();
        for (expected, more) in [("reads", None), ("changes", Some("--allow-changes"))] {
            let mut python = Command::new(venv.join("bin/python"));
            python
                .arg(&client)
                .arg(expected)
                .arg(Program::Tui.path()?)
                .args(["mcp", "--server", &server, "--token-file", &token])
                .args(more);
            let ran = run(python.current_dir(cluster.console_dir()))?;
            ensure!(ran.stdout == format!("ok: {expected}\n").as_bytes(), "{ran:?}");
        }
        // One that leaves at once is no error.
        let mut left = cluster.bare_console(&["mcp", "--server", &server, "--token-file", &token])?;
        let left = left.output()?;
        ensure!(left.status.success() && left.stdout.is_empty() && left.stderr.is_empty(), "{left:?}");
        Ok(())
    });
}
