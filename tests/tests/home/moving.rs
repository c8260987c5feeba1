//! c2d moves to another machine, by the lines of the guide.

use std::fs;

use anyhow::{Result, ensure};
use c2_tests::eventually;
use c2_tests::home::{Home, Machine};
use c2_tests::wait::SOON;

use crate::home::{DATA, SERVER, done, invited};

const OPERATIONS: &str = include_str!("../../../assets/guide/src/operations.md");
const WORKER: Machine = Machine::Worker(1);
const CONSOLE: Machine = Machine::Worker(2);
/// 10.0.0.14, to which c2d moves.
const NEXT: Machine = Machine::Worker(4);

pub(super) async fn story(home: &mut Home) -> Result<()> {
    for machine in [SERVER, NEXT] {
        fs::create_dir_all(home.folder(machine).join(".local/state"))?;
    }
    home.start_c2d(SERVER, DATA, &["--host", "10.0.0.6"]).await?;
    let (line, login) = (invited(home, &[]).await?, invited(home, &["--role", "operator"]).await?);
    done(home.agent(WORKER, &["join", &line]).await?)?;
    home.start_agent(WORKER)?;
    done(home.tui(CONSOLE, &["login", &login]).await?)?;
    done(home.tui(CONSOLE, &["--exec", "submit true --wait"]).await?)?;

    let copy = home.scratch().join("c2d.tar").display().to_string();
    written("c2d backup c2d.tar")?;
    done(home.c2d(SERVER, &["backup", &copy]).await?)?;
    home.kill(SERVER)?;
    written("c2d restore c2d.tar")?;
    let restored = done(home.c2d(NEXT, &["restore", &copy]).await?)?;
    ensure!(restored.contains("the next job is job-1000002: which ids were given"), "{restored}");
    written("c2d --host 10.0.0.14")?;
    home.start_c2d(NEXT, DATA, &["--host", "10.0.0.14"]).await?;
    home.kill(WORKER)?;
    written("c2-agent --server 10.0.0.14")?;
    home.start_agent_with(WORKER, &["--server", "10.0.0.14"])?;
    written("c2-tui --server 10.0.0.14")?;
    let tui = async |line: &str| done(home.tui(CONSOLE, &["--server", "10.0.0.14", "--exec", line]).await?);
    eventually("the worker", SOON, async || Ok(tui("list").await?.contains("online").then_some(()))).await?;
    let said = tui("submit \"echo moved\" --wait").await?;
    ensure!(said == "moved\n", "{said}");
    Ok(())
}

/// Whether the guide says so.
fn written(line: &str) -> Result<()> {
    ensure!(OPERATIONS.lines().any(|written| written.split(" #").next().unwrap_or_default().trim() == line), "{line}");
    Ok(())
}
