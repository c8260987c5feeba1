//! The README's first command, on a machine that has nothing yet.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;

use anyhow::{Result, ensure};
use c2_tests::machine::may;
use c2_tests::{Program, local};

crate::tests![
    the_first_command_of_the_readme_prints_hello_world,
    it_ends_as_its_job_does_and_leaves_nothing_running,
    what_it_leaves_running_is_named_and_stopped_by_name,
    a_start_that_fails_says_why_once_and_names_what_it_leaves,
    variables_and_paths_mean_what_they_mean_without_it,
    a_workspace_root_that_is_open_to_others_is_closed_by_a_line,
    the_second_user_of_a_machine_has_a_c2_of_his_own
];

fn the_first_command_of_the_readme_prints_hello_world() -> Result<()> {
    let machine = local::Machine::new()?;
    let output = machine.exec("submit \"echo hello world\" --wait")?;
    assert_eq!(output.status, 0, "{output:?}");
    assert!(output.stdout.lines().any(|line| line == "hello world"), "{output:?}");
    Ok(())
}

fn it_ends_as_its_job_does_and_leaves_nothing_running() -> Result<()> {
    let machine = local::Machine::new()?;
    let output = machine.exec("submit \"exit 7\" --wait")?;
    assert_eq!(output.status, 7, "{output:?}");
    assert_eq!(machine.processes(), Vec::<String>::new(), "left running");
    // Whoever looks afterwards learns how to have it otherwise.
    ensure!(output.stderr.contains("stopped c2d and c2-agent, as no job is left; with --keep they"), "{output:?}");
    let later = machine.tui(&["--exec", "list"])?;
    ensure!(later.status == 3 && later.stderr.contains("`c2-tui --local --keep`"), "{later:?}");
    Ok(())
}

fn what_it_leaves_running_is_named_and_stopped_by_name() -> Result<()> {
    let machine = local::Machine::new()?;
    let stop = format!("stop with: c2-tui stop-local --data-dir {}", machine.data_dir().display());
    // A job that has not ended keeps them.
    let started = machine.exec("submit \"sleep 60\"")?;
    let says = |words: &str| started.stderr.contains(words);
    ensure!(says("c2d and c2-agent keep running, as 1 job has not ended") && says(&stop), "{started:?}");
    let refused = machine.tui(&["stop-local"])?;
    ensure!(refused.status == 1 && refused.stderr.contains("1 job has not ended"), "{refused:?}");
    ensure!(machine.tui(&["--exec", "cancel job-1", "--exec", "wait job-1"])?.status == 125);
    let stopped = machine.tui(&["stop-local"])?;
    ensure!(
        stopped.status == 0 && stopped.stdout.starts_with("stopped c2-agent and c2d; data stays in "),
        "{stopped:?}"
    );
    ensure!(machine.processes().is_empty(), "left running: {:?}", machine.processes());
    let nothing = machine.tui(&["stop-local"])?;
    ensure!(nothing.status == 1 && nothing.stderr.contains("nothing that --local started runs"), "{nothing:?}");

    // As --keep does without any.
    let root = machine.path().join("workspaces").display().to_string();
    let kept = machine.tui(&["--local", "--keep", "--workspace-root", &root, "--exec", "submit true --wait"])?;
    ensure!(kept.status == 0 && kept.stderr.contains(&stop), "{kept:?}");
    let found = machine.exec("submit \"sleep 2; echo done\"")?;
    ensure!(!found.stderr.contains("keep running"), "what it found is not its own: {found:?}");
    // What runs is collected by the next ones.
    ensure!(machine.tui(&["stop-local", "--now"])?.status == 0);
    let job = machine.exec("output job-3 --follow")?;
    ensure!(job.stdout == "done\n", "{job:?}");
    Ok(())
}

