//! What does not end by itself is given up in time, or when the operator says so.

use anyhow::Context as _;
use c2_tests::ssh::{Machines, available};
use c2_tests::{eventually, scenario, wait};
use rustix::process::{Pid, Signal, kill_process};

crate::tests![a_command_that_hangs_is_given_up_in_time, an_interrupt_keeps_what_came];

fn a_command_that_hangs_is_given_up_in_time() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        for ip in ["127.47.0.1", "127.47.0.2"] {
            machines.up(ip, "atlas").await?;
            machines.know(ip)?;
        }
        machines.configure()?;
        let here = cluster.console_dir();
        // In the cluster's folder, so that what is left running ends with it.
        let hang =
            format!("cd {}; case $SSH_CONNECTION in *127.47.0.2*) exec sleep 3600;; esac; echo up", here.display());
        let output = cluster.exec(&[&format!("pdsh @all --timeout 2 \"{hang}\"")]).await?;
        assert_eq!((output.status, output.stdout.as_str()), (124, "127.47.0.1: up\n"), "{output:?}");
        assert!(output.stderr.contains("127.47.0.2: timed out"), "{output:?}");
        assert!(output.stderr.contains("2 workers: 1 done, 1 timed out"), "{output:?}");
        Ok(())
    });
}

fn an_interrupt_keeps_what_came() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.48.0.1", "atlas").await?;
        machines.know("127.48.0.1")?;
        machines.configure()?;
        let here = cluster.console_dir();
        let mark = here.join("mark");
        let hang = format!("cd {}; echo up; touch {}; exec sleep 3600", here.display(), mark.display());
        let console = machines.begin(&format!("pdsh @all --fold \"{hang}\""))?;
        eventually("the command's mark", wait::SOON, async || Ok(mark.exists().then_some(()))).await?;
        let pid = console.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).context("no process")?;
        kill_process(pid, Signal::INT)?;
        let output = tokio::time::timeout(wait::SOON, console.wait_with_output()).await??;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        assert!(said.contains("127.48.0.1: not waited for") || said.contains("1 not waited for"), "{said}");
        Ok(())
    });
}
