//! `config` of each program: what counts, and where it comes from.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;

use anyhow::{Result, ensure};
use c2_tests::machine::may;
use c2_tests::{Program, scenario};
use serde_json::{Value, json};

crate::tests![
    each_value_is_listed_with_its_source,
    secrets_are_not_listed,
    what_is_wrong_is_named_with_its_line,
    a_console_without_a_token_says_where_it_looked,
    a_variable_that_is_empty_is_unset_and_one_that_is_wrong_is_named,
    a_folder_that_this_user_may_not_use_is_named_with_the_way_out,
    what_this_user_may_not_look_at_is_not_taken_for_absent,
];

/// A program in a home folder of its own.
fn program(program: Program, home: &std::path::Path, args: &[&str]) -> Result<Command> {
    let mut command = Command::new(program.path()?);
    command.args(args).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").current_dir(home);
    Ok(command)
}

fn listed(command: &mut Command) -> Result<Vec<Value>> {
    let output = command.arg("--json").output()?;
    ensure!(output.status.success(), "{output:?}");
    let mut document: Value = serde_json::from_slice(&output.stdout)?;
    Ok(serde_json::from_value(document["settings"].take())?)
}

fn check(settings: &[Value], name: &str, value: impl Into<Value>, from: &Value) -> Result<()> {
    let found = settings.iter().find(|setting| setting["name"] == name);
    let expected = json!({"name": name, "value": value.into(), "from": from});
    ensure!(found == Some(&expected), "{found:?} instead of {expected}");
    Ok(())
}

fn each_value_is_listed_with_its_source() {
    scenario(async |cluster| {
        let home = cluster.console_dir();
        let default = json!({"kind": "default"});
        let flag = |name: &str| json!({"kind": "flag", "name": name});
        let variable = |name: &str| json!({"kind": "variable", "name": name});
        let path = |path: &str| home.join(path).display().to_string();
        let line = |file: &str, line: u32| json!({"kind": "file", "path": path(file), "line": line});

        fs::create_dir_all(home.join("data"))?;
        fs::write(home.join("data/config.json"), "{\n\"jobs_log_file\": \"~/ended.log\",\n\n\"keep_days\": 7}")?;
        let mut c2d = program(Program::C2d, &home, &["--port=7", "config", "--host", "10.0.0.6"])?;
        let settings = listed(c2d.env("C2_DATA_DIR", "~/data").env("C2_PORT", "8").env("C2_HOST", ""))?;
        check(&settings, "data_dir", path("data"), &variable("C2_DATA_DIR"))?;
        check(&settings, "config", path("data/config.json"), &default)?;
        check(&settings, "host", "10.0.0.6", &flag("--host"))?;
        check(&settings, "port", 7, &flag("--port"))?;
        check(&settings, "jobs_log_file", path("ended.log"), &line("data/config.json", 2))?;
        check(&settings, "workers_file", path("data/workers.json"), &default)?;
        check(&settings, "keep_days", 7, &line("data/config.json", 4))?;
        check(&settings, "max_queue_size", 50_000, &default)?;

        fs::create_dir_all(home.join(".config/c2-agent"))?;
        fs::write(home.join(".config/c2-agent/config.json"), "{\"slots\": 2,\n \"workspace_root\": \"~/C2\"}")?;
        let mut agent = program(Program::Agent, &home, &["config", "--slots=3"])?;
        let settings = listed(agent.env("C2_SERVER", "nas").env("C2_ADDRESS", ""))?;
        check(&settings, "server", "nas:30814", &variable("C2_SERVER"))?;
        check(&settings, "slots", 3, &flag("--slots"))?;
        check(&settings, "address", Value::Null, &default)?;
        check(&settings, "workspace_root", path("C2"), &line(".config/c2-agent/config.json", 2))?;
        check(&settings, "state_dir", path(".local/state/c2-agent"), &default)?;
        let mut agent = program(Program::Agent, &home, &["config", "--slots=auto"])?;
        check(&listed(&mut agent)?, "slots", std::thread::available_parallelism()?.get(), &flag("--slots"))?;

        fs::create_dir_all(home.join(".config/c2-tui"))?;
        fs::write(home.join(".config/c2-tui/config.json"), "{\"ssh\":\n{\"identity_file\": \"~/.ssh/k\"}}")?;
        let data = cluster.data_dir().display().to_string();
        let settings = listed(&mut program(Program::Tui, &home, &["config", "--data-dir", &data])?)?;
        let noted = json!({"kind": "file", "path": format!("{data}/c2d.addr")});
        check(&settings, "server", cluster.addr().to_string(), &noted)?;
        check(&settings, "ssh.identity_file", path(".ssh/k"), &line(".config/c2-tui/config.json", 2))?;
        check(&settings, "ssh.fanout", 32, &default)?;
        let shown = program(Program::Tui, &home, &["config", "--server=10.0.0.9"])?.output()?;
        let shown = String::from_utf8(shown.stdout)?;
        let row = shown.lines().find(|line| line.starts_with("server ")).unwrap_or_default();
        ensure!(row.split_whitespace().eq(["server", "10.0.0.9:30814", "--server"]), "{shown}");
        Ok(())
    });
}