fn a_start_that_fails_says_why_once_and_names_what_it_leaves() -> Result<()> {
    let machine = local::Machine::new()?;
    fs::create_dir(machine.data_dir())?;
    fs::set_permissions(machine.data_dir(), Permissions::from_mode(0o700))?;
    // No machine has this address.
    fs::write(machine.data_dir().join("config.json"), r#"{"host": "203.0.113.7"}"#)?;
    fs::set_permissions(machine.data_dir().join("config.json"), Permissions::from_mode(0o600))?;
    let failed = machine.exec("list")?;
    let lines: Vec<&str> = failed.stderr.lines().collect();
    let [message, hint] = lines[..] else { anyhow::bail!("{failed:?}") };
    ensure!(failed.status == 1 && message.contains("cannot listen on 203.0.113.7:30814"), "{failed:?}");
    ensure!(hint.trim_start().starts_with("hint: ") && failed.stderr.matches("hint").count() == 1, "{failed:?}");
    ensure!(hint.contains(&format!("(log: {}/c2d.log)", machine.data_dir().display())), "{failed:?}");
    ensure!(machine.processes().is_empty(), "left running: {:?}", machine.processes());
    Ok(())
}

fn variables_and_paths_mean_what_they_mean_without_it() -> Result<()> {
    let machine = local::Machine::new()?;
    let line = ["--local", "--exec", "submit 'echo in $PWD' --wait"];
    let in_folder = |folder: &str| format!("in {}/job-", machine.path().join(folder).display());
    let relative = machine.tui_with(&[("C2_WORKSPACE_ROOT", "W")], &line)?;
    ensure!(relative.status == 0 && relative.stdout.contains(&in_folder("W")), "{relative:?}");
    let of_home = machine.tui(&[&line[..], &["--workspace-root=~/V"]].concat())?;
    ensure!(of_home.status == 0 && of_home.stdout.contains(&in_folder("V")), "{of_home:?}");

    for (name, status) in [("C2_SLOTS", 1), ("C2_PORT", 1), ("C2_SERVER", 2)] {
        let wrong = machine.tui_with(&[(name, "x")], &["--local", "--exec", "list"])?;
        let told = wrong.stderr.contains(&format!("(from {name})"));
        ensure!(wrong.status == status && told, "{name}: {wrong:?}");
    }
    ensure!(machine.processes().is_empty(), "left running: {:?}", machine.processes());
    Ok(())
}

/// As the workspaces of the version in Python are.
fn a_workspace_root_that_is_open_to_others_is_closed_by_a_line() -> Result<()> {
    let guide = include_str!("../../assets/guide/src/upgrade.md");
    ensure!(guide.contains("chmod 700 /tmp/C2"), "the guide names it");
    let machine = local::Machine::new()?;
    let root = machine.path().join("C2");
    fs::create_dir(&root)?;
    fs::set_permissions(&root, Permissions::from_mode(0o755))?;
    fs::write(root.join("left"), "by an older one")?;
    let path = root.display().to_string();
    let run = || machine.tui(&["--local", "--workspace-root", &path, "--exec", "submit \"echo hi\" --wait"]);
    let refused = run()?;
    ensure!(refused.status == 1 && refused.stderr.contains("is open to others (mode 755)"), "{refused:?}");
    ensure!(refused.stderr.contains(&format!("if it is yours, close it with: chmod 700 {path}")), "{refused:?}");
    fs::set_permissions(&root, Permissions::from_mode(0o700))?;
    let output = run()?;
    ensure!(output.status == 0 && output.stdout.lines().any(|line| line == "hi"), "{output:?}");
    ensure!(root.join("left").exists(), "what lay there was touched");
    Ok(())
}

/// The second user finds the usual port and the usual folder in use.
fn the_second_user_of_a_machine_has_a_c2_of_his_own() -> Result<()> {
    if !may("users of one machine")? {
        return Ok(());
    }
    // Below /tmp the namespace has a folder of its own.
    let home = tempfile::Builder::new().prefix("c2-users-").tempdir_in("/var/tmp")?;
    fs::set_permissions(home.path(), Permissions::from_mode(0o755))?;
    for program in [Program::C2d, Program::Agent, Program::Tui] {
        let path = program.path()?;
        fs::copy(&path, home.path().join(path.file_name().unwrap_or_default()))?;
    }
    for user in [4_241, 4_242] {
        fs::create_dir(home.path().join(user.to_string()))?;
        chown(home.path().join(user.to_string()), Some(user), Some(user))?;
    }
    let script = r#"
        mount -t tmpfs tmpfs /tmp && chmod 1777 /tmp && ip link set lo up || exit 90
        as() {
            user=$1; shift
            setpriv --reuid $user --regid $user --clear-groups env -i HOME="$PWD/$user" PATH="$PWD:$PATH" "$@"
        }
        as 4241 c2-tui --local --keep --exec 'submit "echo in $PWD" --wait' || exit 91
        as 4242 c2-tui --local --exec 'submit "echo in $PWD" --wait' || exit 92
        as 4241 c2-tui --exec list >/dev/null || exit 93
    "#;
    let mut machine = Command::new("unshare");
    machine.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script]);
    let output = machine.current_dir(home.path()).output()?;
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{output:?}");
    for folder in ["in /tmp/C2/job-1", "in /tmp/C2-4242/job-1"] {
        ensure!(said.lines().any(|line| line == folder), "{folder}: {said}{told}");
    }
    ensure!(told.contains("stopped c2d and c2-agent, as no job is left; with --keep they keep running"), "{told}");
    Ok(())
}
