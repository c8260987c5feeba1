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
    ensure!(told.contains("stopped c2d and c2-agent; with --keep they go on"), "{told}");
    Ok(())
}
