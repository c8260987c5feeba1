//! Machines that find each other: c2d announces itself by multicast DNS, with real packets on a network of their own,
//! among others that only pretend to be it.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use c2_shared::join_code::{FINGERPRINT_PROPERTY, SERVICE};
use c2_shared::pass::Pass;
use c2_tests::eventually;
use c2_tests::home::{Home, Machine};
use c2_tests::wait::SOON;
use mdns_sd::{IfKind, ServiceDaemon, ServiceInfo};

use crate::home::{DATA, SERVER, done, invited};

const LAPTOP: Machine = Machine::Worker(1);
/// On which another c2d runs, that is not meant.
const STRANGER: Machine = Machine::Worker(2);

pub(super) async fn story(home: &mut Home) -> Result<()> {
    for machine in [SERVER, STRANGER] {
        std::fs::create_dir_all(home.folder(machine).join(".local/state"))?;
    }
    home.start_c2d(SERVER, DATA, &["--host", "10.0.0.6"]).await?;
    let words = "able about above absent absorb abstract";
    let alone = home.agent(LAPTOP, &["join", "--find", words]).await?;
    ensure!(alone.status == 1 && alone.stderr.contains("no c2d announces itself"), "{alone:?}");
    ensure!(alone.stderr.contains("c2d invite --announce"), "{alone:?}");

    let code = announced(home, &["--uses", "2"]).await?;
    // It listens on all addresses, and says those that others can reach.
    home.start_c2d(STRANGER, "stranger", &["--host", "0.0.0.0"]).await?;
    let strange = home.folder(STRANGER).join("stranger");
    let folder = strange.to_string_lossy().into_owned();
    done(home.c2d(STRANGER, &["--data-dir", &folder, "invite", "--announce"]).await?)?;
    let own = fingerprint(&home.folder(SERVER).join(DATA))?;
    // It says that it is c2d, and cannot prove it on any connection.
    let copycat = announces(home, STRANGER, "copycat", &own)?;
    eventually("all three are heard", SOON, async || {
        let heard = home.agent(LAPTOP, &["join", "--find", words]).await?;
        let lines = heard.stdout.lines().filter(|line| line.starts_with("heard ")).count();
        ensure!(heard.status == 1, "{heard:?}");
        Ok((lines == 3).then_some(heard))
    })
    .await
    .and_then(|heard| {
        ensure!(heard.stderr.contains("none of them knows this code"), "{heard:?}");
        ensure!(heard.stdout.contains(&format!("at 10.0.0.6:30814, fingerprint {own}")), "{heard:?}");
        ensure!(heard.stdout.contains(&format!("at 10.0.0.12:30814, fingerprint {}", fingerprint(&strange)?)));
        Ok(())
    })?;
    let misspelt = home.agent(LAPTOP, &["join", "--find", &format!("{code}x")]).await?;
    ensure!(misspelt.status == 2 && misspelt.stderr.contains("did you mean"), "{misspelt:?}");

    let joined = done(home.agent(LAPTOP, &["join", "--find", &code]).await?)?;
    ensure!(joined.contains("this machine is a worker of 10.0.0.6:30814"), "{joined}");
    // As somebody types it who was asked for it.
    let typed = format!("echo {} | \"$0\" join --find", code.replace('-', " "));
    let typed = home.bash(STRANGER, &typed.replace("$0", &agent()?)).await?;
    ensure!(typed.status == 0 && typed.stdout.contains("a worker of 10.0.0.6:30814"), "{typed:?}");
    let told = ["audit.log", "refused.log"].map(|name| std::fs::read_to_string(strange.join(name)).unwrap_or_default());
    ensure!(!told.concat().contains("/api/join\""), "the stranger was told something: {told:?}");
    runs_a_job(home).await?;
    drop(copycat);
    is_over(home, &code).await
}

/// Where there is no IPv4, and c2d listens on one address or on all.
pub(super) async fn story_of_ipv6(home: &mut Home) -> Result<()> {
    home.speak_ipv6_alone()?;
    std::fs::create_dir_all(home.folder(SERVER).join(".local/state"))?;
    for (host, worker) in [("fd00::6", LAPTOP), ("::", STRANGER)] {
        home.start_c2d(SERVER, DATA, &["--host", host, "--port", "30814"]).await?;
        let code = announced(home, &[]).await?;
        let joined = done(home.agent(worker, &["join", "--find", &code]).await?)?;
        ensure!(joined.contains("this machine is a worker of [fd00::6]:30814"), "{joined}");
        home.kill(SERVER)?;
    }
    Ok(())
}

/// The six words of an announced invitation.
async fn announced(home: &Home, args: &[&str]) -> Result<String> {
    let said = invited(home, &[&["--announce"], args].concat()).await?;
    let code = said.lines().next().context("a code")?;
    ensure!(code.split('-').count() == 6 && said.contains("c2-agent join --find"), "{said}");
    Ok(code.to_owned())
}

async fn runs_a_job(home: &mut Home) -> Result<()> {
    home.start_agent(LAPTOP)?;
    let said = done(home.tui(SERVER, &["--exec", "submit \"echo $C2_WORKER\" --wait"]).await?)?;
    ensure!(said == "10.0.0.11\n", "{said}");
    Ok(())
}

/// The code was used as often as it may be, so c2d is not heard any more.
async fn is_over(home: &Home, code: &str) -> Result<()> {
    eventually("silence", 3 * SOON, async || {
        let heard = home.agent(LAPTOP, &["join", "--find", code]).await?;
        ensure!(heard.status != 0, "the code was good once more: {heard:?}");
        Ok((!heard.stdout.contains("10.0.0.6")).then_some(()))
    })
    .await
}

/// What a c2d is known by.
fn fingerprint(data: &Path) -> Result<String> {
    let pass = Pass::read(&data.join("operator.token"))?;
    Ok(pass.fingerprint.context("a fingerprint")?.to_string())
}

/// Announces a c2d on a machine that has this fingerprint, until it is dropped.
fn announces(home: &Home, machine: Machine, name: &str, fingerprint: &str) -> Result<Copycat> {
    let ip: IpAddr = machine.address().parse()?;
    let host = format!("{name}.local.");
    std::thread::scope(|scope| {
        let speaks = || {
            home.enter(machine)?;
            let daemon = ServiceDaemon::new()?;
            daemon.disable_interface(IfKind::All)?;
            daemon.enable_interface(IfKind::Addr(ip))?;
            let properties = [(FINGERPRINT_PROPERTY, fingerprint)];
            daemon.register(ServiceInfo::new(SERVICE, name, &host, ip, 30_814, &properties[..])?)?;
            Ok(Copycat(daemon))
        };
        scope.spawn(speaks).join().map_err(|_| anyhow::anyhow!("it cannot announce anything"))?
    })
}

struct Copycat(ServiceDaemon);

impl Drop for Copycat {
    fn drop(&mut self) {
        drop(self.0.shutdown());
    }
}

fn agent() -> Result<String> {
    Ok(c2_tests::Program::Agent.path()?.display().to_string())
}
