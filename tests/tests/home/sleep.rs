//! Machines that sleep and are woken, with real packets on a network of their own.
//!
//! No machine really sleeps: what would have it sleep is a program that ends when the packet comes that wakes it, as
//! the network card would hear it, and its agent says nothing meanwhile.

use std::path::Path;

use anyhow::{Result, ensure};
use c2_tests::eventually;
use c2_tests::home::{Home, Machine};
use c2_tests::wait::SOON;

use crate::home::{DATA, SERVER, done, invited};

const LAPTOP: Machine = Machine::Worker(1);
const HELPER: Machine = Machine::Worker(2);

/// Listens for the packet for the card of this machine, and counts it. A card that is broken hears nothing.
const CARD: &str = r#"
import json, os, socket, subprocess, sys
link = json.loads(subprocess.check_output(["ip", "-j", "link", "show", "cable"]))
mac = bytes.fromhex(link[0]["address"].replace(":", ""))
card = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
card.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
card.bind(("::", 9))
open(sys.argv[1], "a").write("asleep\n")
while True:
    packet, source = card.recvfrom(2048)
    if packet == b"\xff" * 6 + mac * 16 and not os.path.exists(sys.argv[1] + ".broken"):
        open(sys.argv[1], "a").write("woken by %s\n" % source[0])
        break
"#;

/// How the machines are called.
struct Addresses {
    server: String,
    laptop: String,
    /// With what the addresses begin that may wake it: over IPv6 the kernel takes the one of the link or the other.
    near: &'static str,
}

pub(super) async fn story(home: &mut Home) -> Result<()> {
    let near = "::ffff:10.0.0.";
    tell(home, &Addresses { server: SERVER.address(), laptop: LAPTOP.address(), near }).await
}

/// Where there is no IPv4 no packet goes to everybody; it goes to all who speak IPv6.
pub(super) async fn story_of_ipv6(home: &mut Home) -> Result<()> {
    home.speak_ipv6_alone()?;
    tell(home, &Addresses { server: SERVER.ipv6(), laptop: LAPTOP.ipv6(), near: "f" }).await
}

async fn tell(home: &mut Home, names: &Addresses) -> Result<()> {
    std::fs::create_dir_all(home.folder(SERVER).join(".local/state"))?;
    home.start_c2d(SERVER, DATA, &["--host", &names.server]).await?;
    let line = invited(home, &["--uses", "2"]).await?;
    for machine in [LAPTOP, HELPER] {
        done(home.agent(machine, &["join", &line]).await?)?;
    }
    home.start_agent(HELPER)?;
    let (card, log) = (home.scratch().join("card.py"), home.scratch().join("card.log"));
    std::fs::write(&card, CARD)?;
    let command = serde_json::json!({"suspend_command": ["python3", card, log], "resources": {"license": 1}});
    let config = home.scratch().join("laptop.json");
    std::fs::write(&config, command.to_string())?;
    let nobody = home.scratch().join("nobody");
    std::fs::create_dir(&nobody)?;
    let flags = [
        "--config".to_owned(),
        config.display().to_string(),
        "--idle-suspend=1s".to_owned(),
        "--settle-ms=0".to_owned(),
        format!("--sight-root={}", nobody.display()),
    ];
    home.start_agent_with(LAPTOP, &flags.each_ref().map(String::as_str))?;
    falls_asleep(home, names, &log).await?;
    a_job_wakes_it(home, &log).await?;
    falls_asleep(home, names, &log).await?;
    an_operator_wakes_it(home, names, &log).await?;
    falls_asleep(home, names, &log).await?;
    c2d_starts_again(home, names, &log).await
}

async fn tui(home: &Home, line: &str) -> Result<String> {
    done(home.tui(SERVER, &["--exec", line]).await?)
}

/// How often something stands in the log of the card.
fn times(log: &Path, word: &str) -> usize {
    std::fs::read_to_string(log).unwrap_or_default().lines().filter(|line| line.contains(word)).count()
}

/// c2d says so, and the card listens.
async fn falls_asleep(home: &Home, names: &Addresses, log: &Path) -> Result<()> {
    let before = times(log, "asleep");
    let listens = before > times(log, "woken");
    eventually("the laptop sleeps", SOON, async || {
        let row = tui(home, &format!("info {}", names.laptop)).await?;
        let sleeps = row.contains("asleep") && (listens || times(log, "asleep") > times(log, "woken"));
        Ok(sleeps.then_some(()))
    })
    .await
}

async fn a_job_wakes_it(home: &Home, log: &Path) -> Result<()> {
    let woken = times(log, "woken");
    let elsewhere = tui(home, "submit \"echo here\" --wait").await?;
    ensure!(elsewhere == "here\n" && times(log, "woken") == woken, "a job that another runs woke it");
    let said = tui(home, "submit \"echo up\" --need=license=1 --wait").await?;
    ensure!(said == "up\n" && times(log, "woken") == woken + 1, "{said}: {}", std::fs::read_to_string(log)?);
    Ok(())
}

/// A card that does not hear the packet is sent another.
async fn an_operator_wakes_it(home: &Home, names: &Addresses, log: &Path) -> Result<()> {
    let broken = log.with_extension("log.broken");
    std::fs::write(&broken, "")?;
    let woken = times(log, "woken");
    let said = tui(home, &format!("wake {}", names.laptop)).await?;
    ensure!(said.contains("waking"), "{said}");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    ensure!(times(log, "woken") == woken, "it heard with a broken card");
    std::fs::remove_file(&broken)?;
    tui(home, &format!("wake {}", names.laptop)).await?;
    eventually("the laptop is awake", SOON, async || Ok((times(log, "woken") > woken).then_some(()))).await
}

/// That a machine sleeps is known to the next c2d, too.
async fn c2d_starts_again(home: &mut Home, names: &Addresses, log: &Path) -> Result<()> {
    home.kill(SERVER)?;
    home.start_c2d(SERVER, DATA, &["--host", &names.server]).await?;
    let row = tui(home, &format!("info {}", names.laptop)).await?;
    ensure!(row.contains("asleep"), "{row}");
    let job = tui(home, "submit \"echo again\" --need=license=1 --wait").await?;
    ensure!(job == "again\n", "{job}");
    // By c2d or by the worker beside it: both send the packet, as either may be in another network.
    ensure!(times(log, &format!("woken by {}", names.near)) == 3, "{}", std::fs::read_to_string(log)?);
    Ok(())
}