fn secrets_are_not_listed() {
    scenario(async |cluster| {
        let invitation = cluster.invited(&[]).await?;
        let joined = cluster.join("127.0.0.2", &invitation).await?;
        ensure!(joined.status == 0, "{joined:?}");
        let home = cluster.console_dir();
        let line = cluster.invited(&["--role", "operator"]).await?;
        let login = program(Program::Tui, &home, &["login", &line])?.output()?;
        ensure!(login.status.success(), "{login:?}");
        fs::create_dir_all(home.join("data"))?;
        fs::write(
            home.join("data/config.json"),
            r#"{"store": "postgres://c2:hunter2@nas/jobs", "notify_commands": {"phone": ["/bin/notify", "hunter2"]}}"#,
        )?;
        let state = cluster.agent_home("127.0.0.2")?.join("state");
        let shown = [
            program(Program::C2d, &home, &["config", "--data-dir", "data"])?.output()?,
            program(Program::Agent, &home, &["config", "--state-dir", &state.display().to_string()])?.output()?,
            program(Program::Tui, &home, &["config"])?.output()?,
        ];
        for shown in shown {
            let (out, told) = (String::from_utf8(shown.stdout)?, String::from_utf8_lossy(&shown.stderr).into_owned());
            ensure!(shown.status.success(), "{told}");
            for secret in ["hunter2", "c2o1.", "c2w1.", "c2j1."] {
                ensure!(!out.contains(secret), "{secret}: {out}");
            }
            ensure!(!out.contains("notify_commands") || out.contains("postgres://c2@nas/jobs"), "{out}");
            ensure!(!out.contains("notify_commands") || out.contains(r#"{"phone":["/bin/notify","***"]}"#), "{out}");
        }
        Ok(())
    });
}

fn what_is_wrong_is_named_with_its_line() {
    scenario(async |cluster| {
        let home = cluster.console_dir();
        let table = [
            (Program::C2d, "data", "{\n\"port\": \"30814\"}", "line 2: port: the text \"30814\" stands where"),
            (Program::C2d, "data", "{\n\"jobs_log_file\": \"nodir/x\"}", "line 2: jobs_log_file: there is no folder"),
            (Program::C2d, "data", "{\"jobs_log_file\": \"/tmp/\"}", "line 1: jobs_log_file: \"/tmp/\" names no file"),
            (Program::C2d, "data", "{\"port\": 1,}", "trailing comma at line 1 column 12"),
            (Program::Agent, ".config/c2-agent", "{\n\n\"slots\": 0}", "line 3: slots: 0 slots cannot be run"),
            (Program::Agent, ".config/c2-agent", "{\"workspace_root\": \"C2\"}", "line 1: workspace_root: "),
            (Program::Tui, ".config/c2-tui", "{\"ssh\": {\n\"known_hosts\": \"k\"}}", "line 2: ssh.known_hosts: "),
        ];
        for (which, folder, text, said) in table {
            fs::create_dir_all(home.join(folder))?;
            fs::write(home.join(folder).join("config.json"), text)?;
            let output = program(which, &home, &["config"])?.env("C2_DATA_DIR", home.join("data")).output()?;
            let told = String::from_utf8(output.stderr)?;
            ensure!(output.status.code() == Some(2) && told.contains(said), "{which:?} {text:?}: {told}");
            ensure!(told.contains("config.json\"") && told.contains("hint: "), "{told}");
        }
        Ok(())
    });
}

fn a_console_without_a_token_says_where_it_looked() {
    scenario(async |cluster| {
        let home = cluster.console_dir();
        let server = cluster.addr().to_string();
        let refused = |console: &mut Command| -> Result<String> {
            let output = console.output()?;
            ensure!(output.status.code() == Some(4), "{output:?}");
            Ok(String::from_utf8(output.stderr)?)
        };
        let list = ["--server", &server, "--exec", "list"];
        let told = refused(&mut program(Program::Tui, &home, &list)?)?;
        let file = home.join(".local/state/c2d/operator.token").display().to_string();
        ensure!(told.contains(&format!("there is no {file}; name its file with --token-file")), "{told}");
        let told = refused(program(Program::Tui, &home, &list)?.env_remove("HOME"))?;
        ensure!(told.contains("operator.token, and HOME is not set; ") && told.contains("c2-tui login"), "{told}");
        Ok(())
    });
}

fn a_variable_that_is_empty_is_unset_and_one_that_is_wrong_is_named() {
    scenario(async |cluster| {
        let home = cluster.console_dir();
        for which in [Program::C2d, Program::Agent, Program::Tui] {
            let help = program(which, &home, &["--help"])?.output()?;
            let help = String::from_utf8(help.stdout)?;
            let names = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next());
            let names: Vec<String> = names.map(str::to_owned).collect();
            ensure!(names.len() >= 3 && names.iter().all(|name| name.starts_with("C2_")), "{help}");
            let empty = program(which, &home, &["config"])?.envs(names.iter().map(|name| (name, ""))).output()?;
            ensure!(empty.status.success(), "{names:?}: {empty:?}");
            let unset = program(which, &home, &["config"])?.output()?;
            ensure!(empty.stdout == unset.stdout, "{empty:?} {unset:?}");
        }
        for (which, name, value) in [
            (Program::C2d, "C2_PORT", "x"),
            (Program::C2d, "C2_HOST", "nas"),
            (Program::C2d, "C2_STORE", "x"),
            (Program::Agent, "C2_SLOTS", "x"),
            (Program::Agent, "C2_SLOTS", "0"),
            (Program::Agent, "C2_PARTITION", "x"),
            (Program::Agent, "C2_SERVER", "http://nas"),
            (Program::Agent, "C2_ADDRESS", "nas"),
            (Program::Tui, "C2_SERVER", "a:b:c"),
        ] {
            let wrong = program(which, &home, &["config"])?.env(name, value).output()?;
            let told = String::from_utf8(wrong.stderr)?;
            ensure!(wrong.status.code() == Some(2) && told.contains(&format!("(from {name})")), "{name}: {told}");
        }
        Ok(())
    });
}

fn a_folder_that_this_user_may_not_use_is_named_with_the_way_out() {
    scenario(async |cluster| {
        if !may("folders of other users")? {
            return Ok(());
        }
        let folder = cluster.new_folder("theirs")?;
        chown(&folder, Some(4_243), None)?;
        let theirs =
            program(Program::C2d, &folder, &["--port=0", "--data-dir", &folder.to_string_lossy()])?.output()?;
        let told = String::from_utf8(theirs.stderr)?;
        ensure!(theirs.status.code() == Some(1) && told.contains("belongs to user 4243"), "{told}");
        ensure!(told.contains("hint: start c2d as that user, or name another folder with --data-dir"), "{told}");

        let nobody = Nobody::new()?;
        let homeless = nobody.program("c2d", &["--port=0"]).env("HOME", "/nonexistent").output()?;
        let told = String::from_utf8(homeless.stderr)?;
        ensure!(homeless.status.code() == Some(1) && told.contains("/nonexistent"), "{told}");
        ensure!(told.contains("name another folder with --data-dir, or set HOME"), "{told}");
        Ok(())
    });
}

/// A user without rights, who can start the programs.
struct Nobody(tempfile::TempDir);

impl Nobody {
    fn new() -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("c2-nobody-").tempdir()?;
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755))?;
        for program in [Program::C2d, Program::Agent, Program::Tui] {
            let path = program.path()?;
            fs::copy(&path, scratch.path().join(path.file_name().unwrap_or_default()))?;
        }
        Ok(Self(scratch))
    }

    fn program(&self, name: &str, args: &[&str]) -> Command {
        let mut program = Command::new("setpriv");
        program.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(self.0.path().join(name));
        program.args(args).env_clear().env("HOME", self.0.path()).env("PATH", "/usr/bin:/bin").current_dir("/");
        program
    }
}

