//! The README's first command, on a machine that has nothing yet.

use anyhow::Result;
use c2_tests::local;

crate::tests![the_first_command_of_the_readme_prints_hello_world, it_ends_as_its_job_does_and_leaves_nothing_running,];

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
