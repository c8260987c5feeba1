//! Addresses that change, and one that another machine takes.

use anyhow::{Result, ensure};
use c2_tests::eventually;
use c2_tests::home::{Home, Machine};
use c2_tests::wait::SOON;

use crate::home::{DATA, LAPTOP, SERVER, done};

const MOVING: Machine = Machine::Worker(2);
const OWNER: Machine = Machine::Worker(1);
const MOVED: &str = "10.0.0.32";
/// How long a worker takes to notice that its connection leads nowhere, and to register.
const NOTICED: std::time::Duration = std::time::Duration::from_secs(60);

/// A worker that gets another address goes on, and what ran there is not run again.
pub(crate) async fn moves(home: &mut Home) -> Result<()> {
    let marks = home.folder(MOVING).join("marks");
    let line = format!("submit \"echo $C2_ATTEMPT >>{}; sleep 40\" --group=moving --name=moving", marks.display());
    console(home, &["assign 10.0.0.12 moving", &line]).await?;
    eventually("its start", SOON, async || Ok(marks.exists().then_some(()))).await?;
    readdress(home, MOVING, &MOVING.address(), MOVED).await?;
    online(home, MOVED).await?;
    let why = console(home, &["why moving"]).await?;
    ensure!(why.contains("its worker has moved: it was at 10.0.0.12 when the job began"), "{why}");
    readdress(home, MOVING, MOVED, &MOVING.address()).await?;
    online(home, &MOVING.address()).await?;
    let ended = console(home, &["wait moving", "job moving"]).await?;
    ensure!(ended.contains("succeeded"), "{ended}");
    let starts = std::fs::read_to_string(&marks)?;
    ensure!(starts.lines().count() == 1, "it started more than once: {starts}");
    Ok(())
}

/// A machine with a good token of its own at the address of another worker gets nothing of that one's.
pub(crate) async fn takes_an_address(home: &mut Home) -> Result<()> {
    let marks = home.folder(OWNER).join("marks");
    let line = format!(
        "submit \"echo start >>{0}; sleep 25; echo end >>{0}\" --group=gpu --tags=gpu:0 --name=owned",
        marks.display()
    );
    console(home, &[&line, "submit true --group=gpu --tags=gpu:0 --name=next"]).await?;
    eventually("its start", SOON, async || Ok(marks.exists().then_some(()))).await?;
    home.kill(MOVING)?;
    home.bash(OWNER, "ip link set cable down").await?;
    eventually("silence", NOTICED, async || Ok(shows(home, &OWNER.address(), "offline").await?.then_some(()))).await?;
    home.bash(MOVING, "ip addr add 10.0.0.11/24 dev cable").await?;
    // The server still knows where the other one was.
    home.bash(Machine::Server, "ip neigh flush all").await?;
    home.start_agent_at(MOVING, "10.0.0.11")?;
    online(home, "10.0.0.11").await?;
    // It is the worker that it was, moved, with its own group; the other one keeps all of its own.
    let shown = console(home, &["job owned", "job next", "info 10.0.0.11", "list"]).await?;
    ensure!(shown.contains("unreachable") && shown.contains("queued"), "{shown}");
    let moved = shown.lines().find(|line| line.starts_with("groups")).unwrap_or_default();
    ensure!(moved.contains("moving") && !moved.contains("gpu"), "{shown}");
    let rows: Vec<&str> = shown.lines().filter(|row| row.starts_with("10.0.0.11 ")).collect();
    let row = |word: &str| rows.iter().any(|row| row.contains(word));
    ensure!(row("offline") && row("online") && row("gpu:0=job"), "{shown}");
    eventually("the address passed on", NOTICED, async || {
        Ok(console(home, &["list"]).await?.contains("another worker has its address by now").then_some(()))
    })
    .await?;
    let why = console(home, &["why owned", "why next"]).await?;
    ensure!(why.matches("another worker has its address by now").count() == 2, "{why}");
    eventually("both in the audit log", SOON, async || {
        let audit = std::fs::read_to_string(home.folder(SERVER).join(DATA).join("audit.log"))?;
        Ok((audit.contains("has moved") && audit.contains("has passed on to")).then_some(()))
    })
    .await?;

    home.kill(MOVING)?;
    home.bash(MOVING, "ip addr del 10.0.0.11/24 dev cable").await?;
    home.bash(OWNER, "ip link set cable up").await?;
    home.bash(Machine::Server, "ip neigh flush all").await?;
    let ended = console(home, &["wait owned next", "job owned"]).await?;
    ensure!(ended.contains("succeeded"), "{ended}");
    ensure!(std::fs::read_to_string(&marks)? == "start\nend\n", "it did not run once");
    home.start_agent(MOVING)?;
    online(home, &MOVING.address()).await
}

async fn readdress(home: &Home, machine: Machine, from: &str, to: &str) -> Result<()> {
    let line = format!("ip addr del {from}/24 dev cable; ip addr add {to}/24 dev cable");
    done(home.bash(machine, &line).await?).map(drop)
}

async fn online(home: &Home, address: &str) -> Result<()> {
    let what = format!("{address} online");
    eventually(&what, NOTICED, async || Ok(shows(home, address, "online").await?.then_some(()))).await
}

/// Whether the list of workers has this word in the row of an address.
async fn shows(home: &Home, address: &str, word: &str) -> Result<bool> {
    let list = console(home, &["list"]).await?;
    Ok(list.lines().any(|row| row.starts_with(&format!("{address} ")) && row.contains(word)))
}

async fn console(home: &Home, lines: &[&str]) -> Result<String> {
    let args: Vec<&str> = lines.iter().flat_map(|line| ["--exec", *line]).collect();
    done(home.tui(LAPTOP, &args).await?)
}