fn what_this_user_may_not_look_at_is_not_taken_for_absent() {
    scenario(async |cluster| {
        let home = cluster.console_dir();
        let config = home.join(".config/c2-agent");
        fs::create_dir_all(&config)?;
        std::os::unix::fs::symlink("nowhere", config.join("config.json"))?;
        let dangling = program(Program::Agent, &home, &["config"])?.output()?;
        let told = String::from_utf8(dangling.stderr)?;
        ensure!(dangling.status.code() == Some(2) && told.contains("a link that leads nowhere"), "{told}");
        // A folder that has nothing of c2d is not changed on its advice.
        let foreign = program(Program::C2d, &home, &["check", "--data-dir", &home.to_string_lossy()])?.output()?;
        let told = String::from_utf8(foreign.stderr)?;
        ensure!(foreign.status.code() == Some(1) && told.contains("is not a data folder of c2d"), "{told}");
        if !may("folders of other users")? {
            return Ok(());
        }
        let nobody = Nobody::new()?;
        let theirs = nobody.0.path().join("theirs");
        fs::create_dir(&theirs)?;
        fs::set_permissions(&theirs, fs::Permissions::from_mode(0o700))?;
        let folder = theirs.to_string_lossy().into_owned();
        let table: [(&str, &[&str]); 8] = [
            ("c2d", &["check"]),
            ("c2d", &["invite"]),
            ("c2d", &["token", "list"]),
            ("c2d", &["gc"]),
            ("c2d", &["backup", "/nonexistent/x"]),
            ("c2-tui", &["--exec", "list"]),
            ("c2-tui", &["--local", "--exec", "list"]),
            ("c2-agent", &["config"]),
        ];
        for (name, args) in table {
            let mut closed = nobody.program(name, args);
            closed.env("C2_DATA_DIR", &folder).env("C2_STATE_DIR", &folder);
            let closed = closed.output()?;
            let told = String::from_utf8(closed.stderr)?;
            let is_named = told.contains(&format!("{folder:?}")) && told.contains("may not be read by this user");
            ensure!(!closed.status.success() && is_named, "{name} {args:?}: {told}");
            ensure!(told.contains(&format!("hint: run this as its owner: sudo {name}")), "{name} {args:?}: {told}");
        }
        let closed = nobody.program("c2-agent", &["config"]).env("XDG_CONFIG_HOME", &folder).output()?;
        let told = String::from_utf8(closed.stderr)?;
        ensure!(
            closed.status.code() == Some(2) && told.contains("c2-agent/config.json\": Permission denied"),
            "{told}"
        );
        Ok(())
    });
}
